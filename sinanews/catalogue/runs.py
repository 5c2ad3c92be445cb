"""How runs went, and which hosts are to be left alone after a ban."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update

from sinanews.catalogue.clock import database_time
from sinanews.catalogue.database import INSERT, Database, again_where_lost
from sinanews.catalogue.tables import cooldowns, runs


class Runs:
    """The runs' side of a catalogue."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @again_where_lost
    def begin(self, spider: str, arguments: Mapping[str, Any], now: datetime, pid: int) -> int:
        """The id of a new run. Where the connection breaks as it commits there may be a second row, without end."""
        values = {"spider": spider, "arguments": dict(arguments), "started_at": now, "pid": pid}
        with self.database.begin() as connection:
            return int(connection.execute(runs.insert().values(**values).returning(runs.c.id)).scalar_one())

    @again_where_lost
    def end(self, run_id: int, now: datetime, **values: Any) -> None:
        """Outcome, exit code, counts and findings of a run."""
        with self.database.begin() as connection:
            connection.execute(update(runs).where(runs.c.id == run_id).values(ended_at=now, **values))

    @again_where_lost
    def last(self, spider: str | None = None, limit: int = 10) -> Sequence[Row[Any]]:
        query = select(runs).order_by(runs.c.id.desc()).limit(limit)
        with self.database.read() as connection:
            return connection.execute(query.where(runs.c.spider == spider) if spider else query).all()

    def earlier_counts(self, spider: str, arguments: Mapping[str, Any], before: int | None) -> list[dict[str, Any]]:
        """The counts of the last runs with the same arguments that came to an end, newest first."""
        rows = self.last(spider, limit=200)
        return [r.counts for r in rows if r.counts and r.arguments == dict(arguments) and r.id != before][:30]

    @again_where_lost
    def cool_down(self, host: str, seconds: float, reason: str, address: str = "") -> None:
        """Leave a host alone for so long, all of that address. Until when is reckoned by the database's clock."""
        its = {"address": address, "host": host, "until": database_time(seconds), "reason": reason}
        insert = INSERT[self.database.engine.dialect.name](cooldowns).values(**its)
        later = insert.on_conflict_do_update(
            index_elements=["address", "host"], set_={name: insert.excluded[name] for name in ("until", "reason")}
        )
        with self.database.begin() as connection:
            connection.execute(later)

    @again_where_lost
    def cooldowns(self, address: str | None = None) -> Sequence[Row[Any]]:
        """address, host, until, reason of the hosts to be left alone now, by those of an address or by anybody."""
        query = select(cooldowns).where(cooldowns.c.until > database_time())
        with self.database.read() as connection:
            its = query if address is None else query.where(cooldowns.c.address == address)
            return connection.execute(its).all()
