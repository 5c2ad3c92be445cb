"""The run: what it writes to, what it is told of each article, and the record of itself."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import Future
from dataclasses import asdict
from datetime import datetime, timedelta, timezone
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from scrapy import Spider, signals
from scrapy.crawler import Crawler
from scrapy.exceptions import CloseSpider
from scrapy.http import Response
from scrapy.logformatter import LogFormatter
from scrapy.utils.defer import deferred_from_coro

from sinanews.archive.old_posts import keep_old_posts
from sinanews.catalogue import Catalogue
from sinanews.catalogue.lock import RunLock
from sinanews.catalogue.place import catalogue_url
from sinanews.catalogue.writer import Writer
from sinanews.config import check_settings, exports_folder, missing_command
from sinanews.dates import to_beijing
from sinanews.exceptions import ArgumentError, Banned, CatalogueError, Refused, SinanewsError
from sinanews.pages.answers import CUT_RUNS, RUNS, Said, Walls, told
from sinanews.posts.folder import ExportFolder
from sinanews.run.interrupts import interrupts
from sinanews.watch.alert import alert
from sinanews.watch.monitors import Finding, judge_run
from sinanews.watch.outcomes import ATTENTION, BANNED, CRASHED, STORAGE, USAGE, Outcome, judge, outcome_of, summary

logger = logging.getLogger(__name__)
Result = TypeVar("Result")
last_line = logging.getLogger(f"{__name__}.last_line")  #: a command that prints the line itself disables it


def utc_now() -> datetime:
    return datetime.now(timezone.utc)


class Run:
    """The catalogue and the exports folder of this run; pipelines and spiders find it with ``Run.of(crawler)``.

    A run begins when its spider's ``start()`` does, and is judged, recorded and told when the spider closes, whoever
    runs it. ``scrapy shell``, ``fetch`` and ``parse`` begin none: they write nothing.
    """

    def __init__(self, crawler: Crawler, now: Callable[[], datetime] = utc_now) -> None:
        """Raises ArgumentError for a setting that cannot be used."""
        self.crawler = crawler
        self.now = now
        check_settings(crawler.settings)
        self.exports: Path = exports_folder(crawler.settings["SINANEWS_EXPORTS"])
        self.interrupts = interrupts
        self.spider_name: str = crawler.spidercls.name
        self.arguments: dict[str, str] = {}
        self.folder: ExportFolder
        self.writer: Writer | None = None
        #: Held so that a second run of the same spider leaves; workers on one PostgreSQL share its rows instead.
        self.lock: RunLock | None = None
        self.run_id: int | None = None  #: of the run's row in the catalogue, once it has begun
        #: What the run came to, once its spider has closed, and the line that tells it.
        self.outcome: Outcome | None = None
        self.line = ""
        self.message: dict[str, Any] | None = None  #: for the alert command, until it is called
        #: Why the run was stopped before its end, in words; set by stop_run.
        self.stopped_because: SinanewsError | None = None
        self.cooldown = crawler.settings.getfloat("SINANEWS_COOLDOWN")
        self.walls = Walls(crawler.settings.getint("SINANEWS_BAN_LIMIT"))
        self.walled_host = ""
        crawler.signals.connect(self.spider_idle, signals.spider_idle)
        crawler.signals.connect(self.spider_closed, signals.spider_closed)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Run:
        return cls(crawler)

    @classmethod
    def of(cls, crawler: Crawler) -> Run:
        """Raises ArgumentError where the settings have none."""
        run = crawler.get_extension(cls)
        if run is None:
            raise ArgumentError("EXTENSIONS lacks sinanews.run.extension.Run, which spiders, pipelines and others need")
        return run

    @cached_property
    def catalogue(self) -> Catalogue:
        """Opened when it is first needed. Raises CatalogueError, ArgumentError."""
        url = catalogue_url(self.crawler.settings["SINANEWS_DATABASE"], self.exports)
        return Catalogue(url, self.interrupts.no_use_waiting)

    @property
    def has_begun(self) -> bool:
        """Whether there is a run to write for."""
        return self.run_id is not None

    def begin(self, spider: Spider) -> None:
        """Open catalogue and folder, take the lock, record the run; stops it at once where that fails."""
        self.arguments = dict(getattr(spider, "arguments", {}))
        self.interrupts.watch()
        try:
            if self.catalogue.path is not None:
                self.lock = RunLock(self.catalogue.path, self.spider_name, self.now())
            self.folder = ExportFolder(self.exports)
            self.folder.finish_moves(self.catalogue.set_aside())
            self.writer = Writer(self.catalogue, self.folder.sync)
            self.take_in_old_posts()
            self.run_id = self.catalogue.runs.begin(spider.name, self.arguments, self.now(), os.getpid())
            for row in self.catalogue.runs.cooldowns(self.now()) if getattr(spider, "online", True) else ():
                until = to_beijing(row.until)
                words = f"left alone until {until:%Y-%m-%d %H:%M} Beijing time: {row.reason}"
                self.stop_run(Banned(words), BANNED.name)
        except SinanewsError as error:
            self.stop_run(error, outcome_of(error).name)

    async def spider_closed(self, spider: Spider, reason: str) -> None:
        self.end(reason)
        await asyncio.to_thread(self.tell)  # other crawls of this process go on meanwhile

    def tell(self) -> None:
        """Call the alert command, once, where the run needs a person."""
        message, self.message = self.message, None
        if message is not None:
            alert(self.crawler.settings["SINANEWS_ALERT_COMMAND"], message)

    def end(self, reason: str) -> None:
        """Judge the run and record what it came to, once. Raises nothing: nobody would hear it.

        ``reason`` is the spider's finish reason; ``shutdown`` after a signal.
        """
        self.interrupts.renew()
        if self.outcome is None and (self.has_begun or self.stopped_because is not None):
            try:
                self._end(reason)
            except Exception as error:
                logger.exception("the end of the run failed")
                self.outcome, self.line = CRASHED, f"{CRASHED.words}: {error}"
            last_line.info("%s", self.line)
        self.close()

    def _end(self, reason: str) -> None:
        if reason == "finished" and self.interrupts.heard:
            reason = "shutdown"  # heard before the engine ran, or the first request: Scrapy sees nothing left to do
        if reason == "shutdown" and getattr(self.crawler.spider, "ends_by_signal", False):
            reason = "finished"  # sina_live with follow=1 has no other end
        counts = self.counts()
        findings = self.findings(counts) if self.has_begun else []
        errors = self.crawler.stats.get_value("spider_exceptions/count", 0)
        outcome = judge(counts, reason, errors, self.crawler.settings.getfloat("SINANEWS_TOLERATED"))
        if outcome.code == 0 and any(finding.level == "warning" for finding in findings):
            outcome = ATTENTION
        told: list[str] = [] if self.stopped_because is None else [str(self.stopped_because)]
        values: dict[str, Any] = {"counts": counts, "findings": [asdict(finding) for finding in findings]}
        try:
            if self.run_id is not None:
                values |= {"outcome": outcome.name, "exit_code": outcome.code}
                self.catalogue.runs.end(self.run_id, self.now(), **values)
        except CatalogueError as error:
            logger.error("the run could not be recorded: %s", error)
            if outcome.code in (0, ATTENTION.code):
                outcome, told = STORAGE, [f"the run could not be recorded: {error}"]
        told += [summary(counts, outcome)] if self.has_begun else []
        self.outcome, self.line = outcome, "; ".join(told)
        if self.crawler.settings["SINANEWS_ALERT_COMMAND"] and outcome.code not in (0, USAGE.code):
            about = {"spider": self.spider_name, "arguments": self.arguments, "line": self.line, **values}
            self.message = {**about, "outcome": outcome.name, "exit_code": outcome.code}

    def spider_idle(self) -> None:
        """The run has no more to ask; it may have been too short for walls in a row to end it."""
        if self.stopped_because is not None or not self.walls.are_a_ban(over=True):
            return
        try:
            self.stopped_because = self._cool_down(self.walled_host, self._words_of_walls(), self.cooldown)
        except CatalogueError as error:
            self.stopped_because = error
        logger.error("stopping: %s", self.stopped_because)
        raise CloseSpider(BANNED.name if isinstance(self.stopped_because, Banned) else "storage_failed")

    def findings(self, counts: Mapping[str, Any]) -> list[Finding]:
        """What the monitors say of the run, by its own counts and those of the runs like it; logged here."""
        try:
            earlier = self.catalogue.runs.earlier_counts(self.spider_name, self.arguments, self.run_id)
        except CatalogueError:
            earlier = []
        found = judge_run(counts, earlier)
        if missing := missing_command(self.crawler.settings["SINANEWS_ALERT_COMMAND"]):
            words = f"SINANEWS_ALERT_COMMAND: there is no command {missing!r}."
            found.append(Finding("warning", "alert_command", words, "Nobody is told when a run fails."))
        for finding in found:
            logger.log(logging.WARNING if finding.level == "warning" else logging.INFO, "%s", finding.words)
        return found

    def close(self) -> None:
        """Close the catalogue and give the lock back."""
        if self.writer is not None:
            self.writer.close()
        if "catalogue" in self.__dict__:
            self.catalogue.close()
        if self.lock is not None:
            self.lock.release()
            self.lock = None

    @property
    def stopping(self) -> bool:
        """Whether the run is ending before it is done: nothing new is begun, and nothing counts as failed."""
        ended = self.has_begun and not self.crawler.crawling  # a `scrapy shell` is no crawl
        return ended or self.stopped_because is not None or self.interrupts.heard

    def stop_run(self, error: SinanewsError, reason: str) -> None:
        """Close the spider with this reason, an outcome's name; keep only the first error.

        In a run that a signal is ending the signal is the reason: a wait that it cut short is no failure.
        """
        if self.stopped_because is not None:
            return
        if self.stopping:
            reason = "shutdown"
        else:
            self.stopped_because = error
            # One that has not begun has nothing to say but this: its last line says it.
            logger.log(logging.ERROR if self.has_begun else logging.INFO, "stopping: %s", error)
        # An item may be in the pipelines: closing waits for it, so closing must not be awaited here.
        deferred_from_coro(self.crawler.engine.close_spider_async(reason=reason))

    def take_in_old_posts(self) -> None:
        """Between its other work the writer keeps the contents of what was exported before 2.0, while there is any."""
        writer = self.writer
        assert writer is not None

        def go_on(step: Future[bool]) -> None:
            if not step.cancelled() and step.exception() is None and step.result() and not self.stopping:
                writer.submit(self._take_in).add_done_callback(go_on)

        writer.submit(self._take_in).add_done_callback(go_on)

    def _take_in(self) -> bool:
        return keep_old_posts(self.catalogue, self.exports, self.now())

    async def write(self, do: Callable[[], Result]) -> Result:
        """What ``do`` returns, once the catalogue has committed what it wrote: see ``Writer``."""
        assert self.writer is not None
        return await asyncio.wrap_future(self.writer.submit(do))

    def refuse(self, key: str, refusal: Refused, **values: Any) -> None:
        """An input that cannot become an article: remembered with its reason, counted, not asked for again."""
        self.count(f"refused/{refusal.reason}")
        logger.info("refused (%s): %s", refusal.reason, refusal)
        if not self.has_begun:
            return
        row = self.catalogue.article(key)
        if row is None or row.state not in ("exported", "duplicate"):
            values = {"reason": refusal.reason, "detail": str(refusal)[:500], **values}
            self.catalogue.record(key, self.now(), state="refused", **values)
        elif "listed_mtime" in values:  # what we have stays; but no later run asks for the same edit again
            self.catalogue.touch(key, self.now(), listed_mtime=values["listed_mtime"])

    def doubt(self, key: str, refusal: Refused, *, listed_mtime: datetime | None = None, **values: Any) -> None:
        """A page that says it is no article: a failure, until several runs, hours apart, were told the same."""
        self.walls.met(wall=False)
        said = told(self._said(key), refusal.reason, self.now())
        values |= said._asdict()
        if said.answers >= RUNS:
            self.refuse(key, refusal, listed_mtime=listed_mtime, **values)
        else:
            self.fail(key, refusal.reason, str(refusal), **values)

    def takes_cut(self, key: str, digest: str, detail: str, **values: Any) -> bool:
        """Whether enough runs got the same bytes of a page that may be cut; else it has failed once more."""
        said = told(self._said(key), f"cut:{digest}", self.now(), apart=timedelta(0))
        if said.answers >= CUT_RUNS:
            return True
        self.fail(key, "cut", detail, **values, **said._asdict())
        return False

    def _said(self, key: str) -> Said:
        row = self.catalogue.article(key)
        return Said(row.answer, row.answers, row.answered_at) if row is not None else Said()

    def wall(self, host: str) -> None:
        """A page of a host that stands between us and the site; so many of them are a ban."""
        self.walls.met(wall=True)
        self.walled_host = host
        if self.walls.are_a_ban():
            self.banned(host, self._words_of_walls(), self.cooldown)

    def _words_of_walls(self) -> str:
        number = f"{self.walls.walls} of {self.walls.answers} articles"
        return f"{self.walled_host} shows this client something else (a login, a captcha …) in place of {number}"

    def fail(self, key: str, reason: str, detail: str, **values: Any) -> None:
        """A failure that may pass; the next run tries again."""
        self.count(f"failed/{reason}")
        logger.warning("failed (%s): %s", reason, detail)
        if not self.has_begun:
            return
        self.catalogue.failed(key, reason, detail, self.now(), **values)

    def banned(self, host: str, words: str, seconds: float) -> None:
        """End the run because a host refuses us, and leave that host alone for a while."""
        if self.stopped_because is None:
            self.stop_run(self._cool_down(host, words, seconds), BANNED.name)

    def _cool_down(self, host: str, words: str, seconds: float) -> Banned:
        self.catalogue.runs.cool_down(host, self.now() + timedelta(seconds=seconds), words)
        return Banned(words)

    def unchanged(self, key: str, **values: Any) -> None:
        """An article that is as we have it."""
        self.count("articles/unchanged")
        self.catalogue.unchanged(key, self.now(), **values)

    def anomaly(self, name: str, words: str) -> None:
        """Something that is not as known of Sina: counted, told, and in the run's summary."""
        self.count(f"anomaly/{name}")
        logger.warning("%s: %s", name, words)

    def count(self, name: str, number: int = 1) -> None:
        """Add to a stat ``sinanews/<name>``."""
        self.crawler.stats.inc_value(f"sinanews/{name}", number)

    def counts(self) -> dict[str, Any]:
        """The run's own stats, without their prefix."""
        stats = self.crawler.stats.get_stats()
        return {k.removeprefix("sinanews/"): v for k, v in sorted(stats.items()) if k.startswith("sinanews/")}


class RunMiddleware:
    """Begins the run when the spider's own ``start()`` begins; nothing of it is asked for where that fails."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> RunMiddleware:
        return cls(crawler)

    async def process_start(self, start: AsyncIterator[Any]) -> AsyncIterator[Any]:
        run, spider = Run.of(self.crawler), self.crawler.spider
        assert spider is not None
        # `scrapy fetch` and `parse` put a start() of their own into the spider, and `shell` runs none at all.
        if not type(spider).start.__module__.startswith("scrapy.commands."):
            run.begin(spider)
        try:
            if not run.stopping:
                async for one in start:
                    yield one
        except CatalogueError as error:
            run.stop_run(error, STORAGE.name)

    def process_spider_exception(self, response: Response, exception: Exception) -> list[Any] | None:
        """A catalogue that fails in a callback ends the run; any other error is Scrapy's to log."""
        if not isinstance(exception, CatalogueError):
            return None
        Run.of(self.crawler).stop_run(exception, STORAGE.name)
        return []


class QuietLogFormatter(LogFormatter):
    """Drops and scraped items are counted, not logged one line each; ``-L DEBUG`` shows them."""

    def dropped(self, item: Any, exception: BaseException, response: Any, spider: Spider) -> Any:
        return {"level": logging.DEBUG, "msg": "Dropped: %(exception)s", "args": {"exception": exception}}

    def scraped(self, item: Any, response: Any, spider: Spider) -> Any:
        return {"level": logging.DEBUG, "msg": "Scraped %(id)s", "args": {"id": getattr(item, "id", item)}}
