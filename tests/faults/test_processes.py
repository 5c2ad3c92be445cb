"""Machines stop at bad moments: killed, interrupted, and a catalogue that others hold."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from sinanews.samplesite import SampleSite
from sinanews.samplesite.texts import story
from tests.conftest import PROJECT, TemporaryArchive
from tests.faults.harness import (
    BOUND,
    FULL,
    assert_invariant,
    crawl,
    crawl_measured,
    locked,
    offered,
    only_full,
    random_places,
    start,
    wait_for,
)
from tests.processes import Popen

KILLS, ARTICLES = (50, 420) if FULL else (3, 60)


def test_killed_again_and_again(archive: TemporaryArchive) -> None:
    """One archive, killed at random instants over its whole growth, then left in peace once."""
    with SampleSite(articles=ARTICLES, reprints=0.05) as site:
        for place in random_places(KILLS, ARTICLES):
            process = start(archive, site)
            left = place - len(archive.posts)
            seen = len(site.requests)
            wait_for(lambda seen=seen, left=left: len(site.requests) - seen >= max(left, 4), process)  # type: ignore[misc]
            time.sleep(place % 17 / 1000)
            process.kill()
            process.communicate()
        done = crawl(archive, site)
        assert done.returncode == 0, done.stderr
        assert_invariant(archive, offered(site))


@pytest.mark.parametrize("place", random_places(20, 60, seed=11) if FULL else [])
def test_killed_at_the_moment_a_file_is_written(archive: TemporaryArchive, place: int) -> None:
    """The instant is chosen by files, not requests: between rename and commit there is little time."""
    with SampleSite(articles=70) as site:
        process = start(archive, site)
        wait_for(lambda: len(archive.posts) >= place, process)
        process.kill()
        process.communicate()
        assert crawl(archive, site).returncode == 0
        assert_invariant(archive, offered(site))


@only_full
def test_seeds_killed_again_and_again(archive: TemporaryArchive) -> None:
    """Every file is one row: exported, a duplicate, or refused with its reason."""
    folder = archive.folder / "seeds"
    folder.mkdir()
    for number in range(200):
        text = "\n".join(story(number % 190, 1, 0).paragraphs)
        header = f"a{number}: &x" if number % 20 == 19 else f"title: 第{number}篇\ncategories: [金融]"
        (folder / f"{number:03}.md").write_text(f"---\n{header}\n---\n<p>{text}</p>\n", "utf-8")
    command = archive.command("crawl", "seeds", "-a", f"path={folder}")
    for place in random_places(10, 150, seed=5):
        pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "text": True}
        process = Popen(command, cwd=PROJECT, env=archive.environment, **pipes)
        wait_for(lambda place=place: len(archive.posts) >= place, process)  # type: ignore[misc]
        process.kill()
        process.wait()
    assert archive.crawl("seeds", "-a", f"path={folder}").returncode in (0, 1, 3)
    files = {f"seed-{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}" for path in folder.iterdir()}
    refused = archive.ids("refused")
    assert len(refused) == 10
    assert archive.ids() | archive.ids("duplicate") | refused == files
    assert_invariant(archive, files - refused)


@only_full
@pytest.mark.parametrize("signals", [[signal.SIGTERM], [signal.SIGINT], [signal.SIGTERM] * 2, [signal.SIGINT] * 2])
def test_signals(archive: TemporaryArchive, signals: list[signal.Signals]) -> None:
    with SampleSite(articles=120) as site:
        process = start(archive, site)
        wait_for(lambda: len(archive.posts) >= 20, process)
        for number in signals:
            os.kill(process.pid, number)
            time.sleep(0.05)
        process.communicate(timeout=BOUND)
        assert process.returncode == 130
        assert crawl(archive, site).returncode == 0
        assert_invariant(archive, offered(site))


def test_a_locked_catalogue_is_waited_for(archive: TemporaryArchive) -> None:
    seconds = 60 if FULL else 3
    with SampleSite(articles=30) as site:
        assert crawl(archive, site, CLOSESPIDER_ITEMCOUNT="5").returncode in (0, 3)
        process = start(archive, site, DOWNLOAD_DELAY="0.05")
        wait_for(lambda: len(site.requests) > 12, process)
        with locked(archive.database):
            time.sleep(seconds)
        _, errors = process.communicate(timeout=BOUND)
        assert process.returncode == 0, errors
        assert_invariant(archive, offered(site))


@only_full
def test_a_catalogue_locked_for_good_ends_the_run(archive: TemporaryArchive) -> None:
    with SampleSite(articles=10) as site:
        assert crawl(archive, site).returncode == 0
        site.publish(5)
        with locked(archive.database):
            began = time.monotonic()
            done = archive.run("crawl", "sina_finance", mirror=site.url, timeout=400)
            assert done.returncode == 6, done.stderr
            assert time.monotonic() - began < 300
        assert crawl(archive, site).returncode == 0
        assert_invariant(archive, offered(site))


@pytest.mark.parametrize("part", ["header", pytest.param("middle", marks=only_full)])
def test_a_corrupt_catalogue_is_told_and_kept(archive: TemporaryArchive, part: str) -> None:
    with SampleSite(articles=30) as site:
        assert crawl(archive, site).returncode == 0
        for leftover in (f"{archive.database}-wal", f"{archive.database}-shm"):
            Path(leftover).unlink(missing_ok=True)
        data = bytearray(archive.database.read_bytes())
        first = 0 if part == "header" else 4096
        data[first : None if part == "middle" else 4096] = b"\xff" * (len(data) - first if part == "middle" else 4096)
        archive.database.write_bytes(data)
        done = archive.run("crawl", "sina_finance", mirror=site.url, timeout=BOUND)
        assert done.returncode == 6, done.stderr
        assert "catalogue" in done.stderr and "rebuild" in done.stderr
        assert archive.database.read_bytes()[first : first + 64] == b"\xff" * 64, "the file is kept"
        archive.database.rename(archive.folder / "broken.db")
        assert archive.run("catalogue", "rebuild").returncode == 0
        assert crawl(archive, site).returncode == 0
        assert_invariant(archive, offered(site))


@only_full
@pytest.mark.parametrize("hours", [24, -24])
def test_a_clock_that_is_off_by_a_day(archive: TemporaryArchive, hours: int) -> None:
    """The site's newest entry lies a day ahead of our clock, or behind it."""
    newest = datetime.now(timezone.utc) + timedelta(hours=hours)
    with SampleSite(articles=60, newest=newest) as site:
        process = start(archive, site)
        wait_for(lambda: len(archive.posts) >= 20, process)
        process.kill()
        process.communicate()
        assert crawl(archive, site).returncode == 0
        site.publish(10)
        assert crawl(archive, site).returncode == 0
        assert_invariant(archive, offered(site))


@only_full
def test_an_undisturbed_run_stays_small(archive: TemporaryArchive) -> None:
    with SampleSite(articles=40) as site:
        code, mebibytes = crawl_measured(archive, site)
        assert code == 0
        assert mebibytes < 300
        assert_invariant(archive, offered(site))
