"""The titles that the report searches, with the address of each article, as small as they can be made."""

from __future__ import annotations

import base64
import json
import zlib
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Row

from sinanews.dates import to_beijing
from sinanews.terminal.show import plain

SAMPLE = 5000  #: titles that show how many will fit in
EPOCH = date(1970, 1, 1)  #: stands for no date
DAY, ID = "\x01", "\x02"  #: in an address: the article's day, and its id


@dataclass
class Titles:
    """Columns, an article a place. Of an address only what does not follow from day and id is stored."""

    titles: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    days: array[int] = field(default_factory=lambda: array("l"))  #: since EPOCH
    forms: array[int] = field(default_factory=lambda: array("l"))  #: places in ``addresses``
    addresses: dict[str, int] = field(default_factory=dict)

    def add(self, row: Row[Any]) -> None:
        day = to_beijing(row.published_at).date() if row.published_at else EPOCH
        form = (row.url or "").replace(day.isoformat(), DAY).replace(row.id, ID)
        self.titles.append(plain(row.title))
        self.ids.append(plain(row.id))
        self.days.append((day - EPOCH).days)
        self.forms.append(self.addresses.setdefault(form, len(self.addresses)))

    def packed(self, number: int) -> bytes:
        """The first so many as base64 of deflated GB18030 JSON, which needs two bytes where UTF-8 needs three."""
        columns = {
            "titles": "\n".join(self.titles[:number]),
            "ids": "\n".join(self.ids[:number]),
            "days": self.days[:number].tolist(),
            "forms": self.forms[:number].tolist(),
            "addresses": list(self.addresses),
        }
        return base64.b64encode(zlib.compress(json.dumps(columns, ensure_ascii=False).encode("gb18030"), 9))


def pack_titles(rows: Iterable[Row[Any]], room: int) -> tuple[str, int]:
    """Titles and addresses for the page's search in ``room`` bytes, and how many of the rows fitted in.

    The others are not read.
    """
    titles, most = Titles(), 0
    for number, row in enumerate(rows, 1):
        titles.add(row)
        if number == SAMPLE:
            most = SAMPLE * room // len(titles.packed(SAMPLE))
        if number >= SAMPLE and number >= most:
            break
    number = min(len(titles.titles), most or SAMPLE)
    while len(packed := titles.packed(number)) > room and number:
        number = int(number * max(room, 0) / len(packed) * 0.99)
    return packed.decode(), number
