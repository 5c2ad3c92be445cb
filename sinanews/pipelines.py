"""Clean → Dedup → Export. Thin: each asks a pure module, then tells the archive what became of the item."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Collection
from io import BytesIO
from typing import Any

from scrapy.crawler import Crawler
from scrapy.exceptions import DropItem
from sqlalchemy import Row

from sinanews.catalogue import next_try
from sinanews.catalogue.catalogue import Rival
from sinanews.cleaning import clean_body
from sinanews.cleaning.item import clean_item
from sinanews.duplicates.fingerprint import holds_text, sketch, text_digest
from sinanews.duplicates.index import better_copy
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
from sinanews.pages.answers import is_loss
from sinanews.posts import read_post
from sinanews.posts.exporter import FrontMatterItemExporter
from sinanews.posts.folder import SUPERSEDED, aside_path
from sinanews.posts.naming import post_path
from sinanews.run.extension import Copy, Run

logger = logging.getLogger(__name__)


#: Of those, what a copy must have to take the place of one that has it; text and pictures are compared themselves.
KEPT = ("published_at", "keywords", "stocks")
#: Fields that differ at every fetch of the same article.
CHANGING = ("fetched_at", "updated_at")


class ArchivePipeline:
    """What the pipelines share: the archive, and one place where what went wrong with an item is told."""

    def __init__(self, crawler: Crawler) -> None:
        self.run = Run.of(crawler)
        self.verbatim = crawler.settings["SINANEWS_BODY"] == "verbatim"

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> ArchivePipeline:
        return cls(crawler)

    def process_item(self, item: ArticleItem) -> ArticleItem:
        if not self.run.has_begun and not self.run.stopping:
            return item  # `scrapy parse` shows it and writes nothing
        # What was downloaded when a signal came is stored; what cannot be stored within a moment is asked for again.
        if self.run.stopped_because is not None or self.run.interrupts.no_use_waiting():
            raise DropItem("the run is stopping; the next run asks for it again")
        try:
            return self._guarded(self.step, item)
        except (CatalogueError, ExportError) as error:
            self.run.stop_run(error, "storage_failed")
            raise DropItem(str(error)) from None

    def _guarded(self, step: Callable[[ArticleItem], ArticleItem], item: ArticleItem) -> ArticleItem:
        try:
            return step(item)
        except Refused as refusal:
            fetch = self.run.fetches.pop(item.id, None)
            about = {"url": item.url, "title": item.title, "channel": item.channel}
            if fetch is None:  # a file of ours: it says the same whenever it is read
                self.run.refuse(item.id, refusal, **about)
            else:
                self.run.doubt(fetch.listed_as, refusal, listed_mtime=fetch.listed_mtime, **about)
            raise RefusedArticle(f"{item.id}: {refusal}") from None
        except (DropItem, CatalogueError, ExportError):
            raise
        except Exception as error:  # a mistake of ours on one page must not stop the others, nor be forgotten
            logger.exception("%s: %s failed", item.id, type(self).__name__)
            self.run.fail(item.id, "bug", f"{type(error).__name__}: {error}", url=item.url, channel=item.channel)
            raise DropItem(str(error)) from error

    def step(self, item: ArticleItem) -> ArticleItem:
        raise NotImplementedError


class CleanPipeline(ArchivePipeline):
    """Sina's clutter out, what it held of editor, stocks and pictures into the item's fields."""

    def step(self, item: ArticleItem) -> ArticleItem:
        return clean_item(item, verbatim=self.verbatim, sinas=is_sinas(item))


class DedupPipeline(ArchivePipeline):
    """An article of another id with the same address, the same text or the same story is a copy of that one.

    SINANEWS_DUPLICATES says what becomes of a copy: drop (recorded, not exported), mark (exported, naming the first),
    keep (nobody looks). Rows of the live feed are no copies of anything. Under drop, a copy that is better takes the
    first one's place, but only if it loses nothing that the first one has; else both are exported.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self.policy: str = crawler.settings["SINANEWS_DUPLICATES"]

    def step(self, item: ArticleItem) -> ArticleItem:
        copy = None if self.policy == "keep" or item.kind == "live" else self.exact_copy(item) or self.near_copy(item)
        if copy is None:
            return item
        if self.policy == "mark" or copy.better or copy.beside:  # it is exported, and counted as that alone
            item.duplicate_of = None if copy.better else copy.of
            self.run.copies[item.id] = copy
            return item
        self.run.count(f"duplicate/{copy.reason}")
        self.run.record(item, "duplicate", reason=copy.reason, duplicate_of=copy.of, similarity=copy.similarity)
        raise DuplicateArticle(f"{item.id}: same {copy.reason} as {copy.of}")

    def exact_copy(self, item: ArticleItem) -> Copy | None:
        catalogue, digest = self.run.catalogue, text_digest(item.title, item.body_text)
        if winner := catalogue.exported_with(url=item.url, other_than=item.id):
            return Copy(winner, "url", 1.0)
        if winner := catalogue.exported_with(text_digest=digest, other_than=item.id):
            return Copy(winner, "text", 1.0)
        return None

    def near_copy(self, item: ArticleItem) -> Copy | None:
        """A copy with edits, and whether it is so much better that it takes the first one's place."""
        new = sketch(item.title, item.body_text)
        match = self.run.catalogue.same_story(new, other_than=item.id) if new is not None else None
        if new is None or match is None:
            return None
        first = self.run.catalogue.article(match.article_id)
        better = None
        if self.policy == "drop" and first is not None:
            better = better_copy(new, match.sketch, match.likeness, item.media, first.media)
        beside = better is not None and first is not None and self.loses(item, first)
        likeness = match.likeness
        similarity = max(likeness.similarity, likeness.containment)
        return Copy(match.article_id, "story", similarity, None if beside else better, beside)

    def loses(self, item: ArticleItem, first: Row[Any]) -> bool:
        """Whether the first copy has words, pictures, tables or facts that the item lacks; also if nobody can tell."""
        try:
            post = read_post((self.run.exports / (first.path or "")).read_bytes())
            body = clean_body(post.body, first.url)
        except (OSError, Refused):
            return True
        pictures = {*body.images, post.lead_image} - {None, *item.images, item.lead_image}
        filled = {*KEPT} - {*first.missing.split(",")} if first.missing is not None else set()
        return (
            not holds_text(item.body_text, body.text)
            or bool(pictures)
            or body.html.count("<table") > item.body_html.count("<table")
            or not all(getattr(item, name) for name in filled)
        )


class ExportPipeline(ArchivePipeline):
    """One file an article. It is done when the file is safely on disk and the catalogue has committed that."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self.extra_fields = tuple(crawler.settings.getlist("SINANEWS_FRONT_MATTER_EXTRA"))
        self.drops_copies = crawler.settings["SINANEWS_DUPLICATES"] == "drop"
        self.render(ArticleItem(id="", url=None, title=""))  # a bad extra field is told before anything is fetched

    def render(self, item: ArticleItem, *, without: Collection[str] = ()) -> bytes:
        file = BytesIO()
        fields = [name for name in self.extra_fields if name not in without]
        FrontMatterItemExporter(file, verbatim=self.verbatim, extra_fields=fields).export_item(item)
        return file.getvalue()

    def step(self, item: ArticleItem) -> ArticleItem:
        if item.incomplete:
            self.run.count("articles/incomplete")
            logger.warning("incomplete, a later run asks again: %s", item.url)
        row = self.run.catalogue.article(item.id)
        exported = row is not None and row.state == "exported"
        if row is not None and exported:
            self.keep_what_is_more(item, row)
        path = row.path if row is not None and row.path else post_path(item).as_posix()
        path = path.removeprefix(f"{SUPERSEDED}/")  # a copy set aside that tells another story since
        post = self.render(item)
        content = hashlib.sha256(self.render(item, without=CHANGING)).hexdigest()
        if row is not None and exported and row.content_digest == content and self.run.folder.has(path):
            fetch = self.run.fetches.pop(item.id, None)
            self.run.unchanged(item.id, **(fetch.validators() if fetch else {}), **self.later(item, row))
            raise UnchangedArticle(item.id)
        if row is not None and exported:
            self.run.catalogue.replaced(row, self.run.now())
        self.run.folder.write(path, post)
        copy = self.run.copies.pop(item.id, None)
        marked = copy if copy is not None and not copy.better else None
        rival = self.run.record(
            item,
            "exported",
            # The index has one text of each story: what several of its texts have in common is no story.
            sketch=sketch(item.title, item.body_text) if item.kind != "live" and marked is None else None,
            unless_copy=self.drops_copies and not exported and copy is None and item.kind != "live",
            reason=marked and marked.reason,
            detail=None,
            duplicate_of=marked and marked.of,
            similarity=marked and marked.similarity,
            path=path,
            file_digest=hashlib.sha256(post).hexdigest(),
            content_digest=content,
            text_digest=text_digest(item.title, item.body_text),
            revision=(row.revision if row is not None else 0) + 1,
            exported_at=self.run.now(),
            **self.later(item, row),
            missing=",".join(name for name in RATED_FIELDS if not getattr(item, name)),
        )
        if rival is not None:
            self.give_way(item, rival, path)
        if copy is not None and copy.better:
            self.take_over(item, copy)
        if marked:
            self.run.count("articles/marked")
        self.run.count("articles/updated" if exported else "articles/exported")
        for name in RATED_FIELDS:
            self.run.count(f"coverage/{name}", int(bool(getattr(item, name))))
        return item

    def give_way(self, item: ArticleItem, rival: Rival, path: str) -> None:
        """Another process has exported a copy while the post was written: it is set aside. Raises DuplicateArticle."""
        self.run.count(f"duplicate/{rival.reason}")
        about = {"reason": rival.reason, "duplicate_of": rival.id, "similarity": rival.similarity}
        self.run.record(item, "duplicate", path=aside_path(path), **about)
        self.run.folder.set_aside(path)
        raise DuplicateArticle(f"{item.id}: same {rival.reason} as {rival.id}, exported a moment ago")

    def keep_what_is_more(self, item: ArticleItem, row: Row[Any]) -> None:
        """An article that lacks a page which the post has does not replace it. Raises UnchangedArticle."""
        fetch = self.run.fetches.get(item.id)
        if fetch is not None and is_loss(fetch.missing_pages, (row.missing_pages or "").split()):
            self.run.fetches.pop(item.id)
            self.run.catalogue.failed(item.id, "incomplete", "", self.run.now())
            raise UnchangedArticle(f"{item.id}: the post has more of it than could be had now")

    def later(self, item: ArticleItem, row: Row[Any] | None) -> dict[str, Any]:
        """When an article is asked for again because a page of it is missing."""
        if not item.incomplete:
            return {"attempts": 0, "next_try_at": None}
        return next_try(row.attempts if row is not None and row.missing_pages else 0, self.run.now())

    def take_over(self, item: ArticleItem, copy: Copy) -> None:
        """The first copy's post is set aside and its row becomes the copy: nothing of it is lost."""
        first = self.run.catalogue.article(copy.of)
        if first is not None and first.state == "exported" and first.path:
            aside, reason = aside_path(first.path), f"superseded_{copy.better}"
            self.run.catalogue.superseded(first.id, item.id, reason, aside, copy.similarity, self.run.now())
            self.run.folder.set_aside(first.path)
            self.run.count("articles/superseded")
