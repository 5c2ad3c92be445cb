"""Posts on disk: written whole or not at all, always inside the exports folder."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterable, Iterator
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

    def set_aside(self, path: str) -> None:
        """Move a post to aside_path, where neither Hexo nor a reader looks, but nothing is lost."""
        aside = aside_path(path)
        try:
            (self.root / aside).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).replace(self.root / aside)
        except FileNotFoundError:
            pass  # somebody else has moved or deleted it
        except OSError as error:
            raise ExportError(f"cannot move {path}: {error.strerror or error}") from None

    def has(self, path: str) -> bool:
        return (self.root / path).is_file()

    def finish_moves(self, paths: Iterable[str]) -> None:
        """Set aside what a run that was killed right after its commit had no time to."""
        for path in paths:
            if not self.has(path) and self.has(path.removeprefix(f"{SUPERSEDED}/")):
                self.set_aside(path.removeprefix(f"{SUPERSEDED}/"))

    def write(self, path: str, data: bytes) -> None:
        """Write, flush to disk, then rename into place: after a crash the old file is there, or the new one."""
        target = self.root / path
        try:
            if not target.parent.resolve().is_relative_to(self.root.resolve()):
                raise ExportError(f"{path} leads out of {self.root}: a symbolic link is in the way")
            target.parent.mkdir(parents=True, exist_ok=True)
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


def aside_path(path: str) -> str:
    """Where set_aside moves a post, relative to the exports folder."""
    return f"{SUPERSEDED}/{path}"


def posts_under(root: Path) -> Iterator[Path]:
    """The posts of an archive in a fixed order; not those of hidden folders, links or archives inside it."""
    for folder, folders, names in os.walk(root):
        visible = (name for name in folders if not name.startswith("."))
        folders[:] = sorted(name for name in visible if not Path(folder, name, ".catalogue.db").exists())
        yield from (Path(folder, name) for name in sorted(names) if name.endswith(".md") and not name.startswith("."))


def _sync_folder(folder: Path) -> None:
    """Make the rename itself last; Windows has no such call and needs none."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
