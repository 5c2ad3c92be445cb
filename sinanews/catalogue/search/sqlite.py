"""The index on SQLite: FTS5 without the texts themselves, each character a token, so that phrases are exact."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence, Set
from typing import Any

from sqlalchemy import Connection, TextClause, bindparam, text

from sinanews.catalogue.search.folding import phrases, tokens
from sinanews.catalogue.search.query import Query

RATED = 200_000  #: of the newest texts with the words are told by relevance: each costs up to 6 µs
BODY, TITLE = 1.0, 8.0  #: how much a word weighs there
# Every character is a token but the space between them. Two columns: a word in a title says more of an article.
_CHARACTERS = string.punctuation.replace("'", "''").replace('"', '""')
_CREATE = f"""
    CREATE VIRTUAL TABLE IF NOT EXISTS search_index
    USING fts5(body, title, content='', tokenize="ascii tokenchars '{_CHARACTERS}'")
"""
# Written in memory until then; 1 MB, what it would be, makes a long reindex a third longer.
_SETTINGS = {"hashsize": 8 << 20, "rank": f"bm25({BODY}, {TITLE})"}
_SET = text("INSERT INTO search_index (search_index, rank) VALUES (:name, :value)")
_ADD = "INSERT INTO search_index (rowid, body, title) VALUES (?, ?, ?)"
#: The conflict is met where the article is there already. An edit is rare: nobody looks for it first.
#: SQLite makes a savepoint before an INSERT of a SELECT, or with a RETURNING, and for that FTS5 writes out what it has
#: in memory: each article by itself, in place of all that are committed together.
_GIVE = """
    INSERT INTO search_docs (docid, article_id, revision) VALUES (
        (SELECT coalesce(max(docid), :low) + 1 FROM search_docs WHERE docid BETWEEN :low AND :high), :article, :revision
    ) ON CONFLICT (article_id) DO NOTHING
"""
_MATCH = "FROM search_index WHERE search_index MATCH :match AND rowid"
_RANGE = f"{_MATCH} BETWEEN :low AND :high"
_NEWEST = text(f"SELECT rowid {_RANGE} ORDER BY rowid DESC LIMIT :most")
# The plus keeps FTS5 from reading the query anew for each of the few; one pass through all that match is quicker.
_AMONG = text(f"SELECT rowid {_RANGE} AND +rowid IN :few").bindparams(bindparam("few", expanding=True))
_BEST = text(f"SELECT rowid {_RANGE} ORDER BY rank")
_OLDEST = text(f"SELECT rowid {_RANGE} ORDER BY rowid DESC LIMIT 1 OFFSET :others")
# By its rank FTS5 would rate all that match, not the few alone.
_BEST_AMONG = text(f"{_AMONG.text} ORDER BY bm25(search_index, {BODY}, {TITLE})").bindparams(
    bindparam("few", expanding=True)
)
_HOLDS = text("SELECT 1 FROM search_index WHERE search_index MATCH :match AND rowid = :docid")
_SIZE = text("SELECT sz FROM search_index_docsize WHERE id = :docid")
_ERASE = text("INSERT INTO search_index (search_index, rowid, body, title) VALUES ('delete', :docid, :body, :title)")
SLICE = 64  #: tokens of a text that are compared with one query
PAGES = 1000  #: of the index that are written in one transaction of ``merge``
_CHANGES = text("SELECT total_changes()")
_EXISTS = text("SELECT 1 FROM sqlite_master WHERE name = 'search_index'")
_TEXTS = text("SELECT count(*) FROM search_index_docsize")


class Fts5:
    """It has no texts, so that to take one out needs all of its words; one that is only given up stays in it."""

    def exists(self, connection: Connection) -> bool:
        return connection.scalar(_EXISTS) is not None

    def create(self, connection: Connection) -> None:
        connection.execute(text(_CREATE))
        connection.execute(_SET, [{"name": name, "value": value} for name, value in _SETTINGS.items()])

    def drop(self, connection: Connection) -> None:
        connection.execute(text("DROP TABLE IF EXISTS search_index"))

    def add(self, connection: Connection, new: Mapping[str, Any], title: str, body: str) -> bool:
        given = connection.exec_driver_sql(_GIVE, dict(new))
        if not given.rowcount:
            return False
        connection.exec_driver_sql(_ADD, (given.lastrowid, tokens(body), tokens(title)))
        return True

    def erase(self, connection: Connection, docid: int, title: str, body: str) -> bool:
        columns = {"body": tokens(body), "title": tokens(title)}
        size = connection.scalar(_SIZE, {"docid": docid})
        if size is None or _numbers(size) != [len(words.split()) for words in columns.values()]:
            return False
        if not all(self._has(connection, docid, name, words.split()) for name, words in columns.items()):
            return False
        connection.execute(_ERASE, {"docid": docid, **columns})
        return True

    def _has(self, connection: Connection, docid: int, column: str, words: list[str]) -> bool:
        """Whether a text has all those tokens, in this order; asked in pieces that overlap by one."""
        pieces = (
            " ".join(words[start : start + SLICE + 1]).replace('"', '""') for start in range(0, len(words), SLICE)
        )
        asked = ({"match": f'{column} : "{piece}"', "docid": docid} for piece in pieces)
        return all(connection.scalar(_HOLDS, values) is not None for values in asked)

    def merge(self, connection: Connection, *, first: bool) -> bool:
        """FTS5 takes words out by noting that they are gone; a merge of all its parts leaves neither."""
        before = connection.scalar(_CHANGES)
        connection.execute(_SET, {"name": "merge", "value": -PAGES if first else PAGES})
        return bool((connection.scalar(_CHANGES) or 0) - (before or 0) >= 2)

    def newest(self, connection: Connection, query: Query, low: int, high: int, most: int) -> Sequence[int]:
        values = {"match": expression(query), "low": low, "high": high, "most": most}
        return connection.scalars(_NEWEST, values).all()

    def among(self, connection: Connection, query: Query, few: Set[int]) -> Sequence[int]:
        return self._of_few(connection, _AMONG, query, few)

    def best(self, connection: Connection, query: Query, low: int, high: int, few: Set[int] | None) -> Sequence[int]:
        if few is not None:
            return self._of_few(connection, _BEST_AMONG, query, few)
        values = {"match": expression(query), "low": low, "high": high}
        oldest = connection.scalar(_OLDEST, {**values, "others": RATED - 1})
        return connection.scalars(_BEST, {**values, "low": low if oldest is None else oldest}).all()

    def _of_few(self, connection: Connection, ask: TextClause, query: Query, few: Set[int]) -> Sequence[int]:
        if not few:
            return []
        values = {"match": expression(query), "low": min(few), "high": max(few), "few": list(few)}
        return connection.scalars(ask, values).all()

    def holds(self, connection: Connection, docid: int, word: str) -> bool:
        return connection.scalar(_HOLDS, {"match": _word(word), "docid": docid}) is not None

    def texts(self, connection: Connection) -> int:
        return int(connection.scalar(_TEXTS) or 0)


def _numbers(packed: bytes) -> list[int]:
    """SQLite's varints, but for those of nine bytes.

    >>> _numbers(bytes([0x05, 0x81, 0x00]))
    [5, 128]
    """
    found, number = [], 0
    for byte in packed:
        number = number << 7 | byte & 0x7F
        if not byte & 0x80:
            found.append(number)
            number = 0
    return found


def expression(query: Query) -> str:
    """The query in FTS5's words.

    >>> expression(Query((("降准", "降息"), ("a股",)), ("美",)))
    '(("降 准" OR "降 息") AND ("a 股")) NOT ("美")'
    """
    every = " AND ".join(f"({' OR '.join(map(_word, group))})" for group in query.all_of)
    return f"({every}) NOT ({' OR '.join(map(_word, query.none_of))})" if query.none_of else every


def _word(word: str) -> str:
    return " OR ".join('"{}"'.format(phrase.replace('"', '""')) for phrase in phrases(word))
