"""A cluster under blows: workers killed, the database stopped, many workers on many articles. Minutes each."""

from __future__ import annotations

import os
import random
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sinanews.samplesite import SampleSite
from tests.stations import Station, assert_each_once, is_article, output_of, slow_site, wait_until

FULL = os.environ.get("SINANEWS_FAULTS") == "full"
pytestmark = pytest.mark.skipif(not FULL, reason="./run faults")
DAYS = ("backfill", "-a", "since=2026-11-11", "-a", "until=2026-11-20")
ONE_BY_ONE = {"CONCURRENT_REQUESTS": "1", "CONCURRENT_REQUESTS_PER_DOMAIN": "1"}


@pytest.fixture
def stations(tmp_path: Path, postgres: str) -> list[Station]:
    return [Station(tmp_path / f"s{number}", postgres) for number in range(4)]


def until_done(station: Station, jobs: int, seconds: float = 300) -> None:
    wait_until(lambda: station.jobs() == {"succeeded": jobs}, seconds)


def stop(workers: list[subprocess.Popen[str]]) -> list[str]:
    for worker in workers:
        worker.send_signal(signal.SIGTERM)
    return [output_of(worker) for worker in workers]


@pytest.mark.parametrize("number", [1, 2, 4])
def test_more_workers_are_quicker(stations: list[Station], number: int) -> None:
    """2,000 articles of a site that needs 0.25 s for each; prints the seconds between first and last request."""
    with slow_site(0.25, articles=2000, days=10) as site:
        times: list[float] = []
        slow = site.on_request

        def note(request: object) -> None:
            times.append(time.monotonic())
            assert slow is not None
            slow(request)  # type: ignore[arg-type]

        site.on_request = note
        stations[0].enqueue(*DAYS)
        workers = [one.worker(site, **ONE_BY_ONE) for one in stations[:number]]
        until_done(stations[0], 10, 900)
        stop(workers)
        assert_each_once(stations, site)
    print(f"\n{number} workers: {times[-1] - times[0]:.1f} s for {len(site.requests)} requests", file=sys.stderr)


def test_ten_killed_workers_lose_nothing(stations: list[Station]) -> None:
    one = stations[0]
    with slow_site(0.5, articles=400, days=10) as site:
        one.enqueue(*DAYS)
        at_once = {"CONCURRENT_REQUESTS": "32", "CONCURRENT_REQUESTS_PER_DOMAIN": "32", "SINANEWS_LEASE": "2"}
        for _ in range(10):
            worker = one.worker(site, **at_once)
            wait_until(lambda: one.rows("SELECT count(*) FROM claims")[0][0] >= 8 or one.jobs()["todo"] == 0, 60)
            time.sleep(random.random() / 2)
            worker.kill()
            output_of(worker, -signal.SIGKILL)
        last = one.worker(site, **at_once)
        until_done(one, 10)
        stop([last])
        assert_each_once([one], site, again=10 * 32)


def test_the_fleet_keeps_the_pace_of_one(stations: list[Station]) -> None:
    times: list[float] = []
    site = SampleSite(articles=40, days=10, on_request=lambda r: times.append(time.time()) if is_article(r) else None)
    with site:
        stations[0].enqueue(*DAYS)
        workers = [one.worker(site, DOWNLOAD_DELAY="0.5") for one in stations]
        until_done(stations[0], 10)
        stop(workers)
        assert_each_once(stations, site)
    hosts = len({r.host for r in site.requests if is_article(r)})
    assert len(times) <= hosts * ((max(times) - min(times)) / 0.5 + 1)


@pytest.fixture
def stoppable(postgres: str) -> Iterator[Callable[[], None]]:
    """Stops the database; it is started again twenty seconds later."""
    if "host=/" not in postgres:
        pytest.skip("a database that is not the tests' own")
    data = Path(postgres.partition("host=")[2])
    pid = int((data / "postmaster.pid").read_text().splitlines()[0])
    binary = os.readlink(f"/proc/{pid}/exe")
    user = (data / "PG_VERSION").stat()

    def become() -> None:
        if os.getuid() == 0:
            os.setgroups([])
            os.setgid(user.st_gid)
            os.setuid(user.st_uid)

    def stop_for_a_while() -> None:
        os.kill(pid, signal.SIGINT)  # its fast shutdown
        time.sleep(20)
        again = shlex.join([binary, "-D", str(data), "-h", "", "-k", str(data)])
        subprocess.run(["sh", "-c", f"{again} >/dev/null 2>&1 </dev/null &"], preexec_fn=become, cwd="/", check=True)

    yield stop_for_a_while


def test_a_database_that_stops_is_waited_for(stations: list[Station], stoppable: Callable[[], None]) -> None:
    with slow_site(0.1, articles=400, days=10) as site:
        stations[0].enqueue(*DAYS)
        workers = [one.worker(site, **ONE_BY_ONE) for one in stations[:2]]
        wait_until(lambda: stations[0].jobs()["succeeded"] >= 1, 60)
        stoppable()
        time.sleep(2)
        until_done(stations[0], 10)
        told = stop(workers)
        assert all("the database is back" in words for words in told)
        assert_each_once(stations, site, again=4)
