"""One thread that writes: the event loop waits for no disk, and what waits at the same time is committed together."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

from sinanews.catalogue.database import Database
from sinanews.exceptions import CatalogueLost, ExportError, SinanewsError

MOST = 64  #: pieces of work in one commit
MOMENT = 0.1  #: seconds after which a commit takes in nothing more
Result = TypeVar("Result")
_Told = tuple[Any, Any, "BaseException | None"]  #: future, result, error


class _Work(NamedTuple):
    do: Callable[[], Any]
    done: Future[Any] | asyncio.Future[Any]


class Writer:
    """Does what it is given one after the other, in the order given, and commits all that is waiting at once.

    ``before_commit`` flushes to disk what the commit refers to: the names of new files. A piece of work may be done
    twice (where another one of its commit fails), so all that it changes is the database, and files that it writes
    again.
    """

    def __init__(self, database: Database, before_commit: Callable[[], None] = lambda: None) -> None:
        self.database, self.before_commit = database, before_commit
        self._waiting: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def submit(self, do: Callable[[], Result]) -> Future[Result]:
        """What ``do`` returns or raises, once it is committed; a CatalogueError where that fails."""
        done: Future[Result] = Future()
        self._put(_Work(do, done))
        return done

    def submit_here(self, do: Callable[[], Result]) -> asyncio.Future[Result]:
        """The same for a coroutine of the running loop, which is woken once for all that was committed together."""
        done: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._put(_Work(do, done))
        return done

    def _put(self, work: _Work) -> None:
        self._waiting.put(work)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="sinanews writer", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Do what waits, then end."""
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        goes_on = True
        while goes_on:
            first = self._waiting.get()
            goes_on = first is not None
            if first is not None:
                goes_on = self._commit(first)

    def _commit(self, first: _Work) -> bool:
        """Do a piece of work and those that wait behind it; whether there may be more."""
        group, goes_on, until = [first], True, time.monotonic() + MOMENT
        told: list[_Told] = []
        try:
            with self.database.together():
                told.append(_done(first))
                while told[-1][2] is None and self._takes_more(len(group), until):
                    work = self._waiting.get()
                    if work is None:
                        goes_on = False
                        break
                    group.append(work)
                    told.append(_done(work))
                self.before_commit()
        except CatalogueLost as error:
            self._once_more(group, error)
        except BaseException as error:
            self._failed(group, error)
        else:
            _tell(told)
        return goes_on

    def _once_more(self, group: list[_Work], error: CatalogueLost) -> None:
        """The connection broke: all of it is done again. What was committed nevertheless is found as it was stored."""

        def again() -> list[_Told]:
            with self.database.together():
                told = [_done(work) for work in group]
                self.before_commit()
            return told

        try:
            told = self.database.surely(again)
        except BaseException as other:
            self._failed(group, other)
        else:
            _tell(told)

    def _takes_more(self, number: int, until: float) -> bool:
        return number < MOST and time.monotonic() < until and not self._waiting.empty()

    def _failed(self, group: list[_Work], error: BaseException) -> None:
        """Nothing of the group is committed. A mistake in one piece is its own: the others are done without it."""
        if len(group) == 1 or isinstance(error, SinanewsError):  # the latter a disk or database that fails them all
            _tell([(work.done, None, error) for work in group])
            return
        for work in group:
            try:
                with self.database.together():
                    told = _done(work)
                    self.before_commit()
            except BaseException as own:
                told = work.done, None, own
            _tell([told])


def _done(work: _Work) -> _Told:
    """What a piece of work comes to. A file that cannot be written is told; nothing of it is in the database then."""
    try:
        return work.done, work.do(), None
    except ExportError as error:
        return work.done, None, error


def _tell(results: list[_Told]) -> None:
    """Let those who wait have what became of their work: a loop in its own thread, and woken once."""
    of_loops: dict[asyncio.AbstractEventLoop, list[_Told]] = {}
    for told in results:
        if isinstance(told[0], asyncio.Future):
            of_loops.setdefault(told[0].get_loop(), []).append(told)
        else:
            _set([told])
    for loop, its in of_loops.items():
        with suppress(RuntimeError):  # closed: nobody waits there any more
            loop.call_soon_threadsafe(_set, its)


def _set(results: list[_Told]) -> None:
    for done, result, error in results:
        if done.cancelled():
            continue
        if error is None:
            done.set_result(result)
        else:
            done.set_exception(error)
