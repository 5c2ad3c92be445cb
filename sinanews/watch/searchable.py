"""Does the full-text index know what is exported, and does it know it rightly?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Row, func, select

from sinanews.catalogue import Catalogue
from sinanews.catalogue.contents import unpack
from sinanews.catalogue.search.folding import MOST, fold
from sinanews.catalogue.search.index import TIMED
from sinanews.catalogue.tables import articles, contents, search_docs

BATCH = 2000  #: rows read at once
SPOTS = 50  #: articles whose words are looked for
LONG = 12  #: characters of a text that are looked for together
a, c, d = articles.c, contents.c, search_docs.c
Fault = tuple[str, str, str | None]  #: a kind of verification.KINDS, what has it, its article
_EXPORTED = (
    select(a.id, a.path, a.revision, a.state, d.docid, d.revision.label("indexed"))
    .join_from(articles, search_docs, d.article_id == a.id, isouter=True)
    .order_by(a.id)
    .limit(BATCH)
)
_SPOTS = (
    select(a.id, a.path, d.docid, c.data)
    .join_from(search_docs, articles, a.id == d.article_id)
    .join(contents, (c.article_id == a.id) & (c.revision == d.revision))
    .where(a.state == "exported")
)


def check_index(catalogue: Catalogue, *, quick: bool = False) -> Iterator[Fault]:
    """Nothing where SINANEWS_SEARCH=0 leaves it out. ``quick``: no words are looked for. Raises CatalogueError."""
    if not catalogue.search.on:
        return
    if catalogue.search.state() != "whole":
        yield "index", "not complete", None
        return
    with catalogue.read() as connection:
        docs = connection.scalar(select(func.count()).select_from(search_docs))
        texts = catalogue.search.engine.texts(connection)
    if docs != texts:
        yield "index", f"damaged ({texts:,} texts for {docs:,} articles)", None
        return
    yield from _rows(catalogue)
    if not quick:
        yield from _spots(catalogue)


def _rows(catalogue: Catalogue) -> Iterator[Fault]:
    after: str | None = ""
    while after is not None:
        with catalogue.read() as connection:
            rows = connection.execute(_EXPORTED.where(a.id > after)).all()
        for row in rows:
            if row.state == "exported" and row.indexed != row.revision:
                yield "unfound", row.path or row.id, row.id
            elif row.docid is not None and row.state in ("duplicate", "refused", "forgotten"):
                yield "still_found", row.id, row.id
        after = rows[-1].id if len(rows) == BATCH else None


def _spots(catalogue: Catalogue) -> Iterator[Fault]:
    """Some articles, spread over all: are their words found in their texts?"""
    with catalogue.read() as connection:
        ends = connection.execute(select(func.min(d.docid), func.max(d.docid)).where(d.docid >= TIMED)).one()
        if ends[0] is None:
            return
        step = max(1, (ends[1] - ends[0]) // SPOTS)
        found: dict[str, Row[Any]] = {}
        for start in range(ends[0], ends[1] + 1, step):
            query = _SPOTS.where(d.docid >= start).order_by(d.docid).limit(1)
            found |= {row.id: row for row in connection.execute(query)}
        for row in found.values():
            if not all(catalogue.search.engine.holds(connection, row.docid, word) for word in _words(row)):
                yield "unfound", row.path or row.id, row.id


def _words(row: Row[Any]) -> Iterator[str]:
    """A piece of the title and one of the text."""
    try:
        item = unpack(row.data)[0]
    except ValueError:  # damaged: its post is looked at
        return
    for text in (item.title, item.body_text[:MOST]):
        paragraph = max(fold(text[: 100 * LONG]).split("\n"), key=len)
        middle = len(paragraph) // 2
        if word := paragraph[middle : middle + LONG].strip():
            yield word
