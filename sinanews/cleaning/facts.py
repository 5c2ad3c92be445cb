"""What a raw body says besides its text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from sinanews.urls import absolute_url, relative_url

_STOCK_CODE = re.compile(r"(?:sh|sz|bj)\d{6}|(?:hk)?\d{5}|hk[A-Z]{2,6}|\.?[A-Z][A-Z0-9._]{0,7}")
_MEDIUM = re.compile(
    r"[(（\[【]?\s*(?:文章|稿件|新闻|内容|本文)?来源\s*[：:/／|｜丨]\s*(?P<medium>[^，。！？；：:()（）\[\]【】|]{2,30}?)"
    r"(?:[(（][^()（）]{1,30}[)）]|\s+(?:作者|记者|编辑|责编|责任编辑|原标题)\s*[：:].{0,40}|\s+(?:19|20)\d\d[-年/.].{0,20})?\s*[)）\]】]?"
)
#: What stands behind 来源 under charts and in notes, and is no medium.
_NO_MEDIUM = re.compile(
    r"wind|万得|choice|ifind|同花顺|公开|公告|年报|财报|招股|^网络|互联网|自制|整理|数据|研究|作者|本文|报告|资料"
    r"|供图|摄$|截图",
    re.I,
)


@dataclass
class Facts:
    """What a raw body says besides its text, as rules find it."""

    base_url: str | None = None
    stocks: list[str] = field(default_factory=list)  #: codes in order of appearance
    editor: str | None = None  #: 责任编辑 without the staff code
    original_title: str | None = None  #: of a first line 原标题：…
    author: str | None = None  #: of a line of its own such as 文/… or 作者：…
    media: str | None = None  #: of a line 来源：… at either end of the text, or in an editor's comment
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

    >>> editor_in("责任编辑：某某 SF014"), editor_in("责任编辑：某某 校对：某人")
    ('某某', '某某')
    """
    found = re.search(r"责任?编辑?\s*[：:]\s*([^()（）\[\]【】]{1,40})", text)
    name = re.sub(r"\s+\w{2,5}\s*[：:].*", "", found[1].strip()) if found else ""  # 校对：… behind it
    name = re.sub(r"\s*\b[A-Z]{1,4}\d{2,6}\s*$", "", name)
    return name.strip(" \t\r\n\xa0\u3000，;；。") or None


def medium_in(line: str) -> str | None:
    """The medium that a line names which says nothing else.

    >>> medium_in("（来源：云麓日报）"), medium_in("来源：Wind"), medium_in("来源：不明的资金去了哪里？")
    ('云麓日报', None, None)
    """
    said = _MEDIUM.fullmatch(line.strip(" \t\r\n\xa0\u3000"))
    name = said["medium"].strip(" \t\xa0\u3000、") if said else ""
    return name if 2 <= len(name) <= 20 and not _NO_MEDIUM.search(name) else None
