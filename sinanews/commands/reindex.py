"""``scrapy reindex``: the full-text index made anew, or brought to its end where it lacks articles."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sinanews.archive.indexing import TOGETHER, index_next
from sinanews.archive.old_posts import keep_old_posts
from sinanews.catalogue import Catalogue
from sinanews.catalogue.queries import figures, numbers_of_states
from sinanews.config import exports_folder
from sinanews.exceptions import ArgumentError
from sinanews.run.extension import utc_now
from sinanews.terminal.progress import is_terminal
from sinanews.terminal.show import CatalogueCommand
from sinanews.watch.outcomes import counted

if TYPE_CHECKING:
    from rich.progress import Progress


class Command(CatalogueCommand):
    """Exit code 0: done. One that was killed goes on where it was."""

    def short_desc(self) -> str:
        return "Make the full-text index anew, or put in what it lacks; may run beside crawls"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--anew", action="store_true", help="forget the index first, also one that lacks articles")

    def show(self, catalogue: Catalogue, opts: argparse.Namespace) -> int:
        assert self.settings is not None
        if not catalogue.search.on:
            raise ArgumentError("SINANEWS_SEARCH=0 leaves the full-text index out; unset it to make one")
        if opts.anew or catalogue.search.state() == "whole":
            with catalogue.together() as connection:
                catalogue.search.begin_anew(connection)
        exported = numbers_of_states(figures(catalogue))["exported"]
        with progress(exported) as bar:
            done = self.index(catalogue, exports_folder(self.settings["SINANEWS_EXPORTS"]), bar)
        print(f"sinanews: {counted(done, 'article')} looked at; scrapy search finds {exported:,}")
        return 0

    def index(self, catalogue: Catalogue, exports: Path, bar: Progress | None) -> int:
        while keep_old_posts(catalogue, exports, utc_now()):
            pass  # what the catalogue does not keep yet of articles from before 2.0
        done = 0
        while (number := index_next(catalogue, exports, TOGETHER)) is not None:
            done += number
            if bar is not None:
                bar.update(bar.task_ids[0], advance=number)
        return done


@contextmanager
def progress(total: int) -> Iterator[Progress | None]:
    """A bar on a terminal."""
    if not is_terminal():
        yield None
        return
    from rich.console import Console  # not at the top: Scrapy imports every command on every start
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        bar.add_task("articles", total=total)
        yield bar
