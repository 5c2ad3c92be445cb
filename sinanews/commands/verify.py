"""``scrapy verify``: whether the posts on disk and the catalogue agree, and making them agree again."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError

from sinanews.archive.old_posts import keep_old_posts
from sinanews.archive.rewriting import Rewriter
from sinanews.catalogue import Catalogue
from sinanews.commands.crawl import Command as CrawlCommand
from sinanews.config import exports_folder
from sinanews.exceptions import ArgumentError, SinanewsError
from sinanews.posts.exporter import PostRenderer
from sinanews.posts.folder import ExportFolder
from sinanews.terminal.output import lasting_output
from sinanews.terminal.show import as_json, existing_catalogue, plain
from sinanews.watch.kept_pages import check_originals, repair_originals
from sinanews.watch.outcomes import STORAGE, USAGE, counted
from sinanews.watch.verification import Mismatch, check, check_kept, repair

AGREE = "posts and catalogue agree"
NO_POSTS = "no posts are written here (SINANEWS_POSTS=0), and the catalogue has every article whole"


class Command(CrawlCommand):
    """Exit code 0: all is well; 1: something is wrong (still, after --repair); 6: the catalogue cannot be read."""

    def syntax(self) -> str:
        return "[options]"

    def short_desc(self) -> str:
        return "Compare posts and catalogue; --repair brings back what is missing or was changed"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        ScrapyCommand.add_options(self, parser)
        parser.add_argument("--json", action="store_true", help="print JSON instead of a line for each finding")
        parser.add_argument("--quick", action="store_true", help="only whether each post is there, not what is in it")
        parser.add_argument("--repair", action="store_true", help="bring back what is missing or cut")
        parser.add_argument("--force", action="store_true", help="with --repair: what was changed too, kept aside")

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        ScrapyCommand.process_options(self, args, opts)
        assert self.settings is not None  # as if settings.py said so: -L and -s still win
        self.settings.setdict({"LOG_LEVEL": "ERROR", "SINANEWS_PROGRESS": "0"}, priority="project")

    @lasting_output
    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if args:
            raise UsageError("verify takes options only", print_help=False)
        try:
            self.exitcode = self.verify(opts)
        except (SinanewsError, OSError) as error:
            print(f"sinanews: {error}", file=sys.stderr)
            self.exitcode = USAGE.code if isinstance(error, ArgumentError) else STORAGE.code

    def verify(self, opts: argparse.Namespace) -> int:
        assert self.settings is not None
        exports = exports_folder(self.settings["SINANEWS_EXPORTS"])
        catalogue = existing_catalogue(self.settings)
        if catalogue is None:
            print("sinanews: there is no catalogue; posts that lie in the exports: scrapy catalogue rebuild")
            return 1
        posts = self.settings.getbool("SINANEWS_POSTS", True)
        try:
            found = self.look(catalogue, exports, quick=opts.quick)
            if opts.repair and posts:
                found = self.repaired(found, catalogue, exports, opts.force)
        finally:
            catalogue.close()
        tell_mismatches(found, opts.json, AGREE if posts else NO_POSTS)
        return int(bool(found))

    def repaired(self, found: Sequence[Mismatch], catalogue: Catalogue, exports: Path, force: bool) -> list[Mismatch]:
        """Repair, fetch what the catalogue does not keep and has an address, and look again: what is still wrong."""
        now = datetime.now(timezone.utc)
        while keep_old_posts(catalogue, exports, now):
            pass  # while they are as they were written: later nobody could bring them back
        if not found:
            return list(found)
        for finding in found:
            print(f"repairing {plain(finding)}", file=sys.stderr)
        assert self.settings is not None
        folder, render = ExportFolder(exports), PostRenderer.from_settings(self.settings)
        rewriter = Rewriter(catalogue, folder, render, force=True, restore=True)
        repair(found, rewriter, now, force=force)
        repair_originals(found, catalogue, exports)
        urls = [finding.url for finding in check(catalogue, exports) if finding.kind == "waiting" and finding.url]
        if urls:
            _, line = self.crawl("sina_finance", {"urls": ",".join(urls)})
            print(f"sinanews: {line}", file=sys.stderr)
        return self.look(catalogue, exports)

    def look(self, catalogue: Catalogue, exports: Path, *, quick: bool = False) -> list[Mismatch]:
        """Everything that is wrong with posts, catalogue and kept pages."""
        assert self.settings is not None
        posts = self.settings.getbool("SINANEWS_POSTS", True)
        found = check(catalogue, exports, quick=quick) if posts else check_kept(catalogue)
        return [*found, *check_originals(catalogue, exports, quick=quick)]


def tell_mismatches(found: Sequence[Mismatch], as_data: bool, all_is_well: str) -> None:
    if as_data:
        rows = [{**asdict(f), "words": f.words, "remedy": f.remedy} for f in found]
        print(as_json({"clean": not found, "findings": rows}))
        return
    for finding in found:
        print(plain(finding))
    print(f"sinanews: {counted(len(found), 'finding')}" if found else f"sinanews: {all_is_well}")
