"""How runs end: what they come to, bans, and one run at a time."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from sinanews import settings
from sinanews.catalogue import Catalogue
from sinanews.catalogue.due import Due
from sinanews.catalogue.progress import ListingProgress
from sinanews.catalogue.runs import Runs
from sinanews.catalogue.seed_files import SeedFiles
from sinanews.config import check_settings
from sinanews.exceptions import ArgumentError, CatalogueError
from sinanews.samplesite import SampleSite
from sinanews.watch.outcomes import (
    ATTENTION,
    BANNED,
    CRASHED,
    INTERRUPTED,
    NOTHING,
    NOTHING_NEW,
    OK,
    OUTCOMES,
    PARTLY,
    STORAGE,
    TOLERABLE,
    Outcome,
    judge,
    summary,
)
from tests import processes
from tests.conftest import PROJECT, TemporaryArchive
from tests.test_copies import edited, paragraphs, post


@pytest.mark.parametrize(
    ("counts", "reason", "errors", "outcome"),
    [
        ({"articles/exported": 3}, "finished", 0, OK),
        ({"articles/known": 3}, "finished", 0, NOTHING_NEW),
        ({}, "finished", 0, NOTHING_NEW),
        ({"articles/exported": 99, "failed/timeout": 1}, "finished", 0, TOLERABLE),
        ({"refused/gone": 5}, "finished", 0, NOTHING),
        ({"articles/exported": 9, "failed/timeout": 1}, "finished", 0, PARTLY),
        ({"articles/exported": 9, "refused/gone": 5}, "finished", 0, OK),
        ({"articles/exported": 9, "refused/unknown_layout": 5}, "finished", 0, PARTLY),
        ({"articles/exported": 9, "listing/failed/timeout": 1}, "finished", 0, PARTLY),
        ({"listing/failed/timeout": 1}, "finished", 0, NOTHING),
        ({"failed/http_500": 8, "refused/other_host": 1}, "finished", 0, NOTHING),
        ({"articles/exported": 3}, "finished", 1, PARTLY),
        ({}, "finished", 1, CRASHED),
        ({"articles/exported": 3}, "closespider_errorcount", 0, PARTLY),
        ({"articles/exported": 3}, "shutdown", 0, INTERRUPTED),
        ({"articles/exported": 3}, "banned", 0, BANNED),
        ({"articles/exported": 3}, "storage_failed", 0, STORAGE),
    ],
)
def test_what_a_run_comes_to(counts: dict[str, int], reason: str, errors: int, outcome: object) -> None:
    assert judge(counts, reason, errors) == outcome


@pytest.mark.parametrize(
    ("counts", "outcome", "words"),
    [
        ({"articles/exported": 3}, OK, "all that was wanted is stored"),
        ({"articles/exported": 3, "refused/gone": 2}, OK, "all that was wanted is stored"),
        ({"articles/exported": 99, "refused/empty": 1}, OK,
         "all else is stored; what was refused could not be read and is not tried again"),
        ({"refused/bad_post": 4}, PARTLY, "what was refused could not be read and is not tried again"),
        ({"articles/exported": 9, "failed/timeout": 3}, PARTLY, "a later run tries again what failed"),
        ({"articles/exported": 9, "listing/failed/timeout": 1}, PARTLY, "a later run tries again what failed"),
        ({"failed/timeout": 3, "refused/unknown_layout": 3, "articles/exported": 1}, PARTLY,
         "a later run tries again what failed, but not what was refused"),
        ({"articles/exported": 99, "failed/timeout": 1}, TOLERABLE,
         "all else is stored; a later run tries again what failed"),
        ({"articles/exported": 99, "failed/timeout": 1}, ATTENTION,
         "all else is stored; a later run tries again what failed; something needs a person: scrapy status"),
        ({"articles/exported": 9}, ATTENTION, "all that was wanted is stored; something needs a person: scrapy status"),
        ({"articles/exported": 9}, PARTLY, "not all of it came to its end; the log says why, and the next run continues"),
    ],
)  # fmt: skip
def test_the_last_line_promises_only_what_will_be(counts: dict[str, int], outcome: Outcome, words: str) -> None:
    assert summary(counts, outcome).partition(": ")[2] == words


def test_each_input_is_counted_once_in_the_last_line() -> None:
    counts = {"articles/exported": 24, "articles/superseded": 1, "duplicate/story": 3}
    assert summary(counts, OK).startswith(
        "24 articles exported (of these 1 in the place of an earlier copy), 3 duplicates"
    )
    assert summary({"articles/exported": 1, "articles/marked": 1}, OK).startswith(
        "1 article exported (of these 1 marked"
    )


@pytest.mark.parametrize("policy", ["drop", "mark"])
def test_the_counts_of_a_run_add_up_to_its_inputs(archive: TemporaryArchive, policy: str) -> None:
    whole = paragraphs(0) + paragraphs(2)
    post(archive, "1", "被截短的一篇", whole[: len(whole) * 6 // 10])
    post(archive, "2", "完整的一篇", whole)  # takes the place of the first
    post(archive, "3", "别的事", paragraphs(1))
    post(archive, "4", "别的事，转载", edited(paragraphs(1)))
    done = archive.crawl("seeds", "-a", f"path={archive.folder / 'posts'}", SINANEWS_DUPLICATES=policy)
    line = done.stdout.splitlines()[-1]
    if policy == "drop":
        assert "3 articles exported (of these 1 in the place of an earlier copy), 1 duplicate (story 1)" in line
    else:
        assert "4 articles exported (of these 2 marked as copies): all" in line


def test_refused_seeds_are_promised_nothing(archive: TemporaryArchive) -> None:
    seeds = archive.folder / "posts"
    seeds.mkdir()
    for number in range(3):
        (seeds / f"{number}.md").write_text(f"no post {number}", "utf-8")
    done = archive.crawl("seeds", "-a", f"path={seeds}")
    assert done.returncode == 3
    assert done.stderr.splitlines()[-1] == (
        "sinanews: 0 articles exported, 3 refused (bad_post 3): "
        "what was refused could not be read and is not tried again"
    )


def test_every_kind_of_end_has_its_own_code() -> None:
    codes = [outcome.code for outcome in OUTCOMES if outcome.code]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("fault", ["ban", "429"])
def test_a_ban_ends_the_run_and_the_next_ones_wait(archive: TemporaryArchive, fault: str) -> None:
    with SampleSite(articles=20, faults={fault: 1.0}) as site:
        done = archive.crawl("sina_finance", mirror=site.url)
        assert done.returncode == 5, done.stderr
        assert len(site.requests) < 40, "a ban is not answered by hammering on"
        site.requests.clear()
        done = archive.crawl("sina_finance", mirror=site.url)
        assert done.returncode == 5
        assert "Beijing time" in done.stderr
        assert site.requests == []
        assert archive.crawl("seeds").returncode == 0, "seeds ask nobody"
        archive.query("UPDATE cooldowns SET until = '2020-01-01 00:00:00.000000'")
        site.faults.clear()
        assert archive.crawl("sina_finance", mirror=site.url).returncode == 0
        assert archive.ids("pending") == archive.ids("failed") == set()


@pytest.mark.parametrize(
    "words", [("-a", "limit=2"), ("-a", "urls=https://finance.sina.com.cn/doc-iabcdefg1234567.shtml")]
)
def test_a_run_that_is_answered_nothing_is_banned_however_few_it_asks(
    archive: TemporaryArchive, words: tuple[str, ...]
) -> None:
    with SampleSite(articles=20) as site:
        site.faults.set("ban", 1.0)
        site.faults.set("ban", 1.0, where="listing")
        done = archive.crawl("sina_finance", *words, mirror=site.url)
        assert done.returncode == 5, done.stderr
        site.requests.clear()
        assert archive.crawl("sina_finance", mirror=site.url).returncode == 5
        assert site.requests == []


def test_a_few_refusals_are_waited_out(archive: TemporaryArchive) -> None:
    with SampleSite(articles=4) as site:
        site.faults.set("429", 1.0, times=1)
        done = archive.crawl(
            "sina_finance", mirror=site.url, SINANEWS_BAN_LIMIT="100", CONCURRENT_REQUESTS_PER_DOMAIN="1"
        )
        assert done.returncode == 0, done.stderr
        assert archive.ids("failed") == set()


def start_slow_crawl(archive: TemporaryArchive, site: SampleSite) -> subprocess.Popen[str]:
    command = archive.command("crawl", "sina_finance", mirror=site.url, DOWNLOAD_DELAY="0.2")
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = processes.Popen(command, cwd=PROJECT, env=archive.environment, text=True, **pipes)
    deadline = time.monotonic() + 60
    while len(site.requests) < 8 and time.monotonic() < deadline:
        time.sleep(0.02)
    return process


def test_one_run_at_a_time(archive: TemporaryArchive) -> None:
    with SampleSite(articles=60) as site:
        first = start_slow_crawl(archive, site)
        second = archive.crawl("sina_finance", mirror=site.url)
        assert second.returncode == 7
        assert f"pid {first.pid}" in second.stderr and "since" in second.stderr
        assert archive.crawl("seeds").returncode == 0, "another spider is another matter"
        first.kill()
        first.communicate()  # closes its pipes
        assert archive.crawl("sina_finance", mirror=site.url).returncode == 0, "a killed run holds no lock"


@pytest.mark.parametrize("signals", [[signal.SIGINT], [signal.SIGTERM], [signal.SIGINT, signal.SIGINT]])
def test_an_interrupted_run_says_so_and_is_continued(archive: TemporaryArchive, signals: list[signal.Signals]) -> None:
    with SampleSite(articles=60) as site:
        process = start_slow_crawl(archive, site)
        for number in signals:
            os.kill(process.pid, number)
            time.sleep(0.3)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 130, errors
        assert "interrupted" in errors
        assert archive.crawl("sina_finance", mirror=site.url).returncode == 0
        assert len(archive.posts) == len(archive.ids())
        assert archive.ids("pending") == set()


@pytest.mark.parametrize(
    ("spider", "fault", "method"),
    [
        ("sina_finance", "", (Due, "unfinished")),
        ("sina_finance", "", (Catalogue, "known_urls")),
        ("sina_finance", "deleted", (Catalogue, "article")),
        ("sina_finance", "500", (Catalogue, "failed")),
        ("sina_finance", "404", (Catalogue, "article")),
        ("sina_finance", "429", (Runs, "cool_down")),
        ("sina_live", "", (ListingProgress, "listed_to")),
        ("seeds", "", (SeedFiles, "known")),
        ("seeds", "", (SeedFiles, "keep")),
    ],
    ids=["start", "list", "article", "errback", "gone", "ban", "live", "seeds start", "item signal"],
)
def test_a_catalogue_that_fails_ends_the_run_wherever_it_is_asked(
    archive: TemporaryArchive, monkeypatch: pytest.MonkeyPatch, spider: str, fault: str, method: tuple[type, str]
) -> None:
    def fails(*args: Any, **values: Any) -> None:
        raise CatalogueError("the disk is gone")

    monkeypatch.setattr(*method, fails)
    with SampleSite(articles=5, live=5, faults={fault: 1.0} if fault else {}) as site:
        words = ("-a", f"path={PROJECT / 'seeds'}") if spider == "seeds" else ()
        done = archive.crawl(spider, *words, mirror=site.url, RETRY_TIMES="0")
    assert done.returncode == 6, done.stderr
    assert done.stderr.splitlines()[-1].startswith("sinanews: the disk is gone; ")


def test_a_full_disk_and_a_folder_not_ours_are_storage_failures(archive: TemporaryArchive, tmp_path: Path) -> None:
    with SampleSite(articles=5) as site:
        done = archive.crawl("sina_finance", mirror=site.url, SINANEWS_EXPORTS="/dev/null/exports")
        assert done.returncode == 6
        assert "/dev/null/exports" in done.stderr
        done = archive.crawl("sina_finance", mirror=site.url, SINANEWS_DATABASE="sqlite:////dev/null/no.db")
        assert done.returncode == 6
        assert "/dev/null/no.db" in done.stderr


def test_findings_reach_the_users_command(archive: TemporaryArchive, tmp_path: Path) -> None:
    told = tmp_path / "alert.json"
    with SampleSite(articles=20, faults={"500": 1.0}) as site:
        archive.crawl("sina_finance", mirror=site.url, RETRY_TIMES="0", SINANEWS_ALERT_COMMAND=f"tee {told}")
    alert = json.loads(told.read_text("utf-8"))
    assert alert["outcome"] == "nothing_fetched"
    assert alert["exit_code"] == 4
    assert alert["spider"] == "sina_finance"
    assert alert["findings"]


@pytest.mark.parametrize(
    "bad",
    [
        "SINANEWS_TOLERATED=abc", "SINANEWS_MAX_PAGES=foo", "SINANEWS_MIRROR=nonsense", "SINANEWS_MIRROR=http://[", "SINANEWS_STALE=maybe",
        "SINANEWS_BAN_LIMIT=0", "SINANEWS_COOLDOWN=", "SINANEWS_RETRY_DELAY=-1", "SINANEWS_POLL=abc", "DOWNLOAD_DELAY=x",
        "SINANEWS_ALERT_COMMAND='unclosed", "LOG_LEVEL=FOO", "SINANEWS_LOG_LEVEL=LOUD", "SINANEWS_HOSTS=http://foo", "SINANEWS_HOSTS=foo:8080",
    ],
)  # fmt: skip
def test_a_setting_that_cannot_be_used_is_named_before_the_run(bad: str) -> None:
    name, value = bad.split("=", 1)
    values = {**{k: getattr(settings, k) for k in dir(settings) if k.isupper()}, "RETRY_TIMES": 3, name: value}
    with pytest.raises(ArgumentError, match=name):
        check_settings(values)


def test_the_contact_and_the_log_level_can_come_from_the_command_line(archive: TemporaryArchive) -> None:
    done = archive.run(
        "crawl", "seeds", "-s", "SINANEWS_CONTACT=me@example.org", "-s", "SINANEWS_LOG_LEVEL=INFO", LOG_LEVEL="INFO"
    )
    assert "me@example.org" in done.stderr
    assert done.returncode == 0


def test_a_setting_that_does_not_exist_is_named_with_the_nearest_that_does(archive: TemporaryArchive) -> None:
    done = archive.crawl("seeds", SINANEWS_EXPRTS="elsewhere")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "sinanews: there is no setting SINANEWS_EXPRTS; the nearest is SINANEWS_EXPORTS\n"
    with pytest.raises(ArgumentError, match=r"variable SINANEWS_CONTCT; .*SINANEWS_CONTACT"):
        check_settings({}, {"SINANEWS_CONTCT": "me", "HOME": "/"})


@pytest.mark.parametrize("words", [("-L", "LOUD"), ("-s", "SINANEWS_LOG_LEVEL=LOUD")])
def test_a_log_level_that_is_none_is_one_line(archive: TemporaryArchive, words: tuple[str, str]) -> None:
    command = [sys.executable, "-m", "scrapy", "crawl", "seeds", *words]
    done = processes.run(command, cwd=PROJECT, env=archive.environment)
    assert done.returncode == 2
    assert "LOUD" in done.stderr and "DEBUG" in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr


def test_an_alert_command_that_does_not_exist_is_told_before_it_is_needed(archive: TemporaryArchive) -> None:
    done = archive.crawl("seeds", SINANEWS_ALERT_COMMAND="no-such-mailer --subject x")
    assert done.returncode == 1
    assert "no-such-mailer" in done.stderr


def test_a_catalogue_that_fails_as_the_run_begins_is_no_success(archive: TemporaryArchive) -> None:
    archive.crawl("seeds", "-a", f"path={archive.folder}")  # makes the catalogue; nothing to read there
    with sqlite3.connect(archive.database) as connection:
        connection.execute("CREATE TRIGGER no BEFORE INSERT ON runs BEGIN SELECT RAISE(ABORT, 'no more'); END")
    done = archive.crawl("seeds")
    assert done.returncode == 6, done.stdout + done.stderr
    assert archive.posts == []


def test_a_catalogue_that_fails_in_a_callback_is_no_mistake_of_ours(
    archive: TemporaryArchive, site: SampleSite
) -> None:
    archive.crawl("seeds")
    with sqlite3.connect(archive.database) as connection:
        connection.execute("CREATE TRIGGER no BEFORE UPDATE ON articles BEGIN SELECT RAISE(ABORT, 'no more'); END")
    done = archive.crawl("sina_finance", mirror=site.url)
    assert done.returncode == 6, done.stdout + done.stderr
    assert "no more" in done.stderr
