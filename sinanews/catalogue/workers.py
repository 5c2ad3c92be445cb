"""Who works with a catalogue that several share: each has a lease, and what it holds lapses with it."""

from __future__ import annotations

import logging
import os
import platform
import threading
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Row, delete, select, update

from sinanews import __version__
from sinanews.catalogue.clock import database_time
from sinanews.catalogue.database import Database, again_where_lost
from sinanews.catalogue.migrations import SCHEMA_VERSION, check_version
from sinanews.catalogue.tables import claims, workers
from sinanews.exceptions import CatalogueError

logger = logging.getLogger(__name__)
LEASE = 60.0  #: seconds
MOST_BEAT = 5.0  #: seconds between two renewals at most: with each one looks what became of the others
KEPT = 7 * 86400.0  #: seconds that the row of a worker which never left stays, to be told
w = workers.c
IS_ALIVE = w.alive_until > database_time()


class Workers:
    """The workers' side of a catalogue. Every time in it is the database's."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @again_where_lost
    def join(self, address: str, what: str, lease: float = LEASE) -> int:
        """A new worker, alive for ``lease`` seconds: its id, which is never given again.

        ``what``: the spider, say. Raises CatalogueError, also where the tables are of another version by now.
        """
        its = {"host": platform.node(), "pid": os.getpid(), "address": address, "what": what, "lease": lease}
        moments = {"started_at": database_time(), "since": database_time(), "alive_until": database_time(lease)}
        values = {**its, **moments, "schema": SCHEMA_VERSION, "program": __version__}
        with self.database.begin() as connection:
            worker = int(connection.execute(workers.insert().values(**values).returning(w.id)).scalar_one())
            check_version(connection, str(self.database))  # after it: a migration either sees this row, or is seen
            connection.execute(delete(workers).where(w.alive_until < database_time(-KEPT)))
            connection.execute(delete(claims).where(claims.c.worker.not_in(select(w.id))))
        return worker

    @again_where_lost
    def renew(self, worker: int) -> bool:
        """Let it live for another lease; False where its row is gone. Raises CatalogueError, as ``join``."""
        with self.database.begin() as connection:
            check_version(connection, str(self.database))
            its = update(workers).where(w.id == worker)
            return connection.execute(its.values(alive_until=database_time(w.lease))).rowcount > 0

    @again_where_lost
    def doing(self, worker: int, text: str) -> None:
        """Say what it does from now on."""
        with self.database.begin() as connection:
            its = update(workers).where(w.id == worker)
            connection.execute(its.values(doing=text, since=database_time()))

    @again_where_lost
    def leave(self, worker: int) -> None:
        """It is no worker any more, and holds nothing."""
        with self.database.begin() as connection:
            connection.execute(delete(claims).where(claims.c.worker == worker))
            connection.execute(delete(workers).where(w.id == worker))

    def alive(self) -> Sequence[Row[Any]]:
        """The rows of those whose lease holds, the oldest first."""
        return [row for row in self.all() if row.alive]

    @again_where_lost
    def all(self) -> Sequence[Row[Any]]:
        """The rows, with ``alive`` beside their columns: of those that work, and of those that died lately."""
        with self.database.read() as connection:
            return connection.execute(select(workers, IS_ALIVE.label("alive")).order_by(w.id)).all()


class Membership:
    """A worker from its beginning to its end, its lease renewed by a thread of its own: no busy loop starves it.

    A database that cannot be reached is waited for; a worker that was frozen goes on with what is still its own.
    """

    def __init__(
        self, found: Workers, address: str, what: str, lease: float = LEASE, each_beat: Callable[[], None] | None = None
    ) -> None:
        """Joins. ``each_beat`` is called in the thread after each renewal. Raises CatalogueError."""
        self.workers, self.each_beat = found, each_beat
        self.beat = min(lease / 3, MOST_BEAT)
        self.id = found.join(address, what, lease)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sinanews lease", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._over.wait(self.beat):
            try:
                self.workers.renew(self.id)
                if self.each_beat is not None:
                    self.each_beat()
            except CatalogueError as error:
                if not self._over.is_set():
                    logger.warning("the lease could not be renewed: %s", error)

    def doing(self, text: str) -> None:
        """Say what it does from now on; only told, so that nothing fails with it."""
        try:
            self.workers.doing(self.id, text)
        except CatalogueError as error:
            logger.warning("%s", error)

    def leave(self) -> None:
        """Give all back, once. Where that fails it lapses with the lease."""
        if self._over.is_set():
            return
        self._over.set()
        self._thread.join(self.beat)
        try:
            self.workers.leave(self.id)
        except CatalogueError as error:
            logger.warning("what this worker holds lapses with its lease: %s", error)
