"""``scrapy browse``: the archive in a browser of this machine."""

from __future__ import annotations

import argparse

from sinanews.catalogue import Catalogue
from sinanews.config import exports_folder
from sinanews.out.archive import Archive
from sinanews.out.browse.server import serve
from sinanews.terminal.show import CatalogueCommand


class Command(CatalogueCommand):
    def short_desc(self) -> str:
        return "Read and search the archive in a browser (Datasette, read-only, on this machine alone)"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--port", type=int, default=8001, help="default 8001; 0: any that is free")
        parser.add_argument("--all", action="store_true", help="show the catalogue's own tables too")

    def show(self, catalogue: Catalogue, opts: argparse.Namespace) -> int:
        assert self.settings is not None
        exports = exports_folder(self.settings["SINANEWS_EXPORTS"])
        if catalogue.path is None:
            serve(Archive.of(catalogue, exports), opts.port)  # says what to do instead
        with Archive(f"sqlite:///{catalogue.path}", exports) as archive:
            serve(archive, opts.port, everything=opts.all)
        return 0
