"""The 7x24 live feed (zhibo.sina.com.cn): its rooms, and its rows as items. Pure.

The shape of a row: read from saved answers of ``/api/zhibo/feed``. At most 20 rows a page, newest first, no dates, and
the newest 900 rows only (``page_info`` of an answer of 2026); what is older is read from another feed (cursor.py). Rows
carry readers' comments (``comment_list``: user id, nick, place): personal data, which is never read.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from sinanews.dates import parse_sina_date, to_beijing
from sinanews.exceptions import ArgumentError, ListingError
from sinanews.items import ArticleItem
from sinanews.listing.channels import Channel
from sinanews.listing.paging import Pager
from sinanews.listing.roll import Listing, ListingPage, number_of, result_of, text_value, type_names, usable_url
from sinanews.urls import article_id

LIVE_API = "https://zhibo.sina.com.cn/api/zhibo/feed"
PAGE_SIZE = 20
MOST_HEADLINE = 80  #: characters of a headline that we make of a first sentence

#: zhibo_id, its name at Sina, stale after so many hours; the first is the default.
ROOMS: tuple[tuple[int, str, int], ...] = (
    (152, "财经", 6), (151, "政经", 24), (153, "综合", 24), (155, "市场", 24), (164, "国际", 24), (242, "行业", 24),
)  # fmt: skip
_HEADLINE = re.compile(r"\s*【\s*([^【】]{1,200}?)\s*】\s*")
_END = re.compile(r"[。！？!?\n]")
_TYPES: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("id", "zhibo_id", "is_delete"), (str, int)), "tag": (list,),
    **dict.fromkeys(("rich_text", "create_time", "update_time", "ext", "docurl"), (str,)),
}  # fmt: skip
#: market of a stock → how its symbol is spelt there, and the code of it; other markets have no stocks
_CODES: dict[str, tuple[re.Pattern[str], Callable[[str], str]]] = {
    "cn": (re.compile(r"((?:sh|sz|bj)\d{6})"), str),
    "hk": (re.compile(r"(?:hk)?(\d{5})"), "hk{}".format),
    "us": (re.compile(r"(?:gb_)?([A-Za-z][\w.$-]{0,11})"), str.upper),
}


@dataclass
class RoomPager(Pager):
    """A pager over the rows of a room; the feed knows no days."""

    @property
    def url(self) -> str:
        query = {"zhibo_id": self.channel.lid, "page": self.page, "page_size": PAGE_SIZE}
        return f"{LIVE_API}?{urlencode({**query, 'tag_id': 0, 'dire': 'f', 'dpc': 1})}"


@dataclass(frozen=True)
class Flash(Listing):
    """A row of the feed: a listing that is its own article."""

    text: str = ""
    stocks: tuple[str, ...] = ()
    refers_to: str | None = None  #: id of the article that the row announces


def select_rooms(names: Iterable[str]) -> tuple[Channel, ...]:
    """Rooms by zhibo_id, name or ``all``, in the table's order. Raises ArgumentError for any other name."""
    wanted = set(names)
    allowed = {word for number, name, _ in ROOMS for word in (str(number), name)} | {"all"}
    if unknown := sorted(wanted - allowed):
        rooms = ", ".join(f"{number} ({name})" for number, name, _ in ROOMS)
        raise ArgumentError(f"unknown room {unknown[0]!r}; allowed are all or, by number or name: {rooms}")
    return tuple(
        Channel(f"live-{number}", 0, number, "7x24", "live", hours)
        for number, name, hours in ROOMS
        if wanted & {str(number), name, "all"}
    )


def parse_feed(body: bytes) -> ListingPage:
    """The feed's answer; rows that editors took back are left out. Raises ListingError."""
    try:
        feed = result_of(body)["data"]["feed"]
        rows, pages = feed["list"] or [], feed.get("page_info")
    except (KeyError, TypeError, AttributeError):
        raise ListingError("no result.data.feed.list in the answer", "shape") from None
    if not isinstance(rows, list):
        raise ListingError(f"feed.list is {type(rows).__name__}, not a list", "shape")
    return page_of(rows, number_of(pages.get("totalNum")) if isinstance(pages, dict) else None)


def page_of(rows: list[Any], total: int | None) -> ListingPage:
    """The rows of an answer as a page. Raises ListingError where none of them can be used or was taken back."""
    anomalies: list[str] = []
    flashes = {flash.key: flash for row in rows if (flash := parse_row(row, anomalies))}
    taken_back = [row for row in rows if isinstance(row, dict) and number_of(row.get("is_delete")) == 1]
    if len(rows) > len(taken_back) and not flashes:
        raise ListingError(f"none of its {len(rows)} rows can be used ({anomalies[-1]})", "no_rows")
    return ListingPage(tuple(flashes.values()), total, tuple(anomalies), dropped=len(rows) - len(flashes))


def parse_row(row: Any, anomalies: list[str]) -> Flash | None:
    """One row; None for one that was taken back, or, with a name in ``anomalies``, one that has no id or no text."""
    if not isinstance(row, dict):
        anomalies.append("row_type")
        return None
    anomalies += type_names(row, _TYPES)
    number, room = number_of(row.get("id")), number_of(row.get("zhibo_id"))
    text = row_text(text_value(row.get("rich_text")))
    if number_of(row.get("is_delete")) == 1:
        return None
    if not number or not room or not text:
        anomalies.append("row_without_text" if number and room else "row_without_id")
        return None
    published = parse_sina_date(text_value(row.get("create_time")))
    if published is None:
        anomalies.append("row_without_time")
    ext, tags = extras(row.get("ext"), anomalies), dicts(row.get("tag"))
    link = usable_url(row.get("docurl")) or usable_url(ext.get("docurl"))
    return Flash(
        id=f"live-{room}-{number}",
        url="",
        title=headline(text),
        published_at=published,
        updated_at=parse_sina_date(text_value(row.get("update_time"))),
        keywords=tuple(name for tag in tags if (name := text_value(tag.get("name")))),
        text=text,
        stocks=stock_codes(ext.get("stocks")),
        refers_to=article_id(link) if link else None,
    )


def row_text(rich_text: str | None) -> str:
    """The text of a row; no markup in it is trusted."""
    lines = re.sub(r"<br\s*/?>|</p\s*>", "\n", rich_text or "", flags=re.I)
    return html.unescape(re.sub(r"</?[a-zA-Z][^<>]*>", "", lines)).strip()


def headline(text: str) -> str:
    """What stands in 【…】 at the beginning, or else the first sentence.

    >>> headline('【两市高开】沪指涨0.3%。'), headline('沪指涨0.3%。深成指跌。')
    ('两市高开', '沪指涨0.3%')
    """
    if found := _HEADLINE.match(text):
        return found[1]
    first = _END.split(text.strip(), maxsplit=1)[0]
    return first if len(first) <= MOST_HEADLINE else first[: MOST_HEADLINE - 1] + "…"


def extras(text: object, anomalies: list[str]) -> dict[str, Any]:
    """``ext``: a string holding a JSON object."""
    try:
        ext = json.loads(text) if isinstance(text, str) and text else {}
    except (ValueError, RecursionError):
        ext = None
    if not isinstance(ext, dict):
        anomalies.append("type_of_ext")
        return {}
    return ext


def dicts(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def stock_codes(stocks: object) -> tuple[str, ...]:
    """The codes of stocks as articles have them: sh600030, hk06030, CIIHY; futures and currencies are none."""
    codes = []
    for stock in dicts(stocks):
        market, symbol = (text_value(stock.get(key)) or "" for key in ("market", "symbol"))
        if market in _CODES and (found := _CODES[market][0].fullmatch(symbol)):
            codes.append(_CODES[market][1](found[1]))
    return tuple(dict.fromkeys(codes))


def item_of(flash: Flash, room: Channel, now: datetime) -> ArticleItem:
    """The row as an item. It has no URL of its own: ``docurl`` is the address of an article, named in ``refers_to``."""
    paragraphs = [line.strip() for line in flash.text.splitlines() if line.strip()]
    return ArticleItem(
        id=flash.key,
        url=None,
        title=flash.title,
        published_at=flash.published_at,
        updated_at=flash.updated_at,
        keywords=list(flash.keywords),
        stocks=list(flash.stocks),
        body_html="".join(f"<p>{html.escape(line, quote=False)}</p>" for line in paragraphs),
        layout="live",
        kind="live",
        channel=room.slug,
        categories=list(room.categories),
        fetched_at=to_beijing(now),
        refers_to=flash.refers_to,
    )
