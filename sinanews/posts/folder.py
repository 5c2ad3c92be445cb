"""Files on disk: written whole or not at all, and always inside the folder they belong to.

The exports folder itself may be a link: that is its owner's choice. Below it no link is followed, and nothing is
deleted, moved or overwritten that sinanews did not make.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath

from sinanews.exceptions import ExportError

TEMPORARY = ".tmp"  #: a hidden folder: neither Hexo nor a reader looks into it
SUPERSEDED = ".superseded"  #: posts whose place a better copy has taken
ORIGINALS = ".originals"  #: pages as they came, in WARC files
ABANDONED = 3600  #: seconds after which a temporary file belongs to a run that was killed
#: Names of our temporary files; 1.0.0's were sixteen digits and nothing else.
_TEMPORARY_NAME = re.compile(r"\.[0-9a-f]{16}\.sinanews|[0-9a-f]{16}")
_FRONT_MATTER = re.compile(rb"(?:\xef\xbb\xbf)?\s*---")


class ExportFolder:
    """The exports folder. Raises ExportError, naming path and cause, for all that goes wrong with it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._known: dict[str, Path] = {}  #: the folders of posts, by their paths below the root
        self._durable: set[Path] = set()  #: folders whose names are known to be on disk in their parents
        self._renamed_in: set[Path] = set()  #: folders with names that may not be on disk yet
        try:
            _make_root(root)
            self._folder(TEMPORARY)
            for leftover in leftovers(root, ABANDONED):
                leftover.unlink(missing_ok=True)  # another run may have been quicker
        except OSError as error:
            raise ExportError(f"cannot write to {root}: {error.strerror}") from None

    def has(self, path: str) -> bool:
        return _is(stat.S_ISREG, self.root / path)

    def size(self, path: str) -> int:
        """Bytes of what lies there; 0 where nothing does."""
        try:
            return (self.root / path).lstat().st_size
        except OSError:
            return 0

    def read(self, path: str) -> bytes | None:
        """What lies there; None where nothing does, b"" for what is no file or cannot be read."""
        try:
            return (self.root / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return b"" if os.path.lexists(self.root / path) else None
        except OSError:
            return b""

    def write(self, path: str, data: bytes) -> None:
        """Write, flush to disk, then rename into place: after a crash the old file is there, or the new one.

        It is sure to be the new one after ``sync``.
        """
        try:
            folder = self._folder_of(path)
            _rename_over(folder / path.rpartition("/")[2], data, self._folder_of(f"{TEMPORARY}/"))
            self._renamed_in.add(folder)
        except OSError as error:
            raise ExportError(f"cannot write {self.root / path}: {error.strerror or error}") from None

    def sync(self) -> None:
        """Flush the names of the files written so far to disk."""
        try:
            while self._renamed_in:
                sync_folder(folder := next(iter(self._renamed_in)))
                self._renamed_in.discard(folder)
        except OSError as error:
            raise ExportError(f"cannot write to {self.root}: {error.strerror or error}") from None

    def hidden(self, *parts: str) -> Path:
        """A folder of our upkeep, made where it is missing."""
        try:
            return self._folder(*parts)
        except OSError as error:
            raise ExportError(f"cannot write to {self.root}: {error.strerror or error}") from None

    def set_aside(self, path: str) -> None:
        """Move a post to aside_path, where neither Hexo nor a reader looks, but nothing is lost."""
        try:
            target = self._free(aside_path(path))
            (self.root / path).replace(target)
            sync_folder(target.parent)
            sync_folder((self.root / path).parent)
        except FileNotFoundError:
            pass  # somebody else has moved or deleted it
        except OSError as error:
            raise ExportError(f"cannot move {path}: {error.strerror or error}") from None

    def keep_copy(self, path: str) -> None:
        """Copy a post to aside_path, so that writing it anew loses nothing; what is no file is moved there."""
        if not self.has(path):
            self.set_aside(path)
            return
        try:
            data = (self.root / path).read_bytes()
            _write_over(self._free(aside_path(path)), data, self._folder(TEMPORARY))
        except OSError as error:
            raise ExportError(f"cannot copy {path}: {error.strerror or error}") from None

    def finish_moves(self, paths: Iterable[str]) -> None:
        """Set aside what a run that was killed right after its commit had no time to."""
        for path in paths:
            if self.has(path.removeprefix(f"{SUPERSEDED}/")):
                self.set_aside(path.removeprefix(f"{SUPERSEDED}/"))

    def _free(self, path: str) -> Path:
        """The place of a file to be, its folders made. What lies there already moves to a name with a number."""
        place = self._folder_of(path) / PurePosixPath(path).name
        if os.path.lexists(place):
            numbered = (place.with_name(f"{place.stem}.{n}{place.suffix}") for n in range(1, 1_000_000))
            place.rename(next(name for name in numbered if not os.path.lexists(name)))
        return place

    def _folder_of(self, path: str) -> Path:
        below = path[: path.rfind("/") + 1]
        known = self._known.get(below)
        if known is None or not _is(stat.S_ISDIR, known):
            known = self._known[below] = self._folder(*PurePosixPath(below).parts)
        return known

    def _folder(self, *parts: str) -> Path:
        """A folder below the root, made where it is missing, and its name flushed to disk in its parent."""
        whole = self.root.joinpath(*parts)
        if whole in self._durable and _is(stat.S_ISDIR, whole):
            return whole
        folder = self.root
        for part in parts:
            if part == ".." or "/" in part:
                raise ExportError(f"{'/'.join(parts)} leads out of {self.root}")
            parent, folder = folder, folder / part
            try:
                folder.mkdir()
            except FileExistsError:
                if not _is(stat.S_ISDIR, folder):
                    kind = "a symbolic link" if folder.is_symlink() else "something that is no folder"
                    raise ExportError(f"{kind} is in the way: {folder}; move it, nothing is written there") from None
            if folder not in self._durable:  # one that a killed run made may not be on disk either
                sync_folder(parent)
                self._durable.add(folder)
        return folder


def aside_path(path: str) -> str:
    """Where set_aside moves a post, relative to the exports folder; one that lies there stays there."""
    return f"{SUPERSEDED}/{path.removeprefix(f'{SUPERSEDED}/')}"


def leftovers(root: Path, age: float) -> Iterator[Path]:
    """Temporary files of ours that are older than so many seconds, in a fixed order; nothing that a link leads to."""
    folder = root / TEMPORARY
    for name in sorted(os.listdir(folder)) if _is(stat.S_ISDIR, folder) else ():
        path = folder / name
        if _TEMPORARY_NAME.fullmatch(name) and _is(stat.S_ISREG, path) and time.time() - _changed(path) > age:
            yield path


def in_the_way(root: Path) -> Iterator[str]:
    """The folders of our upkeep that are links or files, relative to the root: no run can write there."""
    for name in (TEMPORARY, SUPERSEDED, ORIGINALS):
        if os.path.lexists(root / name) and not _is(stat.S_ISDIR, root / name):
            yield name


def posts_under(root: Path) -> Iterator[Path]:
    """The posts of an archive in a fixed order; not those of hidden folders, links or archives inside it.

    A post lies in a folder. A file in the root itself counts only where it begins as a post does: a README is
    somebody's note.
    """
    for folder, folders, names in os.walk(root):
        visible = (name for name in folders if not name.startswith("."))
        folders[:] = sorted(name for name in visible if not Path(folder, name, ".catalogue.db").exists())
        for name in sorted(names):
            path = Path(folder, name)
            if name.endswith(".md") and not name.startswith(".") and (Path(folder) != root or _begins_as_post(path)):
                yield path


def write_file(path: Path, data: bytes) -> None:
    """Write one file anywhere, whole or not at all; into a device or a pipe as it is. Raises ExportError."""
    try:
        if path.is_dir():
            raise ExportError(f"cannot write {path}: it is a folder")
        if path.exists() and not path.is_file():
            path.write_bytes(data)  # /dev/stdout, say: a file must not take its place
            return
        _make_root(path.resolve().parent)
        _write_over(path.resolve(), data, path.resolve().parent)
    except OSError as error:
        raise ExportError(f"cannot write {path}: {error.strerror or error}") from None


def _write_over(target: Path, data: bytes, beside: Path) -> None:
    _rename_over(target, data, beside)
    sync_folder(target.parent)


def _rename_over(target: Path, data: bytes, beside: Path) -> None:
    temporary = f"{beside}/.{secrets.token_hex(8)}.sinanews"
    # O_EXCL makes a new file or fails: it follows no link. O_BINARY is Windows's.
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        try:
            left = memoryview(data)
            while left:
                left = left[os.write(descriptor, left) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(temporary, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def _make_root(root: Path) -> None:
    """Make a folder that a setting names, with those above it."""
    if root.exists() and not root.is_dir():
        raise ExportError(f"cannot write to {root}: it is no folder")
    missing = [folder for folder in (root, *root.parents) if not folder.exists()]
    root.mkdir(parents=True, exist_ok=True)
    for folder in missing:
        with suppress(PermissionError):  # a folder above that others own need not be readable
            sync_folder(folder.parent)


def _is(kind: Callable[[int], bool], path: Path) -> bool:
    """Whether the path itself, not what a link leads to, is of that kind."""
    try:
        return kind(path.lstat().st_mode)
    except OSError:
        return False


def _changed(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except FileNotFoundError:
        return time.time()


def _begins_as_post(path: Path) -> bool:
    if not _is(stat.S_ISREG, path):
        return False
    try:
        with path.open("rb") as file:
            return _FRONT_MATTER.match(file.read(256)) is not None
    except OSError:
        return False


def sync_folder(folder: Path) -> None:
    """Flush the names in a folder to disk; Windows has no such call and needs none."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
