"""Steps 4 to 6 for one article, in one transaction: what is known of it, what becomes of it, its post, its record."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sinanews.archive.companies import Companies
from sinanews.archive.copies import copies_for
from sinanews.archive.old_posts import item_of_post
from sinanews.catalogue import Catalogue, next_try
from sinanews.catalogue.forgotten import FORGOTTEN
from sinanews.duplicates.decision import CopyOf, HasMore, TakesOver, decide
from sinanews.duplicates.fingerprint import Fingerprint, holds_text
from sinanews.items import RATED_FIELDS, ArticleItem
from sinanews.posts.exporter import PostRenderer, content_digest
from sinanews.posts.folder import SUPERSEDED, ExportFolder, aside_path
from sinanews.posts.naming import post_path

#: Of RATED_FIELDS, what a copy must have to take the place of one that has it; texts and pictures are compared.
FACTS = ("published_at", "keywords", "stocks")
#: What the catalogue keeps of an item in columns of its own.
COLUMNS = ("url", "title", "channel", "kind", "layout", "media", "published_at")


@dataclass(frozen=True)
class Stored:
    """What became of an article.

    has_more: its post has pages that could not be had now, so it stays. elsewhere: another worker has it by now.
    """

    what: Literal["exported", "updated", "unchanged", "has_more", "duplicate", "elsewhere", "forgotten"]
    copy: CopyOf | None = None
    aside: str | None = None  #: path of a post to be set aside after the commit: its place is another's, or nobody's


@dataclass
class Store:
    """Where articles go. Not safe for threads: the catalogue's writer calls it."""

    catalogue: Catalogue
    folder: ExportFolder
    render: PostRenderer
    policy: str  #: SINANEWS_DUPLICATES
    now: Callable[[], datetime]
    anywhere: bool = False  #: whether posts may lie on other machines: one that is not in the folder is there then
    attachments: bool = False  #: whether those of what is exported are to be fetched, by and by
    why: str | None = None  #: of a revision that no fetch made; such an article is known to differ

    def __call__(self, item: ArticleItem) -> Stored:
        """Look, decide, write, record; nothing is done before the caller's transaction is committed.

        Raises CatalogueError, ExportError.
        """
        if item.fetch is not None and not self.catalogue.claims.finish(item.fetch.listed_as):
            return Stored("elsewhere")
        if self.is_forgotten(item):
            return Stored("forgotten")
        known = item.known = self.catalogue.known_of(item, item.fingerprint)
        named = self.name_companies(item)
        decision = decide(known, item, item.fingerprint or Fingerprint(None, None), self.policy)
        if isinstance(decision, TakesOver) and self.loses(item, decision.first):
            decision = decision.beside()
        if isinstance(decision, TakesOver):
            item.stocks += sorted(self.catalogue.companies_of({decision.first}).difference(item.stocks))
        copy = decision if isinstance(decision, CopyOf) else None
        item.duplicate_of = copy.winner if copy else None
        if copy is not None and not copy.exported:
            winner = self.catalogue.article(copy.winner) if named else None
            Companies(self.catalogue, self.folder, self.render).gain([winner] if winner else [], named, self.now())
            return self.drop(item, copy)
        if isinstance(decision, HasMore):
            self.catalogue.failed(item.id, "incomplete", "", self.now())
            return Stored("has_more")
        return self.export(item, copy, decision if isinstance(decision, TakesOver) else None)

    def is_forgotten(self, item: ArticleItem) -> bool:
        """Whether it was removed for good, be it under another id: nothing is recorded of it then.

        A copy of it that is a post of its own is another article, and goes on.
        """
        if not self.catalogue.forgotten.any():
            return False
        row = self.catalogue.article(item.id)
        if row is not None and row.state in (FORGOTTEN, "exported"):
            return bool(row.state == FORGOTTEN)
        digest = item.fingerprint.text_digest if item.fingerprint else None
        gone = self.catalogue.forgotten.by_digest(item.url, digest)
        if gone is not None:
            self.catalogue.forgotten.go_with(
                gone, {item.id, *([item.fetch.listed_as] if item.fetch else ())}, self.now()
            )
        return gone is not None

    def name_companies(self, item: ArticleItem) -> set[str]:
        """The companies whose lists name the article, now among its stocks; another order alone is no edit."""
        named = self.catalogue.companies_of({item.id, item.fetch.listed_as if item.fetch else item.id})
        item.stocks += sorted(named.difference(item.stocks))
        kept = self.kept(item.id) if named and item.known.exported else None
        if kept is not None and set(kept.stocks) == set(item.stocks):
            item.stocks = kept.stocks
        return named

    def drop(self, item: ArticleItem, copy: CopyOf) -> Stored:
        """Record a copy that is not exported; the post that a run wrote of it and could not commit is set aside."""
        orphan = post_path(item).as_posix()
        if item.known.path or not self.folder.has(orphan):
            self.record(item, "duplicate", **_columns_of(copy))
            return Stored("duplicate", copy)
        self.record(item, "duplicate", path=aside_path(orphan), **_columns_of(copy))
        return Stored("duplicate", copy, orphan)

    def export(self, item: ArticleItem, copy: CopyOf | None, takes_over: TakesOver | None) -> Stored:
        if self.attachments:
            self.catalogue.attachments.expect(item.id, item.attachments)
        known = item.known
        path = (known.path or post_path(item).as_posix()).removeprefix(f"{SUPERSEDED}/")
        item.copies = copies_for(self.catalogue, self.render, item.id, path)
        post = self.render(item)
        digest, whole = content_digest(post), hashlib.sha256(post).hexdigest()
        is_there = known.exported and (self.anywhere or self.folder.has(path))
        if is_there and known.content_digest == digest and not self.why:
            return self.leave(item)
        if known.exported:
            self.keep_what_others_wrote(path, {known.file_digest, whole})
        self.folder.write(path, post)
        sketch = item.fingerprint.sketch if item.fingerprint else None
        self.record(
            item,
            "exported",
            # Only kept copies are in the index, so that a story's own words do not count as shared boilerplate.
            sketch=sketch if copy is None else None,
            takes_over=takes_over,
            content=item,
            verbatim=self.render.verbatim,
            why=self.why,
            detail=None,
            path=path,
            file_digest=whole,
            content_digest=digest,
            text_digest=item.fingerprint.text_digest if item.fingerprint else None,
            revision=known.revision + 1,
            exported_at=self.now(),
            missing=",".join(name for name in RATED_FIELDS if not getattr(item, name)),
            **_columns_of(copy),
            **self.later(item),
        )
        first = self.catalogue.article(takes_over.first) if takes_over else None
        aside = (first.path or "").removeprefix(f"{SUPERSEDED}/") if first is not None else None
        return Stored("updated" if known.exported else "exported", copy, aside)

    def leave(self, item: ArticleItem) -> Stored:
        """Record that an article is as we have it."""
        validators = item.fetch.validators() if item.fetch else {}
        self.catalogue.unchanged(item.id, self.now(), **validators, **self.later(item))
        self.catalogue.contents.put_missing(item, item.known.revision, self.now(), verbatim=self.render.verbatim)
        return Stored("unchanged")

    def keep_what_others_wrote(self, path: str, ours: Collection[str | None]) -> None:
        """Copy a post that somebody has edited to ``.superseded``; a link or folder in its place is moved there."""
        before = self.folder.read(path)
        if before is not None and not (self.folder.has(path) and hashlib.sha256(before).hexdigest() in ours):
            self.folder.keep_copy(path)

    def record(self, item: ArticleItem, state: str, **values: Any) -> None:
        about = {name: getattr(item, name) for name in COLUMNS}
        if item.fetch is not None:
            about |= {"replaces": item.fetch.listed_as, **item.fetch.validators()}
        self.catalogue.record(item.id, self.now(), state=state, **about, **values)

    def later(self, item: ArticleItem) -> dict[str, Any]:
        """When an article is asked for again because a page of it is missing."""
        if not item.incomplete:
            return {"attempts": 0, "next_try_at": None}
        return next_try(item.known.attempts if item.known.missing_pages else 0, self.now())

    def loses(self, item: ArticleItem, first_id: str) -> bool:
        """Whether the first copy has words, pictures, tables or facts that the item lacks; also if nobody can tell."""
        first = self.kept(first_id)
        if first is None:
            return True
        pictures = {*first.images, first.lead_image} - {None, *item.images, item.lead_image}
        return (
            not holds_text(item.body_text, first.body_text)
            or bool(pictures)
            or first.body_html.count("<table") > item.body_html.count("<table")
            or any(getattr(first, name) and not getattr(item, name) for name in FACTS)
        )

    def kept(self, article_id: str) -> ArticleItem | None:
        """An exported article as the catalogue keeps it, or else its post."""
        row = self.catalogue.article(article_id)
        if row is None:
            return None
        try:
            kept = self.catalogue.contents.get(article_id, row.revision)
        except ValueError:  # damaged
            kept = None
        return kept[0] if kept is not None else item_of_post(row, self.folder.root)


def _columns_of(copy: CopyOf | None) -> dict[str, Any]:
    """The columns that say what an article is a copy of."""
    if copy is None:
        return {"reason": None, "duplicate_of": None, "similarity": None}
    return {"reason": copy.reason, "duplicate_of": copy.winner, "similarity": copy.similarity}
