"""``scrapy worker``: takes jobs from the queue of a catalogue that several machines share."""

from __future__ import annotations

import argparse
import platform
import sys
from datetime import datetime

from scrapy.exceptions import UsageError
from scrapy.utils.log import configure_logging

from sinanews.arguments import parse_arguments, positive
from sinanews.commands.schedule import load_jobs
from sinanews.dates import BEIJING
from sinanews.exceptions import SinanewsError
from sinanews.run.extension import last_line
from sinanews.run.interrupts import interrupts
from sinanews.terminal.output import lasting_output
from sinanews.terminal.show import CatalogueCommand, plain, tell_error
from sinanews.watch.outcomes import ATTENTION, OK


class Command(CatalogueCommand):
    """Exits 0 after a signal or at the end; 1 where a job of its own failed for good, 6 without the database."""

    default_settings = {}

    def short_desc(self) -> str:
        return "Take jobs that were enqueued until stopped, one crawl each"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--concurrency", default="1", metavar="N", help="jobs at once (default 1)")
        parser.add_argument("--check", action="store_true", help="exit 0 where a worker of this machine lives")
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
        from sinanews.cluster.schema import shared_catalogue  # not at the top: Scrapy imports every command

        assert self.settings is not None
        number: int = parse_arguments({"concurrency": positive}, {"concurrency": opts.concurrency})["concurrency"]
        catalogue = shared_catalogue(self.settings, interrupts.no_use_waiting)
        try:
            if opts.check:
                alive = any(row.what == "worker" and row.host == platform.node() for row in catalogue.workers.alive())
                return OK.code if alive else ATTENTION.code
            from sinanews.cluster.worker import Worker, run_worker

            # A line a job is told here; of the crawls only what is wrong.
            level = "WARNING" if self.settings["LOG_LEVEL"] == "INFO" else self.settings["LOG_LEVEL"]
            quiet = {"LOG_LEVEL": level, "SINANEWS_PROGRESS": "0", "STATS_DUMP": False}
            self.settings.setdict(quiet, priority="project")
            configure_logging(self.settings)
            last_line.disabled = True
            worker = Worker(self.settings, catalogue, load_jobs(self.settings), tell)
            return run_worker(worker, number, opts.until_empty).code
        finally:
            catalogue.close()


def tell(words: str) -> None:
    """A line with the time; Beijing's, as the first line says."""
    text = f"{datetime.now(BEIJING):%m-%d %H:%M:%S} {plain(words)}"
    if sys.stdout.isatty():
        style = {"done": "32", "failed": "31", "given": "33"}.get(words.partition(": ")[2].partition(" ")[0])
        text = f"\x1b[{style}m{text}\x1b[0m" if style else text
    print(text, flush=True)
