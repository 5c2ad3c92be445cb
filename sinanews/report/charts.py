"""What the report draws: bars over time, and how much of a whole each part is. Pure; days are Beijing's."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Row

from sinanews.items import RATED_FIELDS
from sinanews.listing.channels import COMPANY_LISTS, company_of
from sinanews.report.titles import EPOCH

MOST_DAYS, MOST_WEEKS = 92, 120  #: more are drawn by weeks, and more than those by months
SMALL = 6  #: channels with bars of their own
FRESH = timedelta(days=7)  #: an article exported later than this after its publication was not waited for
NEARLY_ALL = 0.9  #: of the articles: where so many lie within the newest MOST_DAYS, only those are drawn


@dataclass(frozen=True)
class Panel:
    """Bars of one kind: a value for each period, None where there is none."""

    name: str
    values: list[float | None]
    total: float | None  #: what stands beside its name
    most: float  #: what the full height stands for


@dataclass(frozen=True)
class Chart:
    """Panels over the same periods."""

    name: str  #: its labels: see labels.py
    unit: str
    every: str  #: day, week or month
    periods: list[date]  #: the first day of each; the last may not be over
    panels: list[Panel]
    left_out: int = 0

    def rows(self) -> list[tuple[date, tuple[float | None, ...]]]:
        """The last periods that have anything, newest first."""
        numbers = zip(self.periods, zip(*(panel.values for panel in self.panels), strict=True), strict=True)
        return [(day, row) for day, row in numbers if any(row)][:-32:-1]


@dataclass
class Tally:
    """What one pass over the exported articles gathers."""

    published: dict[str, Counter[date]] = field(default_factory=lambda: defaultdict(Counter))  #: by channel
    exported: Counter[tuple[date, str]] = field(default_factory=Counter)  #: by day and the fields missing
    delays: dict[date, array[float]] = field(default_factory=lambda: defaultdict(lambda: array("d")))  #: hours
    media: Counter[str] = field(default_factory=Counter)
    late: int = 0

    def add(self, row: Row[Any]) -> None:
        channel, media, missing, published_on, exported_on, delay = row  # by name it takes twice as long
        if (company := company_of(channel)) is not None:
            channel = COMPANY_LISTS[company[1]]
        self.media[media or ""] += 1
        if published_on is not None:
            self.published[channel or ""][_day(published_on)] += 1
        if exported_on is None:
            return
        self.exported[_day(exported_on), missing or ""] += 1
        if delay is not None:
            self.late += delay > FRESH.total_seconds()
            if 0 <= delay <= FRESH.total_seconds():
                self.delays[_day(exported_on)].append(delay / 3600)

    @property
    def total(self) -> int:
        return self.media.total()


@lru_cache(maxsize=20_000)
def _day(number: int) -> date:
    return EPOCH + timedelta(number)


def charts(tally: Tally) -> list[Chart]:
    """Those that have anything to show."""
    return [chart for chart in (_articles(tally), _delays(tally), _fields(tally)) if chart.periods]


# --- periods -----------------------------------------------------------------------------------------------


def periods(counts: Mapping[date, int]) -> tuple[list[date], str]:
    """Every day, week (from Monday) or month from the first to the last of a few that are not far older than the rest.

    >>> periods({date(2026, 11, 20): 3, date(2026, 11, 21): 1})
    ([datetime.date(2026, 11, 20), datetime.date(2026, 11, 21)], 'day')
    """
    if not counts:
        return [], "day"
    last = max(counts)
    recent = [day for day in counts if day > last - timedelta(MOST_DAYS)]
    nearly_all = sum(counts[day] for day in recent) >= NEARLY_ALL * sum(counts.values())
    first = min(recent) if nearly_all else min(counts)
    if (last - first).days < MOST_DAYS:
        return [first + timedelta(n) for n in range((last - first).days + 1)], "day"
    if (last - first).days < 7 * MOST_WEEKS:
        monday = begin_of(first, "week")
        return [monday + timedelta(n) for n in range(0, (last - monday).days + 1, 7)], "week"
    months = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    return [date(n // 12, n % 12 + 1, 1) for n in months], "month"


def begin_of(day: date, every: str) -> date:
    """The first day of the period in which a day lies."""
    if every == "month":
        return day.replace(day=1)
    return day - timedelta(day.weekday()) if every == "week" else day


def _by_period(counts: Mapping[date, int], every: str) -> Counter[date]:
    found: Counter[date] = Counter()
    for day, number in counts.items():
        found[begin_of(day, every)] += number
    return found


# --- the charts --------------------------------------------------------------------------------------------


def _panel(name: str, values: Iterable[float | None], total: float | None, most: float | None = None) -> Panel:
    drawn = list(values)
    return Panel(name, drawn, total, most or max((value for value in drawn if value is not None), default=0))


def _articles(tally: Tally) -> Chart:
    """All of them and the largest channels by the time of publication; what is in several counts for the first."""
    largest = sorted(tally.published, key=lambda channel: -tally.published[channel].total())
    counts: dict[str, Counter[date]] = {"all": Counter()}
    for channel in largest:
        counts["all"].update(tally.published[channel])
        counts.setdefault(channel if channel in largest[:SMALL] else "others", Counter()).update(
            tally.published[channel]
        )
    if len(counts) == 2:
        del counts[largest[0]]  # the only channel is all of them
    drawn, every = periods(counts["all"])
    of_periods = {name: _by_period(days, every) for name, days in counts.items()}
    panels = [_panel(name, (its[day] for day in drawn), counts[name].total()) for name, its in of_periods.items()]
    left_out = counts["all"].total() - sum(of_periods["all"][day] for day in drawn)
    return Chart("articles", "", every, drawn, panels, left_out)


def _delays(tally: Tally) -> Chart:
    """Hours within which half, and nine in ten, of the articles were exported, by the time of export."""
    drawn, every = periods({day: len(hours) for day, hours in tally.delays.items()})
    hours: dict[date, array[float]] = defaultdict(lambda: array("d"))
    whole = array("d")
    for day, values in tally.delays.items():
        hours[begin_of(day, every)].extend(values)
        whole.extend(values)
    panels = [
        _panel(name, (_within(hours[day], share) for day in drawn), _within(whole, share))
        for name, share in (("half", 50), ("nine_in_ten", 90))
        if whole
    ]
    return Chart("delays", "h", every, drawn, panels, tally.late)


def _within(hours: array[float], share: int) -> float | None:
    """Hours within which so many per cent of them lie."""
    return round(sorted(hours)[(len(hours) - 1) * share // 100], 2) if hours else None


def _fields(tally: Tally) -> Chart:
    """The share of the articles that have each field, by the time of export."""
    exported: Counter[date] = Counter()
    lacking: dict[str, Counter[date]] = defaultdict(Counter)
    for (day, missing), number in tally.exported.items():
        exported[day] += number
        for name in missing.split(","):
            lacking[name][day] += number
    drawn, every = periods(exported)
    written = _by_period(exported, every)
    panels = []
    for name in RATED_FIELDS:
        without = _by_period(lacking[name], every)
        shares = (round(100 - 100 * without[day] / written[day], 1) if written[day] else None for day in drawn)
        total = exported.total()
        panels.append(_panel(name, shares, round(100 - 100 * lacking[name].total() / total, 1) if total else None, 100))
    return Chart("fields", "%", every, drawn, panels)
