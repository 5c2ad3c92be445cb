"""The pipeline that fetches pictures: after articles are done, beside them, and never in their way."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Any

from scrapy import Request, signals
from scrapy.crawler import Crawler
from scrapy.exceptions import DontCloseSpider, NotConfigured
from scrapy.http import Response
from scrapy.pipelines.files import FilesPipeline
from scrapy.pipelines.media import FileException
from twisted.python.failure import Failure

from sinanews.archive.rewriting import Rewriter
from sinanews.catalogue.pictures import WantedPictures
from sinanews.exceptions import BadPicture, CatalogueError, ExportError
from sinanews.middlewares.bans import BanMiddleware
from sinanews.middlewares.completeness import UNCONFIRMED
from sinanews.pictures.checks import MOST_BYTES, check_installed, picture_path
from sinanews.posts.exporter import PostRenderer
from sinanews.posts.pictures import pictures_of
from sinanews.run.extension import Run
from sinanews.spiders.base import why_failed

logger = logging.getLogger(__name__)
AT_ONCE = 4  #: articles whose pictures are under way


class PicturePipeline(FilesPipeline):
    """Notes which pictures an article shows, and fetches what is noted, of earlier runs too, while the run has time.

    A post is written with the pictures where they are, and anew when they are here. What fails stays remote and is
    tried by a later run. A host that refuses us ends the pictures of this run, not the run.
    """

    LOG_FAILED_RESULTS = False

    def __init__(self, store_uri: str, *, crawler: Crawler) -> None:
        super().__init__(store_uri, crawler=crawler)
        self.run = Run.of(crawler)
        self.render = PostRenderer.from_settings(crawler.settings)
        self.limit = crawler.settings.getint("SINANEWS_BAN_LIMIT")
        self.refusals = 0  #: in a row
        self.reasons: dict[str, str] = {}  #: url → why it could not be had
        self.under_way: dict[str, asyncio.Task[None]] = {}  #: by article
        self.stuck: set[str] = set()  #: articles over which our own code stumbled: not begun again in this run
        self.checking = asyncio.Lock()  #: a picture unpacked can be 150 MB: one at a time
        crawler.signals.connect(self.spider_idle, signals.spider_idle)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> PicturePipeline:
        """Raises ArgumentError where SINANEWS_IMAGES is on and Pillow is missing."""
        if not crawler.settings.getbool("SINANEWS_IMAGES"):
            raise NotConfigured
        check_installed()
        return cls("/", crawler=crawler)  # where pictures lie is up to the exports folder

    def _get_store(self, uri: str) -> Any:
        return self

    async def process_item(self, item: Any, spider: Any = None) -> Any:
        """Note what the article shows. The article goes on."""
        if self.run.has_begun and (urls := pictures_of(item)):
            await self.run.write(self.run.catalogue.pictures.want, item.id, urls, self.run.now())
            self.pump()
        return item

    # --- what is noted is fetched ----------------------------------------------------------------------

    def pump(self) -> None:
        """Begin with as many articles as may be under way."""
        room = AT_ONCE - len(self.under_way)
        if room <= 0 or self.refusals >= self.limit or self.run.stopping or not self.run.has_begun:
            return
        if not self.run.posts:
            return  # pictures lie beside posts: a machine that writes those fetches them
        with self.run.stopped_by_catalogue():
            for wanted in self.run.catalogue.pictures.due(self.run.now(), room, but={*self.under_way, *self.stuck}):
                self.under_way[wanted.article_id] = asyncio.ensure_future(self.fetch(wanted))

    async def fetch(self, wanted: WantedPictures) -> None:
        """Fetch the pictures of one article, then write its post with them."""
        pictures, now = self.run.catalogue.pictures, self.run.now()
        try:
            if not self.run.shared or await self.run.write(pictures.take, wanted.article_id, now):
                await super().process_item(wanted)
                await self.run.write(self.finish, wanted)
        except (CatalogueError, ExportError) as error:
            self.run.stop_run(error)
        except Exception:
            self.stuck.add(wanted.article_id)
            self.run.count("pictures/failed/bug")
            logger.exception("pictures of %s", wanted.article_id)
        finally:
            del self.under_way[wanted.article_id]
        self.pump()

    def finish(self, wanted: WantedPictures) -> None:
        """Record what became of them, and write the post anew where there are new ones."""
        run = self.run
        for url, path in wanted.paths.items():
            if not run.catalogue.pictures.stored(wanted.article_id, url, path, run.folder.size(path)):
                self.leave_out(path)
        for url, reason in wanted.failures.items():
            run.catalogue.pictures.failed(wanted.article_id, url, reason, run.now())
        if wanted.paths:
            list(Rewriter(run.catalogue, run.folder, self.render).these([wanted.article_id], run.now()))

    def leave_out(self, path: str) -> None:
        """The article was forgotten meanwhile: its picture goes, unless others show it too."""
        if not self.run.catalogue.pictures.is_named(path):
            (self.run.folder.root / path).unlink(missing_ok=True)

    def spider_idle(self) -> None:
        """The run ends when nothing is under way and nothing due."""
        self.pump()
        if self.under_way:
            raise DontCloseSpider

    async def close_spider(self) -> None:
        """A run that is stopped leaves pictures to a later one."""
        for task in list(self.under_way.values()):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    # --- what FilesPipeline asks ------------------------------------------------------------------------

    def get_media_requests(self, item: Any, info: Any) -> list[Request]:
        meta = {"picture": True, "download_maxsize": MOST_BYTES, "dont_retry": True}
        headers = {"Referer": item.page} if item.page else {}
        made: dict[str, Request] = {}
        for url in item.urls:
            try:
                made[url] = Request(url, headers=headers, meta=dict(meta), dont_filter=True)
            except ValueError:  # an article may have anything where an address should stand
                item.failures[url] = "bad_url"
                self.run.count("pictures/failed/bad_url")
        item.urls = list(made)
        return list(made.values())

    def media_to_download(self, request: Request, info: Any, *, item: Any = None) -> Any:
        """A picture that another article shows too is here already."""
        path = self.run.catalogue.pictures.path_of(request.url)
        if path is None or not self.run.folder.has(path):
            return None
        return {"url": request.url, "path": path, "checksum": None, "status": "uptodate"}

    async def media_downloaded(self, response: Response, request: Request, info: Any, *, item: Any = None) -> Any:
        if response.status in BanMiddleware.STATUSES:
            self.refusals += 1
            if self.refusals == self.limit:
                logger.warning("%s refuses us: no more pictures in this run", request.url[:200])
        else:
            self.refusals = 0
        if response.status != 200:
            raise FileException(f"http_{response.status}")
        if UNCONFIRMED in response.flags:
            raise FileException("cut")
        async with self.checking:
            path = await asyncio.to_thread(picture_path, response.body)
        await self.run.write(self.run.folder.write, path, response.body)
        return {"url": request.url, "path": path, "checksum": None, "status": "downloaded"}

    def media_failed(self, failure: Failure, request: Request, info: Any) -> Any:
        """Note why. Raises nothing: Scrapy would log a traceback for each."""
        own = isinstance(failure.value, (FileException, BadPicture))
        self.reasons[request.url] = (str(failure.value) if own else why_failed(failure)[0])[:40]

    def item_completed(self, results: Any, item: Any, info: Any) -> Any:
        for url, (ok, found) in zip(item.urls, results, strict=True):
            if ok and found is not None:
                item.paths[url] = found["path"]
                self.run.count("pictures/stored")
            elif not self.run.stopping:  # what a run's end broke off has not failed
                item.failures[url] = self.reasons.get(url, "bug")
                self.run.count(f"pictures/failed/{item.failures[url]}")
        return item

    def file_path(self, request: Any, response: Response | None = None, info: Any = None, *, item: Any = None) -> str:
        assert response is not None
        return picture_path(response.body)
