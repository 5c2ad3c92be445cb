"""Crawls in the process of the tests: they tell what a process of their own would, and leave nothing behind."""

from __future__ import annotations

import logging
import os
import re
import signal
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import pytest

from sinanews.run.interrupts import interrupts
from sinanews.samplesite import SampleSite
from tests.conftest import PROJECT, TemporaryArchive
from tests.inprocess import Told

#: One crawl that waits for its page, one that blocks the event loop, and one that comes after them.
HANGING = """
import time
from sinanews.pipelines import CleanPipeline
from sinanews.samplesite import SampleSite
from tests import inprocess

inprocess.PATIENCE = 2.0

def test_waits(archive):
    with SampleSite(articles=3, faults={"slow": 1.0}) as site:
        site.faults.slow_seconds = 300
        archive.crawl("sina_finance", mirror=site.url, timeout=2)

def test_blocks(archive, site, monkeypatch):
    monkeypatch.setattr(CleanPipeline, "process_item", lambda self, item: time.sleep(300))
    archive.crawl("sina_finance", mirror=site.url, timeout=3)

def test_goes_on(archive, site):
    assert archive.crawl("sina_finance", "-a", "limit=3", mirror=site.url).returncode == 0
"""


def told(done: Told) -> tuple[int, str, str]:
    """All that a crawl says, but for times and for the port of the sample site."""
    return done.returncode, done.stdout, re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d|127\.0\.0\.1:\d+", "…", done.stderr)


@pytest.mark.parametrize("faults", [{}, {"garbage": 0.2}, {"html_for_json": 1.0}], ids=["good", "partly", "nothing"])
def test_a_process_of_its_own_tells_the_same(tmp_path: Path, faults: dict[str, float]) -> None:
    archives = [TemporaryArchive(tmp_path / name) for name in ("here", "there")]
    with SampleSite(articles=12, reprints=0, faults=faults) as site:
        settings = {"mirror": site.url, "CONCURRENT_REQUESTS": "1"}
        here = archives[0].crawl("sina_finance", "-O", str(archives[0].feed), **settings)
        there = archives[1].run("crawl", "sina_finance", "-O", str(archives[1].feed), **settings)
    assert told(here) == told(there)
    rows = [archive.query("SELECT id, state, path, file_digest FROM articles ORDER BY id") for archive in archives]
    assert rows[0] == rows[1]
    items = [[{**item, "fetched_at": None} for item in archive.items()] for archive in archives]
    assert items[0] == items[1]


def state() -> tuple[object, ...]:
    """What a crawl could change for those that come after it."""
    root = logging.getLogger()
    return (
        dict(os.environ), list(root.handlers), root.level, logging.lastResort, list(warnings.filters), warnings.showwarning,
        [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)], interrupts.heard_at,
        sys.stdout, sys.stderr, list(sys.path), os.getcwd(), [t.name for t in threading.enumerate() if t.name == "reactor"],
    )  # fmt: skip


def test_a_crawl_leaves_nothing_behind(archive: TemporaryArchive, site: SampleSite) -> None:
    archive.crawl("sina_finance", "-a", "limit=1", mirror=site.url)  # starts the reactor
    before = state()
    archive.crawl("sina_finance", "-L", "DEBUG", "-a", "limit=9", mirror=site.url, SINANEWS_BODY="verbatim")
    archive.run("status", LOG_LEVEL="DEBUG")
    archive.crawl("seeds", "-a", "path=/nowhere")
    assert state() == before


def test_a_crawl_that_hangs_fails_its_test_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "test_hanging.py").write_text(HANGING, "utf-8")
    words = ["-p", "tests.conftest", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--rootdir", str(tmp_path), *words],
        cwd=PROJECT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert "2 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    told = re.findall(r"Failed: (sina_finance hangs after \d seconds)", done.stdout)
    assert list(dict.fromkeys(told)) == [  # with CI set, pytest says it in its summary once more
        "sina_finance hangs after 2 seconds", "sina_finance hangs after 3 seconds"
    ]  # fmt: skip
    assert "time.sleep(300)" in done.stdout, "the place that blocks is told"
