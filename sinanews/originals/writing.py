"""A WARC file with one writer: every record whole, what a crash left half written cut off before it is used again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from sinanews.exceptions import ExportError
from sinanews.originals.capture import info_record
from sinanews.originals.members import whole_until
from sinanews.posts.folder import sync_folder

try:
    import fcntl
except ImportError:  # Windows: a file that others write to cannot be told there, so nothing is cut
    fcntl = None  # type: ignore[assignment]

LARGEST = 1 << 30  #: bytes after which another file is begun


class WarcFile:
    """Appends records. Made when the first is written; while it is open others can see that it is in use.

    Raises ExportError. A record is safe on disk after ``sync``.
    """

    def __init__(self, folder: Path, stem: str, about: Mapping[str, str]) -> None:
        self.folder, self.stem, self.about = folder, stem, about
        self._file: BinaryIO | None = None
        self._unsynced = self._folder_unsynced = False
        self.name = ""  #: of the file, once there is one

    def append(self, record: bytes) -> tuple[str, int]:
        """The name of the file, and where in it the record begins."""
        try:
            if self._file is None or self._file.tell() > LARGEST:
                self.close()
                self._file = self._open()
                self._write(self._file, info_record(self.name, self.about))
            return self.name, self._write(self._file, record)
        except OSError as error:
            raise ExportError(f"cannot write {self.folder / self.name}: {error.strerror or error}") from None

    def sync(self) -> None:
        """Flush to disk what was written, and the name of a new file."""
        try:
            if self._file is not None and self._unsynced:
                os.fsync(self._file.fileno())
                self._unsynced = False
            if self._folder_unsynced:
                sync_folder(self.folder)
                self._folder_unsynced = False
        except OSError as error:
            raise ExportError(f"cannot write {self.folder / self.name}: {error.strerror or error}") from None

    def close(self) -> None:
        if self._file is not None:
            with suppress(ExportError):
                self.sync()
            self._file.close()
            self._file = None

    def _open(self) -> BinaryIO:
        for number in range(1, 10_000):  # a catalogue that was made anew counts its runs from one again
            self.name = f"{self.stem}{f'-{number}' if number > 1 else ''}.warc.gz"
            try:
                file = (self.folder / self.name).open("xb", buffering=0)
            except FileExistsError:
                continue
            is_free(file)
            self._folder_unsynced = True
            return file
        raise ExportError(f"too many files {self.folder / self.stem}*")

    def _write(self, file: BinaryIO, record: bytes) -> int:
        """All of it or nothing: a disk that is full leaves no half record."""
        begin, left = file.tell(), memoryview(record)
        self._unsynced = True
        try:
            while left:
                left = left[file.write(left) :]
        except BaseException:
            with suppress(OSError):
                file.truncate(begin)
                file.seek(begin)
            raise
        return begin


def is_free(file: BinaryIO) -> bool:
    """Whether nobody else writes to an open file; from now on until it is closed others are told that we do."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except OSError:
        return False


def torn_at(path: Path, known: int) -> int | None:
    """Where the half record begins that a killed writer left at a file's end; None where there is none.

    Up to ``known`` the file is as it should be. Raises OSError.
    """
    size = path.stat().st_size
    if size <= known:
        return None
    with path.open("rb") as file:
        end = whole_until(file, known)
    return end if end < size else None


def cut_torn_tail(path: Path, known: int) -> bool:
    """Whether a half record was cut off. A file that somebody writes to is left alone. Raises OSError."""
    if torn_at(path, known) is None:
        return False
    with path.open("r+b") as file:
        if not is_free(file):
            return False
        file.truncate(whole_until(file, known))
        os.fsync(file.fileno())
    return True
