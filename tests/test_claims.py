# ruff: noqa: F811  # a fixture and the argument that asks for it have one name
"""The contract of those who share a catalogue, on each database, with races between processes: claims and budgets."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event
from random import Random
from typing import Any

import pytest
from sqlalchemy import select

from sinanews.catalogue import Catalogue
from sinanews.catalogue.claims import Claimed, Wanted
from sinanews.catalogue.tables import budgets
from tests.test_catalogue import FORKS, NOW, catalogue, row, url  # noqa: F401  # fixtures: each database there is
from tests.test_workers import lapse

RACERS, ARTICLES = 8, 1000


def wanted(*keys: str, **about: Any) -> list[Wanted]:
    return [Wanted(key, f"https://a.example/{key}", **about) for key in keys]


def joined(url: str) -> Catalogue:
    opened = Catalogue(url)
    opened.claims.worker = opened.workers.join("", "sina_finance")
    return opened


@pytest.fixture
def two(url: str) -> Iterator[tuple[Catalogue, Catalogue]]:
    """Two workers, each with the catalogue as its own process has it."""
    one, other = joined(url), joined(url)
    yield one, other
    one.close()
    other.close()


def race(racer: Callable[..., None], url: str, number: int) -> list[Any]:
    """What so many processes tell that begin at one moment."""
    start, answers = FORKS.Event(), FORKS.Queue()
    processes = [FORKS.Process(target=racer, args=(url, seed, start, answers)) for seed in range(number)]
    for process in processes:
        process.start()
    start.set()
    told = [answers.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()
    return told


def claim_all(url: str, seed: int, start: Event, answers: Queue[Any]) -> None:
    own = joined(url)
    keys = [f"i{number}" for number in range(ARTICLES)]
    Random(seed).shuffle(keys)
    start.wait()
    won: list[str] = []
    for first in range(0, ARTICLES, 50):
        won += own.claims.claim(wanted(*keys[first : first + 50])).won
    own.close()
    answers.put((own.claims.worker, won))


def test_of_those_that_race_for_an_article_one_has_it(catalogue: Catalogue, url: str) -> None:
    told = race(claim_all, url, RACERS)
    winners = Counter(key for _, won in told for key in won)
    assert len(winners) == ARTICLES and set(winners.values()) == {1}
    assert sum(bool(won) for _, won in told) > 1, "it was a race"
    held = {key: worker for worker, won in told for key in won}
    assert {claim.article_id: claim.worker for claim in catalogue.claims.all()} == held


def test_a_claim_holds_while_its_lease_does(two: tuple[Catalogue, Catalogue]) -> None:
    one, other = two
    assert one.claims.claim(wanted("ia", "ib")) == Claimed({"ia", "ib"}, set())
    assert one.claims.claim(wanted("ia")).won == {"ia"}, "a further request for it is the same worker's"
    assert other.claims.claim(wanted("ia", "ic")) == Claimed({"ic"}, set())
    lapse(one, one.claims.worker or 0)
    assert other.claims.claim(wanted("ia")) == Claimed({"ia"}, set())
    one.workers.renew(one.claims.worker or 0)  # it was frozen, and goes on
    with one.together():
        assert not one.claims.finish("ia"), "another worker has it now"
        assert one.claims.finish("ib"), "nobody wanted it meanwhile"
    assert [(c.article_id, c.worker) for c in one.claims.all()] == [
        ("ia", other.claims.worker),
        ("ic", other.claims.worker),
    ]


def test_whoever_leaves_gives_all_back(two: tuple[Catalogue, Catalogue]) -> None:
    one, other = two
    one.claims.claim(wanted("ia", "ib"))
    one.workers.leave(one.claims.worker or 0)
    assert one.claims.all() == []
    assert other.claims.claim(wanted("ia")).won == {"ia"}


def test_a_claim_goes_with_the_commit_that_makes_its_article_done(two: tuple[Catalogue, Catalogue]) -> None:
    one, other = two
    one.claims.claim(wanted("ia"))
    with pytest.raises(ZeroDivisionError), one.together():
        one.claims.finish("ia")
        one.record("ia", NOW, state="exported")
        raise ZeroDivisionError
    assert other.claims.claim(wanted("ia")) == Claimed(set(), set()), "neither is committed"
    with one.together():
        assert one.claims.finish("ia")
        one.record("ia", NOW, state="exported")
    assert other.claims.claim(wanted("ia")) == Claimed(set(), {"ia"}), "whoever looked before it was done is told"
    assert one.claims.all() == []


def test_what_is_asked_for_again_is_done_but_not_by_others(two: tuple[Catalogue, Catalogue]) -> None:
    one, other = two
    one.record("ia", NOW, state="exported")
    before = one.known(["ia"])["ia"].recorded_at
    assert one.claims.claim(wanted("ia", recorded_at=before)) == Claimed({"ia"}, set())
    with one.together():
        one.claims.finish("ia")
        one.unchanged("ia", NOW + timedelta(minutes=1))
    assert other.claims.claim(wanted("ia", recorded_at=before)) == Claimed(set(), {"ia"}), "it was looked at meanwhile"


def test_an_article_that_its_page_gave_another_id_is_done_too(two: tuple[Catalogue, Catalogue]) -> None:
    one, other = two
    address = "https://k.sina.com.cn/x.html"
    asked = [Wanted(address, address)]
    one.claims.claim(asked)
    with one.together():
        one.claims.finish(address)
        one.record("ikan", NOW, replaces=address, state="exported", url=address)
    other.listed([row(address, url=address)], "macro", NOW)  # it had met the row before
    assert other.claims.claim(asked) == Claimed(set(), {address})
    assert list(other.due.unfinished(["macro"], NOW)) == [], "nothing is left to do of it"


def test_who_claims_nothing_finishes_as_ever(catalogue: Catalogue) -> None:
    assert catalogue.claims.finish("ia")
    assert catalogue.claims.all() == []


def take_turns(url: str, seed: int, start: Event, answers: Queue[Any]) -> None:
    opened = Catalogue(url)
    start.wait()
    sent = []
    for _ in range(5):
        time.sleep(opened.budgets.reserve("home", "a.example", 0.05))
        sent.append(time.time())
    opened.close()
    answers.put(sent)


def test_a_fleet_asks_a_host_no_more_often_than_one_may(catalogue: Catalogue, url: str) -> None:
    sent = sorted(moment for told in race(take_turns, url, 4) for moment in told)
    assert sent[-1] - sent[0] > 19 * 0.05 - 0.1
    assert max(sum(first <= one < first + 0.25 for one in sent) for first in sent) <= 7, "at each place of it"


def test_a_budget_is_one_of_an_address_and_a_host(catalogue: Catalogue) -> None:
    turn = catalogue.budgets.reserve
    assert turn("home", "a.example", 10) == 0
    assert 9 < turn("home", "a.example", 10) <= 10
    assert turn("office", "a.example", 10) == turn("home", "b.example", 10) == 0
    catalogue.budgets.rest("office", "a.example", 60)
    assert 59 < turn("office", "a.example", 1) <= 60, "all of the address leave the host alone"
    catalogue.budgets.rest("home", "a.example", 1)
    assert 19 < turn("home", "a.example", 1) <= 20, "what is later stays"
    with catalogue.read() as connection:
        assert len(connection.execute(select(budgets)).all()) == 3
