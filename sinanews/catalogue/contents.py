"""The articles themselves, each revision whole: what its page said, compressed, as it was when its post was written."""

from __future__ import annotations

import json
import zlib
from dataclasses import MISSING, fields
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select

from sinanews.catalogue.database import Database, again_where_lost
from sinanews.catalogue.tables import FROM_POSTS, contents, upkeep
from sinanews.exceptions import CatalogueError
from sinanews.items import ArticleItem

FORM = b"\x01"  #: first byte of what ``pack`` makes; another one is for another form
LEVEL = 6
VERBATIM = "verbatim"  #: key of what is kept beside the item's own fields
_TIMES = ("published_at", "updated_at", "fetched_at")
_DEFAULTS = {
    field.name: field.default_factory() if field.default_factory is not MISSING else field.default
    for field in fields(ArticleItem)
}


def pack(item: ArticleItem, *, verbatim: bool = False) -> bytes:
    """The fields that an item has, as compressed JSON; fields with their defaults are left out.

    ``verbatim``: its body is as it came, not clean.

    >>> item, verbatim = unpack(pack(ArticleItem(id="a", url=None, title="题", keywords=["降准"])))
    >>> item.keywords, item.media, verbatim
    (['降准'], None, False)
    """
    values = {name: value for name, default in _DEFAULTS.items() if (value := getattr(item, name)) != default}
    values |= {name: values[name].isoformat() for name in _TIMES if name in values}
    values |= {VERBATIM: True} if verbatim else {}
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    return FORM + zlib.compress(text.encode("utf-8", "surrogatepass"), LEVEL)


def unpack(data: bytes) -> tuple[ArticleItem, bool]:
    """The item, and whether its body is as it came. A field that items have no more is passed over.

    Raises ValueError for what ``pack`` did not make.
    """
    if data[:1] != FORM:
        raise ValueError("contents of a form that this sinanews does not know")
    try:
        values = json.loads(zlib.decompress(data[1:]).decode("utf-8", "surrogatepass"))
    except zlib.error as error:
        raise ValueError(f"damaged contents: {error}") from None
    values |= {name: datetime.fromisoformat(values[name]) for name in _TIMES if name in values}
    item = ArticleItem(**{name: value for name, value in values.items() if name in _DEFAULTS})
    return item, bool(values.get(VERBATIM))


class Kept(NamedTuple):
    """One revision of an article."""

    revision: int
    stored_at: datetime
    item: ArticleItem
    verbatim: bool  #: whether its body is as it came, not clean
    reason: str | None = None  #: what made it, where that was no fetch


class Contents:
    """The contents' side of a catalogue."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def put(
        self,
        connection: Connection,
        item: ArticleItem,
        revision: int,
        now: datetime,
        *,
        verbatim: bool = False,
        why: str | None = None,
    ) -> None:
        """Keep a revision, within the caller's transaction; ``why``: what made it, where that was no fetch."""
        data = pack(item, verbatim=verbatim)
        values = {"article_id": item.id, "revision": revision, "stored_at": now, "data": data, "reason": why}
        self.database.upsert(connection, contents, values)

    def put_missing(self, item: ArticleItem, revision: int, now: datetime, *, verbatim: bool = False) -> None:
        """Keep an article that is as it was, where that revision is not kept: one from before 2.0."""
        if not self.has(item.id, revision):
            with self.database.begin() as connection:
                self.put(connection, item, revision, now, verbatim=verbatim)

    @again_where_lost
    def get(self, article_id: str, revision: int) -> tuple[ArticleItem, bool] | None:
        """That revision, and whether its body is as it came; None: not kept. Raises ValueError if damaged."""
        query = select(contents.c.data).where(contents.c.article_id == article_id, contents.c.revision == revision)
        with self.database.read() as connection:
            data = connection.scalar(query)
        return unpack(data) if data is not None else None

    def has(self, article_id: str, revision: int) -> bool:
        """Whether that revision is kept."""
        query = select(contents.c.revision).where(contents.c.article_id == article_id, contents.c.revision == revision)
        with self.database.read() as connection:
            return connection.scalar(query) is not None

    def revisions(self, article_id: str) -> list[int]:
        """The numbers of those that are kept."""
        query = select(contents.c.revision).where(contents.c.article_id == article_id)
        with self.database.read() as connection:
            return list(connection.scalars(query))

    def history(self, article_id: str) -> list[Kept]:
        """Every revision that is kept, the oldest first. Raises CatalogueError, for damaged ones too."""
        c = contents.c
        query = select(c.revision, c.stored_at, c.data, c.reason).where(c.article_id == article_id).order_by(c.revision)
        with self.database.read() as connection:
            rows = connection.execute(query).all()
        try:
            return [Kept(row.revision, row.stored_at, *unpack(row.data), row.reason) for row in rows]
        except ValueError as error:
            raise CatalogueError(f"catalogue {self.database}: {article_id}: {error}") from None

    def taken_in_to(self, connection: Connection) -> str | None:
        """The last article from before 2.0 whose post was read for its contents; None where there are none left."""
        return connection.scalar(select(upkeep.c.position).where(upkeep.c.name == FROM_POSTS))

    def take_in_after(self, connection: Connection, article_id: str | None) -> None:
        """Go on after that article, or, without one, never again."""
        its = upkeep.c.name == FROM_POSTS
        if article_id is None:
            connection.execute(upkeep.delete().where(its))
        else:
            connection.execute(upkeep.update().where(its).values(position=article_id))
