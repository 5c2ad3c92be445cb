"""The schedule as jobs: each tick once, however many workers there are and however long there was none."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from sinanews.catalogue.database import INSERT
from sinanews.cluster.plans import scheduled
from sinanews.cluster.queue import Queue
from sinanews.cluster.tables import ticks
from sinanews.jobs import Job, last_time

logger = logging.getLogger(__name__)
t = ticks.c


def tick(queue: Queue, jobs: Sequence[Job], zone: tzinfo, zone_name: str) -> list[str]:
    """Enqueue the rows whose time has come since their last tick; their names.

    Of several ticks that were missed one is made good; a row that is new begins with its next one. A row whose last
    job still waits or runs gets no other: that one will read what is new by then.
    """
    made = []
    with queue.catalogue.begin() as connection:
        now: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()  # no machine's own clock
        for job in jobs:
            due = last_time(job, now.astimezone(zone))
            if _take(connection, job.name, due, now, zone_name):
                queue.enqueue_in(connection, [scheduled(job)])
                made.append(job.name)
    return made


def _take(connection: Connection, name: str, due: datetime, now: datetime, zone: str) -> bool:
    """Whether this tick is ours; it is nobody else's then."""
    new = INSERT["postgresql"](ticks).values(name=name, last=now, zone=zone).on_conflict_do_nothing()
    if connection.execute(new.returning(t.name)).first():
        return False
    its = update(ticks).where(t.name == name, t.last < due)
    return connection.execute(its.values(last=due, zone=zone)).rowcount > 0


def last_ticks(connection: Connection) -> dict[str, Row[Any]]:
    """name → name, last, zone."""
    return {row.name: row for row in connection.execute(select(ticks))}
