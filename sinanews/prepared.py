"""Statements that are run for every article. SQLAlchemy takes longer to find one in its cache than SQLite to run it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, CursorResult, Dialect
from sqlalchemy.sql.elements import ClauseElement

_PARAMSTYLES = {"sqlite": "named", "postgresql": "pyformat"}  #: by which their drivers know values by name


class _Compiled(NamedTuple):
    statement: str
    constants: dict[str, Any]  #: values that stand in the statement itself
    converters: dict[str, Callable[[Any], Any]]  #: for values that the driver does not take as they are


class Prepared:
    """A statement, compiled once for each kind of database that it is run on.

    Values go to it by the names of its parameters, to an insert by those of its columns: all ``names`` of them. What a
    SELECT finds comes as the driver has it, so it must not ask for times.
    """

    def __init__(self, statement: ClauseElement, names: Sequence[str] = ()) -> None:
        self.statement, self.names = statement, names
        self._compiled: dict[type[Dialect], _Compiled] = {}

    def run(self, connection: Connection, values: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> CursorResult[Any]:
        """Run it with these values, or once for each of several."""
        kind = type(connection.dialect)
        if kind not in self._compiled:
            self._compiled[kind] = _compile(self.statement, connection.dialect, self.names)
        statement, constants, converters = self._compiled[kind]
        several = [values] if isinstance(values, Mapping) else values
        rows = [
            {**constants, **row, **{name: convert(row[name]) for name, convert in converters.items()}}
            for row in several
        ]
        return connection.exec_driver_sql(statement, rows if len(rows) > 1 else rows[0])


def _compile(statement: ClauseElement, dialect: Dialect, names: Sequence[str]) -> _Compiled:
    by_name: Any = type(dialect)
    compiled: Any = statement.compile(
        dialect=by_name(paramstyle=_PARAMSTYLES[dialect.name]), column_keys=list(names) or None
    )
    constants, converters = {}, {}
    for name, bind in compiled.binds.items():
        convert = bind.type.dialect_impl(dialect).bind_processor(dialect)
        if not bind.required:
            constants[name] = convert(bind.value) if convert is not None else bind.value
        elif convert is not None:
            converters[name] = convert
    return _Compiled(str(compiled), constants, converters)
