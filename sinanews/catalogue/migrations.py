"""Bringing a catalogue's tables up to date: one small function for each version.

A new catalogue gets the tables as tables.py has them; an older one goes through the functions from its version on,
all in one transaction, so that an upgrade that was interrupted has not begun.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, inspect, select, text

from sinanews.catalogue.clock import database_time
from sinanews.catalogue.tables import (
    FROM_POSTS,
    SEARCH,
    STOCKS,
    articles,
    cooldowns,
    metadata,
    runs,
    upkeep,
    versions,
    workers,
)
from sinanews.dates import to_beijing
from sinanews.duplicates import index as stories
from sinanews.exceptions import CatalogueError, StillAtWork


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


def _cooldowns_of_an_address(connection: Connection) -> None:
    """4: a ban is one of an address, which belongs to the key: the few rows are put into a new table."""
    if inspect(connection).has_table(cooldowns.name):
        kept = connection.execute(select(cooldowns.c.host, cooldowns.c.until, cooldowns.c.reason)).mappings().all()
        cooldowns.drop(connection)
        cooldowns.create(connection)
        for row in kept:
            connection.execute(cooldowns.insert().values(address="", **row))


def _stocks_and_search(connection: Connection) -> None:
    """5: the stocks of the articles that there are, and the full-text index, are to be made by and by."""
    connection.execute(upkeep.insert(), [{"name": name, "position": ""} for name in (STOCKS, SEARCH)])


def _attachments(connection: Connection) -> None:
    """6: the documents of announcements; a new table."""


def _reasons_of_revisions(connection: Connection) -> None:
    """7: what made a revision, where that was no fetch. (Originals are new tables.)"""
    tables = inspect(connection)
    there = tables.has_table("contents")  # a catalogue from before 2.0 gets it whole
    if there and not any(column["name"] == "reason" for column in tables.get_columns("contents")):
        connection.execute(text("ALTER TABLE contents ADD COLUMN reason VARCHAR(20)"))


def _forgotten_articles(connection: Connection) -> None:
    """8: what articles that were forgotten are recognised by, a new table; what a picture weighs."""
    tables = inspect(connection)
    there = tables.has_table("pictures")
    if there and not any(column["name"] == "bytes" for column in tables.get_columns("pictures")):
        connection.execute(text("ALTER TABLE pictures ADD COLUMN bytes INTEGER"))


def _articles_of_a_medium(connection: Connection) -> None:
    """9: indexes of media and kinds, so that a search among few articles need not read all that have the words."""
    for index in sorted(articles.indexes, key=lambda index: str(index.name)):
        if index.name in ("articles_media", "articles_kind"):
            index.create(connection, checkfirst=True)


#: What leads from each version to the next, from version 1 on. New tables need no function: see ``prepare``.
MIGRATIONS: tuple[Callable[[Connection], None], ...] = (
    _answers_and_seed_files,
    _contents_and_indexes,
    _cooldowns_of_an_address,
    _stocks_and_search,
    _attachments,
    _reasons_of_revisions,
    _forgotten_articles,
    _articles_of_a_medium,
)
SCHEMA_VERSION = 1 + len(MIGRATIONS)


def version_of(connection: Connection) -> int | None:
    """The version of the tables there are; None where there are none."""
    if not inspect(connection).has_table(versions.name):
        return None
    return connection.scalar(select(versions.c.version))


def check_version(connection: Connection, name: str) -> None:
    """Raises CatalogueError where somebody has brought the tables to another version since this program opened them."""
    version = connection.exec_driver_sql("SELECT version FROM schema_version").scalar()
    if version != SCHEMA_VERSION:
        raise CatalogueError(
            f"{name} is of schema {version} by now, and this sinanews knows {SCHEMA_VERSION}: another version of it "
            "works there; start this one anew, upgraded"
        )


def _check_that_nobody_works(connection: Connection, name: str) -> None:
    """Raises StillAtWork; where nobody works nobody begins to before the transaction ends."""
    if not inspect(connection).has_table(workers.name):
        return
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE workers IN EXCLUSIVE MODE"))
    its = select(workers.c.host, workers.c.pid, workers.c.started_at)
    found = connection.execute(its.where(workers.c.alive_until > database_time())).all()
    if found:
        who = ", ".join(f"{r.host} (pid {r.pid}, since {to_beijing(r.started_at):%Y-%m-%d %H:%M})" for r in found)
        raise StillAtWork(
            f"{name} is to be brought from schema {connection.scalar(select(versions.c.version))} to {SCHEMA_VERSION}, "
            f"but an older sinanews works with it: stop {who} Beijing time"
        )


def prepare(connection: Connection, name: str) -> None:
    """Make the tables, or bring them up to date.

    Raises CatalogueError for those of a newer sinanews, StillAtWork where workers of an older one are to leave first.

    The caller sees to it that nobody else does so at the same time.
    """
    version = version_of(connection)
    if version is not None and version > SCHEMA_VERSION:
        raise CatalogueError(
            f"{name} was made by a newer sinanews (schema {version}, this one knows {SCHEMA_VERSION}); "
            "upgrade this one, or name another catalogue with SINANEWS_DATABASE"
        )
    if version is not None and version < SCHEMA_VERSION:
        _check_that_nobody_works(connection, name)
    for migrate in MIGRATIONS[version - 1 :] if version is not None else ():
        migrate(connection)
    metadata.create_all(connection)
    stories.metadata.create_all(connection)
    if version is None:
        connection.execute(versions.insert().values(version=SCHEMA_VERSION))
    elif version < SCHEMA_VERSION:
        connection.execute(versions.update().values(version=SCHEMA_VERSION))
