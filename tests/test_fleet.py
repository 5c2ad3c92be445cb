# ruff: noqa: F811  # a fixture and the argument that asks for it have one name
"""Whole runs that share a catalogue, in processes of their own, as on machines of their own."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import threading
import time
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
from sinanews.samplesite.server import Request
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

    def start(
        self, site: SampleSite, *words: str, spider: str = "sina_finance", **settings: str
    ) -> subprocess.Popen[str]:
        command = self.command("crawl", spider, *words, mirror=site.url, **settings)
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


def test_two_runs_of_one_feed_store_each_row_once(machines: list[Machine]) -> None:
    """Its rows come with the list and are not claimed: who stores one second finds it as it is."""
    asked: list[Request] = []

    def wait_for_the_other(request: Request) -> None:
        if "zhibo/feed" in request.path:
            asked.append(request)
            wait_until(lambda: len(asked) >= 2)

    with SampleSite(articles=1, live=60, on_request=wait_for_the_other) as site:
        told = [end(process) for process in [machine.start(site, spider="sina_live") for machine in machines]]
        assert any("unchanged" in words for words in told), told
        posts = Counter(post.relative_to(machine.exports).as_posix() for machine in machines for post in machine.posts)
        stored = rows(machines[0].url, articles)
        assert {row.state for row in stored} <= {"exported", "duplicate"} and len(stored) == 60, told
        assert {row.path for row in stored if row.state == "exported"} == set(posts)
        assert set(posts.values()) == {row.revision for row in stored if row.state == "exported"} == {1}


def slowly(seconds: float) -> Any:
    """A site whose articles take so long."""
    return lambda request: time.sleep(0 if request.host.startswith("feed.") else seconds)


def wait_until(reached: Any, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.01)


def test_what_a_killed_worker_held_is_taken_by_the_others(machines: list[Machine]) -> None:
    """Its post may lie in its own folder without a commit; all that is in the catalogue is in one folder."""
    url, many = machines[0].url, {"CONCURRENT_REQUESTS": "32", "CONCURRENT_REQUESTS_PER_DOMAIN": "32"}
    with SampleSite(articles=60, on_request=slowly(0.3)) as site:
        killed = machines[0].start(site, SINANEWS_LEASE="2", **many)
        wait_until(lambda: len(rows(url, claims)) >= 20)
        other = machines[1].start(site, SINANEWS_LEASE="2", **many)
        killed.kill()
        killed.communicate()
        assert rows(url, claims) != []
        end(other)
        with opened(url) as catalogue:
            assert [bool(worker.alive) for worker in catalogue.workers.all()] == [False], "the dead one is told of"
            assert {c.worker for c in catalogue.claims.all()} <= {catalogue.workers.all()[0].id}
        states = Counter(row.state for row in rows(url, articles))
        assert states.keys() <= {"exported", "duplicate", "refused"}, states


def test_a_run_that_is_told_to_end_leaves_no_claim(machines: list[Machine]) -> None:
    machine = machines[0]
    with SampleSite(articles=60, on_request=slowly(0.2)) as site:
        process = machine.start(site, CONCURRENT_REQUESTS="32", CONCURRENT_REQUESTS_PER_DOMAIN="32")
        wait_until(lambda: len(rows(machine.url, claims)) >= 20)
        process.send_signal(signal.SIGTERM)
        end(process, 130)
        assert rows(machine.url, claims) == []
        with opened(machine.url) as catalogue:
            assert catalogue.workers.all() == []


def test_a_worker_that_was_frozen_overwrites_nothing(machines: list[Machine]) -> None:
    """With an article that is being downloaded; frozen within a transaction it would keep the others waiting."""
    with SampleSite(articles=40) as site:
        frozen = machines[0].start(site, SINANEWS_LEASE="1", CONCURRENT_REQUESTS="1")
        is_frozen = threading.Event()

        def freeze(request: Request) -> None:
            if not is_frozen.is_set() and len(machines[0].posts) >= 5:
                frozen.send_signal(signal.SIGSTOP)
                is_frozen.set()

        site.on_request = freeze
        assert is_frozen.wait(30)
        end(machines[1].start(site, SINANEWS_LEASE="1"))
        before = {row.id: row for row in rows(machines[0].url, articles)}
        assert {row.state for row in before.values()} <= {"exported", "duplicate", "refused"}
        frozen.send_signal(signal.SIGCONT)
        end(frozen)
        assert {row.id: row for row in rows(machines[0].url, articles)} == before
        assert_each_article_once(machines, site, downloads=2)
        assert sum(pages_asked(site).values()) == len(pages_asked(site)) + 1, "the one that it had begun"


@pytest.mark.parametrize("address", ["", "office"], ids=["of the same address", "of another address"])
def test_a_ban_stops_all_of_an_address(machines: list[Machine], address: str) -> None:
    with SampleSite(articles=40, on_request=slowly(0.1)) as site:
        other = machines[1].start(site, SINANEWS_LEASE="1", SINANEWS_ADDRESS=address)
        wait_until(lambda: len(machines[1].posts) >= 3)
        with opened(machines[0].url) as catalogue:
            catalogue.runs.cool_down("finance.sina.com.cn", 3600, "it refuses this client", "")
        told = end(other, 0 if address else 5)
        assert address or "left alone until" in told
        assert bool(address) == (len(pages_asked(site)) > 30)


def test_the_pace_at_a_host_is_that_of_the_fleet(machines: list[Machine]) -> None:
    asked: list[float] = []
    with SampleSite(articles=15, on_request=lambda request: asked.append(time.monotonic())) as site:
        for process in [machine.start(site, DOWNLOAD_DELAY="0.1") for machine in machines]:
            end(process)
        pages = [t for t, request in zip(asked, site.requests, strict=True) if request.host == "finance.sina.com.cn"]
        assert len(pages) >= 15
        assert pages[-1] - pages[0] > (len(pages) - 1) * 0.1 - 0.15, "two runs are no more hurried than one"
        assert_each_article_once(machines, site)


def test_one_machine_serves_the_posts_that_others_collect(machines: list[Machine]) -> None:
    collector, server = machines
    with SampleSite(articles=30) as site:
        end(collector.start(site, SINANEWS_POSTS="0"))
        assert collector.posts == []
        done = rows(collector.url, articles)
        exported = {row.path for row in done if row.state == "exported"}
        assert len(exported) > 20 and all(row.file_digest for row in done if row.path)
        told = collector.run("verify", SINANEWS_POSTS="0")
        assert told.returncode == 0 and "no posts are written here" in told.stdout
        server.exports.mkdir(parents=True)
        (server.exports / "note.md").write_text("mine", "utf-8")
        assert server.run("rewrite").returncode == 0
        assert {post.relative_to(server.exports).as_posix() for post in server.posts} == exported | {"note.md"}
        assert server.run("verify").returncode == 0
        site.publish(3)
        site.edit([site.entries[-1].id])
        end(collector.start(site, SINANEWS_POSTS="0"))
        told = server.run("rewrite")
        assert "3 written" in told.stdout and f"{len(exported)} as it was" in told.stdout, told.stdout
        assert server.run("verify").returncode == 0
        assert (server.exports / "note.md").read_text("utf-8") == "mine"
