"""Requests that wait: for the next try, or for a host that asked to be left alone."""

from __future__ import annotations

import asyncio
from time import monotonic

from scrapy import Request
from scrapy.core.scheduler import Scheduler
from scrapy.crawler import Crawler
from scrapy.utils.httpobj import urlparse_cached
from twisted.internet.defer import Deferred

WAIT = "sinanews_wait"  #: key of a request's meta: seconds before it may be sent


class PatientScheduler(Scheduler):
    """Scrapy's scheduler, in which waiting takes no place from others.

    A middleware that sleeps holds one of the CONCURRENT_REQUESTS places; here a request waits in no queue until its
    time has come. The spider is not idle meanwhile; a run that is closed lets go of what waits.

    CONCURRENT_REQUESTS bounds what is under way until it is stored, not only until it is downloaded: where the disk is
    slower than the site a run that is killed loses no more for it.
    """

    crawler: Crawler

    def open(self, spider: object) -> Deferred[None] | None:
        self.waiting: dict[Request, asyncio.TimerHandle] = {}
        self.resting: dict[str, float] = {}  #: host → monotonic time until which it is left alone
        self.most = self.crawler.settings.getint("CONCURRENT_REQUESTS")
        return super().open(spider)  # type: ignore[arg-type]

    def close(self, reason: str) -> Deferred[None] | None:
        for timer in self.waiting.values():
            timer.cancel()
        self.waiting.clear()
        return super().close(reason)

    def rest(self, host: str, seconds: float) -> None:
        """Send that host nothing for so long."""
        self.resting[host] = max(self.resting.get(host, 0), monotonic() + seconds)

    def enqueue_request(self, request: Request) -> bool:
        wait = float(request.meta.pop(WAIT, 0))
        if wait <= 0:
            return super().enqueue_request(request)
        self._hold(request, wait)
        return True

    def next_request(self) -> Request | None:
        if self.under_way() >= self.most:
            return None  # the engine asks again as soon as one is stored
        while (request := super().next_request()) is not None:
            wait = self.resting.get(urlparse_cached(request).hostname or "", 0) - monotonic()
            if wait <= 0:
                break
            self._hold(request, wait)
        return request

    def under_way(self) -> int:
        """Requests that are being downloaded, and answers that are being read and stored."""
        engine = self.crawler.engine
        slot = engine.scraper.slot if engine is not None else None
        return len(engine.downloader.active) + len(slot.active) + len(slot.queue) if slot is not None else 0

    def __len__(self) -> int:
        return super().__len__() + len(self.waiting)

    def _hold(self, request: Request, seconds: float) -> None:
        timer = asyncio.get_running_loop().call_later(seconds, self._release, request)
        self.waiting[request] = timer

    def _release(self, request: Request) -> None:
        del self.waiting[request]
        self.crawler.engine.crawl(request.replace(dont_filter=True))  # it passed the filter before it waited
