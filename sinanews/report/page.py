"""The report: one HTML page that needs no network and no server. Times and days are Beijing's."""

from __future__ import annotations

import base64
import hashlib
from array import array
from collections import Counter, defaultdict
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from importlib.resources import files
from itertools import chain, islice
from statistics import quantiles
from typing import Any

from jinja2 import Environment, PackageLoader
from sqlalchemy import Row

from sinanews.catalogue import Catalogue
from sinanews.catalogue import queries as figures
from sinanews.dates import BEIJING, minute
from sinanews.items import RATED_FIELDS
from sinanews.report.titles import EPOCH, pack_titles
from sinanews.terminal.show import plain
from sinanews.watch.summary import TITLES, gather

MOST_DAYS = 400  #: a longer archive is drawn by months
LINES = 6  #: channels with a line of their own; more cannot be told apart
FRESH = timedelta(days=7)  #: an article exported later than this after its publication was not waited for
NEARLY_ALL = 0.9  #: of the articles: where so many lie within the newest MOST_DAYS, only those are drawn
RUNS, MEDIA, NEWEST = 60, 20, 10


@dataclass
class Chart:
    """Lines over time, and the same numbers as a table. ``series``: label → one value for each of ``days``."""

    title: str
    note: str
    unit: str
    days: list[date]  #: the first of each period
    series: dict[str, list[float | None]]

    @property
    def data(self) -> list[list[Any]]:
        """As uPlot takes it: epoch seconds, then the series."""
        x = [int(datetime.combine(day, time(), BEIJING).timestamp()) for day in self.days]
        return [x, *self.series.values()]

    def rows(self) -> list[tuple[date, tuple[float | None, ...]]]:
        """The last periods that have anything, newest first."""
        numbers = zip(self.days, zip(*self.series.values(), strict=True), strict=True)
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
        if channel is not None and channel.startswith("company:"):
            channel = f"companies' {channel.rpartition(':')[2]}"
        self.media[media or "not named"] += 1
        if published_on is not None:
            self.published[channel or "no channel"][_day(published_on)] += 1
        if exported_on is None:
            return
        self.exported[_day(exported_on), missing or ""] += 1
        if delay is not None:
            self.late += delay > FRESH.total_seconds()
            if 0 <= delay <= FRESH.total_seconds():
                self.delays[_day(exported_on)].append(delay / 3600)


@lru_cache(maxsize=20_000)
def _day(number: int) -> date:
    return EPOCH + timedelta(number)


def build(catalogue: Catalogue, posts: str, now: datetime, *, stale: bool = True) -> str:
    """The page. ``posts``: the exports folder as seen from the page, percent-encoded, ending with a slash."""
    tally = Tally()
    for row in figures.exported_articles(catalogue):
        tally.add(row)
    with closing(figures.newest_articles(catalogue)) as rows:
        newest = list(islice(rows, NEWEST))
        titles, searchable = pack_titles(chain(newest, rows))
    loader = PackageLoader("sinanews.report")
    environment = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"plain": plain, "minute": minute}
    script, licence = _file("uPlot.js") + "\n" + _file("report.js"), _file("uPlot.LICENSE.txt")
    charts = [_articles(tally), _delays(tally), _coverage(tally)]
    data = [{"data": c.data, "unit": c.unit, "labels": [TITLES.get(n, n) for n in c.series]} for c in charts]
    return environment.get_template("report.html").render(
        facts=gather(catalogue, now, stale=stale, most_runs=RUNS), now=now, posts=posts,
        charts=charts, chart_data=data, channel_titles=TITLES,
        media=tally.media.most_common(MEDIA), total=tally.media.total(), newest=newest, titles=titles,
        searchable=searchable, style=_file("uPlot.css") + _file("report.css"), script=script, licence=licence,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )  # fmt: skip


def _file(name: str) -> str:
    return (files("sinanews.report") / "templates" / name).read_text("utf-8")


def _periods(counts: Mapping[date, int]) -> tuple[list[date], bool]:
    """Every day, or every month where the days are too many; and whether they are months."""
    if not counts:
        return [], False
    first, last = min(counts), max(counts)
    recent = last - timedelta(MOST_DAYS)
    if sum(number for day, number in counts.items() if day >= recent) >= NEARLY_ALL * sum(counts.values()):
        start = min(day for day in counts if day >= recent)
        return [start + timedelta(n) for n in range((last - start).days + 1)], False
    months = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    return [date(n // 12, n % 12 + 1, 1) for n in months], True


def _by_period(counts: Mapping[date, int], months: bool) -> Counter[date]:
    found: Counter[date] = Counter()
    for day, number in counts.items():
        found[day.replace(day=1) if months else day] += number
    return found


def _articles(tally: Tally) -> Chart:
    largest = sorted(tally.published, key=lambda c: -tally.published[c].total())
    lines: dict[str, Counter[date]] = {"all": Counter()}
    for channel in largest:
        lines["all"].update(tally.published[channel])
        name = channel if channel in largest[:LINES] else "other channels"
        lines.setdefault(name, Counter()).update(tally.published[channel])
    days, months = _periods(lines["all"])
    periods = {name: _by_period(counts, months) for name, counts in lines.items()}
    older = 0 if months else sum(number for day, number in lines["all"].items() if day < days[0])
    note = "By the time of publication; an article of several channels counts for the first."
    note += f" Left out, because older: {older}." if older else ""
    return Chart(f"Articles a {'month' if months else 'day'} and channel", note, "", days,
                 {name: [counts[day] for day in days] for name, counts in periods.items()})  # fmt: skip


def _delays(tally: Tally) -> Chart:
    days, months = _periods({day: len(hours) for day, hours in tally.delays.items()})
    hours: dict[date, array[float]] = defaultdict(lambda: array("d"))
    for day, values in tally.delays.items():
        hours[day.replace(day=1) if months else day].extend(values)
    cuts = {day: quantiles(values * 2, n=10, method="inclusive") for day, values in hours.items()}
    note = f"By the time of export. Left out, because exported more than {FRESH.days} days after: {tally.late}."
    lines = {"half within": 4, "nine in ten within": 8}
    series = {name: [round(cuts[day][n], 2) if day in cuts else None for day in days] for name, n in lines.items()}
    return Chart("Delay between publication and export", note, "h", days, series)


def _coverage(tally: Tally) -> Chart:
    exported: Counter[date] = Counter()
    lacking: dict[str, Counter[date]] = defaultdict(Counter)
    for (day, missing), number in tally.exported.items():
        exported[day] += number
        for name in missing.split(","):
            lacking[name][day] += number
    days, months = _periods(exported)
    written = _by_period(exported, months)
    series: dict[str, list[float | None]] = {}
    for name in RATED_FIELDS:
        without = _by_period(lacking[name], months)
        series[name] = [round(100 - 100 * without[day] / written[day], 1) if written[day] else None for day in days]
    return Chart("Articles that have each field", "By the time of export; the share that is usual matters, not 100 %.",
                 "%", days, series)  # fmt: skip
