"""The titles that the report searches, with the way to each post, as small as they can be made."""

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
from sinanews.posts.naming import file_id, slug
from sinanews.terminal.show import plain

TITLES_SIZE = 4_700_000  #: bytes of the page that the titles may take; of a larger archive the newest are searchable
SAMPLE = 5000  #: titles that show how many will fit in
EPOCH = date(1970, 1, 1)  #: stands for no date


@dataclass
class Titles:
    """Columns, an article a place. A path that follows from title, day and id is not stored."""

    titles: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    days: array[int] = field(default_factory=lambda: array("l"))  #: since EPOCH
    folders: array[int] = field(default_factory=lambda: array("l"))  #: places in ``names``
    names: dict[str, int] = field(default_factory=dict)
    paths: dict[int, str] = field(default_factory=dict)

    def add(self, row: Row[Any]) -> None:
        title, path, name = plain(row.title), row.path or "", file_id(row.id)
        day = to_beijing(row.published_at).date() if row.published_at else EPOCH
        folder, written = "/".join(path.split("/")[:-3]), day.isoformat()
        stem = "-".join(part for part in (written, slug(title), name) if part)
        if day == EPOCH or path != f"{folder}/{written[:4]}/{written[5:7]}/{stem}.md":
            self.paths[len(self.titles)] = path
            name = ""
        self.titles.append(title)
        self.ids.append(name)
        self.days.append((day - EPOCH).days)
        self.folders.append(self.names.setdefault(folder, len(self.names)))

    def packed(self, number: int) -> bytes:
        """The first so many as base64 of deflated GB18030 JSON, which needs two bytes where UTF-8 needs three."""
        columns = {
            "titles": "\n".join(self.titles[:number]),
            "ids": "\n".join(self.ids[:number]),
            "days": self.days[:number].tolist(),
            "folders": self.folders[:number].tolist(),
            "names": list(self.names),
            "paths": {place: path for place, path in self.paths.items() if place < number},
        }
        return base64.b64encode(zlib.compress(json.dumps(columns, ensure_ascii=False).encode("gb18030"), 9))


def pack_titles(rows: Iterable[Row[Any]]) -> tuple[str, int]:
    """Titles and paths for the page's search, and how many of the rows fitted in; the others are not read."""
    titles, most = Titles(), 0
    for number, row in enumerate(rows, 1):
        titles.add(row)
        if number == SAMPLE:
            most = SAMPLE * TITLES_SIZE // len(titles.packed(SAMPLE))
        if number >= SAMPLE and number >= most:
            break
    number = min(len(titles.titles), most or SAMPLE)
    while len(packed := titles.packed(number)) > TITLES_SIZE:
        number = int(number * TITLES_SIZE / len(packed) * 0.99)
    return packed.decode(), number
