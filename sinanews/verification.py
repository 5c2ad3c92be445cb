"""Do the posts on disk and the catalogue agree? ``check`` only looks, ``repair`` makes ready for a crawl."""

from __future__ import annotations

import hashlib
import stat
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Row, select, text

from sinanews.catalogue import Catalogue
from sinanews.catalogue.tables import articles
from sinanews.files import SUPERSEDED, TEMPORARY, ExportFolder, posts_under
from sinanews.paths import file_id

SETTLED = 60  #: seconds; a younger temporary file may belong to a running crawl
POST_END = b"</div>\n            "  #: how every whole post ends
AGAIN = "--repair has it fetched again"
#: kind → what is wrong, and the remedy
KINDS = {
    "missing": ("is missing", AGAIN),
    "cut": ("is cut off", AGAIN),
    "changed": ("was changed after it was written", f"{AGAIN} and keeps the changed one in {SUPERSEDED}/"),
    "no_path": ("is exported, but its row names no file", AGAIN),
    "waiting": ("is to be fetched again", "--repair does it; a seed: scrapy crawl seeds -a path=WHERE_IT_LIES"),
    "second": ("is a second file of one article", f"--repair moves it into {SUPERSEDED}/"),
    "foreign": ("belongs to no exported article", "scrapy catalogue rebuild takes a post in; move others away"),
    "leftover": ("is left over from a killed run", "--repair deletes it; so does a crawl, after an hour"),
    "integrity": ("is what SQLite says of the catalogue", "move the file away, then: scrapy catalogue rebuild"),
}
TO_FETCH = ("missing", "cut", "changed", "no_path")


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be."""

    kind: str  #: one of KINDS
    what: str  #: path relative to the exports, article id, or SQLite's words
    article: str | None = None
    url: str | None = None

    def __str__(self) -> str:
        words, remedy = KINDS[self.kind]
        return f"{self.kind}: {self.what} {words}; {remedy}"


def check(catalogue: Catalogue, exports: Path) -> list[Finding]:
    """Everything that is wrong, files of the catalogue first. Raises CatalogueError."""
    query = select(articles.c.id, articles.c.state, articles.c.path, articles.c.file_digest, articles.c.url)
    with catalogue.read() as connection:
        is_sqlite = connection.dialect.name == "sqlite"
        told = connection.scalars(text("PRAGMA integrity_check")).all() if is_sqlite else []
        rows = connection.execute(query.where(articles.c.path.is_not(None) | (articles.c.state == "exported"))).all()
    found = [Finding("integrity", str(words)) for words in told if words != "ok"]
    for row in rows:
        kind = _kind_of_row(row, exports)
        found += [Finding(kind, row.path or row.id, row.id, row.url)] if kind else []
    return found + list(_unexpected(rows, exports)) + list(_leftovers(exports))


def _kind_of_row(row: Row[Any], exports: Path) -> str | None:
    if row.state in ("pending", "failed"):
        return "waiting"
    if row.state != "exported":
        return None
    return "no_path" if not row.path else _kind_of_file(exports / row.path, row.file_digest)


def _kind_of_file(path: Path, digest: str | None) -> str | None:
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return "changed"
        data = path.read_bytes()
    except OSError:
        return "missing"
    if hashlib.sha256(data).hexdigest() == digest:
        return None
    return "changed" if data.endswith(POST_END) else "cut"


def _unexpected(rows: Iterable[Row[Any]], exports: Path) -> Iterator[Finding]:
    """Posts that no row names as an exported article's file, or that a repair is about to replace."""
    ours = {row.path for row in rows if row.state in ("exported", "pending", "failed")}
    of_tail = {file_id(row.id): row.id for row in rows if row.state == "exported"}
    for path in posts_under(exports):
        name = path.relative_to(exports).as_posix()
        if name not in ours:
            stem = path.stem
            # An id may hold hyphens itself: the longest tail that is an id is the one.
            tails = (stem[i + 1 :] for i, char in enumerate(stem) if char == "-")
            article = next((of_tail[tail] for tail in tails if tail in of_tail), None)
            yield Finding("second" if article else "foreign", name, article)


def _leftovers(exports: Path) -> Iterator[Finding]:
    folder = exports / TEMPORARY
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if time.time() - path.lstat().st_mtime > SETTLED:
            yield Finding("leftover", path.relative_to(exports).as_posix())


def repair(findings: Iterable[Finding], catalogue: Catalogue, exports: Path, now: datetime) -> None:
    """Put articles back to be fetched and set aside what is in their place. Raises ExportError, CatalogueError."""
    folder = ExportFolder(exports)
    for finding in findings:
        if finding.kind in ("cut", "changed", "second"):
            folder.set_aside(finding.what)
        if finding.kind in (*TO_FETCH, "waiting") and finding.article:
            catalogue.touch(finding.article, now, state="pending", attempts=0, next_try_at=None)
        elif finding.kind == "leftover":
            (exports / finding.what).unlink(missing_ok=True)
