"""The sample site, asked over real HTTP as a crawler behind SINANEWS_MIRROR asks it."""

from __future__ import annotations

import gzip
import http.client
import json
import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from itertools import combinations
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import HTTPRedirectHandler, Request, build_opener

import pytest

from sinanews.samplesite import Entry, SampleSite
from sinanews.samplesite.__main__ import arguments
from sinanews.samplesite.faults import BOMB_SIZE, BROTLI_BOMB, OVERSIZE
from sinanews.urls import article_id, why_not_readable

ROLL = "feed.mix.sina.com.cn/api/roll/get?pageid=155&lid=1686&num=50"
ZHIBO = "zhibo.sina.com.cn/api/zhibo/feed?zhibo_id=152&page_size=20"
BEIJING = timezone(timedelta(hours=8))


class NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


OPENER = build_opener(NoRedirect)


def fetch(site: SampleSite, place: str, headers: Mapping[str, str] | None = None) -> tuple[int, Any, bytes]:
    """Status, headers, body of ``HOST/PATH?QUERY`` or of a whole URL."""
    try:
        url = f"{site.url}/{place.partition('://')[2] or place}"
        with OPENER.open(Request(url, headers=dict(headers or {})), timeout=20) as answer:
            return answer.status, answer.headers, answer.read()
    except HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def roll(site: SampleSite, more: str = "") -> dict[str, Any]:
    result: dict[str, Any] = json.loads(fetch(site, ROLL + more)[2])["result"]
    return result


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return [article_id(row["url"]) or row["url"] for row in rows]


def known(entries: list[Entry]) -> list[str]:
    return [article_id(entry.url) or entry.url for entry in entries]


def first(site: SampleSite, kind: str = "finance") -> Entry:
    return next(entry for entry in site.entries if entry.kind == kind)


@pytest.fixture(scope="module")
def shared() -> Iterator[SampleSite]:
    """120 articles over three days; tests that change anything make a site of their own."""
    with SampleSite(articles=120, days=3) as site:
        yield site


def test_pages_of_the_list_hold_every_entry_once_newest_first(shared: SampleSite) -> None:
    pages = [roll(shared, f"&page={page}") for page in (1, 2, 3, 4)]
    assert [len(page["data"]) for page in pages] == [50, 50, 20, 0]
    assert {page["total"] for page in pages} == {120}
    rows = [row for page in pages for row in page["data"]]
    assert ids(rows) == known(shared.entries)[::-1]
    assert all(isinstance(row[name], str) for row in rows for name in ("docid", "ctime", "mtime", "intime", "title"))
    assert all(int(row["ctime"]) <= int(row["intime"]) <= int(row["mtime"]) for row in rows)
    assert {type(row["img"]) for row in rows} == {dict, list}


def test_ids_are_those_of_the_urls_and_some_entries_are_no_articles() -> None:
    site = SampleSite(articles=400)
    assert all(article_id(entry.url) == entry.id for entry in site.entries if entry.kind != "offsite")
    assert {entry.kind for entry in site.entries} == {"finance", "news", "old", "gallery", "video", "offsite"}
    assert {why_not_readable(entry.url) for entry in site.entries if entry.kind == "offsite"} == {"other_host"}
    assert len({entry.id for entry in site.entries}) == 400


def test_a_small_site_has_refusals_and_reprints_to_show() -> None:
    site = SampleSite()
    assert {entry.kind for entry in site.entries} >= {"finance", "news", "old", "offsite"}
    assert any(entry.is_reprint for entry in site.entries)


def test_a_window_is_a_day_of_beijing(shared: SampleSite) -> None:
    begin = int(datetime(2026, 11, 19, tzinfo=BEIJING).timestamp())
    end = begin + 86400
    result = roll(shared, f"&etime={begin}&stime={end}&ctime={end}&date=2026-11-19")
    expected = [entry for entry in shared.entries if begin <= entry.ctime < end]
    assert 0 < len(expected) < 50
    assert ids(result["data"]) == known(expected)[::-1]
    assert (result["total"], result["start"], result["end"]) == (len(expected), begin, end)


def test_a_site_may_ignore_windows() -> None:
    with SampleSite(ignore_windows=True) as site:
        assert roll(site, "&etime=1&stime=2&ctime=2&date=1970-01-01")["total"] == 40


def test_jsonp_small_pages_and_key_words(shared: SampleSite) -> None:
    body = fetch(shared, ROLL + "&callback=jQuery11_2")[2].decode()
    assert body.startswith("try{jQuery11_2({") and body.endswith("});}catch(e){};")
    small = json.loads(fetch(shared, ROLL.replace("num=50", "num=7") + "&page=2")[2])["result"]
    assert ids(small["data"]) == known(shared.entries)[::-1][7:14]
    company = shared.entries[9].title[:2]
    found = roll(shared, f"&k={quote(company)}")["data"]
    assert found and all(company in row["title"] for row in found)


@pytest.mark.parametrize("query", ["pageid=155&lid=9", "pageid=1&lid=1686", "pageid=x&lid=1686", "lid=1686"])
def test_unknown_channels_are_an_error_status(shared: SampleSite, query: str) -> None:
    status, _, body = fetch(shared, f"feed.mix.sina.com.cn/api/roll/get?{query}&num=50&page=1")
    assert status == 200
    assert json.loads(body)["result"]["status"]["code"] != 0


def test_other_channels_list_some_of_the_entries(shared: SampleSite) -> None:
    result = json.loads(fetch(shared, ROLL.replace("155&lid=1686", "384&lid=2671"))[2])["result"]
    assert ids(result["data"]) == known([e for e in shared.entries if (384, 2671) in e.channels])[::-1]
    assert 0 < result["total"] < 40


def test_pinned_and_out_of_order_entries() -> None:
    with SampleSite(articles=50, days=10, pinned=2, out_of_order=0.3) as site:
        rows = roll(site)["data"]
    assert set(ids(rows[:2])) == set(known(site.entries[:2]))
    times = [int(row["ctime"]) for row in rows[2:]]
    assert times != sorted(times, reverse=True)
    assert sorted(ids(rows)) == sorted(known(site.entries))


def test_entries_published_between_two_page_requests_push_the_others_down() -> None:
    with SampleSite(articles=100) as site:
        before = ids(roll(site)["data"])
        site.on_request = lambda request: site.publish(3) if "page=2" in request.query else None
        second = roll(site, "&page=2")
        assert second["total"] == 103
        assert ids(second["data"])[:3] == before[-3:]
        site.on_request = None
        moment = datetime(2026, 11, 25, 9, 0, tzinfo=BEIJING)
        new = site.publish(2, at=moment)
        assert new[-1].ctime == moment.timestamp()
        assert ids(roll(site)["data"])[:2] == known(new)[::-1]
        assert fetch(site, first(site).url)[0] == 200


def test_an_edit_changes_text_and_mtime_a_touch_the_mtime_only() -> None:
    with SampleSite() as site:
        edited, touched = [entry for entry in site.entries if entry.kind == "finance"][:2]
        texts, times = [e.text().paragraphs for e in (edited, touched)], [e.mtime for e in (edited, touched)]
        tags = [fetch(site, e.url)[1]["ETag"] for e in (edited, touched)]
        site.edit([edited.id])
        site.edit([touched.id], touch_only=True)
        rows = {article_id(row["url"]): row for row in roll(site)["data"]}
        assert int(rows[edited.id]["mtime"]) > times[0] and int(rows[touched.id]["mtime"]) > times[1]
        assert edited.text().paragraphs != texts[0]
        assert touched.text().paragraphs == texts[1]
        body = fetch(site, edited.url)[2].decode()
        assert edited.text().paragraphs[-1] in body and "第1次更新" in body
        assert fetch(site, edited.url)[1]["ETag"] != tags[0]


def test_unchanged_pages_answer_304(shared: SampleSite) -> None:
    url = first(shared).url
    _, headers, _ = fetch(shared, url)
    assert fetch(shared, url, {"If-None-Match": headers["ETag"]})[::2] == (304, b"")
    assert fetch(shared, url, {"If-Modified-Since": headers["Last-Modified"]})[0] == 304
    assert fetch(shared, url, {"If-None-Match": '"other"'})[0] == 200
    assert fetch(shared, url, {"If-Modified-Since": "Thu, 01 Sep 2022 00:13:52 GMT"})[0] == 200


@pytest.mark.parametrize(
    ("kind", "marks"),
    [
        ("finance", ['id="artibody"', "source ent-source", "appendQr_wrap", "责任编辑：", "news_keyword_pub,stock,"]),
        ("news", ['id="article"', 'class="channel-logo"', "show_author"]),
        ("old", ['"blkContainerSblkCon" id="artibody"', "publish_helper name=", 'id="pub_date"', "charset=gb2312"]),
        ("gallery", ["var slide_data"]),
        ("video", ["视频加载中"]),
    ],
)
def test_layouts(kind: str, marks: list[str]) -> None:
    with SampleSite(shares={kind: 1.0}, articles=8, reprints=0) as site:
        for entry in site.entries:
            status, headers, body = fetch(site, entry.url)
            page = body.decode("gb18030" if kind == "old" else "utf-8")
            assert (status, headers["Content-Type"]) == (200, "text/html")
            assert [mark for mark in marks if mark not in page] == []
            if kind in ("news", "old"):
                assert all(f"<p>　　{paragraph}</p>" in page for paragraph in entry.text().paragraphs)


def test_old_pages_are_gbk_bytes() -> None:
    with SampleSite(shares={"old": 1.0}, articles=2) as site:
        body = fetch(site, site.entries[0].url)[2]
    assert site.entries[0].title.encode("gb18030") in body
    with pytest.raises(UnicodeDecodeError):
        body.decode()


def test_an_article_has_other_addresses_and_unknown_ones_are_missing(shared: SampleSite) -> None:
    entry = first(shared)
    assert fetch(shared, f"finance.sina.cn/2026-11-20/detail-{entry.id}.d.html?from=wap")[0] == 200
    status, _, body = fetch(shared, "finance.sina.com.cn/china/2026-11-20/doc-inowhere0000000.shtml")
    assert status == 404 and "页面没有找到" in body.decode()
    assert fetch(shared, f"evil.example/doc-{entry.id}.shtml")[0] == 404


def test_robots_images_and_the_record_of_requests() -> None:
    with SampleSite() as site:
        assert b"Disallow: /private/" in fetch(site, "any.sina.com.cn/robots.txt")[2]
        assert fetch(site, "n.sinaimg.cn/finance/x.png")[2].startswith(b"\x89PNG")
        fetch(site, ROLL)
        hosts = [request.host for request in site.requests]
        assert hosts == ["any.sina.com.cn", "n.sinaimg.cn", "feed.mix.sina.com.cn"]
        assert site.requests[-1] == ("GET", "feed.mix.sina.com.cn", "/api/roll/get", ROLL.partition("?")[2])


def test_a_stopped_site_is_gone_and_comes_back_at_its_address() -> None:
    site = SampleSite().start()
    connection = http.client.HTTPConnection(site.url.removeprefix("http://"), timeout=5)
    for _ in range(2):
        connection.request("GET", "/n.sinaimg.cn/x.png")
        assert connection.getresponse().read()
    url = site.url
    site.stop()
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        connection.request("GET", "/n.sinaimg.cn/x.png")
        connection.getresponse()
    connection.close()
    with pytest.raises(URLError):
        fetch(site, ROLL)
    with site:
        assert site.url == url
        assert roll(site)["total"] == 40


def test_live_feed() -> None:
    with SampleSite(live=45) as site:
        pages = [json.loads(fetch(site, f"{ZHIBO}&page={page}")[2])["result"] for page in (1, 2, 3, 4)]
        lists = [page["data"]["feed"]["list"] for page in pages]
        assert [len(rows) for rows in lists] == [20, 20, 5, 0]
        rows = [row for page in lists for row in page]
        numbers = [int(row["id"]) for row in rows]
        assert numbers == sorted(set(numbers), reverse=True)
        assert {row["rich_text"].startswith("【") for row in rows} == {True, False}
        ext = [json.loads(row["ext"]) for row in rows]
        assert {bool(e["stocks"]) for e in ext} == {True, False}
        linked = [e for e in ext if "docurl" in e]
        assert linked and all(fetch(site, e["docurl"])[0] == 200 for e in linked)
        site.publish_live(2)
        newer = json.loads(fetch(site, f"{ZHIBO}&page=1")[2])["result"]["data"]["feed"]["list"]
        assert [int(row["id"]) for row in newer[2:]] == numbers[:18]
        assert newer[0]["create_time"] > rows[0]["create_time"]
        unknown = json.loads(fetch(site, "zhibo.sina.com.cn/api/zhibo/feed?zhibo_id=7")[2])
        assert unknown["result"]["status"]["code"] != 0


@pytest.mark.parametrize(
    ("kind", "status", "part"),
    [
        ("404", 404, "页面没有找到"),
        ("500", 500, "Error"),
        ("429", 429, "many"),
        ("ban", 403, "Kinsoku jikou desu!"),
        ("deleted", 200, "删除"),
    ],
)
def test_faults_that_answer_something_else(kind: str, status: int, part: str) -> None:
    with SampleSite(faults={kind: 1.0}) as site:
        code, headers, body = fetch(site, first(site).url)
        assert (code, part in body.decode()) == (status, True)
        assert headers["Retry-After"] == ("1" if kind == "429" else None)
        assert roll(site)["total"] == 40
        site.faults.clear()
        assert fetch(site, first(site).url)[0] == 200


def test_faults_of_transport() -> None:
    with SampleSite() as site:
        url = first(site).url
        site.faults.set("cut", [first(site).id])
        with pytest.raises(http.client.IncompleteRead):
            fetch(site, url)
        site.faults.clear("cut")
        site.faults.slow_seconds = 0.3
        site.faults.set("slow", 1.0)
        begin = time.monotonic()
        assert fetch(site, url)[0] == 200
        assert time.monotonic() - begin >= 0.3
        site.faults.clear()
        site.faults.set("redirect_private", 1.0)
        assert fetch(site, url)[1]["Location"] == "http://127.0.0.1:1/"
        site.faults.clear()
        site.faults.set("garbage", 1.0)
        with pytest.raises(UnicodeDecodeError):
            fetch(site, url)[2].decode()


def test_drip_sends_a_byte_a_second_and_ends_with_the_site() -> None:
    site = SampleSite(faults={"drip": 1.0}).start()
    connection = http.client.HTTPConnection(site.url.removeprefix("http://"), timeout=5)
    connection.request("GET", "/" + first(site).url.partition("://")[2])
    answer = connection.getresponse()
    assert answer.read(1) == b"<"
    site.stop()
    with pytest.raises(http.client.IncompleteRead) as cut:
        answer.read()
    assert len(cut.value.partial) < 5
    connection.close()


def test_big_bodies() -> None:
    with SampleSite() as site:
        url = first(site).url
        site.faults.set("oversize", 1.0)
        assert len(fetch(site, url)[2]) == OVERSIZE
        site.faults.clear()
        site.faults.set("gzip_bomb", 1.0)
        _, headers, body = fetch(site, url)
        assert headers["Content-Encoding"] == "gzip" and len(body) < BOMB_SIZE / 500
        assert gzip.decompress(body).count(b" ") == BOMB_SIZE
        site.faults.clear()
        site.faults.set("brotli_bomb", 1.0)
        _, headers, body = fetch(site, url)
        assert (headers["Content-Encoding"], body) == ("br", BROTLI_BOMB)


def test_faults_of_lists_and_robots() -> None:
    with SampleSite(faults={"html_for_json": 1.0, "robots_500": 1.0}) as site:
        assert fetch(site, ROLL)[2].startswith(b"<!DOCTYPE html>")
        assert fetch(site, "finance.sina.com.cn/robots.txt")[0] == 500
        site.faults.clear()
        site.faults.set("bad_status", 1.0)
        assert roll(site)["status"]["code"] == 11
        site.faults.clear()
        site.faults.set("500", 1.0, where="listing", times=2)
        assert [fetch(site, ROLL)[0] for _ in range(3)] == [500, 500, 200]


def test_a_share_strikes_the_same_articles_again() -> None:
    with SampleSite(articles=60, faults={"500": 0.5}, shares={}) as site:
        answers = [[fetch(site, entry.url)[0] for entry in site.entries] for _ in range(2)]
    assert answers[0] == answers[1]
    assert 10 < answers[0].count(500) < 50
    with pytest.raises(ValueError, match="unknown fault 'x'"):
        site.faults.set("x", 1.0)


def test_equal_arguments_make_equal_sites() -> None:
    with SampleSite() as one, SampleSite() as same, SampleSite(seed=2) as other:
        places = [ROLL, f"{ZHIBO}&page=1", *(entry.url for entry in one.entries[:9])]
        answers = [[fetch(site, place)[2] for place in places] for site in (one, same)]
        assert answers[0] == answers[1]
        assert fetch(other, ROLL)[2] != answers[0][0]


def test_texts_differ_and_headlines_are_awkward_now_and_then() -> None:
    entries = SampleSite(articles=300, reprints=0).entries
    bodies = ["".join(entry.text().paragraphs) for entry in entries]
    grams = [{body[at : at + 4] for at in range(len(body) - 3)} for body in bodies]
    common = ((len(a & b), len(a) + len(b)) for a, b in combinations(grams, 2))
    assert max(both / (together - both) for both, together in common) < 0.3
    assert all(4 <= len(entry.text().paragraphs) <= 10 for entry in entries)
    titles = "".join(entry.title for entry in entries)
    assert all(mark in titles for mark in ("'", '"', ":", "#", "{{", "{%", "🚀", "%", "\\"))
    assert max(len(entry.title) for entry in entries) > 200


def test_a_reprint_has_the_text_of_another_article() -> None:
    entries = SampleSite(articles=200).entries
    copies = [entry for entry in entries if entry.is_reprint]
    assert 2 <= len(copies) <= 20
    for copy in copies:
        original = entries[copy.text_number]
        assert original.text().paragraphs == copy.text().paragraphs
        assert (original.title, original.text().media) != (copy.title, copy.text().media)


def test_thirty_thousand_entries_cost_little() -> None:
    begin = time.process_time()
    site = SampleSite(articles=30_000, days=60)
    assert time.process_time() - begin < 3
    with site:
        spent = []
        for page in (1, 300, 600):
            begin = time.process_time()
            assert len(roll(site, f"&page={page}")["data"]) == 50
            spent.append(time.process_time() - begin)
    assert min(spent) < 0.02


def test_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    options = arguments(["--port", "0", "--articles", "7", "--fault", "500=0.5", "--newest", "2026-11-21T08:00"])
    assert (options.port, options.articles, options.newest.isoformat()) == (0, 7, "2026-11-21T08:00:00+08:00")
    with pytest.raises(SystemExit):
        arguments(["--fault", "nonsense=1"])
    assert "unknown fault 'nonsense'" in capsys.readouterr().err
