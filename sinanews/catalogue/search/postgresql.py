"""The index on PostgreSQL: which texts have a pair of characters beside each other; longer words are checked in them.

Its own full-text search forgets where a word stands that a text has more than 256 times, or far down in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, literal, not_, or_, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Text

from sinanews.catalogue.search.query import Query
from sinanews.catalogue.tables import search_docs

WINDOW = 1000  #: of the newest texts are looked through before the index is asked: a common word is in many of them
RATED = 10_000  #: of the newest texts with the words are told by relevance
d = search_docs.c
# A text's characters, and each with the one behind it. Its cost keeps the planner from calling it for every row.
_CREATE = (
    """
    CREATE OR REPLACE FUNCTION sinanews_grams(folded text) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 10000 AS $$
    DECLARE
        characters text[] := string_to_array(folded, NULL);
        pairs text[] := characters;
    BEGIN
        FOR i IN 1 .. cardinality(characters) - 1 LOOP
            pairs[i] := characters[i] || characters[i + 1];
        END LOOP;
        RETURN characters || pairs;
    END $$
    """,
    """
    CREATE INDEX IF NOT EXISTS search_docs_grams ON search_docs
    USING gin (sinanews_grams(folded)) WHERE folded IS NOT NULL
    """,
)
_EXISTS = text("SELECT 1 FROM pg_indexes WHERE indexname = 'search_docs_grams' AND schemaname = current_schema()")
_ADD = text("""
    INSERT INTO search_docs (docid, article_id, revision, folded)
    SELECT coalesce(max(docid), :low) + 1, :article, CAST(:revision AS INTEGER), :folded
    FROM search_docs WHERE docid BETWEEN :low AND :high
    ON CONFLICT (article_id) DO NOTHING
""")


class Grams:
    def exists(self, connection: Connection) -> bool:
        return connection.scalar(_EXISTS) is not None

    def create(self, connection: Connection) -> None:
        for statement in _CREATE:
            connection.execute(text(statement))

    def drop(self, connection: Connection) -> None:
        connection.execute(text("DROP INDEX IF EXISTS search_docs_grams"))

    def add(self, connection: Connection, new: Mapping[str, Any], title: str, body: str) -> bool:
        return connection.execute(_ADD, {**new, "folded": f"{title}\n{body}"}).rowcount > 0

    def erase(self, connection: Connection, docid: int, title: str, body: str) -> bool:
        """A row is its words: whoever deletes it has taken them out. A dead one has none."""
        folded = connection.scalar(select(d.folded).where(d.docid == docid))
        return folded is not None

    def merge(self, connection: Connection, *, first: bool) -> bool:
        return False  # autovacuum does so

    def newest(self, connection: Connection, query: Query, low: int, high: int, most: int) -> Sequence[int]:
        there = select(d.docid).where(d.folded.is_not(None)).order_by(d.docid.desc())
        older = there.where(d.docid.between(low, high)).offset(max(WINDOW, 2 * most)).limit(1)
        floor = connection.scalar(older)
        window = there.where(d.docid.between(low if floor is None else floor, high), _has(d.folded, query, 1))
        found = connection.scalars(window.limit(most)).all()
        if floor is None or len(found) == most:
            return found
        return connection.scalars(_indexed(query, low, high).limit(most)).all()

    def among(self, connection: Connection, query: Query, few: Set[int]) -> Sequence[int]:
        return connection.scalars(select(d.docid).where(d.docid.in_(list(few)), _has(d.folded, query, 1))).all()

    def best(self, connection: Connection, query: Query, low: int, high: int, few: Set[int] | None) -> Sequence[int]:
        if few is None:
            its = _indexed(query, low, high, d.folded).limit(RATED)
        else:
            its = select(d.docid, d.folded).where(d.docid.in_(list(few)), _has(d.folded, query, 1))
        newest = its.subquery("newest")
        score: ColumnElement[Any] = sum((_rate(newest.c.folded, word) for word in query.words), start=literal(0.0))
        rated = select(newest.c.docid).order_by(score.desc(), newest.c.docid.desc())
        return connection.scalars(rated).all()

    def holds(self, connection: Connection, docid: int, word: str) -> bool:
        return connection.scalar(select(d.docid).where(d.docid == docid, func.strpos(d.folded, word) > 0)) is not None

    def texts(self, connection: Connection) -> int:
        return int(connection.scalar(select(func.count()).select_from(search_docs)) or 0)


def _indexed(query: Query, low: int, high: int, *columns: ColumnElement[str]) -> Select[Any]:
    """The newest first; by the index of words: with sums in place of docids no planner takes theirs."""
    docid = d.docid + 0
    where = (d.folded.is_not(None), docid.between(low, high), _may_have(query), _has(d.folded, query, 3))
    return select(d.docid, *columns).where(*where).order_by(docid.desc())


def _may_have(query: Query) -> ColumnElement[bool]:
    grams = func.sinanews_grams(d.folded, type_=ARRAY(Text))
    return and_(*(or_(*(grams.contains(_grams(word)) for word in group)) for group in query.all_of))


def _grams(word: str) -> list[str]:
    """What a text has in the index that has the word; of one or two characters nothing else has."""
    return [word] if len(word) < 3 else sorted({word[i : i + 2] for i in range(len(word) - 1)})


def _has(folded: ColumnElement[str], query: Query, least: int) -> ColumnElement[bool]:
    """The words that are as long, in the text itself; and none of those that are to be absent."""
    present = (or_(*(func.strpos(folded, word) > 0 for word in group)) for group in query.all_of
               if any(len(word) >= least for word in group))  # fmt: skip
    return and_(literal(True), *present, *(not_(func.strpos(folded, word) > 0) for word in query.none_of))


def _rate(folded: ColumnElement[str], word: str) -> ColumnElement[Any]:
    """How much a text is about a word: how often it has it, the more in a title, the less in a long text."""
    title = func.split_part(folded, "\n", 1)
    times = (func.length(folded) - func.length(func.replace(folded, word, ""))) / literal(float(len(word)))
    return func.least(func.strpos(title, word), 1) + times / (times + 0.3 + func.length(folded) / literal(1500.0))
