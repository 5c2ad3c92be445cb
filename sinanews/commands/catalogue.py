"""``scrapy catalogue rebuild``: a new catalogue from the posts, where the old one was lost or broke.
``scrapy catalogue copy URL``: all of a catalogue into another database."""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
from collections import Counter
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from scrapy.addons import AddonManager
from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError
from scrapy.settings import BaseSettings

from sinanews.archive.forgetting import restore_forgotten
from sinanews.archive.old_posts import item_in_post, keep_old_posts
from sinanews.catalogue import Catalogue
from sinanews.catalogue.copying import copy
from sinanews.catalogue.forgotten import FORGOTTEN
from sinanews.catalogue.lock import holder
from sinanews.cleaning import clean_body
from sinanews.config import absolute_database_url, exports_folder, program
from sinanews.duplicates.fingerprint import sketch, text_digest
from sinanews.exceptions import ArgumentError, BadPost, CatalogueError, Refused, SinanewsError
from sinanews.listing.channels import CHANNELS
from sinanews.posts import read_post
from sinanews.posts.exporter import content_digest
from sinanews.posts.folder import posts_under
from sinanews.posts.naming import slug
from sinanews.posts.seed_identity import read_regular_file
from sinanews.stocks import share_code
from sinanews.terminal.output import lasting_output
from sinanews.terminal.show import existing_catalogue, plain, url_of_catalogue
from sinanews.urls import article_id
from sinanews.watch.outcomes import STORAGE, USAGE

NO_COPIES = ("live-", "bulletin-", "report-")  #: beginnings of the ids of what is no copy of anything
_PAPERS = {"bulletin": "announcement", "report": "research"}  #: of those of companies' papers → their kind
SPIDERS = ("sina_finance", "sina_company", "sina_live", "seeds")  #: whose runs a file's lock tells of
_AFTER_SLUG = re.compile(r"(?<![0-9])-(?=.)|-(?=[^0-9])")  # inside one a dash stands between figures
_NAME = re.compile(r"\d{4}-\d\d-\d\d-(?P<rest>.+)")


class Command(ScrapyCommand):
    """Posts are only read. What the catalogue has as exported stays as it is; files of others are named."""

    requires_project = True
    requires_crawler_process = False
    default_settings = {"LOG_ENABLED": False}

    def syntax(self) -> str:
        return "rebuild | copy DATABASE_URL"

    def short_desc(self) -> str:
        return "rebuild: take posts that the catalogue does not know into it; copy: move it into another database"

    @lasting_output
    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if args != ["rebuild"] and (len(args) != 2 or args[0] != "copy"):
            raise UsageError(
                f"write: {program()} catalogue rebuild, or: {program()} catalogue copy URL", print_help=False
            )
        assert self.settings is not None
        AddonManager.load_pre_crawler_settings(self.settings)
        try:
            exports = exports_folder(self.settings["SINANEWS_EXPORTS"])
            if args[0] == "copy":
                self.exitcode = copy_to(self.settings, absolute_database_url(args[1]), exports)
                return
            search = self.settings.getbool("SINANEWS_SEARCH")
            catalogue = Catalogue(url_of_catalogue(self.settings), search=search)
            self.exitcode = rebuild(catalogue, exports, datetime.now(timezone.utc))
            catalogue.close()
        except SinanewsError as error:
            print(f"sinanews: {error}", file=sys.stderr)
            self.exitcode = USAGE.code if isinstance(error, ArgumentError) else STORAGE.code


def copy_to(settings: BaseSettings, url: str, exports: Path) -> int:
    """Copy the settings' catalogue. What only posts have of old articles comes along. Raises SinanewsError."""
    source = existing_catalogue(settings)
    if source is None:
        raise CatalogueError("there is no catalogue to copy; SINANEWS_DATABASE names it")
    with closing(source), closing(Catalogue(url)) as target:
        if source.url == target.url:
            raise ArgumentError(f"{target} is the catalogue itself; name another database")
        for spider in SPIDERS:
            if source.path is not None and (pid := holder(source.path, spider)) is not None:
                raise CatalogueError(f"{source} is being worked with: {spider} runs (pid {pid}); wait for its end")
        while keep_old_posts(source, exports, datetime.now(timezone.utc)):
            pass  # the posts lie here, and perhaps on no other machine
        copied = list(copy(source, target))
    print(f"sinanews: {sum(one.rows for one in copied):,} rows of {len(copied)} tables are the same in both")
    print(f"sinanews: go on with: SINANEWS_DATABASE={target}")
    return 0


def rebuild(catalogue: Catalogue, exports: Path, now: datetime) -> int:
    """Exit code 0, or 1 where a file could not be taken in. Raises CatalogueError."""
    done: Counter[str] = Counter()
    done["forgotten before"] += restore_forgotten(catalogue, exports)
    for path in posts_under(exports):
        name = path.relative_to(exports).as_posix()
        try:
            done[take_in(catalogue, path, name)] += 1
        except CatalogueError:
            raise
        except Exception as error:  # whatever one file holds, those after it are read
            done["left out"] += 1
            why = str(error) if isinstance(error, Refused) else f"{type(error).__name__}: {error}"
            print(f"left out: {plain(name)}: {plain(why)[:300]}", file=sys.stderr)
    print("sinanews: " + (", ".join(f"{n} {what}" for what, n in done.items() if n) or f"no posts in {exports}"))
    return int(bool(done["left out"]))


def take_in(catalogue: Catalogue, path: Path, name: str) -> str:
    """What became of a post, in words. Raises Refused for a file that is none of ours."""
    row, data = row_of(path, name)
    before = catalogue.article(row["id"])
    if before is not None and before.state == "exported":
        return "known already" if before.path == name else "second files"
    gone = catalogue.forgotten.by_digest(row["url"], row["text_digest"])
    if (before is not None and before.state == FORGOTTEN) or (gone is not None and before is None):
        return "left out, for they were forgotten"
    content = item_in_post(row, data)
    if content is not None and content.is_paper and (code := share_code(path.parts[-3])):
        content.stocks = list(dict.fromkeys([code, *content.stocks]))  # it lies in the folder of the share
    catalogue.record(now=row["exported_at"], article_id=row.pop("id"), content=content, **row)
    return "taken in"


def row_of(path: Path, name: str) -> tuple[dict[str, Any], bytes]:
    """The catalogue's row of a post of ours, and the post. Raises Refused for any other file.

    A post whose id could not be a file name has a digest in its place; the catalogue puts the id
    in when a list names it again.
    """
    if not name.isprintable():
        raise BadPost("its name is not one of ours")
    data = read_regular_file(path)
    post = read_post(data, extra=("sina_id", "url"))
    match = _NAME.fullmatch(path.stem)
    if match is None:
        raise BadPost("its name is not one of ours")
    given, url = (value if isinstance(value := post.extra.get(key), str) else None for key in ("sina_id", "url"))
    url = url or post.source
    words = clean_body(post.body, url).text
    written = datetime.fromtimestamp(path.stat().st_mtime, timezone.utc)
    key = given or (url and article_id(url)) or id_in_name(match["rest"], post.title)
    channel = next((c.slug for c in CHANNELS if list(c.categories) == post.categories), None)
    row = {
        "id": key,
        "url": url or None,
        "state": "exported",
        "title": post.title,
        "channel": None if key.startswith("seed-") else channel,
        "kind": _PAPERS.get(key.partition("-")[0]),
        "published_at": post.date,
        "exported_at": written,
        "path": name,
        "file_digest": hashlib.sha256(data).hexdigest(),
        "content_digest": content_digest(data),
        "text_digest": None if key.startswith(NO_COPIES[1:]) else text_digest(post.title, words),
        "sketch": None if key.startswith(NO_COPIES) else sketch(post.title, words),
        "revision": 1,
    }
    return row, data


def id_in_name(rest: str, title: str) -> str:
    """The id in ``<title>-<id>``; neither a slug nor a title's end tells them apart where the title changed since.

    >>> id_in_name('央行降准-imizmscv8626000', '央行降准'), id_in_name('seed-adc2d38298fc83fa', '？')
    ('imizmscv8626000', 'seed-adc2d38298fc83fa')
    >>> id_in_name('1-4月涨5-2-finance-20261118-183600000000', '更正过的标题')
    'finance-20261118-183600000000'
    """
    head = slug(title)
    if not head:
        return rest
    if rest.startswith(f"{head}-"):
        return rest.removeprefix(f"{head}-")
    after_slug = _AFTER_SLUG.search(rest)
    return rest[after_slug.end() :] if after_slug else rest
