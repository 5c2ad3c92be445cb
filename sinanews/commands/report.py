"""``scrapy report``: the archive as one HTML page to look at."""

from __future__ import annotations

import argparse
from datetime import datetime, timezone
from pathlib import Path

from sinanews.catalogue import Catalogue
from sinanews.config import exports_folder, program
from sinanews.report.labels import LANGUAGES, language_of
from sinanews.terminal.show import CatalogueCommand


class Command(CatalogueCommand):
    """Writes ``report.html`` into the exports folder, above the folder that Hexo reads; prints where it is."""

    def short_desc(self) -> str:
        return "Write one HTML page about the archive: is it well, charts, runs, the newest articles to read"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("-o", "--output", metavar="FILE", help="default: report.html in the exports folder")
        parser.add_argument("--language", choices=LANGUAGES, help="default: Chinese where the locale is, else English")

    def show(self, catalogue: Catalogue, opts: argparse.Namespace) -> int:
        from sinanews.posts.folder import write_file
        from sinanews.report.page import build

        assert self.settings is not None
        exports = exports_folder(self.settings["SINANEWS_EXPORTS"])
        file = Path(opts.output).absolute() if opts.output else exports / "report.html"
        stale, language = self.settings.getbool("SINANEWS_STALE"), opts.language or language_of()
        page = build(catalogue, datetime.now(timezone.utc), language=language, program=program(), stale=stale)
        write_file(file, page.encode("utf-8", "replace"))
        print(file)
        return 0
