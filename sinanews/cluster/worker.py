"""A worker: takes jobs until it is stopped, one crawl each, all in one event loop."""

from __future__ import annotations

import asyncio
import os
import platform
import signal
import textwrap
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, tzinfo
from typing import Any

from procrastinate import JobContext
from procrastinate.exceptions import ConnectorException
from scrapy.crawler import AsyncCrawlerRunner, Crawler
from scrapy.settings import Settings
from scrapy.utils.defer import deferred_from_coro
from scrapy.utils.reactor import install_reactor

from sinanews.catalogue import Catalogue
from sinanews.catalogue.workers import Membership
from sinanews.cluster.engine import HeldJobs, PatientConnector, make_app
from sinanews.cluster.fates import RULES, fate_of, rest
from sinanews.cluster.queue import TASK, Queue
from sinanews.cluster.schedule import tick
from sinanews.jobs import Job, schedule_zone
from sinanews.run.extension import Run
from sinanews.run.interrupts import SIGNALS, interrupts
from sinanews.watch.outcomes import (
    ATTENTION,
    BANNED,
    CRASHED,
    HANDLED,
    INTERRUPTED,
    OK,
    STORAGE,
    USAGE,
    Outcome,
    outcome_of,
    total,
)  # fmt: skip

POLL = 5.0  #: seconds between two looks at the queue; a new job is told of at once
AT_ONCE = 3.0  #: seconds that a second signal leaves for giving things back
DAY = 86400.0
MOST_WORDS = 400  #: characters of what a job came to


class Worker:
    """Its lease is that of the catalogue's table ``workers``; each crawl has its own run, record and claims."""

    def __init__(
        self, settings: Settings, catalogue: Catalogue, schedule: Sequence[Job], say: Callable[[str], None]
    ) -> None:
        """Joins. Raises ArgumentError, CatalogueError."""
        self.settings, self.catalogue, self.schedule, self.say = settings, catalogue, schedule, say
        self.zone_name: str = settings["SINANEWS_ZONE"]
        self.zone = schedule_zone(self.zone_name)
        self.delay = settings.getfloat("SINANEWS_JOB_DELAY")
        self.queue = Queue(catalogue)
        self.runner = AsyncCrawlerRunner(settings)
        self.running: dict[int, Crawler] = {}  #: job → its crawl
        self.left_alone = False  #: whether a host refuses our address
        self.sick = 0  #: jobs in a row that may have failed because of this worker
        self.rests_until = 0.0  #: by time.monotonic
        self.failed = 0  #: jobs that failed for good here
        self.forgot_at = -DAY
        self.signals = 0
        self.task: asyncio.Task[None] | None = None
        lease = settings.getfloat("SINANEWS_LEASE")
        self.member = Membership(catalogue.workers, settings["SINANEWS_ADDRESS"], "worker", lease, self.beat)
        self.connector = PatientConnector(catalogue.url, interrupts.no_use_waiting, say)
        self.jobs = HeldJobs(self.connector, self.member.id, self.may_take)

    # --- in the event loop -------------------------------------------------------------------------------

    async def work(self, concurrency: int, until_empty: bool) -> Outcome:
        """Until a signal, or until nothing waits. What it comes to says the exit code."""
        app = make_app(self.connector, self.jobs)
        app.task(name=TASK, pass_context=True)(self.perform)
        for number in SIGNALS:
            signal.signal(number, self.hear)
        self.task = asyncio.current_task()
        zone = zone_words(self.zone, self.zone_name)
        told = f"worker {self.member.id} begins; jobs at once: {concurrency}; its schedule is reckoned in {zone}"
        self.say(f"{told}; times are Beijing's")
        options: Any = {"concurrency": concurrency, "wait": not until_empty, "install_signal_handlers": False}
        try:
            async with app.open_async():
                await app.run_worker_async(**options, fetch_job_polling_interval=POLL)
        except asyncio.CancelledError:
            pass  # a signal
        except ConnectorException as error:
            self.say(f"the database cannot be reached: {' '.join(str(error.__cause__ or error).split())}")
            return STORAGE
        finally:
            await asyncio.to_thread(self.member.leave)
        return ATTENTION if self.failed else OK

    async def perform(self, context: JobContext, spider: str, arguments: dict[str, str]) -> None:
        """One job: its crawl, and what becomes of it. Raises nothing: the fate says it."""
        job, name = context.job, context.job.queueing_lock or TASK
        assert job.id is not None
        began = time.monotonic()
        self.say(f"{name}: begins")
        outcome, line = await self.crawl(job.id, spider, arguments)
        line = textwrap.shorten(line, MOST_WORDS, placeholder=" …")
        fate = fate_of(outcome, line, self.jobs.tries.get(job.id, 0), self.delay)
        self.jobs.fates[job.id] = fate
        self.failed += fate.status == "failed"
        self.say(f"{name}: {fate.words} after {time.monotonic() - began:.0f} s; {line}")
        self.look_after_itself(outcome)

    async def crawl(self, job: int, spider: str, arguments: dict[str, str]) -> tuple[Outcome, str]:
        """The outcome and last line of a run; of one that did not begin, too."""
        try:
            crawler = self.runner.create_crawler(spider)
            self.running[job] = crawler
            await self.runner.crawl(crawler, **arguments)
        except KeyError:
            return USAGE, f"there is no spider {spider!r} here"
        except Exception as error:
            return outcome_of(error), " ".join(str(error).split()) or type(error).__name__
        finally:
            self.running.pop(job, None)
        run = Run.of(crawler)
        if interrupts.heard and getattr(crawler.spider, "ends_by_signal", False):
            return INTERRUPTED, run.line  # a live feed is followed on by another worker
        return run.outcome or CRASHED, run.line

    def look_after_itself(self, outcome: Outcome) -> None:
        """Take no jobs for a while where a host refuses us, or where job after job fails perhaps because of us."""
        self.left_alone = outcome is BANNED or self.left_alone
        self.sick = self.sick + 1 if RULES[outcome].rests else 0
        if (seconds := rest(self.sick, self.delay)) and not interrupts.heard:
            self.rests_until = time.monotonic() + seconds
            self.say(f"takes no job for {seconds:.0f} s: {outcome.words}")

    def may_take(self) -> bool:
        return not (interrupts.heard or self.left_alone or time.monotonic() < self.rests_until)

    # --- in the thread that renews the lease --------------------------------------------------------------

    def beat(self) -> None:
        """What each worker does for all, and tells of itself. Raises CatalogueError."""
        alone = bool(self.catalogue.runs.cooldowns(self.settings["SINANEWS_ADDRESS"]))
        if alone != self.left_alone:
            self.say("takes no job while a host refuses this address" if alone else "takes jobs again")
        self.left_alone = alone
        handled = {job: total(Run.of(crawl).counts(), *HANDLED) for job, crawl in list(self.running.items())}
        self.queue.note(self.member.id, handled)
        for job in self.queue.give_back(self.member.id, list(self.jobs.tries)):
            self.say(f"{job.name}: its worker is gone; {'failed for good' if job.fails else 'to be taken up again'}")
        for name in tick(self.queue, self.schedule, self.zone, zone_words(self.zone, self.zone_name)):
            self.say(f"schedule/{name}: its time has come")
        if time.monotonic() - self.forgot_at > DAY:
            self.forgot_at = time.monotonic()
            self.queue.forget()

    # --- signals -----------------------------------------------------------------------------------------

    def hear(self, number: int, frame: Any) -> None:
        """The first: crawls end within seconds, and jobs that are not done are given back. The second: at once."""
        interrupts.hear()
        self.signals += 1
        if self.signals == 1 and self.task is not None:
            self.task.get_loop().call_soon_threadsafe(self.task.cancel)
        elif self.signals == 2:
            threading.Thread(target=self.end_at_once, daemon=True).start()
        elif self.signals > 2:
            os._exit(INTERRUPTED.code)

    def end_at_once(self) -> None:
        """Leave, and give back what can be given back in a moment; the rest lapses with the lease."""
        timer = threading.Timer(AT_ONCE, os._exit, [INTERRUPTED.code])
        timer.daemon = True
        timer.start()
        with suppress(Exception):
            for row in self.catalogue.workers.all():  # this worker, and its runs, which hold claims
                if (row.host, row.pid) == (platform.node(), os.getpid()):
                    self.catalogue.workers.leave(row.id)
            self.queue.give_back(0, [])  # ours are those of a worker that is gone
        os._exit(INTERRUPTED.code)


def zone_words(zone: tzinfo, name: str) -> str:
    """The zone of the schedule for a person."""
    return name or f"{datetime.now(zone):%Z, UTC%z}"


def run_worker(worker: Worker, concurrency: int, until_empty: bool) -> Outcome:
    """In Twisted's reactor, which Scrapy needs, on the asyncio loop that Procrastinate needs."""
    install_reactor(worker.settings["TWISTED_REACTOR"], worker.settings["ASYNCIO_EVENT_LOOP"])
    from twisted.internet import reactor as installed

    reactor: Any = installed
    came_to: list[Outcome] = []

    async def work() -> None:
        try:
            came_to.append(await worker.work(concurrency, until_empty))
        finally:
            reactor.stop()

    reactor.callWhenRunning(lambda: deferred_from_coro(work()))
    reactor.run(installSignalHandlers=False)
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)  # nothing is left that could be ended sooner
    return came_to[0] if came_to else CRASHED
