"""What the commands that let articles out share: filters as ``-a name=value``, and what could not be read."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from scrapy.exceptions import UsageError
from scrapy.utils.conf import arglist_to_dict

from sinanews.catalogue import Catalogue
from sinanews.config import exports_folder
from sinanews.out.archive import Archive
from sinanews.out.articles import Article
from sinanews.out.filters import PARSERS, Filters, parse_filters
from sinanews.terminal.show import CatalogueCommand, plain
from sinanews.watch.outcomes import counted


class AskingCommand(CatalogueCommand):
    """Exit code 0: done; 1: some articles could not be read; 2, 6: as ever."""

    may_search = True  #: whether a search is an option of it

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("-a", dest="given", action="append", default=[], metavar="NAME=VALUE",
                            help=f"which articles, may be repeated: {', '.join(PARSERS)}")  # fmt: skip
        if self.may_search:
            parser.add_argument("--search", metavar="QUERY", help="only articles that scrapy search finds")

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        super().process_options(args, opts)
        try:
            self.given: dict[str, str] = arglist_to_dict(opts.given)
        except ValueError:
            raise UsageError("Invalid -a value, use -a NAME=VALUE", print_help=False) from None

    def show(self, catalogue: Catalogue, opts: argparse.Namespace) -> int:
        assert self.settings is not None
        archive = Archive.of(catalogue, exports_folder(self.settings["SINANEWS_EXPORTS"]))
        filters = parse_filters(self.given, datetime.now(timezone.utc))
        archive.check(filters)
        self.use(archive, filters, opts)
        return self.tell_unreadable(archive)

    def use(self, archive: Archive, filters: Filters, opts: argparse.Namespace) -> None:
        """Do what the command is for. Raises SinanewsError."""
        raise NotImplementedError

    def asked(self, opts: argparse.Namespace) -> dict[str, str]:
        return {**self.given, **({"search": opts.search} if opts.search else {})}

    def articles(self, archive: Archive, filters: Filters, opts: argparse.Namespace, **order: Any) -> Iterator[Article]:
        if opts.search:
            return archive.search(opts.search, filters)
        return archive.articles(filters, **order)

    def tell_unreadable(self, archive: Archive) -> int:
        for why, number in archive.reader.unreadable.items():
            words = f"{counted(number, 'article')} left out, such as {plain(archive.reader.example)}: {why}"
            print(f"sinanews: {words}; scrapy verify says what brings them back", file=sys.stderr)
        return int(bool(archive.reader.unreadable))


def path_of(name: str) -> Path:
    return Path(name).expanduser().absolute()


def place_of(path: Path) -> str:
    """Relative to the working folder where it lies in it."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
