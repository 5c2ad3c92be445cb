"""Posts on disk: written whole or not at all, always inside the exports folder."""

from __future__ import annotations

import os
import secrets
import time
from pathlib import Path

from sinanews.exceptions import ExportError

TEMPORARY = ".tmp"  #: a hidden folder: neither Hexo nor a reader looks into it
SUPERSEDED = ".superseded"  #: posts whose place a better copy has taken
ABANDONED = 3600  #: seconds after which a temporary file belongs to a run that was killed


class ExportFolder:
    """The exports folder. Raises ExportError, naming path and cause, for all that goes wrong with it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.temporary = root / TEMPORARY
        try:
            self.temporary.mkdir(parents=True, exist_ok=True)
            self._sweep()
        except OSError as error:
            raise ExportError(f"cannot write to {root}: {error.strerror}") from None

    def set_aside(self, path: str) -> str:
        """Move a post to where neither Hexo nor a reader looks, but nothing is lost; returns its new path."""
        aside = f"{SUPERSEDED}/{path}"
        try:
            (self.root / aside).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).replace(self.root / aside)
        except FileNotFoundError:
            return path  # somebody else has moved or deleted it
        except OSError as error:
            raise ExportError(f"cannot move {path}: {error.strerror or error}") from None
        return aside

    def has(self, path: str) -> bool:
        return (self.root / path).is_file()

    def write(self, path: str, data: bytes) -> None:
        """Write, flush to disk, then rename into place: after a crash the old file is there, or the new one."""
        target = self.root / path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.parent.resolve().is_relative_to(self.root.resolve()):
                raise ExportError(f"{path} leads out of {self.root}: a symbolic link is in the way")
            temporary = self.temporary / secrets.token_hex(8)
            try:
                with temporary.open("xb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                temporary.replace(target)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
            _sync_folder(target.parent)
        except OSError as error:
            raise ExportError(f"cannot write {target}: {error.strerror or error}") from None

    def _sweep(self) -> None:
        for leftover in self.temporary.iterdir():
            if time.time() - leftover.lstat().st_mtime > ABANDONED:
                leftover.unlink()


def _sync_folder(folder: Path) -> None:
    """Make the rename itself last; Windows has no such call and needs none."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
