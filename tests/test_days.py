"""Days of the past: exactly those asked for, continued after interruptions, in any time zone of the machine."""

from __future__ import annotations

import signal
from urllib.parse import urlsplit

from sinanews.listing.channels import DEFAULT
from sinanews.listing.roll import roll_url
from sinanews.samplesite import SampleSite
from sinanews.settings import CONCURRENT_REQUESTS
from tests import scenes
from tests.conftest import TemporaryArchive

INT, KILL = signal.SIGINT, signal.SIGKILL
IN_FLIGHT = CONCURRENT_REQUESTS  #: what a kill loses at most


def test_chosen_days_and_no_others(archive: TemporaryArchive) -> None:
    with SampleSite(articles=600, days=60) as site:
        days = scenes.days_before(site, 33, 20)
        scenes.backfill(archive, site, days)
        assert len(scenes.listings(site.requests)) == len(days)
        recorded = archive.query("SELECT day, state, entries FROM days ORDER BY day")
        entries = [sum(scenes.day_of(e) == day for e in site.entries) for day in days]
        assert recorded == [(f"{day}", "complete", n) for day, n in zip(days, entries, strict=True)]
        site.requests.clear()
        scenes.backfill(archive, site, days)
        assert site.requests == []
        done = archive.crawl("sina_finance", *scenes.since_until(days), "-a", "recheck=1", mirror=site.url)
        assert "nothing new" in done.stdout
        assert len(scenes.listings(site.requests)) == len(days)
        assert scenes.downloads(site.requests) == []


def test_interrupted_five_times(archive: TemporaryArchive) -> None:
    with SampleSite(articles=1200, days=20) as site:  # 60 a day: two pages of the list
        days = scenes.days_before(site, 9, 8)
        stops = [(3, KILL), (3, INT), (20, KILL), (30, INT), (20, KILL)]
        figures = scenes.interrupted_backfill(archive, site, days, stops)
        assert figures["articles"] == len(scenes.stored(archive))
        assert figures["articles twice"] <= IN_FLIGHT * sum(sent == KILL for _, sent in stops)
        assert figures["days listed twice"] <= len(stops)  # the interrupted ones
        assert figures["listings twice"] <= len(stops) * 2  # of two pages each


def test_sigint_loses_nothing_that_was_downloaded(archive: TemporaryArchive) -> None:
    with SampleSite(articles=120, days=4) as site:
        figures = scenes.interrupted_backfill(archive, site, scenes.days_before(site, 2, 1), [(20, INT)])
        assert figures["articles twice"] == 0
        assert figures["listings twice"] == 0


def test_the_machines_zone_changes_nothing(archive: TemporaryArchive) -> None:
    with SampleSite(articles=36, days=6, reprints=0.0) as site:  # which of two equal texts is first, chance decides
        days, results = scenes.days_before(site, 3, 2), []
        for zone in ("UTC", "Asia/Shanghai", "America/New_York"):
            place = TemporaryArchive(archive.folder / zone.replace("/", "-"))
            with scenes.in_zone(zone):
                scenes.backfill(place, site, days)
            about = place.query("SELECT id, state, path, file_digest, published_at FROM articles ORDER BY id")
            results.append((about, place.query("SELECT day, state, entries FROM days ORDER BY day")))
        assert results[0] == results[1] == results[2]


def test_a_channel_that_ignores_dates_is_read_page_by_page(archive: TemporaryArchive) -> None:
    with SampleSite(articles=400, days=20, ignore_windows=True) as site:
        days = scenes.days_before(site, 9, 8)
        done = archive.crawl("sina_finance", *scenes.since_until(days), mirror=site.url, LOG_LEVEL="INFO")
        assert done.returncode == 0, done.stderr
        assert "ignores dates" in done.stderr
        assert "anomaly (window_ignored 1)" in done.stdout
        assert scenes.stored(archive) == scenes.readable(e for e in site.entries if scenes.day_of(e) in days)
        assert {int(f"{n}") for _, n in archive.query("SELECT day, entries FROM days WHERE state='complete'")} == {20}
        assert len(scenes.listings(site.requests)) < 8  # not to the list's end


def test_one_bad_day_does_not_hide_the_others(archive: TemporaryArchive) -> None:
    with SampleSite(articles=60, days=6) as site:
        days = scenes.days_before(site, 4, 1)
        site.faults.set("html_for_json", [urlsplit(roll_url(DEFAULT, 1, days[-1])).query])  # the one asked for first
        done = archive.crawl("sina_finance", *scenes.since_until(days), mirror=site.url)
        assert done.returncode == 3
        assert "1 failed list (html 1)" in done.stderr
        assert {scenes.day_of(e) for e in site.entries if e.id in scenes.stored(archive)} >= set(days[:-1])
        site.faults.clear()
        scenes.backfill(archive, site, days)


def test_a_day_without_entries_is_told(archive: TemporaryArchive) -> None:
    with SampleSite(articles=10, days=2) as site:
        day = scenes.days_before(site, 30, 30)
        done = archive.crawl("sina_finance", *scenes.since_until(day), mirror=site.url)
        assert done.returncode == 0
        assert "anomaly (empty_day 1)" in done.stdout
        assert archive.query("SELECT state, entries FROM days") == [("empty", 0)]
