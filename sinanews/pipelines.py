"""Clean → Dedup → Export. Thin: each asks a pure module, then tells the archive what became of the item."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Collection
from io import BytesIO

from scrapy.crawler import Crawler
from scrapy.exceptions import DropItem

from sinanews.cleaning.item import clean_item
from sinanews.exceptions import (
    ArgumentError,
    CatalogueError,
    DuplicateArticle,
    ExportError,
    Refused,
    RefusedArticle,
    UnchangedArticle,
)
from sinanews.exporters import FrontMatterItemExporter
from sinanews.extensions import Archive
from sinanews.files import ExportFolder
from sinanews.fingerprints import text_digest
from sinanews.items import ArticleItem
from sinanews.paths import post_path

logger = logging.getLogger(__name__)
BODIES = ("clean", "verbatim")
#: Fields whose absence is recorded; monitors compare it with what is usual.
COVERED = ("title", "published_at", "media", "author", "editor", "keywords", "stocks", "images", "body_text")


#: Fields that differ at every fetch of the same article.
CHANGING = ("fetched_at", "updated_at")


class ArchivePipeline:
    """What the pipelines share: the archive, and one place where what went wrong with an item is told."""

    def __init__(self, crawler: Crawler) -> None:
        self.archive = Archive.of(crawler)
        body = crawler.settings["SINANEWS_BODY"]
        if body not in BODIES:
            raise ArgumentError(f"SINANEWS_BODY is {body!r}; allowed: {', '.join(BODIES)}")
        self.verbatim = body == "verbatim"

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> ArchivePipeline:
        return cls(crawler)

    def process_item(self, item: ArticleItem) -> ArticleItem:
        if self.archive.stopped_because is not None:
            raise DropItem("the run is stopping; the next run asks for it again")
        try:
            return self._guarded(self.step, item)
        except (CatalogueError, ExportError) as error:
            self.archive.stop_run(error, "storage_failed")
            raise DropItem(str(error)) from None

    def _guarded(self, step: Callable[[ArticleItem], ArticleItem], item: ArticleItem) -> ArticleItem:
        try:
            return step(item)
        except Refused as refusal:
            key = self.archive.fetches.pop(item.id).listed_as if item.id in self.archive.fetches else item.id
            self.archive.refuse(key, refusal, url=item.url, title=item.title, channel=item.channel)
            raise RefusedArticle(f"{item.id}: {refusal}") from None
        except (DropItem, CatalogueError, ExportError):
            raise
        except Exception as error:  # a mistake of ours on one page must not stop the others, nor be forgotten
            logger.exception("%s: %s failed", item.id, type(self).__name__)
            self.archive.fail(item.id, "bug", f"{type(error).__name__}: {error}", url=item.url, channel=item.channel)
            raise DropItem(str(error)) from error

    def step(self, item: ArticleItem) -> ArticleItem:
        raise NotImplementedError


class CleanPipeline(ArchivePipeline):
    """Sina's clutter out, what it held of editor, stocks and pictures into the item's fields."""

    def step(self, item: ArticleItem) -> ArticleItem:
        return clean_item(item, verbatim=self.verbatim)


class DedupPipeline(ArchivePipeline):
    """An article of another id with the same address or the same text is a duplicate of that one."""

    def step(self, item: ArticleItem) -> ArticleItem:
        digest = text_digest(item.title, item.body_text)
        catalogue = self.archive.catalogue
        for reason, probe in (("url", {"url": item.url}), ("text", {"text_digest": digest})):
            winner = catalogue.exported_with(**probe, other_than=item.id)
            if winner is not None:
                self.archive.count(f"duplicate/{reason}")
                self.archive.record(item, "duplicate", reason=reason, duplicate_of=winner, similarity=1.0)
                raise DuplicateArticle(f"{item.id}: same {reason} as {winner}")
        return item


class ExportPipeline(ArchivePipeline):
    """One file an article. It is done when the file is safely on disk and the catalogue has committed that."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self.extra_fields = tuple(crawler.settings.getlist("SINANEWS_FRONT_MATTER_EXTRA"))
        self.render(ArticleItem(id="", url=None, title=""))  # a bad extra field is told before anything is fetched
        self.folder = ExportFolder(self.archive.exports)

    def render(self, item: ArticleItem, *, without: Collection[str] = ()) -> bytes:
        file = BytesIO()
        fields = [name for name in self.extra_fields if name not in without]
        FrontMatterItemExporter(file, verbatim=self.verbatim, extra_fields=fields).export_item(item)
        return file.getvalue()

    def step(self, item: ArticleItem) -> ArticleItem:
        row = self.archive.catalogue.article(item.id)
        exported = row is not None and row.state == "exported"
        path = row.path if row is not None and row.path else post_path(item).as_posix()
        post = self.render(item)
        content = hashlib.sha256(self.render(item, without=CHANGING)).hexdigest()
        if row is not None and exported and row.content_digest == content and self.folder.has(path):
            fetch = self.archive.fetches.pop(item.id, None)
            self.archive.unchanged(item.id, **(fetch.validators() if fetch else {}))
            raise UnchangedArticle(item.id)
        if row is not None and exported:
            self.archive.catalogue.replaced(row, self.archive.now())
        self.folder.write(path, post)
        self.archive.record(
            item,
            "exported",
            reason=None,
            detail=None,
            path=path,
            file_digest=hashlib.sha256(post).hexdigest(),
            content_digest=content,
            text_digest=text_digest(item.title, item.body_text),
            revision=(row.revision if row is not None else 0) + 1,
            exported_at=self.archive.now(),
            missing=",".join(name for name in COVERED if not getattr(item, name)),
        )
        self.archive.count("articles/updated" if exported else "articles/exported")
        return item
