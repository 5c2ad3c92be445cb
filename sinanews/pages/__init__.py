"""Pages of Sina -> articles. One small class for each page layout; a page shows exactly one."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from sinanews.cleaning.bounds import check_bounds
from sinanews.exceptions import AmbiguousLayout, BanPage, NotAnArticlePage, PageGone, UnknownLayout
from sinanews.items import ArticleItem
from sinanews.pages.base import Layout, Source
from sinanews.pages.decoding import Decoded, decode
from sinanews.pages.layouts import (
    Finance2014,
    Finance2018,
    Headlines,
    Kandian,
    Mobile,
    News2018,
    Publish2009,
    Tech2016,
)
from sinanews.pages.media import Gallery, Video
from sinanews.pages.pagination import join_bodies, next_pages
from sinanews.pages.tables import Table2005

#: Every layout there is. A new one needs a class, a line here, and a page in tests/pages/.
LAYOUTS: tuple[type[Layout], ...] = (
    Finance2018,
    News2018,
    Headlines,
    Kandian,
    Finance2014,
    Tech2016,
    Publish2009,
    Mobile,
    Gallery,
    Video,
    Table2005,
)
MAX_PAGE = 8 * 1024 * 1024  #: bytes of a whole page, scripts and all
MAX_TAGS = 200_000  #: tags of a whole page; those of real pages have some thousands
MANY_TAGS = 20_000  #: more tags than on any page; so many inside each other would keep lexbor busy for seconds

_BAN = re.compile(r"Kinsoku jikou desu|访问过于频繁|您的访问请求被拒绝|您的IP.{0,20}(?:异常|限制|封)", re.I)
_BARE_BAN = re.compile(r"(?<!\w)拒绝访问(?!\w)")  # a headline may hold the words
_GONE = re.compile(
    r"页面没有找到|(?:该|此)?(?:文章|页面|内容|新闻)已(?:经)?(?:被)?删除|页面不存在|文章不存在"
    r"|您(?:要)?访问的(?:页面|文章).{0,8}(?:不存在|被删除)|404 ?Not ?Found"
)
#: All that is no visible word of an article. Linear: what is never closed goes to the end.
_NO_WORDS = re.compile(
    r"<!--.*?(?:-->|\Z)|<(script|style)\b.*?(?:</\1\s*>|\Z)|<p class=\"article-notice\".*?(?:</p>|\Z)"
    r"|<[^<>]*>|[\s\u3000]|&nbsp;",
    re.S | re.I,
)
_PLAYER = re.compile(r"Video_Cont|video_id|<video\b|videoList|FlashConfig|artical-player", re.I)
_LOGIN = re.compile(r"新浪通行证|Sina Visitor System|用户登录|登录 - 新浪")


@dataclass
class Page:
    """What a page gave."""

    item: ArticleItem
    doubtful: bool = False  #: some of it could not be decoded with certainty
    next_pages: list[str] = field(default_factory=list)  #: the article's other pages, in order


def read_page(body: bytes, url: str, content_type: str | None = None) -> Page:
    """Read an article's page; ``item.body_html`` is raw, for clean_body.

    Raises a Refused (UnknownLayout, PageGone, NotAnArticlePage, UndecodablePage, PageTooLarge, …),
    or BanPage, which is about the client and not about the page.
    """
    check_bounds(body, MAX_PAGE, MANY_TAGS, MAX_TAGS)
    decoded = decode(body, content_type)
    source = Source(decoded.text, url, decoded.utf8)
    _refuse_other_pages(source)
    layouts = [layout for layout in LAYOUTS if layout.matches(source)]
    if len(layouts) > 1:
        raise AmbiguousLayout(", ".join(layout.name for layout in layouts) + f" claim {url}")
    if not layouts:
        _refuse_gone(source)
        raise UnknownLayout(url)
    item = layouts[0]().item(source)
    if item.kind == "article" and not _has_content(item.body_html):
        if not _PLAYER.search(item.body_html):
            raise PageGone(f"an empty shell of an article: {url}")
        item.kind = "video"
    others = [] if item.kind == "gallery" else next_pages(source.tree, url)
    return Page(item, decoded.doubtful, others)


def _refuse_other_pages(page: Source) -> None:
    """Ban, login and error pages may look like anything; few words, or how their title begins, tells them."""
    few_words = len(page.text) < 4000
    named = re.Pattern.search if few_words else re.Pattern.match  # a real headline may speak of deleted articles
    if few_words and _BAN.search(page.text):
        raise BanPage(page.text[:200])
    if named(_LOGIN, page.headline):
        raise NotAnArticlePage(f"a login page: {page.url}")
    if named(_GONE, page.headline):
        raise PageGone(page.headline)


def _refuse_gone(page: Source) -> None:
    if len(page.text) < 4000 and _BARE_BAN.search(page.text):
        raise BanPage(page.text[:200])
    if found := _GONE.search(_NO_WORDS.sub("", page.text)):
        raise PageGone(found[0])
    if len(page.text) < 3000 and re.search(r'http-equiv=["\']?refresh|location\.(?:href|replace)', page.text, re.I):
        raise NotAnArticlePage(f"a stub that leads elsewhere: {page.url}")


def _has_content(body: str) -> bool:
    """Whether a raw body has a picture or words, those of Sina's notices and scripts not counted."""
    if len(body) > 5000 or "<img" in body:
        return True
    return bool(_NO_WORDS.sub("", body))


__all__ = [
    "LAYOUTS", "Decoded", "Layout", "Page", "Source", "decode", "join_bodies", "next_pages", "read_page",
]  # fmt: skip
