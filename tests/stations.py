"""Workers on machines of their own: processes with folders of their own, which share a PostgreSQL and a sample site."""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import text

from sinanews.catalogue import Catalogue
from sinanews.samplesite import Request, SampleSite
from tests.conftest import PROJECT, TemporaryArchive
from tests.processes import Popen


class Station(TemporaryArchive):
    """A machine: its posts, and the catalogue that it shares."""

    def __init__(self, folder: Path, url: str) -> None:
        super().__init__(folder)
        self.url = url

    @property
    def place(self) -> dict[str, str]:
        return {
            "SINANEWS_EXPORTS": str(self.exports),
            "SINANEWS_DATABASE": self.url,
            "SINANEWS_JOBS": "[]",
            "SINANEWS_JOB_DELAY": "0",
        }

    def worker(self, site: SampleSite, *words: str, **settings: str) -> subprocess.Popen[str]:
        command = self.command("worker", *words, mirror=site.url, **settings)
        return Popen(
            command,
            cwd=PROJECT,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def enqueue(self, *words: str, **settings: str) -> str:
        done = self.run("enqueue", *words, **settings)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Of the shared catalogue."""
        with opened(self.url) as catalogue, catalogue.begin() as connection:
            found = connection.execute(text(sql))
            return [tuple(row) for row in found] if found.returns_rows else []

    def jobs(self) -> Counter[str]:
        return Counter(str(status) for (status,) in self.rows("SELECT status::text FROM procrastinate_jobs"))


@contextmanager
def opened(url: str) -> Iterator[Catalogue]:
    catalogue = Catalogue(url)
    yield catalogue
    catalogue.close()


def output_of(process: subprocess.Popen[str], code: int | None = 0, timeout: float = 60) -> str:
    """What a worker said, once it has ended."""
    try:
        output, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        raise AssertionError(f"a worker does not end: {process.communicate()[0]}") from None
    assert "Traceback" not in output, output
    assert code is None or process.returncode == code, output
    return output


def wait_until(what: Callable[[], object], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it does not come"
        time.sleep(0.05)


def slow_site(seconds: float, **about: Any) -> SampleSite:
    """One that needs so long for each article."""

    def wait(request: Request) -> None:
        if is_article(request):
            time.sleep(seconds)

    return SampleSite(on_request=wait, **about)


def is_article(request: Request) -> bool:
    return not request.host.startswith("feed.") and request.path != "/robots.txt"


def assert_each_once(stations: list[Station], site: SampleSite, again: int = 0) -> None:
    """Each article in one file, in the catalogue, and once in the server's own log, ``again`` of them twice."""
    exported = {path for (path,) in stations[0].rows("SELECT path FROM articles WHERE state = 'exported'")}
    posts = Counter(post.relative_to(one.exports).as_posix() for one in stations for post in one.posts)
    assert set(posts) == exported
    assert set(posts.values()) == {1}
    assert stations[0].rows("SELECT count(*) FROM articles WHERE state IN ('pending', 'failed')") == [(0,)]
    assert stations[0].rows("SELECT count(*) FROM claims") == [(0,)]
    asked = Counter((r.host, r.path) for r in site.requests if is_article(r))
    assert sum(asked.values()) - len(asked) <= again, asked.most_common(5)
