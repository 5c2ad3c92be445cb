"""Pages before 2009: nested tables without names; the text's own paragraphs stand in one cell."""

from __future__ import annotations

import re
from datetime import datetime

from selectolax.lexbor import LexborNode

from sinanews.dates import parse_sina_date
from sinanews.pages.base import Layout, Source, bare, medium_after_time, own_text, squeeze
from sinanews.pages.layouts import HEADLINES, KANDIAN, MOBILE, TIME_SOURCE, VIDEO

_TIME = re.compile(r"(?:19|20)\d\d\s*[年/.-]\s*\d\d?\s*[月/.-]\s*\d\d?\s*日?\s*\d\d?[:：]\d\d")
_FEW_WORDS = 80  #: a shorter text is no article of that time


class Table2005(Layout):
    """1999-2008, any channel: what shows a time with minutes and a cell full of text."""

    name = "table_2005"
    unless = (
        ".date-source", TIME_SOURCE, "#pub_date", "#media_name", ".artInfo", KANDIAN, HEADLINES, MOBILE, VIDEO,
        "#artibody.BSHARE_POP",
    )  # fmt: skip
    title = ("#artibodyTitle", "#article th", "th.f24", ".f24", "th h1", "h1", "th", ".title24", "h2")

    @classmethod
    def matches(cls, page: Source) -> bool:
        return (
            super().matches(page) and "slide_data" not in page.text
            and byline(page) is not None and text_cell(page) is not None
        )  # fmt: skip

    def title_of(self, page: Source) -> str:
        """A heading that ``<title>`` begins with; else ``<title>`` itself."""
        headings = (squeeze(node.text(deep=True)) for css in self.title for node in page.tree.css(css))
        known = bare(page.headline)
        return next((text for text in headings if text and bare(text) == known), page.headline)

    def published(self, page: Source) -> datetime | None:
        line = byline(page)
        return parse_sina_date(line.text(deep=True)) if line is not None else None

    def media_of(self, page: Source) -> str:
        """The coloured words behind the time, else all that follows it."""
        line = byline(page)
        if line is None:
            return ""
        for node in line.css("font, a, span"):
            words = squeeze(node.text(deep=True))
            if words and not re.search(r"\d\d:\d\d|sina\.com|^[【\[]", words):
                return words
        return medium_after_time(line.text(deep=True))

    def body_of(self, page: Source) -> str:
        cell = text_cell(page)
        return (cell.inner_html or "") if cell is not None else ""


def byline(page: Source) -> LexborNode | None:
    """The first cell or line that shows a time to the minute and holds no other cell."""
    for css in ("td", "div, p, center, span, font"):
        for node in page.tree.css(css):
            if _is_leaf(node) and len(text := node.text(deep=True)) < 600 and _TIME.search(text):
                return node
    return None


def _is_leaf(node: LexborNode) -> bool:
    return not any(inner.mem_id != node.mem_id for inner in node.css("td, table, script"))  # css() finds itself, too


def text_cell(page: Source) -> LexborNode | None:
    """The element whose own paragraphs hold most text that is no link; the innermost of equals."""
    for css in ("#artibody", "#article #zoom, #zoom", "td, div, font"):
        best, most = None, _FEW_WORDS
        for node in page.tree.css(css):
            score = own_text(node)
            if score >= most:
                best, most = node, score
        if best is not None:
            return best
    return None
