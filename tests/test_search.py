# ruff: noqa: F811  # a fixture and the argument that asks for it have one name
"""What a search finds is what a look through every title and text finds, on each database there is."""

from __future__ import annotations

import os
import random
import re
import unicodedata
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import select

from sinanews import Archive, Filters
from sinanews.archive.indexing import index_next, make_whole
from sinanews.catalogue import Catalogue
from sinanews.catalogue.search import index as search_index
from sinanews.catalogue.search import postgresql, sqlite
from sinanews.catalogue.search.folding import _folded, fold, tokens
from sinanews.catalogue.search.query import Query, parse_query
from sinanews.catalogue.tables import article_stocks, search_docs
from sinanews.duplicates.decision import TakesOver
from sinanews.duplicates.fingerprint import fingerprint_of
from sinanews.exceptions import ArgumentError, CatalogueError
from sinanews.items import ArticleItem
from sinanews.samplesite import texts
from tests.test_catalogue import catalogue, url  # noqa: F401  # fixtures: each database there is

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
FULL = os.environ.get("SINANEWS_FAULTS") == "full"
MANY = 100_000 if FULL else 300


def store(catalogue: Catalogue, name: str, title: str, body: str = "", hours: float | None = 0, **its: object) -> None:
    when = NOW - timedelta(hours=hours) if hours is not None else None
    stocks = its.pop("stocks", [])
    columns = {"state": "exported", "revision": 1, "path": f"金融/{name}.md", "media": None, **its}
    item = ArticleItem(
        id=name, url=None, title=title, body_text=body, published_at=when, stocks=stocks, media=columns["media"]
    )  # type: ignore[arg-type]
    catalogue.record(name, NOW, title=title, published_at=when, content=item, **columns)  # type: ignore[arg-type]


def found(catalogue: Catalogue, query: str, filters: Filters = Filters(), **how: object) -> list[str]:  # noqa: B008
    return [one.id for one in Archive.of(catalogue, None).search(query, filters, **how)]  # type: ignore[arg-type]


# --- what is asked for -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, all_of, none_of",
    [
        ("降准", [["降准"]], []),
        ("降准 存款准备金率", [["降准"], ["存款准备金率"]], []),
        ("降准　降息", [["降准"], ["降息"]], []),
        ("降准 OR 降息 银行", [["降准", "降息"], ["银行"]], []),
        ("a OR b OR a", [["a", "b"]], []),
        ('"Wall  Street" ＥＴＦ', [["wall street"], ["etf"]], []),
        ("“沪深 指数”", [["沪深 指数"]], []),
        ("「降准」-股市", [["降准"], ["-股市"]], []),
        ("降准 -股市 －美股", [["降准"]], ["股市", "美股"]),
        ('降准 -"美 股"', [["降准"]], ["美 股"]),
        ("A-B -", [["a-b"], ["-"]], []),
        ('"-5.5%"', [["-5.5%"]], []),
        ('降准 "没有结尾', [["降准"], ["没有结尾"]], []),
        ('央行："箭在弦上"', [["央行:"], ["箭在弦上"]], []),
        ("OR 降准 OR", [["降准"]], []),
        ('"OR" or', [["or"], ["or"]], []),
        ("滙豐 “” 降准", [["汇丰"], ["降准"]], []),
        ("(NEAR) * ^ a:b", [["(near)"], ["*"], ["^"], ["a:b"]], []),
    ],
)
def test_a_query_is_read_as_it_is_meant(text: str, all_of: list[list[str]], none_of: list[str]) -> None:
    assert parse_query(text) == Query(tuple(map(tuple, all_of)), tuple(none_of))


@pytest.mark.parametrize("text, words", [
    ("", "name a word"), (' "" ', "name a word"), ("-降准", "beside what is to be absent"), ("a OR -b", "OR -b"),
    ("长" * 1001, "1000"), (" ".join("一" * 51), "too many words"),
])  # fmt: skip
def test_a_query_that_asks_for_nothing_is_told(text: str, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        parse_query(text)


def test_folding_twice_changes_nothing() -> None:
    rng = random.Random(1)
    for _ in range(3000):
        text = "".join(chr(rng.choice((rng.randrange(0x20, 0x3000), rng.randrange(0x110000)))) for _ in range(8))
        assert fold(fold(text)) == fold(text)
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f\ud800-\udfff]", fold(text))


def test_every_character_is_folded() -> None:
    """Only those of a set are looked up: none is left out of it."""
    table = _folded()
    for code in range(0x110000):
        if table[code] != chr(code) and not unicodedata.combining(chr(code)):
            assert fold(f"一{chr(code)}一") == fold(f"一{table[code]}一"), hex(code)


def test_each_character_is_a_token() -> None:
    assert len(tokens(fold("沪深300ETF，涨5.5%\n\n大 涨 sh600519")).split()) == len("沪深300etf,涨5.5%|大_涨_sh600519")


# --- the same as a plain scan ------------------------------------------------------------------------------


def plain_scan(articles: dict[str, str], query: Query) -> set[str]:
    return {
        name for name, text in articles.items()
        if all(any(word in text for word in group) for group in query.all_of)
        and not any(word in text for word in query.none_of)
    }  # fmt: skip


def prose(number: int) -> tuple[str, str]:
    """Made of the sample site's sentences, with rare names, Latin words, numbers and spaces put in."""
    rng, story = random.Random(number), texts.story(number % 500, 1)
    body = list("\n".join((story.paragraphs * 2)[:12]))
    for _ in range(12):
        rare = "".join(chr(rng.randrange(0x4E00, 0x9FA5)) for _ in range(rng.randrange(1, 4)))
        word = rng.choice(
            (rare, f"sh{rng.randrange(600000, 606000)}", "ＥＴＦ 基金", f"{rng.uniform(0, 99):.2f}％", "A股", "滬深")
        )
        body.insert(rng.randrange(len(body)), word)
    return f"{story.title} {number}", "".join(body)


def words_of(rng: random.Random, articles: dict[str, str], number: int, least: int, most: int) -> Iterator[str]:
    folded = list(articles.values())
    for _ in range(number):
        text, length = rng.choice(folded), rng.randrange(least, most + 1)
        at = rng.randrange(len(text) - length)
        if word := " ".join(text[at : at + length].replace('"', "").split()):
            yield word


def test_it_finds_what_a_plain_scan_finds(catalogue: Catalogue) -> None:
    articles, rng = {}, random.Random(7)
    for start in range(0, MANY, 500):
        with catalogue.together():
            for number in range(start, min(start + 500, MANY)):
                title, body = prose(number)
                store(catalogue, f"i{number}", title, body, rng.randrange(0, 9 * MANY) / 60)
                articles[f"i{number}"] = f"{fold(title)}\n{fold(body)}"
    asked = [*words_of(rng, articles, 200, 1, 4), *words_of(rng, articles, 50, 5, 30)]
    asked += [
        "司公",
        "的的",
        "600519",
        "9",
        "1",
        "z",
        "%",
        "-",
        "。",
        "etf 基金",
        "滬深",
        "Ａ股",
        "f 基",
        "没有这样的话",
        "涨 5",
    ]
    queries = [Query(((word,),)) for word in asked]
    queries += [Query(tuple((word,) for word in rng.sample(asked, 2)), (rng.choice(asked),)) for _ in range(50)]
    queries += [Query((tuple(rng.sample(asked, 2)), (rng.choice(asked),))) for _ in range(50)]
    for query in queries:
        query = Query(tuple(tuple(map(fold, group)) for group in query.all_of), tuple(map(fold, query.none_of)))
        newest = list(catalogue.search.find(query))
        assert len(newest) == len(set(newest))
        assert set(newest) == plain_scan(articles, query), query
        assert sorted(catalogue.search.find(query, best=True)) == sorted(newest), query
        found_in = list(catalogue.search.find(query, narrow=()))
        assert found_in == newest


def test_a_phrase_does_not_cross_paragraphs_and_needs_its_spaces(catalogue: Catalogue) -> None:
    store(catalogue, "a", "降", "准备 金\n率，下调")
    for query, there in (
        ("降准", 0),
        ("准备金", 0),
        ('"准备 金"', 1),
        ("金率", 0),
        ("率，下", 1),
        ("率,下", 1),
        ("率下", 0),
    ):
        assert len(found(catalogue, query)) == there, query


def test_width_case_and_script_are_the_same(catalogue: Catalogue) -> None:
    store(catalogue, "a", "ＥＴＦ與A股", "滬深後市：漲５.５％，sh600519、Café")
    for query in (
        "etf",
        "Etf",
        "ａ股",
        "与a股",
        "與Ａ",
        "后市",
        "後市",
        "沪深",
        "涨5.5%",
        "SH600519",
        "600519",
        "sh6",
        "9",
        "CAFÉ",
        "cafe\u0301",
    ):
        assert found(catalogue, query) == ["a"], query
    assert found(catalogue, "cafe") == []


def test_a_common_word_is_found_however_often_and_far_down(catalogue: Catalogue) -> None:
    """PostgreSQL's own search keeps 256 places of a word, and none beyond the 16,383rd."""
    filler = "股市上涨股市下跌。" * 4000
    store(catalogue, "a", "长文", f"{filler}跌市\n{filler}降准")
    assert found(catalogue, "降准") == found(catalogue, "跌市") == found(catalogue, "股市下跌 降准") == ["a"]
    assert found(catalogue, "市股") == []


def test_a_text_beyond_measure_loses_no_article(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(search_index, "MOST", 100)
    store(catalogue, "a", "长文", "开头" + "。" * 200 + "结尾\ud800\x00")
    assert found(catalogue, "开头") == ["a"]
    assert found(catalogue, "结尾") == []
    assert "the first 100 characters" in caplog.text


# --- in which order ----------------------------------------------------------------------------------------


def test_the_newest_come_first_however_late_they_were_stored(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_index, "FIRST", 2)
    ages = {"b": 5, "a": 5, "z": 0.1, "c": 30, "d": 0.5, "e": 0.6, "old": 24 * 365 * 60, "y": 5.01}
    for name, hours in ages.items():
        store(catalogue, name, "降准", hours=hours)
    for name in ("u2", "u1"):
        store(catalogue, name, "降准", hours=None)
    everything = ["z", "d", "e", "b", "a", "y", "c", "old", "u1", "u2"]
    assert found(catalogue, "降准") == everything
    assert found(catalogue, "降准", limit=4) == everything[:4]
    assert [one.id for one in Archive.of(catalogue, None)] == everything, "as the articles themselves"
    since, until = NOW - timedelta(hours=5), NOW - timedelta(hours=0.5)
    assert found(catalogue, "降准", Filters(since=since, until=until)) == ["e", "b", "a"]
    assert set(found(catalogue, "降准", Filters(since=since, until=until), best=True)) == {"e", "b", "a"}
    assert found(catalogue, "降准", Filters(until=NOW - timedelta(hours=29))) == ["c", "old"]
    monkeypatch.setattr(search_index, "FEW_FIRST", 2)
    assert found(catalogue, "降准", Filters(ids=tuple(ages))) == everything[:-2], "in pieces"
    assert found(catalogue, "降准", Filters(ids=("b", "a", "y", "u2"), since=since - timedelta(1))) == ["b", "a", "y"]


def test_the_best_are_most_about_the_words(catalogue: Catalogue) -> None:
    store(catalogue, "once", "市场", "降准。" + "其他的话。" * 100)
    store(catalogue, "often", "市场", "降准。" * 20 + "其他的话。" * 20, hours=1)
    store(catalogue, "title", "降准了", "降准。" * 5, hours=2)
    assert found(catalogue, "降准") == ["once", "often", "title"]
    assert found(catalogue, "降准", best=True) == ["title", "often", "once"]
    assert found(catalogue, "降准", best=True, limit=1) == ["title"]
    assert found(catalogue, "降准", Filters(ids=("once", "title")), best=True) == ["title", "once"]


def test_of_many_the_newest_are_rated(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    for engine in (sqlite, postgresql):
        monkeypatch.setattr(engine, "RATED", 2)
    store(catalogue, "once", "市场", "降准。" + "其他的话。" * 100)
    store(catalogue, "often", "市场", "降准。" * 20 + "其他的话。" * 20, hours=1)
    store(catalogue, "title", "降准了", "降准。" * 5, hours=2)
    assert found(catalogue, "降准", best=True) == ["often", "once", "title"], "older ones follow"
    assert found(catalogue, "降准", Filters(ids=("once", "title")), best=True) == ["title", "once"], "a filter first"


def test_filters_hold(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(8):
        stocks = ["sh600519"] if number % 2 else ["JPM", "sh600519"] if number == 4 else []
        store(
            catalogue,
            f"i{number}",
            "降准",
            hours=number,
            stocks=stocks,
            media=("某报", "某台")[number % 3 == 0],
            kind="article",
        )
    for few in (500, 0):
        monkeypatch.setattr(search_index, "FEW", few)
        assert found(catalogue, "降准", Filters(stocks=("sh600519",))) == ["i1", "i3", "i4", "i5", "i7"]
        assert found(catalogue, "降准", Filters(stocks=("JPM",), media=("某台",))) == []
        assert found(catalogue, "降准", Filters(media=("某台",))) == ["i0", "i3", "i6"]
        assert found(catalogue, "降准", Filters(stocks=("sh600519",)), best=True, limit=9) != []
    assert Archive.of(catalogue, None).count(Filters(stocks=("sh600519",))) == 5


# --- kept with the articles --------------------------------------------------------------------------------


def test_what_is_exported_is_found_and_nothing_else(catalogue: Catalogue) -> None:
    store(catalogue, "a", "降准")
    store(catalogue, "a", "加息", revision=2)
    assert (found(catalogue, "降准"), found(catalogue, "加息")) == ([], ["a"])
    store(catalogue, "b", "加息又加息", takes_over=TakesOver("a", "complete"))
    assert found(catalogue, "加息") == ["b"]
    store(catalogue, "c", "加息", duplicate_of="b", reason="story")
    assert found(catalogue, "加息") == ["c", "b"], "a copy that has a post is found"
    catalogue.record("c", NOW, state="duplicate", duplicate_of="b", reason="story", title="加息")
    catalogue.listed([{"id": "d", "url": None, "title": "加息", "published_at": NOW}], "china", NOW)
    catalogue.failed("e", "timeout", "", NOW, title="加息")
    assert found(catalogue, "加息") == ["b"]
    catalogue.touch("b", NOW, state="pending")
    assert found(catalogue, "加息") == []
    store(catalogue, "b", "加息", revision=2)
    assert found(catalogue, "加息") == ["b"]


def test_a_row_that_gets_its_id_is_found_by_it(catalogue: Catalogue) -> None:
    from sinanews.posts.naming import file_id

    whole = "https://k.sina.com.cn/" + "x" * 200
    store(catalogue, file_id(whole), "降准", stocks=["JPM"])
    catalogue.known([whole])
    assert found(catalogue, "降准") == [whole]
    assert found(catalogue, "降准", Filters(stocks=("JPM",))) == [whole]


def test_what_is_rolled_back_is_not_found(catalogue: Catalogue) -> None:
    with pytest.raises(RuntimeError), catalogue.together():
        store(catalogue, "a", "降准")
        raise RuntimeError
    assert found(catalogue, "降准") == []
    store(catalogue, "b", "降准")
    assert found(catalogue, "降准") == ["b"]


def test_stocks_follow_the_article(catalogue: Catalogue) -> None:
    store(catalogue, "a", "一", stocks=["sh600519", "JPM", "JPM"])
    store(catalogue, "a", "一", stocks=["sz000001"], revision=2)
    with catalogue.read() as connection:
        assert connection.execute(select(article_stocks)).all() == [("a", "sz000001")]


# --- left out, and made anew -------------------------------------------------------------------------------


def test_what_was_left_out_is_put_in_by_and_by(url: str) -> None:
    without = Catalogue(url, search=False)
    store(without, "a", "降准", stocks=["JPM"])
    with pytest.raises(CatalogueError, match="scrapy reindex"):
        found(without, "降准")
    assert index_next(without, None) is None
    without.close()
    catalogue = Catalogue(url)
    store(catalogue, "b", "降准", hours=1)
    assert (found(catalogue, "降准"), catalogue.search.state()) == (["b"], "partial")
    while index_next(catalogue, None, 1) is not None:
        pass
    assert (found(catalogue, "降准"), catalogue.search.state()) == (["a", "b"], "whole")
    catalogue.close()


def test_an_edit_while_it_is_left_out_is_not_found_by_its_old_words(url: str) -> None:
    catalogue = Catalogue(url)
    store(catalogue, "a", "降准")
    catalogue.search.on = False
    store(catalogue, "a", "加息", revision=2)
    assert found(catalogue, "降准") == []
    catalogue.search.on = True
    make_whole(catalogue, None)
    assert found(catalogue, "加息") == ["a"]
    catalogue.close()


def test_made_anew_in_steps_that_may_end_at_any_one(catalogue: Catalogue) -> None:
    for number in range(7):
        store(catalogue, f"i{number}", "降准", hours=number)
    everything = found(catalogue, "降准")
    with catalogue.together() as connection:
        catalogue.search.begin_anew(connection)
    index_next(catalogue, None, 3)
    assert len(found(catalogue, "降准")) == 3
    store(catalogue, "i1", "降准", hours=1, revision=2)
    store(catalogue, "i6", "降准", hours=6, revision=2)
    make_whole(catalogue, None)
    assert (found(catalogue, "降准"), catalogue.search.state()) == (everything, "whole")
    with catalogue.read() as connection:
        docs = connection.scalars(select(search_docs.c.article_id)).all()
        assert catalogue.search.engine.texts(connection) == len(docs)
    assert sorted(filter(None, docs)) == sorted(everything)


def test_an_index_that_somebody_dropped_is_told_and_made(url: str) -> None:
    catalogue = Catalogue(url)
    store(catalogue, "a", "降准")
    with catalogue.together() as connection:
        catalogue.search.engine.drop(connection)
    assert catalogue.search.state() == "none"
    catalogue.close()
    catalogue = Catalogue(url)
    assert catalogue.search.state() == "partial"
    make_whole(catalogue, None)
    assert found(catalogue, "降准") == ["a"]
    catalogue.close()


def test_what_is_committed_together_is_written_once(tmp_path: Path) -> None:
    """FTS5 writes at each savepoint, and SQLite makes one for a RETURNING: every article was written by itself."""
    catalogue = Catalogue(f"sqlite:///{tmp_path}/catalogue.db")
    with catalogue.together():
        for number in range(3):
            title, body = prose(number)
            item = ArticleItem(id=f"i{number}", url=None, title=title, body_text=body)
            store(catalogue, item.id, title, body, sketch=fingerprint_of(item).sketch)
    with catalogue.read() as connection:
        assert connection.exec_driver_sql("SELECT count(DISTINCT segid) FROM search_index_idx").scalar() == 1
    catalogue.close()
