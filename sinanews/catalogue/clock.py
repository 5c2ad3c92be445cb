"""The database's own clock, by which leases, budgets and cool-downs run: those of the machines may be hours apart."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Float
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from sinanews.catalogue.tables import UtcTime


class database_time(FunctionElement[Any]):  # named as functions of SQL are
    """The moment at which it is evaluated (not the transaction's beginning), so many seconds on."""

    type = UtcTime()
    inherit_cache = True

    def __init__(self, seconds: Any = 0.0) -> None:
        super().__init__(seconds)


class database_seconds(FunctionElement[Any]):
    """That moment as seconds since 1970, to reckon with."""

    type = Float()
    inherit_cache = True


@compiles(database_time, "postgresql")
def _time_postgresql(element: database_time, compiler: Any, **kw: Any) -> str:
    seconds = compiler.process(element.clauses, **kw)
    return f"(clock_timestamp() AT TIME ZONE 'UTC' + CAST({seconds} AS double precision) * interval '1 second')"


@compiles(database_time, "sqlite")
def _time_sqlite(element: database_time, compiler: Any, **kw: Any) -> str:
    seconds = compiler.process(element.clauses, **kw)  # to the millisecond; SQLAlchemy writes six digits
    return f"(strftime('%Y-%m-%d %H:%M:%f', 'now', ({seconds}) || ' seconds') || '000')"


@compiles(database_seconds, "postgresql")
def _seconds_postgresql(element: database_seconds, compiler: Any, **kw: Any) -> str:
    return "CAST(extract(epoch FROM clock_timestamp()) AS double precision)"


@compiles(database_seconds, "sqlite")
def _seconds_sqlite(element: database_seconds, compiler: Any, **kw: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"
