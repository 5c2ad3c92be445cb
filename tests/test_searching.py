"""``scrapy search`` and ``reindex``, and an index that agrees with the articles whatever happens."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path

import pytest
from rich.cells import cell_len

from sinanews.catalogue import Catalogue
from sinanews.samplesite import SampleSite
from sinanews.terminal.context import context_of, marked
from sinanews.watch.searchable import check_index
from tests.conftest import TemporaryArchive
from tests.scenes import stopped_at
from tests.test_catalogue import OLD
from tests.test_search import store

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)


@pytest.fixture
def filled(archive: TemporaryArchive) -> Iterator[TemporaryArchive]:
    archive.exports.mkdir()
    catalogue = Catalogue(archive.place["SINANEWS_DATABASE"])
    store(
        catalogue,
        "a",
        "央行宣布降准",
        "导语。\n人民银行决定降准0.5个百分点，释放资金。" + "后来的话。" * 50,
        media="某报",
        stocks=["sh600519"],
    )
    store(catalogue, "b", "市场看降准", "股市。", hours=1)
    store(catalogue, "c", "\x1b]0;坏\x07\u202e坏\x1b[2J标题 <b>", "坏\x1b[31m词\r\n\u202e" * 20, hours=2)
    catalogue.close()
    yield archive


def test_it_prints_what_it_finds(filled: TemporaryArchive) -> None:
    done = filled.run("search", "降准", "-a", "stocks=600519")
    assert done.returncode == 0, done.stderr
    first, second, third = done.stdout.splitlines()
    assert first == "2026-11-23 20:00  某报  央行宣布降准"
    assert second.startswith("  人民银行决定降准0.5个百分点，释放资金。后来") and second.endswith("…")
    assert third == "  金融/a.md"
    assert filled.run("search", "降准").stdout.count("降准") == 3
    assert filled.run("search", "降准", "-股市").stdout.count(".md") == 1
    assert filled.run("search", "--limit", "1", "--best", "降准").stdout.count(".md") == 1


def test_it_prints_json(filled: TemporaryArchive) -> None:
    first, second = json.loads(filled.run("search", "降准", "--json").stdout)
    assert (first["id"], first["published_at"], first["path"]) == ("a", "2026-11-23T20:00:00+08:00", "金融/a.md")
    assert first["stocks"] == ["sh600519"] and "决定降准0.5" in first["context"]
    assert second["id"] == "b"
    assert json.loads(filled.run("search", "没有", "--json").stdout) == []


@pytest.mark.parametrize(
    "words, code, told",
    [
        (["没有这样的词"], 1, "sinanews: no article has 没有这样的词\n"),
        (["降准", "-a", "since=2030-01-01"], 1, "sinanews: no article has 降准 with since\n"),
        ([], 2, "sinanews: name a word to look for"),
        (["-降准"], 2, "name a word to look for beside what is to be absent"),
        (["降准", "--limit", "0"], 2, "--limit is a number from 1"),
        (["降准", "-a", "stock=1"], 2, "unknown argument 'stock'"),
        (["降准", "-a", "channels=nothing"], 2, "unknown channel"),
    ],
)
def test_nothing_and_mistakes_are_a_line(filled: TemporaryArchive, words: list[str], code: int, told: str) -> None:
    done = filled.run("search", *words)
    assert done.returncode == code
    assert told in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_hostile_text_moves_no_cursor(filled: TemporaryArchive) -> None:
    shown = filled.run("search", "坏").stdout
    assert "坏" in shown and "<b>" in shown
    assert all(char.isprintable() or char == "\n" for char in shown)


@pytest.mark.parametrize("width", [20, 60, 80, 120])
def test_the_context_fits_and_has_the_word(width: int) -> None:
    for before in (0, 3, 40, 3000):
        body = "开头\n" + "前面的话a，" * before + "這裡降準了" + "後面的話" * before
        text = context_of(body, ("降准",), width)
        assert cell_len(text.plain) <= width
        assert text.plain.count("降準") == 1
        assert [text.plain[span.start : span.end] for span in text.spans] == ["降準"]
    assert context_of("没有\n也没有", ("降准",), width).plain == "没有"
    assert context_of("", ("降准",), width).plain == ""
    assert len(marked("降准ＥＴＦ降准", ("降准", "etf")).spans) == 3


def test_without_an_index_it_says_what_makes_one(archive: TemporaryArchive, site: SampleSite) -> None:
    done = archive.run("search", "降准")
    assert (done.returncode, "no catalogue" in done.stdout) == (1, True)
    archive.crawl("seeds", SINANEWS_SEARCH="0")
    done = archive.run("search", "的", SINANEWS_SEARCH="0")
    assert done.returncode == 6 and "scrapy reindex" in done.stderr
    done = archive.run("search", "的")
    assert done.returncode == 1 and "scrapy reindex" in done.stderr
    done = archive.run("reindex", SINANEWS_SEARCH="0")
    assert done.returncode == 2 and "SINANEWS_SEARCH=0" in done.stderr
    done = archive.run("reindex")
    number = len(archive.ids())
    assert (done.returncode, done.stdout) == (
        0,
        f"sinanews: {number} article looked at; scrapy search finds {number}\n",
    )
    again = archive.run("reindex")
    assert again.stdout == done.stdout, "made anew"
    found = archive.run("search", "的", "--json", "--limit", "99")
    assert found.stderr == "" and 0 < len(json.loads(found.stdout)) <= number


def agreeing(archive: TemporaryArchive) -> None:
    catalogue = Catalogue(archive.place["SINANEWS_DATABASE"])
    assert list(check_index(catalogue)) == []
    catalogue.close()
    indexed = {str(one) for (one,) in archive.query("SELECT article_id FROM search_docs WHERE article_id IS NOT NULL")}
    assert indexed == archive.ids()


def test_index_and_articles_are_equal_after_kill_9(archive: TemporaryArchive, site: SampleSite) -> None:
    for number in (9, 21):
        assert stopped_at(archive, site, number, signal.SIGKILL, []) == -signal.SIGKILL
        if archive.database.exists():
            agreeing(archive)
    archive.crawl("sina_finance", mirror=site.url)
    agreeing(archive)
    entry = next(one for one in site.entries if one.id in archive.ids())
    found = archive.run("search", f'"{entry.text().title}"', "--json").stdout
    assert entry.id in {one["id"] for one in json.loads(found)}


def test_an_old_catalogue_is_searched_after_a_crawl(archive: TemporaryArchive) -> None:
    shutil.copytree(OLD, archive.exports, ignore=shutil.ignore_patterns("*.sql"))
    with closing(sqlite3.connect(archive.database)) as connection:
        connection.executescript((OLD / "catalogue.sql").read_text("utf-8"))
    done = archive.run("search", "的")
    assert "scrapy reindex" in done.stderr
    assert archive.run("reindex").returncode == 0
    agreeing(archive)
    assert archive.query("SELECT * FROM upkeep") == []
    assert json.loads(archive.run("search", "的", "--json").stdout) != []


def test_verify_tells_what_searches_do_not_find_and_repairs_it(archive: TemporaryArchive) -> None:
    with SampleSite(articles=6, reprints=0) as site:
        archive.crawl("sina_finance", mirror=site.url)
    one, other, third = sorted(archive.ids())[:3]
    assert archive.run("verify").returncode == 0
    archive.write(f"UPDATE search_docs SET article_id = NULL WHERE article_id = '{one}'")
    archive.write(f"UPDATE search_docs SET revision = 9 WHERE article_id = '{other}'")
    archive.write(f"UPDATE articles SET state = 'refused' WHERE id = '{third}'")
    told = archive.run("verify").stdout
    assert told.count("unfound: ") == 2 and told.count("still_found: ") == 1
    archive.write(f"UPDATE articles SET state = 'exported' WHERE id = '{third}'")
    archive.run("verify", "--repair", "--quick")
    agreeing(archive)
    archive.write("INSERT INTO search_docs (docid, revision) VALUES (5, 1)")
    assert "index: damaged" in archive.run("verify", "--quick").stdout
    archive.run("verify", "--repair")
    agreeing(archive)


def test_verify_looks_for_words(archive: TemporaryArchive, filled: TemporaryArchive) -> None:
    catalogue = Catalogue(archive.place["SINANEWS_DATABASE"])
    with catalogue.together() as connection:
        catalogue.search.put(connection, "a", 1, "另一个标题", "另一篇", NOW)
    assert [(kind, article) for kind, _, article in check_index(catalogue)] == [("unfound", "a")]
    assert list(check_index(catalogue, quick=True)) == []
    catalogue.close()


def test_rewrite_and_rebuild_keep_it(archive: TemporaryArchive, tmp_path: Path) -> None:
    archive.crawl("seeds")
    found = archive.run("search", "的", "--json").stdout
    archive.run("rewrite", SINANEWS_FRONT_MATTER_EXTRA="url,media")
    assert archive.run("search", "的", "--json").stdout == found
    archive.database.unlink()
    archive.run("catalogue", "rebuild")
    agreeing(archive)
    assert {one["id"] for one in json.loads(archive.run("search", "的", "--json").stdout)} == {
        one["id"] for one in json.loads(found)
    }
