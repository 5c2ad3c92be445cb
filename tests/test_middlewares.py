"""How patiently the site is asked again, and when it is left alone: the middlewares in one running crawl each."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

import pytest
from scrapy import Request
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from scrapy.utils.test import get_crawler

from sinanews.middlewares.bans import SLOWEST, BanMiddleware
from sinanews.middlewares.retries import LONGEST_ASKED, PatientRetryMiddleware, retry_after
from sinanews.run.extension import Run
from sinanews.samplesite import SampleSite
from sinanews.scheduler import WAIT, PatientScheduler
from tests.conftest import TemporaryArchive

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=timezone.utc)
URL = "https://finance.sina.com.cn/china/2026-11-20/doc-imxabcde0000001.shtml"


def answer(status: int = 429, body: bytes = b"", **headers: str) -> Response:
    return Response(URL, status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7),
        ("0", 0),
        (" 120 ", 120),
        ("1.5", 1.5),
        ("-5", 0),
        ("+5", 0),
        ("1e99", 0),
        ("nan", 0),
        ("inf", 0),
        ("x", 0),
        ("", 0),
        ("²", 0),
        ("5 seconds", 0),
        ("9" * 400, LONGEST_ASKED),
        ("31536000", LONGEST_ASKED),
        (format_datetime(NOW + timedelta(seconds=5), usegmt=True), 5),
        (format_datetime(NOW + timedelta(hours=2)), 7200),
        ("Fri, 20 Nov 2026 18:00:05 +0800", 5),
        ("Friday, 20-Nov-26 10:00:05 GMT", 5),
        ("Fri Nov 20 10:00:05 2026", 5),
        (format_datetime(NOW - timedelta(days=1), usegmt=True), 0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_ASKED),
        ("Fri, 99 Nov 2026 10:00:05 GMT", 0),
    ],
)
def test_retry_after(value: str, seconds: float) -> None:
    assert retry_after(answer(Retry_After=value), NOW) == seconds


def test_a_date_is_measured_by_the_clock_that_it_comes_from() -> None:
    theirs = NOW + timedelta(days=1)
    until = format_datetime(theirs + timedelta(seconds=9), usegmt=True)
    assert retry_after(answer(Retry_After=until, Date=format_datetime(theirs, usegmt=True)), NOW) == 9
    assert retry_after(answer(), NOW) == 0


class World:
    """A crawler with what a middleware asks of it: settings, stats, one host's download slot, a scheduler, an archive."""

    HOST = "finance.sina.com.cn"

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **settings: str) -> None:
        defaults = {"SINANEWS_RETRY_DELAY": "2", "SINANEWS_BAN_LIMIT": "6"}
        self.crawler: Any = get_crawler(settings_dict={**defaults, "RETRY_TIMES": "3", **settings})
        self.slot = SimpleNamespace(delay=1.0)
        self.rests: list[tuple[str, float]] = []
        self.pauses: list[tuple[str, float]] = []  #: of which the others are told
        self.bans: list[tuple[str, float]] = []  #: host, and for how long it asked to be left alone
        scheduler = PatientScheduler.__new__(PatientScheduler)
        monkeypatch.setattr(scheduler, "rest", lambda host, seconds: self.rests.append((host, seconds)))
        downloader = SimpleNamespace(slots={self.HOST: self.slot})
        self.crawler.engine = SimpleNamespace(downloader=downloader, scheduler=scheduler)
        self.crawler.spider = self.crawler._create_spider("test")
        archive = SimpleNamespace(
            banned=lambda host, words, asked: self.bans.append((host, asked)),
            left_alone=lambda host, seconds: self.pauses.append((host, seconds)),
        )
        monkeypatch.setattr("sinanews.middlewares.bans.Run.of", lambda crawler: archive)
        self.ban = BanMiddleware.from_crawler(self.crawler)

    def request(self, **meta: Any) -> Request:
        return Request(URL, meta={"download_slot": self.HOST, **meta})

    def see(self, *statuses: int, **headers: str) -> list[Any]:
        """What becomes of answers to as many requests."""
        return [self._one(status, headers) for status in statuses]

    def _one(self, status: int, headers: dict[str, str]) -> Any:
        try:
            return self.ban.process_response(self.request(), answer(status, **headers))
        except IgnoreRequest as error:
            return error


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def test_a_host_that_refuses_is_asked_less_and_less_often(world: World) -> None:
    delays = []
    for _ in range(5):
        world.see(429)
        delays.append(world.slot.delay)
    assert delays == [2, 4, 8, SLOWEST, SLOWEST]


def test_a_host_that_answers_again_comes_back_to_its_usual_pace(world: World) -> None:
    world.see(200)
    assert world.slot.delay == 1, "never faster than it was"
    world.see(429, 429, 429)
    assert world.slot.delay == 8
    delays = []
    for _ in range(5):
        world.see(200)
        delays.append(world.slot.delay)
    assert delays == [4, 2, 1, 1, 1]


@pytest.mark.parametrize(("limit", "refusals"), [("6", 6), ("3", 3), ("1", 1)])
def test_so_many_refusals_in_a_row_are_a_ban(monkeypatch: pytest.MonkeyPatch, limit: str, refusals: int) -> None:
    world = World(monkeypatch, SINANEWS_BAN_LIMIT=limit)
    world.see(*[403] * (refusals - 1))
    assert world.bans == []
    assert isinstance(world.see(403)[0], IgnoreRequest)
    assert world.bans == [(World.HOST, 0)]


def test_an_answer_begins_the_row_anew(world: World) -> None:
    world.see(*([403] * 5 + [200]) * 3)
    assert world.bans == []


def test_a_refusal_leaves_the_host_alone_and_is_tried_twice(world: World) -> None:
    first = world.ban.process_response(world.request(), answer(429))
    assert isinstance(first, Request) and first.dont_filter
    second = world.ban.process_response(first, answer(429))
    assert isinstance(second, Request)
    assert world.rests == [(World.HOST, 2), (World.HOST, 8)]
    with pytest.raises(IgnoreRequest):
        world.ban.process_response(second, answer(429))
    assert world.bans == [(World.HOST, 0)]


def test_a_host_is_left_alone_for_as_long_as_it_asks(world: World) -> None:
    world.see(429, Retry_After="30")
    assert world.rests == world.pauses == [(World.HOST, 30)] and world.bans == [], "this run, and all of its address"
    world.see(429, Retry_After="7200")
    assert world.bans == [(World.HOST, 7200)], "nobody waits two hours in a run"


@pytest.mark.parametrize(("asked", "seconds"), [(0, 3600), (7200, 7200), (5, 3600)])
def test_a_host_that_bans_is_left_alone_by_later_runs(archive: TemporaryArchive, asked: float, seconds: float) -> None:
    """For as long as it asks, and for SINANEWS_COOLDOWN at least."""

    async def scene() -> None:
        crawler = get_crawler(settings_dict={**archive.settings(SINANEWS_COOLDOWN="3600").copy_to_dict()})
        crawler.crawling, crawler.engine = True, SimpleNamespace(close_spider_async=AsyncMock())  # type: ignore[assignment]
        run = Run(crawler, lambda: NOW)
        run.begin(crawler._create_spider("test"))
        run.banned(World.HOST, "it refuses", asked)
        (row,) = run.catalogue.runs.cooldowns()
        left = row.until - datetime.now(timezone.utc)  # by the database's clock, not the run's
        assert row.host == World.HOST and timedelta(seconds=seconds - 30) < left <= timedelta(seconds=seconds)
        run.end("banned")

    asyncio.run(scene())


@pytest.mark.parametrize("value", ["-5", "1e99", "x", "Thu, 01 Jan 1970 00:00:00 GMT"])
def test_a_retry_after_that_says_nothing_is_no_ban(world: World, value: str) -> None:
    world.see(429, Retry_After=value)
    assert world.rests == [(World.HOST, 2)] and world.bans == []


def test_each_retry_waits_twice_as_long_and_as_long_as_asked(world: World) -> None:
    retry = PatientRetryMiddleware.from_crawler(world.crawler)
    request, waits = world.request(), []
    for _ in range(3):
        result = retry.process_response(request, answer(503))
        assert isinstance(result, Request)
        request, wait = result, result.meta.pop(WAIT)
        waits.append(wait)
    assert waits == [2, 4, 8]
    assert isinstance(retry.process_response(request, answer(503)), Response)
    asked = retry.process_response(world.request(), answer(503, Retry_After="40"))
    assert isinstance(asked, Request) and asked.meta[WAIT] == 40
    longest = retry.process_response(world.request(), answer(503, Retry_After="4000"))
    assert isinstance(longest, Request) and longest.meta[WAIT] == 60
    failed = retry.process_exception(world.request(), OSError("no answer"))
    assert isinstance(failed, Request) and failed.meta[WAIT] == 2


def test_what_waits_takes_no_place_from_others(archive: TemporaryArchive) -> None:
    """Eight articles answer 500 at first; the others are there long before the first of them is asked for again."""
    with SampleSite(articles=40) as site:
        slow = [entry.id for entry in site.entries if entry.kind == "finance"][-8:]
        site.faults.set("500", slow, times=1)
        times: list[tuple[float, str]] = []
        site.on_request = lambda request: times.append((time.monotonic(), request.path))
        done = archive.crawl("sina_finance", mirror=site.url, SINANEWS_RETRY_DELAY="4", CONCURRENT_REQUESTS="4")
        assert done.returncode == 0, done.stderr
        asked = {path: [t for t, p in times if p == path] for _, path in times}
        again = [at for at in asked.values() if len(at) == 2 and at[1] - at[0] >= 3.9]
        assert len(again) == 8
        once = [at[0] for at in asked.values() if len(at) == 1]
        assert max(once) < min(at[1] for at in again)


def test_a_host_at_rest_is_sent_nothing_and_its_requests_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, SCHEDULER_PRIORITY_QUEUE="scrapy.pqueues.ScrapyPriorityQueue")

    async def scene() -> None:
        scheduler = PatientScheduler.from_crawler(world.crawler)
        scheduler.open(world.crawler.spider)
        slot = SimpleNamespace(active=set(), queue=[])
        world.crawler.engine = SimpleNamespace(
            crawl=scheduler.enqueue_request,
            downloader=SimpleNamespace(active=set()),
            scraper=SimpleNamespace(slot=slot),
        )
        other = Request("https://feed.mix.sina.com.cn/api/roll/get?page=1")
        for request in (Request(f"{URL}?1"), Request(f"{URL}?2"), other):
            scheduler.enqueue_request(request)
        scheduler.rest(World.HOST, 0.2)
        scheduler.rest(World.HOST, 0.1)  # the longer rest counts
        assert scheduler.next_request() is other
        assert scheduler.next_request() is None
        assert scheduler.has_pending_requests(), "the run is not over while something waits"
        await asyncio.sleep(0.15)
        assert scheduler.next_request() is None
        await asyncio.sleep(0.1)
        assert {request.url for request in (scheduler.next_request(), scheduler.next_request()) if request} == {
            f"{URL}?1",
            f"{URL}?2",
        }
        assert not scheduler.has_pending_requests()
        scheduler.enqueue_request(Request(f"{URL}?3", meta={WAIT: 0.05}))
        scheduler.close("shutdown")
        await asyncio.sleep(0.1)
        assert not scheduler.has_pending_requests(), "a run that is closed lets go of what waits"

    asyncio.run(scene())
