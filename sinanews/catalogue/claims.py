"""Which worker has which article: of all that share a catalogue one downloads it. A claim lasts as its lease does."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, or_, select

from sinanews.catalogue.clock import database_time
from sinanews.catalogue.database import INSERT, Database, again_where_lost
from sinanews.catalogue.tables import articles, claims, workers

a, c = articles.c, claims.c
CLAIM = "sinanews_claim"  #: key of a request's meta: the Wanted that it is for


class Wanted(NamedTuple):
    """An article that is to be asked for, as its asker knows it."""

    key: str  #: the id of its row
    url: str
    recorded_at: datetime | None = None  #: of the row, where the article was done and is asked for again


class Claimed(NamedTuple):
    """The keys of what was wanted: won; done meanwhile by others. Others hold the rest."""

    won: set[str]
    done: set[str]


class Claims:
    """The claims of one worker. What it holds it keeps until it says what became of the article, or leaves."""

    def __init__(self, database: Database, take_channels: Callable[[Connection, str, str], None]) -> None:
        self.database, self.take_channels = database, take_channels
        self.worker: int | None = None  #: without one nothing is claimed
        self.held: set[str] = set()  #: keys of what was won and is not done

    @again_where_lost
    def claim(self, wanted: Collection[Wanted]) -> Claimed:
        """Take those that nobody holds whose lease lasts, nobody has done meanwhile, and that are the worker's own."""
        keys = {one.key: one for one in wanted}
        with self.database.begin() as connection:
            won = self._take(connection, sorted(keys))  # in one order, so that two workers never wait for each other
            done = self._done(connection, [keys[key] for key in won])
            if done:
                self._release(connection, done)
        self.held |= won - done
        return Claimed(won - done, done)

    def _take(self, connection: Connection, keys: list[str]) -> set[str]:
        insert = INSERT[connection.dialect.name](claims).values(
            [{"article_id": k, "worker": self.worker} for k in keys]
        )
        # Not "no worker that lives": while this waits for another's claim it does not see one who has joined meanwhile.
        lapsed = select(workers.c.id).where(workers.c.id == c.worker, workers.c.alive_until <= database_time())
        free = or_(c.worker == insert.excluded.worker, lapsed.correlate(claims).exists())
        taken = insert.on_conflict_do_update(
            index_elements=["article_id"], set_={"worker": insert.excluded.worker}, where=free
        )
        return set(connection.scalars(taken.returning(c.article_id)))

    def _done(self, connection: Connection, won: list[Wanted]) -> set[str]:
        """Those that became done since their asker looked: another worker's claim ends with its commit.

        Asked after the claim is won, when nobody else can do them.
        """
        unnamed = [one.key for one in won if one.key == one.url]  # may have got another id by its page
        query = select(a.id, a.url, a.recorded_at).where(a.state.in_(("exported", "duplicate", "refused", "forgotten")))
        found = [*connection.execute(query.where(a.id.in_([one.key for one in won])))]
        others = [*connection.execute(query.where(a.url.in_(unnamed)))] if unnamed else []
        known = {row.id: row.recorded_at for row in found}
        done = {one.key for one in won if one.key in known and known[one.key] != one.recorded_at}
        for row in others:
            if row.id != row.url and row.url not in known:
                self.take_channels(connection, row.url, row.id)
                done.add(row.url)
        return done

    def finish(self, key: str) -> bool:
        """Within a transaction that records what became of an article: give its claim back. False: it was lost.

        That happens where the worker was frozen for longer than its lease: another one has the article, or had it.
        """
        if self.worker is None or key not in self.held:
            return True
        with self.database.begin() as connection:
            return bool(self._release(connection, {key}))

    def _release(self, connection: Connection, keys: Collection[str]) -> int:
        its = delete(claims).where(c.article_id.in_(keys), c.worker == self.worker)
        return connection.execute(its).rowcount

    def all(self) -> list[Any]:
        """article_id, worker of every claim there is, lapsed ones too."""
        with self.database.read() as connection:
            return list(connection.execute(select(claims).order_by(c.article_id)))
