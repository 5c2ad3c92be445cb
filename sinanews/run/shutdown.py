"""Ending a run that is asked to end: what a signal, a ban or a full disk must not have to wait for."""

from __future__ import annotations

from scrapy import signals
from scrapy.crawler import Crawler
from scrapy.utils.asyncio import create_looping_call
from scrapy.utils.defer import deferred_from_coro

from sinanews.downloads import abort_downloads
from sinanews.exceptions import RunStopping
from sinanews.run.extension import Run

LOOK = 0.2  #: seconds between two looks at whether the run is stopping


class Shutdown:
    """Has a stopping run end soon; the articles that were asked for stay as listed, and the next run asks again.

    Scrapy 2.19 closes a spider by waiting, for as long as it takes: for downloads (a body that drips in: until
    DOWNLOAD_TIMEOUT), for requests that wait for their host's delay, and for the items in the pipelines. For the last
    it looks again after each response, but never after an item that ``start()`` yielded, which has none: a run that
    is closed while such an item is under way never ends.
    """

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.closing = False
        self.task = create_looping_call(self.look)
        crawler.signals.connect(self.begin, signals.spider_opened)
        crawler.signals.connect(self.end, signals.spider_closed)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Shutdown:
        return cls(crawler)

    def begin(self) -> None:
        self.run = Run.of(self.crawler)
        self.task.start(LOOK, now=False)

    def end(self) -> None:
        if self.task.running:
            self.task.stop()

    def look(self) -> None:
        run = self.run
        if run.stopping:
            self.drop_requests()
            self.close()
        # After a signal what is nearly there may still come: it is not asked for twice.
        if run.stopped_because is not None or run.interrupts.no_use_waiting():
            self.crawler.signals.send_catch_log(abort_downloads)
        slot, spider = self.crawler.engine.scraper.slot, self.crawler.spider
        closing = slot.closing if slot is not None and slot.is_idle() else None
        if closing is not None and not closing.called and spider is not None:
            closing.callback(spider)

    def close(self) -> None:
        """Scrapy does so, unless asked before its engine ran: the spider would then end as if all were done."""
        if not self.closing:
            self.closing = True
            deferred_from_coro(self.crawler.engine.close_spider_async(reason="shutdown"))

    def drop_requests(self) -> None:
        """Let go of what waits for its turn to be downloaded."""
        for slot in self.crawler.engine.downloader.slots.values():
            while slot.queue:
                _, waiting = slot.queue.popleft()
                waiting.errback(RunStopping())
