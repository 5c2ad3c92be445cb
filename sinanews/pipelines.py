"""Clean → Dedup → Export. Thin: each asks a pure module; what it learns travels with the item."""

from __future__ import annotations

import logging

from scrapy.crawler import Crawler
from scrapy.exceptions import DropItem

from sinanews.archive.storing import Store, Stored
from sinanews.cleaning.item import clean_item
from sinanews.duplicates.fingerprint import fingerprint_of
from sinanews.exceptions import (
    CatalogueError,
    DuplicateArticle,
    ExportError,
    Refused,
    RefusedArticle,
    UnchangedArticle,
)
from sinanews.items import RATED_FIELDS, ArticleItem
from sinanews.pages import is_sinas
from sinanews.posts.exporter import PostRenderer
from sinanews.run.extension import Run

logger = logging.getLogger(__name__)


class ArchivePipeline:
    """What the pipelines share: the run, and one place where what went wrong with an item is told."""

    def __init__(self, crawler: Crawler) -> None:
        self.run = Run.of(crawler)
        self.verbatim = crawler.settings["SINANEWS_BODY"] == "verbatim"

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> ArchivePipeline:
        return cls(crawler)

    async def process_item(self, item: ArticleItem) -> ArticleItem:
        if not self.run.has_begun and not self.run.stopping:
            return item  # `scrapy parse` shows it and writes nothing
        # What was downloaded when a signal came is stored; what cannot be stored within a moment is asked for again.
        if self.run.stopped_because is not None or self.run.interrupts.no_use_waiting():
            raise DropItem("the run is stopping; the next run asks for it again")
        try:
            return await self._told(item)
        except (CatalogueError, ExportError) as error:
            self.run.stop_run(error)
            raise DropItem(str(error)) from None

    async def _told(self, item: ArticleItem) -> ArticleItem:
        try:
            return await self.step(item)
        except Refused as refusal:
            about = {"url": item.url, "title": item.title, "channel": item.channel}
            if item.fetch is None:  # a file of ours: it says the same whenever it is read
                await self.run.refuse(item.id, refusal, **about)
            else:
                await self.run.doubt(item.fetch.listed_as, refusal, listed_mtime=item.fetch.listed_mtime, **about)
            raise RefusedArticle(f"{item.id}: {refusal}") from None
        except (DropItem, CatalogueError, ExportError):
            raise
        except Exception as error:  # a mistake of ours on one page must not stop the others, nor be forgotten
            logger.exception("%s: %s failed", item.id, type(self).__name__)
            await self.run.fail(item.id, "bug", f"{type(error).__name__}: {error}", url=item.url, channel=item.channel)
            raise DropItem(str(error)) from error

    async def step(self, item: ArticleItem) -> ArticleItem:
        raise NotImplementedError


class CleanPipeline(ArchivePipeline):
    """Sina's clutter out, what it held of editor, stocks and pictures into the item's fields."""

    async def step(self, item: ArticleItem) -> ArticleItem:
        return clean_item(item, verbatim=self.verbatim, sinas=is_sinas(item))


class DedupPipeline(ArchivePipeline):
    """Makes the fingerprint that copies are found by. Without one nothing is a copy.

    What becomes of a copy is decided when it is stored, so that of two that arrive together one is the first.
    SINANEWS_DUPLICATES decides: drop (recorded, not exported), mark (exported, naming the first), keep (nobody looks).
    Under drop, a copy that is better takes the first one's place, but only if it loses nothing that the first one has;
    else both are exported. An article that has a post keeps it.
    """

    async def step(self, item: ArticleItem) -> ArticleItem:
        item.fingerprint = None if item.is_paper else fingerprint_of(item)
        return item


class ExportPipeline(ArchivePipeline):
    """One file an article. It is done when the file is safely on disk and the catalogue has committed that."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self.render = PostRenderer.from_settings(crawler.settings)  # a bad extra field is told before anything else
        self.policy: str = crawler.settings["SINANEWS_DUPLICATES"]
        self.attachments = crawler.settings.getbool("SINANEWS_ATTACHMENTS")

    async def step(self, item: ArticleItem) -> ArticleItem:
        run = self.run
        anywhere = run.shared or not run.posts
        store = Store(
            run.catalogue, run.folder, self.render, self.policy, run.now, anywhere, self.attachments and run.posts
        )
        stored = await run.write(store, item)
        if item.fetch is not None:
            run.catalogue.claims.held.discard(item.fetch.listed_as)
        if item.incomplete:
            run.count("articles/incomplete")
            logger.warning("incomplete, a later run asks again: %s", item.url)
        if stored.aside:
            await run.write(run.folder.set_aside, stored.aside)
        self.count(item, stored)
        return item

    def count(self, item: ArticleItem, stored: Stored) -> None:
        """Raises DuplicateArticle or UnchangedArticle where there is no new post."""
        if stored.copy is not None and stored.what == "duplicate":
            self.run.count(f"duplicate/{stored.copy.reason}")
            raise DuplicateArticle(f"{item.id}: same {stored.copy.reason} as {stored.copy.winner}")
        if stored.what == "elsewhere":
            self.run.count("articles/claimed_elsewhere")
            raise UnchangedArticle(f"{item.id}: this worker's lease ended, and another one has it")
        if stored.what == "forgotten":
            self.run.count("articles/known")
            raise UnchangedArticle(f"{item.id}: it was forgotten (scrapy forget)")
        if stored.what == "has_more":
            raise UnchangedArticle(f"{item.id}: the post has more of it than could be had now")
        self.run.count(f"articles/{stored.what}")
        if stored.what == "unchanged":
            raise UnchangedArticle(item.id)
        if stored.aside:
            self.run.count("articles/superseded")
        if stored.copy is not None:
            self.run.count("articles/marked")
        for name in RATED_FIELDS:
            self.run.count(f"coverage/{name}", int(bool(getattr(item, name))))
