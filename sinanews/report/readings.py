"""The newest articles as they are read inside the page: text and tables, no pictures, nothing that loads."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import nh3
from sqlalchemy import Row

from sinanews.catalogue import Catalogue

READINGS, READINGS_SIZE = 200, 1_200_000  #: articles at most, and bytes of their bodies
_TAGS = set(
    "p br h2 h3 h4 h5 h6 strong b em i u s sub sup figure figcaption blockquote pre ul ol li dl dt dd "
    "table caption thead tbody tr th td a".split()
)
_ATTRIBUTES = {"*": set[str](), "a": {"href"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}}
_CLEANER = nh3.Cleaner(tags=_TAGS, attributes=_ATTRIBUTES, url_schemes={"http", "https"}, link_rel="noreferrer")
_PICTURE = re.compile(r'<img\b[^>]*?\bsrc="(https?://[^"]*)"[^>]*>')


@dataclass(frozen=True)
class Reading:
    """One article, its body safe to show as it is."""

    id: str
    title: str
    url: str | None
    media: str | None
    author: str | None
    published_at: datetime | None
    body: str


def readings(catalogue: Catalogue, newest: Iterable[Row[Any]], picture: str) -> Iterator[Reading]:
    """The newest of the articles whose contents the catalogue has, as many as fit in.

    ``picture`` names the link that stands for one.
    """
    room = READINGS_SIZE
    for row in newest:
        try:
            kept = catalogue.contents.get(row.id, row.revision)
        except ValueError:  # damaged: scrapy verify tells
            kept = None
        if kept is None:
            continue
        item = kept[0]
        body = readable(item.body_html, picture)
        room -= len(body.encode("utf-8", "replace"))
        if room < 0:
            return
        yield Reading(item.id, item.title, item.url, item.media, item.author, item.published_at, body)


def readable(html: str, picture: str) -> str:
    """A body without what a browser would load: pictures are links.

    >>> readable('<p onclick="x()">甲<img src="https://n.sinaimg.cn/a.jpg" alt=""></p><script>1</script>', "[picture]")
    '<p>甲<a href="https://n.sinaimg.cn/a.jpg" rel="noreferrer">[picture]</a></p>'
    """
    return _CLEANER.clean(_PICTURE.sub(rf'<a href="\1">{picture}</a>', html))
