"""``scrapy browse``: what Datasette shows of an archive, asked as a browser asks."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from sinanews import Archive
from sinanews.catalogue import Catalogue
from sinanews.exceptions import ArgumentError
from sinanews.out.browse.server import application
from tests.conftest import PROJECT, TemporaryArchive
from tests.test_out import store

httpx = pytest.importorskip("httpx")
pytest.importorskip("datasette")
HOSTILE = "<script>alert(1)</script> \"=1+2\" 'x' ]]>"


@pytest.fixture
def filled(archive: TemporaryArchive) -> TemporaryArchive:
    archive.folder.mkdir(exist_ok=True)
    catalogue = Catalogue(archive.place["SINANEWS_DATABASE"])
    store(catalogue, "a", 1, title="央行宣布降准", media="某报", stocks=["sh600519"], body_text="存款准备金率下调。")
    store(catalogue, "b", 20, title=HOSTILE, channel="macro", body_text="别的", body_html="<p>别的</p>")
    store(
        catalogue,
        "b",
        20,
        title=f"{HOSTILE}改",
        channel="macro",
        body_text="别的改",
        body_html="<p>别的改</p>",
        revision=2,
    )
    store(catalogue, "live/1?x", 2, url=None, title="快讯", kind="live", channel="live-152")
    store(catalogue, "e", 3, "duplicate", duplicate_of="a", similarity=0.9, path=None, media="别报")
    catalogue.close()
    return archive


@pytest.fixture
def ask(filled: TemporaryArchive) -> Callable[..., Any]:
    """The answer to a path; ``everything``: with --all."""

    def ask(path: str, *, everything: bool = False, host: str = "127.0.0.1:8001") -> Any:
        async def get(app: Any) -> Any:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=f"http://{host}") as client:
                return await client.get(path)

        with Archive(filled.place["SINANEWS_DATABASE"], filled.exports) as archive:
            return asyncio.run(get(application(archive, everything=everything)))

    return ask


def test_articles_read_well_in_a_list(ask: Callable[..., Any]) -> None:
    page = ask("/archive/news")
    assert page.status_code == 200 and "<h1>文章</h1>" in page.text
    for words in ("标题", "发布时间", "2026-11-23 19:00", "国內", "宏观经济", "某报", "7x24 152", 'name="_search"', 'href="/article/a"',
                  'href="/article/live~2F1~3Fx"', "stocks__arraycontains=sh600519"):  # fmt: skip
        assert words in page.text, words
    assert "<script>alert" not in page.text
    facets = ask("/archive/news.json").json()["facet_results"]
    assert {facet["name"]: facet["results"][0]["value"] for facet in facets.values()}.keys() == {
        "channel",
        "medium",
        "stocks",
        "day",
    }
    assert [row[0] for row in ask("/archive/news.json?stocks__arraycontains=sh600519").json()["rows"]] == [
        "央行宣布降准"
    ]


@pytest.mark.parametrize(
    ("query", "found"),
    [("降准", ["央行宣布降准"]), ("准备金", ["央行宣布降准"]), ("降准 OR 别", 2), ("没有", []), ('"', None)],
)
def test_the_search_box_finds_what_search_finds(ask: Callable[..., Any], query: str, found: Any) -> None:
    page = ask(f"/archive/news.json?_search={query}")
    assert page.status_code == 200
    titles = [row[0] for row in page.json()["rows"]]
    assert found is None or titles == found or len(titles) == found


def test_sql_can_search_and_unpack(ask: Callable[..., Any]) -> None:
    sql = "SELECT id, body(id) FROM news WHERE id IN (SELECT value FROM json_each(search('准备金率')))"
    assert ask(f"/archive.json?sql={sql}&_shape=arrays").json()["rows"] == [["a", "存款准备金率下调。"]]
    for sql in ("DELETE FROM articles", "CREATE TABLE x (a)"):
        assert ask(f"/archive.json?sql={sql}").status_code == 400


def test_an_article_has_a_page_that_runs_nothing(ask: Callable[..., Any]) -> None:
    page = ask("/article/b")
    assert page.status_code == 200 and "<p>别的改</p>" in page.text and "<script>alert" not in page.text
    assert "script-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "<p>别的</p>" in ask("/article/b?revision=1").text and 'href="?revision=1"' in page.text
    assert "首发" in ask("/article/e").text and "快讯" in ask("/article/live~2F1~3Fx").text
    assert ask("/article/none").status_code == 404


def test_the_catalogues_own_tables_are_shown_only_if_asked_for(ask: Callable[..., Any]) -> None:
    shown, everything = ask("/archive.json").json(), ask("/archive.json", everything=True).json()
    assert ([view["name"] for view in shown["views"]], shown["tables"]) == (["news", "copies", "edits"], [])
    assert "articles" in {table["name"] for table in everything["tables"]} and len(everything["views"]) == 3
    assert ask("/archive/articles").status_code == 404 and ask("/archive/articles", everything=True).status_code == 200


def test_only_this_machine_is_answered(ask: Callable[..., Any]) -> None:
    assert ask("/archive/news", host="archive.example").status_code == 421
    assert ask("/", host="localhost:8001").headers["location"] == "/archive/news"


def test_a_catalogue_in_postgresql_is_for_export(postgres: str) -> None:
    catalogue = Catalogue(postgres)
    with pytest.raises(ArgumentError, match="scrapy export"):
        application(Archive.of(catalogue, None))
    catalogue.close()


def test_the_command_answers_until_a_signal_and_names_a_port_that_is_taken(filled: TemporaryArchive) -> None:
    command = filled.command("browse", "--port", "0")
    with subprocess.Popen(command, cwd=PROJECT, env=filled.environment, stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            (address,) = re.findall(r"http://\S+", running.stdout.readline())
            with urllib.request.urlopen(address.replace("/news", ".json"), timeout=20) as answer:
                assert len(json.load(answer)["views"]) == 3
        finally:
            running.terminate()
        running.communicate(timeout=20)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(filled.command("browse", "--port", port), cwd=PROJECT, env=filled.environment, capture_output=True, text=True, timeout=60)  # fmt: skip
    assert done.returncode == 2 and f"port {port}" in done.stderr and "--port" in done.stderr


def test_without_datasette_a_line_names_the_extra(filled: TemporaryArchive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasette.app", None)
    with (
        Archive(filled.place["SINANEWS_DATABASE"]) as archive,
        pytest.raises(ArgumentError, match=r"sinanews\[browse\]"),
    ):
        application(archive)
