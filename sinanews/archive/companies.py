"""Known articles that a company's list names: they gain the share, and need not be fetched for it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from sinanews.archive.old_posts import item_of_post
from sinanews.archive.rewriting import Rewriter
from sinanews.catalogue import Catalogue
from sinanews.items import ArticleItem
from sinanews.listing.channels import Channel
from sinanews.posts.exporter import PostRenderer
from sinanews.posts.folder import ExportFolder


@dataclass
class Companies:
    """Tells known articles of the companies that list them. Not safe for threads: the catalogue's writer calls it."""

    catalogue: Catalogue
    folder: ExportFolder
    render: PostRenderer

    def listed(self, ids: Collection[str], channel: Channel, now: datetime) -> int:
        """A company's list names these; how many of those that are exported gained the share by it.

        All of it is one transaction: an article that is stored later reads which lists have named it (Store), one that
        was stored before is changed here, in the revision that it has. Its post is written anew only where it shows
        stocks, and not where a person has edited it. Raises CatalogueError, ExportError.
        """
        with self.catalogue.together() as connection:
            rows = self.catalogue.unlisted_by(channel.slug, ids)
            self.catalogue.add_channel(connection, channel.slug, [row.id for row in rows])
            return self.gain(rows, {str(channel.company)}, now)

    def gain(self, rows: Iterable[Row[Any]], codes: Collection[str], now: datetime) -> int:
        """The articles, or what stands for them, are of these shares too; how many were not before."""
        standing = {one.id: one for row in rows if (one := self._standing(row)) is not None}
        gained = [row for row in standing.values() if self._gains(row, codes, now)]
        # A post that lies on another machine is written there: scrapy rewrite.
        here = [row.id for row in gained if row.path and self.folder.has(row.path)]
        if here and "stocks" in self.render.extra_fields:
            list(Rewriter(self.catalogue, self.folder, self.render).these(here, now))
        return len(gained)

    def _standing(self, row: Row[Any]) -> Row[Any] | None:
        """The exported article that a row is, or that stands for it, where it is a copy."""
        standing = self.catalogue.article(row.duplicate_of) if row.state == "duplicate" else row
        return standing if standing is not None and standing.state == "exported" else None

    def _gains(self, row: Row[Any], codes: Collection[str], now: datetime) -> bool:
        item, verbatim = self._kept(row)
        with self.catalogue.begin() as connection:
            self.catalogue.put_stocks(connection, row.id, sorted(codes))
            if item is None or not (new := {*codes}.difference(item.stocks)):
                return False
            item.stocks += sorted(new)
            self.catalogue.contents.put(connection, item, row.revision, row.exported_at or now, verbatim=verbatim)
        return True

    def _kept(self, row: Row[Any]) -> tuple[ArticleItem | None, bool]:
        try:
            kept = self.catalogue.contents.get(row.id, row.revision)
        except ValueError:  # damaged; it says so where it is wanted
            return None, False
        return kept if kept is not None else (item_of_post(row, self.folder.root), False)
