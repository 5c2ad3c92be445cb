"""Articles out of a catalogue, one at a time in the order of publication, however many there are."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select

from sinanews.archive.old_posts import item_of_post
from sinanews.catalogue.contents import unpack
from sinanews.catalogue.database import Database
from sinanews.catalogue.tables import STOCKS, article_channels, articles, contents, upkeep
from sinanews.cleaning.item import clean_item
from sinanews.dates import to_beijing
from sinanews.exceptions import Refused
from sinanews.items import ArticleItem
from sinanews.out.filters import Filters
from sinanews.pages import is_sinas

BATCH = 200  #: articles read in one transaction: a long one would keep SQLite from shortening its log
a, ac, c = articles.c, article_channels.c, contents.c
_ROWS = select(articles, c.data).join_from(
    articles, contents, and_(c.article_id == a.id, c.revision == a.revision), isouter=True
)
#: What every column of an article comes from, without its contents: those are another revision's where they change.
_STATES = select(
    *(a[name] for name in ("published_at", "id", "revision", "exported_at", "path", "channel", "state")),
    *(a[name] for name in ("duplicate_of", "similarity")),
    select(func.count()).where(ac.article_id == a.id).scalar_subquery(),  # an article only gains channels
)


@dataclass(frozen=True, slots=True)
class Article:
    """An article as the archive has it now; docs/data.md says of each field what it is.

    Times are aware, with Beijing's offset. What the source did not show is None or empty.
    """

    id: str
    url: str | None
    title: str
    original_title: str | None
    summary: str | None
    published_at: datetime | None
    updated_at: datetime | None
    fetched_at: datetime | None
    stored_at: datetime | None  #: when this revision was
    media: str | None
    author: str | None
    editor: str | None
    keywords: tuple[str, ...]
    stocks: tuple[str, ...]
    channels: tuple[str, ...]  #: the first that listed it, then the others by name
    categories: tuple[str, ...]
    kind: str
    images: tuple[str, ...]
    lead_image: str | None
    body_text: str  #: a paragraph a line
    body_html: str
    incomplete: bool
    duplicate_of: str | None  #: id of the copy that the archive keeps
    similarity: float | None  #: from 0 to 1
    revision: int  #: 1 is the first; an edit makes the next
    path: str | None  #: of the post, in the exports folder
    item: ArticleItem = field(repr=False, compare=False)  #: the same with all that the catalogue keeps of it; no column


class Articles:
    """The articles' side of an archive that is only read."""

    def __init__(self, database: Database, exports: Path | None = None) -> None:
        """``exports``: the folder with the posts of articles from before 2.0 that the catalogue does not keep."""
        self.database, self.exports = database, exports
        #: What could not be had while articles were read: why → how many, with an example.
        self.unreadable: Counter[str] = Counter()
        self.example: str | None = None

    @cached_property
    def knows_stocks(self) -> bool:
        """Whether the catalogue knows the stocks of every article: those of before 2.0 are read by and by."""
        return not self._rows(select(upkeep.c.name).where(upkeep.c.name == STOCKS))

    def select(self, filters: Filters = Filters(), *, newest_first: bool = True) -> Iterator[Article]:  # noqa: B008
        """Those that fit, by (published_at, id); those without a time come last. Raises CatalogueError.

        Read in batches, so a run that stores articles meanwhile neither waits nor is waited for.
        """
        for rows in self._timed(_ROWS, filters, newest_first):
            yield from self._articles(rows, filters)
        yield from self.untimed(filters)

    def untimed(self, filters: Filters) -> Iterator[Article]:
        """Those that fit and have no time of publication, by id."""
        for rows in self._untimed(_ROWS, filters):
            yield from self._articles(rows, filters)

    def states(self, filters: Filters) -> Iterator[tuple[datetime | None, str]]:
        """When each article was published, the oldest first, and what changes with what its columns say."""
        for rows in chain(self._timed(_STATES, filters, False), self._untimed(_STATES, filters)):
            yield from ((row.published_at, " ".join(map(str, row))) for row in rows)

    def these(self, ids: Sequence[str], filters: Filters = Filters(copies=True)) -> Iterator[Article]:  # noqa: B008
        """Those of the ids that there are and fit, in the order given. Raises CatalogueError."""
        where = list(filters.conditions(self.knows_stocks))
        for start in range(0, len(ids), BATCH):
            batch = ids[start : start + BATCH]
            rows = {row.id: row for row in self._rows(_ROWS.where(a.id.in_(batch), *where))}
            yield from self._articles([rows[one] for one in batch if one in rows], filters)

    def _timed(self, columns: Select[Any], filters: Filters, newest_first: bool) -> Iterator[Sequence[Row[Any]]]:
        times, by_id = a.published_at, a.id
        order = (times.desc(), by_id.desc()) if newest_first else (times, by_id)
        query = columns.where(*filters.conditions(self.knows_stocks), times.is_not(None)).order_by(*order)
        return self._batches(query, lambda last: _beyond(last, newest_first))

    def _untimed(self, columns: Select[Any], filters: Filters) -> Iterator[Sequence[Row[Any]]]:
        if filters.since is not None or filters.until is not None:
            return iter(())
        query = columns.where(*filters.conditions(self.knows_stocks), a.published_at.is_(None)).order_by(a.id)
        return self._batches(query, lambda last: a.id > last.id)

    def _batches(self, query: Select[Any], beyond: Callable[[Row[Any]], Any]) -> Iterator[Sequence[Row[Any]]]:
        rows = self._rows(query.limit(BATCH))
        while rows:
            yield rows
            rows = self._rows(query.where(beyond(rows[-1])).limit(BATCH))

    def _rows(self, query: Any) -> Sequence[Row[Any]]:
        with self.database.read() as connection:
            return connection.execute(query).all()

    def _articles(self, rows: Sequence[Row[Any]], filters: Filters) -> Iterator[Article]:
        channels: dict[str, list[str]] = defaultdict(list)
        its = select(ac.article_id, ac.channel).where(ac.article_id.in_([row.id for row in rows]))
        for row in self._rows(its.order_by(ac.article_id, ac.channel)):
            channels[row.article_id].append(row.channel)
        for row in rows:
            item = self._item(row)
            if item is not None and (self.knows_stocks or filters.fits(item)):
                yield _joined(row, item, channels[row.id])

    def _item(self, row: Row[Any]) -> ArticleItem | None:
        """The article whole; of a copy that was dropped what its row says; None, and counted, if it cannot be read."""
        try:
            if row.data is not None:
                return safe(*unpack(row.data))
        except (ValueError, Refused) as error:
            self._tell(row, str(error))
            return None
        if row.state == "duplicate":
            about = {name: getattr(row, name) for name in ("id", "url", "media", "published_at", "channel")}
            return ArticleItem(title=row.title or "", kind=row.kind or "article", **about)
        item = item_of_post(row, self.exports) if self.exports is not None and row.path else None
        if item is None:
            self._tell(row, "neither in the catalogue nor in its post as it was written")
        return item

    def _tell(self, row: Row[Any], why: str) -> None:
        self.unreadable[why] += 1
        self.example = self.example or row.id


def safe(item: ArticleItem, verbatim: bool) -> ArticleItem:
    """The item with a body that may be shown: one kept as it came is cleaned now. Raises Refused."""
    return clean_item(item, sinas=is_sinas(item)) if verbatim else item


def _joined(row: Row[Any], item: ArticleItem, channels: Iterable[str]) -> Article:
    """What an item says, with what the catalogue knows of it beside."""
    first = row.channel or item.channel
    listed = dict.fromkeys([*([first] if first else []), *channels])
    same = ("original_title", "summary", "media", "author", "editor", "kind", "lead_image", "body_text", "body_html")
    its: dict[str, Any] = {name: getattr(item, name) for name in same}
    times = {name: getattr(item, name) for name in ("published_at", "updated_at", "fetched_at")}
    times["stored_at"] = row.exported_at
    its |= {name: to_beijing(when) if when is not None else None for name, when in times.items()}
    return Article(
        id=row.id,
        url=item.url,
        title=item.title,
        keywords=tuple(item.keywords),
        stocks=tuple(item.stocks),
        channels=tuple(listed),
        categories=tuple(item.categories),
        images=tuple(item.images),
        incomplete=item.incomplete,
        duplicate_of=row.duplicate_of,
        similarity=row.similarity,
        revision=row.revision,
        path=row.path,
        item=item,
        **its,
    )


def _beyond(last: Row[Any], newest_first: bool) -> ColumnElement[bool]:
    """After a row in the order; the first condition alone lets an index seek."""
    when, by_id = a.published_at, a.id
    if newest_first:
        return and_(when <= last.published_at, or_(when < last.published_at, by_id < last.id))
    return and_(when >= last.published_at, or_(when > last.published_at, by_id > last.id))
