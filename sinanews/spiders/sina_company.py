"""News, announcements and research reports of companies, by their own lists."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from scrapy import Request
from scrapy.crawler import Crawler

from sinanews import arguments
from sinanews.archive.companies import Companies
from sinanews.config import project_folder
from sinanews.exceptions import ArgumentError, ListingError, Refused
from sinanews.listing.channels import COMPANY_LISTS, Channel, company_channel, select_kinds
from sinanews.listing.companies import MOST_ROWS, QUOTE_PAGE, SOURCES, CompanyPager
from sinanews.listing.paging import Pager
from sinanews.listing.roll import PAGE_SIZE, Listing, ListingPage
from sinanews.middlewares.bans import PATIENCE, REPLACEABLE
from sinanews.pages import decode
from sinanews.posts.exporter import PostRenderer
from sinanews.spiders.sina_finance import SinaFinanceSpider


class SinaCompanySpider(SinaFinanceSpider):
    """Each list of each company is a channel. An article that is known gains the company."""

    name = "sina_company"
    allowed_domains: list[str] = []  # for `scrapy parse` and `shell` a page of Sina's is sina_finance's
    ARGUMENTS = {
        "stocks": arguments.stocks,
        "kinds": lambda text: select_kinds(arguments.names(text)),
        "since": arguments.day_or_age,
        "until": arguments.day,
        "limit": arguments.positive,
    }

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> SinaCompanySpider:
        """Raises ArgumentError where neither an argument nor a watch-list names a share."""
        spider = super().from_crawler(crawler, *args, **kwargs)
        stocks = spider.options.get("stocks") or watchlist(crawler.settings["SINANEWS_WATCHLIST"])
        kinds = spider.options.get("kinds", COMPANY_LISTS)
        spider.channels = tuple(company_channel(code, kind) for code in stocks for kind in kinds)
        spider.patience = crawler.settings.getfloat("SINANEWS_REFUSAL_WAIT")
        spider.companies = None
        return spider

    channels: tuple[Channel, ...]
    patience: float  #: seconds
    companies: Companies | None

    # --- how far to read a list, and in which of its sources --------------------------------------------------

    def plan(self, channel: Channel) -> list[Pager]:
        """Down to ``since`` or to the gaps; then the newest entries."""
        listing, gaps = self.run.catalogue.listing, self.gaps(channel.slug)
        stops = [*(gap.after for gap in gaps), *([self.since] if self.since else [])]
        pagers: list[Pager] = [CompanyPager(channel, stop_at=min(stops), closes=gaps)] if stops else []
        rows = min(self.settings.getint("SINANEWS_MAX_PAGES") * PAGE_SIZE, MOST_ROWS)
        newest = CompanyPager(channel, listed_until=listing.listed_until(channel.slug), most_rows=rows)
        return pagers if self.since else [*pagers, newest]

    def read_on_list(self, pagers: list[Pager]) -> Iterator[Request]:
        for request in super().read_on_list(pagers):
            pager = _company_pager(pagers[0])
            request.headers["Referer"] = QUOTE_PAGE.format(pager.code)
            request.meta.update({PATIENCE: self.patience, REPLACEABLE: pager.elsewhere() is not None})
            yield request

    def read_list(self, body: bytes, pager: Pager) -> ListingPage:
        pager = _company_pager(pager)
        try:
            text = decode(body).text
        except Refused as refusal:
            raise ListingError(str(refusal), refusal.reason) from None
        return pager.at.read(text, pager.url, pager.code, self.run.now())

    async def listing_broken(self, pagers: list[Pager], reason: str, detail: str) -> list[Request]:
        """What one source cannot say another may; what was only to be confirmed is believed."""
        pager, rest = _company_pager(pagers[0]), pagers[1:]
        if (other := pager.elsewhere()) is not None:
            self.run.anomaly(f"list_failed/{pager.kind}/{pager.at.name}", f"channel {pager.channel.slug}: {detail}")
            return list(self.read_on_list([other, *rest]))
        if pager.confirms is not None and pager.confirms.ended == "end":
            self.run.anomaly("list_not_confirmed", f"channel {pager.channel.slug}: {detail}")
            return list(self.read_on_list(await self.accepted(pager.confirms, rest)))
        return await super().listing_broken(pagers, reason, detail)

    async def pager_ended(self, pager: Pager, rest: list[Pager]) -> list[Pager]:
        """A list that may have ended before its time is read in the next source, too; then the better one counts."""
        pager = _company_pager(pager)
        if pager.false_empty:
            self.run.anomaly(f"false_empty/{pager.kind}", f"channel {pager.channel.slug}: a page was empty, then not")
        if self.left > 0 and pager.ends_early and (other := pager.elsewhere()) is not None:
            other.confirms = pager
            return [other, *rest]
        best = pager.best()
        if best is pager and pager.confirms is not None:
            words = (
                f"channel {pager.channel.slug}: {len(pager.confirms.seen)} rows, where another has {len(pager.seen)}"
            )
            self.run.anomaly(f"list_ended_early/{pager.kind}/{pager.confirms.at.name}", words)
        return await self.accepted(best, rest)

    async def accepted(self, pager: CompanyPager, rest: list[Pager]) -> list[Pager]:
        """Which source is believed is counted and told; a first look back in time sets the watermark."""
        slug, listing = pager.channel.slug, self.run.catalogue.listing
        self.run.count(f"companies/{pager.kind}/{pager.at.name}")
        self.logger.info("channel %s: %d rows of its %s list (%s)", slug, len(pager.seen), pager.at.name, pager.ended)
        until = listing.listed_until(slug)
        if self.left > 0 and not pager.seen and until and pager.stop_at:
            self.run.anomaly(f"empty_list/{slug}", "its list is empty, although it has entries")
            return rest
        rest = await super().pager_ended(pager, rest)
        if self.left > 0 and self.since and pager.whole and (until is None or self.since <= until):
            await self.run.write(listing.listed_to, slug, pager.newest, self.run.now())
        return rest

    async def newest_listed(self, pager: Pager) -> None:
        """A company may have nothing at all, research reports above all; where it had something the page is false."""
        if pager.seen or pager.listed_until:
            await super().newest_listed(pager)
        else:
            self.run.anomaly("nothing_listed", f"channel {pager.channel.slug} has no entries")

    # --- what is listed -----------------------------------------------------------------------------------------

    def article_request(self, row: Listing, channel: Channel | None, recorded_at: datetime | None = None) -> Request:
        """As the page of the list would ask."""
        request = super().article_request(row, channel, recorded_at)
        if channel is not None and channel.company is not None:
            kind = channel.slug.rpartition(":")[2]
            if kind != "news":  # of those hosts alone it is said that they refuse for a while
                request.meta[PATIENCE] = self.patience
            request.headers["Referer"] = SOURCES[kind][-1].url(channel.company, 1)
        return request

    def remember(self, values: list[dict[str, Any]], channel: Channel) -> int:
        if self.companies is None:
            render = PostRenderer.from_settings(self.settings)
            self.companies = Companies(self.run.catalogue, self.run.folder, render)
        gained = self.companies.listed([row["id"] for row in values], channel, self.run.now())
        return gained + super().remember(values, channel)


def watchlist(setting: str) -> tuple[str, ...]:
    """The shares of SINANEWS_WATCHLIST, a file with one a line. Raises ArgumentError."""
    if not setting:
        raise ArgumentError("name companies: -a stocks=600519,000001 or @FILE, or a file in SINANEWS_WATCHLIST")
    try:
        return arguments.stocks(f"@{project_folder() / arguments.named_path(setting)}")
    except ArgumentError as error:
        raise ArgumentError(f"SINANEWS_WATCHLIST={setting}: {error}") from None


def _company_pager(pager: Pager) -> CompanyPager:
    assert isinstance(pager, CompanyPager)
    return pager
