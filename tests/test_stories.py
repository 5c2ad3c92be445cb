"""The index of stories, in every database we know."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, create_engine, func, select

from sinanews.catalogue import Catalogue
from sinanews.duplicates import index as stories
from sinanews.duplicates.decision import CopyOf, New, decide
from sinanews.duplicates.fingerprint import KEYS, Fingerprint, Sketch, better_copy, compare
from sinanews.items import ArticleItem
from tests.test_fingerprints import LETTERS, changed, made, prose, report


@pytest.fixture(params=["sqlite", "postgresql"])
def catalogue_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    return request.getfixturevalue("postgres") if request.param == "postgresql" else f"sqlite:///{tmp_path}/c.db"


@pytest.fixture
def engine(catalogue_url: str) -> Iterator[Engine]:
    made_engine = create_engine(catalogue_url)
    stories.metadata.create_all(made_engine)
    yield made_engine
    made_engine.dispose()


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with engine.begin() as opened:
        yield opened


def fill(connection: Connection, count: int = 60) -> list[str]:
    texts = [prose(seed, 300 + 30 * seed) for seed in range(count)]
    for number, text in enumerate(texts):
        stories.add(connection, f"a{number}", made(text))
    return texts


def rows(connection: Connection) -> tuple[int | None, int | None]:
    count = func.count()
    return (
        connection.scalar(select(count).select_from(stories.stories)),
        connection.scalar(select(count).select_from(stories.story_keys)),
    )


def test_copies_lead_to_their_original(connection: Connection) -> None:
    texts, rng = fill(connection), random.Random(1)
    for number, text in enumerate(texts):
        cut = text[: int(len(text) * 0.6)]
        for copy in (f"编者按：推荐阅读。\n{text}", cut, changed(text, 0.05, rng)):
            if len(copy) > 150:
                found = stories.find(connection, made(copy, "另一标题"))
                assert found is not None and found[0] == f"a{number}", copy


def test_other_stories_lead_nowhere(connection: Connection) -> None:
    fill(connection)
    assert not [seed for seed in range(500, 560) if stories.find(connection, made(prose(seed)))]


def test_the_most_alike_is_found(connection: Connection) -> None:
    text = prose(1, 1500)
    stories.add(connection, "cut", made(text[:1000]))
    stories.add(connection, "whole", made(text))
    stories.add(connection, "changed", made(changed(text, 0.05, random.Random(1))))
    found = stories.find(connection, made(text))
    assert found is not None and found[0] == "whole" and found[1].similarity == 1


def test_an_article_is_no_copy_of_itself(connection: Connection) -> None:
    fill(connection, 3)
    assert stories.find(connection, made(prose(1, 330)), but="a1") is None
    assert stories.find(connection, made(prose(1, 330))) is not None


def test_adding_again_replaces_and_removing_leaves_nothing(connection: Connection) -> None:
    stories.add(connection, "a", made(prose(1)))
    before = rows(connection)
    stories.add(connection, "a", made(prose(2)))
    assert rows(connection) == before == (1, KEYS)
    assert stories.find(connection, made(prose(1))) is None
    assert stories.find(connection, made(prose(2))) is not None
    assert stories.remove(connection, "a")
    assert rows(connection) == (0, 0)
    assert not stories.remove(connection, "a")


def test_formulas_that_thousands_share_do_not_cost(connection: Connection) -> None:
    """Every report shares most keys with every other: the work stays bounded, and a copy still finds its own."""
    rng = random.Random(2)
    days = [f"{month}月{day}日" for month in range(1, 13) for day in range(1, 26)]
    numbers = [[f"{rng.uniform(1, 90):.2f}" for _ in range(3)] for _ in days]
    texts = [report(day, *values) for day, values in zip(days, numbers, strict=True)]
    for day, text in zip(days, texts, strict=True):
        assert len(stories.candidates(connection, made(text))) <= stories.CHECKED
        assert stories.find(connection, made(text)) is None
        stories.add(connection, day, made(text))
    right = 0
    for day, text in zip(days[::10], texts[::10], strict=True):
        found = stories.find(connection, made(f"编者按：推荐阅读。\n{text}"))
        right += found is not None and found[0] == day
    assert right >= 24  # of 30: of the others every key is shared by newer ones


def test_what_other_stories_have_too_is_not_the_story(connection: Connection) -> None:
    """Short announcements under one company's long legal text: alike but for what they are about."""
    legal = prose(999, 700)
    texts = [f"{legal}\n{prose(seed, 95)[:95]}" for seed in range(2, 22)]
    assert compare(made(texts[0]), made(texts[1])).same_story, "the pair alone cannot tell"
    for number, text in enumerate(texts[:3]):
        stories.add(connection, f"{number}", made(text))
    found = [stories.find(connection, made(text)) for text in texts[3:]]
    assert sum(match is not None for match in found) <= 8
    assert stories.find(connection, made(f"编者按：推荐阅读。\n{texts[1]}")) is not None


def test_sketches_of_another_version_are_passed_over(connection: Connection) -> None:
    stories.add(connection, "old", made(prose(1)))
    packed = made(prose(1)).pack()
    connection.execute(stories.stories.update().values(sketch=bytes([packed[0] + 1]) + packed[1:]))
    assert stories.find(connection, made(prose(1))) is None
    stories.add(connection, "old", made(prose(1)))
    match = stories.find(connection, made(prose(1)))
    assert match is not None and match.article_id == "old"


def test_the_index_outlives_a_run(tmp_path: Path) -> None:
    for found in (None, "a"):
        engine = create_engine(f"sqlite:///{tmp_path}/s.db")
        stories.metadata.create_all(engine)
        with engine.begin() as connection:
            match = stories.find(connection, made(prose(1)))
            assert (match and match[0]) == found
            stories.add(connection, "a", made(prose(1)))
        engine.dispose()


@pytest.mark.parametrize("same", ["story", "text", "url"])
def test_two_workers_keep_one_copy(catalogue_url: str, same: str) -> None:
    """Six that look and record at the same moment: the first finds nothing, the others find it."""
    text, kept, ready = prose(1), [], threading.Barrier(6)
    moment = datetime(2026, 11, 20, tzinfo=timezone.utc)
    Catalogue(catalogue_url).close()

    def work(number: int) -> None:
        catalogue = Catalogue(catalogue_url)
        its = {
            "sketch": made(f"编者按：推荐之{LETTERS[number]}。\n{text}") if same == "story" else None,
            "text_digest": "d" if same == "text" else f"{number}",
            "url": "https://a.example/" if same == "url" else None,
        }
        item = ArticleItem(id=f"{number}", url=its["url"], title="题")
        fingerprint = Fingerprint(its["text_digest"], its["sketch"])
        ready.wait()
        with catalogue.together():
            decision = decide(catalogue.known_of(item, fingerprint), item, fingerprint, "drop")
            if isinstance(decision, New):
                catalogue.record(f"{number}", moment, state="exported", **its)
                kept.append(f"{number}")
            else:
                assert isinstance(decision, CopyOf) and decision.reason == same
        catalogue.close()

    workers = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(kept) == 1


# --- who stands for the story --------------------------------------------------------------------------------


def better(new: Sketch, old: Sketch, new_media: str = "甲报", old_media: str = "乙网") -> str | None:
    return better_copy(new, old, compare(new, old), new_media, old_media)


def test_the_complete_copy_takes_over_from_a_cut_one() -> None:
    whole = prose(1, 1500)
    assert better(made(whole), made(whole[:900])) == "complete"
    assert better(made(whole[:900]), made(whole)) is None
    assert better(made(whole), made(whole[:1320])) is None  # the loss of a tenth may be an imprint
    assert better(made(whole), made(f"{whole}\n（责任编辑：某某）")) is None


def test_the_original_medium_takes_over_from_a_reprint() -> None:
    text = prose(1, 1500)
    assert better(made(text), made(f"来源：甲报\n{text}")) == "original"
    assert better(made(text), made(f"来源：丙报\n{text}")) is None
    assert better(made(text), made(f"来源：甲报\n{text}"), "甲报", "甲报") is None
    assert better(made(text[:900]), made(f"来源：甲报\n{text}")) is None


def test_another_story_never_takes_over() -> None:
    assert better(made(prose(1, 1500)), made(f"来源：甲报\n{prose(2, 900)}")) is None
