"""What the commands that show the catalogue share: opening it without making one, and printing safely."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scrapy.addons import AddonManager
from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError
from scrapy.settings import BaseSettings

from sinanews.catalogue import Catalogue
from sinanews.catalogue.place import catalogue_url
from sinanews.config import check_settings, exports_folder
from sinanews.dates import to_beijing
from sinanews.exceptions import SinanewsError
from sinanews.terminal.output import lasting_output
from sinanews.watch.outcomes import outcome_of

if TYPE_CHECKING:
    from rich.console import Console

    from sinanews.terminal.tables import FittingTable

WIDTH = 160  #: columns where there is no terminal to ask, such as cron's mail


class CatalogueCommand(ScrapyCommand):
    """A command that reads the catalogue and exits 0, 1 (look here), 2 (bad setting) or 6 (cannot be read)."""

    requires_project = True
    requires_crawler_process = False
    default_settings = {"LOG_ENABLED": False}
    needs_catalogue = True  #: whether there is nothing to show without one

    @lasting_output
    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        self.take(args)
        assert self.settings is not None
        try:
            AddonManager.load_pre_crawler_settings(self.settings)  # another project has our settings from its add-on
            self.exitcode = self.with_catalogue(opts)
        except SinanewsError as error:
            self.exitcode = tell_error(error)

    def take(self, args: list[str]) -> None:
        """What was given besides options. Raises UsageError."""
        if args:
            raise UsageError(f"{args[0]!r} is not understood; this command takes options only", print_help=False)

    def with_catalogue(self, opts: argparse.Namespace) -> int:
        assert self.settings is not None
        catalogue = existing_catalogue(self.settings)
        if catalogue is None and self.needs_catalogue:
            print("sinanews: there is no catalogue yet; begin with: scrapy crawl sina_finance -a limit=20")
            return 1
        try:
            return self.show(catalogue, opts)
        finally:
            if catalogue is not None:
                catalogue.close()

    def show(self, catalogue: Any, opts: argparse.Namespace) -> int:
        """Print; returns the exit code. The catalogue is None only where none is needed."""
        raise NotImplementedError


def tell_error(error: SinanewsError) -> int:
    """Print what ended a command, in one line; returns the exit code."""
    print(f"sinanews: {error}", file=sys.stderr)
    return outcome_of(error).code


def url_of_catalogue(settings: BaseSettings) -> str:
    """Where the settings say that the catalogue is. Raises ArgumentError for any setting that cannot be used."""
    check_settings(settings)
    return catalogue_url(settings["SINANEWS_DATABASE"], exports_folder(settings["SINANEWS_EXPORTS"]))


def existing_catalogue(settings: BaseSettings) -> Catalogue | None:
    """The catalogue of the settings; None, and nothing is made, where its file does not exist."""
    url = url_of_catalogue(settings)
    file = url.removeprefix("sqlite:///").partition("?")[0]
    if url.startswith("sqlite:///") and not Path(file).exists():
        return None
    return Catalogue(url, search=settings.getbool("SINANEWS_SEARCH"))


def plain(text: object) -> str:
    """Text of others on one line, without what a terminal obeys (escapes, marks that turn the direction).

    >>> plain("利好\\x1b[31m\\n\\u202e x")
    '利好 [31m   x'
    """
    words = str(text) if text is not None else ""
    return words if words.isprintable() else "".join(c if c.isprintable() else " " for c in words)


def as_json(values: object) -> str:
    """For machines: times are ISO 8601 with Beijing's offset, stretches of time are seconds."""

    def convert(value: Any) -> object:
        if isinstance(value, datetime):
            return to_beijing(value).isoformat()
        return value.total_seconds() if hasattr(value, "total_seconds") else str(value)

    return json.dumps(values, ensure_ascii=False, indent=2, default=convert)


def print_as_json(values: Iterable[object]) -> None:
    """Print a list as ``as_json`` writes it, one value at a time."""
    before = "["
    for value in values:
        print(before, as_json([value])[1:-2], sep="", end="")
        before = ","
    print("[]" if before == "[" else "\n]")


def console() -> Console:
    """Colours and the terminal's width on a terminal, neither elsewhere."""
    from rich.console import Console  # not at the top: Scrapy imports every command on every start

    return Console(highlight=False, markup=False, emoji=False, width=None if sys.stdout.isatty() else WIDTH)


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> FittingTable:
    """Rows under headings, each on one line of the terminal.

    What a heading begins with says how its column gives way: ``>`` numbers, to the right; ``~`` titles, shortened with
    an ellipsis where there is no room; ``?`` left out where there is none, the last first. Ids and times stay whole.
    """
    from sinanews.terminal.tables import FittingTable

    return FittingTable(headings, rows)
