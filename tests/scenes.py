"""Scenes of listing: whole crawls against the sample site, of any size. The suite plays them small,
``benchmarks/scenarios.py`` at full length."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from urllib.parse import parse_qs

import pytest

from sinanews.dates import BEIJING
from sinanews.samplesite import Entry, SampleSite
from sinanews.samplesite.entries import READABLE
from sinanews.samplesite.server import Request
from tests.conftest import PROJECT, TemporaryArchive
from tests.processes import Popen

LIST_HOST = "feed.mix.sina.com.cn"


def listings(requests: Iterable[Request]) -> list[Request]:
    return [r for r in requests if r.host == LIST_HOST and r.path != "/robots.txt"]


def downloads(requests: Iterable[Request]) -> list[str]:
    """The URLs of articles that were asked for."""
    return [r.host + r.path for r in requests if r.host != LIST_HOST and r.path != "/robots.txt"]


def day_of(entry: Entry) -> date:
    return datetime.fromtimestamp(entry.ctime, BEIJING).date()


def readable(entries: Iterable[Entry]) -> set[str]:
    """The ids of entries that lead to Sina's own pages."""
    return {entry.id for entry in entries if entry.kind != "offsite"}


def stored(archive: TemporaryArchive) -> set[str]:
    return archive.ids() | archive.ids("duplicate")


def days_before(site: SampleSite, first: int, last: int) -> list[date]:
    """Days of Beijing, counted back from the newest entry's."""
    newest = day_of(site.entries[-1])
    return [newest - timedelta(days=n) for n in range(first, last - 1, -1)]


def since_until(days: Collection[date]) -> list[str]:
    return ["-a", f"since={min(days)}", "-a", f"until={max(days)}"]


def backfill(archive: TemporaryArchive, site: SampleSite, days: Collection[date], **settings: str) -> None:
    done = archive.crawl("sina_finance", *since_until(days), mirror=site.url, timeout=3600, **settings)
    assert done.returncode == 0, done.stderr
    assert stored(archive) == readable(e for e in site.entries if day_of(e) in days)


def stopped_at(
    archive: TemporaryArchive,
    site: SampleSite,
    number: int,
    sent: signal.Signals,
    words: Collection[str],
    **settings: str,
) -> int:
    """One crawl that gets a signal once it has made so many requests; its exit code."""
    process: list[subprocess.Popen[bytes]] = []
    begun = len(site.requests)

    def strike(request: Request) -> None:
        if len(site.requests) - begun == number:
            os.kill(process[0].pid, sent)

    site.on_request = strike
    command = archive.command("crawl", "sina_finance", *words, mirror=site.url, **settings)
    process.append(Popen(command, cwd=PROJECT, env=archive.environment, stderr=subprocess.DEVNULL))
    code = process[0].wait(600)
    site.on_request = None
    return code


def interrupted_backfill(
    archive: TemporaryArchive,
    site: SampleSite,
    days: Collection[date],
    stops: Iterable[tuple[int, signal.Signals]],
    **settings: str,
) -> dict[str, int]:
    """Interrupted again and again, then run to its end; how much was asked for more than once."""
    codes = [stopped_at(archive, site, number, sent, since_until(days), **settings) for number, sent in stops]
    assert set(codes) <= {130, -signal.SIGKILL}, codes
    backfill(archive, site, days)
    again = Counter(downloads(site.requests))
    listed = Counter(r.query for r in listings(site.requests))
    repeated = {parse_qs(query)["date"][0] for query, number in listed.items() if number > 1}
    return {
        "articles": len(again),
        "articles twice": sum(n - 1 for n in again.values()),
        "listings": len(listed),
        "listings twice": sum(n - 1 for n in listed.values()),
        "days listed twice": len(repeated),
    }


def hourly(archive: TemporaryArchive, site: SampleSite, hours: int, between: int, during: int) -> list[float]:
    """Runs an hour apart while articles arrive, ``during`` at each list request; requests per new article of each."""
    shares, old = [], len(site.entries)
    site.requests.clear()
    for _ in range(hours):
        before, begun = len(stored(archive)) + len(archive.ids("refused")), len(site.requests)
        newest = datetime.fromtimestamp(site.entries[-1].ctime, BEIJING)
        site.publish(between, newest + timedelta(hours=1))
        site.on_request = lambda r: during and r.path == "/api/roll/get" and site.publish(during)
        done = archive.crawl("sina_finance", mirror=site.url, timeout=600)
        site.on_request = None
        assert done.returncode == 0, done.stderr
        new = len(stored(archive)) + len(archive.ids("refused")) - before
        shares.append((len(site.requests) - begun) / new)
    done = archive.crawl("sina_finance", mirror=site.url)
    missing = readable(site.entries[old:]) - stored(archive)
    assert not missing, f"{sorted(missing)[:9]} …: {done.stderr}"
    assert max(Counter(downloads(site.requests)).values()) == 1
    return shares


def nothing_new(archive: TemporaryArchive, site: SampleSite, *words: str) -> list[Request]:
    """The requests of a run, robots.txt aside, that must find nothing."""
    site.requests.clear()
    done = archive.crawl("sina_finance", *words, mirror=site.url)
    assert done.returncode == 0, done.stderr
    assert "nothing new" in done.stdout
    return [r for r in site.requests if r.path != "/robots.txt"]


def pause(archive: TemporaryArchive, site: SampleSite, days: int, a_day: int, pages: int) -> int:
    """Days without a run, then runs with few pages; how many runs until all is there."""
    newest, old = datetime.fromtimestamp(site.entries[-1].ctime, BEIJING), len(site.entries)
    for number in range(1, days + 1):
        site.publish(a_day, newest + timedelta(days=number))
    for run in range(1, 4):
        archive.crawl("sina_finance", mirror=site.url, timeout=3600, SINANEWS_MAX_PAGES=str(pages))
        if stored(archive) >= readable(site.entries[old:]):
            assert archive.query("SELECT * FROM gaps") == []
            return run
        assert len(archive.query("SELECT * FROM gaps")) == 1
    raise AssertionError(f"{len(readable(site.entries[old:]) - stored(archive))} articles missing after {run} runs")


def edits(archive: TemporaryArchive, site: SampleSite, number: int, *words: str) -> dict[str, int]:
    """So many articles edited, as many only touched; the counts of the run that meets them."""
    ids = sorted(i for i in archive.ids() if site.newsroom.by_id[i].kind in READABLE)[-2 * number :]
    edited, touched = ids[::2], ids[1::2]
    about = archive.query("SELECT id, path, file_digest, revision FROM articles WHERE state = 'exported'")
    before = {str(i): rest for i, *rest in about}
    times = {i: (archive.exports / str(path)).stat().st_mtime_ns for i, (path, *_) in before.items()}
    site.edit(edited)
    site.edit(touched, touch_only=True)
    site.requests.clear()
    done = archive.crawl("sina_finance", *words, mirror=site.url, timeout=600)
    assert done.returncode == 0, done.stderr
    about = archive.query("SELECT id, path, file_digest, revision FROM articles WHERE state = 'exported'")
    for i, path, digest, revision in about:
        old_path, old_digest, old_revision = before[str(i)]
        assert path == old_path
        assert (revision, digest != old_digest) == ((2, True) if i in edited else (old_revision, False)), i
        unwritten = (archive.exports / str(path)).stat().st_mtime_ns == times[str(i)]
        assert unwritten == (i not in edited)
    kept = {str(i): digest for i, digest in archive.query("SELECT article_id, file_digest FROM revisions")}
    assert kept == {i: before[i][1] for i in edited}
    assert len(archive.posts) == len(archive.ids())
    return {"edited": len(edited), "touched": len(touched), "downloads": len(downloads(site.requests))}


@contextmanager
def in_zone(zone: str) -> Iterator[None]:
    """As on a machine of that time zone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", zone)
        time.tzset()
        yield
    time.tzset()


def removing(site: SampleSite, at_page: int, entry: Callable[[], Entry]) -> Callable[[Request], object]:
    """A hook that takes an entry off the lists while its page number ``at_page`` is asked for."""
    done: list[Entry] = []

    def hook(request: Request) -> None:
        if request.path == "/api/roll/get" and f"page={at_page}" in request.query.split("&") and not done:
            done.append(entry())
            for ranked in site.newsroom.lists.values():
                if done[0] in ranked:
                    ranked.remove(done[0])

    return hook
