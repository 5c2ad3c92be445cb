"""Which pagers to make over a channel: one for its newest entries, others for its gaps, its days. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date, datetime, timedelta

from sinanews.dates import BEIJING
from sinanews.listing.channels import Channel
from sinanews.listing.paging import Gap, Pager
from sinanews.listing.roll import day_start

MOST_TRIES = 2  #: so many runs that find a list to end above a gap prove that it cannot be filled
SETTLED = timedelta(hours=6)  #: after its end a day may still gain entries that were put on the list late


def days_between(first: datetime, last: datetime) -> Iterator[date]:
    """The days of Beijing that a stretch of time touches, newest first.

    >>> [str(d) for d in days_between(datetime(2026, 1, 1, 23, tzinfo=BEIJING), datetime(2026, 1, 2, tzinfo=BEIJING))]
    ['2026-01-02', '2026-01-01']
    """
    day, end = last.astimezone(BEIJING).date(), first.astimezone(BEIJING).date()
    while day >= end:
        yield day
        day -= timedelta(days=1)


def gap_pagers(channel: Channel, gap: Gap, listed: Collection[date]) -> list[Pager]:
    """The days of a gap, but for those ``listed`` whole since it was found; the last pager closes the gap."""
    days = [day for day in days_between(gap.after, gap.before) if day not in listed]
    pagers = [
        Pager(channel, day=day, days=(day,), stop_at=gap.after) for day in days or days_between(gap.after, gap.after)
    ]
    pagers[-1].closes = (gap,)
    return pagers


def day_pagers(channel: Channel, since: datetime, until: datetime, listed: Collection[date]) -> list[Pager]:
    """The days from ``since`` up to ``until``, newest first, but for those ``listed`` whole before."""
    days = days_between(since, until - timedelta(microseconds=1))
    return [
        Pager(channel, day=day, days=(day,) if day_start(day) >= since else (), stop_at=since)
        for day in days
        if day not in listed
    ]


def without_windows(pagers: list[Pager]) -> Pager:
    """One pager page by page in place of pagers over days, for a channel whose API ignores the day's window."""
    stops = [pager.stop_at for pager in pagers if pager.stop_at]
    closes = tuple(gap for pager in pagers for gap in pager.closes)
    days = tuple(dict.fromkeys(day for pager in pagers for day in pager.days))
    return Pager(pagers[0].channel, stop_at=min(stops), closes=closes, days=days)


def is_settled(day: date, now: datetime) -> bool:
    """Whether a day has been over for long enough that its list will not grow."""
    return now >= day_start(day + timedelta(days=1)) + SETTLED
