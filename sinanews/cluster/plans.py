"""Which jobs a request for work comes to. Pure: what waits already or is done, the queue knows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from scrapy import Spider

from sinanews.arguments import parse_arguments, since_when, urls
from sinanews.dates import BEIJING
from sinanews.exceptions import ArgumentError
from sinanews.jobs import Job

BATCH = 100  #: URLs of one job
#: kind → priority: what is new is not kept waiting by what is old. The kinds are the names of Procrastinate's queues.
KINDS = {"schedule": 30, "crawl": 20, "urls": 10, "backfill": 0}


@dataclass(frozen=True)
class Work:
    """One crawl to be done. Of one name there is one job that waits or runs."""

    kind: str
    name: str
    spider: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    day: tuple[str, str] | None = None  #: channel and day, where their being listed whole makes the job needless


def checked(spider: type[Spider], arguments: Mapping[str, str]) -> Spider:
    """The spider as it would be made by a crawl. Raises ArgumentError for arguments that it does not take."""
    parse_arguments(getattr(spider, "ARGUMENTS", {}), arguments)
    return spider(**arguments)


def backfill(spider: type[Spider], arguments: Mapping[str, str], now: datetime) -> list[Work]:
    """A job for each channel and day, the newest first. Raises ArgumentError."""
    if others := sorted(set(arguments) - {"channels", "since", "until", "recheck"}):
        raise ArgumentError(f"unknown argument {others[0]!r}; a backfill takes: channels, since, until, recheck")
    if "since" not in arguments:
        raise ArgumentError("a backfill needs since, the first day to collect, such as: -a since=2019-09-01")
    made: Any = checked(spider, arguments)
    today = now.astimezone(BEIJING).date()
    first, last = since_when(made.options["since"], now).date(), min(made.options.get("until", today), today)
    again = made.options.get("recheck", False)
    return [_day(c.slug, day, again) for day in _backwards(first, last) for c in made.channels]


def _backwards(first: date, last: date) -> Iterator[date]:
    return (last - timedelta(number) for number in range((last - first).days + 1))


def _day(channel: str, day: date, again: bool) -> Work:
    iso = day.isoformat()
    arguments = {"channels": channel, "since": iso, "until": iso, **({"recheck": "1"} if again else {})}
    done = None if again else (channel, iso)
    return Work("backfill", f"backfill/{channel}/{iso}", "sina_finance", arguments, done)


def named_articles(text: str) -> list[Work]:
    """Jobs of BATCH articles each; ``text`` as of ``-a urls=``. Raises ArgumentError."""
    found = urls(text)
    batches = (found[first : first + BATCH] for first in range(0, len(found), BATCH))
    # A line each: a URL may have a comma in it.
    return [Work("urls", f"urls/{_digest(batch)}", "sina_finance", {"urls": "\n".join(("#", *batch))})
            for batch in batches]  # fmt: skip


def companies(spider: type[Spider], arguments: Mapping[str, str], watched: Sequence[str]) -> list[Work]:
    """A job for each company: those named, or else those watched. Raises ArgumentError."""
    its = {name: value for name, value in arguments.items() if name != "stocks"}
    made: Any = checked(spider, arguments)
    codes = made.options.get("stocks") or watched
    also = f"/{_digest(its)}" if its else ""
    return [Work("crawl", f"company/{code}{also}", spider.name, {"stocks": code, **its}) for code in codes]


def one_crawl(spider: type[Spider], arguments: Mapping[str, str]) -> Work:
    """Raises ArgumentError."""
    checked(spider, arguments)
    return Work("crawl", f"crawl/{spider.name}/{_digest(dict(arguments))}", spider.name, arguments)


def scheduled(job: Job) -> Work:
    return Work("schedule", f"schedule/{job.name}", job.spider, job.arguments)


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
