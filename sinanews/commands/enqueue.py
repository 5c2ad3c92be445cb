"""``scrapy enqueue``: work for the workers of a catalogue that several machines share."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from scrapy import Spider
from scrapy.exceptions import UsageError
from scrapy.settings import BaseSettings
from scrapy.spiderloader import get_spider_loader
from scrapy.utils.conf import arglist_to_dict

from sinanews.config import program
from sinanews.dates import minute
from sinanews.exceptions import ArgumentError, SinanewsError
from sinanews.spiders.sina_company import watchlist
from sinanews.terminal.output import lasting_output
from sinanews.terminal.show import CatalogueCommand, console, table, tell_error
from sinanews.watch.outcomes import counted

if TYPE_CHECKING:
    from sinanews.cluster.plans import Work
    from sinanews.cluster.queue import Queue

SHOWN = 50  #: waiting jobs that --list shows
USAGE = (
    f"write: {program()} enqueue backfill -a since=DAY, urls @FILE, companies, crawl SPIDER, --list or --retry-failed"
)


class Command(CatalogueCommand):
    """What waits, runs or is done already is not enqueued again, so that every form may be repeated."""

    def syntax(self) -> str:
        return "backfill | urls @FILE | companies | crawl SPIDER  [-a NAME=VALUE …]"

    def short_desc(self) -> str:
        return "Make jobs for workers: a backfill's days, a file's articles, companies, one crawl"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("-a", dest="spargs", action="append", default=[], metavar="NAME=VALUE",
                            help="argument of the spider (may be repeated)")  # fmt: skip
        parser.add_argument("--list", action="store_true", help="show what waits and what failed for good")
        parser.add_argument("--retry-failed", action="store_true", help="have those that failed for good tried again")

    @lasting_output
    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        from sinanews.cluster.schema import shared_catalogue  # not at the top: Scrapy imports every command

        assert self.settings is not None
        try:
            wanted = None if opts.list or opts.retry_failed else self.wanted(args, opts)
            catalogue = shared_catalogue(self.settings)
            try:
                from sinanews.cluster.queue import Queue

                self.do(Queue(catalogue), wanted, opts)
            finally:
                catalogue.close()
        except SinanewsError as error:
            self.exitcode = tell_error(error)

    def wanted(self, args: list[str], opts: argparse.Namespace) -> list[Work]:
        """The jobs that are asked for, their arguments checked. Raises ArgumentError, UsageError."""
        from sinanews.cluster import plans

        assert self.settings is not None
        try:
            given = arglist_to_dict(opts.spargs)
        except ValueError:
            raise ArgumentError("-a takes NAME=VALUE") from None
        match args:
            case ["backfill"]:
                return plans.backfill(spider_of(self.settings, "sina_finance"), given, datetime.now(timezone.utc))
            case ["urls", text] if not given:
                return plans.named_articles(text)
            case ["companies"]:
                watched = () if "stocks" in given else watchlist(self.settings["SINANEWS_WATCHLIST"])
                return plans.companies(spider_of(self.settings, "sina_company"), given, watched)
            case ["crawl", spider]:
                return [plans.one_crawl(spider_of(self.settings, spider), given)]
        raise UsageError(USAGE, print_help=False)

    def do(self, queue: Queue, wanted: list[Work] | None, opts: argparse.Namespace) -> None:
        if wanted is not None:
            print(counts_in_words(queue.enqueue(wanted), "days" if wanted[0].kind == "backfill" else "jobs"))
        elif opts.retry_failed:
            print(f"{counted(queue.retry_failed(), 'job')} put back")
        else:
            show(queue)


def spider_of(settings: BaseSettings, name: str) -> type[Spider]:
    spiders = get_spider_loader(settings)
    try:
        return spiders.load(name)
    except KeyError:
        raise ArgumentError(f"there is no spider {name!r}; there are: {', '.join(spiders.list())}") from None


def counts_in_words(counts: Mapping[str, int], noun: str) -> str:
    """What became of what was asked for.

    >>> counts_in_words({"enqueued": 60, "complete": 30}, "days")
    '90 days: 60 enqueued, 30 were complete'
    """
    total = sum(counts.values())
    words = [f"{counts['enqueued']} enqueued"]
    words += [f"{number} {said}" for state, said in (("there", "waited or ran already"), ("complete", "were complete"))
              if (number := counts.get(state, 0))]  # fmt: skip
    return f"{total} {noun.rstrip('s') if total == 1 else noun}: {', '.join(words)}"


def show(queue: Queue) -> None:
    """What waits, and what failed for good, for people."""
    out = console()
    waiting = queue.waiting(SHOWN)
    out.print("Waiting, in the order in which they are taken; times are Beijing's" if waiting else "Nothing waits.")
    if waiting:
        rows = [(w.id, w.name, minute(w.scheduled_at), w.tries or 0, w.reason) for w in waiting]
        out.print(table((">job", "name", "not before", ">tries", "came to"), rows))
        out.print("…" if len(waiting) == SHOWN else "")
    if failed := queue.failed():
        out.print(f"Failed for good ({program()} enqueue --retry-failed)")
        out.print(
            table((">job", "name", "when", "why"), [(f.id, f.name, minute(f.ended_at), f.reason) for f in failed])
        )
