"""Servers that fail, stall, lie and send bombs: the run ends in time, and the next one makes good."""

from __future__ import annotations

import socket
import time

import pytest

from sinanews.samplesite import SampleSite
from tests.conftest import TemporaryArchive
from tests.faults.harness import BOUND, assert_invariant, crawl, crawl_measured, offered, only_full, start, wait_for

#: fault → exit codes of the struck run when a third of the articles meet it
PARTLY = {"500": {3}, "cut": {3}, "slow": {3}, "drip": {3}, "429": {0, 3, 5}, "redirect_private": {3}}


@only_full
@pytest.mark.parametrize("fault", PARTLY)
def test_a_third_of_the_articles_fail(archive: TemporaryArchive, fault: str) -> None:
    with SampleSite(articles=30, faults={fault: 0.34}) as site:
        done = crawl(archive, site, RETRY_TIMES="1", DOWNLOAD_TIMEOUT="2", SINANEWS_COOLDOWN="1")
        assert done.returncode in PARTLY[fault], done.stderr
        assert 0 < len(archive.ids()) < len(offered(site))
        site.faults.clear()
        time.sleep(1.5)
        assert crawl(archive, site).returncode == 0
        assert_invariant(archive, offered(site))


@only_full
def test_robots_txt_that_fails_is_no_ban(archive: TemporaryArchive) -> None:
    with SampleSite(articles=20, faults={"robots_500": 1.0}) as site:
        began = time.monotonic()
        crawl(archive, site, RETRY_TIMES="1")
        assert time.monotonic() - began < BOUND
        site.faults.clear()
        assert crawl(archive, site).returncode == 0
        assert_invariant(archive, offered(site))


@only_full
def test_a_site_that_goes_away_and_comes_back(archive: TemporaryArchive) -> None:
    with SampleSite(articles=80) as site:
        process = start(archive, site, DOWNLOAD_DELAY="0.02", RETRY_TIMES="1")
        wait_for(lambda: len(archive.posts) >= 20, process)
        site.stop()
        process.communicate(timeout=BOUND)
        assert process.returncode in (3, 4)
        site.start()
        assert crawl(archive, site).returncode == 0
        assert_invariant(archive, offered(site))


@only_full
def test_nobody_listens_and_no_name_resolves(archive: TemporaryArchive) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    for mirror in (f"http://127.0.0.1:{port}", "http://no-such-host.invalid"):
        done = archive.run("crawl", "sina_finance", mirror=mirror, timeout=BOUND, RETRY_TIMES="1")
        assert done.returncode == 4, done.stderr
        assert archive.query("SELECT count(*) FROM articles") == [(0,)]


BOMBS = ("oversize", "gzip_bomb", "brotli_bomb")


@pytest.mark.parametrize("bomb", [*(pytest.param(b, marks=only_full) for b in BOMBS[:2]), BOMBS[2]])
def test_a_bomb_costs_little_and_harms_no_neighbour(archive: TemporaryArchive, bomb: str) -> None:
    with SampleSite(articles=12) as site:
        struck = next(entry.id for entry in site.entries if entry.id in offered(site))
        site.faults.set(bomb, [struck])
        began = time.monotonic()
        code, mebibytes = crawl_measured(archive, site, RETRY_TIMES="0")
        seconds = time.monotonic() - began
        assert code == 3
        assert mebibytes < 512
        assert archive.ids() | archive.ids("duplicate") == offered(site) - {struck}
        assert seconds < 60, "a whole run, start and all"
        site.faults.clear()
        assert crawl(archive, site).returncode == 0
        assert_invariant(archive, offered(site))
