"""The lists of a company: its news, announcements and research reports; where each is, and how far to read it. Pure.

Nothing here was tried against the site: addresses and shapes were gathered from public clients, one to four of them
each. So each kind has what it has of sources: the JSON list first, and the HTML list where that fails, ends before its
time, or is to be confirmed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from sinanews.listing import company_answers as answers
from sinanews.listing.paging import Pager
from sinanews.listing.roll import ListingPage

_STOCKNEWS = "https://stocknews.cj.sina.cn/stocknews/api/news/get4pc"
_QUOTES = "https://quotes.sina.com.cn/cn/api/openapi.php/CB_AllService.getMemordlistbysymbol"
_CORP = "https://vip.stock.finance.sina.com.cn/corp"
_REPORTS = "https://stock.finance.sina.com.cn/stock/go.php/vReport_List/kind/search/index.phtml"
MOST_ROWS = 250_000
#: The page of a share's figures, which asks for its lists.
QUOTE_PAGE = "https://finance.sina.com.cn/realstock/company/{}/nc.shtml"


@dataclass(frozen=True)
class ListSource:
    """One of the places where a list can be had."""

    name: str
    url: Callable[[str, int], str]  #: of a share's code and a page
    read: Callable[[str, str, str, datetime], ListingPage]  #: of the text, its address, the code, now


def _news_page(code: str, page: int) -> str:
    more = f"{_CORP}/view/vCB_AllNewsStock.php?symbol={code}&Page={page}"
    return more if page > 1 else f"{_CORP}/go.php/vCB_AllNewsStock/symbol/{code}.phtml"


def _announcements_page(code: str, page: int) -> str:
    more = f"{_CORP}/view/vCB_AllBulletin.php?stockid={code[2:]}&Page={page}"
    return more if page > 1 else f"{_CORP}/go.php/vCB_AllBulletin/stockid/{code[2:]}.phtml"


#: kind → its sources, the first to be asked first
SOURCES: dict[str, tuple[ListSource, ...]] = {
    "news": (
        ListSource("json", (_STOCKNEWS + "?fr=pc&market=cn&symbol={}&page={}&num=50").format, answers.news_in_json),
        ListSource("html", _news_page, answers.news_in_html),
    ),
    "announcements": (
        ListSource(
            "json",
            lambda code, page: f"{_QUOTES}?PaperCode={code[2:]}&num=50" + f"&page={page}" * (page > 1),
            answers.announcements_in_json,
        ),
        ListSource("html", _announcements_page, answers.announcements_in_html),
    ),
    "research": (ListSource("html", (_REPORTS + "?symbol={}&t1=all&p={}").format, answers.reports_in_html),),
}


@dataclass
class CompanyPager(Pager):
    """One pass over a company's list in one of its sources.

    An empty page is asked for once more: false ones are known, and only a second one is the end.
    """

    source: int = 0  #: place in the kind's SOURCES
    most_rows: int = MOST_ROWS  #: pages are of any length
    confirms: CompanyPager | None = None  #: the pass over the source before, which came to an end that may be early
    false_empty: bool = False  #: whether a page was empty, and then was not
    _next_url: str | None = None
    _empty_page: int = 0  #: the page that was empty last

    @property
    def kind(self) -> str:
        return self.channel.slug.rpartition(":")[2]

    @property
    def code(self) -> str:
        return self.channel.company or ""

    @property
    def at(self) -> ListSource:
        return SOURCES[self.kind][self.source]

    @property
    def url(self) -> str:
        return self._next_url or self.at.url(self.code, self.page)

    @property
    def ends_early(self) -> bool:
        """Whether the list ended above its goal, or nobody can tell because it is the first time."""
        goal = self.stop_at or self.listed_until
        reached = goal is not None and (self._mark_passed or (self.bottom is not None and self.bottom <= goal))
        return self.ended == "repeats" or (self.ended == "end" and not reached)

    def elsewhere(self) -> CompanyPager | None:
        """The same pass over the next source; None where there is no other."""
        if self.source + 1 >= len(SOURCES[self.kind]):
            return None
        return CompanyPager(
            self.channel, listed_until=self.listed_until, stop_at=self.stop_at, closes=self.closes,
            source=self.source + 1, most_rows=self.most_rows,
        )  # fmt: skip

    def best(self) -> CompanyPager:
        """Which of two passes to believe, this one or the one that it confirms: the one that goes further."""
        first = self.confirms
        if first is None:
            return self
        if first.ended == "end" and self.seen <= first.seen:
            return first
        self.seen |= first.seen
        self.newest = max((when for when in (self.newest, first.newest) if when), default=None)
        return self

    def goes_on(self, answer: ListingPage, known: Collection[str], now: datetime) -> bool:
        if not answer.rows and not answer.dropped and self._empty_page != self.page:
            self._empty_page = self.page
            return True
        self.false_empty |= bool(answer.rows) and self._empty_page == self.page
        on = super().goes_on(answer, known, now)
        if on and self.repeats and self.elsewhere() is not None:
            self.ended, on = "repeats", False  # a source that has no pages answers its first one always
        if on and self._handed_out >= self.most_rows:
            self.ended, on = "limit", False
        self._next_url = answer.next_url if on else None
        return on

    def goes_on_after_failure(self) -> bool:
        self._next_url = None
        return super().goes_on_after_failure()
