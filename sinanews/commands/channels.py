"""``scrapy channels``: what can be crawled."""

from __future__ import annotations

import argparse
from typing import Any

from sinanews.catalogue import Catalogue
from sinanews.dates import minute
from sinanews.listing.channels import CHANNELS, DEFAULT
from sinanews.terminal.show import CatalogueCommand, as_json, console, table

HEADINGS = (
    "slug", "~title", "newest listed", "?group", "?last success", "?>lid", "?state", "?>stale after", "?>pageid",
)  # fmt: skip


class Command(CatalogueCommand):
    """The table of channels, with what the catalogue knows of each; works without a catalogue."""

    needs_catalogue = False

    def short_desc(self) -> str:
        return "List the channels: slug, number, title, group, and when each was last listed"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")

    def show(self, catalogue: Catalogue | None, opts: argparse.Namespace) -> int:
        listed = {row.channel: row for row in catalogue.listing.channels()} if catalogue else {}
        rows = [
            (c.slug, c.lid, c.pageid, c.title, c.group, c.stale_hours, c.dead, *_listed(listed.get(c.slug)))
            for c in CHANNELS
        ]
        if opts.json:
            names = ("slug", "lid", "pageid", "title", "group", "stale_hours", "dead", "newest_listed", "last_success")
            print(as_json([dict(zip(names, row, strict=True)) for row in rows]))
            return 0
        out = console()
        shown = [
            (slug, title, minute(newest), group, minute(success), lid, "dead" if dead else "", f"{stale} h", pageid)
            for slug, lid, pageid, title, group, stale, dead, newest, success in rows
        ]
        out.print(table(HEADINGS, shown))
        out.print(f"\nTimes are Beijing's. -a channels= takes slugs, lids, groups or all; default: {DEFAULT.slug}.")
        out.print(
            "Dead channels have had nothing new for years; they are in no group, and come by their own name only."
        )
        return 0


def _listed(row: Any) -> tuple[Any, Any]:
    return getattr(row, "listed_until", None), getattr(row, "last_success", None)
