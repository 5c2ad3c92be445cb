"""Sina's date texts -> aware datetimes in Beijing's time. Pure; never asks the machine for its zone."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

#: China has had no daylight saving time since 1991, and Sina's pages are younger.
BEIJING = timezone(timedelta(hours=8))

_DATE = re.compile(
    r"(?<!\d)(?P<y>(?:19|20)\d\d)\s*[年/.-]\s*(?P<m>\d\d?)\s*[月/.-]\s*(?P<d>\d\d?)(?!\d)\s*日?"
    r"(?:[T\s,]*(?:星期.|周.)?\s*(?P<half>上午|下午|晚上)?\s*(?P<H>\d\d?)\s*[:时点]\s*(?P<M>\d\d)"
    r"(?:\s*[:分]\s*(?P<S>\d\d)(?!\d)(?:\.\d+)?\s*秒?|\s*分)?\s*(?P<zone>Z\b|GMT\b|UTC\b|[+-]\d\d:?\d\d\b)?)?"
)
_ENGLISH = re.compile(r"\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d(?::\d\d)?(?: *(?:[A-Z]{2,4}|[+-]\d{4}))?")
_DAYS_AGO = {"今天": 0, "今日": 0, "昨天": 1, "昨日": 1, "前天": 2}
_RELATIVE = re.compile(rf"({'|'.join(_DAYS_AGO)})\s*(?:(\d\d?):(\d\d))?")
_AGO = re.compile(r"(\d{1,4})\s*(分钟|小时)前")
_NO_YEAR = re.compile(r"(?<!\d)(\d\d?)[-/月](\d\d?)日?(?:\s+(\d\d?):(\d\d))?(?!\d)")
_CTIME = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) +(\d{1,2}) (\d\d:\d\d:\d\d) ([+-]\d{4}) (\d{4})")


def parse_sina_date(text: str | None) -> datetime | None:
    """The first date in a text, with Beijing's offset; None where there is none or it is impossible.

    A time without a zone is Beijing's; a date without a time is midnight.

    >>> parse_sina_date("http://finance.sina.com.cn 2005年03月31日03:18 某报").isoformat()
    '2005-03-31T03:18:00+08:00'
    """
    plain = unicodedata.normalize("NFKC", text or "")[:2000]
    try:
        if found := _DATE.search(plain):
            return _from_parts(found)
        if found := _CTIME.search(plain):  # the roll API's envelope: Mon Nov 23 12:00:00 +0800 2026
            return to_beijing(parsedate_to_datetime("{1} {0} {4} {2} {3}".format(*found.groups())))
        if found := _ENGLISH.search(plain):
            return to_beijing(parsedate_to_datetime(found[0]))
    except (ValueError, OverflowError, TypeError):
        return None
    return None


def parse_listed_date(text: str, now: datetime) -> datetime | None:
    """As parse_sina_date; also what a list says of a row by its own present: 今天 18:18, 5分钟前, 11-23 08:00.

    >>> midnight = datetime(2026, 11, 24, 0, 1, tzinfo=BEIJING)
    >>> [parse_listed_date(text, midnight).isoformat()[:16] for text in ("今天 18:18", "昨天 9:05", "11-23 08:00")]
    ['2026-11-23T18:18', '2026-11-23T09:05', '2026-11-23T08:00']
    """
    now, plain = to_beijing(now), unicodedata.normalize("NFKC", text)[:2000]
    if (absolute := parse_sina_date(plain)) is not None:
        return absolute
    try:
        if found := _RELATIVE.search(plain):
            day = now - timedelta(days=_DAYS_AGO[found[1]])
            when = day.replace(hour=int(found[2] or 0), minute=int(found[3] or 0), second=0, microsecond=0)
            return when if when <= now + timedelta(hours=1) else when - timedelta(days=1)  # it was sent before midnight
        if found := _AGO.search(plain):
            return now - int(found[1]) * (timedelta(minutes=1) if found[2] == "分钟" else timedelta(hours=1))
        if found := _NO_YEAR.search(plain):
            when = datetime(now.year, *(int(part or 0) for part in found.groups()), tzinfo=BEIJING)  # type: ignore[misc,arg-type]
            return when if when <= now + timedelta(days=7) else when.replace(year=now.year - 1)
    except ValueError:
        return None
    return None


def _from_parts(found: re.Match[str]) -> datetime:
    hour = int(found["H"] or 0)
    if found["half"] in ("下午", "晚上") and hour < 12:
        hour += 12
    when = datetime(int(found["y"]), int(found["m"]), int(found["d"]), hour, int(found["M"] or 0), int(found["S"] or 0))
    return to_beijing(when.replace(tzinfo=_zone(found["zone"])))


def _zone(name: str | None) -> timezone:
    if name is None:
        return BEIJING
    if not name.startswith(("+", "-")):
        return timezone.utc
    offset = timedelta(hours=int(name[1:3]), minutes=int(name[-2:]))
    return timezone(-offset if name[0] == "-" else offset)


def from_epoch(seconds: str | int | None) -> datetime | None:
    """A list's ``ctime`` (epoch seconds, a string or a number); None for 0, empty or nonsense."""
    try:
        value = int(seconds or 0)
        return datetime.fromtimestamp(value, BEIJING) if value > 0 else None
    except (ValueError, OverflowError, OSError, TypeError):
        return None


def to_beijing(when: datetime) -> datetime:
    """The same moment with Beijing's offset; a naive datetime is taken as Beijing's time already."""
    return when.replace(tzinfo=BEIJING) if when.tzinfo is None else when.astimezone(BEIJING)


def minute(when: datetime | None) -> str:
    """Beijing's time, to the minute; a dash for none."""
    return f"{to_beijing(when):%Y-%m-%d %H:%M}" if when else "-"
