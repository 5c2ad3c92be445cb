"""What a post may carry beside the seed's form, each by a setting, and how it is found again in a post. Pure.

Tags, an excerpt, a visible link to the source, Beijing's time.
"""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sinanews.items import ArticleItem
from sinanews.posts.seed_yaml import without_surrogates

TAG_KINDS = ("keywords", "stocks", "media")
EXCERPT = "excerpt"
LONGEST_TAG = 60  #: characters: Hexo makes a folder of each, and a folder's name has 255 bytes
#: What every JavaScript object has: Hexo, which keeps categories and tags in one, fails on one of such a name.
OBJECT_NAMES = frozenset(
    "constructor hasOwnProperty isPrototypeOf propertyIsEnumerable toLocaleString toString valueOf "
    "__proto__ __defineGetter__ __defineSetter__ __lookupGetter__ __lookupSetter__".split()
)
_STOCK = re.compile(r"(?:sh|sz|bj)\d{6}|hk\d{5}")
_LINK = re.compile(r'\n?<p class="source"><a href="([^"<>]*)" rel="nofollow">阅读原文</a></p>\s*\Z')


@dataclass(frozen=True)
class Extras:
    """SINANEWS_TAGS, SINANEWS_EXCERPT, SINANEWS_SOURCE_LINK, SINANEWS_DATES; without any the seed's form."""

    tags: tuple[str, ...] = ()  #: of TAG_KINDS
    excerpt: bool = False
    source_link: bool = False
    beijing: bool = False

    def keys(self, item: ArticleItem) -> dict[str, object]:
        """What comes into the header; nothing where the article has nothing to say there."""
        tags = tags_of(item, self.tags)
        summary = " ".join(without_surrogates(item.summary or "").split()) if self.excerpt else ""
        # Themes show an excerpt as HTML.
        return {**({"tags": tags} if tags else {}), **({EXCERPT: html.escape(summary, quote=False)} if summary else {})}

    def with_link(self, body: str, url: str | None) -> str:
        """Its last line is the link, on a line of its own and none empty before it: see the README on Hexo."""
        if not self.source_link or not (url or "").startswith(("https://", "http://")):
            return body
        link = f'<p class="source"><a href="{html.escape(url or "")}" rel="nofollow">阅读原文</a></p>'
        return f"{body.rstrip()}\n{link}"


def hexo_name(name: str) -> str:
    """A category or tag as Hexo can have it."""
    return f"{name}_" if name in OBJECT_NAMES else name


def tags_of(item: ArticleItem, kinds: Collection[str]) -> list[str]:
    """Each once, on one line; what Hexo could make no page of is left out.

    >>> tags_of(ArticleItem("a", None, "题", keywords=["降准", "?!", "降准"], media="某报"), ("keywords", "media"))
    ['降准', '某报']
    """
    found: list[str] = []
    for kind in TAG_KINDS:
        if kind in kinds:
            found += (item.media and [item.media]) or [] if kind == "media" else getattr(item, kind)
    lines = (" ".join(without_surrogates(tag).split()) for tag in found)
    return list(dict.fromkeys(hexo_name(tag) for tag in lines if len(tag) <= LONGEST_TAG and re.search(r"\w", tag)))


def apart(tags: Iterable[str]) -> tuple[list[str], list[str]]:
    """Tags as keywords and stocks; a medium among them cannot be told from a keyword.

    >>> apart(["降准", "sh600519"])
    (['降准'], ['sh600519'])
    """
    named = list(tags)
    return [tag for tag in named if not _STOCK.fullmatch(tag)], [tag for tag in named if _STOCK.fullmatch(tag)]


def without_link(body: str) -> tuple[str, str | None]:
    """A body as it was before the link was put at its end, and where that led."""
    found = _LINK.search(body)
    return (body[: found.start()], html.unescape(found[1])) if found else (body, None)
