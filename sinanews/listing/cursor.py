"""The second feed of the 7x24 service, page below page by a row's id: for what a room's own feed no longer shows. Pure.

``app.cj.sina.com.cn``, as two public clients read it. How far back it goes, and whether its ids are those of the rooms,
nobody says.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlencode

from sinanews.exceptions import ListingError
from sinanews.listing.live import page_of
from sinanews.listing.paging import Pager
from sinanews.listing.roll import Listing, ListingPage, number_of, result_of

CURSOR_API = "https://app.cj.sina.com.cn/api/news/pc"
CURSOR_ROOM = 152  #: the only room whose rows the cursor feed is known to have
CURSOR_SIZE = 50
MOST_CURSOR_PAGES = 2000  #: 100,000 rows: some fifty days
_OWN_ID = f"live-{CURSOR_ROOM}-c"


@dataclass
class CursorPager(Pager):
    """A pager over the cursor feed, for the gaps that a room's feed no longer reaches. Each page begins below an id.

    Whether the ids are the room's shows where both have a row of the same second and headline: ``same_ids``. Until
    then, or where they differ, a row that the room has not shown goes by an id of its own.
    """

    unfinished: frozenset[str] = frozenset()  #: keys of rows that an earlier run left undone
    same_ids: bool | None = None
    _lowest: int | None = None  #: the smallest id of the feed so far
    _was_lowest: int | None = None

    @property
    def url(self) -> str:
        below = {"id": self._lowest, "type": 1} if self._lowest is not None else {}
        return f"{CURSOR_API}?{urlencode({'page': 1, 'size': CURSOR_SIZE, 'tag': 0, **below})}"

    def admits(self, row: Listing) -> bool:
        when = row.published_at
        return row.key in self.unfinished or any(when and gap.after <= when <= gap.before for gap in self.closes)

    def matched(self, answer: ListingPage, ids: Mapping[tuple[datetime, str], Collection[str]]) -> ListingPage:
        """The page with the ids that its rows have in the archive; ``ids``: (published_at, title) → ids there."""
        numbers = [number for row in answer.rows if (number := number_of(row.key.rpartition("-")[2]))]
        lowest = [*numbers, self._lowest] if self._lowest is not None else numbers
        self._was_lowest, self._lowest = self._lowest, min(lowest, default=None)
        twins = [ids.get((row.published_at, row.title), ()) if row.published_at else () for row in answer.rows]
        of_room = [{i for i in twin if not i.startswith(_OWN_ID)} for twin in twins]
        told = [row.key in twin for row, twin in zip(answer.rows, of_room, strict=True) if twin]
        if told and self.same_ids is not False:
            self.same_ids = all(told)
        rows = []
        for row, twin in zip(answer.rows, twins, strict=True):
            key = row.key if self.same_ids or row.key in twin else own_id(row.key)
            rows.append(replace(row, id=key if not twin or key in twin else min(twin)))
        return replace(answer, rows=tuple(rows))

    def goes_on(self, answer: ListingPage, known: Collection[str], now: datetime) -> bool:
        times = [row.published_at for row in answer.rows if row.published_at]
        self.bottom = min([*times, self.bottom] if self.bottom else times, default=self.bottom)
        if not answer.rows or self._lowest == self._was_lowest:
            self.ended = "end"
        elif self.stop_at is not None and times and max(times) < self.stop_at:
            self.ended = "passed"
        elif self.page >= self.max_pages:
            self.ended = "limit"
        self.page += not self.ended
        return not self.ended

    def goes_on_after_failure(self) -> bool:
        return False  # what is below is reached through this page only


def parse_cursor(body: bytes) -> ListingPage:
    """The cursor feed's answer, whose rows may lack their room. Raises ListingError.

    Where in ``data`` its list stands no saved answer says: as in the rooms' feed, or a level or two higher.
    """
    data = result_of(body).get("data")
    feed = data.get("feed", data) if isinstance(data, dict) else data
    rows = feed.get("list") if isinstance(feed, dict) else feed
    if rows is not None and not isinstance(rows, list):
        raise ListingError("no list of rows in the answer", "shape")
    rooms = [{"zhibo_id": CURSOR_ROOM, **row} if isinstance(row, dict) else row for row in rows or ()]
    answer = page_of(rooms, None)
    ours = tuple(row for row in answer.rows if row.key.startswith(f"live-{CURSOR_ROOM}-"))
    return replace(answer, rows=ours)


def own_id(key: str) -> str:
    """The id of a row of the cursor feed whose ids are not the room's.

    >>> own_id("live-152-77")
    'live-152-c77'
    """
    return _OWN_ID + key.rpartition("-")[2]
