"""What the commands say of a catalogue: status, channels, duplicates."""

from __future__ import annotations

import json
import os
import re
from contextlib import closing
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from sinanews.catalogue import Catalogue
from sinanews.catalogue.clusters import Clusters
from sinanews.catalogue.lock import RunLock
from sinanews.listing.channels import CHANNELS
from sinanews.samplesite import SampleSite
from sinanews.watch.outcomes import OUTCOMES
from sinanews.watch.summary import gather, process_is_of
from tests.conftest import TemporaryArchive

NOW = datetime.now(timezone.utc).replace(microsecond=0)
HOSTILE = "利好\x1b[31m[bold]x[/bold]\n\u202e<script>"
COMMANDS = ("status", "channels", "duplicates", "report")


@pytest.fixture
def catalogue(archive: TemporaryArchive) -> Any:
    opened = Catalogue(f"sqlite:///{archive.database}")
    yield opened
    opened.close()


def add(catalogue: Catalogue, article: str, state: str = "exported", **values: Any) -> None:
    published = values.pop("published_at", NOW - timedelta(hours=1))
    values = {"title": f"标题{article}", "channel": "china", "media": "某报", "published_at": published, **values}
    catalogue.record(article, NOW, state=state, **values)


def ran(catalogue: Catalogue, outcome: str = "ok", ago: timedelta = timedelta(hours=1), **values: Any) -> None:
    code = next(o.code for o in OUTCOMES if o.name == outcome)
    run = catalogue.runs.begin("sina_finance", values.pop("arguments", {}), NOW - ago, 1)
    catalogue.runs.end(run, NOW - ago, **{"outcome": outcome, "exit_code": code, "counts": {}, **values})


def status(archive: TemporaryArchive) -> tuple[int, dict[str, Any]]:
    done = archive.run("status", "--json", SINANEWS_STALE="1")
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize("command", COMMANDS)
def test_no_catalogue_yet_is_told_and_nothing_is_made(archive: TemporaryArchive, command: str) -> None:
    done = archive.run(command)
    assert (done.returncode, done.stderr) == (0 if command == "channels" else 1, "")
    assert command == "channels" or done.stdout.count("\n") == 1
    assert list(archive.folder.iterdir()) == []


@pytest.mark.parametrize("command", COMMANDS)
def test_passwords_are_never_told(archive: TemporaryArchive, command: str) -> None:
    done = archive.run(command, SINANEWS_DATABASE="postgresql+psycopg://me:geheim@127.0.0.1:1/none")
    assert done.returncode in (2, 6)  # without and with a driver
    assert "geheim" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_broken_catalogue_is_one_line(archive: TemporaryArchive) -> None:
    archive.database.write_text("no database " * 100)
    done = archive.run("status")
    assert done.returncode == 6
    assert done.stderr.count("\n") == 1


def test_a_good_archive_needs_nobody(archive: TemporaryArchive, catalogue: Catalogue) -> None:
    add(catalogue, "a1")
    ran(catalogue)
    catalogue.listing.listed_to("china", NOW - timedelta(hours=1), NOW)
    code, facts = status(archive)
    assert (code, facts["findings"], facts["articles"]["exported"]) == (0, [], 1)
    (channel,) = facts["channels"]
    assert channel["newest_article"] == (NOW - timedelta(hours=1)).astimezone(timezone(timedelta(hours=8))).isoformat()


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("stale_channel/china", lambda c: c.listing.listed_to("china", NOW - timedelta(days=9), NOW)),
        ("banned", lambda c: ran(c, "banned")),
        ("run/sina_finance", lambda c: [ran(c, "partly_failed") for _ in range(3)]),
        ("gap/china", lambda c: c.listing.gap_found("china", NOW, NOW, NOW - timedelta(days=5))),
        ("coverage/media", lambda c: [ran(c, counts={"articles/exported": 20, "coverage/media": n}) for n in (20, 20, 20, 3)]),
        ("recorded", lambda c: ran(c, findings=[{"level": "warning", "name": "recorded", "words": "w.", "advice": "a."}])),
    ],
)  # fmt: skip
def test_what_needs_a_person_is_exit_code_1(
    archive: TemporaryArchive, catalogue: Catalogue, name: str, spoil: Any
) -> None:
    ran(catalogue)
    spoil(catalogue)
    code, facts = status(archive)
    assert code == 1
    assert [f["name"] for f in facts["findings"] if f["level"] == "warning"] == [name]


def test_stale_channels_are_not_looked_at_where_the_setting_says_so(
    archive: TemporaryArchive, catalogue: Catalogue
) -> None:
    catalogue.listing.listed_to("china", NOW - timedelta(days=9), NOW)
    assert archive.run("status", SINANEWS_STALE="0").returncode == 0


def test_everything_has_its_place_in_the_tables(archive: TemporaryArchive, catalogue: Catalogue) -> None:
    ran(catalogue, counts={"articles/exported": 7})
    add(catalogue, "u1", "refused", reason="unknown_layout", url="https://finance.sina.com.cn/x.shtml", detail=HOSTILE)
    catalogue.failed("f1", "timeout", "60 s", NOW, channel="china", title=HOSTILE)
    ran(catalogue, arguments={"since": "2026-09-01", "until": "2026-09-05"})
    for day, state in ((1, "complete"), (2, "partial"), (5, "complete")):
        catalogue.listing.day_listed("china", date(2026, 9, day), state, 9, NOW)
    done = archive.run("status")
    for words in (
        "unknown_layout",
        "https://finance.sina.com.cn/x.shtml",
        "timeout",
        "next run",
        "2026-09-04",
        "Beijing",
    ):
        assert words in done.stdout
    assert "\x1b" not in done.stdout
    days = gather(catalogue, NOW)["channels"][0]["days"]
    assert days == {"complete": 2, "partial": ["2026-09-02"], "empty": [], "not_begun": ["2026-09-03", "2026-09-04"]}


def test_days_that_nobody_asked_for_are_no_debt(catalogue: Catalogue) -> None:
    for since in ("2019-09-01", "2026-09-01"):
        ran(catalogue, arguments={"channels": "macro", "since": since, "until": f"{since[:8]}03"})
        catalogue.listing.day_listed("macro", date.fromisoformat(since), "complete", 9, NOW)
    ran(catalogue, arguments={"channels": "macro", "since": "2001-01-01", "limit": "5"})  # so many articles, no days
    ran(catalogue, arguments={"channels": "no-longer-a-channel", "since": "2001-01-01"})
    (channel,) = gather(catalogue, NOW)["channels"]
    wanted = ["2019-09-02", "2019-09-03", "2026-09-02", "2026-09-03"]
    assert channel["days"] == {"complete": 2, "partial": [], "empty": [], "not_begun": wanted}


def test_days_asked_for_by_their_age_are_days_of_beijing_up_to_the_run(catalogue: Catalogue) -> None:
    run = catalogue.runs.begin("sina_finance", {"since": "2d"}, datetime(2026, 9, 9, 20, tzinfo=timezone.utc), 1)
    catalogue.runs.end(run, NOW, outcome="banned", exit_code=5, counts={}, findings=[])
    (channel,) = gather(catalogue, NOW)["channels"]
    assert channel["days"]["not_begun"] == ["2026-09-09", "2026-09-10"]  # the 8th only in part


def test_a_run_without_an_end_has_no_numbers(archive: TemporaryArchive, catalogue: Catalogue) -> None:
    catalogue.runs.begin("seeds", {}, NOW, 2**22 + 1)
    ran(catalogue, counts={"articles/exported": 7})
    ended, killed = gather(catalogue, NOW)["runs"]
    assert (killed["state"], set(killed["numbers"].values())) == ("killed", {None})
    assert ended["numbers"]["articles/exported"] == 7 and ended["numbers"]["refused"] == 0
    shown = archive.run("status").stdout
    assert re.search(r"seeds .* killed +- +- +- +-", shown)
    assert archive.run("report").returncode == 0
    assert '<td class="n">–</td>' in (archive.exports / "report.html").read_text("utf-8")


def test_a_run_goes_on_only_while_it_holds_its_lock(archive: TemporaryArchive, catalogue: Catalogue) -> None:
    """The process id of a run that was killed may be another program's by now: here, this one's."""
    dead = catalogue.runs.begin("seeds", {}, NOW - timedelta(days=1), os.getpid())
    assert gather(catalogue, NOW)["runs"][0]["state"] == "killed"
    lock = RunLock(archive.database, "seeds", NOW)
    live = catalogue.runs.begin("seeds", {}, NOW, os.getpid())
    states = {run["id"]: run["state"] for run in gather(catalogue, NOW)["runs"]}
    assert (states[live], states[dead]) == ("running", "killed"), "of one spider only one run goes on"
    lock.release()


def test_without_a_lock_a_younger_process_is_another_one() -> None:
    now = datetime.now(timezone.utc)
    assert process_is_of(os.getpid(), now)
    if Path("/proc/self/stat").exists():
        assert not process_is_of(os.getpid(), now - timedelta(days=2000))
    assert not process_is_of(2**22 + 1, now) and not process_is_of(2**70, now)


def test_rooms_and_last_runs_are_told(archive: TemporaryArchive, catalogue: Catalogue) -> None:
    add(catalogue, "live-151-9", channel="live-151", kind="live")
    add(catalogue, "a1", channel="macro")
    run = catalogue.runs.begin("sina_live", {"rooms": "all", "since": "3d"}, NOW - timedelta(hours=2), 1)
    catalogue.runs.end(run, NOW, outcome="ok", exit_code=0, counts={}, findings=[])
    ran(catalogue, arguments={"channels": "macro", "limit": "5"}, ago=timedelta(hours=3))
    facts = {c["channel"]: c for c in gather(catalogue, NOW)["channels"]}
    assert (facts["live-151"]["title"], facts["live-151"]["last_run"]) == ("7x24 政经", NOW - timedelta(hours=2))
    assert (facts["macro"]["last_run"], facts["macro"]["last_success"]) == (NOW - timedelta(hours=3), None)
    archive.exports.mkdir()
    for shown in (
        archive.run("status").stdout,
        archive.run("report") and (archive.exports / "report.html").read_text("utf-8"),
    ):
        assert "7x24 政经" in shown and "last run" in shown


def test_channels_lists_them_all(archive: TemporaryArchive, catalogue: Catalogue) -> None:
    catalogue.listing.listed_to("macro", NOW, NOW)
    rows = json.loads(archive.run("channels", "--json").stdout)
    assert [row["slug"] for row in rows] == [c.slug for c in CHANNELS]
    assert [row["slug"] for row in rows if row["last_success"]] == ["macro"]
    assert "国內" in archive.run("channels").stdout


def test_clusters(archive: TemporaryArchive, catalogue: Catalogue) -> None:
    add(catalogue, "w", title=HOSTILE, published_at=NOW - timedelta(hours=9))
    add(catalogue, "c1", "duplicate", duplicate_of="w", reason="text", similarity=1.0)
    add(catalogue, "c2", "duplicate", duplicate_of="c1", reason="near", similarity=0.83)  # c1 was found a copy later
    add(catalogue, "c3", "exported", duplicate_of="gone", reason="near", similarity=0.9)  # written all the same
    first, second = json.loads(archive.run("duplicates", "--json").stdout)
    assert (first["winner"], [c["id"] for c in first["copies"]]) == ("w", ["c1", "c2"])
    assert first["copies"][0]["lag"] == 8 * 3600
    assert (second["winner"], second["title"], [c["id"] for c in second["copies"]]) == ("gone", None, ["c3"])
    shown = archive.run("duplicates", "-n", "1").stdout
    assert "3 copies of 2 stories" in shown and "1 more story" in shown
    assert "83%" in shown and "8 h" in shown and "1 more" in shown
    assert "\x1b" not in shown and "\u202e" not in shown


@pytest.mark.parametrize("number", ["-5", "0", "x"])
def test_so_many_clusters_are_a_whole_number(archive: TemporaryArchive, number: str) -> None:
    done = archive.run("duplicates", f"--number={number}")
    assert done.returncode == 2 and "write a whole number from 1" in done.stderr


def test_copies_of_each_other_are_one_cluster(catalogue: Catalogue) -> None:
    add(catalogue, "x", "duplicate", duplicate_of="y", reason="near")
    add(catalogue, "y", "duplicate", duplicate_of="x", reason="near")
    found = Clusters(catalogue)
    assert [(c.winner, [m.id for m in c.copies]) for c in found] == [("x", ["y"])]
    assert found.totals() == (1, 1)


def test_many_clusters_are_read_by_and_by(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sinanews.catalogue.clusters.BATCH", 2)
    sizes = {"a": 1, "b": 4, "c": 2, "d": 4, "e": 1}
    for winner, size in sizes.items():
        add(catalogue, winner)
        for n in range(size):
            add(
                catalogue,
                f"{winner}{n}",
                "duplicate",
                duplicate_of=f"{winner}{n - 1}" if n and winner == "b" else winner,
            )
    found = Clusters(catalogue)
    copies = {c.winner: [m.id for m in c.copies] for c in found}
    assert list(copies) == ["b", "d", "c", "a", "e"]
    assert copies == {winner: [f"{winner}{n}" for n in range(sizes[winner])] for winner in copies}
    assert found.totals() == (5, 12)
    with closing(iter(found)) as some:
        assert next(some).winner == "b"


def test_status_of_a_real_crawl(archive: TemporaryArchive, tmp_path: Path) -> None:
    with SampleSite(articles=30, faults={"500": 0.3}) as site:
        archive.crawl("sina_finance", mirror=site.url)
    code, facts = status(archive)
    assert code == 1  # the sample's entries are old, and a third of the pages failed
    assert {"stale_channel/china", "failed"} <= {f["name"] for f in facts["findings"]}
    assert facts["articles"]["exported"] == facts["runs"][0]["numbers"]["articles/exported"] == len(archive.posts)
    assert sum(f["articles"] for f in facts["failed"]) == facts["articles"]["failed"] > 0
