"""One SIGINT or SIGTERM ends every spider at every stage, within seconds, with 130; the next run makes good."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import pytest

from sinanews import settings
from sinanews.samplesite import SampleSite
from tests.conftest import TemporaryArchive
from tests.faults.harness import (
    BOUND,
    FULL,
    assert_invariant,
    crawl,
    has_open,
    locked,
    offered,
    start,
    wait_for,
    write_seeds,
)

SOON = 12  #: seconds from the signal to the end, on a machine as busy as it likes; undisturbed it is less than 5
SEEDS = 400 if FULL else 150
PATIENT = {"DOWNLOAD_TIMEOUT": "60"}


class Stage(NamedTuple):
    """Where a run is when the signal comes: the fault that keeps it there, and how to see that it is there."""

    spider: str
    fault: str = ""
    where: str = ""
    requests: int = 1  #: strike after so many
    posts: int = 0  #: … and so many posts
    locks: str = ""  #: "start": somebody holds the catalogue from the beginning; "later": from then on
    words: tuple[str, ...] = ()
    settings: dict[str, str] = {}
    code: int = 130


STAGES = {
    "robots": Stage("sina_finance", "slow", "robots"),
    "listing": Stage("sina_finance", "slow", "listing", 2),
    "listing drips": Stage("sina_finance", "drip", "listing", 2),
    "pages": Stage("sina_finance", "slow", "article", 5),
    "page drips": Stage("sina_finance", "drip", "article", 5),
    "pipelines": Stage("sina_finance", posts=20),
    "retry": Stage("sina_finance", "500", "article", 8, settings={"SINANEWS_RETRY_DELAY": "50"}),
    "retry of a list": Stage("sina_finance", "500", "listing", 2, settings={"SINANEWS_RETRY_DELAY": "50"}),
    "left alone": Stage("sina_finance", "429", "article", 4),
    "delay": Stage("sina_finance", requests=4, settings={"DOWNLOAD_DELAY": "40"}),
    "locked at its start": Stage("sina_finance", requests=0, locks="start"),
    "locked later": Stage("sina_finance", posts=5, locks="later", settings={"DOWNLOAD_DELAY": "0.1"}),
    "live listing": Stage("sina_live", "slow", "live", 2),
    "live drips": Stage("sina_live", "drip", "live", 2),
    "live pipelines": Stage("sina_live", posts=10),
    "live follows": Stage("sina_live", posts=60, words=("-a", "follow=1"), code=0),
    "live locked": Stage("sina_live", requests=0, locks="start"),
    "seeds": Stage("seeds", requests=0, posts=20),
    "seeds locked": Stage("seeds", requests=0, posts=20, locks="later"),
    "seeds locked at their start": Stage("seeds", requests=0, locks="start"),
}
SHORT = ("page drips", "left alone", "locked later", "seeds")
NUMBERS = (signal.SIGINT, signal.SIGTERM)
CASES = [(name, number) for i, name in enumerate(STAGES) for j, number in enumerate(NUMBERS)
         if FULL or (name in SHORT and (i + j) % 2)]  # fmt: skip


@pytest.mark.parametrize(("name", "number"), CASES)
def test_one_signal_ends_the_run(archive: TemporaryArchive, name: str, number: signal.Signals) -> None:
    stage = STAGES[name]
    seeds = archive.folder / "seeds"
    words = stage.words
    if stage.spider == "seeds":
        write_seeds(seeds, SEEDS)
        words = ("-a", f"path={seeds}")
    with SampleSite(articles=60) as site, ExitStack() as stack:
        if stage.locks == "start":
            assert archive.run("catalogue", "rebuild").returncode == 0  # makes the catalogue
            stack.enter_context(locked(archive.database))
        if stage.fault:
            site.faults.set(stage.fault, 1.0, where=stage.where)
            site.faults.slow_seconds, site.faults.retry_after = 60, 50
        process = start(archive, site, *words, spider=stage.spider, **PATIENT, **stage.settings)
        wait_for(lambda: is_there(stage, archive, site, process), process)
        if stage.locks == "later":
            stack.enter_context(locked(archive.database))
        if stage.locks or stage.fault or "DOWNLOAD_DELAY" in stage.settings:
            time.sleep(1)  # it is waiting now
        seconds, errors = strike(process, number)
        assert process.returncode == stage.code, errors
        assert seconds < SOON, errors
        assert "Traceback" not in errors
        stack.close()
        site.faults.clear()
        assert_left_in_order(archive, stage)
        make_good(archive, site, stage, seeds)


@pytest.mark.parametrize("moment", ["made", "opened", "idle"])
def test_a_signal_between_two_steps_of_scrapy_is_heard(archive: TemporaryArchive, moment: str) -> None:
    """Before its handlers are in place, before the first request, and when nothing is left to ask."""
    striking = {
        "EXTENSIONS": json.dumps({**settings.EXTENSIONS, "tests.faults.striking.Striking": 5}),
        "STRIKE": moment,
    }
    with SampleSite(articles=10) as site:
        done = archive.run("crawl", "sina_finance", mirror=site.url, **striking)
        assert done.returncode == 130, done.stderr
        assert "interrupted" in done.stderr.splitlines()[-1]
        assert archive.query("SELECT DISTINCT outcome FROM runs") in ([], [("interrupted",)])
        assert crawl(archive, site).returncode == 0
        assert_invariant(archive, offered(site))


def is_there(stage: Stage, archive: TemporaryArchive, site: SampleSite, process: subprocess.Popen[str]) -> bool:
    if stage.locks == "start":
        return has_open(process, archive.database)
    return len(site.requests) >= stage.requests and len(archive.posts) >= stage.posts


def strike(process: subprocess.Popen[str], number: signal.Signals) -> tuple[float, str]:
    """The seconds until the process had ended, and what it said."""
    began = time.monotonic()
    os.kill(process.pid, number)
    try:
        _, errors = process.communicate(timeout=BOUND)
    finally:
        process.kill()
    return time.monotonic() - began, errors


def assert_left_in_order(archive: TemporaryArchive, stage: Stage) -> None:
    """The run's record says how it ended, no lock is left, and nothing that only waited counts as failed."""
    assert not list(archive.folder.glob("*.holder"))
    if not stage.locks:
        ((outcome,),) = archive.query("SELECT outcome FROM runs ORDER BY id DESC LIMIT 1")
        assert outcome == ("interrupted" if stage.code else "ok")
    assert archive.query("SELECT count(*) FROM articles WHERE state = 'failed'") == [(0,)]
    assert archive.query("PRAGMA integrity_check") == [("ok",)]


def make_good(archive: TemporaryArchive, site: SampleSite, stage: Stage, seeds: Path) -> None:
    make: dict[str, Callable[[], tuple[int, set[str]]]] = {
        "sina_finance": lambda: (crawl(archive, site).returncode, offered(site)),
        "sina_live": lambda: (archive.crawl("sina_live", mirror=site.url).returncode, archive.ids()),
        "seeds": lambda: (
            archive.crawl("seeds", "-a", f"path={seeds}").returncode,
            {f"seed-{sha256(path.read_bytes()).hexdigest()[:16]}" for path in seeds.iterdir()},
        ),
    }
    code, expected = make[stage.spider]()
    assert code in (0, 1)
    assert_invariant(archive, expected)
    assert stage.spider != "sina_live" or len(expected) == site.live
