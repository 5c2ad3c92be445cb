"""``scrapy images``: pictures of articles that were archived without them."""

from __future__ import annotations

import argparse

from scrapy.exceptions import UsageError

from sinanews.commands.crawl import Command as CrawlCommand
from sinanews.terminal.output import lasting_output


class Command(CrawlCommand):
    """``crawl`` with the spider sina_images."""

    def syntax(self) -> str:
        return "[options]"

    def short_desc(self) -> str:
        return "Fetch the pictures of articles that were archived without them (-a since=…, limit=…)"

    @lasting_output
    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if args:
            raise UsageError("images takes no further words; -a since=7d chooses articles", print_help=False)
        super().run(["sina_images"], opts)
