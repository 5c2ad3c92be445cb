"""Tables on disk: written whole or not at all, with a manifest that says what is in them."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sinanews import __version__
from sinanews.dates import BEIJING
from sinanews.exceptions import ArgumentError, ExportError
from sinanews.out.archive import Archive
from sinanews.out.articles import Article
from sinanews.out.filters import Filters
from sinanews.out.tables import COLUMNS, format_of
from sinanews.posts.exporter import PostRenderer
from sinanews.posts.folder import SUPERSEDED, ExportFolder, write_file
from sinanews.posts.naming import post_path

#: In a folder of tables; readers of Parquet pass over names that begin so.
MANIFEST = "_manifest.json"
UNTIMED = "unknown"  #: month of articles without a time of publication
_MONTH = re.compile(r"month=(\d{4}-\d\d|unknown)/articles\.parquet")
#: What an export was asked for, as its manifest tells it: the words of -a, and of --search.
Asked = Mapping[str, str]


@dataclass(frozen=True)
class Written:
    """One file of an export, as its manifest has it."""

    path: str  #: relative to the manifest's folder
    articles: int
    bytes: int
    sha256: str
    state: str | None = None  #: of a month: changes with any of its articles; None: to be written again


def export_file(articles: Iterable[Article], path: Path, asked: Asked) -> int:
    """One table, with ``NAME.manifest.json`` beside it; how many articles. Raises ArgumentError, ExportError."""
    written = _table(articles, path)
    _write_manifest(path.with_name(f"{path.name}.manifest.json"), asked, written.articles, [written])
    return written.articles


def _table(articles: Iterable[Article], path: Path) -> Written:
    make, number = format_of(path), 0
    with replacing(path) as temporary:
        table = make(temporary)
        try:
            for article in articles:
                table.write(article)
                number += 1
        finally:
            table.close()
        size, digest = temporary.stat().st_size, sha256_of(temporary)
    return Written(path.name, number, size, digest)


def export_posts(articles: Iterable[Article], folder: Path, render: PostRenderer, asked: Asked) -> int:
    """A folder of posts, named as in the archive; how many. Raises ExportError."""
    posts, number = ExportFolder(folder), 0
    for article in articles:
        name = article.path or post_path(article.item).as_posix()
        posts.write(name.removeprefix(f"{SUPERSEDED}/"), render(article.item))
        number += 1
    posts.sync()
    _write_manifest(folder / MANIFEST, asked, number, [])
    return number


@dataclass(frozen=True)
class Months:
    """A folder of Parquet, ``month=2026-01/articles.parquet``, of which only the months that changed are written."""

    archive: Archive
    folder: Path
    filters: Filters
    asked: Asked

    def write(self) -> tuple[list[str], int]:
        """Bring the folder up to date: the months that were written, and the articles in all. Raises ExportError."""
        before, wanted = self._before(), self._states()
        files = {month: file for month, file in before.items() if file.state == wanted.get(month, "")
                 and (path := self._path(month)).is_file() and sha256_of(path) == file.sha256}  # fmt: skip
        changed = [month for month in wanted if month not in files]
        for month in changed:
            unread = self.archive.reader.unreadable.total()
            written = replace(_table(self._articles(month), self._path(month)), state=wanted[month])
            is_whole = self.archive.reader.unreadable.total() == unread
            name = self._path(month).relative_to(self.folder).as_posix()
            files[month] = replace(written, path=name, state=wanted[month] if is_whole else None)
        for month in before.keys() - wanted.keys():
            self._path(month).unlink(missing_ok=True)
        number = sum(file.articles for file in files.values())
        _write_manifest(self.folder / MANIFEST, self.asked, number, [files[month] for month in sorted(files)])
        return changed, number

    def _path(self, month: str) -> Path:
        return self.folder / f"month={month}" / "articles.parquet"

    def _before(self) -> dict[str, Written]:
        """month → what the manifest says of it. Raises ExportError where the folder is not one of ours."""
        try:
            manifest = json.loads((self.folder / MANIFEST).read_text("utf-8"))
            files = [Written(**file) for file in manifest["files"]]
            found = {match[1]: file for file in files if (match := _MONTH.fullmatch(file.path))}
            is_same = (manifest["columns"], manifest["asked"]) == (list(COLUMNS), json.loads(_json(self.asked)))
        except FileNotFoundError:
            if any(self.folder.glob("month=*")):
                raise ExportError(f"{self.folder} has months and no {MANIFEST}; name another folder") from None
            return {}
        except (OSError, ValueError, KeyError, TypeError):
            raise ExportError(f"{self.folder / MANIFEST} is no manifest of ours; name another folder") from None
        return found if is_same else {month: replace(file, state=None) for month, file in found.items()}

    def _states(self) -> dict[str, str]:
        """month → a digest that changes with any of its articles."""
        found: dict[str, Any] = {}
        for published, state in self.archive.reader.states(self.filters):
            month = f"{published.astimezone(BEIJING):%Y-%m}" if published else UNTIMED
            found.setdefault(month, hashlib.sha256()).update(f"{state}\n".encode("utf-8", "surrogatepass"))
        return {month: digest.hexdigest() for month, digest in found.items()}

    def _articles(self, month: str) -> Iterator[Article]:
        if month == UNTIMED:
            return self.archive.reader.untimed(self.filters)
        first = datetime.strptime(month, "%Y-%m").replace(tzinfo=BEIJING)
        last = (first + timedelta(days=32)).replace(day=1)
        since, until = self.filters.since or first, self.filters.until or last
        its = replace(self.filters, since=max(since, first), until=min(until, last))
        return self.archive.reader.select(its, newest_first=False)


def _write_manifest(path: Path, asked: Asked, articles: int, files: list[Written]) -> None:
    now = datetime.now(BEIJING).isoformat(timespec="seconds")
    told = {"sinanews": __version__, "written_at": now, "articles": articles, "asked": asked, "columns": COLUMNS}
    write_file(path, f"{_json({**told, 'files': [vars(file) for file in files]})}\n".encode())


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A file beside it that takes its place when the block ends well, and is gone if not. Raises ExportError."""
    if path.exists() and not path.is_file():
        raise ArgumentError(f"{path} is no file")
    temporary = path.with_name(f".{secrets.token_hex(8)}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise ExportError(f"cannot write {path}: {error.strerror or error}") from None
    finally:
        with suppress(OSError):
            temporary.unlink()


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()
