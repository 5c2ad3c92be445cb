"""The life of a run, from top to bottom: begun, stopped perhaps, ended, judged, recorded, told."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Any

from scrapy import Spider, signals
from scrapy.crawler import Crawler
from scrapy.exceptions import DontCloseSpider
from scrapy.utils.defer import deferred_from_coro

from sinanews import __version__
from sinanews.archive.indexing import index_next
from sinanews.archive.keeping import Keeper, let_go, stem_of
from sinanews.archive.old_posts import keep_old_posts
from sinanews.catalogue import Catalogue
from sinanews.catalogue.lock import RunLock
from sinanews.catalogue.writer import Writer
from sinanews.config import OFF, check_settings, missing_command
from sinanews.dates import to_beijing
from sinanews.exceptions import ArgumentError, Banned, CatalogueError, SinanewsError
from sinanews.originals import check_warcio
from sinanews.originals.capture import Capture
from sinanews.out.archive import Archive
from sinanews.out.feeding import parse_feeds, write_feeds
from sinanews.pages.answers import Walls
from sinanews.posts.folder import ExportFolder
from sinanews.posts.no_folder import NoFolder
from sinanews.run.fleet import Fleet
from sinanews.run.ledger import Ledger
from sinanews.watch.alert import alert
from sinanews.watch.monitors import Finding, judge_run
from sinanews.watch.outcomes import ATTENTION, CRASHED, STORAGE, USAGE, Outcome, judge, outcome_of, summary

logger = logging.getLogger(__name__)
last_line = logging.getLogger(f"{__name__}.last_line")  #: a command that prints the line itself disables it
utc_now = partial(datetime.now, timezone.utc)


class Run(Ledger):
    """One spider from start to end, whoever runs it; pipelines and spiders find it with ``Run.of(crawler)``.

    A run begins when its spider's ``start()`` does, and is judged, recorded and told when the spider closes.
    ``scrapy shell``, ``fetch`` and ``parse`` begin none: they write nothing.
    """

    def __init__(self, crawler: Crawler, now: Callable[[], datetime] = utc_now) -> None:
        """Raises ArgumentError for a setting that cannot be used."""
        check_settings(crawler.settings)
        self.feeds = parse_feeds(crawler.settings["SINANEWS_FEEDS"])
        self.keeps: str = crawler.settings["SINANEWS_ORIGINALS"]  #: OFF, 1 or all
        if self.keeps not in OFF:
            check_warcio("SINANEWS_ORIGINALS")
        super().__init__(crawler, now)
        self.spider_name: str = crawler.spidercls.name
        self.arguments: dict[str, str] = {}
        self.folder: ExportFolder
        #: Held so that a second run of the same spider leaves, where the catalogue is nobody else's …
        self.lock: RunLock | None = None
        self.fleet: Fleet | None = None  #: … and the others, where it is shared
        self.address: str = crawler.settings["SINANEWS_ADDRESS"] or ""
        self.posts = crawler.settings.getbool("SINANEWS_POSTS", True)  #: whether this machine writes them
        self.walls = Walls(crawler.settings.getint("SINANEWS_BAN_LIMIT"))
        self.walled_host = ""
        #: Why the run was stopped before its end; set by stop_run.
        self.stopped_because: SinanewsError | None = None
        #: What the run came to, once its spider has closed, and the line that tells it.
        self.outcome: Outcome | None = None
        self.line = ""
        self.message: dict[str, Any] | None = None  #: for the alert command, until it is called
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

    # --- it begins -------------------------------------------------------------------------------------

    def begin(self, spider: Spider) -> None:
        """Open catalogue and folder, take the lock, record the run; stops it at once where that fails."""
        self.arguments = dict(getattr(spider, "arguments", {}))
        self.interrupts.watch()
        try:
            if self.shared:
                self.fleet = Fleet(self.crawler, self.catalogue, spider.name, self.look_for_bans)
                self.fleet.member.doing(" ".join(f"{name}={value}" for name, value in self.arguments.items()))
            elif self.catalogue.path is not None:
                self.lock = RunLock(self.catalogue.path, self.spider_name, self.now())
            self.folder = ExportFolder(self.exports) if self.posts else NoFolder(self.exports)
            self.folder.finish_moves(self.catalogue.aside_paths())
            self.writer = Writer(self.catalogue, self.before_commit)
            if self.posts:
                self.take_in_old_posts()
            self.run_id = self.catalogue.runs.begin(spider.name, self.arguments, self.now(), os.getpid())
            if self.keeps not in OFF:
                folder = self.folder if self.posts else ExportFolder(self.exports)
                stem = stem_of(self.now(), spider.name, self.run_id)
                self.keeper = Keeper(self.catalogue, folder, stem, {"software": f"sinanews/{__version__}"})
            if ban := self.ban():
                raise ban
        except SinanewsError as error:
            self.stop_run(error)

    def before_commit(self) -> None:
        """Files that the commit names are on disk first."""
        self.folder.sync()
        if self.keeper is not None:
            self.keeper.sync()

    def take_in_old_posts(self) -> None:
        """Between its other work the writer keeps of older articles what is kept of new ones, while that lacks."""
        writer, loop = self.writer, asyncio.get_running_loop()
        assert writer is not None

        def go_on(step: Future[bool]) -> None:
            if error := step.exception():
                with suppress(RuntimeError):  # the loop is closed: the run is over
                    loop.call_soon_threadsafe(self._not_taken_in, error)
            elif step.result() and not self.stopping:
                writer.submit(self._take_in).add_done_callback(go_on)

        writer.submit(self._take_in).add_done_callback(go_on)

    def _take_in(self) -> bool:
        if keep_old_posts(self.catalogue, self.exports, self.now()):
            return True
        return index_next(self.catalogue, self.exports) is not None

    def _not_taken_in(self, error: BaseException) -> None:
        if not isinstance(error, SinanewsError):
            logger.error("the contents of old posts could not be kept", exc_info=error)
        elif self.crawler.crawling:
            self.stop_run(error)

    # --- what it keeps ---------------------------------------------------------------------------------

    def keep(self, capture: Capture, article_id: str, url: str, listed: str | None = None) -> None:
        """Keep a page as it came, before all that is told of the article from now on; ends the run where that fails."""
        assert self.writer is not None and self.keeper is not None
        kept = self.writer.submit_here(partial(self.keeper, capture, article_id, url, listed))
        kept.add_done_callback(self._kept)
        self.count("originals/pages")

    def _kept(self, kept: asyncio.Future[None]) -> None:
        error = kept.exception()
        if isinstance(error, SinanewsError):
            self.stop_run(error)
        elif error is not None:
            logger.error("a page could not be kept as it came", exc_info=error)
            self.count("failed/bug")

    def _let_go(self) -> None:
        """The oldest pages, where they are not kept for ever."""
        days = self.crawler.settings["SINANEWS_ORIGINALS_KEEP"].removesuffix("d")
        if self.keeper is not None and days:
            number = let_go(self.catalogue, self.exports, timedelta(days=int(days)), self.now())
            if number:
                logger.info("%s files of pages older than %s days were deleted", number, days)

    # --- it is stopped ---------------------------------------------------------------------------------

    @property
    def stopping(self) -> bool:
        """Whether the run is ending before it is done: nothing new is begun, and nothing counts as failed."""
        ended = self.has_begun and not self.crawler.crawling  # a `scrapy shell` is no crawl
        return ended or self.stopped_because is not None or self.interrupts.heard

    def stop_run(self, error: SinanewsError) -> None:
        """Close the spider because of this error, which names the outcome; keep only the first.

        In a run that a signal is ending the signal is the reason: a wait that it cut short is no failure.
        """
        if self.stopped_because is not None:
            return
        reason = "shutdown"
        if not self.stopping:
            self.stopped_because, reason = error, outcome_of(error).name
            # One that has not begun has nothing to say but this: its last line says it.
            logger.log(logging.ERROR if self.has_begun else logging.INFO, "stopping: %s", error)
        # An item may be in the pipelines: closing waits for it, so closing must not be awaited here.
        deferred_from_coro(self.crawler.engine.close_spider_async(reason=reason))

    @contextmanager
    def stopped_by_catalogue(self) -> Iterator[None]:
        """For errbacks, signals and timers, whose errors no middleware sees: a catalogue that fails ends the run."""
        try:
            yield
        except CatalogueError as error:
            self.stop_run(error)

    def banned(self, host: str, words: str, asked: float = 0) -> None:
        """End the run because a host refuses us, and leave that host alone for a while; ``asked``: seconds, by it."""
        with self.stopped_by_catalogue():
            if self.has_begun and self.stopped_because is None:
                seconds = max(asked, self.crawler.settings.getfloat("SINANEWS_COOLDOWN"))
                self.catalogue.runs.cool_down(host, seconds, words, self.address)
            self.stop_run(Banned(words))

    def ban(self) -> Banned | None:
        """That of this run's address, while its cool-down lasts. Raises CatalogueError."""
        if not getattr(self.crawler.spider, "online", True):
            return None
        for row in self.catalogue.runs.cooldowns(self.address):
            return Banned(f"left alone until {to_beijing(row.until):%Y-%m-%d %H:%M} Beijing time: {row.reason}")
        return None

    def look_for_bans(self) -> None:
        """In the thread of the lease: a ban that another worker of this address met ends this run too."""
        if self.fleet is not None and (ban := self.ban()) is not None:
            self.fleet.loop.call_soon_threadsafe(self.stop_run, ban)

    def left_alone(self, host: str, seconds: float) -> None:
        """A host asked for a pause: it is for all who have this address."""
        if self.fleet is not None:
            self.fleet.rest(host, seconds)

    def wall(self, host: str) -> None:
        """A page of a host that stands between us and the site; so many of them are a ban."""
        self.walls.met(wall=True)
        self.walled_host = host
        if self.walls.are_a_ban():
            self.banned_by_walls()

    def banned_by_walls(self) -> None:
        number = f"{self.walls.walls} of {self.walls.answers} articles"
        words = f"{self.walled_host} shows this client something else (a login, a captcha …) in place of {number}"
        self.banned(self.walled_host, words)

    def spider_idle(self) -> None:
        """The run has no more to ask; it may have been too short for walls in a row to end it."""
        if self.stopped_because is None and self.walls.are_a_ban(over=True):
            self.banned_by_walls()
            raise DontCloseSpider  # as finished: stop_run closes it with its reason

    # --- it ends ---------------------------------------------------------------------------------------

    async def spider_closed(self, spider: Spider, reason: str) -> None:
        self.end(reason)
        await asyncio.to_thread(self.write_feeds)
        await asyncio.to_thread(self.tell)  # other crawls of this process go on meanwhile

    def end(self, reason: str) -> None:
        """Judge the run, record what it came to, and give the lock back, once. Raises nothing: nobody would hear it.

        ``reason`` is the spider's finish reason; ``shutdown`` after a signal.
        """
        self.interrupts.renew()
        if self.outcome is None and (self.has_begun or self.stopped_because is not None):
            try:
                self._judge_and_record(reason)
            except Exception as error:
                logger.exception("the end of the run failed")
                self.outcome, self.line = CRASHED, f"{CRASHED.words}: {error}"
            last_line.info("%s", self.line)
        self.close()

    def close(self) -> None:
        """Let the writer do what waits, give claims and lock back, and close the catalogue."""
        if self.writer is not None:
            gone = self.writer.submit(self._let_go) if self.keeper is not None else None
            self.writer.close()
            if gone is not None and (error := gone.exception()) is not None:
                logger.warning("old pages could not be deleted: %s", error)
        if self.keeper is not None:
            self.keeper.close()
        if self.fleet is not None:
            self.fleet.leave()
        if "catalogue" in self.__dict__:
            self.catalogue.close()
        if self.lock is not None:
            self.lock.release()
            self.lock = None

    def _judge_and_record(self, reason: str) -> None:
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
        if self.run_id is not None:
            try:
                came_to = {"outcome": outcome.name, "exit_code": outcome.code}
                self.catalogue.runs.end(self.run_id, self.now(), **values, **came_to)
            except CatalogueError as error:
                logger.error("the run could not be recorded: %s", error)
                if outcome.code in (0, ATTENTION.code):
                    outcome, told = STORAGE, [f"the run could not be recorded: {error}"]
            told += [summary(counts, outcome)]
        self.outcome, self.line = outcome, "; ".join(told)
        if outcome.code not in (0, USAGE.code):
            about = {"spider": self.spider_name, "arguments": self.arguments, "line": self.line, **values}
            self.message = {**about, "outcome": outcome.name, "exit_code": outcome.code}

    def write_feeds(self) -> None:
        """Write the feeds of SINANEWS_FEEDS, where the run has begun. One that fails is logged, and fails no run."""
        if not self.feeds or not self.has_begun:
            return
        try:
            url = self.catalogue.url.render_as_string(hide_password=False)
            with Archive.of(Catalogue(url, read_only=True), self.exports) as archive:
                for problem in write_feeds(archive, self.feeds, self.now()):
                    logger.error("a feed of SINANEWS_FEEDS could not be written: %s", problem)
        except Exception as error:
            logger.error("the feeds of SINANEWS_FEEDS could not be written: %s", error)

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

    def tell(self) -> None:
        """Call the alert command, once, where there is one and the run needs a person."""
        command: str = self.crawler.settings["SINANEWS_ALERT_COMMAND"]
        message, self.message = self.message, None
        if command and message is not None:
            alert(command, message)
