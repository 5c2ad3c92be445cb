"""``scrapy export FILE|FOLDER``: the archive's articles as tables for other programs, or as posts."""

from __future__ import annotations

import argparse

from scrapy.exceptions import UsageError

from sinanews.exceptions import ArgumentError
from sinanews.out.archive import Archive
from sinanews.out.exporting import Months, export_file, export_posts
from sinanews.out.filters import Filters
from sinanews.out.tables import FORMATS, arrow
from sinanews.posts.exporter import PostRenderer
from sinanews.terminal.asking import AskingCommand, path_of, place_of
from sinanews.terminal.show import plain
from sinanews.watch.outcomes import counted


class Command(AskingCommand):
    def syntax(self) -> str:
        return "[options] FILE|FOLDER"

    def short_desc(self) -> str:
        return "Write articles into a file (its ending says the form) or a folder of Parquet by month"

    def long_desc(self) -> str:
        return f"{self.short_desc()}. Endings: {', '.join(FORMATS)}; docs/data.md says what the columns are."

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--posts", action="store_true", help="a folder of posts in place of Parquet")

    def take(self, args: list[str]) -> None:
        if len(args) != 1:
            raise UsageError("name one file or folder to write to, such as articles.parquet", print_help=False)
        self.target = path_of(args[0])
        self.is_folder = self.target.is_dir() or args[0].endswith(("/", "\\")) or not self.target.suffix

    def use(self, archive: Archive, filters: Filters, opts: argparse.Namespace) -> None:
        asked = self.asked(opts)
        if opts.posts:
            self.write_posts(archive, filters, opts)
        elif self.is_folder:
            self.write_months(archive, filters, opts)
        else:
            number = export_file(self.articles(archive, filters, opts, newest_first=False), self.target, asked)
            self.tell(number)

    def write_months(self, archive: Archive, filters: Filters, opts: argparse.Namespace) -> None:
        arrow()
        if opts.search:
            raise ArgumentError("--search goes into one file, such as found.parquet, not into a folder by month")
        changed, number = Months(archive, self.target, filters, self.asked(opts)).write()
        self.tell(number, f", {counted(len(changed), 'month')} written")

    def write_posts(self, archive: Archive, filters: Filters, opts: argparse.Namespace) -> None:
        assert self.settings is not None
        root = archive.exports
        if root is not None and (self.target == root or root in self.target.parents or self.target in root.parents):
            raise ArgumentError(f"{self.target} is where the archive's own posts are; name another folder")
        render = PostRenderer.from_settings(self.settings)
        self.tell(export_posts(self.articles(archive, filters, opts), self.target, render, self.asked(opts)))

    def tell(self, number: int, more: str = "") -> None:
        print(f"sinanews: {counted(number, 'article')} in {plain(place_of(self.target))}{more}")
