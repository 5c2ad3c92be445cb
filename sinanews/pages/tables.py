"""Pages before 2009: nested tables without names; the text's own paragraphs stand in one cell."""

from __future__ import annotations

import re
from datetime import datetime
from itertools import islice

from selectolax.lexbor import LexborNode

from sinanews.dates import parse_sina_date
from sinanews.pages.base import NOT_MEDIUM, Layout, Source, is_within, letters, medium_after_time, squeeze
from sinanews.pages.company import BULLETIN, REPORT
from sinanews.pages.layouts import HEADLINES, KANDIAN, MOBILE, PUBLISHED, TIME_SOURCE, VIDEO

_TIME = re.compile(r"(?:19|20)\d\d\s*[年/.-]\s*\d\d?\s*[月/.-]\s*\d\d?\s*日?\s*\d\d?[:：]\d\d")
_NO_MEDIUM = re.compile(r"\d\d:\d\d|sina\.com|^[【\[]")
#: A time in brackets, as it stands behind a related link; no byline has that.
_RELATED = re.compile(rf"[(（]\s*{_TIME.pattern}\s*[)）]|相关(?:链接|报道|新闻|专题)")
_WRAPPERS = frozenset("form font b strong span center i u".split())
_FEW_WORDS = 60  #: a shorter text in a cell without a name is no article of that time
_FOOTER = re.compile(r"版权所有|Copyright|All Rights Reserved|新浪简介", re.I)
_LAST_YEAR = 2010  #: newer pages without marks are of a layout that nobody knows


class Table2005(Layout):
    """1999-2008, any channel: what shows a time of those years, with minutes, and a cell full of text."""

    name = "table_2005"
    unless = (
        ".date-source", TIME_SOURCE, "#pub_date", "#media_name", ".artInfo", KANDIAN, HEADLINES, MOBILE, VIDEO,
        PUBLISHED,
        "#artibody.BSHARE_POP", BULLETIN, REPORT,
    )  # fmt: skip
    title = ("#artibodyTitle", "#article th", "th.f24", ".f24", "th h1", "h1", "th", ".title24", "h2")

    @classmethod
    def matches(cls, page: Source) -> bool:
        if not super().matches(page) or "slide_data" in page.text or page.found(text_cell) is None:
            return False
        when = cls().published(page)
        return when is not None and when.year <= _LAST_YEAR

    def title_of(self, page: Source) -> str:
        """A heading that says what ``<title>`` says, or more; else ``<title>`` itself."""
        headings = list(page.texts(*self.title))
        known = letters(page.headline)
        same = [text for text in headings if letters(text) == known]
        alike = [text for text in headings if len(text) < 80 and known and known in letters(text)]
        return next(iter(same + alike), page.headline)

    def published(self, page: Source) -> datetime | None:
        line = page.found(byline)
        return parse_sina_date(line.text(deep=True)) if line is not None else None

    def media_of(self, page: Source) -> str:
        """The coloured words behind the time, else all that follows it."""
        if (line := page.found(byline)) is None:
            return ""
        coloured = (squeeze(node.text(deep=True)) for node in line.css("font, a, span"))
        named = (NOT_MEDIUM.sub("", words) for words in coloured if not _NO_MEDIUM.search(words))
        return next(filter(None, named), "") or medium_after_time(line.text(deep=True))

    def body_of(self, page: Source) -> str:
        """The cell, without title and byline where they stand in it."""
        cell, line = page.found(text_cell), page.found(byline)
        if cell is None:
            return ""
        title = letters(page.headline)
        headings = [node for node in cell.css("h1, h2, th, .f24") if letters(node.text(deep=True)) == title]
        for node in [*headings, line]:
            if node is not None and node.mem_id != cell.mem_id and is_within(node, cell):
                node.decompose()
        return cell.inner_html or ""


def byline(page: Source) -> LexborNode | None:
    """The first cell or line behind the title that shows a time to the minute and holds no other cell.

    Times of related links are none of the article's: they stand in brackets behind the link.
    """
    nodes = page.tree.css("h1, h2, th, td, font, b, strong, div, p, center, span")
    below = _below_title(page, nodes)
    for places in (below, nodes) if below else (nodes,):
        for size in (150, 600):
            for tags in (("td",), ("div", "p", "center", "span", "font")):
                lines = (node for node in places if node.tag in tags and _is_byline(node, size))
                if (line := next(lines, None)) is not None:
                    return line
    return None


def _is_byline(node: LexborNode, size: int) -> bool:
    if not _is_leaf(node) or len(text := node.text(deep=True)) >= size or not _TIME.search(text):
        return False
    return not _RELATED.search(text) and not _is_links(node)


def _below_title(page: Source, nodes: list[LexborNode]) -> list[LexborNode]:
    """Those of the nodes that begin behind the first heading which says what ``<title>`` says."""
    known = letters(page.headline)
    for at, node in enumerate(nodes if known else ()):
        if len(text := node.text(deep=True)) < 200 and letters(text) == known:
            return nodes[at + 1 :]
    return []


def _is_links(node: LexborNode) -> bool:
    """Whether a line with a time is a list of links rather than a byline."""
    inside = [place for place in _up(node) if place.tag in ("li", "ul", "a")]
    linked = sum(len(squeeze(link.text(deep=True))) for link in node.css("a"))
    return bool(inside) or linked > 0.5 * len(squeeze(node.text(deep=True)))


def _up(node: LexborNode) -> list[LexborNode]:
    places, place = [], node.parent
    while place is not None:
        places.append(place)
        place = place.parent
    return places


def _is_leaf(node: LexborNode) -> bool:
    inside = islice(node.traverse(), 1, None)  # the first is the node itself
    return not any(inner.tag in ("td", "table", "script") for inner in inside)


def text_cell(page: Source) -> LexborNode | None:
    """The element whose own paragraphs hold most text that is no link; the innermost of equals."""
    for css, few in (("#artibody", 1), ("#article #zoom, #zoom", 1), ("td, div, font", _FEW_WORDS)):
        best, most = None, few
        for node in page.tree.css(css):
            score = own_text(node)
            if score >= most and not (few > 1 and _is_footer(node)):
                best, most = node, score
        if best is not None:
            return _parent_of_zoom(page) if css.endswith("#zoom") and _goes_on(page, best) else best
    return None


def _parent_of_zoom(page: Source) -> LexborNode | None:
    first = page.tree.css_first("#zoom")
    return first.parent if first is not None else None


def _goes_on(page: Source, zoom: LexborNode) -> bool:
    """Whether more of the text stands beside #zoom: a form left open in it splits it in two of that name."""
    others = (node for node in page.tree.css("#zoom") if node.mem_id != zoom.mem_id)
    return any(own_text(node) > 0 and not is_within(node, zoom) for node in others)


def _is_footer(node: LexborNode) -> bool:
    return len(text := node.text(deep=True)) < 1000 and _FOOTER.search(text) is not None


def own_text(node: LexborNode, levels: int = 8) -> int:
    """Characters in an element's own paragraphs and lines, not in nested tables; links count against it."""
    total = 0
    for child in node.iter(include_text=True):
        if child.tag == "-text":
            total += len(squeeze(child.text_content))
        elif child.tag in ("p", "blockquote"):
            linked = (len(squeeze(inner.text())) for inner in child.traverse() if inner.tag == "a")
            total += len(squeeze(child.text(deep=True))) - 2 * sum(linked)
        elif child.tag == "a":
            total -= len(squeeze(child.text(deep=True)))
        elif child.tag in _WRAPPERS and levels:
            total += own_text(child, levels - 1)
    return total
