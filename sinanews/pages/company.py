"""A company's papers: its announcements, and research reports on it. Old pages in GBK, read with BeautifulSoup.

Their shapes: gathered from public clients; no page of them was at hand whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bs4 import Tag

from sinanews.dates import parse_sina_date
from sinanews.items import ArticleItem
from sinanews.pages.base import Layout, Source, id_of, squeeze
from sinanews.soup import soup_of
from sinanews.stocks import share_code
from sinanews.urls import absolute_url, canonical_url, stock_in

BULLETIN, REPORT = "table#allbulletin", "div.blk_container"
_PDF = re.compile(r"\.pdf(?:$|[?#])", re.I)
_DAY = re.compile(r"公告日期\s*[:：]\s*([^<\s]+)")
_LABELLED = re.compile(r"^\s*(类别|类型|机构|研究员|日期)\s*[:：]\s*(.*)$", re.S)
_BRACKETS = re.compile(r"[（(\[【]\s*[）)\]】]")
#: What stands among the text and is of other companies, or none of the text.
_NOT_TEXT = ".related, script, style, iframe, form"


class Bulletin(Layout):
    """An announcement: ``table#allbulletin`` with title and PDF in its ``th``, the text in ``div#content``."""

    name = "bulletin"
    kind = "announcement"
    marks = (BULLETIN,)

    def item(self, page: Source) -> ArticleItem:
        table = soup_of(page.text).select_one(BULLETIN)
        assert table is not None, "the page was claimed by what it has"
        heading, day = table.select_one("th"), _DAY.search(table.get_text())
        attached = list(_pdfs(heading, page.url)) or list(_pdfs(table, page.url))
        code = share_code(stock_in(page.url) or "")
        return ArticleItem(
            id=id_of(page),
            url=canonical_url(page.url),
            title=_title(heading) or page.headline,
            published_at=parse_sina_date(day[1]) if day else None,
            stocks=[code] if code else [],
            body_html=_text(table.select_one("#content")),
            attachments=attached,
            layout=self.name,
            kind=self.kind,
        )


class Report(Layout):
    """A research report: ``h1``, 类别, 机构, 研究员 and 日期 in ``span``s, the text in ``div.blk_container``."""

    name = "report"
    kind = "research"
    marks = (REPORT,)
    unless = (BULLETIN, "#artibody", ".date-source")

    def item(self, page: Source) -> ArticleItem:
        soup = soup_of(page.text)
        found = (_LABELLED.match(span.get_text()) for span in soup.select("span"))
        told = {label[1]: words for label in found if label and (words := squeeze(label[2]))}
        kind = told.get("类别") or told.get("类型")
        return ArticleItem(
            id=id_of(page),
            url=canonical_url(page.url),
            title=_title(soup.select_one("div.content h1") or soup.select_one("h1")) or page.headline,
            published_at=parse_sina_date(told.get("日期")),
            media=told.get("机构"),
            author=told.get("研究员"),
            keywords=[kind] if kind else [],
            body_html=_text(soup.select_one(REPORT)),
            layout=self.name,
            kind=self.kind,
        )


def _title(heading: Tag | None) -> str:
    """A heading's words, but for those of links in it and the brackets around them."""
    if heading is None:
        return ""
    links = {link.get_text() for link in heading.find_all("a")}
    words = "".join(text for text in heading.strings if text not in links)
    return squeeze(_BRACKETS.sub("", words))


def _pdfs(place: Tag | None, base: str) -> Iterator[str]:
    for link in place.find_all("a", href=_PDF) if place is not None else ():
        if (url := absolute_url(base, str(link["href"]))) is not None:
            yield url


def _text(place: Tag | None) -> str:
    if place is None:
        return ""
    for other in place.select(_NOT_TEXT):
        other.decompose()
    return place.decode_contents()
