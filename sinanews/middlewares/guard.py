"""Whom a crawl may ask."""

from __future__ import annotations

from urllib.parse import urlsplit

from scrapy import Request
from scrapy.crawler import Crawler

from sinanews.downloads import ForbiddenAddress, is_private_host
from sinanews.urls import PICTURE_ROOTS, is_sina_host


class GuardMiddleware:
    """Refuses any request that is not for a host of Sina's on its ordinary port: redirects pass here too.

    With SINANEWS_HOSTS ``*`` any, unless its host is a private address in itself. What names resolve to is looked at
    where the connection is made (downloads.py).
    """

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.hosts = tuple(h.strip().lower() for h in crawler.settings.getlist("SINANEWS_HOSTS") if h.strip())

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> GuardMiddleware:
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        reason = self._why_not(request.url)
        if reason and (request.meta.get("picture") or urlsplit(request.url).path == "/robots.txt"):
            reason = self._why_not(request.url, PICTURE_ROOTS)
        if reason:
            self.crawler.stats.inc_value("sinanews/requests/forbidden")
            raise ForbiddenAddress(f"{request.url[:200]}: {reason}")

    def _why_not(self, url: str, extra: tuple[str, ...] = ()) -> str | None:
        parts = urlsplit(url)
        if "*" in self.hosts:
            return "a private address" if is_private_host(parts.hostname or "") else None
        if parts.scheme not in ("http", "https"):
            return f"{parts.scheme} is not http or https"
        if parts.username or parts.password:
            return "it carries credentials"
        try:
            port = parts.port
        except ValueError:
            return "its port is no number"
        if port not in (None, 80 if parts.scheme == "http" else 443):
            return f"port {port} is not the ordinary one"
        if not is_sina_host(parts.hostname or "", (*self.hosts, *extra)):
            return "not a host of Sina's (SINANEWS_HOSTS adds others)"
        return None
