"""``scrapy worker``: takes jobs from the queue of a catalogue that several machines share."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime

from scrapy.exceptions import UsageError
from scrapy.utils.log import configure_logging

from sinanews.arguments import positive
from sinanews.catalogue import Catalogue
from sinanews.commands.schedule import load_jobs
from sinanews.dates import BEIJING
from sinanews.exceptions import ArgumentError, SinanewsError
from sinanews.run.extension import last_line
from sinanews.run.interrupts import interrupts
from sinanews.terminal.output import lasting_output
from sinanews.terminal.show import CatalogueCommand, console, plain, tell_error, url_of_catalogue


class Command(CatalogueCommand):
    """Exits 0 after a signal or with ``--until-empty``; 1 where a job of its own failed for good; 6 without database."""

    default_settings = {}

    def short_desc(self) -> str:
        return "Take jobs until stopped, one crawl each (see: scrapy enqueue)"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--concurrency", default="1", metavar="N", help="jobs at once (default 1)")
        parser.add_argument("--until-empty", action="store_true", help="end when nothing waits")

    @lasting_output
    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if args:
            raise UsageError("worker takes options only, such as --concurrency 2", print_help=False)
        try:
            self.exitcode = self.work(opts)
        except SinanewsError as error:
            self.exitcode = tell_error(error)

    def work(self, opts: argparse.Namespace) -> int:
        assert self.settings is not None
        try:
            concurrency = positive(opts.concurrency)
        except ArgumentError as error:
            raise ArgumentError(f"--concurrency {opts.concurrency}: {error}") from None
        catalogue = Catalogue(url_of_catalogue(self.settings), interrupts.no_use_waiting)
        try:
            need_postgresql(catalogue)
            from sinanews.cluster.worker import Worker, run_worker

            # A line a job is told here; of the crawls only what is wrong.
            level = "WARNING" if self.settings["LOG_LEVEL"] == "INFO" else self.settings["LOG_LEVEL"]
            quiet = {"LOG_LEVEL": level, "SINANEWS_PROGRESS": "0", "STATS_DUMP": False}
            self.settings.setdict(quiet, priority="project")
            configure_logging(self.settings)
            last_line.disabled = True
            worker = Worker(self.settings, catalogue, load_jobs(self.settings), say_of(sys.stdout.isatty()))
            return run_worker(worker, concurrency, opts.until_empty).code
        finally:
            catalogue.close()
