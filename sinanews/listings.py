"""What the list APIs answer, turned into rows. Pure.

The shape of an answer: gathered from saved answers and public clients of ``feed.mix.sina.com.cn/api/roll/get``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from sinanews.channels import Channel
from sinanews.dates import BEIJING, from_epoch
from sinanews.exceptions import ListingError
from sinanews.urls import article_id, canonical_url, id_from_docid

ROLL_API = "https://feed.mix.sina.com.cn/api/roll/get"
PAGE_SIZE = 50  #: the most the API gives
MAX_BYTES = 8 * 1024 * 1024  #: a page of 50 entries is about 100 KB
_JSONP = re.compile(r"^\s*(?:try\s*\{\s*)?[\w$.]+\s*\((.*)\)\s*;?\s*(?:\}\s*catch\s*\(\w*\)\s*\{\s*\}\s*;?)?\s*$", re.S)


@dataclass(frozen=True)
class Listing:
    """One article as a list announces it. Times are aware, Beijing."""

    id: str | None  #: None where neither the URL nor the docid tells (known only from the page)
    url: str  #: canonical
    title: str
    published_at: datetime | None  #: ``ctime``: the time the page shows
    updated_at: datetime | None = None  #: ``mtime``: the last edit
    media: str | None = None
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
    strange: tuple[str, ...] = ()  #: names of what was not as known, for counting

    @property
    def oldest(self) -> datetime | None:
        """The oldest publication time on the page."""
        return min((r.published_at for r in self.rows if r.published_at), default=None)


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
        raise ListingError(f"answer of {len(body)} bytes, more than {MAX_BYTES}")
    text = body.decode("utf-8-sig", "replace").strip()
    if text.startswith("<"):
        raise ListingError("HTML where JSON was due")
    if text and text[0] not in "{[" and (match := _JSONP.match(text)):
        text = match[1]
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ListingError(f"no JSON: {str(error)[:100]}") from None


def parse_roll(body: bytes) -> ListingPage:
    """The roll API's answer. Past the last page there are no rows.

    Raises ListingError where the answer is an error or has another shape.
    """
    answer = load_json(body)
    try:
        result = answer["result"]
        status = result["status"]
        code, message = int(status["code"]), str(status.get("msg", ""))[:100]
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ListingError("no result.status in the answer") from None
    if code != 0:
        raise ListingError(f"status {code} {message}".strip())
    entries = result.get("data") or []
    if not isinstance(entries, list):
        raise ListingError(f"result.data is {type(entries).__name__}, not a list")
    return _page(entries, _number(result.get("total")))


def _page(entries: list[Any], total: int | None) -> ListingPage:
    rows: dict[str, Listing] = {}
    strange: list[str] = []
    for entry in entries:
        row = parse_entry(entry, strange)
        if row is not None:
            rows.setdefault(row.key, row)
    return ListingPage(tuple(rows.values()), total, tuple(strange))


def parse_entry(entry: Any, strange: list[str]) -> Listing | None:
    """One entry; None, with a name in ``strange``, for one without a usable URL."""
    if not isinstance(entry, dict):
        strange.append("entry_type")
        return None
    url = _first_url(entry)
    if url is None:
        strange.append("entry_without_url")
        return None
    published = from_epoch(entry.get("ctime"))
    if published is None:
        strange.append("entry_without_ctime")
    return Listing(
        id=article_id(url) or id_from_docid(_text(entry.get("docid")) or ""),
        url=url,
        title=_text(entry.get("title")) or "",
        published_at=published,
        updated_at=from_epoch(entry.get("mtime")),
        media=_text(entry.get("media_name")),
        summary=_text(entry.get("intro")) or _text(entry.get("summary")),
        keywords=tuple(k for k in (_text(entry.get("keywords")) or "").split(",") if k.strip()),
    )


def _first_url(entry: dict[str, Any]) -> str | None:
    for name in ("url", "wapurl"):
        try:
            return canonical_url(str(entry.get(name) or ""))
        except ValueError:
            continue
    return None


def _text(value: object) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _number(value: object) -> int | None:
    try:
        return int(str(value))
    except ValueError:
        return None


def outside_window(rows: Iterable[Listing], day: date) -> int:
    """How many rows a window for that day holds that were not published on it."""
    begin, end = day_start(day), day_start(day + timedelta(days=1))
    return sum(1 for r in rows if r.published_at and not begin <= r.published_at < end)
