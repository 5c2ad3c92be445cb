"""Articles of several pages: where the others are, and their bodies as one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser

from sinanews.urls import canonical_url

_NUMBERED = re.compile(r"(?P<stem>.+?)(?:[-_]p?(?P<number>\d{1,2}))?(?P<end>(?:\.d)?\.s?html?)$")


def next_pages(page: LexborHTMLParser | str, url: str) -> list[str]:
    """The article's other pages in order, as its pager names them; not the page at hand."""
    tree = LexborHTMLParser(page) if isinstance(page, str) else page
    here = canonical_url(url)
    stem, _ = _place(here)
    name = re.sub(r"[^\w-]", "", stem.rpartition("/")[2].partition(".")[0])
    found: dict[str, int] = {}
    for link in tree.css(f'[href*="{name}"]:is(a)') if name else []:
        try:
            target = canonical_url(urljoin(url, link.attributes.get("href") or ""))
        except ValueError:
            continue
        other, number = _place(target)
        if other == stem and target != here:
            found.setdefault(target, number)
    return sorted(found, key=lambda target: found[target])


def _place(url: str) -> tuple[str, int]:
    """(what all pages of an article share, the page's number)."""
    parts = urlsplit(url)
    numbered = _NUMBERED.match(parts.path)
    if numbered is None:
        return parts.path, 1
    return f"{parts.netloc}{numbered['stem']}{numbered['end']}", int(numbered["number"] or 1)


def page_number(url: str) -> int:
    """Which page of its article an address names.

    >>> page_number("https://finance.sina.com.cn/a/doc-iabc1234567_3.shtml"), page_number("https://k.sina.cn/x.html")
    (3, 1)
    """
    return _place(url)[1]


def join_bodies(bodies: Iterable[str]) -> str:
    """The raw bodies of an article's pages, in order, each once, as one body."""
    return "\n".join(dict.fromkeys(body.strip() for body in bodies))
