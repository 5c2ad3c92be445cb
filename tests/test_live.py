"""The 7x24 live feed: rows as items, and whole crawls of it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinanews.dates import BEIJING
from sinanews.exceptions import ArgumentError, ListingError
from sinanews.listing.cursor import CursorPager, parse_cursor
from sinanews.listing.live import (
    PAGE_SIZE,
    Flash,
    item_of,
    parse_feed,
    parse_row,
    select_rooms,
)
from sinanews.posts import read_post
from sinanews.samplesite import SampleSite
from tests import processes
from tests.conftest import PROJECT, TemporaryArchive

EXAMPLES = settings(max_examples=int(os.environ.get("SINANEWS_EXAMPLES", "50")), deadline=None)
NOW = datetime(2026, 11, 23, 12, tzinfo=BEIJING)
ROW = {
    "id": "4000001", "zhibo_id": 152, "rich_text": "【青湾港吞吐量创新高】青湾港务集团称，十月吞吐量增长3.1%。", "type": 0,
    "create_time": "2026-11-20 07:19:14", "update_time": "2026-11-20 07:19:22", "is_delete": 0, "docurl": "",
    "tag": [{"id": "5", "name": "市场"}, {"id": 6, "name": "观点"}],
    "ext": json.dumps({"docurl": "https://finance.sina.com.cn/7x24/2026-11-20/doc-imabcdef1234567.shtml", "stocks": [
        {"market": "cn", "symbol": "sh699030", "key": "青湾"}, {"market": "hk", "symbol": "09930", "key": "青湾"},
        {"market": "us", "symbol": "qnwan", "key": "青湾"}, {"market": "CFF", "symbol": "nf_tf0", "key": "国债"},
        {"market": "cn", "symbol": "<script>"}, "none", {"market": ["cn"]},
    ]}),
}  # fmt: skip


def flash(**changes: Any) -> Flash:
    anomalies: list[str] = []
    found = parse_row({**ROW, **changes}, anomalies)
    assert found is not None, anomalies
    return found


def feed(*rows: Any) -> bytes:
    return json.dumps({"result": {"status": {"code": 0}, "data": {"feed": {"list": list(rows)}}}}).encode()


def test_a_row_becomes_an_item() -> None:
    (room,) = select_rooms(["财经"])
    item = item_of(flash(), room, NOW)
    assert (item.id, item.url, item.kind, item.channel) == ("live-152-4000001", None, "live", "live-152")
    assert item.title == "青湾港吞吐量创新高"
    assert item.published_at == datetime(2026, 11, 20, 7, 19, 14, tzinfo=BEIJING)
    assert item.published_at.isoformat().endswith("+08:00")
    assert item.stocks == ["sh699030", "hk09930", "QNWAN"]
    assert item.keywords == ["市场", "观点"]
    assert item.categories == ["金融", "新浪财经", "新浪财经－7x24"]
    assert item.refers_to == "imabcdef1234567"
    assert item.body_html == "<p>【青湾港吞吐量创新高】青湾港务集团称，十月吞吐量增长3.1%。</p>"


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("【青湾】【港口】正文。", "青湾"),
        ("青湾港：十月增3.1%，创新高。次月续增。", "青湾港：十月增3.1%，创新高"),
        ("正文里有【括号】的一句。", "正文里有【括号】的一句"),
        ("长" * 200, "长" * 79 + "…"),
        ("【】空的括号。", "【】空的括号"),
    ],
)
def test_headlines(text: str, title: str) -> None:
    assert flash(rich_text=text).title == title


def test_markup_in_a_row_stays_text_or_goes() -> None:
    (room,) = select_rooms(["152"])
    text = "A<5 &lt;script&gt;alert(1)&lt;/script&gt;<br/>第二段<img src=x onerror=alert(1)><a href='javascript:x'>链接</a>"
    body = item_of(flash(rich_text=text), room, NOW).body_html
    assert body == "<p>A&lt;5 &lt;script&gt;alert(1)&lt;/script&gt;</p><p>第二段链接</p>"


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"rich_text": None}, ["row_without_text"]),
        ({"id": "x"}, ["row_without_id"]),
        ({"ext": "{"}, ["type_of_ext"]),
        ({"ext": "[]"}, ["type_of_ext"]),
        ({"tag": "市场"}, ["type_of_tag"]),
        ({"create_time": "soon"}, ["row_without_time"]),
        ({"create_time": 5}, ["type_of_create_time", "row_without_time"]),
        ({"is_delete": 1}, []),
    ],
)
def test_what_is_strange_is_named(changes: dict[str, Any], names: list[str]) -> None:
    assert list(parse_feed(feed({**ROW, **changes}, {**ROW, "id": 77})).anomalies) == names


def test_rows_of_which_none_can_be_used_are_no_end_of_a_feed() -> None:
    with pytest.raises(ListingError, match="none of its 2 rows"):
        parse_feed(feed({**ROW, "rich_text": ""}, {**ROW, "id": "x"}))
    assert parse_feed(feed({**ROW, "is_delete": 1})).dropped == 1


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(sorted(ROW)) | st.text(), inner, max_size=4))  # fmt: skip


@EXAMPLES
@given(st.dictionaries(st.sampled_from(sorted(ROW)), JSON))
def test_no_row_breaks_its_neighbour(changes: dict[str, Any]) -> None:
    answer = parse_feed(feed({**ROW, **changes}, {**ROW, "id": 77}))
    assert "live-152-77" in {row.key for row in answer.rows}
    for row in answer.rows:
        assert isinstance(row, Flash)
        item_of(row, select_rooms(["152"])[0], NOW).body_html.encode()


@EXAMPLES
@given(JSON)
def test_any_json_is_read_or_refused(value: Any) -> None:
    for answer in (value, {"result": {"status": {"code": 0}, "data": value}}):
        try:
            parse_feed(json.dumps(answer).encode())
        except ListingError as error:
            assert error.reason


def test_rooms_by_number_and_name() -> None:
    assert [room.lid for room in select_rooms(["155", "财经"])] == [152, 155]
    assert len(select_rooms(["all"])) == 6
    with pytest.raises(ArgumentError, match="152"):
        select_rooms(["999"])


def test_a_real_row(corpus: Path) -> None:
    row = json.loads((corpus / "api/zhibo_entry_2025.json").read_text("utf-8"))
    answer = parse_feed(feed(row))
    assert answer.anomalies == ()
    (found,) = answer.rows
    assert isinstance(found, Flash)
    assert found.stocks == ("sh600030", "hk06030", "CIIHY")
    assert found.refers_to == "inetwqye5363994"
    assert row["rich_text"].startswith(f"【{found.title}】")


# --- whole crawls ------------------------------------------------------------------------------------------


def row_ids(site: SampleSite, place: int, room: int = 152) -> set[str]:
    """The sample site numbers its rows so."""
    return {f"live-{room}-{4_000_000 + 6 * k + place}" for k in range(site.live)}


def feed_requests(site: SampleSite) -> int:
    return sum(r.path == "/api/zhibo/feed" for r in site.requests)


def test_rooms_are_stored_once_and_apart_from_articles(archive: TemporaryArchive) -> None:
    with SampleSite(articles=30, live=45, reprints=0.0) as site:
        assert archive.crawl("sina_finance", mirror=site.url).returncode == 0
        articles = archive.ids()
        done = archive.crawl("sina_live", "-a", "rooms=152,市场", "-O", str(archive.feed), mirror=site.url)
        assert done.returncode == 0, done.stderr
        assert archive.ids() - articles == row_ids(site, 0) | row_ids(site, 3, 155)
        folder = archive.exports / "金融/新浪财经/新浪财经－7x24"
        assert len([p for p in archive.posts if folder in p.parents]) == 90
        referring = [item["refers_to"] for item in archive.items() if item["refers_to"]]
        assert referring and set(referring) & articles
        for item in archive.items():
            assert str(item["published_at"]).endswith("+08:00")
            assert item["body_text"] and item["title"]
        post = read_post(next(p for p in archive.posts if folder in p.parents).read_bytes())
        assert post.categories == ["金融", "新浪财经", "新浪财经－7x24"]
        site.requests.clear()
        done = archive.crawl("sina_live", "-a", "rooms=152,155", mirror=site.url)
        assert "nothing new" in done.stdout
        assert feed_requests(site) == 2


def test_rows_that_arrive_while_paging_and_between_runs(archive: TemporaryArchive) -> None:
    with SampleSite(articles=2, live=70) as site:
        site.on_request = lambda r: r.path == "/api/zhibo/feed" and site.publish_live(7)
        archive.crawl("sina_live", mirror=site.url)
        site.publish_live(50)
        site.on_request = None
        archive.crawl("sina_live", mirror=site.url)
        assert archive.ids() == row_ids(site, 0)
        assert len(archive.query("SELECT * FROM gaps")) == 0


def test_a_gap_in_a_room_is_filled_by_the_next_run(archive: TemporaryArchive) -> None:
    with SampleSite(articles=2, live=30) as site:
        archive.crawl("sina_live", mirror=site.url)
        site.publish_live(90)
        done = archive.crawl("sina_live", mirror=site.url, SINANEWS_MAX_PAGES="1")
        assert "gap 1" in done.stdout + done.stderr
        archive.crawl("sina_live", mirror=site.url, SINANEWS_MAX_PAGES="1")
        assert archive.ids() == row_ids(site, 0)
        assert archive.query("SELECT * FROM gaps") == []


def test_limit_and_since(archive: TemporaryArchive) -> None:
    with SampleSite(articles=2, live=100, newest=datetime.now(BEIJING)) as site:
        archive.crawl("sina_live", "-a", "limit=5", mirror=site.url)
        assert len(archive.ids()) == 5
        assert archive.crawl("sina_live", "-a", "since=1h", mirror=site.url).returncode == 0
        assert 35 <= len(archive.ids()) <= 41  # a row every 90 seconds
        archive.crawl("sina_live", mirror=site.url)
        assert len(archive.ids()) <= 41  # what since began with is the beginning


def test_html_for_json_is_counted_and_made_good(archive: TemporaryArchive) -> None:
    with SampleSite(articles=2, live=30) as site:
        site.faults.set("html_for_json", 1.0, where="live")
        done = archive.crawl("sina_live", mirror=site.url)
        assert done.returncode == 4
        assert "1 failed list (html 1)" in done.stderr
        site.faults.clear()
        assert archive.crawl("sina_live", mirror=site.url).returncode == 0
        assert archive.ids() == row_ids(site, 0)


def test_killed_and_run_again(archive: TemporaryArchive) -> None:
    with SampleSite(articles=2, live=5 * PAGE_SIZE) as site:
        process: list[subprocess.Popen[bytes]] = []
        site.on_request = lambda r: "page=3" in r.query and process[0].send_signal(signal.SIGKILL)
        process.append(follow(archive, site, "0"))
        process[0].communicate(timeout=60)
        assert 0 < len(archive.posts) < 4 * PAGE_SIZE
        site.on_request = None
        assert archive.crawl("sina_live", mirror=site.url).returncode == 0
        assert archive.ids() == row_ids(site, 0)


def follow(archive: TemporaryArchive, site: SampleSite, flag: str = "1") -> subprocess.Popen[bytes]:
    command = archive.command("crawl", "sina_live", "-a", f"follow={flag}", mirror=site.url, SINANEWS_POLL="0.2")
    return processes.Popen(command, cwd=PROJECT, env=archive.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_following_until_a_signal(archive: TemporaryArchive, sent: signal.Signals) -> None:
    with SampleSite(articles=2, live=20) as site:
        process = follow(archive, site)
        deadline = time.monotonic() + 60
        while feed_requests(site) < 4 and time.monotonic() < deadline:
            time.sleep(0.02)
        site.publish_live(9)
        while len(archive.posts) < 29 and time.monotonic() < deadline:
            time.sleep(0.02)
        asked = time.monotonic()
        process.send_signal(sent)
        output = process.communicate(timeout=30)[0].decode()
        assert process.returncode == 0, output
        assert time.monotonic() - asked < 10
        assert re.search(r"sinanews: 29 articles exported", output), output
        assert archive.ids() == row_ids(site, 0)
        assert archive.query("SELECT outcome FROM runs") == [("ok",)]


# --- outages longer than the feed reaches -------------------------------------------------------------------


def live_gaps(archive: TemporaryArchive) -> list[tuple[object, ...]]:
    return archive.query("SELECT channel, tries FROM gaps")


def cursor_requests(site: SampleSite) -> list[str]:
    return [r.query for r in site.requests if r.path == "/api/news/pc"]


@pytest.mark.parametrize("shift", [0, 7_000_001])
def test_an_outage_longer_than_the_feed_is_filled_from_the_other(archive: TemporaryArchive, shift: int) -> None:
    """Whether its ids are the room's or others: each row is stored once, and without its readers' comments."""
    with SampleSite(articles=2, live=60) as site:
        site.cursor_shift, site.live_reach = shift, 100
        archive.crawl("sina_live", mirror=site.url)
        assert cursor_requests(site) == [], "nothing was missing"
        site.publish_live(180)
        done = archive.crawl("sina_live", "-O", str(archive.feed), mirror=site.url, LOG_LEVEL="DEBUG")
        assert done.returncode == 0, done.stderr[-3000:]
        assert "gap 1" in done.stdout
        assert live_gaps(archive) == []
        assert len(archive.ids()) == len(archive.posts) == 60 + 180
        times = [t for (t,) in archive.query("SELECT published_at FROM articles")]
        assert len(set(times)) == len(times) == 240  # the sample's rows are 90 seconds apart
        if not shift:
            assert archive.ids() == row_ids(site, 0)
        site.requests.clear()
        done = archive.crawl("sina_live", mirror=site.url)
        assert (done.returncode, feed_requests(site), cursor_requests(site)) == (0, 1, []), done.stderr
        stored = archive.database.read_bytes() + archive.feed.read_bytes() + done.stderr.encode()
        stored += b"".join(p.read_bytes() for p in archive.posts)
        for personal in ("读者甲", "好评", "192.0.2.7", "青湾省远桥市", "comment_list"):
            assert personal.encode() not in stored
            assert json.dumps(personal)[1:-1].encode() not in stored


def test_a_gap_that_nothing_reaches_is_kept_told_once_and_asked_for_no_more(archive: TemporaryArchive) -> None:
    with SampleSite(articles=2, live=10) as site:
        site.live_reach, site.cursor_reach = 100, 150
        archive.crawl("sina_live", mirror=site.url)
        site.publish_live(200)
        site.faults.set("html_for_json", 1.0, where="cursor")
        assert archive.crawl("sina_live", mirror=site.url).returncode == 3, "a feed that fails proves nothing"
        assert live_gaps(archive) == [("live-152", 0)]
        site.faults.clear()
        done = archive.crawl("sina_live", mirror=site.url)
        assert (done.returncode, live_gaps(archive)) == (0, [("live-152", 1)]), done.stderr
        assert len(archive.ids()) == 10 + 150
        done = archive.crawl("sina_live", mirror=site.url)
        assert done.returncode == 1
        assert "gap_lost/live-152 1" in done.stderr
        assert live_gaps(archive) == [("live-152", 2)]
        site.requests.clear()
        done = archive.crawl("sina_live", mirror=site.url)
        assert (done.returncode, feed_requests(site), cursor_requests(site)) == (0, 1, [])
        assert "gap_lost/live-152" in archive.run("status", "--json").stdout


def cursor_page(*rows: dict[str, Any], level: int = 3) -> bytes:
    data: Any = list(rows)
    for name in ("list", "feed")[: level - 1]:
        data = {name: data}
    return json.dumps({"result": {"status": {"code": 0}, "data": data}}).encode()


BARE = {k: ROW[k] for k in ("id", "create_time", "rich_text", "docurl")}


@pytest.mark.parametrize("level", [1, 2, 3])
def test_the_cursor_feeds_answer(level: int) -> None:
    answer = parse_cursor(cursor_page(BARE, {**BARE, "id": 8, "zhibo_id": 155}, level=level))
    assert [row.key for row in answer.rows] == ["live-152-4000001"], "rows of other rooms are left out"
    assert parse_cursor(cursor_page(level=level)).rows == ()
    for body in (b"<html>", b'{"result":{"status":{"code":1}}}', cursor_page({"id": "x"}, level=level)):
        with pytest.raises(ListingError):
            parse_cursor(body)


@pytest.mark.parametrize(
    ("in_the_archive", "keys"),
    [
        ({}, ["live-152-c9", "live-152-c8"]),
        ({9: "live-152-9"}, ["live-152-9", "live-152-8"]),
        ({9: "live-152-70"}, ["live-152-70", "live-152-c8"]),
        ({9: "live-152-70", 8: "live-152-8"}, ["live-152-70", "live-152-8"]),
        ({9: "live-152-c9"}, ["live-152-c9", "live-152-c8"]),
    ],
)
def test_a_row_of_both_feeds_goes_by_the_rooms_id(in_the_archive: dict[int, str], keys: list[str]) -> None:
    pager = CursorPager(select_rooms(["152"])[0])
    answer = parse_cursor(cursor_page(*({**BARE, "id": n, "create_time": f"2026-11-20 07:0{n}:00"} for n in (9, 8))))
    known = {}
    for row in answer.rows:
        number = int(row.key.rpartition("-")[2])
        if number in in_the_archive and row.published_at:
            known[row.published_at, row.title] = {in_the_archive[number]}
    assert [row.key for row in pager.matched(answer, known).rows] == keys
    assert "id=8&type=1" in pager.url


def test_a_cursor_that_stands_still_ends_the_walk() -> None:
    pager, answer = (
        CursorPager(select_rooms(["152"])[0], stop_at=NOW.replace(year=2020)),
        parse_cursor(cursor_page(BARE)),
    )
    pages = 1
    while pager.goes_on(pager.matched(answer, {}), (), NOW):
        pages += 1
    assert (pager.ended, pages) == ("end", 2)


def test_the_real_feed_shows_its_newest_900_rows(corpus: Path) -> None:
    answer = parse_feed((corpus / "api/zhibo_feed_2026-08-30.abridged.json").read_bytes())
    assert (len(answer.rows), answer.anomalies) == (2, ())
