"""Killed while it keeps pages as they came and fetches pictures: every article's page is there, every record whole,
every offset right, every picture that a row names too."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from sinanews.originals.reading import read_at
from sinanews.samplesite import SampleSite
from tests.conftest import TemporaryArchive
from tests.faults.harness import FULL, assert_invariant, crawl, offered, random_places, start, wait_for

KILLS, ARTICLES = (40, 420) if FULL else (3, 60)
SHARES = {"long": 0.15, "news": 0.2, "old": 0.1}
ON = {"SINANEWS_ORIGINALS": "1", "SINANEWS_IMAGES": "1"}


def assert_pages_are_kept(archive: TemporaryArchive, *, every: bool = False) -> None:
    """Of each article that is done; ``every`` file is whole to its end."""
    kept = set()
    for file, offset, length, article, digest in archive.query(
        'SELECT file, "offset", length, article_id, digest FROM originals'
    ):
        assert read_at(archive.exports / str(file), int(str(offset)), int(str(length))).digest == digest
        kept.add(article)
    assert archive.ids() | archive.ids("duplicate") <= kept
    for path in (archive.exports / ".originals").glob("*") if every else ():
        checked = subprocess.run([sys.executable, "-m", "warcio.cli", "check", path], capture_output=True, text=True)
        assert checked.returncode == 0, checked.stdout + checked.stderr


def test_killed_again_and_again_while_pages_are_kept(archive: TemporaryArchive) -> None:
    with SampleSite(articles=ARTICLES, reprints=0.05, shares=SHARES) as site:
        for place in random_places(KILLS, ARTICLES, seed=3):
            process = start(archive, site, **ON)
            left, seen = place - len(archive.posts), len(site.requests)
            wait_for(lambda seen=seen, left=left: len(site.requests) - seen >= max(left, 4), process)  # type: ignore[misc]
            time.sleep(place % 17 / 1000)
            process.kill()
            process.communicate()
            if Path(archive.database).exists():
                assert_pages_are_kept(archive)
        assert crawl(archive, site, **ON).returncode == 0
        assert_invariant(archive, offered(site))
    assert_pages_are_kept(archive, every=True)
    told = archive.run("verify")
    assert [x for x in told.stdout.splitlines()[:-1] if "left over from a killed run" not in x] == [], told.stdout
    assert archive.query("SELECT count(*) FROM pictures WHERE path IS NULL") == [(0,)]
    assert "revised" not in archive.run("reread").stdout
