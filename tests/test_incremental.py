"""Runs again and again: nothing missed, nothing asked twice, whatever the lists do meanwhile."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from sqlalchemy import select

from sinanews.catalogue import Catalogue
from sinanews.catalogue.tables import article_channels
from sinanews.listing.channels import select_channels
from sinanews.samplesite import Request, SampleSite
from sinanews.samplesite.server import Answer
from tests import scenes
from tests.conftest import TemporaryArchive

CHANNELS = {"china": (155, 1686), "macro": (155, 1687), "stock-market": (384, 2671)}


def test_articles_that_arrive_between_and_during_requests(archive: TemporaryArchive) -> None:
    with SampleSite(articles=30, days=1, pinned=3, out_of_order=0.1) as site:
        assert archive.crawl("sina_finance", mirror=site.url).returncode == 0
        scenes.hourly(archive, site, hours=1, between=60, during=15)
        assert len(scenes.nothing_new(archive, site)) == 1


def test_more_than_a_page_arrives_between_two_requests(archive: TemporaryArchive) -> None:
    with SampleSite(articles=60, days=1) as site:
        site.on_request = lambda r: r.path == "/api/roll/get" and len(site.entries) < 180 and site.publish(60)
        assert archive.crawl("sina_finance", mirror=site.url).returncode == 0
        site.on_request = None
        assert archive.crawl("sina_finance", mirror=site.url).returncode == 0
        assert scenes.stored(archive) == scenes.readable(site.entries)


def test_entries_that_move_up_are_not_lost(archive: TemporaryArchive) -> None:
    with SampleSite(articles=40, days=1) as site:
        archive.crawl("sina_finance", mirror=site.url)
        site.publish(55)
        gone = site.entries[-10]
        site.on_request = scenes.removing(site, 2, lambda: gone)
        assert archive.crawl("sina_finance", mirror=site.url).returncode == 0
        assert scenes.stored(archive) | {gone.id} == scenes.readable(site.entries) | {gone.id}


def test_nothing_new_costs_one_request_a_channel(archive: TemporaryArchive) -> None:
    with SampleSite(articles=110, days=2) as site:
        words = ("-a", "channels=china,macro,stock-market")
        assert archive.crawl("sina_finance", *words, mirror=site.url).returncode == 0
        asked = scenes.nothing_new(archive, site, *words)
        assert len(scenes.listings(asked)) == len(asked) == 3
        both = {(e.id, slug) for e in site.entries for slug, c in CHANNELS.items() if c in e.channels}
        rows = archive.query("SELECT article_id, channel FROM article_channels")
        stored = scenes.stored(archive)
        assert {row for row in rows if row[0] in stored} == {pair for pair in both if pair[0] in stored}
        assert len({i for i, _ in both}) < len(both)  # some are in two


def test_after_a_long_pause_the_next_run_fills_the_gap_first(archive: TemporaryArchive) -> None:
    with SampleSite(articles=30, days=1) as site:
        archive.crawl("sina_finance", mirror=site.url)
        runs = scenes.pause(archive, site, days=4, a_day=30, pages=1)
        assert runs == 2
        dated = ["date=" in r.query for r in scenes.listings(site.requests)]
        assert dated == [False] * 3 + [True] * 5 + [False]  # the days up to the last page read, then the newest


def test_the_gap_is_told_and_survives_a_failing_day(archive: TemporaryArchive) -> None:
    with SampleSite(articles=30, days=1) as site:
        archive.crawl("sina_finance", mirror=site.url)
        newest = datetime.fromtimestamp(site.entries[-1].ctime, timezone.utc)
        for day in (1, 2, 3):
            site.publish(40, newest + timedelta(days=day))
        site.requests.clear()
        done = archive.crawl("sina_finance", mirror=site.url, SINANEWS_MAX_PAGES="1")
        assert "anomaly (gap 1)" in done.stdout
        site.on_request = lambda r: site.faults.set("bad_status", [r.query] if "date=2026-11-21" in r.query else [])
        done = archive.crawl("sina_finance", mirror=site.url, SINANEWS_MAX_PAGES="1")
        assert "1 failed list (status 1)" in done.stderr
        assert len(archive.query("SELECT * FROM gaps")) == 1
        site.on_request = None
        site.faults.clear()
        archive.crawl("sina_finance", mirror=site.url, SINANEWS_MAX_PAGES="1")
        assert archive.query("SELECT * FROM gaps") == []
        assert scenes.stored(archive) == scenes.readable(site.entries)


def test_a_stale_channel_is_told(archive: TemporaryArchive) -> None:
    with SampleSite(articles=5, newest=datetime(2026, 1, 1, tzinfo=timezone.utc)) as site:
        done = archive.crawl("sina_finance", mirror=site.url, SINANEWS_STALE="1")
        assert "anomaly (stale_channel 1)" in done.stdout + done.stderr


def test_an_empty_channel_is_told(archive: TemporaryArchive) -> None:
    with SampleSite(articles=0) as site:
        done = archive.crawl("sina_finance", mirror=site.url)
        assert "anomaly (empty_channel 1)" in done.stdout + done.stderr
        assert done.returncode == 1, "a list without any entry is hardly a whole answer"


def test_channels_stay_with_an_article_whose_page_names_its_id(tmp_path: Path) -> None:
    """Until its page is read it is known by its URL."""
    catalogue, now = Catalogue(f"sqlite:///{tmp_path / 'c.db'}"), datetime.now(timezone.utc)
    row = {"id": "https://k.sina.com.cn/a", "url": "https://k.sina.com.cn/a", "title": "", "published_at": now}
    for slug in ("china", "macro"):
        catalogue.listed([row], slug, now)
    catalogue.record("i1", now, replaces=row["id"], state="exported", url=row["url"], channel="china")
    with catalogue.begin() as connection:
        pairs = connection.execute(select(article_channels)).all()
    assert sorted(pairs) == [("i1", "china"), ("i1", "macro")]
    catalogue.close()


def test_an_old_entry_at_the_top_hides_no_gap(archive: TemporaryArchive) -> None:
    with SampleSite(articles=30, days=1, pinned=2, shares={}) as site:
        archive.crawl("sina_finance", mirror=site.url)
        site.publish(160)
        done = archive.crawl("sina_finance", mirror=site.url, SINANEWS_MAX_PAGES="1")
        assert "gap 1" in done.stdout + done.stderr
        archive.crawl("sina_finance", mirror=site.url)
        assert archive.ids() | archive.ids("duplicate") == {entry.id for entry in site.entries}


def repeating(site: SampleSite) -> Callable[[Request], tuple[Answer, str | None]]:
    """The site's answers, were it to show a list's first page for every other one."""
    return lambda request: SampleSite.answer(
        site, request._replace(query=re.sub(r"\bpage=\d+", "page=1", request.query))
    )


def test_a_list_that_repeats_its_page_is_made_good_by_the_next_run(archive: TemporaryArchive) -> None:
    with SampleSite(articles=56, days=1, shares={}) as site:
        for gaps in (0, 1):  # a first run has no gap; it is done over
            site.answer = repeating(site)  # type: ignore[method-assign]
            done = archive.crawl("sina_finance", mirror=site.url)
            assert (done.returncode, "failed list (repeats 1)" in done.stderr) == (3, True), done.stderr
            assert len(archive.query("SELECT * FROM gaps")) == gaps
            del site.answer
            assert archive.crawl("sina_finance", mirror=site.url).returncode == 0
            assert archive.query("SELECT * FROM gaps") == []
            assert scenes.stored(archive) == scenes.readable(site.entries)
            site.publish(60)


def test_a_list_that_is_suddenly_empty_needs_a_person(archive: TemporaryArchive) -> None:
    with SampleSite(articles=4, days=0.1, shares={}) as site:
        assert archive.crawl("sina_finance", mirror=site.url).returncode == 0
        days = ("-a", "since=2026-11-20", "-a", "until=2026-11-20")
        assert archive.crawl("sina_finance", *days, mirror=site.url).returncode == 0
        listed = archive.query("SELECT * FROM watermarks"), archive.query("SELECT * FROM days")
        for ranked in site.newsroom.lists.values():
            ranked.clear()
        for words in ((), (*days, "-a", "recheck=1")):
            done = archive.crawl("sina_finance", *words, mirror=site.url)
            assert done.returncode == 1
            assert "empty_list/china 1" in done.stderr
        assert (archive.query("SELECT * FROM watermarks"), archive.query("SELECT * FROM days")) == listed
        (found,) = json.loads(str(archive.query("SELECT findings FROM runs ORDER BY id")[-1][0]))
        assert (found["name"], found["level"]) == ("empty_list/china", "warning")


def test_all_channels_can_be_rehearsed_and_a_dead_one_is_named(archive: TemporaryArchive) -> None:
    with SampleSite(articles=24, days=0.5, shares={}, reprints=0.0) as site:
        done = archive.crawl("sina_finance", "-a", "channels=all", mirror=site.url)
        assert done.returncode == 0 and "anomal" not in done.stdout, done.stderr
        asked = {
            (int(q["pageid"]), int(q["lid"]))
            for r in scenes.listings(site.requests)
            for q in [dict(parse_qsl(r.query))]
        }
        assert asked == {(c.pageid, c.lid) for c in select_channels(["all"])}
        assert len(scenes.downloads(site.requests)) == 24
        done = archive.crawl("sina_finance", "-a", "channels=macro,hk-stock,2510", mirror=site.url)
        assert done.returncode == 0
        assert "anomaly (dead_channel/roll-china 1)" in done.stdout
        assert "channel roll-china is dead" in done.stderr


def passing_over(site: SampleSite) -> Callable[[Request], tuple[Answer, str | None]]:
    """The site's answers, were it to answer each page after the first with the one below it."""

    def answer(request: Request) -> tuple[Answer, str | None]:
        number = int(dict(parse_qsl(request.query)).get("page", 1))
        query = re.sub(r"\bpage=\d+", f"page={number + (number > 1)}", request.query)
        return SampleSite.answer(site, request._replace(query=query))

    return answer


@pytest.mark.parametrize("older", [80, 240])
def test_a_page_that_is_passed_over_is_a_gap(archive: TemporaryArchive, older: int) -> None:
    with SampleSite(articles=older, days=2, shares={}, reprints=0.0) as site:
        assert archive.crawl("sina_finance", mirror=site.url, SINANEWS_MAX_PAGES="9").returncode == 0
        site.publish(70)
        site.answer = passing_over(site)  # type: ignore[method-assign]
        done = archive.crawl("sina_finance", mirror=site.url)
        assert "gap 1" in done.stdout + done.stderr
        assert scenes.stored(archive) != scenes.readable(site.entries)
        del site.answer
        archive.crawl("sina_finance", mirror=site.url)
        assert scenes.stored(archive) == scenes.readable(site.entries)
        assert archive.query("SELECT * FROM gaps") == []
