"""Where the pages are that were kept as they came: which record of which file, and of which article."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, func, literal, select

from sinanews.catalogue.database import Database
from sinanews.catalogue.tables import articles, contents, original_files, originals, upkeep
from sinanews.listing.roll import Listing

BATCH = 500  #: rows read at once
o, f, a, c = originals.c, original_files.c, articles.c, contents.c
_TIMES, _TEXTS = ("published_at", "updated_at"), ("id", "title", "media", "summary")


class Weight(NamedTuple):
    """How much is kept."""

    files: int
    pages: int
    bytes: int


class Originals:
    """The originals' side of a catalogue."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def add(self, **values: Any) -> None:
        """A record that was written; its columns, without ``seen_at``."""
        file, end = values["file"], values["offset"] + values["length"]
        with self.database.begin() as connection:
            connection.execute(originals.insert().values(**values, seen_at=values["fetched_at"]))
            counted = {"records": f.records + 1, "bytes": end}
            self._touch(connection, file, values["fetched_at"], counted, {"records": 1, "bytes": end})

    def same(self, article_id: str, url: str, digest: str, status: int) -> Sequence[Row[Any]]:
        """The records that have just this page of an article; more than one where several machines have it."""
        with self.database.read() as connection:
            its = (o.article_id == article_id, o.url == url, o.digest == digest, o.status == status)
            return connection.execute(select(originals).where(*its)).all()

    def met_again(self, row: Row[Any], at: datetime, listed: str | None) -> None:
        """A page that was just as that record has it. What a list said and no longer says is kept."""
        if listed and row.listed:
            listed = json.dumps({**json.loads(listed), **json.loads(row.listed)}, ensure_ascii=False)
        values = {"seen_at": max(at, row.seen_at), "listed": listed or row.listed}
        with self.database.begin() as connection:
            its = (o.file == row.file, o.offset == row.offset)
            connection.execute(originals.update().where(*its).values(**values))
            self._touch(connection, row.file, at)

    def written_to(self, file: str, end: int, at: datetime) -> None:
        """A record without a row of its own ends there."""
        with self.database.begin() as connection:
            self._touch(connection, file, at, {"bytes": end}, {"records": 0, "bytes": end})

    def _touch(
        self,
        connection: Connection,
        file: str,
        at: datetime,
        change: Mapping[str, Any] | None = None,
        new: Mapping[str, Any] | None = None,
    ) -> None:
        later = func.greatest if connection.dialect.name == "postgresql" else func.max
        values = {**(change or {}), "seen_at": later(f.seen_at, literal(at, f.seen_at.type))}
        done = connection.execute(original_files.update().where(f.file == file).values(**values))
        if done.rowcount == 0 and new is not None:
            connection.execute(original_files.insert().values(file=file, seen_at=at, **new))

    def of(self, article_id: str) -> Sequence[Row[Any]]:
        """The records of an article, those met last first."""
        query = select(originals).where(o.article_id == article_id).order_by(o.seen_at.desc(), o.url)
        with self.database.read() as connection:
            return connection.execute(query).all()

    def behind(self, after: str) -> Sequence[str]:
        """The ids of the next articles behind an id that have records."""
        query = select(o.article_id).where(o.article_id > after).distinct().order_by(o.article_id).limit(BATCH)
        with self.database.read() as connection:
            return connection.scalars(query).all()

    def first_pages(self, ids: Sequence[str], *where: Any) -> Sequence[Row[Any]]:
        """Those of the articles that fulfil the conditions, in the order of ids: each with its contents, and once for
        every record of its own address, the last met first."""
        its = (o.article_id == a.id) & (o.url == a.url)
        kept = (c.article_id == a.id) & (c.revision == a.revision)
        pages = (o.file, o.offset, o.length, o.seen_at, o.listed)
        query = select(articles, c.data, *pages).join_from(articles, originals, its).join(contents, kept, isouter=True)
        with self.database.read() as connection:
            return connection.execute(query.where(a.id.in_(ids), *where).order_by(a.id, o.seen_at.desc())).all()

    def position(self, name: str) -> str:
        """Up to which id the work of that name was done when it was ended; empty where it was not begun."""
        with self.database.read() as connection:
            return connection.scalar(select(upkeep.c.position).where(upkeep.c.name == name)) or ""

    def keep_position(self, name: str, article_id: str | None) -> None:
        """Remember it; None: all is done."""
        with self.database.begin() as connection:
            if article_id is None:
                connection.execute(upkeep.delete().where(upkeep.c.name == name))
            else:
                self.database.upsert(connection, upkeep, {"name": name, "position": article_id})

    # --- files ------------------------------------------------------------------------------------------

    def files(self) -> Sequence[Row[Any]]:
        with self.database.read() as connection:
            return connection.execute(select(original_files).order_by(f.file)).all()

    def weight(self) -> Weight:
        query = select(func.count(), func.sum(f.records), func.sum(f.bytes)).select_from(original_files)
        with self.database.read() as connection:
            return Weight(*(int(number or 0) for number in connection.execute(query).one()))

    def in_file(self, file: str) -> Iterator[Row[Any]]:
        """The records of a file, in its order."""
        query, after = select(originals).where(o.file == file).order_by(o.offset).limit(BATCH), -1
        while True:
            with self.database.read() as connection:
                rows = connection.execute(query.where(o.offset > after)).all()
            yield from rows
            if len(rows) < BATCH:
                return
            after = rows[-1].offset

    def forget(self, records: Sequence[tuple[str, int]]) -> None:
        """Those (file, offset) are no more."""
        with self.database.begin() as connection:
            for file, offset in records:
                connection.execute(originals.delete().where(o.file == file, o.offset == offset))
                fewer = original_files.update().where(f.file == file)
                connection.execute(fewer.values(records=f.records - 1))

    def forget_file(self, file: str) -> None:
        with self.database.begin() as connection:
            connection.execute(originals.delete().where(o.file == file))
            connection.execute(original_files.delete().where(f.file == file))


def rename_pages(connection: Connection, before: str, article_id: str) -> None:
    """The records of an article whose id is known only now."""
    connection.execute(originals.update().where(o.article_id == before).values(article_id=article_id))


def as_listed(row: Listing) -> str:
    """What a list said of an article, as JSON.

    >>> listed_as("https://a.example/1", as_listed(Listing("a", "https://a.example/1", "题", None))).title
    '题'
    """
    known = {name: getattr(row, name) for name in _TEXTS if getattr(row, name)}
    known |= {name: moment.isoformat() for name in _TIMES if (moment := getattr(row, name))}
    return json.dumps(known | ({"keywords": row.keywords} if row.keywords else {}), ensure_ascii=False)


def listed_as(url: str, text: str | None) -> Listing:
    """The row of a list again."""
    known = json.loads(text or "{}")
    known |= {name: datetime.fromisoformat(known[name]) for name in _TIMES if name in known}
    bare = Listing(None, url, "", None, keywords=tuple(known.pop("keywords", ())))
    return replace(bare, **known)
