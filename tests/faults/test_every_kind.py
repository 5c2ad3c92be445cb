"""A post of every kind, damaged in every way, comes back from the catalogue alone: there is no network here."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from sinanews.samplesite import SampleSite
from tests.conftest import TemporaryArchive
from tests.faults.harness import FULL, only_full
from tests.faults.old_archives import make_old_archive
from tests.faults.test_repair import kinds
from tests.test_copies import paragraphs, post

NO_NETWORK = "http://127.0.0.1:9"
MINE = "我的话".encode()
#: kind → which rows are of it
KINDS = {
    "article": "layout LIKE 'finance%' AND id NOT IN ({long}) AND duplicate_of IS NULL",
    "of several pages": "id IN ({long}) AND missing_pages IS NULL",
    "incomplete": "missing_pages IS NOT NULL",
    "old layout": "layout = 'publish_2009' AND duplicate_of IS NULL",
    "video": "kind = 'video'",
    "gallery": "kind = 'gallery'",
    "live": "kind = 'live'",
    "seed": "id LIKE 'seed-%' AND state = 'exported' AND duplicate_of IS NULL",
    "copy": "duplicate_of IS NOT NULL AND state = 'exported'",
    "superseded": "state = 'duplicate' AND path IS NOT NULL",
}


def cut(path: Path, folder: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def emptied(path: Path, folder: Path) -> None:
    path.write_bytes(b"")


def edited(path: Path, folder: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"<div>   \n", b"<div>   \n" + MINE, 1))


def garbled(path: Path, folder: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 8] = b"\xff\x00" * 4
    path.write_bytes(data)


def deleted(path: Path, folder: Path) -> None:
    path.unlink()


def a_folder(path: Path, folder: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "note.txt").write_bytes(MINE)


def a_link(path: Path, folder: Path) -> None:
    """The post itself has been moved elsewhere and cut there."""
    other = folder / f"{path.name}.elsewhere"
    other.write_bytes(path.read_bytes()[:-9])
    path.unlink()
    path.symlink_to(other)


Damage = Callable[[Path, Path], None]
#: What --repair brings back by itself; what people may have done on purpose it brings back with --force only.
DAMAGES: tuple[Damage, ...] = (cut, deleted, a_folder, a_link, emptied)
BY_FORCE: tuple[Damage, ...] = (edited, garbled)


class Posts(NamedTuple):
    archive: TemporaryArchive
    of_kind: dict[str, Path]  #: one post of each kind, relative to the exports


def fill(archive: TemporaryArchive, source: TemporaryArchive, **settings: str) -> dict[str, Path]:
    """Through every spider, so that there is a post of each kind; a copy stands marked beside its first. One post of each."""
    whole = paragraphs(0) + paragraphs(2)
    words = ("seeds", "-a", f"path={source.folder / 'posts'}")
    post(source, "1", "被截短的一篇", whole[: len(whole) * 6 // 10])
    archive.crawl(*words, **settings)
    post(source, "2", "完整的一篇", whole)
    archive.crawl(*words, **settings)
    shares = {"long": 0.25, "video": 0.15, "gallery": 0.15, "old": 0.15}
    with SampleSite(articles=24, reprints=0.4, live=3, shares=shares) as site:
        long = sorted(entry.id for entry in site.entries if entry.kind == "long")
        site.faults.set("404", [f"{long[0]}_2"])
        archive.crawl("sina_finance", mirror=site.url, SINANEWS_DUPLICATES="mark", RETRY_TIMES="0", **settings)
        archive.crawl("sina_live", "-a", "rooms=152", mirror=site.url, **settings)
    wheres = {kind: where.format(long=", ".join(f"'{one}'" for one in long)) for kind, where in KINDS.items()}
    found = {kind: archive.query(f"SELECT path FROM articles WHERE {where} LIMIT 1") for kind, where in wheres.items()}
    assert all(found.values()), {kind: bool(rows) for kind, rows in found.items()}
    return {kind: Path(str(rows[0][0])) for kind, rows in found.items()}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Posts:
    folder = tmp_path_factory.mktemp("kinds")
    archive = TemporaryArchive(folder / "archive")
    archive.folder.mkdir()
    of_kind = fill(archive, TemporaryArchive(folder))
    shutil.rmtree(folder / "posts")  # where the seeds came from is gone
    assert kinds(archive) == {}
    return Posts(archive, of_kind)


@pytest.fixture
def posts(filled: Posts, tmp_path: Path) -> Posts:
    shutil.copytree(filled.archive.folder, tmp_path / "archive", symlinks=True)
    return Posts(TemporaryArchive(tmp_path / "archive"), filled.of_kind)


def everything(archive: TemporaryArchive) -> dict[str, bytes]:
    files = [path for path in archive.exports.rglob("*.md") if path.is_file() and not path.is_symlink()]
    return {path.relative_to(archive.exports).as_posix(): path.read_bytes() for path in files}


def repaired(archive: TemporaryArchive, *words: str, **settings: str) -> tuple[int, str]:
    done = archive.run("verify", "--repair", *words, mirror=NO_NETWORK, RETRY_TIMES="0", **settings)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout


def damage(posts: Posts, turn: int, damages: tuple[Damage, ...]) -> dict[str, str]:
    """Every kind in its own way; path → name of the damage."""
    ways = {path.as_posix(): damages[(n + turn) % len(damages)] for n, path in enumerate(posts.of_kind.values())}
    for path, way in ways.items():
        way(posts.archive.exports / path, posts.archive.folder)
    return {path: way.__name__ for path, way in ways.items()}


@pytest.mark.parametrize("turn", [0, *(pytest.param(n, marks=only_full) for n in range(1, len(DAMAGES)))])
def test_a_damaged_post_of_every_kind_comes_back(posts: Posts, turn: int) -> None:
    before = everything(posts.archive)
    ways = damage(posts, turn, DAMAGES)
    assert set(ways) <= kinds(posts.archive).keys()
    assert repaired(posts.archive) == (0, "sinanews: posts and catalogue agree\n"), ways
    after = everything(posts.archive)
    assert {path: after.get(path) for path in before} == before, ways
    aside = posts.archive.exports / ".superseded"
    kept = [note for note in aside.rglob("note.txt") if note.read_bytes() == MINE]
    assert len(kept) == list(ways.values()).count("a_folder"), "what lay in its place is not lost"


@pytest.mark.parametrize("turn", range(len(BY_FORCE)) if FULL else [0])
def test_a_changed_post_of_every_kind_stays_until_force(posts: Posts, turn: int) -> None:
    before = everything(posts.archive)
    damage(posts, turn, BY_FORCE)
    changed = everything(posts.archive)
    code, told = repaired(posts.archive)
    assert code == 1 and told.count("changed: ") == len(KINDS), told
    assert everything(posts.archive) == changed, "people edit their posts"
    assert repaired(posts.archive, "--force")[0] == 0
    after = everything(posts.archive)
    assert {path: after[path] for path in before} == before
    texts = {path: data for path, data in after.items() if path not in before}
    assert sorted(texts.values()) == sorted(data for path, data in changed.items() if data != before[path])
    assert all(path.startswith(".superseded/") for path in texts)


def test_verbatim_posts_come_back_whatever_is_set_now(tmp_path: Path) -> None:
    """Seeds are kept byte for byte with a setting of the command line, which nobody repeats a year later."""
    archive = TemporaryArchive(tmp_path)
    archive.crawl("seeds", SINANEWS_BODY="verbatim")
    with SampleSite(articles=4, reprints=0) as site:
        archive.crawl("sina_finance", mirror=site.url, SINANEWS_BODY="verbatim")
        archive.crawl("sina_live", "-a", "rooms=152", mirror=site.url)
    before = everything(archive)
    shutil.rmtree(archive.exports / "金融")
    assert repaired(archive)[0] == 0
    assert everything(archive) == before


def test_what_is_damaged_before_it_was_taken_in_is_told_and_kept(tmp_path: Path) -> None:
    """An archive of 1.0.0 whose first command is a repair: what its posts hold and nobody else has."""
    archive = TemporaryArchive(tmp_path)
    make_old_archive(archive, 23)
    before = everything(archive)
    wheres = ("id LIKE 'im%'", "id LIKE 'live-%'", "id LIKE 'seed-%'")
    ids = [archive.query(f"SELECT id, path FROM articles WHERE state = 'exported' AND {w} LIMIT 1")[0] for w in wheres]
    for _, path in ids:
        cut(archive.exports / str(path), tmp_path)
    code, told = repaired(archive)
    assert code == 1
    for one, path in ids:
        assert f"waiting: {path} is to be fetched again" in told
        assert archive.query(f"SELECT state FROM articles WHERE id = '{one}'")[0][0] in ("pending", "failed")
        assert before[str(path)].startswith((archive.exports / str(path)).read_bytes()), "it stays in its place"
        assert (archive.exports / ".superseded" / str(path)).exists()
    assert "seeds -a path=" in told and "sina_live -a rooms=152" in told
    whole = {path: data for path, data in before.items() if path not in {str(path) for _, path in ids}}
    assert {path: everything(archive)[path] for path in whole} == whole
    for path in whole:
        (archive.exports / path).unlink()
    assert repaired(archive)[1].count("waiting: ") == len(ids), "the others come back: they were taken in"
    assert {path: everything(archive)[path] for path in whole} == whole
