"""The one thread that writes: in order, together, and each mistake its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timezone
from functools import partial
from pathlib import Path

import pytest

from sinanews.catalogue import Catalogue
from sinanews.catalogue.writer import Writer
from sinanews.exceptions import CatalogueError, ExportError
from tests.test_catalogue import states

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    opened = Catalogue(f"sqlite:///{tmp_path}/catalogue.db")
    yield opened
    opened.close()


class Held:
    """A writer whose first piece of work waits, so that what follows is committed together."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.commits: list[set[str]] = []
        self.go = threading.Event()
        self.catalogue = catalogue
        self.writer = Writer(catalogue, self.before_commit)
        self.writer.submit(self.go.wait)

    def before_commit(self) -> None:
        with self.catalogue.read() as connection:
            rows = connection.exec_driver_sql("SELECT id FROM articles").all()
        self.commits.append({row.id for row in rows})

    def finish(self) -> None:
        self.go.set()
        self.writer.close()


@pytest.fixture
def held(catalogue: Catalogue) -> Held:
    return Held(catalogue)


def ids(catalogue: Catalogue) -> set[str]:
    return {one for one in ("ia", "ib", "ic") if catalogue.article(one) is not None}


def test_what_waits_is_committed_together_in_order(held: Held, catalogue: Catalogue) -> None:
    seen: list[bool] = []
    held.writer.submit(partial(catalogue.record, "ia", NOW, state="exported", path="a"))
    held.writer.submit(lambda: seen.append(catalogue.article("ia") is not None))
    done = held.writer.submit(partial(catalogue.touch, "ia", NOW, title="题"))
    assert not done.done() and ids(catalogue) == set()
    held.finish()
    assert seen == [True], "each piece sees what those before it wrote"
    assert held.commits[-1] == {"ia"}
    assert len(held.commits) <= 2
    row = catalogue.article("ia")
    assert row is not None and row.title == "题"


def test_a_mistake_in_one_piece_is_its_own(held: Held, catalogue: Catalogue) -> None:
    def mistake() -> None:
        catalogue.record("ib", NOW, state="exported")
        raise KeyError("ours")

    works = [partial(catalogue.record, one, NOW, state="exported") for one in ("ia", "ic")]
    first, bad, last = (held.writer.submit(work) for work in (works[0], mistake, works[1]))
    held.finish()
    assert (first.result(), last.result()) == (None, None)
    with pytest.raises(KeyError):
        bad.result()
    assert ids(catalogue) == {"ia", "ic"}, "what a failed piece wrote is not there"


def test_a_disk_that_fails_fails_all_that_was_to_be_committed(catalogue: Catalogue) -> None:
    def full() -> None:
        raise CatalogueError("disk full")

    held = Held(catalogue)
    held.writer.before_commit = full
    works = [held.writer.submit(partial(catalogue.record, one, NOW, state="exported")) for one in ("ia", "ib")]
    held.finish()
    for work in works:
        with pytest.raises(CatalogueError, match="disk full"):
            work.result()
    assert ids(catalogue) == set()


def test_a_file_that_cannot_be_written_takes_nothing_from_those_before_it(held: Held, catalogue: Catalogue) -> None:
    def full() -> None:
        raise ExportError("no space left")

    first = held.writer.submit(partial(catalogue.record, "ia", NOW, state="exported"))
    second = held.writer.submit(full)
    held.finish()
    assert first.result() is None and ids(catalogue) == {"ia"}
    with pytest.raises(ExportError, match="no space"):
        second.result()


def test_closing_does_what_waits(held: Held, catalogue: Catalogue) -> None:
    works = [held.writer.submit(partial(catalogue.record, f"i{n}", NOW, state="exported")) for n in range(200)]
    held.finish()
    assert all(work.done() for work in works)
    assert states(catalogue) == {"exported": 200}
    held.writer.close()


def test_others_open_and_read_the_catalogue_meanwhile(catalogue: Catalogue) -> None:
    """Neither waits for a writer that has begun: ``status`` answers while a run stores."""
    catalogue.record("ia", NOW, state="exported")
    held = Held(catalogue)
    other = Catalogue(str(catalogue.url), give_up=lambda: True)
    assert other.article("ia") is not None
    other.close()
    held.finish()
