"""``scrapy history ID``: what an article said, and what each edit changed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from scrapy.exceptions import UsageError

from sinanews.archive.history import Stretch, changed_fields, changed_paragraphs
from sinanews.catalogue import Catalogue
from sinanews.catalogue.contents import Kept
from sinanews.catalogue.forgotten import FORGOTTEN
from sinanews.config import program
from sinanews.dates import minute, to_beijing
from sinanews.terminal.show import CatalogueCommand, as_json, console, plain
from sinanews.urls import article_id

if TYPE_CHECKING:
    from rich.text import Text

OLD, NEW, UNCHANGED = "red", "green", "dim"


class Command(CatalogueCommand):
    """Exit code 0: shown; 1: there is no such article, or none of its texts is kept."""

    def syntax(self) -> str:
        return "[options] ID|URL"

    def short_desc(self) -> str:
        return "Show the revisions of an article: when, and what each changed"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--json", action="store_true", help="print every revision whole, as JSON")

    def take(self, args: list[str]) -> None:
        if len(args) != 1:
            raise UsageError("name one article by its id or its address", print_help=False)
        self.named = args[0]

    def show(self, catalogue: Catalogue, opts: argparse.Namespace) -> int:
        one = (article_id(self.named) if "://" in self.named else None) or self.named
        row = catalogue.article(one)
        kept = catalogue.contents.history(one)
        if row is None or not kept:
            if row is not None and row.state == FORGOTTEN:
                why = f": {plain(row.detail)}" if row.detail else ""
                print(f"sinanews: {one}: forgotten on {minute(row.recorded_at)} Beijing time{why}", file=sys.stderr)
                return 1
            lost = f"its text is not kept; {program()} rewrite takes it from its post"
            known = lost if row else "there is no such article"
            print(f"sinanews: {one}: {known}", file=sys.stderr)
            return 1
        if opts.json:
            print(
                as_json(
                    [
                        {"revision": k.revision, "stored_at": k.stored_at, "reason": k.reason, "item": asdict(k.item)}
                        for k in kept
                    ]
                )
            )
            return 0
        out = console()
        out.print(f"{plain(row.title)}\n{plain(row.url or one)}  (times are Beijing's)")
        lost = row.revision - len(kept)
        if lost > 0:
            out.print(f"{lost} earlier {'texts were' if lost > 1 else 'text was'} not kept", style=UNCHANGED)
        for before, revision in zip([None, *kept], kept, strict=False):
            for line in revision_lines(before, revision):
                out.print(line, soft_wrap=True)
        return 0


def revision_lines(before: Kept | None, kept: Kept) -> Iterator[Text]:
    """The lines that tell a revision: its first text in short, later ones by what they changed."""
    from rich.text import Text  # not at the top: Scrapy imports every command on every start

    reason = f"  ({kept.reason})" if kept.reason else ""
    yield Text(f"\nrevision {kept.revision}  {to_beijing(kept.stored_at):%Y-%m-%d %H:%M:%S}{reason}", "bold")
    if before is None:
        paragraphs = kept.item.body_text.count("\n") + 1
        yield Text(
            f"  {paragraphs} paragraph{'s' * (paragraphs != 1)}, {len(kept.item.body_text)} characters", UNCHANGED
        )
        return
    fields = changed_fields(before.item, kept.item)
    stretches = list(changed_paragraphs(before.item.body_text, kept.item.body_text))
    for change in fields:
        yield Text(f"  {change.field}")
        yield from (Text(f"  {sign} {shown(value)}", style) for sign, value, style in
                    (("-", change.old, OLD), ("+", change.new, NEW)) if value not in (None, "", []))  # fmt: skip
    for stretch in stretches:
        yield from paragraphs_of(stretch)
    if not fields and not stretches:
        yield Text("  only its markup changed", UNCHANGED)


def paragraphs_of(stretch: Stretch) -> Iterator[Text]:
    from rich.text import Text

    if not stretch.is_change:
        number = len(stretch.new)
        yield Text(f"  … {number} paragraph{'s' * (number != 1)} as before", UNCHANGED)
        return
    yield from (Text(f"  - {plain(one)}", OLD) for one in stretch.old)
    yield from (Text(f"  + {plain(one)}", NEW) for one in stretch.new)


def shown(value: Any) -> str:
    """A field's value on one line."""
    if isinstance(value, datetime):
        return f"{to_beijing(value):%Y-%m-%d %H:%M:%S}"
    return plain(", ".join(map(str, value)) if isinstance(value, list) else value)
