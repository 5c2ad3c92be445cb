"""Are the pages that were kept as they came where the catalogue says? ``check_originals`` looks, ``repair_originals``
forgets what is gone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Row

from sinanews.archive.keeping import files_in, machine
from sinanews.catalogue import Catalogue
from sinanews.originals.capture import DamagedRecord
from sinanews.originals.members import GZIP
from sinanews.originals.reading import read_at
from sinanews.originals.writing import cut_torn_tail, torn_at
from sinanews.posts.folder import ORIGINALS
from sinanews.watch.verification import Mismatch


def check_originals(catalogue: Catalogue, exports: Path, *, quick: bool = False) -> Iterator[Mismatch]:
    """Everything that is wrong with them. Raises CatalogueError, OSError.

    ``quick``: only whether a record stands where one should, not what is in it. Of several machines each answers for
    the files that it has.
    """
    ends: dict[str, int] = {}
    for file in catalogue.originals.files():
        path = exports / file.file
        ends[file.file] = file.bytes
        if not path.is_file():
            if is_here(catalogue, exports, path):
                yield Mismatch("no_pages", file.file)
            continue
        for row in catalogue.originals.in_file(file.file):
            if not _is_there(path, row, quick):
                yield Mismatch("bad_page", f"{row.file}:{row.offset}", row.article_id or None, row.url)
    for name, path in _files(exports):
        if torn_at(path, ends.get(name, 0)) is not None:
            yield Mismatch("torn", name)


def is_here(catalogue: Catalogue, exports: Path, path: Path) -> bool:
    """Whether a file that is missing should be on this machine."""
    return path.parent.is_dir() or path.parent.name in (ORIGINALS, machine(catalogue))


def _files(exports: Path) -> Iterator[tuple[str, Path]]:
    top = exports / ORIGINALS
    if top.is_dir() and not top.is_symlink():
        for folder in (top, *sorted(one for one in top.iterdir() if one.is_dir() and not one.is_symlink())):
            yield from files_in(exports, folder)


def _is_there(path: Path, row: Row[Any], quick: bool) -> bool:
    if quick:
        with path.open("rb") as file:
            file.seek(row.offset)
            return file.read(len(GZIP)) == GZIP and bool(row.offset + row.length <= path.stat().st_size)
    try:
        return bool(read_at(path, row.offset, row.length).digest == row.digest)
    except DamagedRecord:
        return False


def repair_originals(findings: Iterable[Mismatch], catalogue: Catalogue, exports: Path) -> None:
    """Forget the pages that are gone or damaged, and cut off what is half written. Raises CatalogueError, OSError."""
    for finding in findings:
        if finding.kind == "no_pages":
            catalogue.originals.forget_file(finding.what)
        elif finding.kind == "bad_page":
            file, _, offset = finding.what.rpartition(":")
            catalogue.originals.forget([(file, int(offset))])
        elif finding.kind == "torn":
            ends = {row.file: row.bytes for row in catalogue.originals.files()}
            cut_torn_tail(exports / finding.what, ends.get(finding.what, 0))
