"""How far to read a list: the decisions of one walk over the pages of one channel. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sinanews.channels import Channel
from sinanews.dates import BEIJING
from sinanews.listings import Listing, ListingPage, day_start, outside_window, roll_url

MOST_PAGES = 5000  #: no walk reads more, whatever a server says
MOST_REREADS = 20  #: pages that a walk reads again because rows have moved up
MOST_REPEATS = 3  #: equal pages in a row: a server that repeats its last page
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

    A walk over the whole list ends at a page on which all is known *and* none newer than ``listed_until``, so that
    neither pinned nor late entries end it. One with ``stop_at`` goes on until the list is older, known or not.
    """

    channel: Channel
    day: date | None = None
    listed_until: datetime | None = None
    stop_at: datetime | None = None
    max_pages: int = MOST_PAGES
    closes: tuple[Gap, ...] = ()  #: the gaps that are filled once this walk has ended
    days: tuple[date, ...] = ()  #: the days that this walk, once ended, has listed whole
    page: int = 1
    seen: set[str] = field(default_factory=set)
    entries: Counter[date] = field(default_factory=Counter)  #: rows seen of each day
    oldest: datetime | None = None
    page_newest: datetime | None = None  #: of the last page read: what is older than this page was not seen
    newest: datetime | None = None  #: but for entries dated after the answer that has them
    total: int | None = None
    ended: str = ""  #: why the walk ended: end, known, passed, limit, window_ignored
    _reread_to: int = 0  #: pages up to this one may be read for the second time
    _rereads: int = 0
    _repeats: int = 0
    _size: int = 1  #: rows of a page
    _last: set[str] = field(default_factory=set)

    @property
    def url(self) -> str:
        return roll_url(self.channel, self.page, self.day)

    def new_rows(self, answer: ListingPage, now: datetime) -> list[Listing]:
        """The rows this walk has not met yet: entries move down a page while others arrive above them."""
        rows = [row for row in answer.rows if row.key not in self.seen]
        self.seen.update(row.key for row in rows)
        times = [row.published_at for row in rows if row.published_at]
        self.entries.update(time.date() for time in times)
        past = [time for time in times if time <= _present(answer, now)]
        self.page_newest = max((row.published_at for row in answer.rows if row.published_at), default=self.page_newest)
        self.oldest = min([*times, self.oldest] if self.oldest else times, default=None)
        self.newest = max([*past, self.newest] if self.newest else past, default=None)
        return rows

    def goes_on(self, answer: ListingPage, known: Collection[str], now: datetime) -> bool:
        """Whether to read another page (``url`` is then its address); otherwise ``ended`` says why not.

        ``known`` are the keys of the page's rows that the catalogue had before and that nobody edited since. Where
        the total shrank, rows have moved up over a page's edge: the walk goes on from the page before.
        """
        before, self.total = self.total, self.total if answer.total is None else answer.total
        change = answer.total - before if before is not None and answer.total is not None else 0
        if change < 0 and self.page > 1 and self._rereads < MOST_REREADS:
            self._rereads, self._repeats, self._last = self._rereads + 1, 0, set()
            self._reread_to, self.page = max(self._reread_to, self.page), self.page - 1
            return True
        keys = {row.key for row in answer.rows}
        self._size = max(self._size, len(keys))
        self._repeats = self._repeats + 1 if keys == self._last and change <= 0 else 0
        self._last = keys
        self.ended = self._end(answer, known, now)
        self.page += not self.ended
        return not self.ended

    def _end(self, answer: ListingPage, known: Collection[str], now: datetime) -> str:
        if not answer.rows or self._repeats >= MOST_REPEATS:
            return "end"
        if self.day is not None and outside_window(answer.rows, self.day) > len(answer.rows) // 2:
            return "window_ignored"
        if self.page >= self._reread_to:
            # A total below what was seen is no total; after removals that costs a page more.
            if self.day and self.total is not None and len(self.seen) <= self.total <= self.page * self._size:
                return "end"
            if self.day is None and self._passed(answer, known, now):
                return "known" if self.stop_at is None else "passed"
        return "limit" if self.page >= self.max_pages else ""

    def _passed(self, answer: ListingPage, known: Collection[str], now: datetime) -> bool:
        if self.stop_at is not None:
            return all(row.published_at and row.published_at < self.stop_at for row in answer.rows)
        if self.listed_until is None:
            return False  # no run has come to its end yet: what is known may be what a killed one left
        dated = [(row.key, row.published_at or self.listed_until) for row in answer.rows]
        present = _present(answer, now)
        return all(key in known and (time <= self.listed_until or time > present) for key, time in dated)


def _present(answer: ListingPage, now: datetime) -> datetime:
    """By the later of the two clocks, ours and the server's: an entry dated after it says nothing about the list."""
    return max(now, answer.answered_at or now)


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
    walks[-1].closes = (gap,)
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
    closes = tuple(gap for walk in walks for gap in walk.closes)
    days = tuple(dict.fromkeys(day for walk in walks for day in walk.days))
    return Walk(walks[0].channel, stop_at=min(stops), closes=closes, days=days)


def is_settled(day: date, now: datetime) -> bool:
    """Whether a day has been over for long enough that its list will not grow."""
    return now >= day_start(day + timedelta(days=1)) + SETTLED
