"""What is found by its words and by its stocks, of articles that were stored before that was kept with each."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, and_, select

from sinanews.archive.old_posts import in_its_post
from sinanews.catalogue import Catalogue
from sinanews.catalogue.contents import unpack
from sinanews.catalogue.tables import SEARCH, STOCKS, articles, contents, search_docs, upkeep
from sinanews.items import ArticleItem

BATCH = 50  #: articles of one transaction between the others of a crawl
TOGETHER = 500  #: of one where nothing else is done; a crawl beside it waits a second for it at most
a, c, d, u = articles.c, contents.c, search_docs.c, upkeep.c
_EXPORTED = (
    select(articles, c.data, d.revision.label("indexed"))
    .join_from(articles, contents, and_(c.article_id == a.id, c.revision == a.revision), isouter=True)
    .join(search_docs, d.article_id == a.id, isouter=True)
    .where(a.state == "exported")
    .order_by(a.id)
)
_LEFT = select(u.name, u.position).where(u.name.in_((STOCKS, SEARCH)))


def index_next(catalogue: Catalogue, exports: Path | None, most: int = BATCH) -> int | None:
    """Go on with what is left of both; how many articles were looked at, None where nothing is left.

    One transaction, or part of the caller's; it remembers how far it came, so that others go on from there. Articles
    whose text neither the catalogue nor a post in ``exports`` has are found by their titles.
    """
    with catalogue.together() as connection:
        left = {row.name: row.position for row in connection.execute(_LEFT)}
        if not catalogue.search.on:
            left.pop(SEARCH, None)
        if not left:
            return None
        after = min(left.values())
        names = {name for name, position in left.items() if position == after}
        rows = connection.execute(_EXPORTED.where(a.id > after).limit(most)).all()
        for row in rows:
            _index(catalogue, connection, row, exports, names)
        its = u.name.in_(names)
        if len(rows) < most:
            connection.execute(upkeep.delete().where(its))
        else:
            connection.execute(upkeep.update().where(its).values(position=rows[-1].id))
        return len(rows)


def make_whole(catalogue: Catalogue, exports: Path | None) -> None:
    """Put in what is missing, or begin anew where nothing is known to be."""
    if catalogue.search.state() == "whole":
        with catalogue.together() as connection:
            catalogue.search.begin_anew(connection)
    while index_next(catalogue, exports, TOGETHER) is not None:
        pass


def index_these(catalogue: Catalogue, exports: Path | None, ids: Collection[str]) -> None:
    """Find each of the articles by its words, if it is exported, and else no more."""
    with catalogue.together() as connection:
        for article in ids:
            catalogue.search.remove(connection, article)
        for row in connection.execute(_EXPORTED.where(a.id.in_(ids))).all():
            _index(catalogue, connection, row, exports, {SEARCH})


def _index(catalogue: Catalogue, connection: Connection, row: Row[Any], exports: Path | None, names: set[str]) -> None:
    wants_words = SEARCH in names and row.indexed != row.revision
    if not wants_words and STOCKS not in names:
        return
    item = _item(row, exports)
    if STOCKS in names and item is not None:
        catalogue.put_stocks(connection, row.id, item.stocks)
    if wants_words:
        catalogue.search.put(
            connection, row.id, row.revision, row.title, item.body_text if item is not None else "", row.published_at
        )


def _item(row: Row[Any], exports: Path | None) -> ArticleItem | None:
    try:
        if row.data is not None:
            return unpack(row.data)[0]
    except ValueError:  # damaged
        return None
    return in_its_post(row, exports) if exports is not None and row.path else None
