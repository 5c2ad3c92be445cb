"""How far to read a list: the decisions of one pager over the pages of one channel. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime

from sinanews.dates import BEIJING
from sinanews.listing.channels import Channel
from sinanews.listing.roll import Listing, ListingPage, outside_window, roll_url

MOST_PAGES = 5000  #: no pager reads more, whatever a server says
MOST_REREADS = 20  #: pages that a pager reads again because rows have moved up
MOST_REPEATS = 3  #: pages in a row that bring nothing: what lies below cannot be had this way
MOST_PUSHED = 60  #: pages that bring nothing because so many rows have arrived above them
BOTTOM_ROWS = 3  #: the last rows of a list, of which one or two may stand out of their order
THIN = 0.8  #: share of its rows that a page has at least where the total says that it is full
SHORT = 0.05  #: share of its total that a day may lack: a total counts entries that are not shown, too
_LONG_AGO = datetime(1, 1, 2, tzinfo=BEIJING)


@dataclass(frozen=True)
class Gap:
    """Publication times that no listing has covered: after ``after``, up to ``before``."""

    after: datetime
    before: datetime
    found_at: datetime
    tries: int = 0  #: runs that found the list to end above ``after``; see plans.MOST_TRIES


@dataclass
class Pager:
    """One pass over a channel's list, newest first: the whole list, or the window of one day.

    What ends it early must be proof that all below is known. A page on which all is known and none is newer than
    ``listed_until`` may consist of pinned rows; so it counts only below the row that ``listed_until`` is the time of
    (a quiet run finds that on its first page), or where the page before was such a one and newer. With ``stop_at`` the
    pager goes on until two such pages are older than that, known or not.

    A page that brings nothing new where the list should go on is a hole: the server repeats itself, or failed.
    Where the total says that all was seen, it is the end.
    """

    channel: Channel
    day: date | None = None
    listed_until: datetime | None = None
    stop_at: datetime | None = None
    max_pages: int = MOST_PAGES
    closes: tuple[Gap, ...] = ()  #: the gaps that are filled once this pager has ended
    days: tuple[date, ...] = ()  #: the days that this pager, once ended, has listed whole
    page: int = 1
    seen: set[str] = field(default_factory=set)
    entries: Counter[date] = field(default_factory=Counter)  #: rows seen of each day
    newest: datetime | None = None  #: but for entries dated after the answer that has them
    total: int | None = None
    ended: str = ""  #: why the pager ended: end, known, passed, limit, repeats, window_ignored
    holes: bool = False  #: whether pages brought nothing although the list goes on below them
    repeats: int = 0  #: how many of those pages repeated an earlier one
    bottom: datetime | None = None  #: what lies below the last page is not newer than this
    bottom_known: bool = False  #: whether the last page's rows were all known
    _page_newest: datetime | None = None  #: of the last page that brought something
    _page_before: datetime | None = None  #: and of the one before that
    _above_hole: datetime | None = None
    _progress: bool = False  #: whether the page has rows that are new to the pager and have not just come in above it
    _tail: list[datetime] = field(default_factory=list)  #: times of the last rows
    _barren: int = 0  #: pages in a row that brought nothing
    _brought: set[int] = field(default_factory=set)  #: pages that did
    _arrived: int = 0  #: rows that have come in above, by what the totals say
    _depth: int = 0  #: rows of the list, as it was at first, that have been read
    _pushed: int = 0
    _mark_passed: bool = False  #: whether the rows now read stand below the one of ``listed_until``
    _old_page: datetime | None = None  #: the newest row of the page before, if that seemed to be the end
    _dropped: dict[int, int] = field(default_factory=dict)  #: page → its entries that are no rows
    _most: int = 0  #: the greatest total told
    _size: int = 1  #: entries of a page
    _reread_to: int = 0  #: pages up to this one may be read for the second time
    _rereads: int = 0
    _empty_twice: bool = False

    @property
    def url(self) -> str:
        return roll_url(self.channel, self.page, self.day)

    @property
    def whole(self) -> bool:
        """Whether all was read down to where the pager ended, and it did not end before its time."""
        return self.ended in ("end", "known", "passed") and not self.holes

    @property
    def short(self) -> bool:
        """Whether far fewer rows were sent than the total told; what came in above meanwhile is the next run's."""
        owed = self.total - self._arrived if self.total is not None else 0
        return owed - self._handed_out > owed * SHORT

    @property
    def to_be_checked(self) -> tuple[datetime, datetime] | None:
        """Between these the catalogue must know nothing that was not seen, or a page was passed over.

        Where the row of ``listed_until`` was met nothing can have been: the list was read down to it.
        """
        if (
            self.ended not in ("known", "end")
            or self._mark_passed
            or self._page_newest is None
            or self.listed_until is None
        ):
            return None
        return (self._page_newest, self.listed_until) if self._page_newest < self.listed_until else None

    @property
    def _handed_out(self) -> int:
        return len(self.seen) + sum(self._dropped.values())

    def admits(self, row: Listing) -> bool:
        """Whether the pager is after such rows."""
        return True

    def new_rows(self, answer: ListingPage, now: datetime) -> list[Listing]:
        """The rows this pager has not met yet: entries move down a page while others arrive above them."""
        met = [row.key in self.seen for row in answer.rows]
        rows = [row for row, before in zip(answer.rows, met, strict=True) if not before]
        # What moves down stands above what was below it; what comes in stands above all.
        self._progress = bool(rows) and (False in met[[*met, True].index(True) :] or 2 * len(rows) >= len(met))
        self.seen.update(row.key for row in rows)
        times = [row.published_at for row in rows if row.published_at]
        self.entries.update(time.date() for time in times)
        past = [time for time in times if time <= _present(answer, now)]
        self.newest = max([*past, self.newest] if self.newest else past, default=None)
        return rows

    def goes_on(self, answer: ListingPage, known: Collection[str], now: datetime) -> bool:
        """Whether to read another page (``url`` is then its address); otherwise ``ended`` says why not.

        ``known`` are the keys of the page's rows that the catalogue had before and that nobody edited since. Where
        the total shrank, rows have moved up over a page's edge: the pager goes on from the page before.
        """
        change = self._follow_total(answer)
        self._dropped[self.page] = answer.dropped
        self._size = max(self._size, len(answer.rows) + answer.dropped)
        self._follow_mark(answer, now)
        if answer.rows:
            self._note_what_it_brought(answer)
            self.bottom_known = all(row.key in known for row in answer.rows)
        if self._reads_again(answer, change):
            return True
        self.ended = self._end(answer, known, now)
        self.page += not self.ended
        return not self.ended

    def goes_on_after_failure(self) -> bool:
        """Whether to read the page below one that could not be had. Without the first page nothing is known."""
        if self.page == 1:
            return False
        self._hole()
        self.ended = "repeats" if self._barren >= MOST_REPEATS else "limit" if self.page >= self.max_pages else ""
        self.page += not self.ended
        return not self.ended

    def unread(self, now: datetime) -> tuple[datetime, datetime] | None:
        """Of a pager over the newest entries: after and up to when some may not have been read; None where all were."""
        until = self.listed_until
        if until is None or (self.ended == "known" and not self.holes):
            return None
        if self.holes:
            before = self._above_hole
        elif self._mark_passed:
            return None
        elif self.ended == "end":
            return (until, self.bottom) if self.bottom and self.bottom > until else None
        else:
            before = self._page_newest
        if before is None or before <= until:  # a page of old rows above: what is below it may be of any time
            before = self.newest if self.newest and self.newest > until else now
        return (until, before) if before > until else None

    def reaches(self, gap: Gap) -> bool:
        """Whether the pager was read down to where a gap begins: ``after`` is the time of an entry there was."""
        return self.day is not None or self.ended != "end" or self.bottom is None or self.bottom <= gap.after

    def _follow_total(self, answer: ListingPage) -> int:
        """How far the total has moved since the page before. One below what the page itself has is no total."""
        told = answer.total if answer.total and answer.total >= len(answer.rows) else None
        before, self.total = self.total, self.total if told is None else told
        self._most = max(self._most, told or 0)
        change = told - before if told is not None and before is not None else 0
        self._arrived += max(change, 0)
        return change

    def _follow_mark(self, answer: ListingPage, now: datetime) -> None:
        for row in answer.rows if self.listed_until else ():
            if row.published_at == self.listed_until:
                self._mark_passed = True
            elif row.published_at and self.listed_until < row.published_at <= _present(answer, now):  # type: ignore[operator]
                self._mark_passed = False  # the row above was out of its order

    def _reads_again(self, answer: ListingPage, change: int) -> bool:
        if change < 0 and self.page > 1 and self._rereads < MOST_REREADS:
            self._rereads, self._old_page = self._rereads + 1, None
            self._reread_to, self.page = max(self._reread_to, self.page), self.page - 1
            return True
        owed = self.total is not None and (self.page - 1) * self._size < self.total
        if not answer.rows and not answer.dropped and self.seen and owed and not self._empty_twice:
            self._empty_twice = True
            return True
        return False

    def _note_what_it_brought(self, answer: ListingPage) -> None:
        depth = self.page * self._size - self._arrived
        if not self._progress and self.page not in self._brought:
            if depth > self._depth or self._pushed >= MOST_PUSHED:
                if not self._all_seen:
                    self.repeats += 1
                    self._hole()
                return
            self._pushed += 1
        self._depth = max(self._depth, depth)
        self._barren = 0
        self._brought.add(self.page)
        times = [row.published_at for row in answer.rows if row.published_at]
        self._page_before = self._page_newest
        self._page_newest = max(times, default=self._page_newest)
        self._tail = [*self._tail, *times][-BOTTOM_ROWS:]
        self.bottom = max(self._tail, default=None)
        owed = min(self._size, max(0, (self.total or 0) - (self.page - 1) * self._size))
        if len(answer.rows) + answer.dropped < owed * THIN:
            self.passed_over()

    @property
    def _all_seen(self) -> bool:
        return 0 < self._most <= self._handed_out

    def passed_over(self) -> None:
        """Rows that should stand between this page and the one before were not sent."""
        if not self.holes:
            self._above_hole = self._page_before
        self.holes = True

    def _hole(self) -> None:
        if not self.holes:
            self._above_hole = self._page_newest
        self.holes = True
        self._barren += 1

    def _end(self, answer: ListingPage, known: Collection[str], now: datetime) -> str:
        if not answer.rows and not answer.dropped:
            return "end"
        if self.page not in self._brought and answer.rows and self._all_seen:
            return "end"  # past its end the server answers some page again
        if self._barren >= MOST_REPEATS:
            return "repeats"
        if self.day is not None and outside_window(answer.rows, self.day) > len(answer.rows) // 2:
            return "window_ignored"
        if self.page >= self._reread_to and answer.rows:
            # A total below what was seen is no total; after removals that costs a page more.
            read = min(self._handed_out, self.page * self._size)
            if self.day and self.total is not None and len(self.seen) <= self.total <= read:
                return "end"
            if self.day is None and self._all_below_is_known(answer, known, now):
                return "known" if self.stop_at is None else "passed"
        return "limit" if self.page >= self.max_pages else ""

    def _all_below_is_known(self, answer: ListingPage, known: Collection[str], now: datetime) -> bool:
        present = _present(answer, now)
        if self.stop_at is not None:
            old = all(row.published_at and row.published_at < self.stop_at for row in answer.rows)
        elif self.listed_until is None:
            return False  # no run has come to its end yet: what is known may be what a killed one left
        else:
            dated = [(row.key, row.published_at or self.listed_until) for row in answer.rows]
            old = all(key in known and (time <= self.listed_until or time > present) for key, time in dated)
        if not old:
            self._old_page = None
            return False
        times = [row.published_at for row in answer.rows if row.published_at and row.published_at <= present]
        before, self._old_page = self._old_page, max(times, default=_LONG_AGO)
        if self.stop_at is None and self._mark_passed:
            return True
        return before is not None and not self._barren and self._old_page <= before


def _present(answer: ListingPage, now: datetime) -> datetime:
    """By the later of the two clocks, ours and the server's: an entry dated after it says nothing about the list."""
    return max(now, answer.answered_at or now)
