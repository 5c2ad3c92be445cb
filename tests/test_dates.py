"""Sina's date texts of twenty years."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinanews.dates import BEIJING, from_epoch, parse_sina_date, to_beijing

EXAMPLES = settings(max_examples=int(os.environ.get("SINANEWS_EXAMPLES", 50)), deadline=None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2019年09月09日 20:52", "2019-09-09T20:52:00"),
        ("2005年03月31日03:18", "2005-03-31T03:18:00"),
        ("http://finance.sina.com.cn \n 2005年03月31日 03:18 某报", "2005-03-31T03:18:00"),
        ("2018-09-28 19:37:53", "2018-09-28T19:37:53"),
        ("2018-09-28T19:37:53+08:00", "2018-09-28T19:37:53"),
        ("2018-09-28T11:37:53Z", "2018-09-28T19:37:53"),
        ("2018-09-28T07:37:53-0400", "2018-09-28T19:37:53"),
        ("2018-09-28T19:37:53.120+08:00", "2018-09-28T19:37:53"),
        ("2016年1月5日 08:05", "2016-01-05T08:05:00"),
        ("２０１６年１月５日　０８：０５", "2016-01-05T08:05:00"),
        ("2016年1月5日 星期二 下午3:05", "2016-01-05T15:05:00"),
        ("2004/10/12 09:30", "2004-10-12T09:30:00"),
        ("2017.01.06 10:21:00", "2017-01-06T10:21:00"),
        ("2016年01月05日08时05分", "2016-01-05T08:05:00"),
        ("2016年01月05日08时05分09秒", "2016-01-05T08:05:09"),
        ("2016年05月12日08:12\xa0\xa021世纪经济报道", "2016-05-12T08:12:00"),
        ("2005年03月21日 07:16 36氪", "2005-03-21T07:16:00"),
        ("2005年03月21日07:1621世纪经济报道", "2005-03-21T07:16:00"),
        ("2016年01月05日", "2016-01-05T00:00:00"),
        ("Thu, 01 Sep 2022 00:13:52 GMT", "2022-09-01T08:13:52"),
        ("01 Sep 2022 08:13:52 +0800", "2022-09-01T08:13:52"),
        ("Mon Nov 23 12:00:00 +0800 2026", "2026-11-23T12:00:00"),
        ("今天 12:00，2016年01月05日 08:05 更新", "2016-01-05T08:05:00"),
    ],
)
def test_a_date_in_any_form(text: str, expected: str) -> None:
    assert parse_sina_date(text).isoformat() == expected + "+08:00"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "text", [None, "", "昨天", "09月28日 13:46", "2022-13-45", "2019年02月29日 10:00", "2019-09-09 25:61", "12345-01-01", "99 Foo 2022 00:00:00 GMT"]
)  # fmt: skip
def test_no_date_is_guessed(text: str | None) -> None:
    assert parse_sina_date(text) is None


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [("1112210280", "2005-03-31T03:18:00+08:00"), (1568033520, "2019-09-09T20:52:00+08:00"), (0, None), ("0", None), ("", None),
     (None, None), ("x", None), (-5, None), ("9" * 30, None)],
)  # fmt: skip
def test_epoch_seconds(seconds: str | int | None, expected: str | None) -> None:
    when = from_epoch(seconds)
    assert (when and when.isoformat()) == expected


def test_a_naive_time_is_beijings() -> None:
    assert to_beijing(datetime(2022, 9, 1, 8)).isoformat() == "2022-09-01T08:00:00+08:00"
    assert to_beijing(datetime(2022, 9, 1, tzinfo=timezone.utc)).isoformat() == "2022-09-01T08:00:00+08:00"


@EXAMPLES
@given(st.datetimes(datetime(1999, 1, 1), datetime(2035, 1, 1)), st.integers(-12, 14))
def test_what_is_written_is_read(when: datetime, hours: int) -> None:
    aware = when.replace(microsecond=0, tzinfo=timezone(timedelta(hours=hours)))
    assert parse_sina_date(aware.isoformat()) == aware
    local = aware.astimezone(BEIJING)
    assert parse_sina_date(f"{local:%Y年%m月%d日 %H:%M:%S}") == aware


@EXAMPLES
@given(st.text(alphabet="0123456789年月日:-/ T+Z.时分GMT", max_size=40))
def test_no_text_crashes_it(text: str) -> None:
    when = parse_sina_date(text)
    assert when is None or when.utcoffset() == timedelta(hours=8)
