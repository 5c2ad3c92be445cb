"""The report: one HTML page that needs no network and no server. Times and days are Beijing's."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from importlib.resources import files
from statistics import quantiles
from typing import Any

from jinja2 import Environment, PackageLoader
from sqlalchemy import Row

from sinanews.catalogue import Catalogue
from sinanews.catalogue import queries as figures
from sinanews.dates import BEIJING, minute, to_beijing
from sinanews.items import RATED_FIELDS
from sinanews.posts.naming import file_id, slug
from sinanews.terminal.show import plain
from sinanews.watch.summary import TITLES, gather

MOST_DAYS = 400  #: a longer archive is drawn by months
LINES = 6  #: channels with a line of their own; more cannot be told apart
TITLES_SIZE = 4_700_000  #: bytes of the page that the titles may take; of a larger archive the newest are searchable
FRESH = timedelta(days=7)  #: an article exported later than this after its publication was not waited for
NEARLY_ALL = 0.9  #: of the articles: where so many lie within the newest MOST_DAYS, only those are drawn
SAMPLE = 5000  #: titles that show how many will fit in
EPOCH = date(1970, 1, 1)  #: stands for no date
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
    exported: Counter[date] = field(default_factory=Counter)
    missing: dict[str, Counter[date]] = field(default_factory=lambda: defaultdict(Counter))  #: by field
    delays: dict[date, list[float]] = field(default_factory=lambda: defaultdict(list))  #: hours
    media: Counter[str] = field(default_factory=Counter)
    late: int = 0

    def add(self, row: Row[Any]) -> None:
        self.media[row.media or "not named"] += 1
        published = to_beijing(row.published_at) if row.published_at else None
        if published:
            self.published[row.channel or "no channel"][published.date()] += 1
        if not row.exported_at:
            return
        day = to_beijing(row.exported_at).date()
        self.exported[day] += 1
        for name in (row.missing or "").split(","):
            self.missing[name][day] += 1
        if published and row.revision <= 1:  # of an edited article only the last export is known
            delay = row.exported_at - row.published_at
            self.late += delay > FRESH
            if timedelta(0) <= delay <= FRESH:
                self.delays[day].append(delay.total_seconds() / 3600)


def build(catalogue: Catalogue, posts: str, now: datetime, *, stale: bool = True) -> str:
    """The page. ``posts``: the exports folder as seen from the page, percent-encoded, ending with a slash."""
    tally, rows = Tally(), []
    for row in figures.exported_articles(catalogue):
        tally.add(row)
        rows.append(row)
    titles, searchable = pack_titles(rows)
    loader = PackageLoader("sinanews.report")
    environment = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"plain": plain, "minute": minute}
    script, licence = _file("uPlot.js") + "\n" + _file("report.js"), _file("uPlot.LICENSE.txt")
    charts = [_articles(tally), _delays(tally), _coverage(tally)]
    data = [{"data": c.data, "unit": c.unit, "labels": [TITLES.get(n, n) for n in c.series]} for c in charts]
    return environment.get_template("report.html").render(
        facts=gather(catalogue, now, stale=stale, most_runs=RUNS), now=now, posts=posts,
        charts=charts, chart_data=data, channel_titles=TITLES,
        media=tally.media.most_common(MEDIA), total=len(rows), newest=rows[:NEWEST], titles=titles,
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
    hours: dict[date, list[float]] = defaultdict(list)
    for day, values in tally.delays.items():
        hours[day.replace(day=1) if months else day] += values
    cuts = {day: quantiles(values * 2, n=10, method="inclusive") for day, values in hours.items()}
    note = f"By the time of export. Left out, because exported more than {FRESH.days} days after: {tally.late}."
    lines = {"half within": 4, "nine in ten within": 8}
    series = {name: [round(cuts[day][n], 2) if day in cuts else None for day in days] for name, n in lines.items()}
    return Chart("Delay between publication and export", note, "h", days, series)


def _coverage(tally: Tally) -> Chart:
    days, months = _periods(tally.exported)
    written = _by_period(tally.exported, months)
    series: dict[str, list[float | None]] = {}
    for name in RATED_FIELDS:
        missing = _by_period(tally.missing[name], months)
        series[name] = [round(100 - 100 * missing[day] / written[day], 1) if written[day] else None for day in days]
    return Chart("Articles that have each field", "By the time of export; the share that is usual matters, not 100 %.",
                 "%", days, series)  # fmt: skip


def pack_titles(rows: Sequence[Row[Any]]) -> tuple[str, int]:
    """Titles and paths for the page's search as base64 of deflated GB18030 JSON, and how many fitted in.

    GB18030 needs two bytes where UTF-8 needs three. A path that follows from title, day and id is not stored.
    """
    number = len(rows)
    if number > SAMPLE:
        sample = len(_packed(rows[:SAMPLE]))
        number = min(number, SAMPLE * TITLES_SIZE // sample)
    while len(packed := _packed(rows[:number])) > TITLES_SIZE:
        number = int(number * TITLES_SIZE / len(packed) * 0.99)
    return packed.decode(), number


def _packed(rows: Sequence[Row[Any]]) -> bytes:
    return base64.b64encode(zlib.compress(json.dumps(_columns(rows), ensure_ascii=False).encode("gb18030"), 9))


def _columns(rows: Sequence[Row[Any]]) -> dict[str, Any]:
    folders: dict[str, int] = {}
    columns: dict[str, Any] = {"titles": [], "ids": [], "days": [], "folders": [], "paths": {}}
    for n, row in enumerate(rows):
        title, path, name = plain(row.title), row.path or "", file_id(row.id)
        day = to_beijing(row.published_at).date() if row.published_at else EPOCH
        folder, written = "/".join(path.split("/")[:-3]), day.isoformat()
        stem = "-".join(part for part in (written, slug(title), name) if part)
        if day == EPOCH or path != f"{folder}/{written[:4]}/{written[5:7]}/{stem}.md":
            columns["paths"][n] = path
        columns["titles"].append(title)
        columns["ids"].append("" if n in columns["paths"] else name)
        columns["days"].append((day - EPOCH).days)
        columns["folders"].append(folders.setdefault(folder, len(folders)))
    return {**columns, "titles": "\n".join(columns["titles"]), "ids": "\n".join(columns["ids"]), "names": list(folders)}
