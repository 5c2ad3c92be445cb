"""What is found by its words and by its stocks, of articles that were stored before that was kept with each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, select

from sinanews.archive.old_posts import item_of_post
from sinanews.catalogue import Catalogue
from sinanews.catalogue.contents import unpack
from sinanews.catalogue.tables import SEARCH, STOCKS, article_stocks, articles, contents, search_docs, upkeep
from sinanews.items import ArticleItem

BATCH = 50  #: articles of one transaction
a, c, d = articles.c, contents.c, search_docs.c
_EXPORTED = (
    select(articles, c.data)
    .join_from(articles, contents, and_(c.article_id == a.id, c.revision == a.revision), isouter=True)
    .where(a.state == "exported")
    .order_by(a.id)
)
#: Those that the index has already are passed over.
_WANTED: dict[str, Select[Any]] = {
    STOCKS: _EXPORTED.add_columns(a.id.label("found")),
    SEARCH: _EXPORTED.join(search_docs, d.article_id == a.id, isouter=True).add_columns(d.revision.label("found")),
}
