"""``scrapy crawl``, with an exit code and a last line that say what happened."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from typing import Any

from scrapy.commands.crawl import Command as ScrapyCrawl
from scrapy.crawler import Crawler
from scrapy.exceptions import UsageError

from sinanews import user_agent
from sinanews.config import LEVELS, check_settings, program
from sinanews.exceptions import ArgumentError
from sinanews.run.extension import Run, last_line
from sinanews.run.interrupts import SIGNALS, end_at_once, interrupts
from sinanews.terminal.log import spare_terminal
from sinanews.terminal.numbers import numbers_of_run
from sinanews.terminal.output import lasting_output
from sinanews.terminal.progress import is_terminal
from sinanews.terminal.show import console
from sinanews.watch.outcomes import INTERRUPTED, USAGE, Outcome, outcome_of


class Command(ScrapyCrawl):
    """Scrapy's own exits 0 whatever happens; cron would never know."""

    crawler: Crawler | None = None

    def short_desc(self) -> str:
        return "Run a spider; the exit code and the last line say what happened"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--quiet", action="store_true", help="say only errors and the last line")

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        for number in SIGNALS:
            signal.signal(number, self.interrupted)
        super().process_options(args, opts)
        if self.settings is not None and "SINANEWS_LOG_LEVEL" in self.settings:  # not in another project
            # What settings.py made of the environment, made again of -s.
            level, contact = self.settings["SINANEWS_LOG_LEVEL"], self.settings["SINANEWS_CONTACT"]
            self.settings.setdict({"LOG_LEVEL": level, "USER_AGENT": user_agent(contact)}, priority="project")
        if opts.quiet and self.settings is not None:  # as if settings.py said so: -L and -s still win
            self.settings.setdict({"LOG_LEVEL": "ERROR", "SINANEWS_PROGRESS": "0"}, priority="project")
        if self.settings is not None and str(self.settings["LOG_LEVEL"]) not in LEVELS:  # logging itself would raise
            print(f"sinanews: LOG_LEVEL is {self.settings['LOG_LEVEL']!r}; write {', '.join(LEVELS)}", file=sys.stderr)
            sys.exit(USAGE.code)
        in_log = self.settings is None or self.settings["LOG_FILE"] or self.settings["LOG_LEVEL"] == "DEBUG"
        if is_terminal() and not in_log:
            spare_terminal()

    @lasting_output
    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if len(args) != 1:
            raise UsageError(f"name one spider, such as: {program()} crawl sina_finance", print_help=False)
        outcome, line = self.crawl(args[0], opts.spargs)
        self.exitcode = outcome.code
        self.tell_numbers(opts)
        print(f"sinanews: {line}", file=sys.stderr if outcome.code else sys.stdout, flush=True)

    def tell_numbers(self, opts: argparse.Namespace) -> None:
        """What happened, as a table, where a person looks at it."""
        if opts.quiet or self.crawler is None or not (is_terminal() and sys.stdout.isatty()):
            return
        shown = numbers_of_run(Run.of(self.crawler).counts())
        if shown is not None:
            console().print(shown)

    def crawl(self, spider: str, arguments: dict[str, Any]) -> tuple[Outcome, str]:
        """One run of a spider, recorded in the catalogue: its outcome and the line that tells it."""
        assert self.crawler_process is not None and self.settings is not None
        try:
            check_settings(self.settings)
        except ArgumentError as error:
            return USAGE, str(error)
        try:
            crawler = self._create_crawler(spider)
        except KeyError:
            known = ", ".join(self.crawler_process.spider_loader.list())
            return USAGE, f"there is no spider {spider!r}; there are: {known}"
        self.crawler, last_line.disabled = crawler, True  # ``run`` prints it
        asyncio.get_event_loop().call_soon(interrupts.watch)  # after Scrapy's handlers, before the first step
        task: Any = self.crawler_process.crawl(crawler, **arguments)  # an asyncio task: see TWISTED_REACTOR
        self.crawler_process.start()
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)  # what is left is to write down what happened
        crash = task.exception() if task.done() and not task.cancelled() else None
        if crash is not None:  # the crawl has not begun
            return outcome_of(crash), " ".join(str(crash).split()) or type(crash).__name__
        run = Run.of(crawler)
        run.end("shutdown")  # after a second signal nobody has closed the spider
        run.tell()
        return run.outcome or INTERRUPTED, run.line or INTERRUPTED.words

    def interrupted(self, number: int, frame: Any) -> None:
        """A signal before the run, when nothing is held yet; one that comes before Scrapy's own handlers is kept."""
        if self.crawler is None or self.crawler.spider is None:
            end_at_once(number, frame)
        interrupts.hear()
