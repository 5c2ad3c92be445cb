"""How requests leave this machine: through a mirror where one is set, and never to a private address."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.core.downloader.handlers.base import BaseDownloadHandler
from scrapy.core.downloader.handlers.http11 import HTTP11DownloadHandler
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from scrapy.resolver import CachingThreadedResolver
from twisted.internet.base import ReactorBase
from twisted.internet.defer import Deferred
from twisted.internet.error import DNSLookupError

from sinanews.exceptions import RunStopping

logger = logging.getLogger(__name__)
abort_downloads = object()  #: a Scrapy signal: let go of every download; the run is stopping
#: IPv6 addresses whose last 32 bits are an IPv4 address: NAT64's and the old "compatible" ones.
_EMBEDS_IPV4 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("::/96"))


class ForbiddenAddress(IgnoreRequest):
    """A URL or a redirect leads where a crawl has no business."""


def is_private(address: str) -> bool:
    """Whether an IP address is anything but public: private, loopback, link-local, mapped, reserved.

    >>> is_private('127.0.0.1'), is_private('::ffff:10.0.0.1'), is_private('169.254.169.254'), is_private('8.8.8.8')
    (True, True, True, False)
    """
    ip = ipaddress.ip_address(address.strip("[]").split("%")[0])
    mapped = getattr(ip, "ipv4_mapped", None) or getattr(ip, "sixtofour", None)
    if mapped is None and any(ip in network for network in _EMBEDS_IPV4 if network.version == ip.version):
        mapped = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return not (mapped or ip).is_global or (mapped or ip).is_multicast


class MirrorDownloadHandler(BaseDownloadHandler):
    """Scrapy's HTTP handler, asking SINANEWS_MIRROR for ``/HOST/PATH?QUERY`` where one is set.

    It sits below every middleware, so ids, layouts, throttling, robots.txt and redirects see the real URLs only.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self.http = HTTP11DownloadHandler(crawler)
        self.mirror: str = crawler.settings.get("SINANEWS_MIRROR", "").rstrip("/")
        self.running: set[asyncio.Task[Response]] = set()
        self.stopping = False
        crawler.signals.connect(self.abort, abort_downloads)

    async def download_request(self, request: Request) -> Response:
        if self.stopping:
            raise RunStopping
        task = asyncio.ensure_future(self._download(request))
        self.running.add(task)
        try:
            return await task
        except asyncio.CancelledError:
            if self.stopping:
                raise RunStopping from None
            raise
        finally:
            self.running.discard(task)

    def abort(self) -> None:
        """Close the connections of downloads that are under way, and begin no other."""
        self.stopping = True
        for task in self.running:
            task.cancel()

    async def _download(self, request: Request) -> Response:
        if not self.mirror:
            return await self.http.download_request(request)
        inner = request.replace(url=f"{self.mirror}/{request.url.split('://', 1)[1]}")
        inner.meta.pop("proxy", None)  # the environment's proxy is for the outside
        response = await self.http.download_request(inner)
        if "download_latency" in inner.meta:  # AutoThrottle reads it
            request.meta["download_latency"] = inner.meta["download_latency"]
        location = (response.headers.get("Location") or b"").decode("latin-1")
        if location.startswith(self.mirror + "/"):
            response.headers["Location"] = "https://" + location.removeprefix(self.mirror + "/")
        elif location.startswith("/") and not location.startswith("//"):
            host = request.url.split("://", 1)[1].split("/", 1)[0]
            if location.startswith(f"/{host}/"):
                response.headers["Location"] = location.removeprefix(f"/{host}")
        return response.replace(url=request.url)

    async def close(self) -> None:
        await self.http.close()


class PublicResolver(CachingThreadedResolver):
    """Scrapy's resolver, refusing names that resolve to a private address (the mirror's own name excepted)."""

    mirror_host: str | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler, reactor: ReactorBase) -> PublicResolver:
        resolver = super().from_crawler(crawler, reactor)
        resolver.mirror_host = urlsplit(crawler.settings.get("SINANEWS_MIRROR", "")).hostname
        return resolver

    def getHostByName(self, name: str, timeout: object = ()) -> Deferred[str]:
        answer: Deferred[str] = super().getHostByName(name)
        return answer if name == self.mirror_host else answer.addCallback(self._public, name)

    def _public(self, address: str, name: str) -> str:
        if is_private(address):
            logger.warning("%s resolves to %s, which is no public address", name, address)
            raise DNSLookupError(f"{address} is no public address")  # Twisted logs a traceback for any other error
        return address
