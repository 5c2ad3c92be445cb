"""Bringing a catalogue's tables up to date: one small function for each version.

A new catalogue gets the tables as tables.py has them; an older one goes through the functions from its version on,
all in one transaction, so that an upgrade that was interrupted has not begun.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, inspect, select, text

from sinanews.catalogue.tables import FROM_POSTS, articles, metadata, runs, upkeep, versions
from sinanews.duplicates import index as stories
from sinanews.exceptions import CatalogueError


def _answers_and_seed_files(connection: Connection) -> None:
    """2: what a page answered that was no article, the pages an article lacks, the files that seeds came from, and
    how often a gap was asked for in vain."""
    for column in ("answer TEXT", "answers INTEGER NOT NULL DEFAULT 0", "answered_at TIMESTAMP", "missing_pages TEXT"):
        connection.execute(text(f"ALTER TABLE articles ADD COLUMN {column}"))
    connection.execute(text("ALTER TABLE gaps ADD COLUMN tries INTEGER NOT NULL DEFAULT 0"))
    for table in ("story_keys", "stories"):  # sketches of another form, which cannot be compared: see fingerprint.py
        if inspect(connection).has_table(table):
            connection.execute(text(f"DELETE FROM {table}"))


def _contents_and_indexes(connection: Connection) -> None:
    """3: the articles themselves, to be taken from their posts by and by, and an index for every query."""
    of_articles = (f"articles_{name}" for name in ("url", "text", "state", "published", "incomplete"))
    for name in (*of_articles, "seed_files_digest", "seed_files_article"):
        connection.execute(text(f"DROP INDEX IF EXISTS {name}"))
    for table in (articles, runs):
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            index.create(connection)
    upkeep.create(connection)
    connection.execute(upkeep.insert().values(name=FROM_POSTS, position=""))


def _nothing(connection: Connection) -> None:
    """A placeholder."""


def _reasons_of_revisions(connection: Connection) -> None:
    """7: what made a revision, where that was no fetch. (Originals are new tables.)"""
    if inspect(connection).has_table("contents"):  # one from before 2.0 gets it whole
        connection.execute(text("ALTER TABLE contents ADD COLUMN reason VARCHAR(20)"))


#: What leads from each version to the next, from version 1 on. New tables need no function: see ``prepare``.
MIGRATIONS: tuple[Callable[[Connection], None], ...] = (
    _answers_and_seed_files,
    _contents_and_indexes,
    _nothing,
    _nothing,
    _nothing,
    _reasons_of_revisions,
)
SCHEMA_VERSION = 1 + len(MIGRATIONS)


def version_of(connection: Connection) -> int | None:
    """The version of the tables there are; None where there are none."""
    if not inspect(connection).has_table(versions.name):
        return None
    return connection.scalar(select(versions.c.version))


def prepare(connection: Connection, name: str) -> None:
    """Make the tables, or bring them up to date. Raises CatalogueError for those of a newer sinanews.

    The caller sees to it that nobody else does so at the same time.
    """
    version = version_of(connection)
    if version is not None and version > SCHEMA_VERSION:
        raise CatalogueError(
            f"{name} was made by a newer sinanews (schema {version}, this one knows {SCHEMA_VERSION}); "
            "upgrade this one, or name another catalogue with SINANEWS_DATABASE"
        )
    for migrate in MIGRATIONS[version - 1 :] if version is not None else ():
        migrate(connection)
    metadata.create_all(connection)
    stories.metadata.create_all(connection)
    if version is None:
        connection.execute(versions.insert().values(version=SCHEMA_VERSION))
    elif version < SCHEMA_VERSION:
        connection.execute(versions.update().values(version=SCHEMA_VERSION))
