"""The newest articles as they are read inside the page: text and tables, no pictures, nothing that loads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from sinanews.catalogue import Catalogue
from sinanews.cleaning.readable import readable

READINGS, READINGS_SIZE = 200, 1_200_000  #: articles at most, and bytes of their bodies


@dataclass(frozen=True)
class Readable:
    """One article, its body safe to show as it is."""

    id: str
    title: str
    url: str | None
    media: str | None
    author: str | None
    published_at: datetime | None
    body: str


def readings(catalogue: Catalogue, newest: Iterable[Row[Any]], picture: str) -> Iterator[Readable]:
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
        yield Readable(item.id, item.title, item.url, item.media, item.author, item.published_at, body)
