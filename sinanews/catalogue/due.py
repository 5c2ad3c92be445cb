"""What a run asks for besides what its lists name: newest first, read in batches while it goes on."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, or_, select

from sinanews.catalogue.database import Database, again_where_lost
from sinanews.catalogue.tables import INCOMPLETE, UNFINISHED, articles

BATCH = 500  #: rows read at once
a = articles.c


class Due:
    """The part of a catalogue that is not done, or to be looked at again. Each batch is one transaction."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def unfinished(
        self,
        channels: Collection[str],
        now: datetime,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Iterator[Row[Any]]:
        """Articles of those channels that were listed but are not done and may be tried now."""
        return self._newest_first(UNFINISHED, *_to_be_tried(channels, now), *_published(since, until))

    def incomplete(self, channels: Collection[str], now: datetime) -> Iterator[Row[Any]]:
        """The exported articles of those channels that lack pages and may be asked for again now."""
        return self._newest_first(INCOMPLETE, a.state == "exported", *_to_be_tried(channels, now))

    def exported_since(self, channels: Collection[str], since: datetime) -> Iterator[Row[Any]]:
        """The exported articles of those channels published since a moment."""
        its = (a.state == "exported", a.url.is_not(None), a.channel.in_(channels))
        return self._newest_first(*its, a.published_at >= since)

    def exported(self, since: datetime | None = None) -> Iterator[Row[Any]]:
        """Every exported article, or those published since a moment."""
        return self._newest_first(a.state == "exported", *_published(since, None))

    def _newest_first(self, *where: ColumnElement[bool]) -> Iterator[Row[Any]]:
        """Those without a time come last. A row that changes meanwhile is not met twice."""
        query = select(articles).where(*where).order_by(a.published_at.desc(), a.id.desc()).limit(BATCH)
        timed, last = a.published_at.is_not(None), None
        while rows := self._rows(query.where(timed) if last is None else query.where(timed, _after(last))):
            yield from rows
            last = rows[-1]
        query, last = select(articles).where(*where, a.published_at.is_(None)).order_by(a.id).limit(BATCH), None
        while rows := self._rows(query if last is None else query.where(a.id > last.id)):
            yield from rows
            last = rows[-1]

    @again_where_lost
    def _rows(self, query: Any) -> list[Row[Any]]:
        with self.database.read() as connection:
            return list(connection.execute(query).all())


def _to_be_tried(channels: Collection[str], now: datetime) -> tuple[ColumnElement[bool], ...]:
    """The channel is hidden from SQLite's planner, which would read all that those channels ever listed."""
    return a.channel.concat("").in_(channels), or_(a.next_try_at.is_(None), a.next_try_at <= now)


def _published(since: datetime | None, until: datetime | None) -> Iterator[ColumnElement[bool]]:
    if since is not None:
        yield a.published_at >= since
    if until is not None:
        yield a.published_at < until


def _after(last: Row[Any]) -> ColumnElement[bool]:
    """Below a row in that order; the first condition alone lets an index seek."""
    older = or_(a.published_at < last.published_at, a.id < last.id)
    return and_(a.published_at <= last.published_at, older)
