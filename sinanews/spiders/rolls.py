"""Listing channels through the roll API: which pagers to make, and what has been listed once they end."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from scrapy import Request
from scrapy.http import Response
from twisted.python.failure import Failure

from sinanews.catalogue import Remembered
from sinanews.dates import to_beijing
from sinanews.exceptions import ListingError
from sinanews.items import ArticleItem
from sinanews.listing.channels import Channel
from sinanews.listing.paging import Gap, Pager
from sinanews.listing.plans import MOST_TRIES, day_pagers, gap_pagers, is_settled, without_windows
from sinanews.listing.roll import Listing, ListingPage, day_start, parse_roll
from sinanews.spiders.base import ArchiveSpider, why_failed

MOST_BROKEN = 3  #: so many pagers in a row that fail end the listing of a channel
LISTINGS_FIRST = 10  #: priority: a list's rows move while articles are fetched


class RollSpider(ArchiveSpider):
    """Reads the lists of channels; ``ask`` says what to do with their rows."""

    since: datetime | None = None  #: the stretch of publication time asked for, if any
    until: datetime | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.left: int = self.options.get("limit", 10**9)  #: articles that may still be asked for, or rows stored
        self.broken: Counter[str] = Counter()  #: channel → pagers in a row that failed

    async def ask(self, rows: Iterable[Listing], channel: Channel, known: Mapping[str, Remembered]) -> list[Any]:
        """Requests for (or items of) those of the rows that are wanted, once the catalogue has them as listed.

        ``known``: by their keys, those of the rows that the catalogue knew before.
        """
        raise NotImplementedError

    def read_list(self, body: bytes, pager: Pager) -> ListingPage:
        """Raises ListingError."""
        return parse_roll(body)

    def plan(self, channel: Channel) -> list[Pager]:
        """The pagers to make over a channel: the days asked for, or its gaps and then its newest entries."""
        listing = self.run.catalogue.listing
        if channel.dead:
            words = f"channel {channel.slug} is dead: Sina has put nothing new on it for years"
            self.run.anomaly(f"dead_channel/{channel.slug}", words)
        if self.since is not None and self.until is not None:
            listed = set() if self.options.get("recheck") else listing.complete_days(channel.slug)
            return day_pagers(channel, self.since, self.until, listed)
        pagers: list[Pager] = []
        for gap in self.gaps(channel.slug):
            pagers += gap_pagers(channel, gap, listing.complete_days(channel.slug, gap.found_at))
        pages = self.crawler.settings.getint("SINANEWS_MAX_PAGES")
        return [*pagers, Pager(channel, listed_until=listing.listed_until(channel.slug), max_pages=pages)]

    def gaps(self, slug: str) -> tuple[Gap, ...]:
        """What earlier runs could not list of a channel, but for what has been given up."""
        rows = self.run.catalogue.listing.gaps(slug)
        return tuple(Gap(r.after, r.before, r.found_at, r.tries) for r in rows if r.tries < MOST_TRIES)

    def read_on_list(self, pagers: list[Pager]) -> Iterator[Request]:
        """The request for the next page of the first pager, if any pager is left."""
        if pagers and self.left > 0:
            yield Request(
                pagers[0].url,
                self.parse_listing,
                errback=self.listing_failed,
                cb_kwargs={"pagers": pagers},
                priority=LISTINGS_FIRST,
                dont_filter=True,  # the same page is read again when rows have moved
            )

    async def parse_listing(self, response: Response, pagers: list[Pager]) -> AsyncIterator[Any]:
        """What a page of a list announces, then the request for its next page, or for the next pager's first."""
        pager, *rest = pagers
        slug, now = pager.channel.slug, self.run.now()
        self.run.count("listing/pages")
        self.keep_answer(response, now, response.url)
        try:
            answer = self.read_list(response.body, pager)
        except ListingError as error:
            for request in await self.listing_broken(pagers, error.reason, str(error)):
                yield request
            return
        for name in answer.anomalies:
            self.run.anomaly(name, f"channel {slug}")
        fresh = pager.new_rows(answer, now)
        self.run.count("listing/rows", len(fresh))
        known = self.run.catalogue.known([row.key for row in answer.rows])
        sought = [row for row in fresh if self.is_of_the_dates(row) and pager.admits(row)]
        wanted = await self.ask(sought, pager.channel, known)
        for one in wanted:
            yield one
        self.broken[slug] = 0
        if not pager.goes_on(answer, known.keys() - {key_of(one) for one in wanted}, now):
            self.check_what_lies_between(pager)
            pagers = await self.pager_ended(pager, rest)
        for request in self.read_on_list(pagers):
            yield request

    async def listing_failed(self, failure: Failure) -> list[Request]:
        if self.run.stopping:
            return []  # it is not the list's fault
        with self.run.stopped_by_catalogue():
            pagers = failure.request.cb_kwargs["pagers"]  # type: ignore[attr-defined]
            return await self.listing_broken(pagers, *why_failed(failure))
        return []

    async def listing_broken(self, pagers: list[Pager], reason: str, detail: str) -> list[Request]:
        """What this run could not list the next one lists: marks and gaps stay. A bad day hides no other."""
        pager, *rest = pagers
        slug = pager.channel.slug
        self.run.count(f"listing/failed/{reason}")
        self.logger.warning("channel %s could not be listed: %s", slug, detail)
        if pager.goes_on_after_failure():
            return list(self.read_on_list(pagers))
        self.broken[slug] += 1
        for other in rest:
            other.closes = ()
        if pager.ended:
            rest = await self.pager_ended(pager, rest)
        return list(self.read_on_list(rest)) if self.broken[slug] < MOST_BROKEN else []

    def check_what_lies_between(self, pager: Pager) -> None:
        """Known entries that should have been met above the last page say that the list passed a page over."""
        if pager.to_be_checked is not None:
            known = self.run.catalogue.listing.ids_between(pager.channel.slug, *pager.to_be_checked)
            if not known <= pager.seen:
                pager.passed_over()

    def is_of_the_dates(self, row: Listing) -> bool:
        """Whether ``since`` and ``until`` admit the row; one without a time is admitted."""
        when = row.published_at
        return when is None or not ((self.since and when < self.since) or (self.until and when >= self.until))

    async def pager_ended(self, pager: Pager, rest: list[Pager]) -> list[Pager]:
        """Record what the pager has listed; returns the pagers left. One cut short by ``limit`` proves nothing."""
        if self.left <= 0:
            return []
        slug, now, listing = pager.channel.slug, self.run.now(), self.run.catalogue.listing
        if pager.ended == "window_ignored":
            self.run.anomaly("window_ignored", f"channel {slug}: its API ignores dates; reading page by page")
            return [without_windows([pager, *(w for w in rest if w.day)]), *(w for w in rest if not w.day)]
        done = [await self.day_listed(pager, day, now) for day in pager.days]
        if pager.repeats:
            self.run.count("listing/failed/repeats")
            self.logger.error("channel %s: its list repeats its pages; the next run asks for what lies below", slug)
        if pager.ended == "limit" and (pager.day or pager.stop_at):
            self.run.anomaly("list_cut", f"channel {slug}: more than {pager.max_pages} pages")
        if pager.whole and all(done):
            for gap in pager.closes:
                if pager.reaches(gap):
                    await self.run.write(listing.gap_filled, slug, gap.after)
                else:
                    await self.gap_missed(pager, gap)
        else:
            for other in rest:
                other.closes = ()  # a gap is filled once all of its days are listed
        if pager.day is None and pager.stop_at is None:
            await self.newest_listed(pager)
        return rest

    async def day_listed(self, pager: Pager, day: date, now: datetime) -> bool:
        """Record how far a day has come, complete once it is over; whether all of it there is now was listed."""
        entries, slug, listing = pager.entries[day], pager.channel.slug, self.run.catalogue.listing
        missing = pager.day is not None and pager.short
        emptied = not entries and listing.has_entries(slug, day_start(day), day_start(day + timedelta(days=1)))
        if missing:
            self.run.anomaly(
                "rows_missing", f"channel {slug}: {pager.total} told, {len(pager.seen)} sent of {pager.day}"
            )
        elif emptied:
            self.run.anomaly(f"empty_list/{slug}", f"it has nothing on {day}, where it had entries before")
        elif not entries:
            self.run.anomaly("empty_day", f"channel {slug} has nothing on {day}")
        listed = pager.whole and not missing and not emptied
        if emptied:
            return False  # what was listed before stays recorded
        state = "partial" if not listed else "empty" if not entries else "complete"
        if state == "complete" and not is_settled(day, now):
            state = "partial"
        await self.run.write(listing.day_listed, slug, day, state, entries, now)
        return listed

    async def newest_listed(self, pager: Pager) -> None:
        """The pager over a channel's newest entries has ended: everything up to its newest one is listed, or a gap."""
        slug, now, listing = pager.channel.slug, self.run.now(), self.run.catalogue.listing
        if not pager.seen and (pager.listed_until or pager.total):
            self.run.anomaly(f"empty_list/{slug}", "its list is empty, although it has entries")
            return
        if not pager.seen:
            self.run.anomaly("empty_channel", f"channel {slug} has no entries at all")
        if unread := pager.unread(now):
            self.run.anomaly("gap", f"channel {slug}: more is new than its pages show; the next run fills the gap")
            await self.run.write(listing.gap_found, slug, *unread, now)
        cut = pager.short and pager.ended == "end" and not pager.bottom_known
        if cut and not pager.listed_until:
            words = f"channel {slug}: {pager.total} told, {len(pager.seen)} sent; the next run asks again"
            self.run.anomaly("rows_missing", words)
        if not pager.listed_until and (cut or pager.holes):
            return  # nothing is marked, so the next run reads to the end again
        await self.run.write(listing.listed_to, slug, pager.newest, now)
        stale = timedelta(hours=pager.channel.stale_hours)
        watched = self.settings.getbool("SINANEWS_STALE") and not pager.channel.dead
        if watched and pager.newest and now - pager.newest > stale:
            self.run.anomaly("stale_channel", f"channel {slug}: its newest entry is of {pager.newest:%Y-%m-%d %H:%M}")

    async def gap_missed(self, pager: Pager, gap: Gap) -> None:
        """A list that has ended above a gap may have been cut by chance: a second run asks, and then it is given up."""
        slug, listing = pager.channel.slug, self.run.catalogue.listing
        reached = min(pager.bottom, gap.before) if pager.bottom else gap.before
        await self.run.write(listing.gap_tried, slug, gap.after, reached, gap.tries + 1)
        if gap.tries + 1 < MOST_TRIES:
            self.run.anomaly("gap", f"channel {slug}: its list no longer reaches back to {_minute(gap.after)}")
        else:
            words = f"nothing Sina offers reaches from {_minute(reached)} back to {_minute(gap.after)}; not asked again"
            self.run.anomaly(f"gap_lost/{slug}", words)


def key_of(wanted: Request | ArticleItem) -> str:
    """The key of the row that a request or an item came of."""
    return str(wanted.cb_kwargs["row"].key) if isinstance(wanted, Request) else wanted.id


def _minute(when: datetime) -> str:
    return f"{to_beijing(when):%Y-%m-%d %H:%M}"
