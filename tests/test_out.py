# ruff: noqa: F811  # a fixture and the argument that asks for it have one name
"""Articles out of the archive: which, in which order, and what they say; on each database there is."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from sinanews import Archive, Filters
from sinanews.catalogue import Catalogue
from sinanews.dates import BEIJING
from sinanews.exceptions import ArgumentError, CatalogueError
from sinanews.items import ArticleItem
from sinanews.out.articles import Articles
from sinanews.out.filters import parse_filters
from tests.test_catalogue import catalogue, url  # noqa: F401  # fixtures: each database there is

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)


def store(catalogue: Catalogue, name: str, hours: float | None = 0, state: str = "exported", **its: Any) -> None:
    when = NOW - timedelta(hours=hours) if hours is not None else None
    columns = {
        key: its.pop(key) for key in ("duplicate_of", "similarity", "revision", "path", "exported_at") if key in its
    }
    item = ArticleItem(**{
        "id": name, "url": f"https://finance.sina.com.cn/{name}", "title": f"题{name}", "published_at": when,
        "body_text": "文", "body_html": "<p>文</p>", "channel": "china", **its,
    })  # fmt: skip
    columns = {"revision": 1, "path": f"金融/{name}.md", "exported_at": NOW, **columns}
    about = {key: getattr(item, key) for key in ("url", "title", "published_at", "media", "kind", "channel")}
    catalogue.record(name, NOW, state=state, content=item if state == "exported" else None, **about, **columns)


@pytest.fixture
def articles(catalogue: Catalogue) -> Articles:
    store(catalogue, "b", 2, media="某报", stocks=["sh600519"])
    store(catalogue, "a", 2, kind="video")
    store(catalogue, "c", 30, channel="macro", keywords=["降准"], revision=2)
    store(catalogue, "d", None)
    store(catalogue, "e", 1, "duplicate", duplicate_of="b", similarity=0.9, path=None)
    catalogue.listed([{"id": "c", "url": "u", "title": "t", "published_at": NOW}], "forex", NOW)
    catalogue.listed([{"id": "p", "url": "u", "title": "t", "published_at": NOW}], "china", NOW)
    return Articles(catalogue)


def ids(articles: Articles, newest_first: bool = True, **given: str) -> str:
    return "".join(one.id for one in articles.select(parse_filters(given, NOW), newest_first=newest_first))


def test_articles_come_by_publication_and_id_in_batches_of_any_size(
    articles: Articles, monkeypatch: pytest.MonkeyPatch
) -> None:
    for size in (1, 2, 200):
        monkeypatch.setattr("sinanews.out.articles.BATCH", size)
        assert (ids(articles), ids(articles, newest_first=False)) == ("bacd", "cabd")
        assert [one.id for one in articles.these(["a", "nothing", "e", "b"])] == ["a", "e", "b"]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"since": "24h"}, "ba"),
        ({"since": "2026-11-22", "until": "2026-11-22"}, "c"),
        ({"until": "2026-11-23"}, "bac"),
        ({"channels": "forex"}, "c"),
        ({"channels": "economy"}, "bacd"),
        ({"stocks": "SH600519,JPM"}, "b"),
        ({"stocks": "600519"}, "b"),
        ({"media": "某报,别报"}, "b"),
        ({"kinds": "video"}, "a"),
        ({"ids": "c,d,x"}, "cd"),
        ({"copies": "1"}, "ebacd"),
        ({"copies": "1", "media": "某报", "since": "24h"}, "b"),
    ],
)
def test_filters_are_the_words_of_the_spiders(articles: Articles, given: dict[str, str], found: str) -> None:
    assert ids(articles, **given) == found


@pytest.mark.parametrize("given", [{"since": "yesterday"}, {"kinds": "film"}, {"chanels": "china"}, {"media": " , "},
                                   {"since": "2026-11-22", "until": "2026-11-21"}])  # fmt: skip
def test_a_filter_that_is_none_is_one_line(given: dict[str, str]) -> None:
    with pytest.raises(ArgumentError) as error:
        parse_filters(given, NOW)
    assert next(reversed(given)) in str(error.value) and "\n" not in str(error.value)


def test_an_article_says_what_page_and_catalogue_know(articles: Articles) -> None:
    (found,) = articles.select(Filters(ids=("c",)))
    assert (found.keywords, found.channels, found.revision) == (("降准",), ("macro", "forex"), 2)
    assert found.published_at == NOW - timedelta(hours=30) and found.published_at.tzinfo == BEIJING
    (copy,) = articles.these(["e"])
    assert (copy.duplicate_of, copy.similarity, copy.body_text, copy.path) == ("b", 0.9, "", None)


def test_what_cannot_be_read_is_told_and_the_others_come(catalogue: Catalogue, articles: Articles) -> None:
    with catalogue.begin() as connection:
        connection.exec_driver_sql("DELETE FROM contents WHERE article_id = 'a'")
        connection.exec_driver_sql("UPDATE contents SET revision = 9 WHERE article_id = 'c'")
    assert ids(articles) == "bd"
    assert sum(articles.unreadable.values()) == 2 and articles.example == "a"


def test_an_archive_is_read_while_it_is_written_and_never_written_itself(catalogue: Catalogue, url: str) -> None:
    store(catalogue, "a")
    with Archive(url) as archive, catalogue.together():
        assert [one.id for one in archive] == ["a"] and archive.count() == 1
        assert archive.get("a") == next(archive.articles()) and archive.get("x") is None
        assert [kept.item.id for kept in archive.history("a")] == ["a"]
        with pytest.raises(ArgumentError, match="unknown channel 'chnia'"):
            archive.articles(Filters(channels=("chnia",)))
        with pytest.raises(CatalogueError, match=r"(?i)read.?only"), archive.catalogue.begin() as connection:
            connection.exec_driver_sql("DELETE FROM articles")


def test_where_there_is_no_archive_none_is_made(tmp_path: Path) -> None:
    for place in (tmp_path, f"sqlite:///{tmp_path}/catalogue.db"):
        with pytest.raises(CatalogueError, match="there is no catalogue"):
            Archive(place)
    assert list(tmp_path.iterdir()) == []


def test_importing_the_package_imports_no_library() -> None:
    code = "import sinanews, sys; print(*sys.modules); sinanews.Archive; sinanews.Filters"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert not {"sqlalchemy", "scrapy", "sinanews.out.archive"} & set(done.stdout.split())


def test_a_body_that_is_kept_as_it_came_is_cleaned_on_its_way_out(catalogue: Catalogue) -> None:
    store(catalogue, "a", body_html='<p onclick="x()">文</p><script>x()</script>', url=None, layout="seed")
    item, _ = catalogue.contents.get("a", 1) or (None, None)
    with catalogue.begin() as connection:
        assert item is not None
        catalogue.contents.put(connection, item, 1, NOW, verbatim=True)
    assert [one.body_html for one in Articles(catalogue).select()] == ["<p>文</p>"]
