"""How far to read a list: the decisions of one walk over the pages of one channel. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sinanews.channels import Channel
from sinanews.dates import BEIJING
from sinanews.listings import Listing, ListingPage, day_start, outside_window, roll_url

TAIL = 5  #: so many known entries at the end of a page show that the rest is known
MOST_PAGES = 5000  #: no walk reads more, whatever a server says
SETTLED = timedelta(hours=6)  #: after its end a day may still gain entries that were put on the list late


@dataclass(frozen=True)
class Gap:
    """Publication times that no listing has covered: after ``after``, up to ``before``."""

    after: datetime
    before: datetime
    found_at: datetime


@dataclass
class Walk:
    """One pass over a channel's list, newest first: the whole list, or the window of one day.

    A walk over the whole list ends at what is known *and* not newer than ``listed_until``; a single pinned or
    late entry never ends it. A walk with ``stop_at`` goes on until the list is older than that, known or not.
    """

    channel: Channel
    day: date | None = None
    listed_until: datetime | None = None
    stop_at: datetime | None = None
    max_pages: int = MOST_PAGES
    closes: Gap | None = None  #: the gap that is filled once this walk has ended
    days: tuple[date, ...] = ()  #: the days that this walk, once ended, has listed whole
    page: int = 1
    seen: set[str] = field(default_factory=set)
    oldest: datetime | None = None
    newest: datetime | None = None
    total: int | None = None
    ended: str = ""  #: why the walk ended: end, known, passed, limit, window_ignored
    _back: int | None = None

    @property
    def url(self) -> str:
        return roll_url(self.channel, self.page, self.day)

    def new_rows(self, answer: ListingPage) -> list[Listing]:
        """The rows this walk has not met yet: entries move down a page while others arrive above them."""
        rows = [row for row in answer.rows if row.key not in self.seen]
        self.seen.update(row.key for row in rows)
        times = [row.published_at for row in rows if row.published_at]
        self.oldest = min([*times, self.oldest] if self.oldest else times, default=None)
        self.newest = max([*times, self.newest] if self.newest else times, default=None)
        return rows

    def goes_on(self, answer: ListingPage, fresh: int, known: Collection[str]) -> bool:
        """Whether to read another page (``url`` is then its address); otherwise ``ended`` says why not.

        ``fresh`` is how many of the page's rows were new to this walk, ``known`` the keys the catalogue had
        before it. Where the total shrank, rows have moved up over the page's edge: the page before is read again.
        """
        shrunk = self.total is not None and answer.total is not None and answer.total < self.total
        self.total = answer.total if answer.total is not None else self.total
        self.ended = self._end(answer, fresh, known, shrunk)
        if self.ended:
            return False
        if shrunk and self.page > 1 and self._back is None:
            self._back, self.page = self.page, self.page - 1
        else:
            self.page, self._back = (self._back or self.page) + 1, None
        return True

    def _end(self, answer: ListingPage, fresh: int, known: Collection[str], shrunk: bool) -> str:
        if not answer.rows:
            return "end"
        if self.day is not None:
            if self.page == 1 and outside_window(answer.rows, self.day) > len(answer.rows) // 2:
                return "window_ignored"
            if answer.total is not None and len(self.seen) >= answer.total and not shrunk:
                return "end"
        if not fresh and self._back is None and self.page > 1:
            return "end"  # a server that repeats its last page
        if self.day is None and self._passed(answer, known):
            return "known" if self.stop_at is None else "passed"
        return "limit" if self.page >= self.max_pages else ""

    def _passed(self, answer: ListingPage, known: Collection[str]) -> bool:
        tail = answer.rows[-TAIL:]
        if self.stop_at is not None:
            return all(row.published_at and row.published_at < self.stop_at for row in tail)
        if self.listed_until is None:
            return False  # no run has come to its end yet: what is known may be what a killed one left
        return all(row.key in known and (not row.published_at or row.published_at <= self.listed_until) for row in tail)


def days_between(first: datetime, last: datetime) -> Iterator[date]:
    """The days of Beijing that a stretch of time touches, newest first.

    >>> [str(d) for d in days_between(datetime(2026, 1, 1, 23, tzinfo=BEIJING), datetime(2026, 1, 2, tzinfo=BEIJING))]
    ['2026-01-02', '2026-01-01']
    """
    day, end = last.astimezone(BEIJING).date(), first.astimezone(BEIJING).date()
    while day >= end:
        yield day
        day -= timedelta(days=1)


def gap_walks(channel: Channel, gap: Gap, listed: Collection[date]) -> list[Walk]:
    """The days of a gap, but for those ``listed`` whole since it was found; the last walk closes the gap."""
    days = [day for day in days_between(gap.after, gap.before) if day not in listed]
    walks = [
        Walk(channel, day=day, days=(day,), stop_at=gap.after) for day in days or days_between(gap.after, gap.after)
    ]
    walks[-1].closes = gap
    return walks


def day_walks(channel: Channel, since: datetime, until: datetime, listed: Collection[date]) -> list[Walk]:
    """The days from ``since`` up to ``until``, newest first, but for those ``listed`` whole before."""
    days = days_between(since, until - timedelta(microseconds=1))
    return [
        Walk(channel, day=day, days=(day,) if day_start(day) >= since else (), stop_at=since)
        for day in days
        if day not in listed
    ]


def without_windows(walks: list[Walk]) -> Walk:
    """One walk page by page in place of walks over days, for a channel whose API ignores the day's window."""
    stops = [walk.stop_at for walk in walks if walk.stop_at]
    closes = next((walk.closes for walk in walks if walk.closes), None)
    return Walk(
        walks[0].channel, stop_at=min(stops), closes=closes, days=tuple(day for walk in walks for day in walk.days)
    )


def is_settled(day: date, now: datetime) -> bool:
    """Whether a day has been over for long enough that its list will not grow."""
    return now >= day_start(day + timedelta(days=1)) + SETTLED
