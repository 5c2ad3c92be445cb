"""Whichever question to the database breaks its connection, once: a run comes to the same as if none had."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, event

from sinanews.catalogue import Catalogue
from sinanews.catalogue.tables import versions
from sinanews.samplesite import SampleSite
from tests.faults.harness import only_full
from tests.test_fleet import Machine

#: What each kind of run asks besides what all ask.
RUNS: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "sina_finance": (("-a", "channels=china,macro"), {"SINANEWS_IMAGES": "1", "SINANEWS_ORIGINALS": "1"}),
    "sina_live": ((), {}),
    "sina_company": (("-a", "stocks=sh699001"), {"SINANEWS_ATTACHMENTS": "1"}),
}


NOW = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)
ANY = "any"


class Breaker:
    """Ends the connection of the first statement of each kind that it is told to, as it is sent."""

    def __init__(self, url: str) -> None:
        self.url = url.replace("postgresql+psycopg://", "postgresql://")
        self.seen: list[str] = []  #: kinds of statements, in the order of their first time
        self.target: str | None = None  #: or ANY
        self.broken = False

    def __call__(self, connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        kind = re.sub(r"[\d_]+|(?<=[(,])\s*%\(.*?\)s(::\w+)?\s*,?", "", statement)
        if kind not in self.seen:
            self.seen.append(kind)
        if self.target in (kind, ANY) and not self.broken:
            self.broken = True
            with psycopg.connect(self.url, autocommit=True) as other:
                pid = connection.connection.driver_connection.info.backend_pid
                other.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))

    @contextmanager
    def watching(self) -> Iterator[None]:
        event.listen(Engine, "before_cursor_execute", self)
        try:
            yield
        finally:
            event.remove(Engine, "before_cursor_execute", self)


def emptied(url: str) -> None:
    """Every table is as a new one."""
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        names = [row[0] for row in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        connection.execute(f"TRUNCATE {', '.join(name for name in names if name != versions.name)}")


#: What runs ask outside the writer, which has a test of its own.
QUESTIONS: dict[str, Callable[[Catalogue], Any]] = {
    "begin": lambda it: it.runs.begin("sina_finance", {}, NOW, 1),
    "last": lambda it: it.runs.last(),
    "join": lambda it: it.workers.join("", "worker"),
    "workers": lambda it: it.workers.all(),
    "pictures": lambda it: it.pictures.due(NOW, 5),
    "picture": lambda it: it.pictures.path_of("https://a.example/a.jpg"),
    "documents": lambda it: it.attachments.due(("", 0), 5),
    "seeds": lambda it: it.seed_files.known(),
    "contents": lambda it: it.contents.get("ia", 1),
}


def test_a_question_is_asked_again(postgres: str) -> None:
    catalogue, breaker = Catalogue(postgres), Breaker(postgres)
    for name, ask in QUESTIONS.items():
        breaker.target, breaker.broken = ANY, False
        with breaker.watching():
            ask(catalogue)
        assert breaker.broken, name
    catalogue.close()


@only_full
@pytest.mark.parametrize("spider", RUNS)
def test_a_connection_that_breaks_is_no_matter(postgres: str, tmp_path: Path, spider: str) -> None:
    """Once the catalogue is open: a database that is away when a run begins is told at once."""
    words, settings = RUNS[spider]
    breaker = Breaker(postgres)

    def run(site: SampleSite, number: int) -> tuple[int, int, str]:
        machine = Machine(tmp_path / str(number), postgres)
        with breaker.watching():
            done = machine.crawl(spider, *words, mirror=site.url, **settings)
        return done.returncode, len(machine.posts), done.stderr

    with SampleSite(articles=12, live=12) as site:
        with breaker.watching():
            for _ in range(2):  # made, and opened
                Catalogue(postgres).close()
        opening = len(breaker.seen)
        code, posts, _ = run(site, 0)
        assert code == 0 and posts > 5
        kinds = breaker.seen[opening:]
        broke = []
        for number, breaker.target in enumerate(kinds, 1):
            emptied(postgres)
            breaker.broken = False
            came_to = run(site, number)
            if came_to[:2] != (0, posts) or not breaker.broken:
                broke.append((breaker.target, *came_to))
        assert broke == []
