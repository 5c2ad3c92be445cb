"""Do the posts on disk and the catalogue agree? ``check`` only looks, ``repair`` makes ready for a crawl."""

from __future__ import annotations

import hashlib
import stat
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Row, exists, select, text

from sinanews.archive.indexing import index_these, make_whole
from sinanews.archive.rewriting import Rewriter
from sinanews.catalogue import Catalogue
from sinanews.catalogue.tables import articles, contents
from sinanews.dates import to_beijing
from sinanews.exceptions import ExportError
from sinanews.posts.folder import SUPERSEDED, in_the_way, leftovers, posts_under
from sinanews.posts.naming import file_id
from sinanews.watch.searchable import check_index

a = articles.c
BATCH = 2000  #: rows read at once
SETTLED = 60  #: seconds; a younger temporary file may belong to a running crawl
MOST_BYTES = 64 * 1024 * 1024  #: of a file in a post's place; a larger one is no post of ours
POST_BEGIN = b"\n<div>   \n"  #: how the body of every post begins
POST_END = b"  \n</div>\n            "  #: how every whole post ends
#: kind → what is wrong, and the remedy; {again} is what has that very article fetched again
KINDS = {
    "missing": ("is missing", "{again}"),
    "cut": ("is cut off", "{again}; what there is of it is kept in .superseded/ too"),
    "replaced": ("is a link or a folder in a post's place", "{again}; what lies there is moved into .superseded/"),
    "changed": ("was changed after it was written", "{again} with --force; the changed one is kept in .superseded/"),
    "no_path": ("is exported, but its row names no file", "{again}"),
    "not_kept": ("is not kept whole in the catalogue, and this machine has no posts", "verify where its post lies"),
    "waiting": ("is to be fetched again", "{again}"),
    "second": ("is a second file of one article", f"--repair moves it into {SUPERSEDED}/"),
    "unmoved": (f"belongs into {SUPERSEDED}: a better copy has its place", "--repair moves it; so does the next run"),
    "foreign": ("belongs to no exported article", "scrapy catalogue rebuild takes a post in; move others away"),
    "no_picture": ("is missing or damaged", "--repair has it fetched again by the next run with SINANEWS_IMAGES"),
    "leftover": ("is left over from a killed run", "--repair deletes it; so does a crawl, after an hour"),
    "in_the_way": ("is a link or a file where a folder of sinanews belongs", "move it away; no run can write there"),
    "unfound": ("is not found by its words", "--repair puts it into the full-text index"),
    "still_found": ("is found by its words, but is not exported", "--repair takes it out of the full-text index"),
    "index": ("is what the full-text index is", "--repair makes it whole, and so does scrapy reindex"),
    "no_pages": ("is missing, with the pages that were kept in it", "--repair forgets them; articles stay"),
    "bad_page": ("is a page that is kept no more as it came", "--repair forgets it; its article stays"),
    "torn": ("ends in half a page, of a killed run", "--repair cuts it off; so does the next run that keeps pages"),
    "integrity": ("is what SQLite says of the catalogue", "move the file away, then: scrapy catalogue rebuild"),
}
DAMAGED = (
    "missing",
    "cut",
    "replaced",
    "no_path",
)  #: what is brought back without being told to overwrite what people edited


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


def check(catalogue: Catalogue, exports: Path, *, quick: bool = False) -> Iterator[Mismatch]:
    """Everything that is wrong, files of the catalogue first. Raises CatalogueError, ExportError, OSError.

    ``quick``: only whether each post is there, not what is in it.
    """
    if catalogue.path is not None and not quick:
        with catalogue.read() as connection:
            told = connection.scalars(text("PRAGMA integrity_check")).all()
        yield from (Mismatch("integrity", str(words)) for words in told if words != "ok")
    yield from (Mismatch(kind, what, article) for kind, what, article in check_index(catalogue, quick=quick))
    ours = array("Q")  #: digests of paths: the paths themselves would be most of a large archive's memory
    strange: dict[str, str] = {}  #: articles whose files are named by another word than their id
    for row in _rows(catalogue):
        if not ours and not exports.is_dir():  # or all would be brought back, into the folder of a disk that is away
            raise ExportError(
                f"there is no folder {exports}; is its disk there? SINANEWS_EXPORTS names the folder of posts"
            )
        if row.path:
            ours.append(_short(row.path.removeprefix(f"{SUPERSEDED}/")))
        if row.state == "exported" and file_id(row.id) != row.id:
            strange[file_id(row.id)] = row.id
        if row.state == "duplicate":
            yield from _of_aside(row, exports, catalogue, quick)
        elif kind := _kind_of_row(row, exports, quick):
            yield Mismatch(kind, row.path or row.id, row.id, row.url, _again(row, catalogue))
    ours = array("Q", sorted(ours))
    for path in posts_under(exports):
        name = path.relative_to(exports).as_posix()
        if not _has(ours, _short(name)):
            article = _article_of(path.stem, strange, catalogue)
            yield Mismatch("second" if article else "foreign", name, article)
    yield from _of_pictures(catalogue, exports, quick)
    yield from (Mismatch("in_the_way", name) for name in in_the_way(exports))
    yield from (Mismatch("leftover", path.relative_to(exports).as_posix()) for path in leftovers(exports, SETTLED))


def check_kept(catalogue: Catalogue) -> Iterator[Mismatch]:
    """Where no posts are written: the exported articles of which nobody could write one. Raises CatalogueError."""
    its = (contents.c.article_id == a.id) & (contents.c.revision == a.revision)
    missing = select(a.id, a.url).where(a.state == "exported", a.path.is_not(None), ~exists().where(its))
    with catalogue.read() as connection:
        for row in connection.execution_options(yield_per=BATCH).execute(missing):
            yield Mismatch("not_kept", row.id, row.id, row.url)


def _rows(catalogue: Catalogue) -> Iterator[Row[Any]]:
    """The rows of all that has a post, or should; in batches, for it takes long to look at the files."""
    columns = (a.id, a.state, a.path, a.file_digest, a.url, a.channel, a.published_at, a.revision)
    query = select(*columns).where(a.path.is_not(None) | (a.state == "exported")).order_by(a.id).limit(BATCH)
    after = ""
    while True:
        with catalogue.read() as connection:
            rows = connection.execute(query.where(a.id > after)).all()
        yield from rows
        if len(rows) < BATCH:
            return
        after = rows[-1].id


def _short(path: str) -> int:
    return int.from_bytes(hashlib.blake2b(path.encode("utf-8", "surrogateescape"), digest_size=8).digest(), "big")


def _has(ordered: Sequence[int], number: int) -> bool:
    place = bisect_left(ordered, number)
    return place < len(ordered) and ordered[place] == number


def _article_of(stem: str, strange: Mapping[str, str], catalogue: Catalogue) -> str | None:
    """The exported article that a name ends with. An id may hold hyphens: the longest tail that is one is it."""
    tails = [stem[i + 1 :] for i, char in enumerate(stem) if char == "-"]
    with catalogue.read() as connection:
        exported = set(connection.scalars(select(a.id).where(a.id.in_(tails), a.state == "exported")))
    return next((strange.get(tail, tail) for tail in tails if tail in exported or tail in strange), None)


def _again(row: Row[Any], catalogue: Catalogue) -> str:
    """What brings a post back: the catalogue, its address, or what else can."""
    if row.state in ("exported", "duplicate") and row.path and catalogue.contents.has(row.id, row.revision):
        return "--repair writes it from the catalogue"
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


def _kind_of_row(row: Row[Any], exports: Path, quick: bool) -> str | None:
    if row.state in ("pending", "failed"):
        return "waiting"
    if row.state != "exported":
        return None
    return "no_path" if not row.path else _kind_of_file(exports / row.path, row.file_digest, quick)


def _of_aside(row: Row[Any], exports: Path, catalogue: Catalogue, quick: bool) -> Iterator[Mismatch]:
    """Of a post that was set aside. One that the catalogue does not keep may be gone: nobody could bring it back."""
    before, is_kept = row.path.removeprefix(f"{SUPERSEDED}/"), catalogue.contents.has(row.id, row.revision)
    if (exports / before).is_file():
        yield Mismatch("unmoved", before, row.id)
    elif is_kept and (kind := _kind_of_file(exports / row.path, row.file_digest, quick)):
        yield Mismatch(kind, row.path, row.id, row.url, _again(row, catalogue))


def _of_pictures(catalogue: Catalogue, exports: Path, quick: bool) -> Iterator[Mismatch]:
    """The copies of pictures, whose names are the digests of what is in them."""
    for path in catalogue.pictures.all_paths():
        if _kind_of_file(exports / path, Path(path).stem, quick):
            yield Mismatch("no_picture", path)


def _kind_of_file(path: Path, digest: str | None, quick: bool) -> str | None:
    try:
        status = path.lstat()
        if quick and stat.S_ISREG(status.st_mode):
            return None
        if not stat.S_ISREG(status.st_mode):
            return "replaced"
        if status.st_size > MOST_BYTES:
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


def repair(findings: Iterable[Mismatch], rewriter: Rewriter, now: datetime, *, force: bool = False) -> None:
    """Bring back what is damaged, from the catalogue; what it does not keep is put back to be fetched.

    What was changed is overwritten with ``force`` only. What is cut or changed is kept in ``.superseded/`` too, and
    stays in its place until a whole one takes it: not every article can be had again. A link or folder is moved there:
    no post can be written in its place. Raises ExportError, CatalogueError.
    """
    damaged: dict[str, Mismatch] = {}
    for finding in findings:
        if finding.kind in ("second", "unmoved"):
            rewriter.folder.set_aside(finding.what)
        elif finding.kind == "leftover":
            (rewriter.folder.root / finding.what).unlink(missing_ok=True)
        elif finding.kind == "no_picture":
            rewriter.catalogue.pictures.lost(finding.what, now)
        elif finding.kind == "index":
            make_whole(rewriter.catalogue, rewriter.folder.root)
        elif finding.kind in ("unfound", "still_found") and finding.article:
            index_these(rewriter.catalogue, rewriter.folder.root, [finding.article])
        elif finding.article and (finding.kind in (*DAMAGED, "waiting") or (finding.kind == "changed" and force)):
            damaged[finding.article] = finding
    whole = {one.article for one in rewriter.these(damaged, now) if one.what in ("written", "as it was")}
    for article, finding in damaged.items():
        if article not in whole and not finding.what.startswith(f"{SUPERSEDED}/"):  # nobody asks for those again
            if finding.kind in ("cut", "changed", "replaced"):
                rewriter.folder.keep_copy(finding.what)
            rewriter.catalogue.touch(article, now, state="pending", attempts=0, next_try_at=None)
