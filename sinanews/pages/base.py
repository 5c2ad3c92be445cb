"""What all page layouts share: a parsed page, selectors tried in order, and the item they fill."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import InitVar, dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import chain
from typing import ClassVar
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from sinanews.cleaning.facts import editor_in
from sinanews.dates import parse_sina_date
from sinanews.items import ArticleItem
from sinanews.urls import article_id, canonical_url, id_from_docid

_LEGACY_ID = re.compile(r"<!--\s*\[(\d+),(\d+),(\d+)\]")
_TIME = re.compile(r"(?:19|20)\d\d[年/.-]\d\d?[月/.-]\d\d?日?\s*(?:\d\d?:\d\d(?::\d\d)?)?")
_AUTHOR = re.compile(r"作者\s*(?:[：:]\s*|\s)([^\s|｜：:]{1,30})")
_EDITOR = re.compile(r"(?:责任)?编辑\s*[：:]\s*\S{1,12}(?:\s+[A-Z]{1,4}\d{2,6})?")
#: Where the word stands in the element itself, not in one inside it.
_EDITORS_PLACE = ", ".join(f'{tag}:lexbor-contains("编辑")' for tag in ("p", "span", "div", "td"))
_MOST_PLACES = 100  #: that may name the editor, or hold keywords; pages have one or two
#: The site's names behind a description.
_SITE_TAIL = re.compile(r"(?:\s*[_|]\s*(?:手机)?新浪\w{0,4})+$")
#: What may follow the medium on its line, and is not it.
NOT_MEDIUM = re.compile(
    r"(?:^|\s+)(?:我有话说|我要评论|评论|微博|微信|收藏|字号|(?:作者|连载|书名|出版社)\s*[：:]|https?:).*$"
)
#: meta keywords of whole sites, not of an article.
_SITE_WORDS = frozenset(
    (
        "sina sina.cn sina.com.cn 手机新浪网 新浪 新浪网 新浪财经 "
        "财经头条 财经新闻 投资价值 新闻 财经 新浪新闻 新浪科技 新浪娱乐"
    ).split()
)


def squeeze(text: str | None) -> str:
    """White space, full-width too, collapsed to single spaces."""
    return " ".join((text or "").split())


def medium_after_time(line: str) -> str:
    """What a line such as ``http://… 2005年03月31日03:18 某报 【评论】`` names as the medium."""
    after = _TIME.split(squeeze(line), maxsplit=1)[1:]
    medium = re.split(r"[【\[(（|]", after[0].removeprefix(" 来源"), maxsplit=1)[0] if after else ""
    return NOT_MEDIUM.sub("", medium).strip(" :：·-()（）[]【】")[:40]


@dataclass
class Source:
    """A page to be read: its text, its tree, and the URL it was asked for.

    lexbor is slow to compare the names of elements, and quick with attributes: so ``[content]:is(meta)``, where a
    selector would be tried on every element of a page.
    """

    text: str
    url: str
    utf8: InitVar[bytes | None] = None  #: the text once more, where it is at hand: the parser needs no copy then
    tree: LexborHTMLParser = field(init=False)
    _first: dict[str, LexborNode | None] = field(init=False, default_factory=dict)
    _found: dict[Callable[[Source], LexborNode | None], LexborNode | None] = field(init=False, default_factory=dict)

    def __post_init__(self, utf8: bytes | None) -> None:
        self.tree = LexborHTMLParser(self.text if utf8 is None else utf8)

    @cached_property
    def meta(self) -> dict[str, str]:
        """``name`` or ``property`` in lower case -> content; the first that is not empty counts."""
        found: dict[str, str] = {}
        for node in self.tree.css("[content]:is(meta)"):
            attributes = node.attributes
            name = (attributes.get("name") or attributes.get("property") or "").lower()
            if name and (content := squeeze(attributes.get("content"))):
                found.setdefault(name, content)
        return found

    @cached_property
    def headline(self) -> str:
        """``<title>`` without the names of channel and site behind it."""
        whole = squeeze(node.text() if (node := self.first("title")) else "")
        return re.split(r"[_|]|(?<![-—–])[-—–]+\s*(?:新浪|手机新浪)", whole, maxsplit=1)[0].strip()

    def first(self, css: str) -> LexborNode | None:
        """The first such element; remembered, for many layouts and fields ask for the same."""
        if css not in self._first:
            self._first[css] = self.tree.css_first(css)
        return self._first[css]

    def shows(self, css: str) -> bool:
        return self.first(css) is not None

    def found(self, find: Callable[[Source], LexborNode | None]) -> LexborNode | None:
        """What a function finds on the page, looked for once."""
        if find not in self._found:
            self._found[find] = find(self)
        return self._found[find]

    def texts(self, *selectors: str) -> Iterator[str]:
        """The texts that selectors find, one selector after the other; mostly only the first is wanted."""
        for css in selectors:
            if (first := self.first(css)) is not None:
                yield squeeze(first.text(deep=True))
                yield from (squeeze(node.text(deep=True)) for node in self.tree.css(css)[1:])

    def words(self, *selectors: str) -> str:
        """The text of the first selector that has any."""
        return next(filter(None, self.texts(*selectors)), "")


class Layout:
    """A page layout. Subclasses are mostly data: override a selector, or a method where data is not enough.

    All ``marks`` must be found on a page, and none of ``unless``, for the layout to claim it.
    Selectors are tried in order; the first that yields something counts.
    """

    name: ClassVar[str]
    kind: ClassVar[str] = "article"
    marks: ClassVar[tuple[str, ...]] = ()
    unless: ClassVar[tuple[str, ...]] = ()
    body: ClassVar[tuple[str, ...]] = ("#artibody",)
    title: ClassVar[tuple[str, ...]] = ("h1.main-title", "#artibodyTitle", "h1")
    time: ClassVar[tuple[str, ...]] = (".date-source .date", ".date-source", ".date")
    media: ClassVar[tuple[str, ...]] = (".date-source .source", ".date-source a")
    byline: ClassVar[str] = ".date-source"  #: the line that holds time and medium
    keywords: ClassVar[str] = "#keywords, .keywords, .art_keywords, .article-keywords"  #: what holds their links

    @classmethod
    def matches(cls, page: Source) -> bool:
        """Whether the page shows this layout."""
        return not any(map(page.shows, cls.unless)) and all(map(page.shows, cls.marks))

    def item(self, page: Source) -> ArticleItem:
        """The article as the page shows it; ``body_html`` is raw."""
        title = self.title_of(page)
        return ArticleItem(
            id=id_of(page),
            url=canonical_url(page.url),
            title=title,
            summary=summary_of(page, title),
            published_at=self.published(page),
            updated_at=parse_sina_date(page.meta.get("weibo: article:update_at")),
            media=self.media_of(page) or None,
            author=self.author_of(page) or None,
            editor=self.editor_of(page),
            keywords=self.keywords_of(page, title),
            body_html=self.body_of(page),
            layout=self.name,
            kind=self.kind,
        )

    def title_of(self, page: Source) -> str:
        return page.words(*self.title) or page.meta.get("og:title") or page.headline

    def published(self, page: Source) -> datetime | None:
        """The visible time, then what editors entered; ``published_time`` may be hours late and comes last."""
        names = ("weibo: article:create_at", "bytedance:published_time", "article:published_time")
        meta = (page.meta.get(name, "") for name in names)
        return next((when for text in chain(page.texts(*self.time), meta) if (when := parse_sina_date(text))), None)

    def media_of(self, page: Source) -> str:
        named = next((medium for text in page.texts(*self.media) if (medium := NOT_MEDIUM.sub("", text))), "")
        line = page.words(self.byline) if self.byline and not named else ""
        return named or medium_after_time(line) or page.meta.get("mediaid", "")

    def author_of(self, page: Source) -> str:
        """Who the line of time and medium names as 作者."""
        line = page.words(f"{self.byline} .author", self.byline) if self.byline else ""
        named = _AUTHOR.search(line)
        return named[1] if named else ""

    def editor_of(self, page: Source) -> str | None:
        """责任编辑, where it stands outside the body; cleaning finds it inside."""
        body = self.body_node(page)
        for node in page.tree.css(_EDITORS_PLACE)[:_MOST_PLACES]:
            if not (body is not None and is_within(node, body)):
                text = squeeze(node.text(deep=True))
                if (found := _EDITOR.search(text)) and (editor := editor_in(found[0])):
                    return editor
        return None

    def keywords_of(self, page: Source, title: str) -> list[str]:
        """The list a reader sees, else meta; not where meta repeats the title or speaks of the site."""
        links = (link for box in page.tree.css(self.keywords)[:_MOST_PLACES] for link in box.css("a"))
        if visible := [word for link in links if (word := squeeze(link.text()))]:
            return list(dict.fromkeys(visible))
        meta = page.meta.get("tags") or page.meta.get("keywords") or ""
        words = [word for part in re.split(r"[,，;；|]", meta) if (word := part.strip())]
        if any(letters(text) == letters(title) for text in (meta, *words)):
            return []
        return [word for word in dict.fromkeys(words) if word not in _SITE_WORDS and len(word) <= 20]

    def body_node(self, page: Source) -> LexborNode | None:
        return next((node for css in self.body if (node := page.first(css)) is not None), None)

    def body_of(self, page: Source) -> str:
        node = self.body_node(page)
        return (node.inner_html or "") if node is not None else ""


def id_of(page: Source) -> str:
    """From the URL; else what the page says: ``publishid``, the old publishing system's numbers, the path."""
    if known := article_id(page.url):
        return known
    if published := id_from_docid(page.meta.get("publishid", "")):
        return published
    if legacy := _LEGACY_ID.search(page.text[:2000]):
        return "-".join(legacy.groups())
    parts = urlsplit(canonical_url(page.url))
    host = re.sub(r"\.sina(?:\.com)?\.cn$", "", parts.hostname or "")
    return re.sub(r"\W+", "-", host + re.sub(r"\.\w+$", "", parts.path)).strip("-")


def own_ids(page: Source) -> frozenset[str]:
    """The ids by which a page calls itself: in its own address, and its publishing system's."""
    named = article_id(page.meta.get("og:url", "")), id_from_docid(page.meta.get("publishid", ""))
    return frozenset(name for name in named if name)


def summary_of(page: Source, title: str) -> str | None:
    """meta description, where it says more than the title and does not begin with another one."""
    text = _SITE_TAIL.sub("", page.meta.get("description", ""))
    says_more = len(letters(text)) > 10 and letters(text) != letters(title)
    return text if says_more and not text.startswith("原标题") else None


def is_within(node: LexborNode, outer: LexborNode) -> bool:
    """Whether a node is another one, or lies in it."""
    place: LexborNode | None = node
    while place is not None and place.mem_id != outer.mem_id:
        place = place.parent
    return place is not None


def letters(text: str) -> str:
    return re.sub(r"\W", "", text)
