"""Crawls and commands in the process of the tests, which tell what a process of their own would.

One reactor, in a thread of its own, runs one crawl after the other: a hanging one keeps no test from going on.
"""

from __future__ import annotations

import argparse
import asyncio
import atexit
import io
import logging
import os
import subprocess
import sys
import threading
import traceback
from collections.abc import Coroutine, Iterator, Sequence
from concurrent.futures import Future, wait
from concurrent.futures import TimeoutError as TooLong
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import cache
from typing import Any

import pytest
from scrapy.cmdline import execute
from scrapy.commands.crawl import Command as CrawlOptions
from scrapy.crawler import AsyncCrawlerRunner
from scrapy.settings import Settings
from twisted.internet import asyncioreactor
from twisted.python.log import PythonLoggingObserver

from sinanews.downloads import abort_downloads
from sinanews.run.extension import Run
from sinanews.watch.outcomes import outcome_of

PATIENCE = 5.0  #: seconds that a crawl has for ending once it was asked to
asyncioreactor.install(asyncio.new_event_loop())  # before any import of twisted.internet.reactor installs another


Told = subprocess.CompletedProcess[str]


class ReactorThread:
    """Twisted's reactor can be started once in a process, so it runs until the process ends."""

    def __init__(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.loop: asyncio.AbstractEventLoop = self.reactor._asyncioEventloop
        self.lost = False  #: whether a crawl that hangs keeps it for good
        PythonLoggingObserver("twisted").start()  # its errors are logged, as configure_logging has it in a process
        logging.getLogger("twisted").setLevel(logging.ERROR)
        self.thread = threading.Thread(target=self._run, name="reactor", daemon=True)
        self.thread.start()
        atexit.register(self._stop)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.reactor.run(installSignalHandlers=False)

    def _stop(self) -> None:
        if not self.lost:
            self.reactor.callFromThread(self.reactor.stop)
            self.thread.join(PATIENCE)
            self.loop.close()

    def submit(self, work: Coroutine[Any, Any, Any]) -> Future[Any]:
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def place(self) -> str:
        """Where the thread is now: what blocks it, where something does."""
        return "".join(traceback.format_stack(sys._current_frames()[self.thread.ident or 0]))


def command(words: Sequence[str], settings: Settings) -> Told:
    """``scrapy WORDS`` for a command that crawls nothing; Python alone shows what it logs."""
    with _streams("WARNING", "%(message)s") as (output, errors):
        try:
            execute(["scrapy", *words], settings)
        except SystemExit as end:
            return Told(words, int(end.code or 0), output.getvalue(), errors.getvalue())
    raise AssertionError("scrapy.cmdline.execute has always ended the process")


@cache
def reactor_thread() -> ReactorThread:
    """Of this process, started when it is first needed."""
    return ReactorThread()


def reactor_is_lost() -> bool:
    """Whether a crawl that hung keeps the reactor for good: what follows needs a process of its own."""
    return reactor_thread().lost


def crawl(words: Sequence[str], settings: Settings, timeout: float) -> Told:
    """Run the spider that ``words`` name, with the options of ``scrapy crawl`` among them.

    A crawl that has not ended after ``timeout`` seconds fails the test.
    """
    spider, arguments = _options(words, settings)
    thread = reactor_thread()
    runner = AsyncCrawlerRunner(settings)
    with _streams(settings["LOG_LEVEL"], settings["LOG_FORMAT"]) as (output, errors):
        future = thread.submit(_outcome(runner, spider, arguments))
        try:
            code, line = future.result(timeout)
        except TooLong:
            place = thread.place()
            _give_up(thread, runner, future)
            pytest.fail(f"{' '.join(words)} hangs after {timeout:g} seconds\n{place}\n{errors.getvalue()}")
    (errors if code else output).write(f"sinanews: {line}\n")
    return Told(words, code, output.getvalue(), errors.getvalue())


def _options(words: Sequence[str], settings: Settings) -> tuple[str, dict[str, str]]:
    """Puts the options into the settings as ``scrapy crawl`` does; the spider's name and its arguments."""
    command, parser = CrawlOptions(), argparse.ArgumentParser()
    command.settings = settings
    command.add_options(parser)
    options, (spider,) = parser.parse_known_args(words)
    command.process_options([spider], options)
    return spider, options.spargs


async def _outcome(runner: AsyncCrawlerRunner, spider: str, arguments: dict[str, str]) -> tuple[int, str]:
    """The exit code and the last line of a run."""
    crawler = runner.create_crawler(spider)
    others = asyncio.all_tasks()
    try:
        await runner.crawl(crawler, **arguments)
    except Exception as error:
        return outcome_of(error).code, " ".join(str(error).split())
    left = asyncio.all_tasks() - others
    for task in left:
        task.cancel()
    assert not left, f"tasks that outlive their crawl: {left}"
    run = Run.of(crawler)
    assert run.outcome is not None, "a run that has ended without being judged"
    return run.outcome.code, run.line


@contextmanager
def _streams(level: str, form: str) -> Iterator[tuple[io.StringIO, io.StringIO]]:
    """Both streams while something runs; the log goes to stderr, and all of it is as before afterwards."""
    output, errors, root = io.StringIO(), io.StringIO(), logging.getLogger()
    before, environment = (list(root.handlers), root.level), dict(os.environ)
    log = logging.StreamHandler(errors)
    log.setFormatter(logging.Formatter(form, "%Y-%m-%d %H:%M:%S"))
    root.addHandler(log)
    root.setLevel(level)
    try:
        with redirect_stdout(output), redirect_stderr(errors):
            yield output, errors
        assert root.handlers == [*before[0], log], "a log handler outlives its run"
        assert dict(os.environ) == environment, "a run has changed the environment"
    finally:
        root.handlers[:] = before[0]
        root.setLevel(before[1])


def _give_up(thread: ReactorThread, runner: AsyncCrawlerRunner, future: Future[Any]) -> None:
    """End a crawl that hangs, so that the next one finds the reactor free."""
    thread.submit(_stop(runner))
    thread.lost = not wait([future], PATIENCE).done


async def _stop(runner: AsyncCrawlerRunner) -> None:
    for crawler in runner.crawlers:
        crawler.signals.send_catch_log(abort_downloads)
    await runner.stop()
