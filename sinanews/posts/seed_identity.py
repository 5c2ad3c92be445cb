"""Local posts: which files there are, and which article each of them is. Nothing here asks a database.

Which article a file is: its path under the given folder names it, and so does its content.

| what happened to a file | what it is |
| --- | --- |
| it is new | a new article; its id is a digest of its content |
| nothing | known |
| edited: text, title, header | a revision of its article: the post is replaced where it lies |
| moved or renamed | the same article, known by the new path |
| moved *and* edited between two runs | a new article (which may be found a copy of the old one) |
| copied | known; both paths are the one article |
| edited, while another file has its old content still | an article of its own; the old content keeps the old one |
| edited into the very content of another known file | that file's article; its own old one stays in the archive |
| two files swapped | known, each by its content |
| edited into something that cannot be read | refused; the post that was exported stays |
| deleted | nothing: the post stays in the archive |

A catalogue of 1.0.0 knows contents and no paths: its files are recognised by their content, once; a file edited before
that cannot be told from a new one.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from sinanews.exceptions import BadPost, Refused
from sinanews.posts.reading import MAX_FILE

SUFFIXES = (".md", ".markdown", ".txt")


@dataclass(frozen=True, slots=True)
class SeedFile:
    """A file as it was when its article was last decided on."""

    root: str  #: the folder that was given; in the project relative to it
    path: str  #: under the root
    article_id: str
    digest: str  #: SHA-256
    size: int
    mtime_ns: int

    def is_as(self, status: os.stat_result) -> bool:
        """Whether a file looks as it did then, by its size and time."""
        return (self.size, self.mtime_ns) == (status.st_size, status.st_mtime_ns)


@dataclass
class Files:
    """The files of a root as the catalogue knows them, and as they are now."""

    root: str
    known: Collection[SeedFile]
    now: dict[str, str] = field(default_factory=dict)  #: path → digest
    retimed: dict[str, SeedFile] = field(default_factory=dict)  #: by path, as they are now: their content is as it was
    rows: dict[str, SeedFile] = field(init=False)
    claimed: dict[str, str] = field(default_factory=dict)  #: article → digest of the file that edited it in this run

    def __post_init__(self) -> None:
        self.rows = {file.path: file for file in self.known if file.root == self.root}

    # Made only where a file is not as it was; most runs over a large folder find none.

    @cached_property
    def _articles(self) -> dict[str, str]:
        return {file.digest: file.article_id for file in reversed([*self.known])}

    @cached_property
    def _paths(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for path, file in self.rows.items():
            found[file.digest].append(path)
        return found

    @cached_property
    def _present(self) -> Collection[str]:
        return frozenset(self.now.values())

    def unchanged(self, path: str) -> SeedFile | None:
        """A file whose content is as it was, with the time that it has now."""
        row = self.rows.get(path)
        return self.retimed.get(path, row) if row is not None and row.digest == self.now.get(path) else None

    def article_of(self, path: str, digest: str) -> str | None:
        """The article that has just this content; the path's own where several have. None: nobody has it."""
        row = self.rows.get(path)
        return row.article_id if row is not None and row.digest == digest else self._articles.get(digest)

    def edited(self, path: str, digest: str) -> str | None:
        """The article whose edit this new content is; None where the old content has only moved, or was copied."""
        row = self.rows.get(path)
        if row is None or row.digest in self._present:
            return None
        return row.article_id if self.claimed.get(row.article_id, digest) == digest else None

    def left_by(self, file: SeedFile) -> list[str]:
        """Paths at which the same content was and no file is any more."""
        return [path for path in self._paths.get(file.digest, ()) if path not in self.now]


def name_of(root: Path, path: Path) -> str:
    return utf8_name(path.relative_to(root).as_posix())


def utf8_name(name: str) -> str:
    """A name that is no UTF-8 with its odd bytes spelled out; no database takes them as they are."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def survey(
    root: Path, paths: Iterable[Path], known: Collection[SeedFile], here: str, *, read_all: bool = False
) -> Files:
    """The files of a root as they are, before anything is decided: a file may have moved to any other.

    ``here`` is what the catalogue calls the root. A file that looks as it did is not read, unless all are to be.
    """
    files = Files(here, known)
    for path in paths:
        name = name_of(root, path)
        row = files.rows.get(name)
        try:
            status = regular(path)
            if row is not None and row.is_as(status) and not read_all:
                files.now[name] = row.digest
                continue
            digest = files.now[name] = hashlib.sha256(read_regular_file(path)).hexdigest()
        except Refused:
            continue  # told when its turn comes
        if row is not None and row.digest == digest:
            files.retimed[name] = replace(row, size=status.st_size, mtime_ns=status.st_mtime_ns)
    return files


def post_files(root: Path) -> Iterator[Path]:
    """The posts under a folder in a fixed order, or the one file; links to folders are not followed."""
    if not root.is_dir():
        yield root
        return
    for folder, folders, files in os.walk(root, followlinks=False):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        yield from (Path(folder, f) for f in sorted(files) if f.endswith(SUFFIXES) and not f.startswith("."))


def read_regular_file(path: Path) -> bytes:
    """The bytes of an ordinary file of bounded size. Raises BadPost for links, devices, pipes and giants."""
    regular(path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadPost(f"{path.name} cannot be read: {error.strerror}") from None


def regular(path: Path) -> os.stat_result:
    """The status of an ordinary file of bounded size. Raises BadPost."""
    try:
        status = path.lstat()
    except OSError as error:
        raise BadPost(f"{path.name} cannot be read: {error.strerror}") from None
    if not stat.S_ISREG(status.st_mode):
        raise BadPost(f"{path.name} is no ordinary file (a link, a pipe or a device)")
    if status.st_size > MAX_FILE:
        raise BadPost(f"{path.name} has {status.st_size} bytes, more than {MAX_FILE}")
    return status
