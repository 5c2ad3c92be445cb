"""Clean → Dedup → Export. Thin: each asks a pure module; what it learns travels with the item."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from io import BytesIO
from typing import Any

from scrapy.crawler import Crawler
from scrapy.exceptions import DropItem

from sinanews.catalogue import next_try
from sinanews.cleaning import clean_body
from sinanews.cleaning.item import clean_item
from sinanews.duplicates.decision import CopyOf, New, TakesOver, Unchanged, decide
from sinanews.duplicates.fingerprint import fingerprint_of, holds_text
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
from sinanews.posts import read_post
from sinanews.posts.exporter import FrontMatterItemExporter, content_digest
from sinanews.posts.folder import SUPERSEDED, aside_path
from sinanews.posts.naming import post_path
from sinanews.run.extension import Run

logger = logging.getLogger(__name__)


#: Of those, what a copy must have to take the place of one that has it; text and pictures are compared themselves.
KEPT = ("published_at", "keywords", "stocks")


class ArchivePipeline:
    """What the pipelines share: the run, and one place where what went wrong with an item is told."""

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
            self.run.stop_run(error)
            raise DropItem(str(error)) from None

    def _guarded(self, step: Callable[[ArticleItem], ArticleItem], item: ArticleItem) -> ArticleItem:
        try:
            return step(item)
        except Refused as refusal:
            about = {"url": item.url, "title": item.title, "channel": item.channel}
            if item.fetch is None:  # a file of ours: it says the same whenever it is read
                self.run.refuse(item.id, refusal, **about)
            else:
                self.run.doubt(item.fetch.listed_as, refusal, listed_mtime=item.fetch.listed_mtime, **about)
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
    """Decides what becomes of an item; one of another id with its address, text or story makes it a copy.

    SINANEWS_DUPLICATES says what becomes of a copy: drop (recorded, not exported), mark (exported, naming the first),
    keep (nobody looks). Under drop, a copy that is better takes the first one's place, but only if it loses nothing
    that the first one has; else both are exported.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self.policy: str = crawler.settings["SINANEWS_DUPLICATES"]

    def step(self, item: ArticleItem) -> ArticleItem:
        item.fingerprint = fingerprint_of(item)
        item.known = self.run.catalogue.known_of(item, item.fingerprint)
        decision = decide(item.known, item, item.fingerprint, self.policy)
        if isinstance(decision, TakesOver) and self.loses(item, decision.first):
            decision = decision.beside()
        item.decision = decision
        if isinstance(decision, CopyOf):
            item.duplicate_of = decision.winner
            if not decision.exported:
                self.run.count(f"duplicate/{decision.reason}")
                self.run.record(item, "duplicate", **of_copy(decision))
                raise DuplicateArticle(f"{item.id}: same {decision.reason} as {decision.winner}")
        return item

    def loses(self, item: ArticleItem, first_id: str) -> bool:
        """Whether the first copy has words, pictures, tables or facts that the item lacks; also if nobody can tell."""
        first = self.run.catalogue.article(first_id)
        try:
            post = read_post((self.run.exports / (first.path or "")).read_bytes()) if first is not None else None
            body = clean_body(post.body, first.url) if post is not None and first is not None else None
        except (OSError, Refused):
            return True
        if first is None or post is None or body is None:
            return True
        pictures = {*body.images, post.lead_image} - {None, *item.images, item.lead_image}
        filled = {*KEPT} - {*first.missing.split(",")} if first.missing is not None else set()
        return (
            not holds_text(item.body_text, body.text)
            or bool(pictures)
            or body.html.count("<table") > item.body_html.count("<table")
            or not all(getattr(item, name) for name in filled)
        )


def of_copy(copy: CopyOf) -> dict[str, Any]:
    """The columns that say what an article is a copy of."""
    return {"reason": copy.reason, "duplicate_of": copy.winner, "similarity": copy.similarity}


class ExportPipeline(ArchivePipeline):
    """One file an article. It is done when the file is safely on disk and the catalogue has committed that."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self.extra_fields = tuple(crawler.settings.getlist("SINANEWS_FRONT_MATTER_EXTRA"))
        self.drops_copies = crawler.settings["SINANEWS_DUPLICATES"] == "drop"
        self.render(ArticleItem(id="", url=None, title=""))  # a bad extra field is told before anything is fetched

    def render(self, item: ArticleItem) -> bytes:
        file = BytesIO()
        FrontMatterItemExporter(file, verbatim=self.verbatim, extra_fields=self.extra_fields).export_item(item)
        return file.getvalue()

    def step(self, item: ArticleItem) -> ArticleItem:
        known, decision = item.known, item.decision
        if item.incomplete:
            self.run.count("articles/incomplete")
            logger.warning("incomplete, a later run asks again: %s", item.url)
        if isinstance(decision, Unchanged):
            self.run.catalogue.failed(item.id, "incomplete", "", self.run.now())
            raise UnchangedArticle(f"{item.id}: the post has more of it than could be had now")
        path = (known.path or post_path(item).as_posix()).removeprefix(f"{SUPERSEDED}/")
        post = self.render(item)
        content = content_digest(post)
        if known.exported and known.content_digest == content and self.run.folder.has(path):
            self.run.unchanged(item.id, **(item.fetch.validators() if item.fetch else {}), **self.later(item))
            raise UnchangedArticle(item.id)
        self.run.folder.write(path, post)
        about = {"path": path, "content_digest": content, "file_digest": hashlib.sha256(post).hexdigest()}
        self.commit(item, **about, **self.later(item))
        self.run.count("articles/updated" if known.exported else "articles/exported")
        for name in RATED_FIELDS:
            self.run.count(f"coverage/{name}", int(bool(getattr(item, name))))
        return item

    def commit(self, item: ArticleItem, **about: Any) -> None:
        """Record all that became of an exported item. Raises DuplicateArticle where another process was quicker."""
        known, decision, fingerprint = item.known, item.decision, item.fingerprint
        copy = decision if isinstance(decision, CopyOf) else None
        first = decision if isinstance(decision, TakesOver) else None
        rival = self.run.record(
            item,
            "exported",
            # The index has one text of each story: what several of its texts have in common is no story.
            sketch=fingerprint.sketch if copy is None else None,
            rivals_of=item if self.drops_copies and isinstance(decision, New) and item.kind != "live" else None,
            takes_over=first,
            detail=None,
            text_digest=fingerprint.text_digest,
            revision=known.revision + 1,
            exported_at=self.run.now(),
            missing=",".join(name for name in RATED_FIELDS if not getattr(item, name)),
            **(of_copy(copy) if copy else {"reason": None, "duplicate_of": None, "similarity": None}),
            **about,
        )
        if rival is not None:
            self.give_way(item, rival, about["path"])
        if first is not None and (moved := self.run.catalogue.article(first.first)) is not None and moved.path:
            self.run.folder.set_aside(moved.path.removeprefix(f"{SUPERSEDED}/"))
            self.run.count("articles/superseded")
        if copy is not None:
            self.run.count("articles/marked")

    def give_way(self, item: ArticleItem, rival: CopyOf, path: str) -> None:
        """Another process has exported a copy while the post was written: it is set aside. Raises DuplicateArticle."""
        self.run.count(f"duplicate/{rival.reason}")
        self.run.record(item, "duplicate", path=aside_path(path), **of_copy(rival))
        self.run.folder.set_aside(path)
        raise DuplicateArticle(f"{item.id}: same {rival.reason} as {rival.winner}, exported a moment ago")

    def later(self, item: ArticleItem) -> dict[str, Any]:
        """When an article is asked for again because a page of it is missing."""
        if not item.incomplete:
            return {"attempts": 0, "next_try_at": None}
        return next_try(item.known.attempts if item.known.missing_pages else 0, self.run.now())
