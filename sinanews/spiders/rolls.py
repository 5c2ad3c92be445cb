"""Listing channels through the roll API: which walks to make, and what has been listed once they end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from scrapy import Request
from scrapy.http import Response
from twisted.python.failure import Failure

from sinanews.channels import Channel
from sinanews.exceptions import CatalogueError, ListingError
from sinanews.listings import Listing, parse_roll
from sinanews.spiders.base import ArchiveSpider, why_failed
from sinanews.walks import Gap, Walk, day_walks, gap_walks, is_settled, without_windows

LISTINGS_FIRST = 10  #: priority: a list's rows move while articles are fetched


class RollSpider(ArchiveSpider):
    """Walks the lists of channels; ``ask`` says what to do with their rows."""

    left: int  #: articles that may still be asked for
    since: datetime | None = None  #: the stretch of publication time asked for, if any
    until: datetime | None = None

    def ask(self, rows: Iterable[Listing], channel: Channel) -> Iterator[Request]:
        """Requests for those of the rows that are wanted."""
        raise NotImplementedError

    def plan(self, channel: Channel) -> list[Walk]:
        """The walks to make over a channel: the days asked for, or its gaps and then its newest entries."""
        coverage = self.archive.catalogue.coverage
        if self.since is not None and self.until is not None:
            listed = set() if self.options.get("recheck") else coverage.complete_days(channel.slug)
            return day_walks(channel, self.since, self.until, listed)
        walks: list[Walk] = []
        for row in coverage.gaps(channel.slug):
            gap = Gap(row.after, row.before, row.found_at)
            walks += gap_walks(channel, gap, coverage.complete_days(channel.slug, row.found_at))
        pages = self.crawler.settings.getint("SINANEWS_MAX_PAGES")
        return [*walks, Walk(channel, listed_until=coverage.listed_until(channel.slug), max_pages=pages)]

    def walk_on(self, walks: list[Walk]) -> Iterator[Request]:
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

    def parse_listing(self, response: Response, walks: list[Walk]) -> Iterator[Request]:
        walk = walks[0]
        self.archive.count("listing/pages")
        try:
            answer = parse_roll(response.body)
            for name in answer.strange:
                self.archive.strange(name, f"channel {walk.channel.slug}")
            fresh = walk.new_rows(answer)
            known = self.archive.catalogue.known([row.key for row in answer.rows])
            self.archive.count("listing/rows", len(fresh))
            yield from self.ask([row for row in fresh if self.is_of_the_dates(row)], walk.channel)
            if walk.goes_on(answer, len(fresh), known):
                yield from self.walk_on(walks)
            else:
                yield from self.walk_on(self.walk_ended(walk, walks[1:]))
        except ListingError as error:
            self.listing_broken(walk.channel, "answer", str(error))
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
        if walk.day is not None and not walk.seen:
            self.archive.strange("empty_day", f"channel {slug} has nothing on {walk.day}")
        for day in walk.days:
            entries = len(walk.seen) if walk.day else 0
            state = "partial" if not is_settled(day, now) or walk.ended == "limit" else "complete"
            coverage.day_listed(slug, day, state if walk.seen else "empty", entries, now)
        if walk.closes is not None and walk.ended != "limit":
            coverage.gap_filled(slug, walk.closes.after)
        if walk.day is None and walk.stop_at is None:
            self.newest_listed(walk)
        return rest

    def newest_listed(self, walk: Walk) -> None:
        """The walk over a channel's newest entries has ended: everything up to its newest one is listed, or a gap."""
        slug, now, coverage = walk.channel.slug, self.archive.now(), self.archive.catalogue.coverage
        if walk.ended == "limit" and walk.listed_until and walk.oldest and walk.oldest > walk.listed_until:
            self.archive.strange(
                "gap", f"channel {slug}: more is new than SINANEWS_MAX_PAGES; the next run fills the gap"
            )
            coverage.gap_found(slug, walk.listed_until, walk.oldest, now)
        coverage.listed_to(slug, walk.newest, now)
        stale = timedelta(hours=walk.channel.stale_hours)
        if self.settings.getbool("SINANEWS_STALE") and walk.newest and now - walk.newest > stale:
            self.archive.strange(
                "stale_channel", f"channel {slug}: its newest entry is of {walk.newest:%Y-%m-%d %H:%M}"
            )

    def listing_failed(self, failure: Failure) -> None:
        reason, detail = why_failed(failure)
        walks: list[Walk] = failure.request.cb_kwargs["walks"]  # type: ignore[attr-defined]
        self.listing_broken(walks[0].channel, reason, detail)

    def listing_broken(self, channel: Channel, reason: str, detail: str) -> None:
        """What this run could not list the next one lists: the channel's mark stays where it was."""
        self.archive.count(f"listing/failed/{reason}")
        self.logger.error("channel %s could not be listed: %s", channel.slug, detail)
