"""What a run shows of itself while it runs: a bar on a terminal, a line now and then in a log."""

from __future__ import annotations

import atexit
import logging
import os
import sys
from collections.abc import Mapping
from typing import Any

from scrapy import Spider, signals
from scrapy.crawler import Crawler
from scrapy.exceptions import NotConfigured
from scrapy.utils.asyncio import create_looping_call
from scrapy.utils.log import get_scrapy_root_handler

from sinanews.run.extension import Run
from sinanews.terminal.show import plain
from sinanews.watch.outcomes import HANDLED, WRITTEN, total

logger = logging.getLogger(__name__)
NARROW = 70  #: columns; where there are fewer the rate has no room
USED = 25  #: columns of a bar, the time left and the gaps; what the words leave is the title's


class Progress:
    """A line in the log each LOGSTATS_INTERVAL seconds (0: none), in place of Scrapy's own."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.interval = crawler.settings.getfloat("LOGSTATS_INTERVAL")
        self.before = 0
        self.task = create_looping_call(self.show)
        crawler.signals.connect(self.begin, signals.spider_opened)
        crawler.signals.connect(self.end, signals.spider_closed)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Progress:
        if not crawler.settings.getbool("SINANEWS_PROGRESS"):
            raise NotConfigured
        return (ProgressBar if is_terminal() else Progress)(crawler)

    def begin(self, spider: Spider) -> None:
        if self.interval:
            self.task.start(self.interval, now=False)

    def show(self) -> None:
        counts = Run.of(self.crawler).counts()
        done = total(counts, *HANDLED)
        logger.info("articles %s; %.0f a minute", words(counts), (done - self.before) * 60 / self.interval)
        self.before = done

    def end(self) -> None:
        if self.task.running:
            self.task.stop()


class ProgressBar(Progress):
    """A bar at the foot of the terminal; log lines go above it. It leaves nothing behind."""

    def __init__(self, crawler: Crawler) -> None:
        from rich.console import Console  # not needed, so not loaded, in cron
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        super().__init__(crawler)
        self.interval = 0.25
        self.title = ""
        self.bar = Bar(
            BarColumn(10),
            TextColumn("{task.fields[words]}", markup=False),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[title]}", markup=False, style="dim"),
            console=Console(stderr=True, soft_wrap=True),  # a log line stays one line
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,  # it may be where -O - writes items to
        )
        self.row = self.bar.add_task(crawler.spidercls.name, total=None, words="", rate="", title="")
        crawler.signals.connect(self.stored, signals.item_scraped)

    def stored(self, item: Any) -> None:
        self.title = plain(getattr(item, "title", ""))

    def begin(self, spider: Spider) -> None:
        atexit.register(self.bar.stop)  # the cursor comes back however the run ends
        self.bar.start()
        self._log_to_stderr()
        self.task.start(self.interval)

    def show(self) -> None:
        from rich.cells import cell_len, set_cell_size

        counts = Run.of(self.crawler).counts()
        speed = self.bar.tasks[0].speed
        rate = f"{speed * 60:.0f}/min" if speed and self.bar.console.width >= NARROW else ""
        asked = total(counts, "articles/asked") or None
        told = short(counts)
        room = max(0, self.bar.console.width - USED - len(told) - len(rate))
        title = self.title if cell_len(self.title) <= room else set_cell_size(self.title, room - 1) + "…" * (room > 1)
        done = total(counts, *HANDLED)
        self.bar.update(self.row, completed=done, total=asked, words=told, rate=rate, title=title, refresh=True)

    def end(self) -> None:
        super().end()
        self.bar.stop()
        self._log_to_stderr()

    def _log_to_stderr(self) -> None:
        """The log to the stderr there is now: while the bar is shown rich has put its own in place."""
        handler = get_scrapy_root_handler()
        if isinstance(handler, logging.StreamHandler) and not isinstance(handler, logging.FileHandler):
            handler.setStream(sys.stderr)


def is_terminal() -> bool:
    """Whether a bar can be drawn."""
    return sys.stderr.isatty() and os.environ.get("TERM") not in ("dumb", "unknown")


def words(counts: Mapping[str, Any]) -> str:
    """How far the run is: articles ended and asked for, then what became of them.

    >>> words({'articles/exported': 3, 'articles/asked': 9, 'refused/gone': 1, 'articles/updated': 1})
    '5/9: 4 stored, 0 duplicate, 1 refused, 0 failed'
    """
    return f"{_head(counts)}: " + ", ".join(f"{number} {name}" for name, number in _became(counts))


def short(counts: Mapping[str, Any]) -> str:
    """The same for a bar: what there is none of is not named.

    >>> short({'articles/exported': 3, 'articles/asked': 9, 'refused/gone': 1, 'articles/updated': 1})
    '5/9: 4 stored, 1 refused'
    """
    return f"{_head(counts)}: " + ", ".join(f"{number} {name}" for name, number in _became(counts) if number)


def _head(counts: Mapping[str, Any]) -> str:
    asked, done = total(counts, "articles/asked"), total(counts, *HANDLED)
    return f"{done}/{asked}" if asked else str(done)


def _became(counts: Mapping[str, Any]) -> tuple[tuple[str, int], ...]:
    stored, failed = total(counts, *WRITTEN), total(counts, "failed", "listing/failed")
    duplicate, refused = total(counts, "duplicate"), total(counts, "refused")
    return ("stored", stored), ("duplicate", duplicate), ("refused", refused), ("failed", failed)
