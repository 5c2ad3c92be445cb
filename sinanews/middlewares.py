"""Downloader middlewares: whom a crawl may ask, and how patiently it asks again."""

from __future__ import annotations

import asyncio
import logging
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.retry import RetryMiddleware
from scrapy.http import Response

from sinanews.downloads import ForbiddenAddress
from sinanews.urls import is_sina_host

logger = logging.getLogger(__name__)
LONGEST_WAIT = 60.0  #: seconds


class GuardMiddleware:
    """Refuses any request that is not for a host of Sina's on its ordinary port: redirects pass here too."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.hosts = tuple(h.strip().lower() for h in crawler.settings.getlist("SINANEWS_HOSTS") if h.strip())

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> GuardMiddleware:
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        reason = self._why_not(request.url)
        if reason:
            self.crawler.stats.inc_value("sinanews/requests/forbidden")
            raise ForbiddenAddress(f"{request.url[:200]}: {reason}")

    def _why_not(self, url: str) -> str | None:
        parts = urlsplit(url)
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
        if not is_sina_host(parts.hostname or "", self.hosts):
            return "not a host of Sina's (SINANEWS_HOSTS adds others)"
        return None


class PatientRetryMiddleware(RetryMiddleware):
    """Scrapy's retries, each after twice the wait of the one before, and after what Retry-After asks for."""

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> PatientRetryMiddleware:
        middleware = super().from_crawler(crawler)
        middleware.first_wait = crawler.settings.getfloat("SINANEWS_RETRY_DELAY")
        return middleware

    first_wait: float = 2.0

    async def process_response(self, request: Request, response: Response) -> Request | Response:  # type: ignore[override]
        result = super().process_response(request, response)
        if isinstance(result, Request):
            await self._wait(request, response)
        return result

    async def process_exception(self, request: Request, exception: Exception) -> Request | Response | None:  # type: ignore[override]
        result = super().process_exception(request, exception)
        if isinstance(result, Request):
            await self._wait(request, None)
        return result

    async def _wait(self, request: Request, response: Response | None) -> None:
        asked = (response.headers.get("Retry-After") or b"").decode("latin-1") if response is not None else ""
        wait = self.first_wait * 2 ** int(request.meta.get("retry_times", 0))
        if asked.isdigit():
            wait = max(wait, float(asked))
        await asyncio.sleep(min(wait, LONGEST_WAIT))
