"""Pages before 2009: nested tables without names; the text's own paragraphs stand in one cell."""

from __future__ import annotations

import re
from datetime import datetime

from selectolax.lexbor import LexborNode

from sinanews.dates import parse_sina_date
from sinanews.pages.base import Layout, Source, bare, medium_after_time, squeeze
from sinanews.pages.layouts import HEADLINES, KANDIAN, MOBILE, TIME_SOURCE, VIDEO

_TIME = re.compile(r"(?:19|20)\d\d\s*[年/.-]\s*\d\d?\s*[月/.-]\s*\d\d?\s*日?\s*\d\d?[:：]\d\d")
_WRAPPERS = frozenset("font b strong span center i u".split())
_FEW_WORDS = 60  #: a shorter text is no article of that time


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
            and part(page, "byline") is not None and part(page, "cell") is not None
        )  # fmt: skip

    def title_of(self, page: Source) -> str:
        """A heading that says what ``<title>`` says, or more; else ``<title>`` itself."""
        headings = [squeeze(node.text(deep=True)) for css in self.title for node in page.tree.css(css)]
        known = bare(page.headline)
        same = [text for text in headings if bare(text) == known]
        alike = [text for text in headings if len(text) < 80 and known and known in bare(text)]
        return next(iter(same + alike), page.headline)

    def published(self, page: Source) -> datetime | None:
        line = part(page, "byline")
        return parse_sina_date(line.text(deep=True)) if line is not None else None

    def media_of(self, page: Source) -> str:
        """The coloured words behind the time, else all that follows it."""
        line = part(page, "byline")
        if line is None:
            return ""
        for node in line.css("font, a, span"):
            words = squeeze(node.text(deep=True))
            if words and not re.search(r"\d\d:\d\d|sina\.com|^[【\[]", words):
                return words
        return medium_after_time(line.text(deep=True))

    def body_of(self, page: Source) -> str:
        """The cell, without title and byline where they stand in it."""
        cell, line = part(page, "cell"), part(page, "byline")
        if cell is None:
            return ""
        headings = [node for node in cell.css("h1, h2, th, .f24") if bare(node.text(deep=True)) == bare(page.headline)]
        for node in [*headings, line]:
            if node is not None and node.mem_id != cell.mem_id and _is_inside(node, cell):
                node.decompose()
        return cell.inner_html or ""


def _is_inside(node: LexborNode, outer: LexborNode) -> bool:
    while (parent := node.parent) is not None:
        if parent.mem_id == outer.mem_id:
            return True
        node = parent
    return False


def part(page: Source, name: str) -> LexborNode | None:
    """``byline`` or ``cell`` of a page, looked for once."""
    if name not in page.parts:
        page.parts[name] = {"byline": byline, "cell": text_cell}[name](page)
    return page.parts[name]


def byline(page: Source) -> LexborNode | None:
    """The first cell or line that shows a time to the minute and holds no other cell."""
    for size in (150, 600):
        for css in ("td", "div, p, center, span, font"):
            for node in page.tree.css(css):
                if _is_leaf(node) and len(text := node.text(deep=True)) < size and _TIME.search(text):
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


def own_text(node: LexborNode, levels: int = 8) -> int:
    """Characters in an element's own paragraphs and lines, not in nested tables; links count against it."""
    total = 0
    for child in node.iter(include_text=True):
        if child.tag == "-text":
            total += len(squeeze(child.text()))
        elif child.tag in ("p", "blockquote"):
            total += len(squeeze(child.text(deep=True))) - 2 * sum(len(squeeze(link.text())) for link in child.css("a"))
        elif child.tag == "a":
            total -= len(squeeze(child.text(deep=True)))
        elif child.tag in _WRAPPERS and levels:
            total += own_text(child, levels - 1)
    return total
