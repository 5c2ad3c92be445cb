"""Where a run meets its spider: begun with the spider's ``start()``, ended by a catalogue that fails in a callback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from scrapy.crawler import Crawler
from scrapy.http import Response

from sinanews.exceptions import CatalogueError
from sinanews.run.extension import Run

MOMENT = 0.01  #: seconds between two looks


class RunMiddleware:
    """Begins the run when the spider's own ``start()`` begins; nothing of it is asked for where that fails."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> RunMiddleware:
        return cls(crawler)

    async def process_start(self, start: AsyncIterator[Any]) -> AsyncIterator[Any]:
        run, spider = Run.of(self.crawler), self.crawler.spider
        assert spider is not None
        # `scrapy fetch` and `parse` put a start() of their own into the spider, and `shell` runs none at all.
        if not type(spider).start.__module__.startswith("scrapy.commands."):
            run.begin(spider)
        try:
            if not run.stopping:
                async for one in start:
                    yield one
                await self.items_are_through()
        except CatalogueError as error:
            run.stop_run(error)

    async def items_are_through(self) -> None:
        """Wait for the items of ``start()``: nobody tells the engine when they are, and it looks every 5 s only."""
        engine = self.crawler.engine
        while engine is not None and engine.scraper.slot is not None and engine.scraper.slot.itemproc_size:
            await asyncio.sleep(MOMENT)

    def process_spider_exception(self, response: Response, exception: Exception) -> list[Any] | None:
        """A catalogue that fails in a callback ends the run; any other error is Scrapy's to log."""
        if not isinstance(exception, CatalogueError):
            return None
        Run.of(self.crawler).stop_run(exception)
        return []
