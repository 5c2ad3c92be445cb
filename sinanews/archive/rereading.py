"""Pages that were kept as they came, read again by today's rules: along the same way, without the network."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Any, Literal, NamedTuple

from sqlalchemy import Row

from sinanews.archive.reading import Reading
from sinanews.archive.storing import Store, Stored
from sinanews.catalogue import Catalogue
from sinanews.catalogue.contents import unpack
from sinanews.catalogue.originals import listed_as
from sinanews.cleaning.item import clean_item
from sinanews.duplicates.fingerprint import fingerprint_of
from sinanews.exceptions import CutPage, NoAnswer, Refused, SinanewsError
from sinanews.items import ArticleItem, Fetch
from sinanews.listing.channels import channel_by_slug
from sinanews.originals.capture import DamagedRecord
from sinanews.originals.reading import read_at
from sinanews.pages import Page, is_sinas
from sinanews.pages.answers import read_answer

logger = logging.getLogger(__name__)
REASON = "reread"  #: of a revision
STATES = ("exported", "refused", "failed")  #: of articles that are read again
BATCH = 50  #: articles stored in one transaction
#: What differs from one look at the same page to the next, or is of the archive rather than of the article.
_ASIDE = ("fetched_at", "channel", "duplicate_of", "refers_to", "date_as_written")
COMPARED = tuple(one.name for one in fields(ArticleItem) if one.name not in _ASIDE)
What = Literal[
    "as they were", "revised", "new", "copies", "edited", "no articles", "no longer read", "older", "damaged",
    "elsewhere", "overtaken", "mistakes",
]  # fmt: skip


def rules() -> bytes:
    """A digest of the code that reads and cleans pages: another one after an upgrade, or a change of one's own."""
    rooms = (Path(__file__).parents[1] / room for room in ("cleaning", "pages"))
    return sha256(b"".join(path.read_bytes() for room in rooms for path in sorted(room.glob("*.py")))).digest()


class Reread(NamedTuple):
    """What became of one article, or would: ``before`` and ``after`` where it is another one now."""

    what: What
    article: str
    why: str = ""
    before: ArticleItem | None = None
    after: ArticleItem | None = None

    @property
    def changed(self) -> list[str]:
        """The fields that are not as they were; none of a new article."""
        if self.before is None or self.after is None:
            return []
        return [name for name in COMPARED if getattr(self.before, name) != getattr(self.after, name)]


@dataclass
class Rereader:
    """Reads articles again; what is unchanged is not touched. It may run beside crawls and others of its kind: an
    article that one of them changes meanwhile is left to them. Raises CatalogueError, ExportError."""

    catalogue: Catalogue
    store: Store
    where: Sequence[Any] = ()  #: conditions on the catalogue's rows
    part: tuple[int, int] = (1, 1)  #: which of so many parts of all articles: several processes take one each
    force: bool = False  #: write over posts that a person has edited, keeping them in ``.superseded``
    dry: bool = False  #: write nothing
    position: str = field(default="", init=False)  #: the id up to which all is done

    def all(self, after: str = "") -> Iterator[Reread]:
        """Every article that has pages, in the order of ids, from behind one on."""
        while ids := self.catalogue.originals.behind(after):
            number, parts = self.part
            its = [one for one in ids if zlib.crc32(one.encode()) % parts == number - 1]
            yield from self.these(its)
            self.position = after = ids[-1]

    def these(self, ids: Collection[str]) -> Iterator[Reread]:
        """Those of the articles that have pages, in the order of ids."""
        rows = self.catalogue.originals.first_pages(list(ids), *self.where) if ids else ()
        waiting: list[tuple[Row[Any], Reread]] = []
        for _, records in groupby(rows, lambda row: row.id):
            row, *others = records
            told = self._one([row, *others])
            if told.what not in ("revised", "new") or self.dry:
                yield told
                continue
            waiting.append((row, told))
            if len(waiting) >= BATCH:
                yield from self._stored(waiting)
                waiting = []
        yield from self._stored(waiting)

    def _one(self, records: Sequence[Row[Any]]) -> Reread:
        """One article: its row, once for each record of its first page, the last met first."""
        row = records[0]
        try:
            before = self._kept(row)
            since = before.fetched_at if before is not None else None
            its = [record for record in records if since is None or record.seen_at >= since]
            here = [record for record in its if (self.store.folder.root / record.file).is_file()]
            if not here:  # another machine has it, or nobody: scrapy verify
                return Reread("elsewhere" if its else "older", row.id)
            return self._compared(row, before, self._item(here, before))
        except (Refused, NoAnswer, CutPage) as error:
            words = f"{getattr(error, 'reason', 'cut')}: {error}"
            return Reread("no longer read" if row.state == "exported" else "no articles", row.id, words)
        except DamagedRecord as error:
            return Reread("damaged", row.id, str(error))
        except SinanewsError:
            raise
        except Exception as error:  # a mistake of ours on one page must not stop the others
            logger.debug("%s: reading it again failed", row.id, exc_info=True)
            return Reread("mistakes", row.id, f"{type(error).__name__}: {error}")

    def _kept(self, row: Row[Any]) -> ArticleItem | None:
        """The article as it is kept, or None for one that is none yet."""
        if row.state != "exported" or row.data is None:
            return None
        try:
            item, is_verbatim = unpack(row.data)
        except ValueError as error:
            raise DamagedRecord(f"what the catalogue keeps of it: {error}") from None
        return clean_item(item, sinas=is_sinas(item)) if is_verbatim and not self.store.render.verbatim else item

    # --- it is read ------------------------------------------------------------------------------------

    def _item(self, records: Sequence[Row[Any]], before: ArticleItem | None) -> ArticleItem:
        """The article as today's rules read and clean it, from the last page that they take for one.

        Raises what the first of the pages met, where none is: Refused, NoAnswer, CutPage, DamagedRecord.
        """
        met: Exception | None = None
        for record in records:
            try:
                item = self._read_on(record)
                item.fetched_at = before.fetched_at if before is not None else item.fetched_at
                return clean_item(item, verbatim=self.store.render.verbatim, sinas=is_sinas(item))
            except (Refused, NoAnswer, CutPage, DamagedRecord) as error:
                met = met or error
        assert met is not None
        raise met

    def _read_on(self, row: Row[Any]) -> ArticleItem:
        """The article whose first page a record has, with its other pages as they were met then."""
        page, missing = self._page(row, row.url, (row.missing_pages or "").split())
        listed = listed_as(row.url, row.listed)
        listed = replace(listed, id=row.id if row.id != row.url else None, title=listed.title or row.title or "")
        fetch = Fetch(row.id, row.listed_mtime or row.seen_at, row.etag, row.last_modified)
        reading = Reading(listed, channel_by_slug(row.channel), fetch, row.seen_at, [page], missing)
        others: dict[str, Row[Any]] | None = None
        while (url := reading.next_page()) is not None:
            others = self._others(row) if others is None else others
            try:
                if url not in others:
                    raise DamagedRecord("not kept")
                reading.add(self._page(others[url], url)[0], url)
            except (Refused, NoAnswer, CutPage, DamagedRecord):
                reading.missing.append(url)
        return reading.finished()

    def _others(self, row: Row[Any]) -> dict[str, Row[Any]]:
        """url → record of the article's further pages: the first that was met once its first page was."""
        return {one.url: one for one in self.catalogue.originals.of(row.id) if one.seen_at >= row.seen_at}

    def _page(self, row: Row[Any], url: str, cut: Collection[str] = ()) -> tuple[Page, list[str]]:
        """A page, and its address where it is cut and was taken all the same (``cut``)."""
        capture = read_at(self.store.folder.root / row.file, row.offset, row.length)
        try:
            page = read_answer(
                capture.status, capture.body, url, answered_by=capture.url, content_type=capture.header("Content-Type"),
                confirmed=capture.whole,
            )  # fmt: skip
        except CutPage as error:
            if url in cut and isinstance(error.found, Page):
                return error.found, [url]
            raise
        return page, []

    # --- what becomes of it ----------------------------------------------------------------------------

    def _compared(self, row: Row[Any], before: ArticleItem | None, item: ArticleItem) -> Reread:
        told = Reread("revised" if row.state == "exported" else "new", row.id, "", before, item)
        if before is not None and not told.changed:
            return Reread("as they were", row.id)
        if row.state != "exported":
            return told
        missing = item.fetch.missing_pages if item.fetch is not None else frozenset()
        if not missing <= {*(row.missing_pages or "").split()}:
            return Reread("no longer read", row.id, f"not all of its pages are kept: {min(missing)}")
        if not self.force and self._is_edited(row, item):
            return told._replace(what="edited", why=row.path)
        return told

    def _is_edited(self, row: Row[Any], item: ArticleItem) -> bool:
        """Whether what lies in the post's place is neither what was written there nor what is to be."""
        there = self.store.folder.read(row.path)
        return there is not None and sha256(there).hexdigest() != row.file_digest and there != self.store.render(item)

    def _stored(self, waiting: Sequence[tuple[Row[Any], Reread]]) -> list[Reread]:
        """All of them in one transaction."""
        done: list[tuple[Reread, Stored | None]] = []
        if not waiting:
            return []
        with self.catalogue.together():
            for row, told in waiting:
                item, now = told.after, self.catalogue.article(row.id)
                if item is None or now is None or (now.state, now.revision) != (row.state, row.revision):
                    done.append((Reread("overtaken", row.id), None))
                    continue
                item.fingerprint = fingerprint_of(item)
                done.append((told, self.store(item)))
            self.store.folder.sync()
        for _, stored in done:
            if stored is not None and stored.aside:
                self.store.folder.set_aside(stored.aside)
        return [
            told._replace(what="copies") if stored and stored.what == "duplicate" else told for told, stored in done
        ]
