"""The pages of articles that are forgotten, cut out of the WARC files in which they were kept."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from urllib.parse import urlsplit

from sqlalchemy import Row, bindparam, select

from sinanews.archive.keeping import files_in, machine
from sinanews.catalogue import Catalogue
from sinanews.catalogue.tables import original_files, originals
from sinanews.exceptions import CatalogueError, ExportError
from sinanews.originals.capture import DamagedRecord
from sinanews.originals.cutting import Span, names_one_of, next_name, spans, write_without
from sinanews.originals.reading import read_at
from sinanews.originals.writing import is_free
from sinanews.posts.folder import ORIGINALS, TEMPORARY, ExportFolder, sync_folder

OLD_FILES = "original_files_to_delete"  #: of upkeep: one a line
o, f = originals.c, original_files.c
_MOVE = (
    originals.update()
    .where(o.file == bindparam("old_file"), o.offset == bindparam("old_offset"))
    .values(file=bindparam("new_file"), offset=bindparam("new_offset"))
)


@dataclass
class PageCutter:
    """``plan`` looks, ``cut`` writes. A file with such pages is written anew under another name, and one commit moves
    the rows of all its other records there; the old one is deleted after it. Killed between, the rows fit the file
    that they name. Files of other machines are left to those."""

    catalogue: Catalogue
    folder: ExportFolder
    its: Sequence[tuple[str, str | None]]  #: ids, and their addresses
    files: dict[str, set[int]] = field(default_factory=dict)  #: file → where the records begin that go
    notes: list[str] = field(default_factory=list)

    @property
    def records(self) -> int:
        return sum(map(len, self.files.values()))

    def plan(self) -> None:
        """Raises CatalogueError where a run still writes to one of the files."""
        ids = [one for one, _ in self.its]
        with self.catalogue.read() as connection:
            rows = connection.execute(select(originals).where(o.article_id.in_(ids))).all()
        self.urls = {url.encode() for url in (*(row.url for row in rows), *(url for _, url in self.its)) if url}
        self.named = _named_in_lists(self.its)
        place = "/".join(filter(None, (ORIGINALS, machine(self.catalogue))))
        here = self.folder.root / place
        for row in rows:
            if PurePosixPath(row.file).parent.as_posix() != place:
                self.notes.append(f"{row.file} of another machine has a page of it: run the same command there")
        self.notes = sorted(set(self.notes))
        for name, path in files_in(self.folder.root, here) if here.is_dir() and not here.is_symlink() else ():
            with path.open("rb") as file:
                if goes := self._going(name, path, file, set(ids)):
                    self.files[name] = goes
                    if not is_free(file):
                        raise CatalogueError(
                            f"{name} has pages of it and a run still writes to that file; wait for the run's end, or "
                            "stop it, and run this again"
                        )

    def _going(self, name: str, path: Path, file: BinaryIO, ids: set[str]) -> set[int]:
        """Records of the articles, revisit records and others without a row that name their addresses, and answers of
        lists that name them."""
        rows = {row.offset: row for row in self.catalogue.originals.in_file(name)}
        lengths = {offset: row.length for offset, row in rows.items()}
        goes = {offset for offset, row in rows.items() if row.article_id in ids or self._is_in_list(path, row)}
        if self.urls:
            goes |= {one.offset for one in spans(file, lengths) if one.head and names_one_of(one, self.urls)}
        return goes

    def _is_in_list(self, path: Path, row: Row[tuple[object, ...]]) -> bool:
        if row.article_id or self.named is None:
            return False
        try:
            return self.named.search(read_at(path, row.offset, row.length).body) is not None
        except DamagedRecord:
            return False

    def cut(self) -> None:
        """Raises ExportError, CatalogueError."""
        for name, goes in self.files.items():
            try:
                self._cut(name, goes)
            except OSError as error:
                raise ExportError(f"cannot write {self.folder.root / name}: {error.strerror or error}") from None
            self.delete_old()

    def _cut(self, name: str, goes: set[int]) -> None:
        path = self.folder.root / name
        rows = list(self.catalogue.originals.in_file(name))
        lengths = {row.offset: row.length for row in rows}
        written = self.folder.hidden(TEMPORARY) / f".{'0' * 16}.sinanews"  # an earlier try's is written over
        places = write_without(path, written, lengths, lambda span: self._goes(span, goes))
        stay = [row for row in rows if row.offset not in goes]
        new = f"{name.rpartition('/')[0]}/{next_name(path.name)}"
        written.replace(self.folder.root / new)
        sync_folder(path.parent)
        with self.catalogue.together() as connection:
            connection.execute(originals.delete().where(o.file == name, o.offset.in_(goes)))
            moves = [
                {"old_file": name, "old_offset": r.offset, "new_file": new, "new_offset": places[r.offset]}
                for r in stay
            ]
            if moves:
                connection.execute(_MOVE, moves)
            about = {"file": new, "records": len(stay), "bytes": places[-1]}
            connection.execute(original_files.update().where(f.file == name).values(**about))
            self.catalogue.originals.keep_position(OLD_FILES, name)

    def _goes(self, span: Span, goes: set[int]) -> bool:
        return span.offset in goes or (bool(span.head) and names_one_of(span, self.urls))

    def delete_old(self) -> None:
        """The file that another one has replaced; also what a killed run had no time to."""
        if old := self.catalogue.originals.position(OLD_FILES):
            path = self.folder.root / old
            try:
                path.unlink(missing_ok=True)
                if path.parent.is_dir():
                    sync_folder(path.parent)
            except OSError as error:
                raise ExportError(f"cannot delete {path}: {error.strerror or error}") from None
            self.catalogue.originals.keep_position(OLD_FILES, None)


def _named_in_lists(its: Sequence[tuple[str, str | None]]) -> re.Pattern[bytes] | None:
    """What a list's answer names them by: the file of an address, the number of a row of the live feed."""
    names = {PurePosixPath(urlsplit(url).path).stem for _, url in its if url}
    names |= {one.rpartition("-")[2] for one, url in its if not url and one.startswith("live-")}
    words = b"|".join(re.escape(name.encode()) for name in sorted(names) if len(name) > 4)
    return re.compile(rb"(?<![0-9A-Za-z])(?:" + words + rb")(?![0-9A-Za-z])") if words else None
