"""Scenes of a run whose steps are watched (killing.py), and all that an archive is afterwards, to be compared."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from sinanews.catalogue.contents import unpack
from sinanews.samplesite import SampleSite
from tests import processes
from tests.conftest import PROJECT, TemporaryArchive
from tests.faults.harness import BOUND
from tests.faults.killing import EXTENSIONS
from tests.test_catalogue import OLD
from tests.test_copies import paragraphs, post

LISTING = ("sina_finance", "-a", "channels=china")


class Place(NamedTuple):
    """Where a scene plays."""

    archive: TemporaryArchive
    site: SampleSite
    posts: Path  #: that the seeds spider reads; the same for all copies of the archive


def nothing(place: Place) -> None:
    place.archive.folder.mkdir()


def edited(place: Place) -> None:
    """All is stored; then a third of the articles is edited."""
    place.archive.folder.mkdir()
    assert place.archive.crawl(*LISTING, mirror=place.site.url).returncode == 0
    place.site.edit([entry.id for entry in place.site.entries if entry.kind == "finance"][:3])


def cut(place: Place) -> None:
    """A post that is cut has been read; the whole one is there now, and a reprint of another."""
    source = TemporaryArchive(place.posts.parent)
    whole = paragraphs(0) + paragraphs(2)
    post(source, "1", "被截短的一篇", whole[: len(whole) * 6 // 10])
    place.archive.folder.mkdir()
    assert place.archive.crawl("seeds", "-a", f"path={place.posts}").returncode == 0
    post(source, "2", "完整的一篇", whole)
    post(source, "3", "别的事", paragraphs(1))
    post(source, "4", "别的事，又一次", paragraphs(1))


def of_1_0_0(place: Place) -> None:
    """An archive that 1.0.0 made, and a post that it does not have."""
    shutil.copytree(OLD, place.archive.exports, ignore=shutil.ignore_patterns("*.sql"))
    with closing(sqlite3.connect(place.archive.database)) as connection:
        connection.executescript((OLD / "catalogue.sql").read_text("utf-8"))
    post(TemporaryArchive(place.posts.parent), "1", "新的一篇", paragraphs(0))


class Scene(NamedTuple):
    """A run that is killed. ``steps``: those that it must pass; in short, those that are struck."""

    before: Callable[[Place], None]
    words: tuple[str, ...]
    steps: tuple[str, ...]
    together: int = 1
    always: int = 1  #: which passing of a step is struck first


FILE = ("make file", "write", "write the rest", "sync file", "rename", "sync folder")
STORED = ("known_of", "decide", "render", *FILE, "record", "INSERT articles", "sync", "COMMIT", "tell")
SEEDS = ("seeds", "-a", "path={posts}")
SCENES = {
    "new": Scene(nothing, LISTING, (*STORED, "INSERT article_channels", "INSERT stories", "INSERT story_keys",
                                    "INSERT contents")),
    "together": Scene(nothing, LISTING, ("decide", "sync file", "rename", "record", "sync folder", "COMMIT", "tell"), 6, 4),
    "edit": Scene(edited, (*LISTING, "-a", "refresh=99d"), (*STORED, "INSERT revisions", "DELETE stories", "DELETE story_keys",
                                                           "INSERT contents")),
    "better copy": Scene(cut, SEEDS, (*STORED, "UPDATE articles", "set_aside", "INSERT seed_files")),
    "of 1.0.0": Scene(of_1_0_0, SEEDS, (*STORED, "loop: ALTER articles", "loop: ALTER gaps", "loop: DROP articles_url",
                                        "loop: CREATE articles_text", "loop: CREATE contents", "loop: UPDATE schema_version",
                                        "loop: COMMIT", "UPDATE upkeep", "DELETE upkeep")),
}  # fmt: skip


def words_of(scene: Scene, place: Place) -> list[str]:
    return [word.format(posts=place.posts) for word in scene.words]


def copy_of(place: Place, name: str) -> TemporaryArchive:
    return TemporaryArchive(shutil.copytree(place.archive.folder, place.archive.folder.with_name(name)))


def run(scene: Scene, archive: TemporaryArchive, place: Place, **settings: str) -> Any:
    """The scene's run in a process of its own, whose steps are watched; one request at a time, so in a fixed order."""
    if scene.together == 1:
        settings |= {"CONCURRENT_REQUESTS": "1", "CONCURRENT_ITEMS": "1"}
    about = {"EXTENSIONS": EXTENSIONS, "TOGETHER": str(scene.together), "SINANEWS_PROGRESS": "0", **settings}
    command = archive.command("crawl", *words_of(scene, place), mirror=place.site.url, **about)
    return processes.run(command, cwd=PROJECT, env=archive.environment, timeout=BOUND)


def state(archive: TemporaryArchive) -> dict[str, Any]:
    """All that an archive is but for when it became so: posts by path, and the catalogue's rows.

    listed_mtime and updated_at are such times: an article that is due is asked for without its row of the list.
    """
    columns = ("id, url, state, reason, title, channel, kind, layout, media, published_at, path, file_digest,"
               " content_digest, text_digest, revision, duplicate_of, similarity, etag, attempts, missing, missing_pages")  # fmt: skip
    kept = archive.query("SELECT article_id, revision, data FROM contents")
    queries = {
        "articles": f"SELECT {columns} FROM articles",
        "channels": "SELECT article_id, channel FROM article_channels",
        "revisions": "SELECT article_id, revision, text_digest, file_digest, title FROM revisions",
        "stories": "SELECT article_id, sketch FROM stories",
        "keys": "SELECT article_id, key FROM story_keys LEFT JOIN stories ON stories.ref = story_keys.ref",
        "seed files": "SELECT root, path, article_id, digest FROM seed_files",
        "listed": "SELECT channel, listed_until FROM watermarks",
        "gaps": "SELECT channel FROM gaps",
        "days": "SELECT channel, day, state, entries FROM days",
        "upkeep": "SELECT * FROM upkeep",
        "version": "SELECT * FROM schema_version",
    }
    found: dict[str, Any] = {name: sorted(archive.query(sql), key=repr) for name, sql in queries.items()}
    found["posts"] = [(p.relative_to(archive.exports).as_posix(), p.read_text("utf-8")) for p in archive.posts]
    found["contents"] = sorted((one, number, *field) for one, number, data in kept for field in said(data))
    return found


def said(data: Any) -> list[tuple[str, str]]:
    """What kept contents say, field by field."""
    item, verbatim = unpack(data)
    values = {**asdict(item), "verbatim": verbatim, "fetched_at": None, "updated_at": None}
    return [(name, repr(value)) for name, value in values.items()]


def difference(found: list[Any], expected: list[Any]) -> str:
    more, fewer = ([one for one in a if one not in b] for a, b in ((found, expected), (expected, found)))
    return f"more: {more[:5]}; fewer: {fewer[:5]}"


def assert_agrees(archive: TemporaryArchive, kill: str) -> None:
    """A file for each row and a row for each file, nothing left over, and every number of a story led to by its keys."""
    told = archive.run("verify")
    assert told.returncode == 0, f"{kill}: {told.stdout}"
    assert list((archive.exports / ".tmp").iterdir()) == [], kill
