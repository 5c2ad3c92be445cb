"""A catalogue of 1.0.0 under three spiders that start at once, one of which dies while it upgrades it."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from sinanews.catalogue.migrations import SCHEMA_VERSION
from sinanews.samplesite import SampleSite
from tests.conftest import PROJECT, TemporaryArchive
from tests.faults.harness import BOUND, FULL, has_open, visible_posts, wait_for
from tests.faults.killing import EXTENSIONS
from tests.faults.old_archives import make_old_archive
from tests.processes import Popen
from tests.test_copies import paragraphs, post

ARTICLES = 5000 if FULL else 300
MOST_RUNS = 20  #: within which all the old posts have been read
HALF_WAY = "loop: CREATE articles_text#1"
UPGRADES = "loop: ALTER gaps"


def test_three_spiders_start_on_a_catalogue_of_1_0_0(archive: TemporaryArchive) -> None:
    make_old_archive(archive, ARTICLES)
    edited = visible_posts(archive)[ARTICLES // 2]
    edited.write_bytes(edited.read_bytes() + b"mine")
    before = {path: path.read_bytes() for path in visible_posts(archive)}
    post(archive, "1", "新的一篇", paragraphs(0))
    seeds = ("seeds", "-a", f"path={archive.folder / 'posts'}")
    with SampleSite(articles=8, reprints=0, live=3, seed=7) as site:
        first = begin(archive, site, ("sina_finance", "-a", "channels=china"), KILL=HALF_WAY, SIGNAL="SIGSTOP")
        wait_for(lambda: is_stopped(first), first)
        others = [begin(archive, site, words) for words in (("sina_live", "-a", "rooms=152"), seeds)]
        for other in others:
            wait_for(lambda other=other: has_open(other, archive.database), other)  # type: ignore[misc]
        assert [other.poll() for other in others] == [None, None], "they wait"
        assert archive.query("SELECT version FROM schema_version") == [(1,)]
        first.kill()
        first.communicate()
        for other in others:
            _, errors = other.communicate(timeout=BOUND)
            assert other.returncode == 0, errors
        assert [steps(archive, spider).count(UPGRADES) for spider in ("seeds", "sina_live")] in ([0, 1], [1, 0])
        assert archive.query("SELECT version FROM schema_version") == [(SCHEMA_VERSION,)]
        done = archive.crawl("sina_finance", "-a", "channels=china", mirror=site.url)
        # The committed archive has two articles that this site does not.
        assert done.returncode in (0, 3) and "Traceback" not in done.stderr, done.stderr
    assert_posts_are_taken_in(archive, seeds, before, edited)


def begin(archive: TemporaryArchive, site: SampleSite, words: Sequence[str], **settings: str) -> subprocess.Popen[str]:
    about = {
        "EXTENSIONS": EXTENSIONS,
        "STEPS": str(archive.folder / f"steps of {words[0]}"),
        "TOGETHER": "8",
        **settings,
    }
    command = archive.command("crawl", *words, mirror=site.url, **about)
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    return Popen(command, cwd=PROJECT, env=archive.environment, **pipes)


def is_stopped(process: subprocess.Popen[str]) -> bool:
    return Path(f"/proc/{process.pid}/stat").read_text().rpartition(") ")[2].startswith("T")


def steps(archive: TemporaryArchive, spider: str) -> list[str]:
    return (archive.folder / f"steps of {spider}").read_text().splitlines()


def assert_posts_are_taken_in(
    archive: TemporaryArchive, words: Sequence[str], before: dict[Path, bytes], edited: Path
) -> None:
    """By and by, a run at a time; then each old post can be written anew, but for the one that somebody had edited."""
    kept = -1
    for _ in range(MOST_RUNS):
        if archive.query("SELECT * FROM upkeep") == []:
            break
        ((now,),) = archive.query("SELECT count(*) FROM contents")
        assert isinstance(now, int) and now > kept, "each run takes some in"
        kept = now
        assert archive.crawl(*words).returncode == 0
    missing = "SELECT path FROM articles WHERE state = 'exported' AND id NOT IN (SELECT article_id FROM contents)"
    assert archive.query(missing) == [(edited.relative_to(archive.exports).as_posix(),)]
    assert {path: path.read_bytes() for path in before} == before
    for path in list(before)[::7]:
        path.unlink(missing_ok=path == edited)
    edited.write_bytes(before[edited])
    told = archive.run("verify", "--repair", SINANEWS_MIRROR="http://127.0.0.1:9")
    assert told.returncode == 1 and told.stdout.count("changed: ") == 1, told.stdout[-500:]
    assert {path: path.read_bytes() for path in before} == before
