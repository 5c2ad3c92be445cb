"""Servers that fail, stall, lie and send bombs: the run ends in time, and the next one makes good."""

from __future__ import annotations

import gzip
import socket
import time

import pytest

from sinanews.samplesite import SampleSite, pages
from sinanews.samplesite.server import FAULTY, HTML, Answer
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


AT_ONCE = {"CONCURRENT_REQUESTS": "16", "CONCURRENT_REQUESTS_PER_DOMAIN": "16"}
BOMBS = ("oversize", "gzip_bomb", "brotli_bomb")


@pytest.mark.parametrize("bomb", [*(pytest.param(b, marks=only_full) for b in BOMBS[:2]), BOMBS[2]])
def test_sixteen_bombs_cost_little_and_harm_no_neighbour(archive: TemporaryArchive, bomb: str) -> None:
    with SampleSite(articles=24) as site:
        struck = sorted(offered(site))[:16]
        site.faults.set(bomb, struck)
        began = time.monotonic()
        code, mebibytes = crawl_measured(archive, site, RETRY_TIMES="0", **AT_ONCE)
        seconds = time.monotonic() - began
        assert code == 3
        assert mebibytes < 200, "131 measured; 331 where the errors keep what was unpacked"
        assert archive.ids() | archive.ids("duplicate") == offered(site) - set(struck)
        assert seconds < 60, "a whole run, start and all"
        site.faults.clear()
        assert crawl(archive, site).returncode == 0
        assert_invariant(archive, offered(site))


@only_full
@pytest.mark.parametrize("packed", [True, False])
def test_pages_as_large_as_may_be_are_dealt_with_one_by_one(
    archive: TemporaryArchive, monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    """No bombs: articles of 8 MiB of text, whose parts take three times as much memory while they are read."""
    paragraph = "<p>" + "".join(chr(0x4E00 + place * 37 % 20000) for place in range(300)) + "。</p>"
    with SampleSite(articles=24) as site:
        struck = sorted(entry.id for entry in site.entries if entry.kind == "finance")[:14]
        whole = pages.page(next(entry for entry in site.entries if entry.id == struck[0]))
        place = whole.rindex(b"</p>") + 4
        body = whole[:place] + paragraph.encode() * ((8 << 20) // len(paragraph.encode()) - 20) + whole[place:]
        headers = {"Content-Encoding": "gzip"} if packed else {}
        monkeypatch.setitem(
            FAULTY, "gzip_bomb", lambda _: Answer(200, HTML, gzip.compress(body) if packed else body, headers)
        )
        site.faults.set("gzip_bomb", struck)
        code, mebibytes = crawl_measured(archive, site, **AT_ONCE)
        assert code == 3
        assert mebibytes < 400, "211 and 297 measured; 563 and 591 all at once"
        assert archive.ids() | archive.ids("duplicate") == offered(site) - set(struck)


@pytest.mark.parametrize(
    ("mirror", "words"),
    [("http://127.0.0.1:{port}", "connection was refused"), ("http://no-such-host.invalid", "is this machine online?")],
)
def test_a_machine_without_a_network_is_told_so_in_one_line(archive: TemporaryArchive, mirror: str, words: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    settings = {"mirror": mirror.format(port=port), "RETRY_TIMES": "1", "LOG_LEVEL": "ERROR"}
    done = archive.run("crawl", "sina_finance", timeout=BOUND, **settings)  # type: ignore[arg-type]
    assert done.returncode == 4, done.stderr
    (line,) = done.stderr.splitlines()
    assert words in line
