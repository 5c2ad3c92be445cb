"""``scrapy search WORDS``: which articles have these words in their titles or texts."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from sinanews.catalogue import Catalogue
from sinanews.catalogue.search.query import parse_query
from sinanews.dates import to_beijing
from sinanews.exceptions import ArgumentError
from sinanews.out.archive import Archive
from sinanews.out.articles import Article
from sinanews.out.filters import Filters
from sinanews.terminal.asking import AskingCommand
from sinanews.terminal.context import context_of, marked
from sinanews.terminal.show import console, plain, print_as_json

if TYPE_CHECKING:
    from rich.text import Text

INDENT = "  "
CONTEXT = 160  #: columns of a line of context for machines
LIMIT = 20  #: articles that are shown on a terminal without --limit
FIELDS = ("id", "url", "title", "published_at", "media", "channels", "stocks", "kind", "path")
INCOMPLETE = "articles from before the full-text index are not all found yet; scrapy reindex puts them in"


class Command(AskingCommand):
    """Exit code 0: something was found; 1: nothing, or some articles could not be read; 2, 6: as ever."""

    def syntax(self) -> str:
        return "[options] WORD ..."

    def short_desc(self) -> str:
        return "Find articles by their words: all of them, a OR b, '\"a phrase\"', -without; newest first"

    may_search = False

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--best", action="store_true", help="those first that are most about the words")
        parser.add_argument("--limit", type=int, metavar="N", default=LIMIT, help=f"at most; default: {LIMIT}")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def take(self, args: list[str]) -> None:
        self.query = " ".join(word for word in args if word != "--")

    def show(self, catalogue: Catalogue, opts: argparse.Namespace) -> int:
        if opts.limit < 1:
            raise ArgumentError("--limit is a number from 1")
        self.shown = 0
        return super().show(catalogue, opts) or int(not self.shown)

    def use(self, archive: Archive, filters: Filters, opts: argparse.Namespace) -> None:
        words = parse_query(self.query).words
        found = self.counted(archive.search(self.query, filters, best=opts.best, limit=opts.limit))
        if archive.catalogue.search.state() == "partial":
            print(f"sinanews: {INCOMPLETE}", file=sys.stderr)
        if opts.json:
            print_as_json(as_data(article, words) for article in found)
            return
        out = console()
        for article in found:
            for line in lines_of(article, words, out.width):
                out.print(line)
        if not self.shown:
            which = f" with {', '.join(self.given)}" if self.given else ""
            print(f"sinanews: no article has {plain(self.query)}{which}")

    def counted(self, found: Iterable[Article]) -> Iterator[Article]:
        for article in found:
            self.shown += 1
            yield article


def as_data(article: Article, words: Sequence[str]) -> dict[str, Any]:
    about = {name: getattr(article, name) for name in FIELDS}
    return {**about, "context": context_of(article.body_text, words, CONTEXT).plain}


def lines_of(article: Article, words: Sequence[str], width: int) -> Iterator[Text]:
    """When, by whom and its title; what is around the words; its post."""
    from rich.text import Text  # not at the top: Scrapy imports every command on every start

    when = f"{to_beijing(article.published_at):%Y-%m-%d %H:%M}" if article.published_at else "without a time  "
    about = Text.assemble((when, "dim"), "  ", (plain(article.media), "cyan"), "  " * bool(article.media))
    yield about + marked(article.title, words)
    for part in (context_of(article.body_text, words, width - len(INDENT)), Text(plain(article.path), "dim")):
        if part:
            yield Text(INDENT) + part
