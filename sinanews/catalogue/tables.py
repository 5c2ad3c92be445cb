"""The catalogue's tables. Every time is stored as UTC and read back as an aware datetime."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ColumnElement,
    DateTime,
    Dialect,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    and_,
    literal_column,
)


class UtcTime(TypeDecorator[datetime]):
    """Aware datetimes in, aware UTC datetimes out; a naive one is a mistake of ours."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("naive datetime for the catalogue")
        return value.astimezone(timezone.utc).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=timezone.utc) if value is not None else None


metadata = MetaData()

versions = Table("schema_version", metadata, Column("version", Integer, primary_key=True))

#: One row for each input ever met. ``state``: pending (listed, not yet fetched), failed (to be tried again),
#: exported, duplicate (of ``duplicate_of``), refused (for ``reason``), forgotten (nothing else of it is kept).
articles = Table(
    "articles",
    metadata,
    Column("id", String(300), primary_key=True),
    Column("url", Text),
    Column("state", String(16), nullable=False),
    Column("reason", String(40)),
    Column("detail", Text),
    Column("title", Text),
    Column("channel", String(40)),
    Column("kind", String(16)),
    Column("layout", String(40)),
    Column("media", Text),
    Column("published_at", UtcTime),
    Column("listed_mtime", UtcTime),  # the list's mtime when the article was last fetched
    Column("first_seen_at", UtcTime, nullable=False),
    Column("recorded_at", UtcTime, nullable=False),
    Column("exported_at", UtcTime),
    Column("path", Text),  # relative to the exports folder, with forward slashes
    Column("file_digest", String(64)),  # SHA-256 of the post as written
    Column("content_digest", String(64)),  # SHA-256 of the post without what changes at every fetch
    Column("text_digest", String(64)),  # of the normalised text; see fingerprint.py
    Column("revision", Integer, nullable=False, default=0),
    Column("duplicate_of", String(300)),
    Column("similarity", Float),
    Column("etag", Text),
    Column("last_modified", Text),
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_try_at", UtcTime),
    Column("missing", Text),  # comma list of item fields that the page did not fill
    # What its page answered last, where that was no article or a cut one, how many runs were answered just so (those
    # that followed each other within hours count once), and when the last that counts was.
    Column("answer", Text),
    Column("answers", Integer, nullable=False, default=0, server_default="0"),
    Column("answered_at", UtcTime),
    Column("missing_pages", Text),  # URLs of pages that could not be had, its own where the end is missing; one a line
    # With the state in them nobody looks through all that is exported. No index begins with the state: it would draw
    # planners to it, and nearly every row has the same. What status counts is in one index: it reads no rows.
    Index("articles_url", "url", "state"),
    Index("articles_text", "text_digest", "state"),
    Index("articles_published", "published_at", "id"),
    Index("articles_channel", "channel", "published_at"),
    Index("articles_media", "media", "published_at"),
    Index("articles_kind", "kind", "published_at"),
    Index("articles_figures", "channel", "state", "reason", "published_at"),
)


def _index_of_few(name: str, *columns: Column[Any], where: ColumnElement[bool]) -> None:
    """An index of the rows that a condition names. A query for them repeats it, with its values written out: SQLite
    does not look at what is bound."""
    Index(name, *columns, sqlite_where=where, postgresql_where=where)


UNFINISHED = articles.c.state.in_((literal_column("'pending'"), literal_column("'failed'")))
_index_of_few("articles_unfinished", articles.c.published_at, articles.c.id, where=UNFINISHED)
INCOMPLETE = articles.c.missing_pages.is_not(None)
_index_of_few("articles_incomplete", articles.c.published_at, articles.c.id, where=INCOMPLETE)
COPY = articles.c.duplicate_of.is_not(None)
_index_of_few("articles_copies", articles.c.duplicate_of, articles.c.reason, where=COPY)
UNKNOWN = articles.c.reason.in_((literal_column("'unknown_layout'"), literal_column("'ambiguous_layout'")))
_index_of_few("articles_unknown", articles.c.recorded_at, where=UNKNOWN)
#: Rows of posts that were set aside: no copy has a path but these.
ASIDE = and_(articles.c.state == literal_column("'duplicate'"), articles.c.path.is_not(None))
_index_of_few("articles_aside", articles.c.path, where=ASIDE)

#: Every revision of an article whole, by the number that its row had then; see contents.py.
contents = Table(
    "contents",
    metadata,
    Column("article_id", String(300), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("stored_at", UtcTime, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("reason", String(20)),  # what made it, where that was no fetch: reread
)

#: The documents that announcements are, of the exported ones that were stored with SINANEWS_ATTACHMENTS=1.
attachments = Table(
    "attachments",
    metadata,
    Column("article_id", String(300), primary_key=True),
    Column("number", Integer, primary_key=True),  # its place among those of the announcement, from 1
    Column("url", Text, nullable=False),
    Column("state", String(16), nullable=False),  # pending, stored, given_up
    Column("attempts", Integer, nullable=False, default=0),
    Column("reason", String(40)),
    Column("path", Text),  # as articles.path
    Column("digest", String(64)),  # SHA-256 of the file
)
PENDING = attachments.c.state == literal_column("'pending'")
_index_of_few("attachments_pending", attachments.c.article_id, attachments.c.number, where=PENDING)

#: What is being brought up to date by and by, and how far that has come; no row: nothing is left to do.
upkeep = Table("upkeep", metadata, Column("name", String(40), primary_key=True), Column("position", Text))
FROM_POSTS = "contents_from_posts"  #: the contents of articles from before 2.0, by id: see archive/old_posts.py
STOCKS = "article_stocks"  #: the stocks of articles from before that table, by id: see archive/indexing.py
SEARCH = "search_index"  #: articles that no search finds yet, by id; the same

#: The pictures that articles show; ``path``: where the archive's copy lies, below the exports folder.
pictures = Table(
    "pictures",
    metadata,
    Column("article_id", String(300), primary_key=True),
    Column("url", Text, primary_key=True),
    Column("path", Text),
    Column("bytes", Integer),  # of the copy
    Column("reason", String(40)),  # why it could not be had last
    Column("attempts", Integer, nullable=False),
    Column("next_try_at", UtcTime, nullable=False),
    Index("pictures_url", "url"),
)
WANTED = pictures.c.path.is_(None)
_index_of_few("pictures_wanted", pictures.c.next_try_at, where=WANTED)
STORED = pictures.c.path.is_not(None)
_index_of_few("pictures_stored", pictures.c.path, where=STORED)

#: Every channel that listed an article; articles.channel is the first.
article_channels = Table(
    "article_channels",
    metadata,
    Column("article_id", String(300), primary_key=True),
    Column("channel", String(40), primary_key=True),
)

#: The stocks that an article names, as its contents have them.
article_stocks = Table(
    "article_stocks",
    metadata,
    Column("article_id", String(300), primary_key=True),
    Column("stock", String(40), primary_key=True),
    Index("article_stocks_stock", "stock", "article_id"),
    sqlite_with_rowid=False,  # half the room: the primary key is all there is
)

#: What the full-text index knows each exported article as; see search/index.py. Without an article: a text that no
#: article has any more.
search_docs = Table(
    "search_docs",
    metadata,
    Column("docid", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("article_id", String(300)),
    Column("revision", Integer, nullable=False),
    Column("folded", Text),  # on PostgreSQL alone: title and text as they are searched
    Index("search_docs_article", "article_id", unique=True),
)

#: What an article was before an edit replaced it.
revisions = Table(
    "revisions",
    metadata,
    Column("article_id", String(300), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("text_digest", String(64)),
    Column("file_digest", String(64)),
    Column("title", Text),
    Column("replaced_at", UtcTime, nullable=False),
)

#: The local files that seeds were read from: which article each one is.
seed_files = Table(
    "seed_files",
    metadata,
    Column("root", Text, primary_key=True),  # the folder given to the spider; in the project relative to it
    Column("path", Text, primary_key=True),  # under the root, with forward slashes
    Column("article_id", String(300), nullable=False),
    Column("digest", String(64), nullable=False),  # SHA-256 of the file as last read
    Column("size", BigInteger, nullable=False),
    Column("mtime_ns", BigInteger, nullable=False),
)

#: What an article that was forgotten is recognised by under another id; see forgotten.py.
forgotten = Table(
    "forgotten",
    metadata,
    Column("digest", String(64), primary_key=True),  # SHA-256 of its address, or of its text's digest
    Column("article_id", String(300), nullable=False),
    Index("forgotten_article", "article_id"),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("spider", String(40), nullable=False),
    Column("arguments", JSON, nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
    Column("pid", Integer),
    Column("outcome", String(40)),  # name of an outcome of outcomes.py; NULL while running or when killed
    Column("exit_code", Integer),
    Column("counts", JSON),  # the sinanews/… stats, without the prefix
    Column("findings", JSON),
    Index("runs_spider", "spider", "id"),
)

#: Up to where a channel is listed without a gap, and when it was last seen.
watermarks = Table(
    "watermarks",
    metadata,
    Column("channel", String(40), primary_key=True),
    Column("listed_until", UtcTime),  # publication time: everything up to here has been listed
    Column("last_success", UtcTime),  # when a run last came to the end of its listing
)

#: Until when a host is left alone because it banned those at that address.
cooldowns = Table(
    "cooldowns",
    metadata,
    Column("address", String(100), primary_key=True, server_default=""),  # SINANEWS_ADDRESS
    Column("host", String(100), primary_key=True),
    Column("until", UtcTime, nullable=False),
    Column("reason", Text),
)

#: Who works with a catalogue that several share, or died while it did. Its times are the database's: see clock.py.
workers = Table(
    "workers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("address", String(100), nullable=False),  # SINANEWS_ADDRESS
    Column("what", Text, nullable=False),
    Column("doing", Text, nullable=False, server_default=""),
    Column("since", UtcTime, nullable=False),  # it does so
    Column("started_at", UtcTime, nullable=False),
    Column("lease", Float, nullable=False),  # seconds
    Column("alive_until", UtcTime, nullable=False),
    Column("schema", Integer, nullable=False),
    Column("program", String(40), nullable=False),
    sqlite_autoincrement=True,  # no id is given again: what one left behind would be another's
)

#: Articles that are being had, a few for each worker; a claim holds while its worker's lease does.
claims = Table(
    "claims",
    metadata,
    Column("article_id", String(300), primary_key=True),  # the key by which its row is known before it is had
    Column("worker", Integer, nullable=False),
)

#: When the next request may be sent to a host from an address: seconds since 1970 by the database's clock.
budgets = Table(
    "budgets",
    metadata,
    Column("address", String(100), primary_key=True),
    Column("host", String(255), primary_key=True),
    Column("next_at", Float(53), nullable=False),
)

#: A stretch of publication time that no listing has covered; (channel, after] … before.
gaps = Table(
    "gaps",
    metadata,
    Column("channel", String(40), primary_key=True),
    Column("after", UtcTime, primary_key=True),
    Column("before", UtcTime, nullable=False),
    Column("found_at", UtcTime, nullable=False),
    # Runs that found the list to end above it; after some it is given up: see listing/plans.py.
    Column("tries", Integer, nullable=False, default=0, server_default="0"),
)

#: A day of Beijing of one channel: how far its listing has come.
days = Table(
    "days",
    metadata,
    Column("channel", String(40), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("state", String(10), nullable=False),  # partial, complete, empty
    Column("entries", Integer, nullable=False),
    Column("listed_at", UtcTime, nullable=False),
)

#: Pages as they came, each a record of a WARC file; see originals/. A page that is as it was has no row of its own.
originals = Table(
    "originals",
    metadata,
    Column("file", String(200), primary_key=True),  # relative to the exports folder, with forward slashes
    Column("offset", BigInteger, primary_key=True),  # where in it the record begins
    Column("length", Integer, nullable=False),  # of the record, compressed
    Column("article_id", String(300), nullable=False),  # empty: the answer of a list
    Column("url", Text, nullable=False),  # that was asked for
    Column("fetched_at", UtcTime, nullable=False),
    Column("seen_at", UtcTime, nullable=False),  # when the page was last met, and was just so
    Column("digest", String(80), nullable=False),  # of the body, as the record has it
    Column("status", Integer, nullable=False),  # of HTTP
    Column("listed", Text),  # what the list said of the article, as JSON
    Index("originals_article", "article_id", "url", "digest"),
)

#: The files of those records. A file is as old as what was last met of what it holds.
original_files = Table(
    "original_files",
    metadata,
    Column("file", String(200), primary_key=True),
    Column("records", Integer, nullable=False),
    Column("bytes", BigInteger, nullable=False),  # up to the end of the last record that counts
    Column("seen_at", UtcTime, nullable=False),
)
