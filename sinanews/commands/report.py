"""``scrapy report``: the archive as one HTML page to look at."""

from __future__ import annotations

import argparse
import os
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import quote

from sinanews.catalogue import Catalogue
from sinanews.config import exports_folder
from sinanews.terminal.show import CatalogueCommand


class Command(CatalogueCommand):
    """Writes ``report.html`` into the exports folder, above the folder that Hexo reads; prints where it is."""

    def short_desc(self) -> str:
        return "Write one HTML page about the archive: charts, runs, search over titles"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("-o", "--output", metavar="FILE", help="default: report.html in the exports folder")

    def show(self, catalogue: Catalogue, opts: argparse.Namespace) -> int:
        from sinanews.posts.folder import write_file
        from sinanews.report.page import build

        assert self.settings is not None
        exports = exports_folder(self.settings["SINANEWS_EXPORTS"])
        file = Path(opts.output).absolute() if opts.output else exports / "report.html"
        stale = self.settings.getbool("SINANEWS_STALE")
        page = build(catalogue, posts_from(file.parent, exports), datetime.now(timezone.utc), stale=stale)
        write_file(file, page.encode("utf-8", "replace"))
        print(file)
        return 0


def posts_from(folder: Path, exports: Path) -> str:
    """The exports folder as a link from a page in ``folder``, ending with a slash."""
    try:
        way = Path(os.path.relpath(exports, folder)).as_posix()
    except ValueError:  # another drive of Windows
        return exports.as_uri() + "/"
    return quote("./" if way == "." else f"./{way}/")
