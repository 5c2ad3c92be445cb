"""How far a list is read: decisions only, no requests."""

from __future__ import annotations

import os
from collections.abc import Collection
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinanews.channels import DEFAULT
from sinanews.dates import BEIJING
from sinanews.listings import Listing, ListingPage
from sinanews.walks import Gap, Walk, day_walks, gap_walks, is_settled, without_windows

EXAMPLES = settings(max_examples=int(os.environ.get("SINANEWS_EXAMPLES", "50")), deadline=None)
NOW = datetime(2026, 11, 20, 18, tzinfo=BEIJING)
SIZE = 5


def row(number: int, **changes: object) -> Listing:
    """The higher the number, the newer; a minute apart."""
    values = {"id": f"i{number}", "url": "", "title": "", "published_at": NOW - timedelta(minutes=1000 - number)}
    return Listing(**{**values, **changes})  # type: ignore[arg-type]


def page(rows: Collection[Listing], number: int, total: int | None = None, size: int = SIZE) -> ListingPage:
    newest_first = list(rows)[(number - 1) * size : number * size]
    return ListingPage(tuple(newest_first), len(rows) if total is None else total)


def read(walk: Walk, lists: list[list[Listing]], known: Collection[str] = ()) -> list[int]:
    """Walk over a list that is as ``lists`` says at each request, the last one from then on; the pages asked for."""
    asked: list[int] = []
    while True:
        answer = page(lists[min(len(asked), len(lists) - 1)], walk.page)
        asked.append(walk.page)
        walk.new_rows(answer, NOW)
        if not walk.goes_on(answer, known, NOW):
            return asked


def rows(newest: int, oldest: int = 1) -> list[Listing]:
    return [row(n) for n in range(newest, oldest - 1, -1)]


def keys(newest: int, oldest: int = 1) -> set[str]:
    return {r.key for r in rows(newest, oldest)}


def listed_until(number: int) -> datetime | None:
    return row(number).published_at


def test_a_first_walk_reads_to_the_end() -> None:
    walk = Walk(DEFAULT)
    assert read(walk, [rows(12)], keys(12)) == [1, 2, 3, 4]
    assert (walk.ended, walk.seen, walk.newest) == ("end", keys(12), listed_until(12))


def test_nothing_new_is_one_page() -> None:
    walk = Walk(DEFAULT, listed_until=listed_until(40))
    assert read(walk, [rows(40)], keys(40)) == [1]
    assert walk.ended == "known"


def test_known_rows_newer_than_the_mark_do_not_end_it() -> None:
    """A killed run knew them, but had not come to what lies below."""
    walk = Walk(DEFAULT, listed_until=listed_until(20))
    assert read(walk, [rows(40)], keys(40) - keys(30, 21)) == [1, 2, 3, 4, 5]


def test_pinned_and_late_rows_do_not_end_it() -> None:
    pinned = [row(1), row(2), row(3), row(4), row(5)]
    walk = Walk(DEFAULT, listed_until=listed_until(30))
    read(walk, [[*pinned, *rows(40, 6)]], keys(30))
    assert walk.seen >= keys(40, 31) or walk.ended == "known"
    late = row(27, id="late")  # entered the list below what was known already
    walk = Walk(DEFAULT, listed_until=listed_until(30))
    read(walk, [[*rows(33, 28), late, *rows(27)]], keys(30))
    assert "late" in walk.seen


def test_a_row_dated_in_the_future_neither_marks_nor_ends() -> None:
    ahead = row(9, id="ahead", published_at=NOW + timedelta(days=3000))
    walk = Walk(DEFAULT, listed_until=listed_until(40))
    assert read(walk, [[ahead, *rows(40)]], keys(40) | {"ahead"}) == [1]
    assert walk.newest == listed_until(40)


@EXAMPLES
@given(st.lists(st.integers(0, 12), max_size=20), st.integers(0, 60))
def test_arrivals_at_the_top_lose_nothing(arrivals: list[int], new: int) -> None:
    top = 100 + new
    lists = [rows(top)]
    for number in arrivals:
        top += number
        lists.append(rows(top))
    walk = Walk(DEFAULT, listed_until=listed_until(100))
    read(walk, lists, keys(100))
    assert walk.seen >= keys(100 + new, 101)
    assert walk.ended == "known"


@EXAMPLES
@given(st.lists(st.sets(st.integers(0, 40), max_size=4), max_size=8), st.booleans())
def test_removals_lose_nothing(removed: list[set[int]], of_a_day: bool) -> None:
    """Fewer than a page's rows between two requests."""
    lists = [rows(130, 90)]
    for numbers in removed:
        lists.append([r for i, r in enumerate(lists[-1]) if i not in numbers])
    walk = Walk(DEFAULT, day=NOW.date()) if of_a_day else Walk(DEFAULT, listed_until=listed_until(100))
    asked = read(walk, lists, keys(100))
    wanted = {r.key for r in lists[min(len(asked), len(lists)) - 1]}
    assert walk.seen >= (wanted if of_a_day else wanted - keys(100))


@EXAMPLES
@given(st.lists(st.tuples(st.integers(0, 4), st.sets(st.integers(0, 40), max_size=4)), max_size=8))
def test_arrivals_and_removals_at_once_lose_nothing(changes: list[tuple[int, set[int]]]) -> None:
    lists, top = [rows(130, 90)], 130
    for arrived, numbers in changes:
        kept = [r for i, r in enumerate(lists[-1]) if i not in numbers]
        lists.append([*rows(top + arrived, top + 1), *kept])
        top += arrived
    walk = Walk(DEFAULT, listed_until=listed_until(100))
    asked = read(walk, lists, keys(100))
    assert walk.seen >= {r.key for r in lists[min(len(asked), len(lists)) - 1]} & keys(130, 101)


def test_a_repeated_last_page_ends_it() -> None:
    walk, answer, pages = Walk(DEFAULT), page(rows(5), 1, total=1000), 0
    while True:
        pages += 1
        walk.new_rows(answer, NOW)
        if not walk.goes_on(answer, set(), NOW):
            break
    assert (walk.ended, pages) == ("end", 4)


def test_a_total_that_shrinks_for_ever_does_not() -> None:
    walk = Walk(DEFAULT, max_pages=30)
    for number in range(200):
        answer = ListingPage((row(900 - number),), 10**6 - number)
        walk.new_rows(answer, NOW)
        if not walk.goes_on(answer, set(), NOW):
            break
    assert walk.ended == "limit"


def test_a_day_ends_with_its_total() -> None:
    walk = Walk(DEFAULT, day=NOW.date())
    assert read(walk, [rows(10)]) == [1, 2]
    assert walk.entries == {NOW.date(): 10}


def test_a_total_that_is_too_small_does_not_end_a_day() -> None:
    walk, pages = Walk(DEFAULT, day=NOW.date()), 0
    while pages < 9:
        pages += 1
        answer = page(rows(12), walk.page, total=0)
        walk.new_rows(answer, NOW)
        if not walk.goes_on(answer, set(), NOW):
            break
    assert walk.seen == keys(12)


def test_an_ignored_window_is_seen_even_below_rows_of_the_day() -> None:
    """Where today is asked for, the first pages of the whole list are of the day by chance."""
    today = rows(1000, 990)
    older = [row(n, published_at=NOW - timedelta(days=2)) for n in range(20)]
    walk = Walk(DEFAULT, day=NOW.date())
    assert read(walk, [[*today, *older]]) == [1, 2, 3]
    assert walk.ended == "window_ignored"


def test_days_newest_first_without_those_listed() -> None:
    since, until = datetime(2026, 11, 1, 12, tzinfo=BEIJING), datetime(2026, 11, 5, tzinfo=BEIJING)
    walks = day_walks(DEFAULT, since, until, {date(2026, 11, 3)})
    assert [str(walk.day) for walk in walks] == ["2026-11-04", "2026-11-02", "2026-11-01"]
    assert [len(walk.days) for walk in walks] == [1, 1, 0]  # the first day is not asked for whole
    joined = without_windows(walks)
    assert (joined.day, joined.stop_at) == (None, since)
    assert [str(day) for day in joined.days] == ["2026-11-04", "2026-11-02"]


def test_the_last_walk_over_a_gap_closes_it() -> None:
    gap = Gap(NOW - timedelta(days=3), NOW, NOW)
    walks = gap_walks(DEFAULT, gap, {NOW.date() - timedelta(days=3)})
    assert [walk.closes for walk in walks] == [(), (), (gap,)]
    assert without_windows(walks * 2).closes == (gap, gap)
    every = {NOW.date() - timedelta(days=n) for n in range(4)}
    assert [walk.closes for walk in gap_walks(DEFAULT, gap, every)] == [(gap,)]


@pytest.mark.parametrize(("hours", "settled"), [(0, False), (5.9, False), (6, True), (200, True)])
def test_a_day_is_settled_some_hours_after_its_end(hours: float, settled: bool) -> None:
    end = datetime(2026, 11, 21, tzinfo=BEIJING)
    assert is_settled(date(2026, 11, 20), end + timedelta(hours=hours)) is settled
