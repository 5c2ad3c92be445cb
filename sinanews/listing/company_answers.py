"""What the lists of a company answer, turned into rows: JSON, and old pages in GBK. Pure.

The shapes: gathered from public clients; only those of a news list and of a report's row were seen in saved answers.
``code`` is the share's, ``now`` the moment of the answer: pages write 今天 18:18.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from bs4 import Tag
from bs4.element import NavigableString

from sinanews.dates import from_epoch, parse_listed_date
from sinanews.exceptions import ListingError
from sinanews.listing.loose_json import load_loose
from sinanews.listing.roll import Listing, ListingPage, number_of, text_value, usable_url
from sinanews.soup import soup_of
from sinanews.urls import BULLETIN_URL, absolute_url, article_id

_END = re.compile("暂时没有数据|没有找到相关|暂无数据|没有相关")
_PAGER = re.compile(r"^\W*(?:首页|上一?页|下一?页|[末尾]页|\d{1,4})\W*$")
_BULLETIN_ID = re.compile(r"[?&]id=(\d{1,20})(?:&|$)")
_REPORT_LINK = re.compile(r"vReport_Show/")
_DAY = re.compile(r"\d{4}-\d\d?-\d\d?|今天|昨天|\d\d?-\d\d?\s+\d\d?:|前$")


def news_in_json(text: str, base: str, code: str, now: datetime) -> ListingPage:
    """Rows {title, url, ctime, ctime_str}. Raises ListingError."""
    rows, anomalies = _rows_in_json(text)
    return _page((_news_row(row, now, anomalies) for row in rows), len(rows), anomalies)


def _news_row(row: dict[str, Any], now: datetime, anomalies: list[str]) -> Listing | None:
    when = from_epoch(number_of(row.get("ctime"))) or parse_listed_date(text_value(row.get("ctime_str")) or "", now)
    return _listing(usable_url(row.get("url")), text_value(row.get("title")), when, anomalies)


def announcements_in_json(text: str, base: str, code: str, now: datetime) -> ListingPage:
    """Rows {title, date, id}. Raises ListingError."""
    rows, anomalies = _rows_in_json(text)
    return _page((_announcement_row(row, code, now, anomalies) for row in rows), len(rows), anomalies)


def _announcement_row(row: dict[str, Any], code: str, now: datetime, anomalies: list[str]) -> Listing | None:
    number = number_of(row.get("id"))
    when = from_epoch(number_of(row.get("date"))) or parse_listed_date(text_value(row.get("date")) or "", now)
    url = BULLETIN_URL.format(code[2:], number) if number is not None and number > 0 else None
    return _listing(url, text_value(row.get("title")), when, anomalies)


def _rows_in_json(text: str) -> tuple[list[dict[str, Any]], list[str]]:
    """The rows of ``result.data``, and what is not as known of the answer."""
    answer, strict = load_loose(text)
    result = answer.get("result") if isinstance(answer, dict) else None
    if not isinstance(result, dict) or "data" not in result:
        raise ListingError("no result.data in the answer", "shape")
    status = result.get("status")
    code = number_of(status.get("code")) if isinstance(status, dict) else None
    if code:
        raise ListingError(f"status {code}", "status")
    rows = result["data"] or []
    if not isinstance(rows, list):
        raise ListingError(f"result.data is {type(rows).__name__}, not a list", "shape")
    anomalies = [*(["loose_json"] if not strict else []), *(["list_without_status"] if code is None else [])]
    return [row if isinstance(row, dict) else {} for row in rows], anomalies


def news_in_html(text: str, base: str, code: str, now: datetime) -> ListingPage:
    """``2026-08-20&nbsp;17:05&nbsp;&nbsp;<a href=…>title</a><br>`` in ``div.datelist``. Raises ListingError."""
    return _dated_page(text, base, now, lambda href: usable_url(absolute_url(base, href)))


def announcements_in_html(text: str, base: str, code: str, now: datetime) -> ListingPage:
    """The same with links to announcements; one that names no share is of this one. Raises ListingError."""

    def address(href: str) -> str | None:
        number = _BULLETIN_ID.search(href) if "BulletinDetail" in href else None
        url = usable_url(absolute_url(base, href)) if number else None
        return url if url is None or number is None or article_id(url) else BULLETIN_URL.format(code[2:], number[1])

    return _dated_page(text, base, now, address)


def _dated_page(text: str, base: str, now: datetime, address: Any) -> ListingPage:
    soup = soup_of(text)
    boxes, anomalies = soup.select("div.datelist"), list[str]()
    found = [pair for box in boxes for pair in _dated_links(box, now)]
    if not found:
        anomalies += _nothing_but_an_end(soup, is_list=bool(boxes))
    rows = (_listing(address(_href(link)), _words(link), when, anomalies) for when, link in found)
    return _page(rows, len(found), anomalies, _next_page(soup, base))


def _dated_links(box: Tag, now: datetime) -> Iterator[tuple[datetime | None, Tag]]:
    """Each link of a list, with the time that stands between it and the one before."""
    before = ""
    for node in box.descendants:
        if isinstance(node, Tag) and node.name == "a" and not _PAGER.match(node.get_text()):
            yield parse_listed_date(before, now), node
            before = ""
        elif isinstance(node, NavigableString) and node.find_parent("a") is None:
            before += str(node)


def reports_in_html(text: str, base: str, code: str, now: datetime) -> ListingPage:
    """Rows of 序号, 标题, 类型, 日期, 机构, 研究员; cells may be missing. Raises ListingError."""
    soup = soup_of(text)
    links = {row: link for link in soup.find_all("a", href=_REPORT_LINK) if (row := link.find_parent("tr")) is not None}
    anomalies: list[str] = []
    if not links:
        anomalies += _nothing_but_an_end(soup, is_list="研究员" in soup.get_text())
    rows = (_report_row(row, link, base, now, anomalies) for row, link in links.items())
    return _page(rows, len(links), anomalies, _next_page(soup, base))


def _report_row(row: Tag, link: Tag, base: str, now: datetime, anomalies: list[str]) -> Listing | None:
    cells = [cell for cell in row.find_all("td") if cell.find("td") is None]
    place = next((n for n, cell in enumerate(cells) if link in cell.descendants), 0)
    texts = [_words(cell) for cell in cells[place + 1 :]]
    day = next((n for n, words in enumerate(texts) if _DAY.search(words)), min(1, len(texts)))
    kind, when, house, analysts = (*texts[:day][-1:], *[""] * (1 - min(day, 1)), *texts[day:], "", "", "")[:4]
    listing = _listing(
        usable_url(absolute_url(base, _href(link))), _words(link), parse_listed_date(when, now), anomalies,
        media=house or None, author=analysts or None, keywords=(kind,) if kind else (),
    )  # fmt: skip
    if len(cells) - place < 5 or not all((kind, when, house, analysts)):
        anomalies.append("report_row_lacks_cells")
    return listing


def _listing(
    url: str | None, title: str | None, when: datetime | None, anomalies: list[str], **more: Any
) -> Listing | None:
    if url is None:
        anomalies.append("row_without_url")
        return None
    if when is None:
        anomalies.append("row_without_time")
    return Listing(article_id(url), url, title or "", when, **more)


def _page(
    listings: Iterable[Listing | None], number: int, anomalies: list[str], next_url: str | None = None
) -> ListingPage:
    rows: dict[str, Listing] = {}
    for one in listings:
        if one is not None:
            rows.setdefault(one.key, one)
    if number and not rows:
        raise ListingError(f"none of its {number} rows can be used ({anomalies[-1]})", "no_rows")
    return ListingPage(tuple(rows.values()), None, tuple(anomalies), dropped=number - len(rows), next_url=next_url)


def _nothing_but_an_end(soup: Tag, *, is_list: bool) -> list[str]:
    """What is strange about a page without rows. Raises ListingError for one that is no list at all."""
    words = soup.get_text()
    if _END.search(words):
        return []
    if is_list:
        return ["empty_page_without_words"]
    raise ListingError(f"no list in the page: {' '.join(words.split())[:60]!r}", "shape")


def _next_page(soup: Tag, base: str) -> str | None:
    """Where 下一页 leads, if that is another page of the same list's host."""
    links = (link for link in soup.find_all("a") if re.search("下一?页", link.get_text()))
    urls = (url for link in links if (url := absolute_url(base, _href(link))) and url != base)
    return next((url for url in urls if url.split("/")[2] == base.split("/")[2]), None)


def _href(link: Tag) -> str:
    return str(link.get("href") or "")


def _words(tag: Tag) -> str:
    """A cell's or a link's words; the whole title of a link that shows its beginning."""
    return " ".join(
        (text_value(tag.get("title")) or tag.get_text(" ") if tag.name == "a" else tag.get_text(" ")).split()
    )
