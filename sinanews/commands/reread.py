"""``scrapy reread``: pages that were kept as they came, read again by today's rules, without asking the site."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any

from scrapy.exceptions import UsageError
from scrapy.utils.conf import arglist_to_dict

from sinanews import arguments
from sinanews.archive.history import changed_fields
from sinanews.archive.rereading import REASON, STATES, Reread, Rereader, rules
from sinanews.archive.storing import Store
from sinanews.arguments import parse_arguments, since_when
from sinanews.catalogue import Catalogue
from sinanews.catalogue.contents import Kept
from sinanews.catalogue.tables import articles
from sinanews.commands.history import revision_lines, shown
from sinanews.config import exports_folder
from sinanews.exceptions import ArgumentError
from sinanews.listing.channels import select_channels
from sinanews.originals import check_warcio
from sinanews.posts.exporter import PostRenderer
from sinanews.posts.folder import ExportFolder
from sinanews.posts.no_folder import NoFolder
from sinanews.terminal.show import CatalogueCommand, console, plain
from sinanews.watch.outcomes import INTERRUPTED

a = articles.c
WIDEST = 60  #: characters of a value
#: What became of an article, where that is worth a line, and what can be done.
TOLD = {
    "edited": "was edited by hand and stays; --force writes it anew and keeps the edited one in .superseded/",
    "no longer read": "is an article in the archive, and to today's rules it is none; it stays",
    "damaged": "its page, or what the catalogue has of it, is damaged: scrapy verify",
    "mistakes": "a mistake in sinanews: please report it",
}


def states(text: str) -> tuple[str, ...]:
    found = arguments.names(text)
    if not {*found} <= {*STATES}:
        raise ArgumentError(f"write one or more of {', '.join(STATES)}")
    return found


def part(text: str) -> tuple[int, int]:
    """``2/4``: the second of four."""
    number, _, parts = text.partition("/")
    found = arguments.positive(number), arguments.positive(parts)
    if found[0] > found[1]:
        raise ArgumentError("there are not so many parts; write 2/4 for the second of four")
    return found


ARGUMENTS: Mapping[str, Any] = {
    "since": arguments.day_or_age,
    "channels": lambda text: select_channels(arguments.names(text)),
    "layout": arguments.names,
    "state": states,
    "reason": arguments.names,
    "part": part,
}


class Command(CatalogueCommand):
    """Exit code 0: every page was read; 1: some articles were left as they are, each with a line; 130: interrupted."""

    def syntax(self) -> str:
        return "[options] [ID ...]"

    def short_desc(self) -> str:
        return "Read pages that were kept as they came again, by today's rules; what is different is a revision"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("-a", dest="given", action="append", default=[], metavar="NAME=VALUE",
                            help=f"which articles: {', '.join(ARGUMENTS)}")  # fmt: skip
        parser.add_argument("--dry-run", action="store_true", help="only say what would change, field by field")
        parser.add_argument("--show", metavar="ID", help="only show what would change of one article")
        parser.add_argument("--force", action="store_true", help="edited posts too; they are kept in .superseded/")
        parser.add_argument("--restart", action="store_true", help="begin anew where an earlier run was interrupted")

    def take(self, args: list[str]) -> None:
        self.ids = args

    def show(self, catalogue: Catalogue, opts: argparse.Namespace) -> int:
        check_warcio("scrapy reread")
        try:
            given = arglist_to_dict(opts.given)
        except ValueError:
            raise UsageError("-a takes NAME=VALUE, such as -a since=30d", print_help=False) from None
        reader = self.reader(catalogue, parse_arguments(ARGUMENTS, given), opts)
        if opts.show:
            return show_one(opts.show, next(reader.these([opts.show]), None))
        work = ReadingAgain(catalogue, reader, "" if opts.dry_run or self.ids else name_of_reading(given))
        try:
            for one in reader.these(sorted({*self.ids})) if self.ids else work.all(opts.restart):
                work.tell(one)
        except KeyboardInterrupt:
            print(f"sinanews: {INTERRUPTED.words.partition(';')[0]}; the same command goes on", file=sys.stderr)
            return INTERRUPTED.code
        return work.summary()

    def reader(self, catalogue: Catalogue, options: Mapping[str, Any], opts: argparse.Namespace) -> Rereader:
        assert self.settings is not None
        posts = self.settings.getbool("SINANEWS_POSTS", True)
        folder = (ExportFolder if posts else NoFolder)(exports_folder(self.settings["SINANEWS_EXPORTS"]))
        render, policy = PostRenderer.from_settings(self.settings), self.settings["SINANEWS_DUPLICATES"]
        store = Store(catalogue, folder, render, policy, lambda: datetime.now(timezone.utc), why=REASON)
        where = tuple(conditions(options)) if not (opts.show or self.ids) else ()
        dry = opts.dry_run or bool(opts.show)
        return Rereader(catalogue, store, where, options.get("part", (1, 1)), opts.force, dry)


class ReadingAgain:
    """The reading of many, and what is said of it."""

    def __init__(self, catalogue: Catalogue, reader: Rereader, name: str) -> None:
        self.catalogue, self.reader = catalogue, reader
        self.name = name  #: under which is remembered how far it has come; empty: it is not
        self.done: Counter[str] = Counter()
        self.fields: Counter[str] = Counter()

    def all(self, restart: bool) -> Iterator[Reread]:
        """From where an interrupted run of the same arguments and the same rules has come to."""
        originals = self.catalogue.originals
        after = position = originals.position(self.name) if self.name and not restart else ""
        if after:
            print(f"sinanews: going on after {plain(after)}; --restart begins anew", file=sys.stderr)
        for one in self.reader.all(after):
            if self.name and self.reader.position > position:
                position = self.reader.position
                originals.keep_position(self.name, position)
            yield one
        if self.name:
            originals.keep_position(self.name, None)

    def tell(self, one: Reread) -> None:
        self.done[one.what] += 1
        self.fields.update(one.changed)
        if one.what in TOLD:
            print(f"{plain(one.article)} {TOLD[one.what]}" + f" ({plain(one.why)})" * bool(one.why), file=sys.stderr)
        if self.reader.dry and one.after is not None:
            print(f"{plain(one.article)}  {plain(one.after.title)}")
            for line in changes(one):
                print(f"  {line}")

    def summary(self) -> int:
        for name, number in self.fields.most_common():
            print(f"{number:>10,} {name}")
        would = "would be " * self.reader.dry
        words = ", ".join(
            f"{number:,} {would if what in ('revised', 'new') else ''}{what}" for what, number in self.done.items()
        )
        print(f"sinanews: pages read again: {words or 'none; SINANEWS_ORIGINALS=1 keeps those of later crawls'}")
        return int(bool(self.done.keys() & TOLD.keys()))


def conditions(options: Mapping[str, Any]) -> Iterator[Any]:
    yield a.state.in_(options.get("state", STATES))
    if "since" in options:
        yield a.published_at >= since_when(options["since"], datetime.now(timezone.utc))
    if "channels" in options:
        yield a.channel.in_([channel.slug for channel in options["channels"]])
    for name in {"layout", "reason"} & options.keys():
        yield a[name].in_(options[name])


def name_of_reading(given: Mapping[str, str]) -> str:
    """The name of a reading: of its arguments and of the rules, so that with mended rules it begins anew."""
    digest = hashlib.sha256(json.dumps(sorted(given.items())).encode() + rules())
    return f"{REASON}:{digest.hexdigest()[:24]}"


def changes(one: Reread) -> Iterator[str]:
    """What differs, a line each; of texts only that they do: --show has them."""
    if one.before is None or one.after is None:
        yield "would be an article"
        return
    told = {change.field: change for change in changed_fields(one.before, one.after)}
    for name in one.changed:
        change = told.get(name)
        values = (shown(v)[:WIDEST] or "nothing" for v in (change.old, change.new)) if change is not None else ()
        yield f"{name}: {' -> '.join(values)}" if change is not None else name


def show_one(article: str, one: Reread | None) -> int:
    """Print the diff of one article."""
    if one is None:
        print(f"sinanews: {plain(article)}: no page of such an article is kept", file=sys.stderr)
        return 1
    if one.after is None:
        print(f"sinanews: {plain(article)}: {one.what}{f' ({plain(one.why)})' * bool(one.why)}")
        return int(one.what in TOLD)
    now, out = datetime.now(timezone.utc), console()
    before = Kept(0, now, one.before, False) if one.before is not None else None
    for line in list(revision_lines(before, Kept(0, now, one.after, False)))[1:]:
        out.print(line, soft_wrap=True)
    return 0
