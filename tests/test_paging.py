"""How far a list is read: decisions only, no requests."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinanews.dates import BEIJING
from sinanews.listing.channels import DEFAULT
from sinanews.listing.paging import Gap, Pager
from sinanews.listing.plans import day_pagers, gap_pagers, is_settled, without_windows
from sinanews.listing.roll import Listing, ListingPage

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


def read(pager: Pager, lists: list[list[Listing]], known: Collection[str] = ()) -> list[int]:
    """Pager over a list that is as ``lists`` says at each request, the last one from then on; the pages asked for."""
    asked: list[int] = []
    while True:
        answer = page(lists[min(len(asked), len(lists) - 1)], pager.page)
        asked.append(pager.page)
        pager.new_rows(answer, NOW)
        if not pager.goes_on(answer, known, NOW):
            return asked


def rows(newest: int, oldest: int = 1) -> list[Listing]:
    return [row(n) for n in range(newest, oldest - 1, -1)]


def keys(newest: int, oldest: int = 1) -> set[str]:
    return {r.key for r in rows(newest, oldest)}


def listed_until(number: int) -> datetime | None:
    return row(number).published_at


def test_a_first_walk_reads_to_the_end() -> None:
    pager = Pager(DEFAULT)
    assert read(pager, [rows(12)], keys(12)) == [1, 2, 3, 4]
    assert (pager.ended, pager.seen, pager.newest) == ("end", keys(12), listed_until(12))


def test_nothing_new_is_one_page() -> None:
    pager = Pager(DEFAULT, listed_until=listed_until(40))
    assert read(pager, [rows(40)], keys(40)) == [1]
    assert pager.ended == "known"


def test_known_rows_newer_than_the_mark_do_not_end_it() -> None:
    """A killed run knew them, but had not come to what lies below."""
    pager = Pager(DEFAULT, listed_until=listed_until(20))
    assert read(pager, [rows(40)], keys(40) - keys(30, 21)) == [1, 2, 3, 4, 5]


PINS = [row(n, id=f"pin{n}") for n in range(1, 16)]
PIN_KEYS = {r.key for r in PINS}
QUIET, BUSY = rows(40), rows(53)  # 13 new rows above row 40


@pytest.mark.parametrize(
    ("shown", "known", "pages"),
    [
        pytest.param(BUSY, keys(40), 4, id="no pins"),
        pytest.param([*PINS[:5], *BUSY], keys(40), 5, id="a page of pins at the top"),
        pytest.param([*PINS[:2], *BUSY], keys(40), 4, id="some pins at the top"),
        pytest.param([*BUSY[:5], *PINS[:5], *BUSY[5:]], keys(40), 5, id="a page of pins in the middle"),
        pytest.param([*BUSY[:10], *PINS[:5], *BUSY[10:]], keys(40), 5, id="a page of pins just above the mark"),
        pytest.param([*BUSY[:3], *PINS[:9], *BUSY[3:]], keys(40), 6, id="pins across pages"),
        pytest.param([row(40), *PINS[:3], row(53), *BUSY[1:]], keys(40), 5, id="the mark's own row is pinned"),
        pytest.param([row(40), *BUSY[:4], *PINS[:5], *BUSY[4:]], keys(40), 5, id="above a page of pins"),
        pytest.param([*PINS[:5], *PINS[10:], *BUSY], keys(40), 6, id="two pages of pins, the second newer"),
        pytest.param([r for r in BUSY if r.key != "i40"], keys(40), 5, id="the mark's row is gone"),
        pytest.param([*PINS[:5], *(r for r in BUSY if r.key != "i40")], keys(40), 6, id="and there are pins"),
        pytest.param([*PINS[:5][::-1], *BUSY], keys(40), 5, id="pins in another order"),
        pytest.param([*rows(43, 38), row(37, id="late"), *rows(37)], keys(40), 3, id="a late row"),
        pytest.param([*[row(n, published_at=None) for n in range(1, 6)], *BUSY], keys(53), 5, id="undated pins"),
    ],
)
def test_pins_and_late_rows_do_not_end_a_walk(shown: list[Listing], known: set[str], pages: int) -> None:
    pager = Pager(DEFAULT, listed_until=listed_until(40))
    asked = read(pager, [shown], known | PIN_KEYS)
    assert pager.seen >= keys(53, 41) & {r.key for r in shown} | {r.key for r in shown if r.key == "late"}
    assert (pager.ended, len(asked), pager.unread(NOW)) == ("known", pages, None)


@pytest.mark.parametrize(
    ("shown", "pages"),
    [
        pytest.param(QUIET, 1, id="as ever"),
        pytest.param([*PINS[:2], *QUIET], 1, id="some pins"),
        pytest.param([*PINS[:5], *QUIET], 2, id="a page of pins"),
        pytest.param(QUIET[1:], 2, id="the newest row is gone"),
        pytest.param([*QUIET[1:4], QUIET[0], *QUIET[4:]], 1, id="out of order"),
    ],
)
def test_nothing_new_costs_one_page_and_one_more_where_it_looks_pinned(shown: list[Listing], pages: int) -> None:
    pager = Pager(DEFAULT, listed_until=listed_until(40))
    assert len(read(pager, [shown], keys(40) | PIN_KEYS)) == pages
    assert pager.ended == "known"


def test_old_rows_above_end_no_walk_back_in_time() -> None:
    pager = Pager(DEFAULT, stop_at=listed_until(30))
    read(pager, [[*PINS[:5], *rows(60)]], keys(60) | PIN_KEYS)
    assert pager.seen >= keys(60, 30)
    assert pager.ended == "passed"


# --- servers that repeat themselves ------------------------------------------------------------------------


def lying(shown: list[Listing], kind: str, number: int, request: int) -> ListingPage:
    """Page ``number`` of a list of which pages are not what they should be."""
    honest = page(shown, number)
    totals = {"churning": len(shown) + request * 7 % 5, "growing": len(shown) + 2 * request, "none": None, "zero": 0}
    wrong = {
        "first": 1, "churning": 1, "growing": 1, "none": 1, "zero": 1, "thinned": 1, "arriving": 1,
        "cycle": 2 - number % 2, "third is first": 1 if number == 3 else number,
        "from third on": min(number, 3), "third is second": 2 if number == 3 else number,
    }[kind]  # fmt: skip
    found = page(shown, wrong).rows
    if kind == "thinned":
        found = tuple(r for r in found if number == 1 or r.key[-1] not in str(number))
    if kind == "arriving":
        found = (row(100 + request), *found[: SIZE - 1])
    return ListingPage(found, totals.get(kind, honest.total))


def read_lying(pager: Pager, shown: list[Listing], kind: str, known: Collection[str] = ()) -> int:
    for request in range(1, 200):
        answer = lying(shown, kind, pager.page, request)
        pager.new_rows(answer, NOW)
        if not pager.goes_on(answer, known, NOW):
            return request
    raise AssertionError("it never ends")


FOR_EVER = ["first", "churning", "growing", "none", "zero", "thinned", "cycle", "from third on"]


@pytest.mark.parametrize("kind", [*FOR_EVER, "third is first", "third is second"])
@pytest.mark.parametrize("day", [None, NOW.date()])
def test_a_list_that_repeats_a_page_is_not_read_whole(kind: str, day: date | None) -> None:
    """``holes`` says so, whether the pager goes on below the page or has to give up."""
    pager = Pager(DEFAULT, day=day)
    asked = read_lying(pager, rows(60), kind)
    assert pager.holes and pager.repeats and not pager.whole
    assert asked < 60
    assert (pager.ended == "repeats") == (kind in FOR_EVER)
    assert pager.seen == keys(60) - (keys(50, 46) if kind.startswith("third is") else keys(0)) or kind in FOR_EVER


@pytest.mark.parametrize("kind", [*FOR_EVER, "third is first", "third is second"])
def test_what_a_repeated_page_hides_is_a_gap(kind: str) -> None:
    pager = Pager(DEFAULT, listed_until=listed_until(20))
    read_lying(pager, rows(60), kind, keys(20))
    unread = pager.unread(NOW)
    assert unread is not None
    missing = [r.published_at for r in rows(60, 21) if r.key not in pager.seen]
    assert missing and all(when and unread[0] < when <= unread[1] for when in missing)


def test_a_first_page_that_repeats_while_rows_arrive_is_no_progress() -> None:
    pager = Pager(DEFAULT, listed_until=listed_until(20))
    assert read_lying(pager, rows(60), "arriving", keys(20)) <= 5
    assert pager.ended == "repeats" and pager.unread(NOW) is not None


@pytest.mark.parametrize("newest", [1, 4, 5, 12, 15])
@pytest.mark.parametrize(
    "pager", [Pager(DEFAULT), Pager(DEFAULT, day=NOW.date()), Pager(DEFAULT, stop_at=listed_until(0))]
)
def test_past_its_end_a_server_may_answer_the_last_page_again(newest: int, pager: Pager) -> None:
    pager = replace(pager, seen=set(), entries=Counter(), _dropped={}, _brought=set())
    last = -(-newest // SIZE)
    while True:
        answer = page(rows(newest), min(pager.page, last))
        pager.new_rows(answer, NOW)
        if not pager.goes_on(answer, (), NOW):
            break
    assert (pager.ended, pager.whole, pager.seen) == ("end", True, keys(newest))
    assert pager.page <= last + 1


def test_rows_without_a_usable_url_count_for_the_total() -> None:
    pager, requests = Pager(DEFAULT, day=NOW.date()), 0
    while True:
        requests += 1
        answer = ListingPage(page(rows(12), pager.page).rows[1:], 12, dropped=1)
        pager.new_rows(answer, NOW)
        if not pager.goes_on(answer, (), NOW):
            break
    assert (pager.ended, pager.short, requests) == ("end", False, 3)


def test_an_empty_page_above_the_total_is_asked_for_twice() -> None:
    pager, empty = Pager(DEFAULT, day=NOW.date()), iter([True, False])
    while True:
        answer = page(rows(12), pager.page)
        if pager.page == 2 and next(empty):
            answer = ListingPage((), 12)
        pager.new_rows(answer, NOW)
        if not pager.goes_on(answer, (), NOW):
            break
    assert (pager.ended, pager.seen, pager.short) == ("end", keys(12), False)
    pager = Pager(DEFAULT, day=NOW.date())
    for answer in (page(rows(12), 1), ListingPage((), 12), ListingPage((), 12)):
        pager.new_rows(answer, NOW)
        pager.goes_on(answer, (), NOW)
    assert (pager.ended, pager.short) == ("end", True)


def test_a_page_that_fails_is_passed_over() -> None:
    pager = Pager(DEFAULT, listed_until=listed_until(20))
    assert not Pager(DEFAULT).goes_on_after_failure(), "without its first page nothing is known of a list"
    while True:
        if pager.page == 3:
            assert pager.goes_on_after_failure()
        answer = page(rows(60), pager.page)
        pager.new_rows(answer, NOW)
        if not pager.goes_on(answer, keys(20), NOW):
            break
    assert pager.seen >= keys(60, 21) - keys(50, 46)
    assert (pager.ended, pager.unread(NOW)) == ("known", (listed_until(20), listed_until(55)))
    for _ in range(2):
        assert pager.goes_on_after_failure()
    assert not pager.goes_on_after_failure()


@pytest.mark.parametrize(
    ("shown", "pages", "gap"),
    [
        pytest.param(rows(60), 4, 45, id="a limit"),
        pytest.param(rows(60), 9, None, id="no limit"),
        pytest.param(rows(62), 9, None, id="a limit on the page that was come for"),
        pytest.param([*PINS[:5], *rows(60)], 1, 1000, id="nothing but pins: what is below may be of any time"),
        pytest.param([*PINS[:5], *rows(60)], 2, 60, id="pins, then a page"),
        pytest.param(rows(60, 31), 99, 33, id="a list that is too short"),
        pytest.param([*rows(60, 31), *PINS[:1]], 99, 32, id="and has an old row below"),
        pytest.param(rows(60, 20), 99, None, id="just long enough"),
    ],
)
def test_what_is_unread(shown: list[Listing], pages: int, gap: int | None) -> None:
    pager = Pager(DEFAULT, listed_until=listed_until(20), max_pages=pages)
    read(pager, [shown], keys(20) | PIN_KEYS)
    unread = pager.unread(NOW)
    assert (unread and unread[1]) == (gap and listed_until(gap))


def test_a_row_dated_in_the_future_neither_marks_nor_ends() -> None:
    ahead = row(9, id="ahead", published_at=NOW + timedelta(days=3000))
    pager = Pager(DEFAULT, listed_until=listed_until(40))
    assert read(pager, [[ahead, *rows(40)]], keys(40) | {"ahead"}) == [1]
    assert pager.newest == listed_until(40)


@EXAMPLES
@given(st.lists(st.integers(0, 12), max_size=20), st.integers(0, 60))
def test_arrivals_at_the_top_lose_nothing(arrivals: list[int], new: int) -> None:
    top = 100 + new
    lists = [rows(top)]
    for number in arrivals:
        top += number
        lists.append(rows(top))
    pager = Pager(DEFAULT, listed_until=listed_until(100))
    read(pager, lists, keys(100))
    assert pager.seen >= keys(100 + new, 101)
    assert pager.ended == "known"


@EXAMPLES
@given(st.lists(st.sets(st.integers(0, 40), max_size=4), max_size=8), st.booleans())
def test_removals_lose_nothing(removed: list[set[int]], of_a_day: bool) -> None:
    """Fewer than a page's rows between two requests."""
    lists = [rows(130, 90)]
    for numbers in removed:
        lists.append([r for i, r in enumerate(lists[-1]) if i not in numbers])
    pager = Pager(DEFAULT, day=NOW.date()) if of_a_day else Pager(DEFAULT, listed_until=listed_until(100))
    asked = read(pager, lists, keys(100))
    wanted = {r.key for r in lists[min(len(asked), len(lists)) - 1]}
    assert pager.seen >= (wanted if of_a_day else wanted - keys(100))


@EXAMPLES
@given(st.lists(st.tuples(st.integers(0, 4), st.sets(st.integers(0, 40), max_size=4)), max_size=8))
def test_arrivals_and_removals_at_once_lose_nothing(changes: list[tuple[int, set[int]]]) -> None:
    lists, top = [rows(130, 90)], 130
    for arrived, numbers in changes:
        kept = [r for i, r in enumerate(lists[-1]) if i not in numbers]
        lists.append([*rows(top + arrived, top + 1), *kept])
        top += arrived
    pager = Pager(DEFAULT, listed_until=listed_until(100))
    asked = read(pager, lists, keys(100))
    assert pager.seen >= {r.key for r in lists[min(len(asked), len(lists)) - 1]} & keys(130, 101)


def test_a_total_that_shrinks_for_ever_does_not() -> None:
    pager = Pager(DEFAULT, max_pages=30)
    for number in range(200):
        answer = ListingPage((row(900 - number),), 10**6 - number)
        pager.new_rows(answer, NOW)
        if not pager.goes_on(answer, set(), NOW):
            break
    assert pager.ended == "limit"


def test_a_day_ends_with_its_total() -> None:
    pager = Pager(DEFAULT, day=NOW.date())
    assert read(pager, [rows(10)]) == [1, 2]
    assert pager.entries == {NOW.date(): 10}


def test_a_total_that_is_too_small_does_not_end_a_day() -> None:
    pager, pages = Pager(DEFAULT, day=NOW.date()), 0
    while pages < 9:
        pages += 1
        answer = page(rows(12), pager.page, total=0)
        pager.new_rows(answer, NOW)
        if not pager.goes_on(answer, set(), NOW):
            break
    assert pager.seen == keys(12)


def test_an_ignored_window_is_seen_even_below_rows_of_the_day() -> None:
    """Where today is asked for, the first pages of the whole list are of the day by chance."""
    today = rows(1000, 990)
    older = [row(n, published_at=NOW - timedelta(days=2)) for n in range(20)]
    pager = Pager(DEFAULT, day=NOW.date())
    assert read(pager, [[*today, *older]]) == [1, 2, 3]
    assert pager.ended == "window_ignored"


def test_days_newest_first_without_those_listed() -> None:
    since, until = datetime(2026, 11, 1, 12, tzinfo=BEIJING), datetime(2026, 11, 5, tzinfo=BEIJING)
    pagers = day_pagers(DEFAULT, since, until, {date(2026, 11, 3)})
    assert [str(pager.day) for pager in pagers] == ["2026-11-04", "2026-11-02", "2026-11-01"]
    assert [len(pager.days) for pager in pagers] == [1, 1, 0]  # the first day is not asked for whole
    joined = without_windows(pagers)
    assert (joined.day, joined.stop_at) == (None, since)
    assert [str(day) for day in joined.days] == ["2026-11-04", "2026-11-02"]


def test_the_last_walk_over_a_gap_closes_it() -> None:
    gap = Gap(NOW - timedelta(days=3), NOW, NOW)
    pagers = gap_pagers(DEFAULT, gap, {NOW.date() - timedelta(days=3)})
    assert [pager.closes for pager in pagers] == [(), (), (gap,)]
    assert without_windows(pagers * 2).closes == (gap, gap)
    every = {NOW.date() - timedelta(days=n) for n in range(4)}
    assert [pager.closes for pager in gap_pagers(DEFAULT, gap, every)] == [(gap,)]


@pytest.mark.parametrize(("hours", "settled"), [(0, False), (5.9, False), (6, True), (200, True)])
def test_a_day_is_settled_some_hours_after_its_end(hours: float, settled: bool) -> None:
    end = datetime(2026, 11, 21, tzinfo=BEIJING)
    assert is_settled(date(2026, 11, 20), end + timedelta(hours=hours)) is settled


def test_a_page_of_pins_again_and_again_proves_nothing() -> None:
    pager = Pager(DEFAULT, listed_until=listed_until(40))
    read_lying(pager, [*PINS[:5], *BUSY], "first", keys(40) | PIN_KEYS)
    assert pager.ended == "repeats" and pager.unread(NOW) == (listed_until(40), NOW)


@pytest.mark.parametrize("told", [0, None, 3])
def test_what_is_no_total_moves_no_rows(told: int | None) -> None:
    pager = Pager(DEFAULT)
    for number, total in ((1, 60), (2, told), (3, 60)):
        assert pager.page == number
        answer = ListingPage(page(rows(60), number).rows, total)
        pager.new_rows(answer, NOW)
        assert pager.goes_on(answer, (), NOW)


def read_pages(pager: Pager, pages: list[list[Listing]], total: int, known: Collection[str]) -> None:
    for sent in pages:
        answer = ListingPage(tuple(sent), total)
        pager.new_rows(answer, NOW)
        if not pager.goes_on(answer, known, NOW):
            return
    raise AssertionError("it would read on")


def test_a_page_with_fewer_rows_than_the_total_owes_it_is_a_gap() -> None:
    """Page 2 answers what should be page 3: ten rows are passed over, and two of five say so."""
    pager = Pager(DEFAULT, listed_until=listed_until(13))
    read_pages(pager, [rows(20, 16), rows(2, 1), [], []], 20, keys(13))
    assert not pager.whole
    assert pager.unread(NOW) == (listed_until(13), listed_until(20))


@pytest.mark.parametrize("total", [22, 20, None])
def test_a_last_page_is_not_full_and_one_row_less_is_no_gap(total: int | None) -> None:
    pager = Pager(DEFAULT)
    pages = [rows(22, 18), rows(17, 14), rows(12, 8), rows(7, 3), rows(2, 1), []]
    read_pages(pager, pages, total, set())  # type: ignore[arg-type]
    assert not pager.holes


def test_what_the_catalogue_must_not_know_better() -> None:
    """Where the row of the mark was not met, what is known between it and the last page must have been seen."""
    pager = Pager(DEFAULT, listed_until=listed_until(14))
    read_pages(pager, [rows(20, 16), rows(10, 6), rows(5, 1)], 20, keys(14))
    assert pager.ended == "known" and pager.to_be_checked == (listed_until(5), listed_until(14))
    pager.passed_over()
    assert pager.unread(NOW) is not None
    met = Pager(DEFAULT, listed_until=listed_until(14))
    read_pages(met, [rows(20, 16), rows(15, 11), rows(10, 6)], 20, keys(14))
    assert met.to_be_checked is None
