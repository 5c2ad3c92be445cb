"""How often a host is asked by all that have one outgoing address: each request takes its turn from the catalogue."""

from __future__ import annotations

from typing import Any

from sqlalchemy import case

from sinanews.catalogue.clock import database_seconds
from sinanews.catalogue.database import INSERT, Database, again_where_lost
from sinanews.catalogue.tables import budgets

b = budgets.c


class Budgets:
    """The budgets of a catalogue. Every time in it is the database's."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @again_where_lost
    def reserve(self, address: str, host: str, delay: float) -> float:
        """Take the host's next turn; the one after it comes ``delay`` seconds later. Seconds to wait for it."""
        now = database_seconds()
        insert = INSERT[self.database.engine.dialect.name](budgets)
        first = insert.values(address=address, host=host, next_at=now + delay)
        turn = first.on_conflict_do_update(
            index_elements=["address", "host"], set_={"next_at": _later(b.next_at, now) + delay}
        )
        with self.database.begin() as connection:
            wait = connection.execute(turn.returning((b.next_at - delay - now).label("wait"))).scalar_one()
        return max(float(wait), 0.0)

    @again_where_lost
    def rest(self, address: str, host: str, seconds: float) -> None:
        """Have nobody of that address ask the host for so long."""
        until = database_seconds() + seconds
        insert = INSERT[self.database.engine.dialect.name](budgets)
        first = insert.values(address=address, host=host, next_at=until)
        pushed = first.on_conflict_do_update(
            index_elements=["address", "host"], set_={"next_at": _later(b.next_at, until)}
        )
        with self.database.begin() as connection:
            connection.execute(pushed)


def _later(one: Any, other: Any) -> Any:
    return case((one > other, one), else_=other)
