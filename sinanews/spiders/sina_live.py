"""The 7x24 live feed: its rows become posts of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import datetime
from typing import Any

from scrapy import signals
from scrapy.crawler import Crawler
from scrapy.exceptions import DontCloseSpider

from sinanews import arguments
from sinanews.arguments import since_when
from sinanews.channels import Channel
from sinanews.exceptions import CatalogueError, PageGone
from sinanews.items import ArticleItem
from sinanews.listings import PAGE_SIZE as ROLL_PAGE_SIZE
from sinanews.listings import Listing, ListingPage
from sinanews.live import (
    CURSOR_ROOM,
    MOST_CURSOR_PAGES,
    PAGE_SIZE,
    ROOMS,
    CursorWalk,
    Flash,
    RoomWalk,
    item_of,
    parse_cursor,
    parse_feed,
    select_rooms,
)
from sinanews.spiders.rolls import RollSpider
from sinanews.walks import Gap, Walk


class SinaLiveSpider(RollSpider):
    """Reads rooms newest first down to what the catalogue has; with ``follow``, again and again until interrupted."""

    name = "sina_live"
    ARGUMENTS = {
        "rooms": lambda text: select_rooms(arguments.names(text)),
        "since": arguments.day_or_age,
        "limit": arguments.positive,
        "follow": arguments.flag,
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rooms: tuple[Channel, ...] = self.options.get("rooms") or select_rooms([str(ROOMS[0][0])])
        self.left = self.options.get("limit", 10**9)  #: rows that may still be stored
        #: Whether only a signal ends the run, which is then no interruption. Read by the crawl command.
        self.ends_by_signal: bool = self.options.get("follow", False)
        self.reach: dict[str, datetime] = {}  #: room → the oldest row that its feed shows
        self.timer: asyncio.TimerHandle | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> SinaLiveSpider:
        spider = super().from_crawler(crawler, *args, **kwargs)
        assert isinstance(spider, SinaLiveSpider)
        crawler.signals.connect(spider.idle, signals.spider_idle)
        return spider

    async def start(self) -> AsyncIterator[Any]:
        if "since" in self.options:
            self.since = since_when(self.options["since"], self.archive.now())
        for request in self.first_pages():
            yield request

    def first_pages(self) -> Iterator[Any]:
        try:
            for room in self.rooms:
                yield from self.walk_on(self.plan(room))
        except CatalogueError as error:
            self.archive.stop_run(error, "storage_failed")

    def idle(self) -> None:
        """All is stored. Following, the rooms are read again in a while; closing must not have to wait for that."""
        if self.ends_by_signal and self.left > 0 and self.archive.stopped_because is None:
            if self.timer is None:
                wait = self.settings.getfloat("SINANEWS_POLL")
                self.timer = asyncio.get_running_loop().call_later(wait, self.poll)
            raise DontCloseSpider

    def poll(self) -> None:
        self.timer, self.since = None, None
        for request in self.first_pages():
            self.crawler.engine.crawl(request)

    def closed(self, reason: str) -> None:
        if self.timer is not None:
            self.timer.cancel()

    def plan(self, channel: Channel) -> list[Walk]:
        """Down to ``since``, to the oldest row that an earlier run left undone or to its gaps; then the newest rows."""
        catalogue, slug = self.archive.catalogue, channel.slug
        left = [row.published_at for row in catalogue.unfinished([slug], self.archive.now()) if row.published_at]
        gaps = self.gaps(slug)
        stops = [*left, *(gap.after for gap in gaps), *([self.since] if self.since else [])]
        walks: list[Walk] = [RoomWalk(channel, stop_at=min(stops), closes=gaps)] if stops else []
        # As many rows as of a roll, whose pages are longer.
        pages = -(-self.settings.getint("SINANEWS_MAX_PAGES") * ROLL_PAGE_SIZE // PAGE_SIZE)
        until = catalogue.coverage.listed_until(slug)
        return walks if self.since else [*walks, RoomWalk(channel, listed_until=until, max_pages=pages)]

    def walk_ended(self, walk: Walk, rest: list[Walk]) -> list[Walk]:
        """After a walk back in time: rows that are no longer there are gone, and a first ``since`` is the beginning."""
        rest, catalogue, slug = super().walk_ended(walk, rest), self.archive.catalogue, walk.channel.slug
        if self.left <= 0:
            return rest
        if isinstance(walk, RoomWalk) and walk.ended == "end" and walk.bottom:
            self.reach[slug] = walk.bottom
        if walk.stop_at is not None and walk.whole:
            self.refuse_missing(walk)
            until = catalogue.coverage.listed_until(slug)
            if self.since and isinstance(walk, RoomWalk) and (until is None or self.since <= until):
                catalogue.coverage.listed_to(slug, walk.newest, self.archive.now())
        if not rest and isinstance(walk, RoomWalk) and walk.channel.lid == CURSOR_ROOM:
            rest = self.cursor_walk(walk.channel)
        return rest

    def refuse_missing(self, walk: Walk) -> None:
        """Rows left undone that the walk should have met are gone; those below the room's feed may be in the other."""
        slug, reach = walk.channel.slug, walk.stop_at
        if isinstance(walk, RoomWalk) and walk.channel.lid == CURSOR_ROOM and walk.ended == "end":
            reach = walk.bottom
        for row in self.archive.catalogue.unfinished([slug], self.archive.now(), reach):
            if row.id not in walk.seen:
                self.archive.refuse(row.id, PageGone(f"{row.id} is no longer in the feed"))

    def cursor_walk(self, channel: Channel) -> list[Walk]:
        """The walk over the cursor feed, where the room's own feed has ended above a gap or a row left undone."""
        slug, reach = channel.slug, self.reach.pop(channel.slug, None)
        if reach is None:
            return []
        gaps = tuple(gap for gap in self.gaps(slug) if gap.after < reach)
        rows = self.archive.catalogue.unfinished([slug], self.archive.now(), until=reach)
        stops = [*(gap.after for gap in gaps), *(row.published_at for row in rows if row.published_at)]
        if not stops:
            return []
        self.logger.info("channel %s: reading the cursor feed back to %s", slug, min(stops))
        undone = frozenset(row.id for row in rows)
        return [CursorWalk(channel, stop_at=min(stops), closes=gaps, max_pages=MOST_CURSOR_PAGES, unfinished=undone)]

    def gap_missed(self, walk: Walk, gap: Gap) -> None:
        """What the room's own feed does not reach the cursor feed may."""
        if walk.channel.lid != CURSOR_ROOM or isinstance(walk, CursorWalk):
            super().gap_missed(walk, gap)

    def read_list(self, body: bytes, walk: Walk) -> ListingPage:
        if not isinstance(walk, CursorWalk):
            return parse_feed(body)
        answer = parse_cursor(body)
        times = [row.published_at for row in answer.rows if row.published_at]
        known = self.archive.catalogue.coverage.ids_at(walk.channel.slug, min(times), max(times)) if times else {}
        return walk.matched(answer, known)

    def is_of_the_dates(self, row: Listing) -> bool:
        return self.since is None or row.published_at is None or row.published_at >= self.since

    def ask(self, rows: Iterable[Listing], channel: Channel) -> Iterator[ArticleItem]:
        """Items of the rows that are not done; the catalogue has them as listed first, so a killed run is made good."""
        flashes, now = [row for row in rows if isinstance(row, Flash)], self.archive.now()
        known = self.archive.catalogue.known([row.key for row in flashes])
        wanted = [row for row in flashes if row.key not in known or not known[row.key].done]
        self.archive.count("articles/known", len(flashes) - len(wanted))
        wanted = wanted[: self.left]
        self.left -= len(wanted)
        values = [{"id": r.key, "url": None, "title": r.title, "published_at": r.published_at} for r in wanted]
        self.archive.catalogue.listed(values, channel.slug, now)
        yield from (item_of(row, channel, now) for row in wanted)
