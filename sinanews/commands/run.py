"""``scrapy run JOB``: one job of the schedule, now; what cron and systemd call."""

from __future__ import annotations

import argparse

from scrapy.exceptions import UsageError

from sinanews.commands.crawl import Command as CrawlCommand
from sinanews.commands.schedule import load_jobs
from sinanews.config import program
from sinanews.exceptions import ArgumentError
from sinanews.terminal.output import lasting_output
from sinanews.terminal.show import tell_error


class Command(CrawlCommand):
    """``crawl`` with a job's spider and arguments; ``-a`` adds to them."""

    def syntax(self) -> str:
        return "[options] <job>"

    def short_desc(self) -> str:
        return "Run a job of the schedule, now; what cron and systemd call"

    @lasting_output
    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if len(args) != 1:
            raise UsageError(f"name one job; {program()} schedule lists them", print_help=False)
        assert self.settings is not None
        try:
            jobs = {job.name: job for job in load_jobs(self.settings)}
            if args[0] not in jobs:
                raise ArgumentError(f"there is no job {args[0]!r}; there are: {', '.join(jobs)}")
        except ArgumentError as error:
            self.exitcode = tell_error(error)
            return
        job = jobs[args[0]]
        opts.spargs = {**job.arguments, **opts.spargs}
        super().run([job.spider], opts)
