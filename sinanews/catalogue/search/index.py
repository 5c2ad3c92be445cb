"""The index's side of a catalogue: kept in the transaction that records an article, asked by whoever reads."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import datetime, timezone
from typing import Any, Literal, Protocol

from sqlalchemy import ColumnElement, Connection, Row, select, text, update

from sinanews.catalogue.database import Database
from sinanews.catalogue.search.folding import MOST, fold
from sinanews.catalogue.search.postgresql import Grams
from sinanews.catalogue.search.query import Query
from sinanews.catalogue.search.sqlite import Fts5
from sinanews.catalogue.tables import SEARCH, articles, search_docs, upkeep
from sinanews.prepared import Prepared

logger = logging.getLogger(__name__)
#: A docid is the hour of publication, then a number of its own: the newest have the largest, and those of an hour lie
#: so close together that the index is a third smaller than with seconds. Articles without a time have hour 0.
BITS = 24
TIMED = 1 << BITS  #: the least docid of an article with a time
FIRST, LARGEST = 100, 5000  #: hits that are looked at together, at first and at last
TOGETHER = 1000  #: of the best that are looked at together
FEW = 2000  #: articles that a filter may leave over: the words are looked for in each of them
FEW_FIRST = 30  #: of those that are looked at together at first
EVERY = -(2**62), 2**62
d, a = search_docs.c, articles.c
_TAKE = Prepared(text("UPDATE search_docs SET article_id = NULL, folded = NULL WHERE article_id = :article"))
_LEFT = select(upkeep.c.position).where(upkeep.c.name == SEARCH)
_HITS = select(d.docid, a.id, a.published_at).join_from(search_docs, articles, a.id == d.article_id)


class Engine(Protocol):
    """What a database does for a search; texts and words are folded."""

    def exists(self, connection: Connection) -> bool: ...
    def create(self, connection: Connection) -> None: ...
    def drop(self, connection: Connection) -> None: ...
    def add(self, connection: Connection, new: Mapping[str, Any], title: str, body: str) -> bool:
        """Give an article (``article``, ``revision``) the next docid of ``low`` to ``high``; False: it has one."""

    def erase(self, connection: Connection, docid: int, title: str, body: str) -> bool:
        """Take out a text; False, and nothing is changed, where that one has other words."""

    def merge(self, connection: Connection, *, first: bool) -> bool:
        """Write anew a piece of what still holds words that were taken out; whether there is more."""

    def newest(self, connection: Connection, query: Query, low: int, high: int, most: int) -> Sequence[int]:
        """The largest docids of those that have the words, the largest first."""

    def among(self, connection: Connection, query: Query, few: Set[int]) -> Sequence[int]:
        """Those that have the words."""

    def best(self, connection: Connection, query: Query, low: int, high: int, few: Set[int] | None) -> Sequence[int]:
        """Those that have the words, or of so many the newest, those first that are most about them."""

    def holds(self, connection: Connection, docid: int, word: str) -> bool:
        """Whether that text has the word."""

    def texts(self, connection: Connection) -> int:
        """How many there are, those that no article has any more too."""


ENGINES: dict[str, type[Engine]] = {"sqlite": Fts5, "postgresql": Grams}


def hour_of(when: datetime | None) -> int:
    """Of a docid: 0 without a time, 1 for whatever was before there were computers."""
    return 0 if when is None else max(1, int(when.timestamp() // 3600))


class SearchIndex:
    """Which exported articles have which words. ``on``: SINANEWS_SEARCH; else what is recorded is left out."""

    def __init__(self, database: Database, on: bool = True) -> None:
        self.database, self.on = database, on
        self.engine = ENGINES[database.engine.dialect.name]()

    def make(self) -> None:
        """Make the index where there is none yet; articles that there are already are left for later."""
        with self.database.read() as connection:
            if self.engine.exists(connection):
                return
        with self.database.alone(), self.database.together() as connection:
            if connection.scalar(select(d.docid).limit(1)) is not None:
                self.begin_anew(connection)
            else:
                self.engine.create(connection)

    # --- kept, each within the caller's transaction ------------------------------------------------------

    def put(
        self,
        connection: Connection,
        article_id: str,
        revision: int,
        title: str | None,
        body: str,
        published_at: datetime | None,
    ) -> None:
        """Find an article by these words, and by no others; of a text beyond measure by those at its beginning."""
        if not self.on:
            self.remove(connection, article_id)
            self.leave(connection, "")
            return
        title = title or ""
        if max(len(title), len(body)) > MOST:
            logger.warning("%s: a search finds the first %d characters of its text only", article_id, MOST)
        low = hour_of(published_at) << BITS
        new = {"low": low, "high": low + (1 << BITS) - 1, "article": article_id, "revision": revision}
        words = fold(title[:MOST])[:MOST], fold(body[:MOST])[:MOST]
        if not self.engine.add(connection, new, *words):
            self.remove(connection, article_id)
            self.engine.add(connection, new, *words)

    def remove(self, connection: Connection, article_id: str) -> None:
        """Find an article no more."""
        _TAKE.run(connection, {"article": article_id})

    def erase(self, connection: Connection, article_id: str, texts: Sequence[tuple[str, str, datetime | None]]) -> bool:
        """Take an article's words out of the database, with those of its earlier revisions.

        ``texts``: title, body and time of publication of each. False where its words are other ones, so that they
        cannot be told from those of others: only an index that is made anew is without them.
        """
        if not self.engine.exists(connection):
            return True
        live = set(connection.scalars(select(d.docid).where(d.article_id == article_id)))
        for title, body, published_at in texts:
            low = hour_of(published_at) << BITS
            dead = select(d.docid).where(d.docid.between(low, low + (1 << BITS) - 1), d.article_id.is_(None))
            words = fold(title[:MOST])[:MOST], fold(body[:MOST])[:MOST]
            for docid in {*live, *connection.scalars(dead)}:
                if self.engine.erase(connection, docid, *words):
                    live.discard(docid)
                    connection.execute(search_docs.delete().where(d.docid == docid))
        return not live

    def merge(self) -> None:
        """Rid the file of what was taken out, in steps between which others may write."""
        goes_on, is_first = True, True
        while goes_on:
            with self.database.begin() as connection:
                goes_on = self.engine.exists(connection) and self.engine.merge(connection, first=is_first)
            is_first = False

    def rename(self, connection: Connection, old_id: str, new_id: str) -> None:
        """The same article under another id."""
        connection.execute(update(search_docs).where(d.article_id == old_id).values(article_id=new_id))

    def leave(self, connection: Connection, position: str) -> None:
        """Articles behind that id may be missing; ``archive/indexing.py`` goes on from there."""
        self.database.upsert(connection, upkeep, {"name": SEARCH, "position": position})

    def begin_anew(self, connection: Connection) -> None:
        """Forget every article."""
        self.engine.drop(connection)
        connection.execute(search_docs.delete())
        self.engine.create(connection)
        self.leave(connection, "")

    # --- asked -------------------------------------------------------------------------------------------

    def state(self) -> Literal["whole", "partial", "none"]:
        """Whether every exported article is found: all, some, or there is no index."""
        with self.database.read() as connection:
            if not self.engine.exists(connection):
                return "none"
            return "whole" if connection.scalar(_LEFT) is None else "partial"

    def find(
        self,
        query: Query,
        where: Sequence[ColumnElement[bool]] = (),
        since: datetime | None = None,
        until: datetime | None = None,
        narrow: Sequence[ColumnElement[bool]] | None = None,
        *,
        best: bool = False,
    ) -> Iterator[str]:
        """The ids of articles with the words, by (published_at, id), the newest first; those without a time last.

        ``best``: those first that are most about the words, of the newest, as many as the engine rates; then others.
        ``where``: what holds of their rows of ``articles``, which says since and until again; ``narrow``: the same,
        said so that an index names the rows, which may be few. Raises CatalogueError.
        """
        low, high = _docids(since, until)
        few = self._few(narrow, low, high)
        if best:
            yield from self._best(query, where, low, high, few)
        elif few is not None:
            yield from self._among(query, where, few)
        else:
            yield from self._newest(query, where, low, high)

    def _newest(self, query: Query, where: Sequence[ColumnElement[bool]], low: int, high: int) -> Iterator[str]:
        size, goes_on = FIRST, True
        while goes_on:
            with self.database.read() as connection:
                found = self.engine.newest(connection, query, low, high, size)
                goes_on = len(found) == size
                # The articles of an hour are in no order before all of them are there.
                first = found[-1] >> BITS if goes_on else -1
                batch = [docid for docid in found if docid >> BITS > first]
                hits = self._hits(connection, batch, where)
            yield from _ordered(hits)
            high = ((first + 1) << BITS) - 1
            size = min(size * 4, LARGEST) if batch else size * 4

    def _among(self, query: Query, where: Sequence[ColumnElement[bool]], few: Set[int]) -> Iterator[str]:
        """In pieces of whole hours: the engine looks through what lies between the least and the largest of each."""
        left, size = sorted(few), FEW_FIRST
        while left:
            first = left[-size] >> BITS if size < len(left) else -1
            piece = {docid for docid in left if docid >> BITS >= first}
            with self.database.read() as connection:
                hits = self._hits(connection, self.engine.among(connection, query, piece), where)
            yield from _ordered(hits)
            left, size = left[: -len(piece)], size * 4

    def _best(
        self, query: Query, where: Sequence[ColumnElement[bool]], low: int, high: int, few: Set[int] | None
    ) -> Iterator[str]:
        with self.database.read() as connection:
            found = self.engine.best(connection, query, low, high, few)
        for start in range(0, len(found), TOGETHER):
            batch = found[start : start + TOGETHER]
            with self.database.read() as connection:
                hits = {hit.docid: hit.id for hit in self._hits(connection, batch, where)}
            yield from (hits[docid] for docid in batch if docid in hits)
        if found and few is None:  # what is older than all that were rated
            yield from self._newest(query, where, low, min(found) - 1)

    def _few(self, where: Sequence[ColumnElement[bool]] | None, low: int, high: int) -> Set[int] | None:
        """All that ``where`` leaves over; None where they are many."""
        if where is None:
            return None
        query = select(d.docid).join_from(articles, search_docs, a.id == d.article_id)
        with self.database.read() as connection:
            found = connection.scalars(query.where(d.docid.between(low, high), *where).limit(FEW + 1)).all()
        return set(found) if len(found) <= FEW else None

    def _hits(
        self, connection: Connection, docids: Sequence[int], where: Sequence[ColumnElement[bool]]
    ) -> Sequence[Row[Any]]:
        return connection.execute(_HITS.where(d.docid.in_(docids), *where)).all() if docids else []


def _docids(since: datetime | None, until: datetime | None) -> tuple[int, int]:
    """The least and the largest of articles of that time; one without a time is of none."""
    low, high = EVERY
    if since is not None or until is not None:
        low = hour_of(since or datetime.min.replace(tzinfo=timezone.utc)) << BITS
    if until is not None:
        high = ((hour_of(until) + 1) << BITS) - 1
    return low, high


def _ordered(hits: Sequence[Row[Any]]) -> Iterator[str]:
    timed = [hit for hit in hits if hit.published_at is not None]
    yield from (hit.id for hit in sorted(timed, key=lambda hit: (hit.published_at, hit.id), reverse=True))
    yield from sorted(hit.id for hit in hits if hit.published_at is None)
