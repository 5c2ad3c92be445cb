"""What of each channel has been listed: up to when, with which gaps, on which days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, select

from sinanews.catalogue.database import Database
from sinanews.catalogue.tables import days, gaps, watermarks


class Coverage:
    """The listing side of a catalogue. Times are publication times, days are Beijing's."""

    def __init__(self, database: Database) -> None:
        self.database = database

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

    def gaps(self, channel: str | None = None) -> Sequence[Row[Any]]:
        """channel, after, before, found_at of the gaps, newest first."""
        query = select(gaps).order_by(gaps.c.before.desc())
        with self.database.read() as connection:
            return connection.execute(query.where(gaps.c.channel == channel) if channel else query).all()

    def gap_found(self, channel: str, after: datetime, before: datetime, now: datetime) -> None:
        values = {"channel": channel, "after": after, "before": before, "found_at": now}
        with self.database.begin() as connection:
            self.database.upsert(connection, gaps, values)

    def gap_filled(self, channel: str, after: datetime) -> None:
        with self.database.begin() as connection:
            connection.execute(gaps.delete().where(gaps.c.channel == channel, gaps.c.after == after))

    def day_listed(self, channel: str, day: date, state: str, entries: int, now: datetime) -> None:
        """``state``: complete; partial (not over, or not read to its end); empty (the list said it had nothing)."""
        values = {"channel": channel, "day": day.isoformat(), "state": state, "entries": entries, "listed_at": now}
        with self.database.begin() as connection:
            self.database.upsert(connection, days, values)

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
