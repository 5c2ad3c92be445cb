"""What runs when: the rows of the schedule, and what their cron expressions mean. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from cronsim import CronSim, CronSimError

from sinanews.exceptions import ArgumentError


@dataclass(frozen=True)
class Job:
    """A row of the schedule."""

    name: str  #: also of its log file and its systemd timer
    cron: str  #: minute, hour, day of month, month, day of week: in the zone of the machine that runs cron
    spider: str
    arguments: Mapping[str, str] = field(default_factory=dict)


#: The schedule unless SINANEWS_JOBS is set. Minutes off the hour: everybody else's jobs run on it.
JOBS: tuple[Job, ...] = (
    Job("china", "7 * * * *", "sina_finance"),
    Job("all", "37 2,8,14,20 * * *", "sina_finance", {"channels": "all"}),
    Job("refresh", "17 4 * * *", "sina_finance", {"channels": "all", "refresh": "2d"}),
)
#: One more, where SINANEWS_WATCHLIST names companies.
WATCHLIST = Job("watchlist", "47 7-22 * * *", "sina_company")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
#: What Vixie cron takes; cronsim knows more (5/15, L, #), and cron would refuse the whole crontab for it.
_VALUE = r"(?:\d{1,2}|[A-Za-z]{3})"
_TERM = rf"(?:\*(?:/\d+)?|{_VALUE}(?:-{_VALUE}(?:/\d+)?)?)"
_FIELD = re.compile(rf"{_TERM}(?:,{_TERM})*")
_KEYS = {"name", "cron", "spider", "arguments"}
_EXAMPLE = '{"name": "china", "cron": "7 * * * *", "spider": "sina_finance", "arguments": {"limit": "20"}}'
_WEEKDAYS = "Sun Mon Tue Wed Thu Fri Sat".split()


def parse_jobs(setting: Any, watchlist: str = "") -> tuple[Job, ...]:
    """The jobs of SINANEWS_JOBS: a list of dicts, or that as JSON; empty means JOBS, and WATCHLIST where there is one.

    Raises ArgumentError of one line, naming the row and what to write instead.
    """
    if not setting:
        return (*JOBS, WATCHLIST) if watchlist else JOBS
    if isinstance(setting, str):
        try:
            setting = json.loads(setting)
        except ValueError as error:
            raise ArgumentError(f"SINANEWS_JOBS is no JSON ({error}); write [{_EXAMPLE}]") from None
    if not isinstance(setting, (list, tuple)):
        raise ArgumentError(f"SINANEWS_JOBS is no list; write [{_EXAMPLE}]")
    jobs: dict[str, Job] = {}
    for number, row in enumerate(setting, start=1):
        try:
            job = _job(row)
            if job.name in jobs:
                raise ArgumentError("the name is that of another row; choose another")
        except ArgumentError as error:
            name = f" ({row['name']!r})" if isinstance(row, Mapping) and "name" in row else ""
            raise ArgumentError(f"SINANEWS_JOBS, row {number}{name}: {error}") from None
        jobs[job.name] = job
    return tuple(jobs.values())


def _job(row: Any) -> Job:
    if not isinstance(row, Mapping) or not {"name", "cron", "spider"} <= set(row) <= _KEYS:
        raise ArgumentError(f"not of the form {_EXAMPLE}; arguments may be left out")
    name, arguments = row["name"], row.get("arguments") or {}
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ArgumentError("a name has a-z, 0-9, - and _, at most 40")
    if not isinstance(arguments, Mapping) or not all(isinstance(v, (str, int)) for v in arguments.values()):
        raise ArgumentError('arguments are names with texts or numbers, such as {"limit": "20"}')
    # In JSON and Python true is what -a writes as 1.
    texts = {str(k): str(int(v)) if isinstance(v, bool) else str(v) for k, v in arguments.items()}
    return Job(name, checked_cron(row["cron"]), str(row["spider"]), texts)


def checked_cron(text: Any) -> str:
    """The five fields, one space between. Raises ArgumentError for what cron does not take, or what never comes."""
    fields = text.split() if isinstance(text, str) else []
    try:
        if len(fields) != 5 or not all(_FIELD.fullmatch(f) for f in fields):
            raise CronSimError("not five fields of numbers, *, ranges a-b, lists a,b and steps */n or a-b/n")
        next(CronSim(" ".join(fields), datetime(2026, 1, 1)))
    except (CronSimError, StopIteration) as error:
        raise ArgumentError(
            f"cron {text!r}: {error or 'it never comes'}; write minute, hour, day, month, weekday, such as '7 * * * *'"
        ) from None
    return " ".join(fields)


def next_time(job: Job, now: datetime) -> datetime:
    """When cron starts the job next, in the zone of ``now``: give it the zone that the machine's cron uses."""
    later = (t for t in CronSim(job.cron, now) if t.astimezone(timezone.utc) > now.astimezone(timezone.utc))
    return next(later)  # where clocks go back cronsim may name a time that has been


def on_calendar(cron: str) -> list[str]:
    """The same times for systemd's OnCalendar=, any of the lines.

    >>> on_calendar('*/30 8-10 * * 1-5')
    ['Mon,Tue,Wed,Thu,Fri *-*-* 8,9,10:0,30:00']
    >>> on_calendar('0 0 1 * 1')  # cron: the first of the month, and every Monday
    ['*-*-1 0:0:00', 'Mon *-*-* 0:0:00']
    """
    times = CronSim(cron, datetime(2026, 1, 1))
    clock = f"{_list(times.hours, 24)}:{_list(times.minutes, 60)}:00"
    days, month = _list(times.days, 31), _list(times.months, 12)
    numbers = sorted({d % 7 for d in times.weekdays if isinstance(d, int)})
    weekdays = "" if len(numbers) == 7 else ",".join(_WEEKDAYS[d] for d in numbers) + " "
    if times.day_and:
        return [f"{weekdays}*-{month}-{days} {clock}"]
    return [f"*-{month}-{days} {clock}", f"{weekdays}*-{month}-* {clock}"]


def _list(numbers: Iterable[int], all_of_them: int) -> str:
    found = sorted(numbers)
    return "*" if len(found) == all_of_them else ",".join(map(str, found))
