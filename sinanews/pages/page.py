"""An article's page -> the article. One small class for each page layout; a page shows exactly one."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from sinanews.cleaning.limits import check_limits
from sinanews.exceptions import AmbiguousLayout, NoAnswer, PageGone, UnknownLayout
from sinanews.items import ArticleItem
from sinanews.pages.base import Layout, Source, own_ids
from sinanews.pages.company import Bulletin, Report
from sinanews.pages.decoding import decode
from sinanews.pages.layouts import NAMED_PARTS
from sinanews.pages.media import Gallery, Video
from sinanews.pages.others import NO_WORDS, refuse_in_disguise, refuse_trouble_as_text, refuse_unknown
from sinanews.pages.pagination import next_pages
from sinanews.pages.tables import Table2005
from sinanews.urls import is_sina_host

#: Every layout there is. A new one needs a class, its name here or in layouts.py, and a page in tests/pages/.
LAYOUTS: tuple[type[Layout], ...] = (*NAMED_PARTS, Gallery, Video, Table2005, Bulletin, Report)
MAX_PAGE = 8 * 1024 * 1024  #: bytes of a whole page, scripts and all
MAX_TAGS = 200_000  #: tags of a whole page; those of real pages have some thousands
MAX_ELEMENTS = 1_200_000  #: that the parser may make of them, some 250 bytes each
MANY_TAGS = 20_000  #: more tags than on any page; so many inside each other would keep lexbor busy for seconds

_PLAYER = re.compile(r"Video_Cont|video_id|<video\b|videoList|FlashConfig|artical-player", re.I)


@dataclass
class Page:
    """What a page gave."""

    item: ArticleItem
    doubtful: bool = False  #: some of it could not be decoded with certainty
    next_pages: list[str] = field(default_factory=list)  #: the article's other pages, in order
    own_ids: frozenset[str] = frozenset()  #: of which article the page says that it is; empty where it says nothing


def read_page(body: bytes, url: str, content_type: str | None = None) -> Page:
    """Read an article's page; ``item.body_html`` is raw, for clean_body.

    Raises a Refused (UnknownLayout, PageGone, NotAnArticlePage, UndecodablePage, PageTooLarge, …) for what a page says
    of the article, or NoAnswer (Wall) for what says something of us, or nothing.
    """
    if not body.strip():
        raise NoAnswer.named("empty_answer", f"an empty answer: {url}")
    check_limits(body, MAX_PAGE, MANY_TAGS, MAX_TAGS, MAX_ELEMENTS)
    decoded = decode(body, content_type)
    source = Source(decoded.text, url, decoded.utf8)
    refuse_in_disguise(source)
    layouts = [layout for layout in LAYOUTS if layout.matches(source)]
    if len(layouts) > 1:
        raise AmbiguousLayout(", ".join(layout.name for layout in layouts) + f" claim {url}")
    if not layouts:
        refuse_unknown(source)
        raise UnknownLayout(url)
    item = layouts[0]().item(source)
    if item.kind == "article" and not _has_content(item.body_html):
        if not _PLAYER.search(item.body_html):
            raise PageGone(f"an empty shell of an article: {url}")
        item.kind = "video"
    if item.kind == "article":
        refuse_trouble_as_text(source, item.body_html)
    if item.is_paper and not (item.attachments or _has_content(item.body_html)):
        raise PageGone(f"an empty shell of a company's paper: {url}")
    others = [] if item.kind == "gallery" or item.is_paper else next_pages(source.tree, url)
    return Page(item, decoded.doubtful, others, own_ids(source))


def is_sinas(item: ArticleItem) -> bool:
    """Whether an article is of Sina: what cleans Sina's pages is not for others."""
    read_by = {"seed", "live", *(layout.name for layout in LAYOUTS)}
    return item.layout in read_by or is_sina_host(urlsplit(item.url or "").hostname or "")


def _has_content(body: str) -> bool:
    """Whether a raw body has a picture or words, those of Sina's notices and scripts not counted."""
    if len(body) > 5000 or "<img" in body:
        return True
    return bool(NO_WORDS.sub("", body))
