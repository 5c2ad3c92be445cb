"""Jobs in a queue, workers that take them, one schedule: on a real PostgreSQL, in real processes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from sinanews.cluster import queue as queues
from sinanews.cluster.fates import MOST_DEATHS, MOST_TRIES, RULES
from sinanews.cluster.overview import gather_cluster
from sinanews.cluster.plans import Work, named_articles
from sinanews.cluster.queue import Queue
from sinanews.cluster.schedule import tick
from sinanews.exceptions import CatalogueError
from sinanews.jobs import Job
from sinanews.samplesite import SampleSite
from sinanews.watch.outcomes import OUTCOMES
from tests.conftest import TemporaryArchive
from tests.stations import Station, assert_each_once, is_article, opened, output_of, slow_site, wait_until

THREE_DAYS = ("-a", "since=2026-11-18", "-a", "until=2026-11-20")
#: One request after the other, so that what is slow is the site.
ONE_BY_ONE = {"CONCURRENT_REQUESTS": "1", "CONCURRENT_REQUESTS_PER_DOMAIN": "1"}


@pytest.fixture
def stations(tmp_path: Path, postgres: str) -> list[Station]:
    return [Station(tmp_path / name, postgres) for name in ("one", "two")]


@pytest.fixture
def station(stations: list[Station]) -> Station:
    return stations[0]


@pytest.fixture
def queue(postgres: str) -> Iterator[Queue]:
    with opened(postgres) as catalogue:
        yield Queue(catalogue)


def status(station: Station) -> dict[str, Any]:
    done = station.run("status", "--json")
    found = json.loads(done.stdout)
    assert done.returncode == int(found["needs_attention"])
    return found


def findings(station: Station) -> dict[str, str]:
    return {finding["name"]: finding["words"] for finding in status(station)["findings"]}


def test_companies_are_a_job_each(station: Station, tmp_path: Path) -> None:
    file = tmp_path / "codes.txt"
    file.write_text("600519\nsz000001\n")
    words = ("companies", "-a", f"stocks=@{file}", "-a", "kinds=news")
    assert station.enqueue(*words) == "2 jobs: 2 enqueued\n"
    assert station.enqueue(*words) == "2 jobs: 0 enqueued, 2 waited or ran already\n"
    jobs = station.rows("SELECT args -> 'arguments' FROM procrastinate_jobs ORDER BY id")
    assert [job for (job,) in jobs] == [{"stocks": s, "kinds": "news"} for s in ("sh600519", "sz000001")]
    assert station.enqueue("companies", SINANEWS_WATCHLIST=str(file)) == "2 jobs: 2 enqueued\n"
    none = station.run("enqueue", "companies")
    assert none.returncode == 2 and "SINANEWS_WATCHLIST" in none.stderr and len(none.stderr.splitlines()) == 1
    wrong = station.run("enqueue", "companies", "-a", "kinds=rumours", "-a", "stocks=600519")
    assert wrong.returncode == 2 and "rumours" in wrong.stderr


# --- enqueueing --------------------------------------------------------------------------------------------


def test_a_backfill_enqueued_twice_has_each_day_once(station: Station) -> None:
    words = ("backfill", "-a", "channels=china,macro,local", "-a", "since=2026-10-01", "-a", "until=2026-10-30")
    first = station.enqueue(*words)
    number = int(first.split()[0])
    assert number == 3 * 30 and first == f"{number} days: {number} enqueued\n"
    assert station.enqueue(*words) == f"{number} days: 0 enqueued, {number} waited or ran already\n"
    days = station.rows(
        "SELECT args -> 'arguments' ->> 'channels', args -> 'arguments' ->> 'since' FROM procrastinate_jobs"
    )
    assert len(days) == len(set(days)) == number
    station.rows("UPDATE procrastinate_jobs SET status = 'doing' WHERE id <= 10")
    done = "INSERT INTO days VALUES ('china', '2026-10-05', 'complete', 9, now()), ('macro', '2026-10-06', 'partial', 9, now())"
    station.rows(done)
    station.rows(
        "DELETE FROM procrastinate_jobs WHERE queueing_lock IN ('backfill/china/2026-10-05', 'backfill/macro/2026-10-06')"
    )
    assert (
        station.enqueue(*words) == f"{number} days: 1 enqueued, {number - 2} waited or ran already, 1 were complete\n"
    )


def test_enqueueing_at_the_same_time_is_harmless(queue: Queue) -> None:
    wanted = named_articles("\n".join(["#", *(f"https://finance.sina.com.cn/doc-i{n}.shtml" for n in range(300))]))
    assert len(wanted) == 3
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda _: queue.enqueue(wanted)["enqueued"], range(8)))
    assert sorted(told) == [0] * 7 + [3]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("backfill", "-a", "channels=china"), "needs since"),
        (("backfill", "-a", "since=2026-11-02", "-a", "until=2026-11-01"), "lies after until"),
        (("backfill", "-a", "since=2026-13-01"), "write a day"),
        (("backfill", "-a", "since=3d", "-a", "channels=nowhere"), "nowhere"),
        (("backfill", "-a", "since=3d", "-a", "limit=3"), "'limit'; a backfill takes"),
        (("urls", "@no-such-file"), "cannot read the file"),
        (("crawl", "nothing"), "there is no spider 'nothing'"),
        (("crawl", "sina_live", "-a", "rooms=1"), "rooms"),
    ],
)
def test_a_mistake_is_one_line_and_enqueues_nothing(station: Station, words: tuple[str, ...], said: str) -> None:
    done = station.run("enqueue", *words)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert said in done.stderr
    assert status(station).get("cluster") is None


@pytest.mark.parametrize("words", [("enqueue", "backfill", "-a", "since=2d"), ("worker",)])
def test_a_catalogue_that_is_a_file_is_told_what_is_needed(archive: TemporaryArchive, words: tuple[str, ...]) -> None:
    done = archive.run(*words)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "postgresql+psycopg://" in done.stderr
    assert not archive.database.exists()


def test_a_missing_extra_is_one_line(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sinanews.cluster.schema.find_spec", lambda name: None)
    done = station.run("enqueue", "--list")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "pip install 'sinanews[cluster]'" in done.stderr


def test_without_a_queue_status_says_nothing_of_one(station: Station) -> None:
    station.run("enqueue", "backfill")
    assert "cluster" not in status(station)
    assert "Workers" not in station.run("status").stdout


# --- tables ------------------------------------------------------------------------------------------------


def test_many_make_the_queue_at_once(postgres: str) -> None:
    with opened(postgres) as catalogue, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: Queue(catalogue), range(8)))


def test_a_newer_queue_and_somebody_elses_are_left_alone(queue: Queue, station: Station) -> None:
    station.rows("UPDATE cluster SET value = '99.00.00'")
    with pytest.raises(CatalogueError, match="newer sinanews"):
        Queue(queue.catalogue)
    station.rows("DROP TABLE cluster")
    with pytest.raises(CatalogueError, match="another program's"):
        Queue(queue.catalogue)


def test_an_upgrade_waits_for_the_workers(queue: Queue, station: Station) -> None:
    newest = station.rows("SELECT value FROM cluster")
    station.rows("UPDATE cluster SET value = '03.04.00_01_pre_add_retry_failed_job_procedure.sql'")
    station.rows("DROP FUNCTION procrastinate_retry_job_v1(bigint, timestamptz, integer, varchar, varchar)")
    worker = queue.catalogue.workers.join("", "worker")
    with pytest.raises(CatalogueError, match=f"stop these workers first: .*pid {os.getpid()}"):
        Queue(queue.catalogue)
    queue.catalogue.workers.leave(worker)
    Queue(queue.catalogue)
    assert station.rows("SELECT value FROM cluster") == newest


def test_the_sweep_reads_no_job_that_is_finished(queue: Queue) -> None:
    queries = {
        queues._LEFT: {},
        queues._UNHEARD: {"worker": 1, "held": [1]},
        queues._THERE: {"names": ["a"]},
    }
    with queue.catalogue.begin() as connection:
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        for query, values in queries.items():
            plan = "\n".join(connection.execute(text(f"EXPLAIN {query.text}"), values).scalars())
            assert "Seq Scan on procrastinate_jobs" not in plan, plan


# --- workers -----------------------------------------------------------------------------------------------


def test_two_workers_have_each_article_once(stations: list[Station]) -> None:
    with slow_site(0.05, articles=36, days=3) as site:
        stations[0].enqueue("backfill", "-a", "channels=china", *THREE_DAYS)
        workers = [one.worker(site, "--until-empty", **ONE_BY_ONE) for one in stations]
        told = [output_of(worker) for worker in workers]
        assert all(": done after" in words for words in told)
        assert_each_once(stations, site)
    facts = status(stations[0])["cluster"]
    assert facts["queue"]["backfill"] == {"waiting": 0, "doing": 0, "done": 3, "failed": 0}
    assert facts["backfill"] | {"time_left": 0} == {
        "days": 3,
        "done": 3,
        "failed": 0,
        "in_last_hour": 3,
        "time_left": 0,
    }
    assert facts["workers"] == []
    assert stations[0].rows("SELECT DISTINCT outcome FROM runs") in ([("ok",)], [("ok",), ("nothing_new",)])
    words = stations[0].enqueue("backfill", "-a", "channels=china", *THREE_DAYS)
    assert words == "3 days: 0 enqueued, 3 were complete\n"


def test_what_a_killed_worker_held_is_had_after_its_lease(stations: list[Station]) -> None:
    """The site answers nobody before the kill: a post that lacks its commit would stay in the dead one's own folder."""
    one, two = stations
    may_answer = threading.Event()
    with SampleSite(articles=24, on_request=lambda r: is_article(r) and may_answer.wait(30)) as site:
        one.enqueue("backfill", *THREE_DAYS)
        killed = one.worker(site, SINANEWS_LEASE="1")
        wait_until(lambda: one.rows("SELECT 1 FROM claims"))
        (worker,) = status(one)["cluster"]["workers"]
        assert (
            worker["alive"] and worker["pid"] == killed.pid and worker["doing"][0]["name"].startswith("backfill/china")
        )
        killed.kill()
        output_of(killed, -signal.SIGKILL)
        may_answer.set()
        assert one.jobs()["doing"] == 1
        second = two.worker(site, SINANEWS_LEASE="1")
        wait_until(lambda: one.jobs() == {"succeeded": 3})
        second.send_signal(signal.SIGTERM)
        assert "its worker is gone; to be taken up again" in output_of(second)
        assert_each_once(stations, site, again=8)  # what was under way when it was killed
    assert "on" in findings(one)["dead_worker"]


@pytest.mark.parametrize("signals", [1, 2])
def test_a_signal_leaves_no_claim_and_gives_the_job_back(station: Station, signals: int) -> None:
    with slow_site(0.3, articles=40, days=1) as site:
        station.enqueue("backfill", "-a", "since=2026-11-20", "-a", "until=2026-11-20")
        worker = station.worker(site)
        wait_until(lambda: station.rows("SELECT 1 FROM claims"))
        for _ in range(signals):
            worker.send_signal(signal.SIGTERM)
            time.sleep(0.05)
        output = output_of(worker, None, timeout=20)
        assert worker.returncode in ((0,) if signals == 1 else (0, 130))  # two may be heard as one
        assert station.rows("SELECT * FROM claims") == station.rows("SELECT * FROM workers") == []
        assert station.jobs() == {"todo": 1}
        if signals == 1:
            assert "given back" in output
            assert station.rows("SELECT outcome FROM runs") == [("interrupted",)]


def test_a_job_that_comes_to_nothing_fails_for_good_in_the_end(station: Station) -> None:
    with SampleSite(articles=4, faults={"500": 1.0}) as site:
        station.enqueue("urls", site.entries[0].url)
        worker = station.worker(site, "--until-empty", RETRY_TIMES="0")
        wait_until(lambda: station.jobs() == {"failed": 1})
        assert "failed for good" in output_of(worker, 1)
        assert station.rows("SELECT count(*) FROM runs") == [(MOST_TRIES,)]
        assert "1 job failed for good, such as urls/" in findings(station)["failed_jobs"]
        assert "failed for good" in station.run("status").stdout
        assert "http_500" in station.enqueue("--list")
    with SampleSite(articles=4) as site:
        assert station.enqueue("--retry-failed") == "1 job put back\n"
        station.rows("UPDATE articles SET next_try_at = NULL")
        output_of(station.worker(site, "--until-empty"))
        assert station.jobs() == {"succeeded": 1}
    assert "failed_jobs" not in findings(station)


def test_a_worker_whose_address_is_refused_takes_no_job(station: Station) -> None:
    with SampleSite(articles=8, faults={"ban": 1.0}) as site:
        station.enqueue("backfill", *THREE_DAYS)
        worker = station.worker(site, SINANEWS_BAN_LIMIT="1", SINANEWS_LEASE="1")
        wait_until(lambda: station.rows("SELECT 1 FROM runs WHERE outcome = 'banned'"))
        wait_until(lambda: station.jobs() == {"todo": 3})
        worker.send_signal(signal.SIGTERM)
        output_of(worker)
        assert station.rows("SELECT count(*) FROM runs") == [(1,)]


def test_a_worker_asks_no_private_address(station: Station) -> None:
    with SampleSite(articles=1) as site:
        port = site.url.rpartition(":")[2]
        station.enqueue("urls", f"http://{socket.gethostname()}:{port}/news.shtml,http://127.0.0.1:{port}/news.shtml")
        worker = station.worker(site, "--until-empty", SINANEWS_HOSTS="*", SINANEWS_MIRROR="", ROBOTSTXT_OBEY="0")
        output_of(worker, None)
        assert site.requests == []


def test_each_outcome_has_its_rule() -> None:
    assert set(RULES) == set(OUTCOMES)


def test_a_job_that_kills_its_workers_is_given_up(queue: Queue, station: Station) -> None:
    queue.enqueue([Work("crawl", "crawl/poison", "seeds")])
    take = "SELECT id FROM procrastinate_fetch_job_v2(NULL, NULL)"
    hold = "INSERT INTO assignments (job_id, worker, handled) VALUES (1, 99, {0})"
    hold += " ON CONFLICT (job_id) DO UPDATE SET worker = 99, handled = {0}"
    for handled in [3, *[0] * MOST_DEATHS]:  # one that had come to the end of articles is no sign
        assert station.rows(take) == [(1,)]
        station.rows(hold.format(handled))
        (left,) = queue.give_back(1, [])
    assert left.fails and station.jobs() == {"failed": 1}
    assert f"{MOST_DEATHS} workers died with it" in findings(station)["failed_jobs"]


def test_a_job_that_the_worker_never_heard_of_is_given_back(queue: Queue, station: Station) -> None:
    """The connection broke when the database had given it away already."""
    me = queue.catalogue.workers.join("", "worker")
    queue.enqueue([Work("crawl", "crawl/lost", "seeds"), Work("crawl", "crawl/mine", "seeds")])
    station.rows("UPDATE procrastinate_jobs SET status = 'doing'")
    station.rows(
        f"INSERT INTO assignments (job_id, worker, since) SELECT id, {me}, now() - interval '1 minute' FROM procrastinate_jobs"
    )
    assert [left.name for left in queue.give_back(me, [2])] == ["crawl/lost"]
    assert queue.give_back(me, [2]) == []


# --- the schedule ------------------------------------------------------------------------------------------

HOURLY = Job("china", "7 * * * *", "sina_finance")


def test_a_missed_tick_is_made_good_once_and_a_new_row_runs_no_past(queue: Queue, station: Station) -> None:
    zone = ZoneInfo("Asia/Shanghai")

    def ticks(_: int = 0) -> list[str]:
        return tick(queue, [HOURLY], zone, "Asia/Shanghai")

    assert ticks() == ticks() == [] and station.jobs() == {}
    station.rows("UPDATE ticks SET last = now() - interval '5 hours'")
    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(ticks, range(8))) == [[]] * 7 + [["china"]]
    assert station.jobs() == {"todo": 1}
    ((last,),) = station.rows("SELECT last FROM ticks")
    assert last.minute == 7 and timedelta(0) <= datetime.now(timezone.utc) - last < timedelta(hours=1, minutes=1)
    station.rows("UPDATE ticks SET last = now() - interval '5 hours'")
    ticks()
    assert station.jobs() == {"todo": 1}, "its job waits still"


def test_a_worker_runs_the_schedule(station: Station, queue: Queue) -> None:
    rows = json.dumps([{"name": "often", "cron": "* * * * *", "spider": "sina_finance", "arguments": {"limit": 2}}])
    station.rows("INSERT INTO ticks VALUES ('often', now() - interval '3 hours', 'UTC')")
    with SampleSite(articles=4) as site:
        worker = station.worker(site, SINANEWS_JOBS=rows, SINANEWS_LEASE="1", SINANEWS_ZONE="Etc/UTC")
        wait_until(lambda: station.jobs()["succeeded"] >= 1)
        worker.send_signal(signal.SIGTERM)
        output = output_of(worker)
    assert "schedule/often: its time has come" in output and "reckoned in Etc/UTC" in output
    assert station.rows("SELECT spider, arguments ->> 'limit' FROM runs LIMIT 1") == [("sina_finance", "2")]
    (row,) = status(station)["cluster"]["schedule"]
    assert (row["name"], row["zone"]) == ("often", "Etc/UTC")


def test_two_zones_are_told(queue: Queue, station: Station) -> None:
    station.rows("INSERT INTO ticks VALUES ('a', now(), 'Etc/UTC'), ('b', now(), 'Asia/Shanghai')")
    found = gather_cluster(queue.catalogue)
    assert found is not None and [one.name for one in found[1]] == ["zones"]


def test_a_zone_that_is_none_is_one_line(station: Station) -> None:
    done = station.run("schedule", SINANEWS_ZONE="Sina/Beijing")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "Asia/Shanghai" in station.run("schedule", SINANEWS_ZONE="Asia/Shanghai", SINANEWS_JOBS="").stdout


def test_who_only_looks_needs_no_engine() -> None:
    script = "import sys, sinanews.cluster.overview; sys.exit('procrastinate' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
