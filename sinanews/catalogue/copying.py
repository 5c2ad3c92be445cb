"""A whole catalogue into another database, table by table; what an earlier copy put there is brought up to date."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import Column, Integer, Table, func, select, text, tuple_

from sinanews.catalogue.catalogue import Catalogue
from sinanews.catalogue.database import INSERT
from sinanews.catalogue.tables import articles, budgets, claims, metadata, search_docs, versions, workers
from sinanews.duplicates import index
from sinanews.exceptions import CatalogueError

BATCH = 1000  #: rows of one transaction
#: What says how a catalogue is worked with now is no part of it; each database has its own full-text index.
LEFT = {table.name for table in (versions, workers, claims, budgets, search_docs)}
TABLES: tuple[Table, ...] = tuple(
    table for its in (metadata, index.metadata) for table in its.sorted_tables if table.name not in LEFT
)
Rows = Sequence[Mapping[str, Any]]


class Copied(NamedTuple):
    """A table of which both have the same."""

    table: str
    rows: int


def copy(source: Catalogue, target: Catalogue) -> Iterator[Copied]:
    """Copy every table, and compare what there is then.

    Raises CatalogueError where the target holds another archive, somebody works with one of them, or they differ.
    """
    for one in (source, target):
        if one.workers.alive():
            raise CatalogueError(f"{one} is being worked with; stop its runs and workers first")
    done = select(articles.c.id).where(articles.c.state == "exported")
    for ids in _batches(target, done):
        if others := _not_in(source, [articles.c.id], ids):
            raise CatalogueError(f"{target} holds another archive: {source} has no article {others[0][0]}")
    for table in TABLES:
        _copy_table(source, target, table)
        was, now = _digest(source, table), _digest(target, table)
        if was != now:
            raise CatalogueError(f"table {table.name} differs after all: {was[0]:,} rows in {source}, {now[0]:,} now")
        yield Copied(table.name, now[0])
    with target.together() as connection:
        target.search.begin_anew(connection)  # runs and scrapy reindex put the articles in


def _copy_table(source: Catalogue, target: Catalogue, table: Table) -> None:
    keys: list[Column[Any]] = list(table.primary_key)
    for rows in _batches(target, select(*keys)):  # of an earlier copy
        if gone := _not_in(source, keys, rows):
            with target.begin() as connection:
                connection.execute(table.delete().where(tuple_(*keys).in_(gone)))
    insert = INSERT[target.engine.dialect.name](table)
    rest = {column.name: insert.excluded[column.name] for column in table.columns if not column.primary_key}
    there = {"index_elements": [key.name for key in keys]}
    put = insert.on_conflict_do_update(**there, set_=rest) if rest else insert.on_conflict_do_nothing(**there)
    for rows in _batches(source, select(table)):
        with target.begin() as connection:
            connection.execute(put, rows)
    if target.engine.dialect.name == "postgresql" and len(keys) == 1 and isinstance(keys[0].type, Integer):
        _set_sequence(target, keys[0])


def _batches(catalogue: Catalogue, query: Any) -> Iterator[Rows]:
    """All rows, of one moment."""
    with catalogue.read() as connection:
        found = connection.execution_options(yield_per=BATCH).execute(query).mappings()
        while rows := [dict(row) for row in islice(found, BATCH)]:
            yield rows


def _not_in(catalogue: Catalogue, keys: Sequence[Column[Any]], rows: Rows) -> list[tuple[Any, ...]]:
    """The keys of those of the rows that a catalogue has not."""
    asked = [tuple(row[key.name] for key in keys) for row in rows]
    with catalogue.read() as connection:
        known = {tuple(row) for row in connection.execute(select(*keys).where(tuple_(*keys).in_(asked)))}
    return [key for key in asked if key not in known]


def _digest(catalogue: Catalogue, table: Table) -> tuple[int, int]:
    """How many rows, and the sum of their digests, whatever their order."""
    number = total = 0
    for rows in _batches(catalogue, select(table)):
        number += len(rows)
        for row in rows:
            whole = repr(tuple(row.values())).encode("utf-8", "backslashreplace")
            total += int.from_bytes(hashlib.blake2b(whole, digest_size=8).digest(), "big")
    return number, total % (1 << 64)


def _set_sequence(target: Catalogue, key: Column[Any]) -> None:
    """Have PostgreSQL go on counting behind what was copied; SQLite does so by itself."""
    with target.begin() as connection:
        most = connection.scalar(select(func.max(key)))
        if most is not None:
            its = {"table": key.table.name, "column": key.name, "most": most}
            connection.execute(text("SELECT setval(pg_get_serial_sequence(:table, :column), :most)"), its)
