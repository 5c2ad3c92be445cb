"""``scrapy crawl sina_warc``: articles out of anybody's WARC files, as they were when they were captured."""

from __future__ import annotations

import asyncio
import re
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from scrapy import Request, signals
from scrapy.crawler import Crawler
from scrapy.exceptions import CloseSpider, IgnoreRequest
from scrapy.http import Response

from sinanews.archive.reading import Reading
from sinanews.arguments import Argument
from sinanews.catalogue.forgotten import FORGOTTEN
from sinanews.exceptions import ArgumentError, CutPage, NoAnswer, Refused
from sinanews.items import ArticleItem, Fetch
from sinanews.listing.channels import channel_by_slug
from sinanews.listing.roll import Listing
from sinanews.middlewares.completeness import UNCONFIRMED, CompletenessMiddleware
from sinanews.middlewares.unpacking import FrugalCompressionMiddleware
from sinanews.originals import check_warcio
from sinanews.originals.capture import Capture, DamagedRecord
from sinanews.originals.reading import WarcReader
from sinanews.pages import Page
from sinanews.pages.answers import read_answer
from sinanews.pages.pagination import page_number
from sinanews.spiders.base import ArchiveSpider
from sinanews.spiders.seeds import existing_path
from sinanews.urls import article_id, canonical_url, why_not_readable

MOST_UNDER_WAY = 32  #: items in the pipelines
MOST_APART = 200  #: pages that wait for the others of their article, and articles that wait for pages
NAMES = (".warc", ".warc.gz")
_NUMBER = re.compile(r"[-_]p?\d{1,2}(?=(?:\.d)?\.s?html?$)")


class SinaWarcSpider(ArchiveSpider):
    """Reads every WARC file under ``path``; of other sites' records it looks at the address alone.

    An article that the archive has as it was then or later is known: no capture replaces a newer one. What a capture
    is beside an article (gone, a wall, cut off) is counted, and decides nothing of what Sina has today.
    """

    name = "sina_warc"
    online = False
    ARGUMENTS = {"path": Argument(existing_path, "a WARC file, or a folder of them")}

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> SinaWarcSpider:
        spider = super().from_crawler(crawler, *args, **kwargs)
        crawler.signals.connect(spider.item_through, signals.item_scraped)
        crawler.signals.connect(spider.item_through, signals.item_dropped)
        return spider

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        check_warcio("sina_warc")
        if "path" not in self.options:
            raise ArgumentError("say which files: -a path=FILE or -a path=FOLDER")
        self.room = asyncio.Semaphore(MOST_UNDER_WAY)
        self.under_way: Counter[str] = Counter()  #: ids of articles in the pipelines
        #: Articles by the page that they wait for, and pages of which the first was not met yet.
        self.wanted: OrderedDict[str, Reading] = OrderedDict()
        self.further: OrderedDict[str, Page] = OrderedDict()

    async def start(self) -> AsyncIterator[Any]:
        given: Path = self.options["path"]
        for path in warc_files(given) if given.is_dir() else [given]:
            self.run.count("warc/files")
            async for item in self.articles_in(path):
                yield await self.admitted(item)
        for item in self.left_over(0):
            yield await self.admitted(item)

    async def admitted(self, item: ArticleItem) -> ArticleItem:
        """The item, once there is room for it."""
        await self.room.acquire()
        self.under_way[item.id] += 1
        return item

    def item_through(self, item: ArticleItem) -> None:
        self.room.release()
        self.under_way[item.id] -= 1
        if not self.under_way[item.id]:
            del self.under_way[item.id]

    # --- a file ----------------------------------------------------------------------------------------

    async def articles_in(self, path: Path) -> AsyncIterator[ArticleItem]:
        reader = WarcReader(path, self.wants)
        captures = iter(reader)
        try:
            # A thread reads, so that a signal is heard while it passes over what is of others.
            while (capture := await asyncio.to_thread(next, captures, None)) is not None:
                for item in await self.articles_of(capture):
                    yield item
        except (DamagedRecord, OSError) as error:
            self.logger.warning("%s: %s", path, getattr(error, "strerror", None) or error)
            self.run.count("failed/unreadable")
        self.run.count("warc/records", reader.records)
        if reader.damaged:
            self.run.anomaly("damaged_warc", f"{path}: {reader.damaged} stretches are damaged and were passed over")

    def wants(self, url: str) -> bool:
        if self.run.stopping:
            raise CloseSpider("shutdown")
        return "sina" in url and why_not_readable(url) is None

    async def articles_of(self, capture: Capture) -> list[ArticleItem]:
        """The articles that are whole with this capture: none, mostly one."""
        url = canonical_url(capture.url)
        row = Listing(article_id(url), url, "", None, capture.at)
        if capture.status != 200:
            self.run.count(f"warc/http_{capture.status}")
            return []
        channel = None
        if not is_further(url):
            while self.under_way[row.key]:  # another capture of it; what comes of it is to be known first
                await asyncio.sleep(0.005)
            is_known, channel = self.known(row, capture.at)
            if is_known or self.waits(row, capture.at):
                self.run.count("articles/known")
                return []
        page = self.page_of_capture(capture, row)
        if page is None:
            return []
        if is_further(url) and url not in self.wanted:
            self.further[url] = page
            while len(self.further) > MOST_APART:
                self.further.popitem(last=False)
            return []
        reading = self.wanted.pop(url, None)
        if reading is not None:
            reading.add(page, url)
        else:
            fetch = Fetch(row.key, capture.at)
            reading = Reading(row, channel_by_slug(channel), fetch, capture.at, [page])
        return [*self.read_on(reading), *self.left_over(MOST_APART)]

    def waits(self, row: Listing, at: datetime) -> bool:
        """Whether a later capture of an article waits for its other pages; one from before is given up."""
        for url, reading in list(self.wanted.items()):
            if reading.row.key == row.key:
                if reading.began >= at:
                    return True
                del self.wanted[url]
                self.run.count("articles/known")
        return False

    def known(self, row: Listing, at: datetime) -> tuple[bool, str | None]:
        """Whether a capture of that time says nothing new of an article; and the article's channel, if it has one."""
        catalogue = self.run.catalogue
        article = row.id or catalogue.known_urls([row.url]).get(row.url, row.url)
        there = catalogue.article(catalogue.forgotten.by_digest(row.url) or article)
        if there is not None and there.state == FORGOTTEN:
            return True, None
        if there is None or there.state not in ("exported", "duplicate"):
            return False, there.channel if there is not None else None
        try:
            kept = catalogue.contents.get(article, there.revision) if there.state == "exported" else None
        except ValueError:  # damaged
            kept = None
        # The last capture that was as it is kept has left its time as the row's.
        times = [time for time in (kept[0].fetched_at if kept is not None else None, there.listed_mtime) if time]
        return there.state == "duplicate" or max(times, default=there.recorded_at) >= at, there.channel

    # --- a page ----------------------------------------------------------------------------------------

    def page_of_capture(self, capture: Capture, row: Listing) -> Page | None:
        """None, and why is counted, for what is no page of an article."""
        try:
            response = self.unpacked(capture)
            page = read_answer(
                200, response.body, row.url, answered_by=row.url, content_type=capture.header("Content-Type"),
                confirmed=UNCONFIRMED not in response.flags,
            )  # fmt: skip
        except (Refused, NoAnswer, CutPage, DamagedRecord) as error:
            reason = getattr(error, "reason", "cut" if isinstance(error, CutPage) else "damaged")
            self.run.count(f"refused/{reason}")
            self.logger.info("no article (%s): %s", reason, error)
            return None
        self.keep_answer(response, capture.at, row.url, row)
        return page

    def unpacked(self, capture: Capture) -> Response:
        """The capture as a response whose body is unpacked. Raises DamagedRecord.

        Many write down how a body was packed and keep it unpacked.
        """
        packed = [] if capture.body.lstrip()[:1] == b"<" else ["content-encoding"]
        headers = [(k, v) for k, v in capture.headers if k.lower() != "content-encoding" or k.lower() in packed]
        request, flags = Request(capture.url), [] if capture.whole else ["partial"]
        response = Response(capture.url, 200, body=capture.body, flags=flags)
        for name, value in headers:
            response.headers.appendlist(name, value.encode("utf-8"))
        response = CompletenessMiddleware().process_response(request, response)
        try:
            unpacked = FrugalCompressionMiddleware(crawler=self.crawler).unpack(request, response)
        except IgnoreRequest as error:
            raise DamagedRecord(str(error)) from None
        except Exception as error:  # the unpackers have one of their own each
            raise DamagedRecord(f"{capture.url}: cannot be unpacked: {error}") from None
        assert isinstance(unpacked, Response)
        return unpacked

    def read_on(self, reading: Reading) -> Iterator[ArticleItem]:
        """The article, where all its pages are there; else it waits for the next."""
        while (url := reading.next_page()) is not None:
            if url not in self.further:
                self.wanted[url] = reading
                return
            reading.add(self.further.pop(url), url)
        yield reading.finished()

    def left_over(self, most: int) -> Iterator[ArticleItem]:
        """The articles that have waited longest for a page, but for so many; what they wait for is missing."""
        while len(self.wanted) > most:
            url, reading = self.wanted.popitem(last=False)
            reading.misses(url, "it is not in these files")
            yield from self.read_on(reading)


def warc_files(folder: Path) -> Iterator[Path]:
    """The WARC files under a folder in a fixed order; nothing that a link leads to."""
    for path in sorted(folder.rglob("*")):
        if path.name.endswith(NAMES) and path.is_file() and not path.is_symlink():
            yield path


def is_further(url: str) -> bool:
    """Whether an address is of another page of an article than its first.

    >>> is_further("https://finance.sina.com.cn/china/2022-09-01/doc-imizmscv8626000_2.shtml")
    True
    >>> is_further("https://slide.finance.sina.com.cn/slide_9_63957_28.html")
    False
    """
    article = article_id(url)
    return article is not None and page_number(url) > 1 and article_id(_NUMBER.sub("", url, count=1)) == article
