"""What the list APIs answer, turned into rows. Pure.

The shape of an answer: gathered from saved answers and public clients of ``feed.mix.sina.com.cn/api/roll/get``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from sinanews.dates import BEIJING, from_epoch
from sinanews.exceptions import ListingError
from sinanews.listing.channels import Channel
from sinanews.urls import article_id, canonical_url, id_from_docid

ROLL_API = "https://feed.mix.sina.com.cn/api/roll/get"
PAGE_SIZE = 50  #: the most the API gives
MAX_BYTES = 8 * 1024 * 1024  #: a page of 50 entries is about 100 KB
MOST_URL = 300  #: characters; the catalogue's key may be a URL
_TEXT, _COUNT = (str,), (str, int)
#: The fields read, and the types they have been seen with.
_TYPES: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("url", "wapurl", "docid", "title", "media_name", "intro", "summary", "keywords"), _TEXT),
    **dict.fromkeys(("ctime", "mtime"), _COUNT),
}
JSONP = re.compile(r"^\s*(?:try\s*\{\s*)?[\w$.]+\s*\((.*)\)\s*;?\s*(?:\}\s*catch\s*\(\w*\)\s*\{\s*\}\s*;?)?\s*$", re.S)


@dataclass(frozen=True)
class Listing:
    """One article as a list announces it. Times are aware, Beijing."""

    id: str | None  #: None where neither the URL nor the docid tells (known only from the page)
    url: str  #: canonical
    title: str
    published_at: datetime | None  #: ``ctime``: the time the page shows
    updated_at: datetime | None = None  #: ``mtime``: the last edit
    media: str | None = None
    author: str | None = None
    summary: str | None = None
    keywords: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The name under which the catalogue remembers the row before its page is read."""
        return self.id or self.url


@dataclass(frozen=True)
class ListingPage:
    """One page of a list."""

    rows: tuple[Listing, ...]
    total: int | None
    anomalies: tuple[str, ...] = ()  #: names of what was not as known, for counting
    answered_at: datetime | None = None  #: by the server's clock
    dropped: int = 0  #: entries that are no rows: without a usable URL, taken back, or the same as another
    next_url: str | None = None  #: the page below, where this one has a link to it


def day_start(day: date) -> datetime:
    """Midnight in Beijing."""
    return datetime.combine(day, time.min, tzinfo=BEIJING)


def roll_url(channel: Channel, page: int = 1, day: date | None = None) -> str:
    """The request for one page; with ``day``, of that day of Beijing only.

    ``etime`` is the day's start and ``stime`` the next midnight: the API's names are swapped.
    """
    query: dict[str, Any] = {"pageid": channel.pageid, "lid": channel.lid, "k": "", "num": PAGE_SIZE, "page": page}
    if day is not None:
        begin = int(day_start(day).timestamp())
        end = int(day_start(day + timedelta(days=1)).timestamp())
        query |= {"etime": begin, "stime": end, "ctime": end, "date": day.isoformat()}
    return f"{ROLL_API}?{urlencode(query)}"


def load_json(body: bytes) -> Any:
    """JSON or JSONP, as the list APIs send it.

    Raises ListingError for HTML, other text, too many bytes, nesting or digits that no honest answer has.
    """
    if len(body) > MAX_BYTES:
        raise ListingError(f"answer of {len(body)} bytes, more than {MAX_BYTES}", "too_large")
    text = body.decode("utf-8-sig", "replace").strip()
    if text.startswith("<"):
        raise ListingError("HTML where JSON was due", "html")
    if text and text[0] not in "{[" and (match := JSONP.match(text)):
        text = match[1]
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ListingError(f"no JSON: {str(error)[:100]}", "not_json") from None


def result_of(body: bytes) -> dict[str, Any]:
    """``result`` of an answer whose status code is 0; raises ListingError for any other answer."""
    answer = load_json(body)
    try:
        result = answer["result"]
        status = result["status"]
        code, message = number_of(status["code"]), text_value(status.get("msg")) or ""
    except (KeyError, TypeError, AttributeError):
        code = None
    if code is None:
        raise ListingError("no result.status in the answer", "shape")
    if code != 0:
        raise ListingError(f"status {code} {message[:100]}".strip(), "status")
    return dict(result)


def parse_roll(body: bytes) -> ListingPage:
    """The roll API's answer. Past the last page there are no rows.

    Raises ListingError, also where there are entries and none of them can be used.
    """
    result = result_of(body)
    entries = result.get("data") or []
    if not isinstance(entries, list):
        raise ListingError(f"result.data is {type(entries).__name__}, not a list", "shape")
    anomalies: list[str] = []
    rows = {row.key: row for entry in reversed(entries) if (row := parse_entry(entry, anomalies)) is not None}
    if entries and not rows:
        raise ListingError(f"none of its {len(entries)} entries has a usable URL", "no_urls")
    total = number_of(result.get("total"))
    if total is None:
        anomalies.append("type_of_total")
    answered, dropped = from_epoch(number_of(result.get("rtime"))), len(entries) - len(rows)
    return ListingPage(tuple(reversed(rows.values())), total, tuple(anomalies), answered, dropped)


def parse_entry(entry: Any, anomalies: list[str]) -> Listing | None:
    """One entry; None, with a name in ``anomalies``, for one without a usable URL."""
    if not isinstance(entry, dict):
        anomalies.append("entry_type")
        return None
    anomalies += type_names(entry, _TYPES)
    url = next((url for name in ("url", "wapurl") if (url := usable_url(entry.get(name)))), None)
    if url is None:
        anomalies.append("entry_without_url")
        return None
    published = from_epoch(number_of(entry.get("ctime")))
    if published is None:
        anomalies.append("entry_without_ctime")
    return Listing(
        id=article_id(url) or id_from_docid(text_value(entry.get("docid")) or ""),
        url=url,
        title=text_value(entry.get("title")) or "",
        published_at=published,
        updated_at=from_epoch(number_of(entry.get("mtime"))),
        media=text_value(entry.get("media_name")),
        summary=text_value(entry.get("intro")) or text_value(entry.get("summary")),
        keywords=tuple(k for k in (text_value(entry.get("keywords")) or "").split(",") if k.strip()),
    )


def type_names(entry: dict[str, Any], types: Mapping[str, tuple[type, ...]]) -> list[str]:
    """``type_of_<field>`` for each field that has a value of a type it never had; what is absent or null is neither."""
    return [
        f"type_of_{name}"
        for name, allowed in types.items()
        if entry.get(name) is not None and type(entry[name]) not in allowed
    ]


def usable_url(value: object) -> str | None:
    """The canonical URL, or None for what is none or too long to be remembered by."""
    try:
        url = canonical_url(text_value(value) or "")
    except ValueError:
        return None
    return url if len(url) <= MOST_URL else None


def text_value(value: object) -> str | None:
    """What databases and files can hold: no NUL, no half of a surrogate pair."""
    if not isinstance(value, str):
        return None
    return value.replace("\0", "").encode("utf-8", "replace").decode().strip() or None


def number_of(value: object) -> int | None:
    try:
        return int(value) if isinstance(value, (str, int)) else None
    except ValueError:
        return None


def outside_window(rows: Iterable[Listing], day: date) -> int:
    """How many rows a window for that day holds that were not published on it."""
    begin, end = day_start(day), day_start(day + timedelta(days=1))
    return sum(1 for r in rows if r.published_at and not begin <= r.published_at < end)
