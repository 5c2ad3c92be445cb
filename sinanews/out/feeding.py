"""Which feeds there are, and writing them: by ``scrapy feed``, and after each run by SINANEWS_FEEDS."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sinanews.config import project_folder
from sinanews.exceptions import ArgumentError, SinanewsError
from sinanews.listing.channels import AUTHOR, channel_by_slug
from sinanews.out.archive import Archive
from sinanews.out.feeds import FORMS, About
from sinanews.out.filters import parse_filters
from sinanews.posts.folder import write_file

NEWEST = 50  #: articles of a feed
BOTH = ("atom.xml", "feed.json")  #: the files of a feed that is given a folder
_EXAMPLE = '{"file": "feeds/china.xml", "arguments": {"channels": "china"}, "limit": 50}'
_KEYS = {"file", "arguments", "search", "limit", "title", "url"}


@dataclass(frozen=True)
class Feed:
    """A row of SINANEWS_FEEDS: where it lies, and which articles are in it."""

    file: Path  #: or a folder, for both forms
    arguments: Mapping[str, str] = field(default_factory=dict)  #: filters, as after -a
    search: str | None = None
    limit: int = NEWEST
    title: str | None = None
    url: str | None = None  #: at which readers get the file, or the folder

    def files(self) -> Iterator[tuple[Path, str | None]]:
        """Each file and its address. Raises ArgumentError for an ending that is none of ours."""
        if self.file.suffix.lower() in FORMS and not self.file.is_dir():
            yield self.file, self.url
        elif self.file.suffix and not self.file.is_dir():
            raise ArgumentError(f"{self.file.name}: no feed of that ending; write {', '.join(FORMS)}, or a folder")
        else:
            for name in BOTH:
                yield self.file / name, f"{self.url.rstrip('/')}/{name}" if self.url else None

    def about(self, url: str | None) -> About:
        asked = {**self.arguments, **({"search": self.search} if self.search else {})}
        return About(self.title or self._title(), urlencode(sorted(asked.items())), url)

    def _title(self) -> str:
        """新浪财经－国內 for a channel; the values of what else was asked for."""
        slugs = self.arguments.get("channels", "").split(",")
        names = [known.title if (known := channel_by_slug(slug)) else slug for slug in slugs if slug]
        rest = [value for name, value in self.arguments.items() if name != "channels"]
        return "－".join([AUTHOR, *filter(None, ["、".join(names), *rest, self.search or ""])])


def write_feed(archive: Archive, feed: Feed, now: datetime) -> int:
    """Write its files, each whole or not at all; how many articles are in it. Raises SinanewsError."""
    filters, files = parse_filters(feed.arguments, now), list(feed.files())
    found = archive.search(feed.search, filters, limit=feed.limit) if feed.search else archive.articles(filters)
    articles = list(islice(found, feed.limit))
    for path, url in files:
        data = FORMS[path.suffix.lower()](articles, feed.about(url), now)
        write_file(path, data)
    return len(articles)


def write_feeds(archive: Archive, feeds: Iterable[Feed], now: datetime) -> Iterator[SinanewsError]:
    """Write each, whatever becomes of the others; what went wrong."""
    for feed in feeds:
        try:
            write_feed(archive, feed, now)
        except SinanewsError as error:
            yield error


def parse_feeds(setting: Any) -> tuple[Feed, ...]:
    """The feeds of SINANEWS_FEEDS: a list of dicts, or that as JSON. Raises ArgumentError that names the row."""
    try:
        rows = json.loads(setting) if isinstance(setting, str) and setting else setting or []
    except ValueError as error:
        raise ArgumentError(f"SINANEWS_FEEDS is no JSON ({error}); write [{_EXAMPLE}]") from None
    if not isinstance(rows, (list, tuple)):
        raise ArgumentError(f"SINANEWS_FEEDS is no list; write [{_EXAMPLE}]")
    feeds = []
    for number, row in enumerate(rows, start=1):
        try:
            feeds.append(_feed(row))
        except ArgumentError as error:
            raise ArgumentError(f"SINANEWS_FEEDS, row {number}: {error}") from None
    return tuple(feeds)


def _feed(row: Any) -> Feed:
    if not isinstance(row, Mapping) or not {"file"} <= set(row) <= _KEYS:
        raise ArgumentError(f"not of the form {_EXAMPLE}; also search, title, url")
    arguments, limit = row.get("arguments") or {}, row.get("limit", NEWEST)
    if not isinstance(arguments, Mapping) or not all(isinstance(value, (str, int)) for value in arguments.values()):
        raise ArgumentError('arguments are names with texts, such as {"channels": "china"}')
    if not isinstance(limit, int) or limit < 1:
        raise ArgumentError("limit is no whole number from 1")
    texts = {name: row.get(name) for name in ("search", "title", "url")}
    if bad := [name for name, text in texts.items() if not isinstance(text, str | None)]:
        raise ArgumentError(f"{bad[0]} is no text")
    file = project_folder() / Path(str(row["file"])).expanduser()
    feed = Feed(file, {str(k): str(v) for k, v in arguments.items()}, limit=limit, **texts)
    parse_filters(feed.arguments, datetime.now().astimezone())
    list(feed.files())
    return feed
