"""How much of what comes in packed is unpacked at once."""

from __future__ import annotations

import asyncio
import gc

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.httpcompression import HttpCompressionMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response

MOST_UNPACKED = 4 << 20  #: bytes of bodies that are dealt with before the next is unpacked
LARGE = 1 << 20  #: bytes of a body that is not left to Python's own time for giving memory back
MOST_UNCOLLECTED = 16 << 20  #: bytes of such bodies after which it is given back, however few objects they were


class FrugalCompressionMiddleware(HttpCompressionMiddleware):
    """Scrapy's, unpacking a page only while few bytes of others are unpacked and not yet dealt with.

    DOWNLOAD_MAXSIZE bounds one page, this how many of that size there are at once, whatever CONCURRENT_REQUESTS is.
    """

    def __init__(self, *, crawler: Crawler) -> None:
        super().__init__(crawler=crawler)
        self.crawler = crawler
        self.turn = asyncio.Lock()
        self.unpacked: dict[Request, int] = {}  #: bytes of each body
        self.since_collected = 0  #: bytes of large bodies since Python last looked for what nobody needs

    async def process_response(self, request: Request, response: Response) -> Request | Response:  # type: ignore[override]
        async with self.turn:
            while self.bytes_under_way() > MOST_UNPACKED:
                await asyncio.sleep(0.01)
            if self.since_collected > MOST_UNCOLLECTED:
                self.since_collected = 0
                gc.collect()  # tasks and the errors of dropped items keep each other, and with them whole pages
            unpacked = self.unpack(request, response)
            self.unpacked[request] = size = len(unpacked.body)
            self.since_collected += size if size > LARGE else 0
        return unpacked

    def bytes_under_way(self) -> int:
        """Those of bodies whose request is still in the middlewares, the spider or the pipelines."""
        engine = self.crawler.engine
        there = engine.downloader.active | (engine.scraper.slot.active if engine.scraper.slot is not None else set())
        self.unpacked = {request: size for request, size in self.unpacked.items() if request in there}
        return sum(self.unpacked.values())

    def unpack(self, request: Request, response: Response) -> Request | Response:
        """Raises IgnoreRequest for a bomb, without what Scrapy's error keeps alive: the frame that has it unpacked."""
        try:
            return super().process_response(request, response)
        except IgnoreRequest as error:
            words = str(error)
        raise IgnoreRequest(words)
