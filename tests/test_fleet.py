# ruff: noqa: F811  # a fixture and the argument that asks for it have one name
"""Whole runs that share a catalogue, in processes of their own, as on machines of their own."""

from __future__ import annotations

import hashlib
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from sinanews.catalogue import Catalogue
from sinanews.catalogue.tables import articles, claims
from sinanews.samplesite import SampleSite
from tests.conftest import PROJECT, TemporaryArchive
from tests.processes import Popen
from tests.test_catalogue import url  # noqa: F401  # fixture: each database there is


class Machine(TemporaryArchive):
    """A folder of its own, and a catalogue that others have too."""

    def __init__(self, folder: Path, url: str) -> None:
        super().__init__(folder)
        self.url = url

    @property
    def place(self) -> dict[str, str]:
        return {"SINANEWS_EXPORTS": str(self.exports), "SINANEWS_DATABASE": self.url, "SINANEWS_SHARED": "1"}

    def start(self, site: SampleSite, *words: str, **settings: str) -> subprocess.Popen[str]:
        command = self.command("crawl", "sina_finance", *words, mirror=site.url, **settings)
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return Popen(command, cwd=PROJECT, env=self.environment, text=True, **pipes)


@pytest.fixture
def machines(tmp_path: Path, url: str) -> list[Machine]:
    Catalogue(url).close()
    return [Machine(tmp_path / name, url) for name in ("one", "two")]


def end(process: subprocess.Popen[str], code: int = 0) -> str:
    output, errors = process.communicate(timeout=100)
    assert process.returncode == code, errors
    assert "Traceback" not in errors, errors
    return output + errors


@contextmanager
def opened(url: str) -> Iterator[Catalogue]:
    catalogue = Catalogue(url)
    yield catalogue
    catalogue.close()


def rows(url: str, *columns: Any) -> list[Any]:
    with opened(url) as catalogue, catalogue.read() as connection:
        return list(connection.execute(select(*columns)).all())


def pages_asked(site: SampleSite) -> Counter[str]:
    """How often each article was downloaded."""
    return Counter(r.path for r in site.requests if not r.host.startswith("feed.") and r.path != "/robots.txt")


def assert_each_article_once(machines: list[Machine], site: SampleSite, downloads: int = 1) -> None:
    """In the files of all machines, in the catalogue, and (``downloads``: at most so often) in the server's own log."""
    url = machines[0].url
    found = {row.path: row for row in rows(url, articles) if row.state == "exported"}
    posts = Counter(post.relative_to(m.exports).as_posix() for m in machines for post in m.posts)
    assert set(posts) == set(found) and set(posts.values()) == {1}
    for machine in machines:
        for post in machine.posts:
            digest = hashlib.sha256(post.read_bytes()).hexdigest()
            assert digest == found[post.relative_to(machine.exports).as_posix()].file_digest
    offered = {entry.id for entry in site.entries if "sina.com.cn" in entry.url or "sina.cn" in entry.url}
    done = {row.id for row in rows(url, articles) if row.state in ("exported", "duplicate")}
    assert done == offered
    assert {row.state for row in rows(url, articles)} <= {"exported", "duplicate", "refused"}
    assert rows(url, claims) == []
    asked = pages_asked(site)
    assert max(asked.values()) <= downloads, asked.most_common(3)


def test_two_runs_share_the_work(machines: list[Machine]) -> None:
    with SampleSite(articles=60, reprints=0.1) as site:
        told = [end(process) for process in [machine.start(site) for machine in machines]]
        assert all(machine.posts for machine in machines), told
        assert_each_article_once(machines, site)
        revisions = {row.revision for row in rows(machines[0].url, articles) if row.state == "exported"}
        assert revisions == {1}, "nothing is exported twice"
        with opened(machines[0].url) as catalogue:
            assert catalogue.workers.all() == [], "both have left"
