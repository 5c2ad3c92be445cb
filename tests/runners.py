"""One spider, several ways to run it: our command, Scrapy's two runners, and another project with the add-on."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tests import processes
from tests.conftest import FAST, PROJECT, TemporaryArchive

#: Runs one spider, once or twice in a row, and prints what each run came to.
SCRIPT = """
import asyncio, json, sys
from scrapy import Request, Spider
from scrapy.crawler import AsyncCrawlerRunner, CrawlerProcess
from scrapy.utils.defer import deferred_from_coro
from scrapy.utils.log import configure_logging
from scrapy.utils.project import get_project_settings
from scrapy.utils.reactor import install_reactor
{before}
class Asking(Spider):
    name = "asking"
    url = ""
    async def start(self):
        yield Request(self.url)

how, spider, arguments, values = json.loads(sys.argv[1])
settings = get_project_settings()
settings.setdict(values, priority="cmdline")
crawlers = []

def new(runner):
    crawlers.append(runner.create_crawler(Asking if spider == "asking" else spider))
    return crawlers[-1]

if how == "CrawlerProcess":
    process = CrawlerProcess(settings)
    process.crawl(new(process), **arguments)
    process.start()
else:
    install_reactor(settings["TWISTED_REACTOR"])
    from twisted.internet import reactor, task
    configure_logging(settings)
    runner = AsyncCrawlerRunner(settings)
    async def crawl():
        for _ in range(2 if how == "twice in a process" else 1):
            await runner.crawl(new(runner), **arguments)
    try:
        task.react(lambda _: deferred_from_coro(crawl()))
    except SystemExit as ended:
        assert not ended.code
"""
#: What follows, where the process still runs: the outcome of each run, read off the extension.
TELL = """
from sinanews.run.extension import Run
print(json.dumps([[run.outcome.name, run.outcome.code, run.line, run.lock is None] for c in crawlers for run in [Run.of(c)]]))
"""
RUNNERS = ("CrawlerProcess", "AsyncCrawlerRunner")


class Ended(NamedTuple):
    """What the runs in one process came to."""

    outcomes: list[str]
    codes: list[int]
    lines: list[str]
    unlocked: list[bool]
    log: str


def crawl_under(
    runner: str,
    archive: TemporaryArchive,
    spider: str,
    arguments: Mapping[str, str] | None = None,
    *,
    before: str = "",
    project: Path = PROJECT,
    mirror: str = "",
    **settings: str,
) -> Ended:
    """A crawl in a process of its own; ``before`` is Python that it executes first. The log is at INFO."""
    values = {**FAST, "LOG_LEVEL": "INFO", "SINANEWS_MIRROR": mirror, **settings}
    script = SCRIPT.replace("{before}", before) + TELL
    words = json.dumps([runner, spider, dict(arguments or {}), values])
    done = processes.run([sys.executable, "-c", script, words], cwd=project, env=archive.environment, timeout=120)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    columns = [list(column) for column in zip(*told, strict=True)]
    return Ended(*columns, log=done.stderr)
