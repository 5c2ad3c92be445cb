"""``scrapy forget ID``: an article is removed for good, and is never fetched again."""

from __future__ import annotations

import argparse
from datetime import datetime, timezone
from pathlib import Path

from scrapy.exceptions import UsageError

from sinanews.archive.forgetting import Forgetter
from sinanews.catalogue import Catalogue
from sinanews.catalogue.lock import holder
from sinanews.config import exports_folder
from sinanews.originals import check_warcio
from sinanews.out.archive import Archive
from sinanews.out.feeding import parse_feeds, write_feeds
from sinanews.posts.folder import ORIGINALS, ExportFolder
from sinanews.terminal.show import CatalogueCommand, plain
from sinanews.watch.outcomes import counted

#: What was counted → what a line calls it.
NOUNS = {
    "posts": "post",
    "texts": "text in the catalogue",
    "pages": "record of original pages and lists",
    "pictures": "picture",
    "documents": "PDF",
    "copies": "copy without a post of its own",
}
PLURALS = {"texts": "texts in the catalogue", "pages": "records of original pages and lists",
           "copies": "copies without posts of their own"}  # fmt: skip


class Command(CatalogueCommand):
    """Asks nothing. Exit code 0: forgotten; 1: so too, but traces may be left, and a line says what rids of them."""

    def syntax(self) -> str:
        return "[options] ID|URL"

    def short_desc(self) -> str:
        return "Remove an article for good: posts, texts, search, originals, pictures; it is never fetched again"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--why", default="", metavar="WORDS", help="kept beside the id")
        parser.add_argument("--dry-run", action="store_true", help="only say what would be removed")

    def take(self, args: list[str]) -> None:
        if len(args) != 1:
            raise UsageError("name one article by its id or its address", print_help=False)
        self.named = args[0]

    def show(self, catalogue: Catalogue, opts: argparse.Namespace) -> int:
        assert self.settings is not None
        exports, now = exports_folder(self.settings["SINANEWS_EXPORTS"]), datetime.now(timezone.utc)
        if (exports / ORIGINALS).is_dir():
            check_warcio("scrapy forget")
        forgetter = Forgetter(catalogue, ExportFolder(exports), now, opts.dry_run)
        one = forgetter(self.named, " ".join(opts.why.split())[:500])
        found = [counted_as(name, number) for name, number in forgetter.done.items() if number]
        what = ", ".join(found) or "nothing that was left of it"
        print(f"sinanews: {plain(one)}: {'would remove' if opts.dry_run else 'removed'} {what}")
        for note in forgetter.notes:
            print(f"sinanews: {plain(note)}")
        if opts.dry_run:
            return 0
        self.write_feeds(catalogue, exports, now)
        if (left := rid_of_traces(catalogue)) is not None:
            print(f"sinanews: {left}")
            return 1
        return 0

    def write_feeds(self, catalogue: Catalogue, exports: Path, now: datetime) -> None:
        assert self.settings is not None
        if feeds := parse_feeds(self.settings["SINANEWS_FEEDS"]):
            url = catalogue.url.render_as_string(hide_password=False)
            with Archive.of(Catalogue(url, read_only=True), exports) as archive:
                for problem in write_feeds(archive, feeds, now):
                    print(f"sinanews: a feed of SINANEWS_FEEDS could not be written: {plain(problem)}")


def counted_as(name: str, number: int) -> str:
    return f"{number} {PLURALS[name]}" if number > 1 and name in PLURALS else counted(number, NOUNS[name])


def rid_of_traces(catalogue: Catalogue) -> str | None:
    """Write the database anew without the free space in which old rows stand; why not, where that cannot be now."""
    file = catalogue.path
    if file is None:
        return None
    words = "traces may stand in the free space of the database's file; once no run is under way, run this again"
    locks = file.parent.glob(f"{file.name}.*.lock")
    spiders = [lock.name.removeprefix(f"{file.name}.").removesuffix(".lock") for lock in locks]
    if running := [one for one in spiders if holder(file, one) is not None]:
        return f"{running[0]} runs: {words}"
    return f"{problem}: {words}" if (problem := catalogue.vacuum()) is not None else None
