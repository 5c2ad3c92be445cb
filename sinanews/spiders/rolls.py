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
from sinanews.exceptions import CatalogueError, ListingError
from sinanews.items import ArticleItem
from sinanews.listings import Listing, ListingPage, parse_roll
from sinanews.spiders.base import ArchiveSpider, why_failed
from sinanews.walks import Gap, Walk, day_walks, gap_walks, is_settled, without_windows

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

    def read_list(self, body: bytes) -> ListingPage:
        """Raises ListingError."""
        return parse_roll(body)

    def plan(self, channel: Channel) -> list[Walk]:
        """The walks to make over a channel: the days asked for, or its gaps and then its newest entries."""
        coverage = self.archive.catalogue.coverage
        if self.since is not None and self.until is not None:
            listed = set() if self.options.get("recheck") else coverage.complete_days(channel.slug)
            return day_walks(channel, self.since, self.until, listed)
        walks: list[Walk] = []
        for gap in self.gaps(channel.slug):
            walks += gap_walks(channel, gap, coverage.complete_days(channel.slug, gap.found_at))
        pages = self.crawler.settings.getint("SINANEWS_MAX_PAGES")
        return [*walks, Walk(channel, listed_until=coverage.listed_until(channel.slug), max_pages=pages)]

    def gaps(self, slug: str) -> tuple[Gap, ...]:
        """What earlier runs could not list of a channel."""
        rows = self.archive.catalogue.coverage.gaps(slug)
        return tuple(Gap(row.after, row.before, row.found_at) for row in rows)

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
            answer = self.read_list(response.body)
            for name in answer.strange:
                self.archive.strange(name, f"channel {slug}")
            fresh = walk.new_rows(answer, now)
            known = set(self.archive.catalogue.known([row.key for row in answer.rows]))
            self.archive.count("listing/rows", len(fresh))
            wanted = list(self.ask([row for row in fresh if self.is_of_the_dates(row)], walk.channel))
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
        for day in walk.days:
            self.day_listed(walk, day, now)
        if walk.ended == "limit" and (walk.day or walk.stop_at):
            self.archive.strange("list_cut", f"channel {slug}: more than {walk.max_pages} pages")
        else:
            for gap in walk.closes:
                coverage.gap_filled(slug, gap.after)
        if walk.day is None and walk.stop_at is None:
            self.newest_listed(walk)
        return rest

    def day_listed(self, walk: Walk, day: date, now: datetime) -> None:
        """Record how far a day has come: complete once it is over and all of it was listed."""
        entries = walk.entries[day]
        missing = not entries and walk.day is not None and walk.total
        if missing:
            self.archive.strange("rows_missing", f"channel {walk.channel.slug}: {walk.total} told, none sent of {day}")
        elif not entries:
            self.archive.strange("empty_day", f"channel {walk.channel.slug} has nothing on {day}")
        whole = walk.ended != "limit" and is_settled(day, now) and not missing
        state = "empty" if not entries and not missing else "complete" if whole else "partial"
        self.archive.catalogue.coverage.day_listed(walk.channel.slug, day, state, entries, now)

    def newest_listed(self, walk: Walk) -> None:
        """The walk over a channel's newest entries has ended: everything up to its newest one is listed, or a gap."""
        slug, now, coverage = walk.channel.slug, self.archive.now(), self.archive.catalogue.coverage
        until = walk.listed_until
        # A single old row among new ones says nothing, so where pages were left unread it is always a gap.
        before = walk.page_newest if walk.ended == "limit" else walk.oldest if walk.ended == "end" else None
        if until and before and before > until:
            self.archive.strange("gap", f"channel {slug}: more is new than its pages show; the next run fills the gap")
            coverage.gap_found(slug, until, before, now)
        coverage.listed_to(slug, walk.newest, now)
        if not walk.seen:
            self.archive.strange("empty_channel", f"channel {slug} has no entries at all")
        stale = timedelta(hours=walk.channel.stale_hours)
        if self.settings.getbool("SINANEWS_STALE") and walk.newest and now - walk.newest > stale:
            self.archive.strange(
                "stale_channel", f"channel {slug}: its newest entry is of {walk.newest:%Y-%m-%d %H:%M}"
            )

    def listing_failed(self, failure: Failure) -> Iterator[Any]:
        if self.archive.stopping:
            return  # it is not the list's fault
        reason, detail = why_failed(failure)
        yield from self.listing_broken(failure.request.cb_kwargs["walks"], reason, detail)  # type: ignore[attr-defined]

    def listing_broken(self, walks: list[Walk], reason: str, detail: str) -> Iterator[Any]:
        """What this run could not list the next one lists: marks and gaps stay. A bad day hides no other."""
        slug, rest = walks[0].channel.slug, walks[1:]
        self.archive.count(f"listing/failed/{reason}")
        self.logger.warning("channel %s could not be listed: %s", slug, detail)
        self.broken[slug] += 1
        if self.broken[slug] < MOST_BROKEN:
            for walk in rest:
                walk.closes = ()
            yield from self.walk_on(rest)


def key_of(wanted: Request | ArticleItem) -> str:
    """The key of the row that a request or an item came of."""
    return str(wanted.meta["key"]) if isinstance(wanted, Request) else wanted.id
