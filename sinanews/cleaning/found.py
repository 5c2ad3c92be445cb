"""What a raw body says besides its text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from sinanews.urls import absolute_url, relative_url

_STOCK_CODE = re.compile(r"(?:sh|sz|bj)\d{6}|(?:hk)?\d{5}|hk[A-Z]{2,6}|\.?[A-Z][A-Z0-9._]{0,7}")


@dataclass
class Found:
    """What a raw body says besides its text, as rules find it."""

    base_url: str | None = None
    stocks: list[str] = field(default_factory=list)  #: codes in order of appearance
    editor: str | None = None  #: 责任编辑 without the staff code
    original_title: str | None = None  #: of a first line 原标题：…
    author: str | None = None  #: of a line of its own such as 文/… or 作者：…
    poster: str | None = None  #: the picture a video player shows; not one of ``images``
    removed: Counter[str] = field(default_factory=Counter)  #: how often each rule removed something

    def add_stocks(self, codes: Iterable[str]) -> None:
        """Codes, as Sina writes them."""
        self.stocks.extend(code for code in map(str.strip, codes) if _STOCK_CODE.fullmatch(code))

    def address(self, url: str) -> str | None:
        """Where a link or a picture leads; a post from a disk has no base, and its relative addresses stay so."""
        return absolute_url(self.base_url, url) or (None if self.base_url else relative_url(url))

    def add_poster(self, url: str | None) -> None:
        self.poster = self.poster or absolute_url(self.base_url, url or "")


def editor_in(text: str) -> str | None:
    """The name behind 责任编辑, without the staff code.

    >>> editor_in("责任编辑：某某 SF014")
    '某某'
    """
    found = re.search(r"责任?编辑?\s*[：:]\s*([^()（）\[\]【】]{1,40})", text)
    name = re.sub(r"\s*\b[A-Z]{1,4}\d{2,6}\s*$", "", found[1].strip()) if found else ""
    return name.strip(" \t\r\n\xa0\u3000，;；。") or None
