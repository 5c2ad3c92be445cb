# ruff: noqa: F811  # a fixture and the argument that asks for it have one name
"""Those who share a catalogue: their leases, and migrations that wait for them. On each database there is."""

from __future__ import annotations

import os
import platform
import sqlite3
import sys
import threading
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from sinanews.catalogue import Catalogue, migrations
from sinanews.catalogue import catalogue as catalogues
from sinanews.catalogue.migrations import SCHEMA_VERSION
from sinanews.catalogue.tables import workers
from sinanews.catalogue.workers import Membership
from sinanews.exceptions import ArgumentError, CatalogueError
from tests.test_catalogue import catalogue, url  # noqa: F401  # fixtures: each database there is


def lapse(catalogue: Catalogue, worker: int, seconds: float = 1) -> None:
    """As if its last renewal had been so long ago that its lease ended some seconds before now."""
    past = datetime.now(timezone.utc) - timedelta(seconds=seconds)
    with catalogue.begin() as connection:
        connection.execute(workers.update().where(workers.c.id == worker).values(alive_until=past))


def test_a_worker_lives_for_its_lease(catalogue: Catalogue) -> None:
    its = catalogue.workers
    one, other = its.join("home", "sina_finance", 60), its.join("", "worker", 60)
    its.doing(one, "china 2026-11-01")
    first, second = its.alive()
    assert (first.id, first.what, first.doing, first.address) == (one, "sina_finance", "china 2026-11-01", "home")
    assert (first.host, first.pid, first.schema) == (platform.node(), os.getpid(), SCHEMA_VERSION)
    assert second.id == other and 55 < (second.alive_until - second.started_at).total_seconds() < 61
    assert first.since >= first.started_at
    lapse(catalogue, one)
    assert [row.id for row in its.alive()] == [other]
    assert [(row.id, bool(row.alive)) for row in its.all()] == [(one, False), (other, True)], "the dead are told of"
    assert its.renew(one)
    assert [row.id for row in its.alive()] == [one, other]
    its.leave(one)
    assert not its.renew(one), "whoever has left comes back as another"
    assert its.join("", "worker") > other


def test_an_id_is_never_given_again(catalogue: Catalogue) -> None:
    last = catalogue.workers.join("", "worker")
    catalogue.workers.leave(last)
    assert catalogue.workers.join("", "worker") > last


def test_the_long_dead_are_forgotten(catalogue: Catalogue) -> None:
    dead = catalogue.workers.join("", "worker")
    lapse(catalogue, dead, 8 * 86400)
    catalogue.workers.join("", "worker")
    assert dead not in [row.id for row in catalogue.workers.all()]


def test_a_thread_of_its_own_renews_the_lease(catalogue: Catalogue) -> None:
    beats = threading.Semaphore(0)
    member = Membership(catalogue.workers, "", "worker", lease=0.3, each_beat=beats.release)
    end = time.monotonic() + 0.6
    while time.monotonic() < end:
        pass  # busy, as a parser is
    assert [row.id for row in catalogue.workers.alive()] == [member.id]
    assert all(beats.acquire(timeout=5) for _ in range(3))
    member.leave()
    member.leave()
    assert catalogue.workers.all() == []


@pytest.fixture
def worker(catalogue: Catalogue) -> int:
    return catalogue.workers.join("", "worker")


@pytest.fixture
def next_version(worker: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that knows one more migration than that of the worker."""
    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, lambda connection: None))
    monkeypatch.setattr(migrations, "SCHEMA_VERSION", SCHEMA_VERSION + 1)
    monkeypatch.setattr(catalogues, "SCHEMA_VERSION", SCHEMA_VERSION + 1)
    monkeypatch.setattr(catalogues, "PATIENCE", 0.3)


def test_a_migration_waits_for_those_who_work_and_says_who(
    catalogue: Catalogue, url: str, worker: int, next_version: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CatalogueError, match=rf"works with it: stop .*pid {os.getpid()}, since .* Beijing time"):
        Catalogue(url)
    monkeypatch.setattr(catalogues, "PATIENCE", 30)
    threading.Timer(0.3, catalogue.workers.leave, [worker]).start()
    Catalogue(url).close()


def test_a_program_that_a_migration_has_overtaken_writes_no_more(catalogue: Catalogue, worker: int) -> None:
    """It was frozen, say, while the tables were brought on."""
    with catalogue.begin() as connection:
        connection.exec_driver_sql(f"UPDATE schema_version SET version = {SCHEMA_VERSION + 1}")
    with pytest.raises(CatalogueError, match=f"schema {SCHEMA_VERSION + 1} by now"):
        catalogue.workers.renew(worker)
    with pytest.raises(CatalogueError, match="start this one anew"):
        catalogue.workers.join("", "worker")
    with pytest.raises(CatalogueError, match="another version"), catalogue.together():
        pass


def test_a_cool_down_is_one_of_an_address(catalogue: Catalogue) -> None:
    catalogue.runs.cool_down("a.example", 60, "it refuses", "home")
    catalogue.runs.cool_down("b.example", 0, "over at once")
    catalogue.runs.cool_down("c.example", 60, "it refuses")
    assert [(row.address, row.host) for row in catalogue.runs.cooldowns("home")] == [("home", "a.example")]
    assert [row.host for row in catalogue.runs.cooldowns("")] == ["c.example"]
    assert len(catalogue.runs.cooldowns()) == 2


def test_cool_downs_outlive_the_migration(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.db"
    Catalogue(f"sqlite:///{path}").close()
    with sqlite3.connect(path) as connection:
        connection.executescript(
            "DROP TABLE cooldowns; DROP TABLE workers; DROP TABLE claims; DROP TABLE budgets;"
            "CREATE TABLE cooldowns (host VARCHAR(100) PRIMARY KEY, until DATETIME NOT NULL, reason TEXT);"
            "INSERT INTO cooldowns VALUES ('a.example', '2999-01-01 00:00:00.000000', 'it refuses');"
            "UPDATE schema_version SET version = 3;"
        )
    migrated = Catalogue(f"sqlite:///{path}")
    ((address, host, until, reason),) = migrated.runs.cooldowns()
    migrated.close()
    assert (address, host, until.year, reason) == ("", "a.example", 2999, "it refuses")


def test_a_driver_that_is_missing_is_told_with_what_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ArgumentError, match=r"pip install 'sinanews\[cluster\]'") as told:
        Catalogue("postgresql+psycopg://me@db.example/sinanews")
    assert "\n" not in str(told.value)
