"""``scrapy crawl``, with an exit code and a last line that say what happened."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from dataclasses import asdict
from typing import Any

from scrapy.commands.crawl import Command as ScrapyCrawl
from scrapy.crawler import Crawler
from scrapy.exceptions import UsageError

from sinanews import user_agent
from sinanews.alerts import alert
from sinanews.checks import check_settings
from sinanews.exceptions import ArgumentError, Interrupted, RunLocked, SinanewsError
from sinanews.extensions import Archive
from sinanews.interrupts import SIGNALS, end_at_once, interrupts
from sinanews.monitors import Finding
from sinanews.outcomes import ATTENTION, CRASHED, INTERRUPTED, LOCKED, STORAGE, USAGE, Outcome, judge, summary

logger = logging.getLogger("sinanews")
#: What an error that kept a run from beginning comes to; the first that fits.
OUTCOME_OF: tuple[tuple[type[BaseException], Outcome], ...] = (
    (ArgumentError, USAGE),
    (RunLocked, LOCKED),
    (Interrupted, INTERRUPTED),
    (SinanewsError, STORAGE),
    (BaseException, CRASHED),
)


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
        if self.settings is not None:  # what settings.py made of the environment, made again of -s
            level, contact = self.settings["SINANEWS_LOG_LEVEL"], self.settings["SINANEWS_CONTACT"]
            self.settings.setdict({"LOG_LEVEL": level, "USER_AGENT": user_agent(contact)}, priority="project")
        if opts.quiet and self.settings is not None:  # as if settings.py said so: -L and -s still win
            self.settings.setdict({"LOG_LEVEL": "ERROR", "SINANEWS_PROGRESS": "0"}, priority="project")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if len(args) != 1:
            raise UsageError("name one spider, such as: scrapy crawl sina_finance", print_help=False)
        outcome, line = self.crawl(args[0], opts.spargs)
        self.exitcode = outcome.code
        print(f"sinanews: {line}", file=sys.stderr if outcome.code else sys.stdout, flush=True)

    def crawl(self, spider: str, arguments: dict[str, Any]) -> tuple[Outcome, str]:
        """One run of a spider, recorded in the catalogue: its outcome and the line that tells it."""
        assert self.crawler_process is not None and self.settings is not None
        try:
            check_settings(self.settings.get)
        except ArgumentError as error:
            return USAGE, str(error)
        try:
            crawler = self._create_crawler(spider)
        except KeyError:
            known = ", ".join(self.crawler_process.spider_loader.list())
            return USAGE, f"there is no spider {spider!r}; there are: {known}"
        self.crawler = crawler
        crash = Crash()
        asyncio.get_event_loop().call_soon(interrupts.watch)  # after Scrapy's handlers, before the first step
        task: Any = self.crawler_process.crawl(crawler, **arguments)  # an asyncio task: see TWISTED_REACTOR
        task.add_done_callback(crash.remember)
        self.crawler_process.start()
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)  # what is left is to write down what happened
        return self.told(crawler, crash.error)

    def interrupted(self, number: int, frame: Any) -> None:
        """A signal before the run, when nothing is held yet. In the run Scrapy handles them; after it nobody need."""
        if self.crawler is None or self.crawler.spider is None:
            end_at_once(number, frame)

    def told(self, crawler: Crawler, error: BaseException | None) -> tuple[Outcome, str]:
        """The outcome and the last line; the run's row in the catalogue and the user's command get both."""
        findings: list[Finding] = []
        counts: dict[str, Any] = {}
        if crawler.spider is None and error is None:  # it was stopped before its first step
            return INTERRUPTED, INTERRUPTED.words
        if error is not None:
            outcome = next(outcome for kind, outcome in OUTCOME_OF if isinstance(error, kind))
            line = str(error) or type(error).__name__
        else:
            archive = Archive.of(crawler)
            counts = archive.counts()
            findings = archive.findings(counts)
            outcome = self.judged(crawler, counts)
            if outcome.code == 0 and any(finding.level == "warning" for finding in findings):
                outcome = ATTENTION
            line = summary(counts, outcome)
            if archive.stopped_because is not None:
                line = f"{archive.stopped_because}; {line}"
            archive.finish(outcome, counts, findings)
        command = crawler.settings.get("SINANEWS_ALERT_COMMAND", "")
        if command and outcome.code not in (0, USAGE.code):
            message = {"spider": crawler.spidercls.name, "arguments": getattr(crawler.spider, "arguments", {})}
            message |= {"outcome": outcome.name, "exit_code": outcome.code, "line": line, "counts": counts}
            alert(command, {**message, "findings": [asdict(finding) for finding in findings]})
        return outcome, line

    def judged(self, crawler: Crawler, counts: dict[str, Any]) -> Outcome:
        stats = crawler.stats.get_stats()
        reason = stats.get("finish_reason", "shutdown")  # a second signal leaves no time to write it
        if reason == "shutdown" and getattr(crawler.spider, "ends_by_signal", False):
            reason = "finished"  # sina_live with follow=1 has no other end
        errors = stats.get("spider_exceptions/count", 0)
        return judge(counts, reason, errors, crawler.settings.getfloat("SINANEWS_TOLERATED"))


class Crash:
    """Keeps the error that ended a crawl before it began, and spares its traceback where it is the user's."""

    error: BaseException | None = None

    def remember(self, task: Any) -> None:
        self.error = task.exception() if not task.cancelled() else None
