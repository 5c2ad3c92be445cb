"""The 7x24 live feed: its rows become posts of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from scrapy import signals
from scrapy.crawler import Crawler
from scrapy.exceptions import DontCloseSpider

from sinanews import arguments
from sinanews.arguments import LIMIT, Argument, since_when
from sinanews.catalogue import Remembered
from sinanews.exceptions import PageGone
from sinanews.items import ArticleItem
from sinanews.listing.channels import Channel
from sinanews.listing.cursor import CURSOR_ROOM, MOST_CURSOR_PAGES, CursorPager, parse_cursor
from sinanews.listing.live import (
    PAGE_SIZE,
    ROOMS,
    Flash,
    RoomPager,
    item_of,
    parse_feed,
    select_rooms,
)
from sinanews.listing.paging import Gap, Pager
from sinanews.listing.roll import PAGE_SIZE as ROLL_PAGE_SIZE
from sinanews.listing.roll import Listing, ListingPage
from sinanews.spiders.rolls import RollSpider


class SinaLiveSpider(RollSpider):
    """Reads rooms newest first down to what the catalogue has; with ``follow``, again and again until interrupted."""

    name = "sina_live"
    ARGUMENTS = {
        "rooms": Argument(
            lambda text: select_rooms(arguments.names(text)),
            "of the 7x24 feed: 152 财经 (default), 151 政经, 153 综合, 155 市场, 164 国际, 242 行业: numbers, names or "
            "`all`",
        ),
        "since": Argument(arguments.day_or_age, "where a first run begins: a day of Beijing, or `3d`, `24h`"),
        "limit": LIMIT,
        "follow": Argument(
            arguments.flag,
            "`1`: look again every `SINANEWS_POLL` seconds until Ctrl-C or SIGTERM, which end it with code 0",
        ),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rooms: tuple[Channel, ...] = self.options.get("rooms") or select_rooms([str(ROOMS[0][0])])
        #: Whether only a signal ends the run, which is then no interruption. Read by the crawl command.
        self.ends_by_signal: bool = self.options.get("follow", False)
        self.reach: dict[str, datetime] = {}  #: room → the oldest row that its feed shows
        self.timer: asyncio.TimerHandle | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> SinaLiveSpider:
        spider = super().from_crawler(crawler, *args, **kwargs)
        crawler.signals.connect(spider.idle, signals.spider_idle)
        return spider

    async def start(self) -> AsyncIterator[Any]:
        if "since" in self.options:
            self.since = since_when(self.options["since"], self.run.now())
        for request in self.first_pages():
            yield request

    def first_pages(self) -> Iterator[Any]:
        for room in self.rooms:
            yield from self.read_on_list(self.plan(room))

    def idle(self) -> None:
        """All is stored. Following, the rooms are read again in a while; closing must not have to wait for that."""
        if self.ends_by_signal and self.left > 0 and self.run.stopped_because is None:
            if self.timer is None:
                wait = self.settings.getfloat("SINANEWS_POLL")
                self.timer = asyncio.get_running_loop().call_later(wait, self.poll)
            raise DontCloseSpider

    def poll(self) -> None:
        self.timer, self.since = None, None
        with self.run.stopped_by_catalogue():
            for request in self.first_pages():
                self.crawler.engine.crawl(request)

    def closed(self, reason: str) -> None:
        if self.timer is not None:
            self.timer.cancel()

    def plan(self, channel: Channel) -> list[Pager]:
        """Down to ``since``, to the oldest row that an earlier run left undone or to its gaps; then the newest rows."""
        catalogue, slug = self.run.catalogue, channel.slug
        left = [row.published_at for row in catalogue.due.unfinished([slug], self.run.now()) if row.published_at]
        gaps = self.gaps(slug)
        stops = [*left, *(gap.after for gap in gaps), *([self.since] if self.since else [])]
        pagers: list[Pager] = [RoomPager(channel, stop_at=min(stops), closes=gaps)] if stops else []
        # As many rows as of a roll, whose pages are longer.
        pages = -(-self.settings.getint("SINANEWS_MAX_PAGES") * ROLL_PAGE_SIZE // PAGE_SIZE)
        until = catalogue.listing.listed_until(slug)
        return pagers if self.since else [*pagers, RoomPager(channel, listed_until=until, max_pages=pages)]

    async def pager_ended(self, pager: Pager, rest: list[Pager]) -> list[Pager]:
        """After a look back in time: rows that are no longer there are gone, a first ``since`` sets the watermark."""
        rest, catalogue, slug = await super().pager_ended(pager, rest), self.run.catalogue, pager.channel.slug
        if self.left <= 0:
            return rest
        if isinstance(pager, RoomPager) and pager.ended == "end" and pager.bottom:
            self.reach[slug] = pager.bottom
        if pager.stop_at is not None and pager.whole:
            await self.refuse_missing(pager)
            until = catalogue.listing.listed_until(slug)
            if self.since and isinstance(pager, RoomPager) and (until is None or self.since <= until):
                await self.run.write(catalogue.listing.listed_to, slug, pager.newest, self.run.now())
        if not rest and isinstance(pager, RoomPager) and pager.channel.lid == CURSOR_ROOM:
            rest = self.cursor_pagers(pager.channel)
        return rest

    async def refuse_missing(self, pager: Pager) -> None:
        """Rows left undone that the pager should have met are gone; those below the room's feed may be in the other."""
        slug, reach = pager.channel.slug, pager.stop_at
        if isinstance(pager, RoomPager) and pager.channel.lid == CURSOR_ROOM and pager.ended == "end":
            reach = pager.bottom
        for row in self.run.catalogue.due.unfinished([slug], self.run.now(), reach):
            if row.id not in pager.seen:
                await self.run.refuse(row.id, PageGone(f"{row.id} is no longer in the feed"))

    def cursor_pagers(self, channel: Channel) -> list[Pager]:
        """The pager over the cursor feed, where the room's own feed has ended above a gap or a row left undone."""
        slug, reach = channel.slug, self.reach.pop(channel.slug, None)
        if reach is None:
            return []
        gaps = tuple(gap for gap in self.gaps(slug) if gap.after < reach)
        rows = list(self.run.catalogue.due.unfinished([slug], self.run.now(), until=reach))
        stops = [*(gap.after for gap in gaps), *(row.published_at for row in rows if row.published_at)]
        if not stops:
            return []
        self.logger.info("channel %s: reading the cursor feed back to %s", slug, min(stops))
        undone = frozenset(row.id for row in rows)
        return [CursorPager(channel, stop_at=min(stops), closes=gaps, max_pages=MOST_CURSOR_PAGES, unfinished=undone)]

    async def gap_missed(self, pager: Pager, gap: Gap) -> None:
        """The cursor feed may reach what the room's own feed does not."""
        if pager.channel.lid != CURSOR_ROOM or isinstance(pager, CursorPager):
            await super().gap_missed(pager, gap)

    def read_list(self, body: bytes, pager: Pager) -> ListingPage:
        if not isinstance(pager, CursorPager):
            return parse_feed(body)
        answer = parse_cursor(body)
        times = [row.published_at for row in answer.rows if row.published_at]
        known = self.run.catalogue.listing.ids_at(pager.channel.slug, min(times), max(times)) if times else {}
        return pager.matched(answer, known)

    async def ask(
        self, rows: Iterable[Listing], channel: Channel, known: Mapping[str, Remembered]
    ) -> list[ArticleItem]:
        """Items of the rows that are not done; the catalogue has them as listed first, so a killed run is made good."""
        flashes, now = [row for row in rows if isinstance(row, Flash)], self.run.now()
        wanted = [row for row in flashes if row.key not in known or not known[row.key].done]
        self.run.count("articles/known", len(flashes) - len(wanted))
        wanted = wanted[: self.left]
        self.left -= len(wanted)
        values = [{"id": r.key, "url": None, "title": r.title, "published_at": r.published_at} for r in wanted]
        await self.run.write(self.run.catalogue.listed, values, channel.slug, now)
        return [item_of(row, channel, now) for row in wanted]
