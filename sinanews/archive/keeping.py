"""Keeping pages as they came: each a record of the run's own WARC file, and a row that says where it is."""

from __future__ import annotations

import logging
import platform
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from sinanews.catalogue import Catalogue
from sinanews.dates import to_beijing
from sinanews.exceptions import ExportError
from sinanews.originals.capture import Capture, response_record, revisit_record
from sinanews.originals.writing import WarcFile, cut_torn_tail
from sinanews.posts.folder import ORIGINALS, ExportFolder

logger = logging.getLogger(__name__)
PARTS = re.compile(r"[^\w.-]+")


def machine(catalogue: Catalogue) -> str:
    """The folder of this machine's files under ORIGINALS; none where the catalogue is a file, which has one machine."""
    return "" if catalogue.path is not None else PARTS.sub("-", platform.node()).strip(".-") or "unnamed"


@dataclass
class Keeper:
    """Not safe for threads: the catalogue's writer calls it, within its transaction. Raises ExportError and
    CatalogueError.

    Once a page could not be written ``sync`` fails too, so that no article is done whose page is not kept.
    """

    catalogue: Catalogue
    folder: ExportFolder
    stem: str  #: of the file's name
    about: dict[str, str] = field(default_factory=dict)  #: what the file says of itself
    _file: WarcFile | None = None
    _failed: ExportError | None = None
    _place: str = ""  #: of the machine's files, relative to the exports

    def __call__(self, capture: Capture, article_id: str, url: str, listed: str | None) -> None:
        """Keep a page of an article (of a list: of the article ""), asked for at ``url``."""
        try:
            self._keep(capture, article_id, url, listed)
        except ExportError as error:
            self._failed = error
            raise

    def _keep(self, capture: Capture, article_id: str, url: str, listed: str | None) -> None:
        if article_id and (self.catalogue.forgotten.has(article_id) or self.catalogue.forgotten.by_digest(url)):
            return
        same = self.catalogue.originals.same(article_id, url, capture.digest, capture.status)
        known = next((row for row in same if (self.folder.root / row.file).is_file()), None)
        if known is not None:
            name, offset, length = self._written(revisit_record(capture, known.fetched_at))
            self.catalogue.originals.written_to(name, offset + length, capture.at)
            self.catalogue.originals.met_again(known, capture.at, listed)
            return
        place = "/".join(filter(None, (ORIGINALS, machine(self.catalogue), "")))
        self.catalogue.originals.forget([(row.file, row.offset) for row in same if row.file.startswith(place)])  # gone
        file, offset, length = self._written(response_record(capture))
        self.catalogue.originals.add(
            file=file, offset=offset, length=length, article_id=article_id, url=url, fetched_at=capture.at,
            digest=capture.digest, status=capture.status, listed=listed,
        )  # fmt: skip

    def _written(self, record: bytes) -> tuple[str, int, int]:
        if self._file is None:
            self._place = "/".join(filter(None, (ORIGINALS, machine(self.catalogue))))
            folder = self.folder.hidden(*self._place.split("/"))
            cut_torn_tails(self.catalogue, self.folder.root, folder)
            self._file = WarcFile(folder, self.stem, self.about)
        name, offset = self._file.append(record)
        return f"{self._place}/{name}", offset, len(record)

    def sync(self) -> None:
        """Before each commit: what it names is on disk."""
        if self._failed is not None:
            raise self._failed
        if self._file is not None:
            self._file.sync()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def stem_of(day: datetime, spider: str, run_id: int) -> str:
    """
    >>> from datetime import timezone
    >>> stem_of(datetime(2026, 11, 24, 20, tzinfo=timezone.utc), "sina_finance", 7)
    '2026-11-25-sina_finance-7'
    """
    return f"{to_beijing(day):%Y-%m-%d}-{PARTS.sub('-', spider)}-{run_id}"


def files_in(root: Path, folder: Path) -> list[tuple[str, Path]]:
    """The WARC files of a folder, each with its name in the catalogue."""
    paths = sorted(path for path in folder.glob("*.warc.gz") if path.is_file() and not path.is_symlink())
    return [(path.relative_to(root).as_posix(), path) for path in paths]


def cut_torn_tails(catalogue: Catalogue, root: Path, folder: Path) -> None:
    """Cut off what runs that were killed left half written. Raises ExportError, CatalogueError."""
    ends = {row.file: row.bytes for row in catalogue.originals.files()}
    for name, path in files_in(root, folder):
        try:
            if cut_torn_tail(path, ends.get(name, 0)):
                logger.info("%s ended in half a record, which was cut off", name)
        except OSError as error:
            raise ExportError(f"cannot write {path}: {error.strerror or error}") from None


def let_go(catalogue: Catalogue, root: Path, age: timedelta, now: datetime) -> int:
    """Delete the files of this machine in which nothing was met for so long; how many. Raises ExportError,
    CatalogueError. The file goes first: where its row is left the next time makes that good."""
    place = "/".join(filter(None, (ORIGINALS, machine(catalogue), "")))
    old = [row.file for row in catalogue.originals.files() if row.seen_at < now - age and row.file.startswith(place)]
    for file in old:
        try:
            (root / file).unlink(missing_ok=True)
        except OSError as error:
            raise ExportError(f"cannot delete {root / file}: {error.strerror or error}") from None
        catalogue.originals.forget_file(file)
    return len(old)
