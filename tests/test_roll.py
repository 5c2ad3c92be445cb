"""What the roll API answers, as known and otherwise."""

from __future__ import annotations

import json
import os
import time
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sinanews.dates import BEIJING
from sinanews.exceptions import ListingError
from sinanews.listing.channels import DEFAULT
from sinanews.listing.roll import MAX_BYTES, ListingPage, outside_window, parse_roll, roll_url

EXAMPLES = settings(max_examples=int(os.environ.get("SINANEWS_EXAMPLES", "50")), deadline=None)
ENTRY = {
    "docid": "comos:mabcdef1234567", "url": "http://finance.sina.com.cn/china/2026-11-20/doc-imabcdef1234567.shtml?from=wap",
    "wapurl": "https://finance.sina.cn/detail-imabcdef1234567.d.html", "title": "青湾港吞吐量创新高", "media_name": "青湾日报",
    "intro": "十月增长", "summary": "", "keywords": "青湾,港口,", "ctime": "1795168800", "mtime": "1795172400", "author": "0",
    "img": [], "images": [],
}  # fmt: skip


def roll(*entries: Any, **result: Any) -> bytes:
    answer = {"status": {"code": 0, "msg": "succ"}, "total": len(entries), "rtime": 1795179600, "data": list(entries)}
    return json.dumps({"result": answer | result}).encode()


def test_an_entry() -> None:
    answer = parse_roll(roll(ENTRY))
    (row,) = answer.rows
    assert (row.id, row.key) == ("imabcdef1234567", "imabcdef1234567")
    assert row.url == "https://finance.sina.com.cn/china/2026-11-20/doc-imabcdef1234567.shtml"
    assert row.published_at == datetime(2026, 11, 20, 18, tzinfo=BEIJING)
    assert row.updated_at == datetime(2026, 11, 20, 19, tzinfo=BEIJING)
    assert (row.title, row.media, row.summary) == ("青湾港吞吐量创新高", "青湾日报", "十月增长")
    assert row.keywords == ("青湾", "港口")
    assert (answer.total, answer.anomalies) == (1, ())
    assert answer.answered_at == datetime(2026, 11, 20, 21, tzinfo=BEIJING)


@pytest.mark.parametrize("form", ["try{cb(%s);}catch(e){};", "cb(%s)", "  a.b$c( %s );", "\ufeff%s"])
def test_jsonp_and_marks(form: str) -> None:
    assert len(parse_roll((form % roll(ENTRY).decode()).encode()).rows) == 1


@pytest.mark.parametrize("data", [None, [], {}, ""])
def test_past_the_last_page(data: object) -> None:
    assert parse_roll(roll(data=data)).rows == ()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not_json"),
        (b"busy", "not_json"),
        (b"\xff\xfe\x00", "not_json"),
        (b" <!DOCTYPE html><p>busy</p>", "html"),
        (b"[]", "shape"),
        (b'"result"', "shape"),
        (b'{"result":{"status":{}}}', "shape"),
        (b'{"result":{"status":{"code":[0]}}}', "shape"),
        (b'{"result":{"status":{"code":11,"msg":"pageid error"}}}', "status"),
        (b'{"result":{"status":{"code":"-1"}}}', "status"),
        (roll(data="many"), "shape"),
        (roll(data={"0": ENTRY}), "shape"),
        (b" " * (MAX_BYTES + 1), "too_large"),
        (b"[" * 100_000, "not_json"),
        (b'{"a":' * 100_000, "not_json"),
        (b"9" * 1_000_000, "not_json"),
        (b'{"result":{"status":{"code":' + b"9" * 100_000 + b"}}}", "not_json"),
    ],
)
def test_what_is_no_answer_is_refused_by_name_and_soon(body: bytes, reason: str) -> None:
    begun = time.monotonic()
    with pytest.raises(ListingError) as refusal:
        parse_roll(body)
    assert time.monotonic() - begun < 5
    assert refusal.value.reason == reason
    assert len(str(refusal.value)) < 200


def test_nesting_inside_a_field() -> None:
    body = roll(ENTRY).replace(b'"0"', b"[" * 100_000 + b"]" * 100_000)
    with pytest.raises(ListingError):
        parse_roll(body)


@pytest.mark.parametrize(
    ("changes", "names", "kept"),
    [
        ({"url": "", "wapurl": None}, ["entry_without_url"], 0),
        ({"url": "javascript:alert(1)", "wapurl": ""}, ["entry_without_url"], 0),
        ({"url": f"https://sina.cn/{'a' * 400}.html", "wapurl": ""}, ["entry_without_url"], 0),
        ({"ctime": "0"}, ["entry_without_ctime"], 1),
        ({"ctime": "soon"}, ["entry_without_ctime"], 1),
        ({"ctime": {"sec": 1}}, ["type_of_ctime", "entry_without_ctime"], 1),
        ({"ctime": 1795168800}, [], 1),
        ({"title": 5}, ["type_of_title"], 1),
        ({"keywords": ["青湾"]}, ["type_of_keywords"], 1),
        ({"mtime": 1e999}, ["type_of_mtime"], 1),
        ({"url": 5}, ["type_of_url"], 1),
    ],
)
def test_what_is_strange_is_named(changes: dict[str, Any], names: list[str], kept: int) -> None:
    other = {**ENTRY, "url": "https://finance.sina.com.cn/china/2026-11-20/doc-imabcdef7654321.shtml"}
    answer = parse_roll(roll({**ENTRY, **changes}, other))
    assert (list(answer.anomalies), len(answer.rows), answer.dropped) == (names, kept + 1, 1 - kept)


def test_a_total_of_another_type_is_strange() -> None:
    assert parse_roll(roll(ENTRY, total=[1])).anomalies == ("type_of_total",)
    assert parse_roll(roll("entry", ENTRY)).anomalies == ("entry_type",)


@pytest.mark.parametrize("entries", [["entry"], [{**ENTRY, "url": "", "wapurl": None}] * 50, [None, {}, 5]])
def test_entries_of_which_none_can_be_used_are_no_end_of_a_list(entries: list[Any]) -> None:
    with pytest.raises(ListingError, match=f"none of its {len(entries)} entries") as refusal:
        parse_roll(roll(*entries))
    assert refusal.value.reason == "no_urls"


def test_the_same_entry_twice_is_one_row() -> None:
    answer = parse_roll(roll(ENTRY, {**ENTRY, "url": f"{ENTRY['url']}&x=1"}))
    assert (len(answer.rows), answer.dropped) == (1, 1)


def test_what_no_database_can_hold_is_cut() -> None:
    (row,) = parse_roll(roll({**ENTRY, "title": "青\ud800\0湾", "media_name": "\udfff"})).rows
    assert row.title == "青?湾"
    row.title.encode()
    (row.media or "").encode()


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "America/New_York"])
def test_the_window_of_a_day_is_beijings(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        url = roll_url(DEFAULT, 2, date(2026, 11, 20))
        assert "page=2" in url and "num=50" in url
        assert "etime=1795104000&stime=1795190400&ctime=1795190400&date=2026-11-20" in url
        edges = ["1795104000", "1795190399", "1795103999", "1795190400"]
        rows = [parse_roll(roll({**ENTRY, "ctime": ctime})).rows[0] for ctime in edges]
        assert [outside_window([row], date(2026, 11, 20)) for row in rows] == [0, 0, 1, 1]
    finally:
        monkeypatch.undo()
        time.tzset()


NAMES = st.sampled_from(["result", "status", "code", "data", "total", "rtime", "msg", *ENTRY])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(list(ENTRY.values())),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | st.text(), inner, max_size=4),
)


@EXAMPLES
@given(JSON)
@example({"result": {"status": {"code": 0}, "data": [{"url": "https://a.sina.cn:99999/x"}, {"url": "http://[::1"}]}})
def test_any_json_is_read_or_refused(value: Any) -> None:
    for answer in (value, {"result": value}, {"result": {"status": {"code": 0}, "data": value}}):
        try:
            assert isinstance(parse_roll(json.dumps(answer).encode()), ListingPage)
        except ListingError as error:
            assert error.reason in ("html", "not_json", "shape", "status", "no_urls")


@EXAMPLES
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with pytest.raises(ListingError):
        parse_roll(body)


@EXAMPLES
@given(st.dictionaries(NAMES, JSON))
def test_no_entry_breaks_its_neighbour(changes: dict[str, Any]) -> None:
    other = {**ENTRY, "url": ENTRY["url"].replace("1234567", "7654321")}  # type: ignore[attr-defined]
    answer = parse_roll(roll({**ENTRY, **changes}, other))
    assert "imabcdef7654321" in {row.key for row in answer.rows}
    for row in answer.rows:
        f"{row.key}{row.title}{row.media}{row.summary}{row.keywords}".encode()
