"""The archive in Python: ``from sinanews import Archive``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import func, select

from sinanews.catalogue.catalogue import Catalogue
from sinanews.catalogue.contents import Kept
from sinanews.catalogue.place import FILE
from sinanews.catalogue.search.query import parse_query
from sinanews.catalogue.tables import articles
from sinanews.config import absolute_database_url, program
from sinanews.exceptions import ArgumentError, CatalogueError
from sinanews.listing.channels import channel_by_slug
from sinanews.out.articles import BATCH, Article, Articles
from sinanews.out.filters import Filters

EVERYTHING = Filters()
a = articles.c


class Archive:
    """The articles of an exports folder or a database, to read only; crawls may go on meanwhile.

    Iterating gives every exported article, the newest first. Use it in a ``with`` block, or ``close`` it; one thread
    at a time.
    """

    def __init__(
        self, place: str | os.PathLike[str] = "exports", exports: str | os.PathLike[str] | None = None
    ) -> None:
        """``place``: the exports folder, or the URL of its database (SINANEWS_DATABASE), then ``exports`` beside it.

        Raises CatalogueError where there is no catalogue, or one of another version of sinanews.
        """
        text = os.fspath(place)
        if "://" in text:
            url, folder = absolute_database_url(text), Path(exports) if exports is not None else None
        else:
            folder = Path(text).expanduser().absolute()
            url = f"sqlite:///{folder / FILE}"
        if (
            url.startswith("sqlite:///")
            and not (file := Path(url.removeprefix("sqlite:///").partition("?")[0])).exists()
        ):
            raise CatalogueError(f"there is no catalogue {file}; name the exports folder or the database's URL")
        self._open(Catalogue(url, read_only=True), folder)

    @classmethod
    def of(cls, catalogue: Catalogue, exports: Path | None) -> Archive:
        """Over a catalogue that is open already."""
        made = cls.__new__(cls)
        made._open(catalogue, exports)
        return made

    def _open(self, catalogue: Catalogue, exports: Path | None) -> None:
        self.catalogue, self.exports = catalogue, exports
        self.reader = Articles(catalogue, exports)

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self.catalogue.close()

    def __iter__(self) -> Iterator[Article]:
        return self.articles()

    def articles(self, filters: Filters = EVERYTHING, *, newest_first: bool = True) -> Iterator[Article]:
        """Those that fit, by the time of publication; those without one come last.

        Raises ArgumentError for a channel that nothing was ever listed in, CatalogueError.
        """
        self.check(filters)
        return self.reader.select(filters, newest_first=newest_first)

    def search(
        self, query: str, filters: Filters = EVERYTHING, *, best: bool = False, limit: int | None = None
    ) -> Iterator[Article]:
        """Articles whose title or text has the words, newest first, or with ``best`` the best first.

        Raises ArgumentError for a query that cannot be understood, CatalogueError where there is no index.
        """
        return islice(self._whole(self.find(query, filters, best=best), filters, limit or BATCH), limit)

    def find(self, query: str, filters: Filters = EVERYTHING, *, best: bool = False) -> Iterator[str]:
        """The ids of what ``search`` gives, which raises the same."""
        asked = parse_query(query)
        self.check(filters)
        if self.catalogue.search.state() == "none":
            raise CatalogueError(
                f"catalogue {self.catalogue}: there is no index of words; {program()} reindex makes it"
            )
        knows = self.reader.knows_stocks
        where, narrow = (list(filters.conditions(knows, of=one)) for one in ("a row", "few"))
        may_be_few = filters.ids or filters.media or filters.kinds or (filters.stocks and self.reader.knows_stocks)
        its = where, filters.since, filters.until, narrow if may_be_few else None
        return self.catalogue.search.find(asked, *its, best=best)

    def _whole(self, ids: Iterator[str], filters: Filters, together: int) -> Iterator[Article]:
        while batch := list(islice(ids, min(together, BATCH))):
            yield from self.reader.these(batch, filters)

    def get(self, article_id: str) -> Article | None:
        """One article, of whatever state that has a text; None if there is none."""
        return next(self.reader.these([article_id]), None)

    def history(self, article_id: str) -> list[Kept]:
        """Every revision that is kept, the oldest first: revision, stored_at, item. Raises CatalogueError."""
        return self.catalogue.contents.history(article_id)

    def count(self, filters: Filters = EVERYTHING) -> int:
        """How many fit."""
        if filters.stocks and not self.reader.knows_stocks:
            return sum(1 for _ in self.articles(filters))
        self.check(filters)
        with self.catalogue.read() as connection:
            found: Any = connection.scalar(select(func.count()).select_from(articles).where(*filters.conditions()))
        return int(found)

    def check(self, filters: Filters) -> None:
        """Raises ArgumentError for a channel that is neither Sina's nor the first of any article."""
        with self.catalogue.read() as connection:
            for slug in filters.channels:
                known = channel_by_slug(slug) is not None
                if not known and connection.scalar(select(a.id).where(a.channel == slug).limit(1)) is None:
                    raise ArgumentError(
                        f"unknown channel {slug!r}: no article came from it; {program()} channels lists them"
                    )
