"""``scrapy rewrite``: posts written anew from the catalogue, without asking the site."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from datetime import datetime, timezone

from sinanews.archive.rewriting import Rewriter
from sinanews.catalogue import Catalogue
from sinanews.config import exports_folder, program
from sinanews.posts.exporter import PostRenderer
from sinanews.posts.folder import ExportFolder
from sinanews.terminal.show import CatalogueCommand, plain

#: What became of a post, where that is worth a line, and what can be done.
TOLD = {
    "edited": "is not as sinanews wrote it and stays; --force writes it anew and keeps the edited one in .superseded/",
    "not kept": f"is not in the catalogue, and its post is gone or edited; {program()} verify says what brings it back",
    "cannot be read": "is damaged in the catalogue; restore a backup of it, or have the article fetched again",
}


class Command(CatalogueCommand):
    """Exit code 0: every post is as the settings say; 1: some were left as they are, each with a line."""

    def syntax(self) -> str:
        return "[options] [ID ...]"

    def short_desc(self) -> str:
        return "Write posts anew from the catalogue, after a change of settings, say; edited ones only with --force"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--force", action="store_true", help="edited posts too; they are kept in .superseded/")
        parser.add_argument("--dry-run", action="store_true", help="only say what would be done")

    def take(self, args: list[str]) -> None:
        self.ids = args

    def show(self, catalogue: Catalogue, opts: argparse.Namespace) -> int:
        assert self.settings is not None
        folder = ExportFolder(exports_folder(self.settings["SINANEWS_EXPORTS"]))
        render, now = PostRenderer.from_settings(self.settings), datetime.now(timezone.utc)
        rewriter = Rewriter(catalogue, folder, render, force=opts.force, dry=opts.dry_run)
        done: Counter[str] = Counter()
        for one in rewriter.these(self.ids, now) if self.ids else rewriter.all(now):
            done[one.what] += 1
            if one.what in TOLD:
                print(f"{plain(one.path)} {TOLD[one.what]}" + f" ({plain(one.why)})" * bool(one.why), file=sys.stderr)
        for missing in sorted({*self.ids} - rewriter.met):
            done["unknown"] += 1
            print(f"{plain(missing)}: there is no such exported article", file=sys.stderr)
        would = "would be " * opts.dry_run
        words = ", ".join(f"{number:,} {would if what == 'written' else ''}{what}" for what, number in done.items())
        print(f"sinanews: posts: {words or 'none'}")
        return int(bool(done.keys() & {*TOLD, "unknown"}))
