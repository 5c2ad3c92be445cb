"""What runs when: the rows of the schedule, what their cron expressions mean, and in which zone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from sinanews.dates import BEIJING
from sinanews.exceptions import ArgumentError

LOCALTIME = Path("/etc/localtime")


@dataclass(frozen=True)
class Job:
    """A row of the schedule."""

    name: str  #: also of its log file and its systemd timer
    cron: str  #: minute, hour, day of month, month, day of week: in SINANEWS_ZONE, or the zone of the machine
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


def last_time(job: Job, now: datetime) -> datetime:
    """When cron started the job last, this very minute included, in the zone of ``now``.

    >>> last_time(Job("a", "7 12 * * *", "seeds"), datetime(2026, 11, 24, 12, 7, tzinfo=BEIJING)).isoformat()
    '2026-11-24T12:07:00+08:00'
    """
    earlier = CronSim(job.cron, now + timedelta(seconds=1), reverse=True)
    return next(t for t in earlier if t.astimezone(timezone.utc) <= now.astimezone(timezone.utc))


def schedule_zone(setting: str) -> tzinfo:
    """The zone of SINANEWS_ZONE; empty: the machine's. Raises ArgumentError."""
    try:
        return ZoneInfo(setting) if setting else machine_zone()
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ArgumentError(f"SINANEWS_ZONE is {setting!r}; write a zone such as Asia/Shanghai or Etc/UTC") from None


def machine_zone() -> tzinfo:
    """The zone that cron and systemd use: the machine's, whatever TZ says in this shell."""
    try:
        with LOCALTIME.open("rb") as file:
            return ZoneInfo.from_file(file)
    except (OSError, ValueError):
        return datetime.now().astimezone().tzinfo or BEIJING


def on_calendar(cron: str, zone: str = "") -> list[str]:
    """The same times for systemd's OnCalendar=, any of the lines; ``zone``: an IANA name, empty for the machine's.

    >>> on_calendar('*/30 8-10 * * 1-5')
    ['Mon,Tue,Wed,Thu,Fri *-*-* 8,9,10:0,30:00']
    >>> on_calendar('0 0 1 * 1')  # cron: the first of the month, and every Monday
    ['*-*-1 0:0:00', 'Mon *-*-* 0:0:00']
    """
    times = CronSim(cron, datetime(2026, 1, 1))
    clock = f"{_list(times.hours, 24)}:{_list(times.minutes, 60)}:00"
    clock += f" {zone}" if zone else ""
    days, month = _list(times.days, 31), _list(times.months, 12)
    numbers = sorted({d % 7 for d in times.weekdays if isinstance(d, int)})
    weekdays = "" if len(numbers) == 7 else ",".join(_WEEKDAYS[d] for d in numbers) + " "
    if times.day_and:
        return [f"{weekdays}*-{month}-{days} {clock}"]
    return [f"*-{month}-{days} {clock}", f"{weekdays}*-{month}-* {clock}"]


def _list(numbers: Iterable[int], all_of_them: int) -> str:
    found = sorted(numbers)
    return "*" if len(found) == all_of_them else ",".join(map(str, found))
