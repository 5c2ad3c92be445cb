"""What of each channel has been listed: up to when, with which gaps, on which days."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, select

from sinanews.catalogue.database import Database, again_where_lost
from sinanews.catalogue.tables import article_channels, articles, days, gaps, watermarks


class ListingProgress:
    """The listing side of a catalogue. Times are publication times, days are Beijing's."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @again_where_lost
    def listed_until(self, channel: str) -> datetime | None:
        """Up to here everything has been listed by runs that came to their end, gaps aside; None before the first."""
        query = select(watermarks.c.listed_until).where(watermarks.c.channel == channel)
        with self.database.read() as connection:
            return connection.scalar(query)

    def listed_to(self, channel: str, newest: datetime | None, now: datetime) -> None:
        """A walk over the channel's newest entries came to its end."""
        known = self.listed_until(channel)
        until = max([t for t in (known, newest) if t is not None], default=None)
        values = {"channel": channel, "listed_until": until, "last_success": now}
        with self.database.begin() as connection:
            self.database.upsert(connection, watermarks, values)

    def channels(self) -> Sequence[Row[Any]]:
        """channel, listed_until, last_success of every channel ever listed."""
        with self.database.read() as connection:
            return connection.execute(select(watermarks).order_by(watermarks.c.channel)).all()

    @again_where_lost
    def gaps(self, channel: str | None = None) -> Sequence[Row[Any]]:
        """channel, after, before, found_at, tries of the gaps, newest first."""
        query = select(gaps).order_by(gaps.c.before.desc())
        with self.database.read() as connection:
            return connection.execute(query.where(gaps.c.channel == channel) if channel else query).all()

    def gap_found(self, channel: str, after: datetime, before: datetime, now: datetime) -> None:
        values = {"channel": channel, "after": after, "before": before, "found_at": now, "tries": 0}
        with self.database.begin() as connection:
            self.database.upsert(connection, gaps, values)

    def gap_tried(self, channel: str, after: datetime, before: datetime, tries: int) -> None:
        """A gap was filled down to ``before``, where the list ended."""
        one = (gaps.c.channel == channel, gaps.c.after == after)
        with self.database.begin() as connection:
            connection.execute(gaps.update().where(*one).values(before=before, tries=tries))

    def gap_filled(self, channel: str, after: datetime) -> None:
        with self.database.begin() as connection:
            connection.execute(gaps.delete().where(gaps.c.channel == channel, gaps.c.after == after))

    @again_where_lost
    def has_entries(self, channel: str, begin: datetime, end: datetime) -> bool:
        """Whether the channel has listed anything that was published then, from ``begin`` and before ``end``."""
        its = (articles.c.id == article_channels.c.article_id, article_channels.c.channel == channel)
        query = select(articles.c.id).where(*its, articles.c.published_at >= begin, articles.c.published_at < end)
        with self.database.read() as connection:
            return connection.execute(query.limit(1)).first() is not None

    @again_where_lost
    def ids_at(self, channel: str, begin: datetime, end: datetime) -> dict[tuple[datetime, str], set[str]]:
        """(published_at, title) → ids of what the channel listed first, ``begin`` and ``end`` included."""
        a, found = articles.c, defaultdict(set)
        query = select(a.published_at, a.title, a.id).where(a.published_at.between(begin, end), a.channel == channel)
        with self.database.read() as connection:
            for row in connection.execute(query):
                found[row.published_at, row.title or ""].add(row.id)
        return dict(found)

    @again_where_lost
    def ids_between(self, channel: str, after: datetime, before: datetime) -> set[str]:
        """Ids of what the channel listed first, published after the one moment and before the other."""
        a = articles.c
        query = select(a.id).where(a.published_at > after, a.published_at < before, a.channel == channel)
        with self.database.read() as connection:
            return set(connection.scalars(query))

    def day_listed(self, channel: str, day: date, state: str, entries: int, now: datetime) -> None:
        """``state``: complete; partial (not over, or not read to its end); empty (the list said it had nothing)."""
        values = {"channel": channel, "day": day.isoformat(), "state": state, "entries": entries, "listed_at": now}
        with self.database.begin() as connection:
            self.database.upsert(connection, days, values)

    @again_where_lost
    def complete_days(self, channel: str, since: datetime | None = None) -> set[date]:
        """The days listed whole, or those listed whole since a moment."""
        query = select(days.c.day).where(days.c.channel == channel, days.c.state == "complete")
        if since is not None:
            query = query.where(days.c.listed_at >= since)
        with self.database.read() as connection:
            return {date.fromisoformat(day) for day in connection.scalars(query)}

    def days(self, channel: str | None = None) -> Sequence[Row[Any]]:
        """channel, day, state, entries, listed_at, in order."""
        query = select(days).order_by(days.c.channel, days.c.day)
        with self.database.read() as connection:
            return connection.execute(query.where(days.c.channel == channel) if channel else query).all()
