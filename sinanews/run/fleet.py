"""A run among others that share its catalogue, here and on other machines: what it claims, when it may ask a host."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.utils.httpobj import urlparse_cached

from sinanews.catalogue import Catalogue
from sinanews.catalogue.claims import Claimed, Wanted
from sinanews.catalogue.workers import Membership
from sinanews.downloads import about_to_send
from sinanews.exceptions import SinanewsError

logger = logging.getLogger(__name__)
Result = TypeVar("Result")


class Fleet:
    """The others, as a run deals with them. Its questions to the catalogue have a thread; the event loop only waits."""

    def __init__(self, crawler: Crawler, catalogue: Catalogue, what: str, look: Callable[[], None]) -> None:
        """Join. ``look`` is called every few seconds, in a thread. Raises CatalogueError."""
        settings = crawler.settings
        self.crawler, self.catalogue, self.loop = crawler, catalogue, asyncio.get_running_loop()
        self.address: str = settings["SINANEWS_ADDRESS"]
        self.lease = settings.getfloat("SINANEWS_LEASE")
        self.member = Membership(catalogue.workers, self.address, what, self.lease, look)
        catalogue.claims.worker = self.member.id
        self.thread = ThreadPoolExecutor(1, "sinanews fleet")
        crawler.signals.connect(self.take_turn, about_to_send)

    async def ask(self, do: Callable[..., Result], *args: object) -> Result:
        return await self.loop.run_in_executor(self.thread, do, *args)

    async def claim(self, wanted: Wanted) -> Claimed:
        """Raises CatalogueError."""
        return await self.ask(self.catalogue.claims.claim, [wanted])

    async def take_turn(self, request: Request) -> None:
        """Wait for the host's next turn. Its pace is the delay that is set: AutoThrottle's is each worker's own."""
        host, delay = urlparse_cached(request).hostname or "", self.delay(request)
        if delay > 0:
            try:
                await asyncio.sleep(await self.ask(self.catalogue.budgets.reserve, self.address, host, delay))
            except SinanewsError as error:
                logger.warning("%s is asked without a turn of its own: %s", host, error)

    def delay(self, request: Request) -> float:
        """Seconds between two requests to the request's host: Scrapy's settings, which the guests of a site share."""
        slot = str(request.meta.get("download_slot") or urlparse_cached(request).hostname)
        of_slot = self.crawler.settings.getdict("DOWNLOAD_SLOTS").get(slot, {})
        return float(of_slot.get("delay", self.crawler.settings.getfloat("DOWNLOAD_DELAY")))

    def rest(self, host: str, seconds: float) -> None:
        """Have nobody of this address ask the host for so long."""
        self.thread.submit(self.catalogue.budgets.rest, self.address, host, seconds)

    def leave(self) -> None:
        """Give everything back; nothing is asked of the catalogue afterwards."""
        self.thread.shutdown(cancel_futures=True)
        self.member.leave()
