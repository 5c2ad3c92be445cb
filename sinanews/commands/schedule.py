"""``scrapy schedule``: what runs when, and ready entries for cron and systemd."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError
from scrapy.settings import BaseSettings
from scrapy.spiderloader import get_spider_loader

from sinanews.arguments import parse_arguments
from sinanews.config import exports_folder, in_project, project_folder
from sinanews.dates import BEIJING
from sinanews.exceptions import ArgumentError
from sinanews.jobs import Job, machine_zone, next_time, on_calendar, parse_jobs, schedule_zone
from sinanews.terminal.output import lasting_output
from sinanews.terminal.show import tell_error

CRON_LINE = 990  #: bytes; Debian's cron takes no longer line


class Command(ScrapyCommand):
    """Prints and changes nothing: installing is the user's."""

    requires_project = True
    requires_crawler_process = False

    def short_desc(self) -> str:
        return "Print the jobs and their next times, or entries for cron and systemd"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        form = parser.add_mutually_exclusive_group()
        form.add_argument("--crontab", action="store_true", help="print lines for: crontab -e")
        form.add_argument("--systemd", action="store_true", help="print a script that installs timers: … | sh")

    @lasting_output
    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if args:
            raise UsageError("schedule takes no further words; -s SINANEWS_JOBS=… changes the jobs", print_help=False)
        assert self.settings is not None
        try:
            jobs = load_jobs(self.settings)
            place = here(self.settings, opts.set)
            zone = self.settings["SINANEWS_ZONE"]
            if opts.crontab:
                lines = crontab(jobs, place, zone)
            else:
                lines = (
                    systemd(jobs, place, zone) if opts.systemd else timetable(jobs, zone=schedule_zone(zone), of=zone)
                )
        except ArgumentError as error:
            self.exitcode = tell_error(error)
        else:
            print("\n".join(lines))


def load_jobs(settings: BaseSettings) -> tuple[Job, ...]:
    """The jobs of SINANEWS_JOBS. Raises ArgumentError for a row that could not run, now rather than at night."""
    jobs = parse_jobs(settings["SINANEWS_JOBS"], settings["SINANEWS_WATCHLIST"])
    spiders = get_spider_loader(settings)
    for job in jobs:
        try:
            parse_arguments(getattr(spiders.load(job.spider), "ARGUMENTS", {}), job.arguments)
        except KeyError:
            known = ", ".join(spiders.list())
            raise ArgumentError(f"job {job.name!r}: there is no spider {job.spider!r}; there are: {known}") from None
        except ArgumentError as error:
            raise ArgumentError(f"job {job.name!r}: {error}") from None
    return jobs


# --- the table ---------------------------------------------------------------------------------------------


def timetable(jobs: Sequence[Job], now: datetime | None = None, zone: tzinfo | None = None, of: str = "") -> list[str]:
    """A line a job, the times in Beijing's zone and in the schedule's where it is another; ``of``: its name, if set."""
    now = (now or datetime.now(BEIJING)).astimezone(zone or machine_zone())
    times = [next_time(job, now) for job in jobs]
    rows = [["JOB", "CRON", "NEXT, BEIJING TIME", f"NEXT, {of or 'THIS MACHINE'}", "RUNS"]]
    for job, time in zip(jobs, times, strict=True):
        words = ["crawl", job.spider, *(w for k, v in job.arguments.items() for w in ("-a", f"{k}={v}"))]
        clocks = [f"{time.astimezone(BEIJING):%a %Y-%m-%d %H:%M}", f"{time:%a %Y-%m-%d %H:%M %Z}"]
        rows.append([job.name, job.cron, *clocks, f"scrapy {shlex.join(words)}"])
    if all(time.utcoffset() == BEIJING.utcoffset(time) for time in times):
        rows = [row[:3] + row[4:] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    if of:
        return [
            *lines,
            "",
            f"The cron column is in the zone {of}, now {now:%H:%M (UTC%z)}: workers and systemd use that.",
        ]
    lines += ["", f"The cron column is in this machine's zone, now {now:%H:%M %Z (UTC%z)}: cron and systemd use that."]
    if os.environ.get("TZ"):
        lines.append(f"TZ={os.environ['TZ']} of this shell is not considered: cron has its own, mostly the machine's.")
    return lines


# --- entries -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """Where the jobs run, as cron's bare environment has to be told."""

    project: Path
    scrapy: tuple[str, ...]  #: the command, absolute
    logs: Path
    environment: Mapping[str, str]
    options: tuple[str, ...] = ()  #: what stands after ``scrapy run JOB``


def here(settings: BaseSettings, sets: Sequence[str]) -> Place:
    """This project and this Python; the SINANEWS_… variables of this shell and its ``-s`` go with the jobs."""
    python = Path(sys.executable)
    name = "scrapy" if in_project() else "sinanews"
    script, exports = python.with_name(name), exports_folder(settings["SINANEWS_EXPORTS"])
    ours = {k: v for k, v in sorted(os.environ.items()) if k.startswith("SINANEWS_")}
    if not in_project():
        ours["SINANEWS_EXPORTS"] = str(exports)
    return Place(
        project=project_folder(),
        scrapy=(str(script),) if script.exists() else (str(python), "-m", name),
        logs=exports / ".logs",
        environment={"PATH": f"{python.parent}:/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", **ours},
        options=tuple(word for pair in sets for word in ("-s", pair)),
    )


def crontab(jobs: Sequence[Job], place: Place, zone: str = "") -> list[str]:
    """Lines for ``crontab -e``. A failure prints a line, which cron mails to MAILTO; all else goes to the log.

    Raises ArgumentError where ``zone`` is not the machine's: cron knows no other.
    """
    now = datetime.now(BEIJING)
    if zone and now.astimezone(schedule_zone(zone)).utcoffset() != now.astimezone(machine_zone()).utcoffset():
        raise ArgumentError(
            f"cron knows the machine's zone only, and SINANEWS_ZONE is {zone}; use --systemd or workers"
        )
    lines = ["# sinanews; times are in the machine's zone, variables hold for all lines below them", "SHELL=/bin/sh"]
    lines += [f"{name}={cron_value(name, value)}" for name, value in place.environment.items()]
    for job in jobs:
        logs, project, log = (shlex.quote(str(p)) for p in (place.logs, place.project, place.logs / f"{job.name}.log"))
        command = shlex.join([*place.scrapy, "run", job.name, *place.options])
        command = f"mkdir -p {logs} && cd {project} && {command} >> {log} 2>&1"
        command += f' || echo "sinanews: {job.name} ended with code $?; see" {log}'
        lines.append(f"{job.cron} {command}".replace("%", r"\%"))  # cron reads % as the end of the line
    return [checked_line(line) for line in lines]


def cron_value(name: str, value: str) -> str:
    """A value as cron reads it: no escapes, only quotes around the whole. Raises ArgumentError where that fails."""
    if value == value.strip() and value[:1] not in ("", "'", '"'):
        return value
    quote = next((q for q in "\"'" if q not in value), None)
    if quote is None:
        raise ArgumentError(f"a crontab cannot hold the value of {name}; put it into sinanews/settings.py")
    return f"{quote}{value}{quote}"


def checked_line(line: str) -> str:
    if len(line.encode()) > CRON_LINE or "\n" in line or "\r" in line:
        raise ArgumentError(f"too long for a crontab, or more than one line; use sinanews/settings.py: {line[:60]!r}…")
    return line


def systemd(jobs: Sequence[Job], place: Place, zone: str = "") -> list[str]:
    """A shell script that writes a service, a timer for each job, and switches the timers on."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    folder = "/etc/systemd/system" if root else '"$HOME/.config/systemd/user"'
    control = "systemctl" if root else "systemctl --user"
    logs = str(place.logs)
    variables = [f"Environment={unit_word(f'{k}={v}')}" for k, v in place.environment.items()]
    start = " ".join([*map(unit_word, place.scrapy), "run", "%i", *map(unit_word, place.options)])
    where = zone or "the machine's zone"
    lines = ["#!/bin/sh", f"# sinanews: read it, then run it with sh. Times are in {where}."]
    if not root:
        lines.append(
            '# A user\'s timers run while the user is logged in, or always after: loginctl enable-linger "$USER"'
        )
    lines += ["set -eu", "umask 077", f"mkdir -p {folder} {shlex.quote(logs)}", f"cd {folder}"]
    log = f"append:{logs.replace('%', '%%')}/%i.log"
    lines += here_document("sinanews@.service", [
        "[Unit]", "Description=sinanews: %i", "After=network-online.target", "Wants=network-online.target",
        "[Service]", "Type=oneshot", f"WorkingDirectory={str(place.project).replace('%', '%%')}", *variables,
        f"ExecStart=:{start}", f"StandardOutput={log}", f"StandardError={log}",
    ])  # fmt: skip
    for job in jobs:
        lines += here_document(f"sinanews@{job.name}.timer", [
            "[Unit]", f"Description=sinanews: {job.name}, cron {job.cron}",
            "[Timer]", *(f"OnCalendar={when}" for when in on_calendar(job.cron, zone)), "Persistent=true",
            "[Install]", "WantedBy=timers.target",
        ])  # fmt: skip
    timers = " ".join(f"sinanews@{job.name}.timer" for job in jobs)
    return [*lines, f"{control} daemon-reload", f"{control} enable --now {timers}"]


def here_document(name: str, lines: Sequence[str]) -> list[str]:
    return [f"cat > {name} <<'END_OF_UNIT'", *lines, "END_OF_UNIT"]


def unit_word(text: str) -> str:
    """A word of a unit file: quoted, and % is systemd's own.

    >>> unit_word('/a b/100%/"x"')
    '"/a b/100%%/\\\\"x\\\\""'
    """
    for raw, escaped in (("\\", "\\\\"), ('"', '\\"'), ("%", "%%"), ("\n", "\\n")):
        text = text.replace(raw, escaped)
    return f'"{text}"'
