"""What every catalogue must do; run against each database there is."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event as EventType
from pathlib import Path

import pytest
from sqlalchemy import create_engine, select

from sinanews.catalogue import Catalogue, migrations, tables
from sinanews.duplicates import index as stories
from sinanews.duplicates.decision import Known
from sinanews.duplicates.fingerprint import Fingerprint
from sinanews.exceptions import ArgumentError, CatalogueError
from sinanews.items import ArticleItem

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
OLD = Path(__file__).parent / "archives" / "1.0.0"


def old_catalogue(folder: Path) -> Path:
    """A catalogue that sinanews 1.0.0 made."""
    path = folder / "catalogue.db"
    with sqlite3.connect(path) as connection:
        connection.executescript((OLD / "catalogue.sql").read_text("utf-8"))
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database. SINANEWS_TEST_POSTGRES names a PostgreSQL to try as well; its tables are dropped."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'folder' / 'catalogue.db'}"
    if not (postgres := os.environ.get("SINANEWS_TEST_POSTGRES")):
        pytest.skip("SINANEWS_TEST_POSTGRES names no database")
    engine = create_engine(postgres)
    for schema in (tables.metadata, stories.metadata):
        schema.drop_all(engine)
    engine.dispose()
    return postgres


@pytest.fixture
def catalogue(url: str) -> Iterator[Catalogue]:
    opened = Catalogue(url)
    yield opened
    opened.close()


def row(article_id: str, **values: object) -> dict[str, object]:
    return {"id": article_id, "url": f"https://finance.sina.com.cn/doc-{article_id}.shtml", "title": "一", **values}


def test_listed_articles_are_unfinished_until_they_are_done(catalogue: Catalogue) -> None:
    catalogue.listed([row("ia"), row("ib")], "china", NOW)
    assert {r.id for r in catalogue.due.unfinished(["china"], NOW)} == {"ia", "ib"}
    catalogue.record("ia", NOW, state="exported", path="a.md")
    assert {r.id for r in catalogue.due.unfinished(["china"], NOW)} == {"ib"}
    assert catalogue.known(["ia", "ib", "ic"]).keys() == {"ia", "ib"}
    assert catalogue.known(["ia"])["ia"].done
    assert list(catalogue.due.unfinished(["macro"], NOW)) == []


def test_listing_again_changes_nothing_but_the_channels(catalogue: Catalogue) -> None:
    catalogue.listed([row("ia")], "china", NOW)
    catalogue.record("ia", NOW, state="exported", path="a.md")
    catalogue.listed([row("ia", title="二")], "macro", NOW)
    article = catalogue.article("ia")
    assert article is not None
    assert (article.state, article.title, article.channel) == ("exported", "一", "china")


def test_failures_are_tried_again_at_once_then_less_and_less_often(catalogue: Catalogue) -> None:
    for _ in range(3):
        catalogue.failed("ia", "timeout", "60 s", NOW, channel="china")
    assert len(list(catalogue.due.unfinished(["china"], NOW))) == 1
    catalogue.failed("ia", "timeout", "60 s", NOW)
    assert list(catalogue.due.unfinished(["china"], NOW)) == []
    assert len(list(catalogue.due.unfinished(["china"], NOW + timedelta(hours=2)))) == 1
    for _ in range(30):
        catalogue.failed("ia", "timeout", "60 s", NOW)
    assert len(list(catalogue.due.unfinished(["china"], NOW + timedelta(days=7)))) == 1, "never given up"


def test_a_failed_refresh_leaves_what_is_on_disk(catalogue: Catalogue) -> None:
    catalogue.record("ia", NOW, state="exported", path="a.md")
    catalogue.failed("ia", "timeout", "60 s", NOW)
    article = catalogue.article("ia")
    assert article is not None and article.state == "exported"


def test_the_page_may_name_another_id_than_the_list(catalogue: Catalogue) -> None:
    catalogue.listed([row("https://k.sina.com.cn/x.html")], "china", NOW)
    catalogue.record(
        "ikan", NOW, replaces="https://k.sina.com.cn/x.html", state="exported", url="https://k.sina.com.cn/x.html"
    )
    assert list(catalogue.due.unfinished(["china"], NOW)) == []
    assert catalogue.known_urls(["https://k.sina.com.cn/x.html"]) == {"https://k.sina.com.cn/x.html": "ikan"}


def test_times_come_back_aware_and_equal(catalogue: Catalogue) -> None:
    beijing = datetime(2026, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=8)))
    catalogue.record("ia", NOW, state="exported", published_at=beijing)
    article = catalogue.article("ia")
    assert article is not None
    assert article.published_at == beijing
    assert article.published_at.utcoffset() is not None


def test_what_is_known_of_an_article_and_of_others_with_its_text(catalogue: Catalogue) -> None:
    catalogue.record("ia", NOW, state="exported", text_digest="x", path="a.md", revision=3, missing_pages="2\n3")
    catalogue.record("ib", NOW + timedelta(1), state="exported", text_digest="x", url="https://a.example/")
    catalogue.record("ic", NOW, state="refused", text_digest="y")

    def known_of(article: str, digest: str | None, url: str | None = None) -> Known:
        return catalogue.known_of(ArticleItem(id=article, url=url, title="一"), Fingerprint(digest, None))

    assert known_of("ic", "x") == Known(same_text="ia")
    its = {"exported": True, "path": "a.md", "revision": 3, "missing_pages": frozenset("23")}
    assert known_of("ia", "x") == Known(same_text="ib", **its)
    assert known_of("ia", "y") == known_of("ia", None) == Known(**its)
    assert known_of("id", None, "https://a.example/") == Known(same_url="ib")


def test_a_row_that_is_exported_anew_leaves_its_digests_behind(catalogue: Catalogue) -> None:
    for number in (1, 2, 3):
        catalogue.record("ia", NOW, state="exported", revision=number, file_digest=f"f{number}", title=f"题{number}")
    with catalogue.read() as connection:
        kept = connection.execute(select(tables.revisions.c["revision", "file_digest", "title"])).all()
    assert kept == [(1, "f1", "题1"), (2, "f2", "题2")]


def test_runs_are_remembered(catalogue: Catalogue) -> None:
    run = catalogue.runs.begin("seeds", {"path": "x"}, NOW, 42)
    catalogue.runs.end(run, NOW, outcome="ok", exit_code=0, counts={"articles/exported": 3})
    (last,) = catalogue.runs.last("seeds")
    assert (last.arguments, last.outcome, last.counts) == ({"path": "x"}, "ok", {"articles/exported": 3})


def test_coverage(catalogue: Catalogue) -> None:
    coverage = catalogue.listing
    assert coverage.listed_until("china") is None
    coverage.listed_to("china", NOW, NOW)
    coverage.listed_to("china", NOW - timedelta(days=1), NOW)
    assert coverage.listed_until("china") == NOW, "the mark never goes back"
    coverage.gap_found("china", NOW, NOW + timedelta(days=3), NOW)
    assert [g.after for g in coverage.gaps("china")] == [NOW]
    coverage.gap_filled("china", NOW)
    assert coverage.gaps() == []
    day = NOW.date()
    coverage.day_listed("china", day, "partial", 3, NOW)
    assert coverage.complete_days("china") == set()
    coverage.day_listed("china", day, "complete", 5, NOW)
    assert coverage.complete_days("china") == {day}
    assert coverage.complete_days("china", NOW + timedelta(1)) == set()


def write_many(url: str, name: str) -> None:
    catalogue = Catalogue(url)
    for number in range(50):
        catalogue.listed([row(f"i{number}")], "china", NOW)
        catalogue.record(f"i{number}", NOW, state="exported", path=name)
    catalogue.close()


def test_two_processes_write_at_once(catalogue: Catalogue, url: str) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=write_many, args=(url, name)) for name in ("a", "b")]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    assert catalogue.count_states() == {("exported", None): 50}


@pytest.mark.parametrize("bad", ["what", "mysql://x/y", "sqlite+nothing:///x", "postgresql+psycopg://u:secret@h/d"])
def test_a_database_that_cannot_be_is_told_without_its_password(bad: str) -> None:
    with pytest.raises((ArgumentError, CatalogueError)) as caught:
        Catalogue(bad)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_corrupt_catalogue_is_named_and_kept(tmp_path: Path) -> None:
    file = tmp_path / "catalogue.db"
    file.write_bytes(b"no database" * 1000)
    with pytest.raises(CatalogueError, match=r"catalogue\.db.*not a database"):
        Catalogue(f"sqlite:///{file}")
    assert file.read_bytes() == b"no database" * 1000


def test_a_newer_catalogue_is_not_touched(url: str) -> None:
    catalogue = Catalogue(url)
    with catalogue.begin() as connection:
        connection.exec_driver_sql("UPDATE schema_version SET version = 999")
    catalogue.close()
    with pytest.raises(CatalogueError, match="newer sinanews"):
        Catalogue(url)


def test_a_catalogue_of_1_0_0_is_upgraded_in_place(tmp_path: Path) -> None:
    path = old_catalogue(tmp_path)
    for _ in range(2):
        opened = Catalogue(f"sqlite:///{path}")
        states = opened.count_states()
        article = opened.article("imgjyfns0071272")
        opened.close()
        assert states == {("exported", None): 23, ("duplicate", "text"): 2, ("failed", "http_500"): 2,
                          ("refused", "other_host"): 1}  # fmt: skip
        assert article is not None and article.answers == 0 and article.missing_pages is None
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT version FROM schema_version").fetchall() == [(migrations.SCHEMA_VERSION,)]


def test_an_upgrade_that_fails_half_way_has_not_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(connection: object) -> None:
        raise CatalogueError("no room")

    path = old_catalogue(tmp_path)
    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, broken))
    monkeypatch.setattr(migrations, "SCHEMA_VERSION", migrations.SCHEMA_VERSION + 1)
    with pytest.raises(CatalogueError, match="no room"):
        Catalogue(f"sqlite:///{path}")
    with sqlite3.connect(path) as connection:
        columns = [name for _, name, *_ in connection.execute("PRAGMA table_info(articles)")]
    assert "answers" not in columns


def open_at_once(url: str, start: EventType, answers: Queue[str]) -> None:
    start.wait()
    try:
        opened = Catalogue(url)
        opened.listed([row("ia")], "china", NOW)
        opened.close()
        answers.put("")
    except Exception as error:
        answers.put(f"{type(error).__name__}: {error}")


@pytest.mark.parametrize("old", [False, True], ids=["new", "of 1.0.0"])
def test_ten_processes_open_one_catalogue_at_the_same_moment(url: str, tmp_path: Path, old: bool) -> None:
    if old and not url.startswith("sqlite"):
        pytest.skip("the catalogue of 1.0.0 is a SQLite file")
    url = f"sqlite:///{old_catalogue(tmp_path)}" if old else url
    context = multiprocessing.get_context("spawn")
    start, answers = context.Event(), context.Queue()
    processes = [context.Process(target=open_at_once, args=(url, start, answers)) for _ in range(10)]
    for process in processes:
        process.start()
    start.set()
    assert [answers.get(timeout=60) for _ in processes] == [""] * 10
    for process in processes:
        process.join()


def test_who_waits_for_a_locked_catalogue_can_be_called_off(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.db"
    opened = Catalogue(f"sqlite:///{path}")
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        opened.give_up = lambda: True
        with pytest.raises(CatalogueError, match="locked"):
            opened.listed([row("ia")], "china", NOW)
        assert opened.article("ia") is None  # reading waits for nobody
        other.execute("ROLLBACK")
    opened.listed([row("ia")], "china", NOW)
    opened.close()
