"""Do the posts on disk and the catalogue agree? ``check`` only looks, ``repair`` makes ready for a crawl."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Row, select, text

from sinanews.catalogue import Catalogue
from sinanews.catalogue.tables import articles
from sinanews.dates import to_beijing
from sinanews.exceptions import ExportError
from sinanews.posts.folder import SUPERSEDED, ExportFolder, in_the_way, leftovers, posts_under
from sinanews.posts.naming import file_id

SETTLED = 60  #: seconds; a younger temporary file may belong to a running crawl
MOST_BYTES = 64 * 1024 * 1024  #: of a file in a post's place; a larger one is no post of ours
POST_BEGIN = b"\n<div>   \n"  #: how the body of every post begins
POST_END = b"  \n</div>\n            "  #: how every whole post ends
#: kind → what is wrong, and the remedy; {again} is what has that very article fetched again
KINDS = {
    "missing": ("is missing", "{again}"),
    "cut": ("is cut off", "{again}; what there is of it is kept in .superseded/ too"),
    "changed": ("was changed after it was written", "{again}; the changed one is kept in .superseded/ too"),
    "no_path": ("is exported, but its row names no file", "{again}"),
    "waiting": ("is to be fetched again", "{again}"),
    "second": ("is a second file of one article", f"--repair moves it into {SUPERSEDED}/"),
    "foreign": ("belongs to no exported article", "scrapy catalogue rebuild takes a post in; move others away"),
    "leftover": ("is left over from a killed run", "--repair deletes it; so does a crawl, after an hour"),
    "in_the_way": ("is a link or a file where a folder of sinanews belongs", "move it away; no run can write there"),
    "integrity": ("is what SQLite says of the catalogue", "move the file away, then: scrapy catalogue rebuild"),
}
TO_FETCH = ("missing", "cut", "changed", "no_path")


@dataclass(frozen=True)
class Mismatch:
    """One thing that is not as it should be."""

    kind: str  #: one of KINDS
    what: str  #: path relative to the exports, article id, or SQLite's words
    article: str | None = None
    url: str | None = None
    again: str = ""  #: what has the article fetched again

    @property
    def words(self) -> str:
        return KINDS[self.kind][0]

    @property
    def remedy(self) -> str:
        return KINDS[self.kind][1].format(again=self.again)

    def __str__(self) -> str:
        return f"{self.kind}: {self.what} {self.words}; {self.remedy}"


def check(catalogue: Catalogue, exports: Path) -> list[Mismatch]:
    """Everything that is wrong, files of the catalogue first. Raises CatalogueError, ExportError, OSError."""
    a = articles.c
    query = select(a.id, a.state, a.path, a.file_digest, a.url, a.channel, a.published_at)
    with catalogue.read() as connection:
        is_sqlite = connection.dialect.name == "sqlite"
        told = connection.scalars(text("PRAGMA integrity_check")).all() if is_sqlite else []
        rows = connection.execute(query.where(a.path.is_not(None) | (a.state == "exported"))).all()
    if rows and not exports.is_dir():  # or all of them would be fetched again, into the folder of a disk that is away
        raise ExportError(
            f"there is no folder {exports}; is its disk there? SINANEWS_EXPORTS names the folder of posts"
        )
    found = [Mismatch("integrity", str(words)) for words in told if words != "ok"]
    for row in rows:
        kind = _kind_of_row(row, exports)
        found += [Mismatch(kind, row.path or row.id, row.id, row.url, _again(row))] if kind else []
    found += _unexpected(rows, exports)
    found += [Mismatch("in_the_way", name) for name in in_the_way(exports)]
    return found + [Mismatch("leftover", path.relative_to(exports).as_posix()) for path in leftovers(exports, SETTLED)]


def _again(row: Row[Any]) -> str:
    """What has an article fetched again: --repair can only where there is an address, and says what else can."""
    ready = "" if row.state in ("pending", "failed") else "--repair, then: "
    day = f"{to_beijing(row.published_at):%Y-%m-%d}" if row.published_at else ""
    if row.url:
        return "--repair has it fetched again"
    if row.id.startswith("seed-"):
        return f"{ready}scrapy crawl seeds -a path=WHERE_IT_LIES"
    if row.id.startswith("live-"):
        since = f" -a since={day}" if day else ""
        command = f"scrapy crawl sina_live -a rooms={row.id.split('-')[1]}{since}"
        return f"{ready}{command}, while the feed still has it; else only a backup of yours brings it back"
    if row.channel and day:
        days = f"-a since={day} -a until={day} -a recheck=1"
        return f"{ready}scrapy crawl sina_finance -a channels={row.channel} {days}"
    return f"{ready}a crawl that meets it in a list; else only a backup of yours brings it back"


def _kind_of_row(row: Row[Any], exports: Path) -> str | None:
    if row.state in ("pending", "failed"):
        return "waiting"
    if row.state != "exported":
        return None
    return "no_path" if not row.path else _kind_of_file(exports / row.path, row.file_digest)


def _kind_of_file(path: Path, digest: str | None) -> str | None:
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > MOST_BYTES:
            return "changed"
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return "missing"
    if hashlib.sha256(data).hexdigest() == digest:
        return None
    return "changed" if _is_whole(data) else "cut"


def _is_whole(data: bytes) -> bool:
    """Whether a post that is not as it was written has its end, wherever that stands now."""
    text = data.replace(b"\r\n", b"\n")
    if POST_END in text:
        return True
    # An editor that takes the spaces off the ends of lines takes them from the post's end and its beginning.
    return POST_BEGIN not in text and text.rstrip().endswith(b"\n</div>")


def _unexpected(rows: Iterable[Row[Any]], exports: Path) -> Iterator[Mismatch]:
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
            yield Mismatch("second" if article else "foreign", name, article)


def repair(findings: Iterable[Mismatch], catalogue: Catalogue, exports: Path, now: datetime) -> None:
    """Put articles back to be fetched. Raises ExportError, CatalogueError.

    What is cut or changed stays in its place until a whole one takes it: not every article can be had again.
    """
    folder = ExportFolder(exports)
    for finding in findings:
        if finding.kind == "second":
            folder.set_aside(finding.what)
        elif finding.kind in ("cut", "changed"):
            folder.keep_copy(finding.what)
        if finding.kind in (*TO_FETCH, "waiting") and finding.article:
            catalogue.touch(finding.article, now, state="pending", attempts=0, next_try_at=None)
        if finding.kind == "leftover":
            (exports / finding.what).unlink(missing_ok=True)
