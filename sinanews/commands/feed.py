"""``scrapy feed``: the newest articles as Atom and JSON Feed."""

from __future__ import annotations

import argparse
from datetime import datetime, timezone
from pathlib import Path

from scrapy.exceptions import UsageError

from sinanews.out.archive import Archive
from sinanews.out.feeding import NEWEST, Feed, parse_feeds, write_feed
from sinanews.out.filters import Filters
from sinanews.terminal.asking import AskingCommand, path_of, place_of
from sinanews.terminal.show import plain
from sinanews.watch.outcomes import counted


class Command(AskingCommand):
    def syntax(self) -> str:
        return "[options] [FILE|FOLDER]"

    def short_desc(self) -> str:
        return "Write the newest articles as a feed: .xml is Atom, .json is JSON Feed, a folder gets both"

    def long_desc(self) -> str:
        return f"{self.short_desc()}. Without a name: those of SINANEWS_FEEDS, or feeds/ in the exports folder."

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("-n", "--number", type=int, default=NEWEST, metavar="N", help="of articles (default 50)")
        parser.add_argument("--title", help="of the feed")
        parser.add_argument("--url", help="at which readers will get it, for its link to itself")

    def take(self, args: list[str]) -> None:
        if len(args) > 1:
            raise UsageError("name one file or folder to write to, such as feeds/", print_help=False)
        self.target = path_of(args[0]) if args else None

    def use(self, archive: Archive, filters: Filters, opts: argparse.Namespace) -> None:
        for feed in self.feeds(archive, opts):
            number = write_feed(archive, feed, datetime.now(timezone.utc))
            print(f"sinanews: {counted(number, 'article')} in {plain(place_of(feed.file))}")

    def feeds(self, archive: Archive, opts: argparse.Namespace) -> tuple[Feed, ...]:
        assert self.settings is not None
        if opts.number < 1:
            raise UsageError("-n takes a whole number from 1", print_help=False)
        set_up = parse_feeds(self.settings["SINANEWS_FEEDS"])
        if set_up and self.target is None and not self.given and not opts.search:
            return set_up
        target = self.target or (archive.exports or Path()) / "feeds"
        return (Feed(target, self.given, opts.search, opts.number, opts.title, opts.url),)
