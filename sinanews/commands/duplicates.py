"""``scrapy duplicates``: which articles are copies of which."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from datetime import timedelta
from itertools import islice

from sinanews.catalogue import Catalogue
from sinanews.dates import minute
from sinanews.terminal.show import CatalogueCommand, console, print_as_json, table
from sinanews.watch.outcomes import counted

HEADINGS = ("", "id", "~title", "?published", "?why", "?>later by", "?>similarity", "?media")


class Command(CatalogueCommand):
    """Clusters, the largest first: the copy that the archive keeps, then the others."""

    def short_desc(self) -> str:
        return "Show the stories with several copies: which one is kept, and the others"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--json", action="store_true", help="print every cluster as JSON")
        parser.add_argument(
            "-n", "--number", type=whole_number, default=20, metavar="N", help="show N clusters (default 20)"
        )

    def show(self, catalogue: Catalogue, opts: argparse.Namespace) -> int:
        from sinanews.catalogue.clusters import Clusters

        found = Clusters(catalogue)
        if opts.json:
            print_as_json(asdict(cluster) for cluster in found)
            return 0
        out = console()
        stories, copies = found.totals()
        out.print(f"{counted(copies, 'copy')} of {counted(stories, 'story')} (times are Beijing's)\n")
        rows: list[tuple[object, ...]] = []
        for c in islice(found, opts.number):
            rows.append(("kept", c.winner, c.title, minute(c.published_at), "", "", "", c.media))
            for m in c.copies:
                apart = (m.reason, lag(m.lag), percent(m.similarity))
                rows.append(("  =", m.id, m.title, minute(m.published_at), *apart, m.media))
        if rows:
            out.print(table(HEADINGS, rows))
        if stories > opts.number:
            out.print(f"\n… and {counted(stories - opts.number, 'more story')}: -n {stories}, or --json")
        return 0


def whole_number(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("write a whole number from 1")
    return int(text)


def percent(similarity: float | None) -> str:
    return f"{similarity:.0%}" if similarity is not None else "-"


def lag(time: timedelta | None) -> str:
    """In the unit that fits; negative where the copy is the older one.

    >>> lag(timedelta(minutes=5)), lag(-timedelta(hours=30)), lag(timedelta(days=9)), lag(None)
    ('5 min', '-30 h', '9 d', '-')
    """
    if time is None:
        return "-"
    sign, minutes = "-" if time < timedelta(0) else "", abs(time) // timedelta(minutes=1)
    number, unit = (
        (minutes, "min") if minutes < 120 else (minutes // 60, "h") if minutes < 2880 else (minutes // 1440, "d")
    )
    return f"{sign}{number} {unit}"
