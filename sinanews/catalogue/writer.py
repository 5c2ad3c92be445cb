"""One thread that writes: the event loop waits for no disk, and what waits at the same time is committed together."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, NamedTuple, TypeVar

from sinanews.catalogue.database import Database
from sinanews.exceptions import SinanewsError

MOST = 64  #: pieces of work in one commit
MOMENT = 0.1  #: seconds after which a commit takes in nothing more
Result = TypeVar("Result")


class _Work(NamedTuple):
    do: Callable[[], Any]
    done: Future[Any]


class Writer:
    """Does what it is given one after the other, in the order given, and commits all that is waiting at once.

    ``before_commit`` makes last what the commit speaks of: the names of new files. A piece of work may be done twice
    (where another one of its commit fails), so all that it changes is the database, and files that it writes again.
    """

    def __init__(self, database: Database, before_commit: Callable[[], None] = lambda: None) -> None:
        self.database, self.before_commit = database, before_commit
        self._waiting: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def submit(self, do: Callable[[], Result]) -> Future[Result]:
        """What ``do`` returns or raises, once it is committed; a CatalogueError where that fails."""
        work = _Work(do, Future())
        self._waiting.put(work)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="sinanews writer", daemon=True)
            self._thread.start()
        return work.done

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
        group, results, goes_on, until = [first], [], True, time.monotonic() + MOMENT
        try:
            with self.database.together():
                results.append(first.do())
                while len(group) < MOST and time.monotonic() < until and not self._waiting.empty():
                    work = self._waiting.get()
                    if work is None:
                        goes_on = False
                        break
                    group.append(work)
                    results.append(work.do())
                self.before_commit()
        except BaseException as error:
            self._failed(group, error)
        else:
            for work, result in zip(group, results, strict=True):
                work.done.set_result(result)
        return goes_on

    def _failed(self, group: list[_Work], error: BaseException) -> None:
        """Nothing of the group is committed. A mistake in one piece is its own: the others are done without it."""
        if len(group) == 1 or isinstance(error, SinanewsError):  # the latter a disk or database that fails them all
            for work in group:
                work.done.set_exception(error)
            return
        for work in group:
            try:
                with self.database.together():
                    result = work.do()
                    self.before_commit()
            except BaseException as own:
                work.done.set_exception(own)
            else:
                work.done.set_result(result)
