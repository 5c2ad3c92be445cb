"""The channels of Sina Finance's roll API: one row each.

The numbers and their meaning: gathered from public clients of the API, each pair seen in one to five of
them; where several channels of one name exist, they are different feeds. To add a channel, add a row.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sinanews.exceptions import ArgumentError

CATEGORY, AUTHOR = "金融", "新浪财经"


@dataclass(frozen=True)
class Channel:
    """One feed of the roll API, one room of the live feed, or one list of a company."""

    slug: str
    pageid: int
    lid: int
    title: str  #: as Sina names it; the post's third category is 新浪财经－title
    group: str
    stale_hours: int  #: the newest entry may be this old before the channel counts as stale
    dead: bool = False  #: Sina has put nothing new on it for years: in no group, crawled by its own name only
    company: str | None = None  #: the share's code, ``sh600519``, whose list it is

    @property
    def categories(self) -> tuple[str, str, str]:
        """As the seed writes them; they are also the folders a post lies in."""
        return (CATEGORY, AUTHOR, f"{AUTHOR}－{self.title}")


#: slug, pageid, lid, title, group, stale after so many hours. The seed spells its channel 国內.
CHANNELS: tuple[Channel, ...] = (
    Channel("china", 155, 1686, "国內", "economy", 24),
    Channel("macro", 155, 1687, "宏观经济", "economy", 168),
    Channel("local", 155, 1688, "地方经济", "economy", 72),
    Channel("ministries", 155, 1689, "部委动态", "economy", 72),
    Channel("banking", 155, 1690, "金融新闻", "economy", 72),
    Channel("top10", 155, 3231, "今日财经TOP10", "economy", 72),
    Channel("finance", 384, 2519, "财经", "economy", 24),
    Channel("stock-market", 384, 2671, "股市", "stock", 24),
    Channel("us-stock", 384, 2672, "美股", "stock", 72),
    Channel("china-concept", 384, 2673, "中国概念股", "stock", 168),
    Channel("hk-stock", 384, 2674, "港股", "stock", 72),
    Channel("research", 384, 2675, "研究报告", "stock", 72),
    Channel("global", 384, 2676, "全球市场", "world", 72),
    Channel("forex", 384, 2487, "外汇", "world", 72),
    Channel("brokers", 186, 1746, "券商", "stock", 72),
    Channel("industry", 164, 1693, "产经", "economy", 72),
    Channel("ipo", 205, 1789, "新股", "stock", 168),
    Channel("roll-finance", 153, 2516, "滚动财经", "roll", 24),
    Channel("roll-stock", 153, 2517, "滚动股市", "roll", 24),
    Channel("roll-us-stock", 153, 2518, "滚动美股", "roll", 72),
    Channel("roll-all", 153, 2509, "滚动全部", "roll", 24),
    Channel("roll-china", 153, 2510, "滚动国内", "roll", 24, dead=True),
    Channel("roll-world", 153, 2511, "滚动国际", "roll", 24, dead=True),
    Channel("roll-tech", 153, 2515, "滚动科技", "roll", 72),
)

DEFAULT = CHANNELS[0]
GROUPS: tuple[str, ...] = tuple(dict.fromkeys(c.group for c in CHANNELS))
_BY_NAME = {**{str(c.lid): c for c in CHANNELS}, **{c.slug: c for c in CHANNELS}}


def select_channels(names: Iterable[str]) -> tuple[Channel, ...]:
    """Channels by slug, lid, group or ``all``, in the table's order, each once.

    ``all`` is every finance channel; the general rolls (group ``roll``) repeat them and come by their own name only.
    So do dead channels, which are in no group.
    Raises ArgumentError for a name that is none of these.
    """
    wanted: set[Channel] = set()
    for name in names:
        if name in _BY_NAME:
            wanted.add(_BY_NAME[name])
        elif name in GROUPS:
            wanted.update(c for c in CHANNELS if c.group == name and not c.dead)
        elif name == "all":
            wanted.update(c for c in CHANNELS if c.group != "roll" and not c.dead)
        else:
            allowed = ", ".join((*(c.slug for c in CHANNELS), *GROUPS, "all"))
            raise ArgumentError(f"unknown channel {name!r}; allowed are a lid or one of: {allowed}")
    return tuple(c for c in CHANNELS if c in wanted)


def channel_by_slug(slug: str | None) -> Channel | None:
    """The channel of that slug, or None (a seed, or a channel that is no longer in the table)."""
    if found := _COMPANY_SLUG.fullmatch(slug or ""):
        return company_channel(found[1], found[2])
    return next((c for c in CHANNELS if c.slug == slug), None)


# --- companies -------------------------------------------------------------------------------------------------

#: The lists that a company has, with the title of each.
COMPANY_LISTS = {"news": "公司资讯", "announcements": "公告", "research": "研报"}
#: Kinds of items that lie where they belong, whatever list named them.
_OF_KIND = {"announcement": COMPANY_LISTS["announcements"], "research": COMPANY_LISTS["research"]}
_COMPANY_SLUG = re.compile(rf"company:((?:sh|sz|bj)[0-9]{{6}}):({'|'.join(COMPANY_LISTS)})")
_NEVER_STALE = 10**6  #: hours; a company may be silent for months


def company_channel(code: str, kind: str) -> Channel:
    """A company's list as a channel.

    >>> company_channel("sh600519", "research").slug
    'company:sh600519:research'
    """
    return Channel(f"company:{code}:{kind}", 0, 0, COMPANY_LISTS[kind], "company", _NEVER_STALE, company=code)


def select_kinds(names: Iterable[str]) -> tuple[str, ...]:
    """Kinds of a company's lists, in the table's order. Raises ArgumentError for a name that is none."""
    chosen = set(names)
    if unknown := sorted(chosen - COMPANY_LISTS.keys()):
        raise ArgumentError(f"unknown kind {unknown[0]!r}; allowed are: {', '.join(COMPANY_LISTS)}")
    return tuple(kind for kind in COMPANY_LISTS if kind in chosen)


def company_of(slug: str | None) -> tuple[str, str] | None:
    """A share's code and the kind of its list, where a slug names one.

    >>> company_of("company:sh600519:news"), company_of("china")
    (('sh600519', 'news'), None)
    """
    found = _COMPANY_SLUG.fullmatch(slug or "")
    return (found[1], found[2]) if found else None


def categories_of(item_kind: str, channel: Channel | None) -> list[str]:
    """The categories of an item that a channel, or none, has listed."""
    if item_kind in _OF_KIND:
        return [CATEGORY, AUTHOR, f"{AUTHOR}－{_OF_KIND[item_kind]}"]
    return list(channel.categories) if channel else [CATEGORY, AUTHOR]
