"""``scrapy originals ID``: the pages of an article as they came."""

from __future__ import annotations

import argparse
import sys
import tempfile
import webbrowser
from pathlib import Path
from typing import Any

from scrapy.exceptions import UsageError

from sinanews.catalogue import Catalogue
from sinanews.config import exports_folder
from sinanews.dates import minute
from sinanews.exceptions import Refused
from sinanews.originals import check_warcio
from sinanews.originals.capture import Capture, DamagedRecord
from sinanews.originals.reading import read_at
from sinanews.pages.decoding import decode
from sinanews.posts.folder import write_file
from sinanews.terminal.show import CatalogueCommand, plain
from sinanews.urls import article_id

#: Before a page that is opened: it was written for Sina's own address, and here may run nothing and ask nobody.
INERT = b"<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"


class Command(CatalogueCommand):
    """Exit code 0: shown; 1: no page of such an article is kept, or it is damaged."""

    def syntax(self) -> str:
        return "[options] ID|URL"

    def short_desc(self) -> str:
        return "Show the pages of an article that were kept as they came; print, open or save one"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--page", type=int, default=1, metavar="N", help="of the list; default: 1, met last")
        parser.add_argument("--list", action="store_true", help="list its pages")
        parser.add_argument("--open", action="store_true", help="show it in the browser, without scripts and pictures")
        parser.add_argument("--save", metavar="FILE", help="write its bytes, as they came, to a file")

    def take(self, args: list[str]) -> None:
        if len(args) != 1:
            raise UsageError("name one article by its id or its address", print_help=False)
        self.named = args[0]

    def show(self, catalogue: Catalogue, opts: argparse.Namespace) -> int:
        check_warcio("scrapy originals")
        assert self.settings is not None
        one = (article_id(self.named) if "://" in self.named else None) or self.named
        rows = catalogue.originals.of(one)
        if not 1 <= opts.page <= len(rows):
            kept = f"{len(rows)} pages of it are kept" if rows else "no page of such an article is kept"
            print(f"sinanews: {plain(one)}: {kept}", file=sys.stderr)
            return 1
        if opts.list:
            print("page  met last (Beijing)  HTTP  where and how long")
            for number, row in enumerate(rows, 1):
                print(f"{number:>4}  {minute(row.seen_at):18}  {row.status:>4}  {row.file}:{row.offset}+{row.length}")
                print(f"      {plain(row.url)}")
            return 0
        row = rows[opts.page - 1]
        try:
            page = read_at(exports_folder(self.settings["SINANEWS_EXPORTS"]) / row.file, row.offset, row.length)
        except DamagedRecord as error:
            print(f"sinanews: {plain(error)}; scrapy verify says what else is", file=sys.stderr)
            return 1
        return give(page, opts)


def give(page: Capture, opts: argparse.Namespace) -> int:
    """Save, open or print a page."""
    if opts.save:
        write_file(Path(opts.save), page.body)
    if opts.open:
        with tempfile.NamedTemporaryFile("wb", prefix="sinanews-", suffix=".html", delete=False) as file:
            file.write(INERT + page.body)
        print(f"sinanews: {file.name}")
        webbrowser.open(Path(file.name).as_uri())
    if not (opts.save or opts.open):
        print(f"HTTP {page.status}  {plain(page.url)}  {minute(page.at)} Beijing time")
        for name, value in page.headers:
            print(f"{plain(name)}: {plain(value)}")
        print()
        for line in text_of_page(page).splitlines():
            print("".join(char if char.isprintable() or char == "\t" else " " for char in line))
    return 0


def text_of_page(page: Any) -> str:
    """A page as text; what cannot be decoded, replaced."""
    try:
        return decode(page.body, page.header("Content-Type")).text
    except Refused:
        return str(page.body.decode("utf-8", "replace"))
