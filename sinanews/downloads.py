"""How requests leave this machine: through a mirror where one is set, and never to a private address."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
from typing import Any
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.core.downloader.handlers.base import BaseDownloadHandler
from scrapy.core.downloader.handlers.http11 import HTTP11DownloadHandler
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from scrapy.resolver import HostResolution
from scrapy.utils.datatypes import LocalCache
from scrapy.utils.defer import deferred_from_coro
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, TCP4ClientEndpoint
from twisted.internet.interfaces import IHostnameResolver, IReactorPluggableNameResolver
from twisted.web.client import HTTPConnectionPool
from zope.interface import implementer  # type: ignore[import-untyped]

from sinanews.exceptions import RunStopping

logger = logging.getLogger(__name__)
about_to_send = object()  #: a Scrapy signal, with the request: each is waited for before it leaves
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


def is_private_host(host: str) -> bool:
    """Whether a URL's host is a private address in itself, or this machine's name.

    >>> is_private_host('127.0.0.1'), is_private_host('LOCALHOST.'), is_private_host('news.example.com')
    (True, True, False)
    """
    name = host.lower().rstrip(".")
    try:
        return name == "localhost" or name.endswith(".localhost") or is_private(name)
    except ValueError:  # no address
        return False


class MirrorDownloadHandler(BaseDownloadHandler):
    """Scrapy's HTTP handler, asking SINANEWS_MIRROR for ``/HOST/PATH?QUERY`` where one is set.

    It sits below every middleware, so ids, layouts, throttling, robots.txt and redirects see the real URLs only.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self.http = PublicHTTPDownloadHandler(crawler)
        self.mirror: str = crawler.settings.get("SINANEWS_MIRROR", "").rstrip("/")
        self.signals = crawler.signals
        self.running: set[asyncio.Task[Response]] = set()
        self.stopping = False
        crawler.signals.connect(self.abort, abort_downloads)

    async def download_request(self, request: Request) -> Response:
        if self.stopping:
            raise RunStopping
        inner = request
        if self.mirror:
            inner = request.replace(url=f"{self.mirror}/{request.url.split('://', 1)[1]}")
            inner.meta.pop("proxy", None)  # the environment's proxy is for the outside
        task = asyncio.ensure_future(self._send(request, inner))
        self.running.add(task)
        try:
            response = await task
        except asyncio.CancelledError:
            if self.stopping:
                raise RunStopping from None
            raise
        finally:
            self.running.discard(task)
        return self._as_by_the_site(request, inner, response) if self.mirror else response

    async def _send(self, request: Request, inner: Request) -> Response:
        await self.signals.send_catch_log_async(about_to_send, request=request)
        return await self.http.download_request(inner)

    def abort(self) -> None:
        """Close the connections of downloads that are under way, and begin no other."""
        self.stopping = True
        for task in self.running:
            task.cancel()

    def _as_by_the_site(self, request: Request, inner: Request, response: Response) -> Response:
        """The mirror's response, with the addresses that the site itself would have."""
        if "download_latency" in inner.meta:  # AutoThrottle reads it
            request.meta["download_latency"] = inner.meta["download_latency"]
        location = (response.headers.get("Location") or b"").decode("latin-1")
        host = request.url.split("://", 1)[1].split("/", 1)[0]
        if location.startswith(self.mirror + "/"):
            response.headers["Location"] = "https://" + location.removeprefix(self.mirror + "/")
        elif location.startswith(f"/{host}/"):
            response.headers["Location"] = location.removeprefix(f"/{host}")
        return response.replace(url=request.url)

    async def close(self) -> None:
        await self.http.close()


class PublicHTTPDownloadHandler(HTTP11DownloadHandler):
    """Scrapy's HTTP handler, connecting to public addresses only, whoever runs the crawl.

    (TWISTED_DNS_RESOLVER is installed by the CrawlerProcess classes alone, and for the whole process.)
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        from twisted.internet import reactor

        pool = PublicConnectionPool(reactor, PublicResolver(crawler))
        pool.maxPersistentPerHost, pool._factory = self._pool.maxPersistentPerHost, self._pool._factory
        self._pool = pool


class PublicConnectionPool(HTTPConnectionPool):
    """Has endpoints look their host up with our resolver. A proxy, which the user chose, is looked up as ever."""

    def __init__(self, reactor: Any, resolver: PublicResolver) -> None:
        super().__init__(reactor, persistent=True)  # type: ignore[no-untyped-call]
        self.reactor = ResolvingReactor(reactor, resolver)

    def getConnection(self, key: Any, endpoint: Any) -> Deferred[Any]:
        if key[0] != b"http-proxy" and not isinstance(endpoint, TCP4ClientEndpoint):  # a tunnel through a proxy
            to_host = getattr(endpoint, "_wrappedEndpoint", endpoint)  # without the TLS around it
            if not isinstance(to_host, HostnameEndpoint):  # nothing that was not checked
                raise TypeError(f"{to_host!r} is no HostnameEndpoint; does this release of Scrapy fit?")
            to_host._reactor = self.reactor
        return super().getConnection(key, endpoint)


@implementer(IReactorPluggableNameResolver)
class ResolvingReactor:
    """The reactor, with a resolver that its other users do not have."""

    def __init__(self, reactor: Any, resolver: PublicResolver) -> None:
        self._reactor = reactor
        self.nameResolver = resolver

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)


@implementer(IHostnameResolver)
class PublicResolver:
    """Gives all addresses of a name, and none of one that has a private address; the mirror's own name is let through.

    An endpoint connects to what it is given here: nobody looks the name up again and gets another answer.
    """

    def __init__(self, crawler: Crawler) -> None:
        settings = crawler.settings
        self.mirror_host = urlsplit(settings.get("SINANEWS_MIRROR", "")).hostname
        self.timeout = settings.getfloat("DNS_TIMEOUT")
        self.looked_up: LocalCache[str, list[str]] = LocalCache(
            settings.getint("DNSCACHE_SIZE") if settings.getbool("DNSCACHE_ENABLED") else 0
        )

    def resolveHostName(
        self, receiver: Any, hostName: str, portNumber: int = 0, addressTypes: Any = None, transportSemantics: str = ""
    ) -> HostResolution:
        resolution = HostResolution(hostName)
        receiver.resolutionBegan(resolution)
        deferred_from_coro(self._tell(receiver, hostName, portNumber))
        return resolution

    async def _tell(self, receiver: Any, name: str, port: int) -> None:
        try:
            for address in await self.addresses(name):
                kind = IPv6Address if ":" in address else IPv4Address
                receiver.addressResolved(kind("TCP", address, port))
        finally:
            receiver.resolutionComplete()  # without an address it is a DNSLookupError

    async def addresses(self, name: str) -> list[str]:
        """A name's addresses, each once; none for one that cannot be looked up or is not public."""
        if name in self.looked_up:
            return self.looked_up[name]
        try:
            looking = asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_STREAM)
            answers = await asyncio.wait_for(looking, self.timeout)
        except (OSError, UnicodeError, asyncio.TimeoutError):
            return []
        found = list(dict.fromkeys(str(answer[4][0]) for answer in answers))
        private = next(filter(is_private, found), None) if name != self.mirror_host else None
        if private is not None:
            logger.warning("%s resolves to %s, which is no public address", name, private)
            return []
        if self.looked_up.limit:
            self.looked_up[name] = found
        return found
