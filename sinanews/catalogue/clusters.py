"""Stories of which there are several copies, the largest first; read by and by, however many there are."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import Row, func, select

from sinanews.catalogue.catalogue import Catalogue
from sinanews.catalogue.queries import rows_of, streamed
from sinanews.catalogue.tables import COPY, articles

BATCH = 200  #: stories whose articles are read at once
a = articles.c
_COLUMNS = (a.id, a.title, a.url, a.media, a.reason, a.similarity, a.published_at, a.duplicate_of, a.path)


@dataclass(frozen=True)
class StoryCopy:
    """A copy of a story, beside the one that the archive keeps."""

    id: str
    title: str | None
    url: str | None
    media: str | None
    reason: str | None
    similarity: float | None
    published_at: datetime | None
    lag: timedelta | None  #: published so long after the winner; negative: before it


@dataclass(frozen=True)
class Cluster:
    """One story: the copy that the archive keeps, and the others, as they were published."""

    winner: str
    title: str | None
    url: str | None
    media: str | None
    published_at: datetime | None
    path: str | None
    copies: list[StoryCopy]


@dataclass(frozen=True)
class _Story:
    winner: str
    size: int  #: copies besides the winner
    names: tuple[str, ...]  #: all that its copies are said to be copies of
    is_circle: bool = False  #: whether the winner is said to be a copy of its copies

    def __lt__(self, other: _Story) -> bool:
        return (-self.size, self.winner) < (-other.size, other.winner)


class Clusters:
    """The stories of a catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._sizes = select(a.duplicate_of, func.count()).where(COPY).group_by(a.duplicate_of)
        #: Those of which a winner was itself found to be a copy later: they are few.
        self._chained = sorted(self._chained_stories())

    def _chained_stories(self) -> Iterator[_Story]:
        query = select(a.id, a.duplicate_of).where(COPY, a.id.in_(select(a.duplicate_of).where(COPY)))
        links = {row.id: row.duplicate_of for row in rows_of(self.catalogue, query)}
        for winner, names in _chains(links).items():
            rows = rows_of(self.catalogue, self._sizes.where(a.duplicate_of.in_(names)))
            circle = winner in links
            yield _Story(winner, sum(size for _, size in rows) - circle, tuple(names), circle)

    def totals(self) -> tuple[int, int]:
        """How many stories there are, and how many copies of them."""
        query = select(func.count(a.duplicate_of.distinct()), func.count()).where(COPY)
        ((named, copies),) = rows_of(self.catalogue, query)
        circles = sum(story.is_circle for story in self._chained)
        return named - sum(len(story.names) - 1 for story in self._chained), copies - circles

    def _names(self) -> set[str]:
        return {name for story in self._chained for name in story.names}

    def __iter__(self) -> Iterator[Cluster]:
        stories = self._stories()
        while batch := list(islice(stories, BATCH)):
            yield from self._clusters(batch)

    def _stories(self) -> Iterator[_Story]:
        names = self._names()
        rows = streamed(self.catalogue, self._sizes.order_by(func.count().desc(), a.duplicate_of))
        alone = (_Story(winner, size, (winner,)) for winner, size in rows if winner not in names)
        yield from heapq.merge(alone, self._chained)

    def _clusters(self, stories: Sequence[_Story]) -> Iterator[Cluster]:
        winner_of = {name: story.winner for story in stories for name in story.names}
        members: dict[str, list[Row[Any]]] = defaultdict(list)
        for row in rows_of(self.catalogue, select(*_COLUMNS).where(COPY, a.duplicate_of.in_(winner_of))):
            members[winner_of[row.duplicate_of]].append(row)
        winners = select(*_COLUMNS).where(a.id.in_([story.winner for story in stories]))
        kept = {row.id: row for row in rows_of(self.catalogue, winners)}
        for story in stories:
            yield _cluster(story.winner, kept.get(story.winner), members[story.winner])


def _chains(links: Mapping[str, str]) -> dict[str, list[str]]:
    """The last of each chain → all of it; of copies of each other the least counts as the last.

    >>> _chains({"c": "b", "b": "a", "d": "a"})
    {'a': ['a', 'c', 'b', 'd']}
    >>> _chains({"y": "x", "x": "y"})
    {'x': ['x', 'y']}
    """
    found: dict[str, list[str]] = {}
    for name in links:
        last = _last(name, links)
        names = found.setdefault(last, [last])
        names += [name] * (name != last)
    return found


def _last(name: str, links: Mapping[str, str]) -> str:
    way: list[str] = []
    while name in links and name not in way:
        way.append(name)
        name = links[name]
    return min(way[way.index(name) :]) if name in way else name


def _cluster(winner: str, kept: Row[Any] | None, rows: Sequence[Row[Any]]) -> Cluster:
    first = kept.published_at if kept else None
    copies = [
        StoryCopy(row.id, row.title, row.url, row.media, row.reason, row.similarity, row.published_at,
             row.published_at - first if first and row.published_at else None)
        for row in sorted(rows, key=lambda r: (r.published_at is None, r.published_at, r.id))
        if row.id != winner
    ]  # fmt: skip
    if kept is None:
        return Cluster(winner, None, None, None, None, None, copies)
    return Cluster(winner, kept.title, kept.url, kept.media, first, kept.path, copies)
