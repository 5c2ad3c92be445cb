"""Listing channels through the roll API: which walks to make, and what has been listed once they end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

from scrapy import Request
from scrapy.http import Response
from twisted.python.failure import Failure

from sinanews.channels import Channel
from sinanews.dates import to_beijing
from sinanews.exceptions import CatalogueError, ListingError
from sinanews.items import ArticleItem
from sinanews.listings import Listing, ListingPage, day_start, parse_roll
from sinanews.spiders.base import ArchiveSpider, why_failed
from sinanews.walks import MOST_TRIES, Gap, Walk, day_walks, gap_walks, is_settled, without_windows

MOST_BROKEN = 3  #: so many walks in a row that fail end the listing of a channel
LISTINGS_FIRST = 10  #: priority: a list's rows move while articles are fetched


class RollSpider(ArchiveSpider):
    """Walks the lists of channels; ``ask`` says what to do with their rows."""

    left: int  #: articles that may still be asked for
    since: datetime | None = None  #: the stretch of publication time asked for, if any
    until: datetime | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.broken: Counter[str] = Counter()  #: channel → walks in a row that failed

    def ask(self, rows: Iterable[Listing], channel: Channel) -> Iterator[Any]:
        """Requests for (or items of) those of the rows that are wanted, once the catalogue has them as listed."""
        raise NotImplementedError

    def read_list(self, body: bytes, walk: Walk) -> ListingPage:
        """Raises ListingError."""
        return parse_roll(body)

    def plan(self, channel: Channel) -> list[Walk]:
        """The walks to make over a channel: the days asked for, or its gaps and then its newest entries."""
        coverage = self.archive.catalogue.coverage
        if channel.dead:
            words = f"channel {channel.slug} is dead: Sina has put nothing new on it for years"
            self.archive.strange(f"dead_channel/{channel.slug}", words)
        if self.since is not None and self.until is not None:
            listed = set() if self.options.get("recheck") else coverage.complete_days(channel.slug)
            return day_walks(channel, self.since, self.until, listed)
        walks: list[Walk] = []
        for gap in self.gaps(channel.slug):
            walks += gap_walks(channel, gap, coverage.complete_days(channel.slug, gap.found_at))
        pages = self.crawler.settings.getint("SINANEWS_MAX_PAGES")
        return [*walks, Walk(channel, listed_until=coverage.listed_until(channel.slug), max_pages=pages)]

    def gaps(self, slug: str) -> tuple[Gap, ...]:
        """What earlier runs could not list of a channel, but for what has been given up."""
        rows = self.archive.catalogue.coverage.gaps(slug)
        return tuple(Gap(r.after, r.before, r.found_at, r.tries) for r in rows if r.tries < MOST_TRIES)

    def walk_on(self, walks: list[Walk]) -> Iterator[Any]:
        """The request for the next page of the first walk, if any walk is left."""
        if walks and self.left > 0:
            yield Request(
                walks[0].url,
                self.parse_listing,
                errback=self.listing_failed,
                cb_kwargs={"walks": walks},
                priority=LISTINGS_FIRST,
                dont_filter=True,  # the same page is read again when rows have moved
            )

    def parse_listing(self, response: Response, walks: list[Walk]) -> Iterator[Any]:
        walk = walks[0]
        slug, now = walk.channel.slug, self.archive.now()
        self.archive.count("listing/pages")
        try:
            answer = self.read_list(response.body, walk)
            for name in answer.strange:
                self.archive.strange(name, f"channel {slug}")
            fresh = walk.new_rows(answer, now)
            known = set(self.archive.catalogue.known([row.key for row in answer.rows]))
            self.archive.count("listing/rows", len(fresh))
            wanted = list(
                self.ask([row for row in fresh if self.is_of_the_dates(row) and walk.admits(row)], walk.channel)
            )
            yield from wanted
            self.broken[slug] = 0
            if walk.goes_on(answer, known - {key_of(one) for one in wanted}, now):
                yield from self.walk_on(walks)
            else:
                yield from self.walk_on(self.walk_ended(walk, walks[1:]))
        except ListingError as error:
            yield from self.listing_broken(walks, error.reason, str(error))
        except CatalogueError as error:
            self.archive.stop_run(error, "storage_failed")

    def is_of_the_dates(self, row: Listing) -> bool:
        """Whether ``since`` and ``until`` admit the row; one without a time is admitted."""
        if row.published_at is None or self.since is None or self.until is None:
            return True
        return self.since <= row.published_at < self.until

    def walk_ended(self, walk: Walk, rest: list[Walk]) -> list[Walk]:
        """Record what the walk has listed; returns the walks left. One cut short by ``limit`` proves nothing."""
        if self.left <= 0:
            return []
        slug, now, coverage = walk.channel.slug, self.archive.now(), self.archive.catalogue.coverage
        if walk.ended == "window_ignored":
            self.archive.strange("window_ignored", f"channel {slug}: its API ignores dates; reading page by page")
            return [without_windows([walk, *(w for w in rest if w.day)]), *(w for w in rest if not w.day)]
        done = [self.day_listed(walk, day, now) for day in walk.days]
        if walk.repeats:
            self.archive.count("listing/failed/repeats")
            self.logger.error("channel %s: its list repeats its pages; the next run asks for what lies below", slug)
        if walk.ended == "limit" and (walk.day or walk.stop_at):
            self.archive.strange("list_cut", f"channel {slug}: more than {walk.max_pages} pages")
        if walk.whole and all(done):
            for gap in walk.closes:
                coverage.gap_filled(slug, gap.after) if walk.reaches(gap) else self.gap_missed(walk, gap)
        else:
            for other in rest:
                other.closes = ()  # a gap is filled once all of its days are listed
        if walk.day is None and walk.stop_at is None:
            self.newest_listed(walk)
        return rest

    def day_listed(self, walk: Walk, day: date, now: datetime) -> bool:
        """Record how far a day has come, complete once it is over; whether all of it there is now was listed."""
        entries, slug, coverage = walk.entries[day], walk.channel.slug, self.archive.catalogue.coverage
        missing = walk.day is not None and walk.short
        emptied = not entries and coverage.has_entries(slug, day_start(day), day_start(day + timedelta(days=1)))
        if missing:
            self.archive.strange(
                "rows_missing", f"channel {slug}: {walk.total} told, {len(walk.seen)} sent of {walk.day}"
            )
        elif emptied:
            self.archive.strange(f"empty_list/{slug}", f"it has nothing on {day}, where it had entries before")
        elif not entries:
            self.archive.strange("empty_day", f"channel {slug} has nothing on {day}")
        listed = walk.whole and not missing and not emptied
        if emptied:
            return False  # what was listed before stays recorded
        state = "partial" if not listed else "empty" if not entries else "complete"
        if state == "complete" and not is_settled(day, now):
            state = "partial"
        coverage.day_listed(slug, day, state, entries, now)
        return listed

    def newest_listed(self, walk: Walk) -> None:
        """The walk over a channel's newest entries has ended: everything up to its newest one is listed, or a gap."""
        slug, now, coverage = walk.channel.slug, self.archive.now(), self.archive.catalogue.coverage
        if not walk.seen and (walk.listed_until or walk.total):
            self.archive.strange(f"empty_list/{slug}", "its list is empty, although it has entries")
            return
        if not walk.seen:
            self.archive.strange("empty_channel", f"channel {slug} has no entries at all")
        if unread := walk.unread(now):
            self.archive.strange("gap", f"channel {slug}: more is new than its pages show; the next run fills the gap")
            coverage.gap_found(slug, *unread, now)
        cut = walk.short and walk.ended == "end" and not walk.bottom_known
        if cut and not walk.listed_until:
            words = f"channel {slug}: {walk.total} told, {len(walk.seen)} sent; the next run asks again"
            self.archive.strange("rows_missing", words)
        if not walk.listed_until and (cut or walk.holes):
            return  # nothing is marked, so the next run reads to the end again
        coverage.listed_to(slug, walk.newest, now)
        stale = timedelta(hours=walk.channel.stale_hours)
        watched = self.settings.getbool("SINANEWS_STALE") and not walk.channel.dead
        if watched and walk.newest and now - walk.newest > stale:
            self.archive.strange(
                "stale_channel", f"channel {slug}: its newest entry is of {walk.newest:%Y-%m-%d %H:%M}"
            )

    def gap_missed(self, walk: Walk, gap: Gap) -> None:
        """A list that has ended above a gap may have been cut by chance: a second run asks, and then it is given up."""
        slug, coverage = walk.channel.slug, self.archive.catalogue.coverage
        reached = min(walk.bottom, gap.before) if walk.bottom else gap.before
        coverage.gap_tried(slug, gap.after, reached, gap.tries + 1)
        if gap.tries + 1 < MOST_TRIES:
            self.archive.strange("gap", f"channel {slug}: its list no longer reaches back to {_minute(gap.after)}")
        else:
            words = f"nothing Sina offers reaches from {_minute(reached)} back to {_minute(gap.after)}; not asked again"
            self.archive.strange(f"gap_lost/{slug}", words)

    def listing_failed(self, failure: Failure) -> Iterator[Any]:
        if self.archive.stopping:
            return  # it is not the list's fault
        reason, detail = why_failed(failure)
        yield from self.listing_broken(failure.request.cb_kwargs["walks"], reason, detail)  # type: ignore[attr-defined]

    def listing_broken(self, walks: list[Walk], reason: str, detail: str) -> Iterator[Any]:
        """What this run could not list the next one lists: marks and gaps stay. A bad day hides no other."""
        walk, rest = walks[0], walks[1:]
        slug = walk.channel.slug
        self.archive.count(f"listing/failed/{reason}")
        self.logger.warning("channel %s could not be listed: %s", slug, detail)
        try:
            if walk.goes_on_after_failure():
                yield from self.walk_on(walks)
                return
            self.broken[slug] += 1
            for other in rest:
                other.closes = ()
            if walk.ended:
                rest = self.walk_ended(walk, rest)
            if self.broken[slug] < MOST_BROKEN:
                yield from self.walk_on(rest)
        except CatalogueError as error:
            self.archive.stop_run(error, "storage_failed")


def key_of(wanted: Request | ArticleItem) -> str:
    """The key of the row that a request or an item came of."""
    return str(wanted.meta["key"]) if isinstance(wanted, Request) else wanted.id


def _minute(when: datetime) -> str:
    return f"{to_beijing(when):%Y-%m-%d %H:%M}"
