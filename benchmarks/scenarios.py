"""The scenes of tests/scenes.py at full length, with figures: ``.venv/bin/python benchmarks/scenarios.py [NAME …]``.

A mirror of 30,000 entries over 60 days. Each scene stops with an AssertionError where something is missed or doubled.
"""

from __future__ import annotations

import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sinanews.samplesite import SampleSite
from tests import scenes
from tests.conftest import TemporaryArchive

INT, KILL = signal.SIGINT, signal.SIGKILL
ENTRIES, DAYS = 30_000, 60


def backfill(archive: TemporaryArchive, site: SampleSite) -> object:
    days = scenes.days_before(site, 33, 20)
    scenes.backfill(archive, site, days)
    return {"days": 14, "articles": len(scenes.stored(archive)), "listings": len(scenes.listings(site.requests))}


def zones(archive: TemporaryArchive, site: SampleSite) -> object:
    """Without reprints: which of two equal texts is the duplicate depends on which page comes first."""
    results = set()
    for zone in ("UTC", "Asia/Shanghai", "America/New_York"):
        place = TemporaryArchive(archive.folder / zone.replace("/", "-"))
        with scenes.in_zone(zone):
            scenes.backfill(place, site, scenes.days_before(site, 40, 39))
        results.add(tuple(place.query("SELECT id, state, path, file_digest, published_at FROM articles ORDER BY id")))
    assert len(results) == 1
    return {"zones": 3, "rows equal": len(results.pop())}


def interrupted(archive: TemporaryArchive, site: SampleSite) -> object:
    stops = [(25, KILL), (60, INT), (900, KILL), (1500, INT), (800, INT)]
    return scenes.interrupted_backfill(archive, site, scenes.days_before(site, 33, 20), stops)


def polite(archive: TemporaryArchive, site: SampleSite) -> object:
    """Killed with one request at a time to a host, as by default."""
    settings = {"CONCURRENT_REQUESTS_PER_DOMAIN": "1"}
    days = scenes.days_before(site, 33, 33)
    return scenes.interrupted_backfill(archive, site, days, [(50, KILL)] * 5, **settings)


def hourly(archive: TemporaryArchive, site: SampleSite) -> object:
    archive.crawl("sina_finance", mirror=site.url, timeout=3600, SINANEWS_MAX_PAGES="4")
    shares = scenes.hourly(archive, site, hours=6, between=440, during=5)
    assert max(shares) <= 1.05, shares
    assert len(scenes.nothing_new(archive, site)) == 1
    return {"requests per new article": [round(share, 3) for share in shares]}


def pause(archive: TemporaryArchive, site: SampleSite) -> object:
    archive.crawl("sina_finance", mirror=site.url, timeout=3600, SINANEWS_MAX_PAGES="4")
    runs = scenes.pause(archive, site, days=40, a_day=500, pages=40)
    return {"runs": runs, "articles": len(scenes.stored(archive)), "requests": len(site.requests)}


def edits(archive: TemporaryArchive, site: SampleSite) -> object:
    archive.crawl("sina_finance", mirror=site.url, timeout=3600, SINANEWS_MAX_PAGES="12")
    return scenes.edits(archive, site, 200, "-a", "refresh=99d")


SCENES: dict[str, Callable[[TemporaryArchive, SampleSite], object]] = {
    scene.__name__: scene for scene in (backfill, zones, interrupted, polite, hourly, pause, edits)
}


def main() -> None:
    for name in sys.argv[1:] or SCENES:
        reprints = 0.0 if name == "zones" else 0.04
        with tempfile.TemporaryDirectory() as folder, SampleSite(ENTRIES, DAYS, reprints=reprints) as site:
            begun = time.monotonic()
            figures = SCENES[name](TemporaryArchive(Path(folder)), site)
            print(f"{name}: {figures}, {time.monotonic() - begun:.0f} s", flush=True)


if __name__ == "__main__":
    main()
