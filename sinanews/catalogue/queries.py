"""What status and report show of a catalogue: each figure is one query. Nothing here writes."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Row, Select, case, cast, extract, func, select

from sinanews import arguments
from sinanews.catalogue.catalogue import Catalogue
from sinanews.catalogue.tables import COPY, INCOMPLETE, UNFINISHED, UNKNOWN, articles, runs
from sinanews.dates import to_beijing
from sinanews.exceptions import ArgumentError
from sinanews.listing.channels import DEFAULT, select_channels
from sinanews.listing.live import ROOMS, select_rooms
from sinanews.listing.roll import day_start

EAST, DAY = 8 * 3600, 24 * 3600  #: seconds: Beijing is ahead of UTC by the one
RUNS_OF_SPIDER = 200  #: read at most; an hourly job leaves room for a weekly one
a = articles.c


def rows_of(catalogue: Catalogue, query: Select[Any]) -> Sequence[Row[Any]]:
    with catalogue.read() as connection:
        return connection.execute(query).all()


def runs_of_jobs(catalogue: Catalogue) -> list[list[Row[Any]]]:
    """The last runs of each spider, newest first, one list for those with the same arguments."""
    jobs: dict[tuple[str, str], list[Row[Any]]] = defaultdict(list)
    for (spider,) in rows_of(catalogue, select(runs.c.spider).distinct()):
        for run in catalogue.runs.last(spider, RUNS_OF_SPIDER):
            jobs[spider, json.dumps(run.arguments, sort_keys=True)].append(run)
    return sorted(jobs.values(), key=lambda job: -job[0].id)


class Figure(NamedTuple):
    """How many articles of one channel, state and reason there are, and when the newest was published."""

    channel: str | None  #: the first that listed them; None: no list did
    state: str
    reason: str | None
    articles: int
    newest: datetime | None


def figures(catalogue: Catalogue) -> list[Figure]:
    """Every number of the archive that status shows; one pass through an index."""
    groups = (a.channel, a.state, a.reason)
    query = select(*groups, func.count().label("articles"), func.max(a.published_at).label("newest"))
    return [Figure(*row) for row in rows_of(catalogue, query.group_by(*groups))]


def numbers_of_states(found: Iterable[Figure]) -> Counter[str]:
    """state → how many articles."""
    return sum((Counter({one.state: one.articles}) for one in found), Counter())


def numbers_of_refusals(found: Iterable[Figure]) -> Counter[str]:
    """reason → how many articles were refused for it."""
    refused = (Counter({one.reason or "": one.articles}) for one in found if one.state == "refused")
    return sum(refused, Counter())


def unknown_layouts(catalogue: Catalogue, most: int = 10) -> Sequence[Row[Any]]:
    """url, channel, recorded_at, detail of the newest pages that no layout knows, believed already or not."""
    unread = (UNKNOWN, a.state.in_(("refused", "failed")))
    query = select(a.url, a.channel, a.recorded_at, a.detail).where(*unread)
    return rows_of(catalogue, query.order_by(a.recorded_at.desc()).limit(most))


def failed_articles(catalogue: Catalogue) -> Sequence[Row[Any]]:
    """reason, articles, attempts (the most), next_try (the soonest; None: the next run)."""
    columns = (func.count().label("articles"), func.max(a.attempts).label("attempts"))
    query = select(a.reason, *columns, func.min(a.next_try_at).label("next_try"))
    failed = (UNFINISHED, a.state == "failed")
    return rows_of(catalogue, query.where(*failed).group_by(a.reason).order_by(func.count().desc(), a.reason))


def incomplete_articles(catalogue: Catalogue) -> int:
    """How many posts lack a page, or the end of one."""
    (row,) = rows_of(catalogue, select(func.count()).where(INCOMPLETE, a.state == "exported"))
    return int(row[0])


def newest_articles(catalogue: Catalogue) -> Generator[Row[Any]]:
    """id, title, url, channel, revision, published_at of every exported article, newest first, one row at a time."""
    columns = (a.id, a.title, a.url, a.channel, a.revision, a.published_at)
    query = select(*columns).where(a.state == "exported")
    yield from streamed(catalogue, query.order_by(a.published_at.desc(), a.id))


def exported_articles(catalogue: Catalogue) -> Iterator[Row[Any]]:
    """What is counted of every exported article, in no order, one row at a time.

    channel, media, missing; published_on, exported_on: days of Beijing since 1970; delay: seconds from publication to
    export, None for an edited one, of which only the last export is known. All of it numbers and words as the database
    has them: a million rows are read in seconds.
    """
    published, exported = (cast(extract("epoch", moment), BigInteger) for moment in (a.published_at, a.exported_at))
    days = ((published + EAST) // DAY).label("published_on"), ((exported + EAST) // DAY).label("exported_on")
    delay = case((a.revision <= 1, exported - published)).label("delay")
    query = select(a.channel, a.media, a.missing, *days, delay).where(a.state == "exported")
    yield from streamed(catalogue, query)


def streamed(catalogue: Catalogue, query: Select[Any]) -> Iterator[Row[Any]]:
    """The rows one at a time, however many there are."""
    with catalogue.read() as connection:
        yield from connection.execution_options(yield_per=2000).execute(query)


@dataclass
class Days:
    """How much of the days that were asked for, or have been met, has been listed."""

    complete: int = 0
    partial: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    not_begun: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Asked:
    """What a run was asked to list."""

    channels: tuple[str, ...]
    started_at: datetime
    first: date | None = None  #: of the days that it was to list whole; None: its newest entries
    last: date | None = None


def asked_of_runs(catalogue: Catalogue) -> list[Asked]:
    """What the runs that list channels or rooms were asked for, newest first; arguments of no use any more aside."""
    columns = (runs.c.spider, runs.c.arguments, runs.c.started_at)
    query = select(*columns).where(runs.c.spider.in_(("sina_finance", "sina_live"))).order_by(runs.c.id.desc())
    return [asked for row in rows_of(catalogue, query) if (asked := _asked(row)) is not None]


def _asked(row: Row[Any]) -> Asked | None:
    given = row.arguments if isinstance(row.arguments, dict) else {}
    try:
        if "urls" in given:
            return None
        found = Asked(_slugs(row.spider, given.get("channels") or given.get("rooms") or ""), row.started_at)
        if "since" not in given or "limit" in given:  # so many articles are no stretch of days
            return found
        begin = arguments.since_when(arguments.day_or_age(given["since"]), row.started_at)
        first = begin.date() if begin == day_start(begin.date()) else begin.date() + timedelta(days=1)
        last = to_beijing(row.started_at).date()
        return replace(found, first=first, last=min(last, arguments.day(given["until"])) if "until" in given else last)
    except ArgumentError:
        return None


@lru_cache(maxsize=1000)
def _slugs(spider: str, chosen: str) -> tuple[str, ...]:
    """The channels or rooms that an argument names, or the default. Raises ArgumentError."""
    if spider == "sina_live":
        found = select_rooms(arguments.names(chosen) if chosen else [str(ROOMS[0][0])])
    else:
        found = select_channels(arguments.names(chosen)) if chosen else (DEFAULT,)
    return tuple(channel.slug for channel in found)


def listed_days(catalogue: Catalogue, asked: Iterable[Asked] = ()) -> dict[str, Days]:
    """channel → its days, for the channels that have any on record or were asked for days.

    A day that nobody asked for is no debt, whatever lies before and after it.
    """
    states: dict[str, dict[str, str]] = defaultdict(dict)
    for run in asked:
        if run.first is not None and run.last is not None:
            number = (run.last - run.first).days + 1
            wanted = dict.fromkeys(((run.first + timedelta(days=n)).isoformat() for n in range(number)), "not_begun")
            for channel in run.channels:
                states[channel].update(wanted)
    for row in catalogue.listing.days():
        states[row.channel][row.day] = row.state
    return {channel: _days(days) for channel, days in states.items() if days}


def _days(states: dict[str, str]) -> Days:
    days = Days()
    for day, state in sorted(states.items()):
        if state == "complete":
            days.complete += 1
        else:
            getattr(days, state).append(day)
    return days


def copies_by_reason(catalogue: Catalogue) -> Counter[str]:
    """Why copies are copies → how many, whether they were written (SINANEWS_DUPLICATES=mark) or not."""
    query = select(a.reason, func.count()).where(COPY).group_by(a.reason)
    return Counter({reason or "": number for reason, number in rows_of(catalogue, query)})
