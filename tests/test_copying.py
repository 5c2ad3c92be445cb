"""``scrapy catalogue copy``: a catalogue into another database, all of it."""

from __future__ import annotations

import pytest

from sinanews.catalogue import Catalogue
from sinanews.catalogue.copying import LEFT, TABLES
from sinanews.samplesite import SampleSite
from tests.conftest import TemporaryArchive
from tests.test_catalogue import NOW, old_catalogue


@pytest.fixture(params=["sqlite", "postgresql"])
def target(request: pytest.FixtureRequest, archive: TemporaryArchive) -> str:
    if request.param == "postgresql":
        return request.getfixturevalue("postgres")
    return f"sqlite:///{archive.folder / 'other.db'}"


def test_a_catalogue_moves_and_goes_on_in_its_new_place(archive: TemporaryArchive, target: str) -> None:
    with SampleSite(articles=40, reprints=0.1) as site:
        assert archive.crawl("sina_finance", mirror=site.url).returncode == 0
        done = archive.run("catalogue", "copy", target)
        assert done.returncode == 0, done.stderr
        assert "tables are the same in both" in done.stdout
        site.publish(5)
        assert archive.crawl("sina_finance", mirror=site.url).returncode == 0
        assert archive.run("catalogue", "copy", target).returncode == 0, "done again it brings the copy up to date"
        back = f"sqlite:///{archive.folder / 'back.db'}"
        assert archive.run("catalogue", "copy", back, SINANEWS_DATABASE=target).returncode == 0
        site.publish(5)
        told = archive.crawl("sina_finance", mirror=site.url, SINANEWS_DATABASE=target)
        assert told.returncode == 0 and "45 known already" in told.stdout, told
        assert archive.run("verify", SINANEWS_DATABASE=target).returncode == 0
        told = archive.run("catalogue", "copy", target)
        assert told.returncode == 6 and "holds another archive" in told.stderr, "it has moved on"


def test_every_table_is_copied_or_left_knowingly() -> None:
    assert {table.name for table in TABLES} >= {"articles", "contents", "stories", "story_keys", "runs", "days"}
    assert {"schema_version", "workers", "claims", "budgets", "search_docs"} == LEFT


def test_a_catalogue_that_is_worked_with_is_not_copied(archive: TemporaryArchive) -> None:
    old_catalogue(archive.folder)
    target = Catalogue(f"sqlite:///{archive.folder / 'other.db'}")
    worker = target.workers.join("", "sina_finance")
    told = archive.run("catalogue", "copy", str(target))
    assert told.returncode == 6 and "is being worked with" in told.stderr
    target.workers.leave(worker)
    target.record("ia", NOW, state="exported")
    told = archive.run("catalogue", "copy", str(target))
    assert told.returncode == 6 and "has no article ia" in told.stderr
    target.close()
    told = archive.run("catalogue", "copy", f"sqlite:///{archive.database}")
    assert told.returncode == 2 and "is the catalogue itself" in told.stderr
