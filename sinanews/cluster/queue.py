"""The queue as commands and the sweep see it: jobs put in, counted, given back. One transaction each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, text

from sinanews.catalogue import Catalogue
from sinanews.catalogue.tables import days
from sinanews.cluster.fates import MOST_DEATHS
from sinanews.cluster.plans import KINDS, Work
from sinanews.cluster.schema import prepare_queue
from sinanews.exceptions import CatalogueError

TASK = "crawl"  #: Procrastinate's name of the one task that there is
ENQUEUE_LOCK = 0x73696E64  #: nobody else enqueues while one does
MOST = 1000  #: jobs of one statement

_THERE = text("""
    SELECT queueing_lock FROM procrastinate_jobs WHERE status = 'todo' AND queueing_lock = ANY(:names)
    UNION ALL SELECT queueing_lock FROM procrastinate_jobs WHERE status = 'doing'
""")
_DONE = text(f"SELECT day FROM {days.name} WHERE channel = :channel AND state = 'complete'")
#: Jobs whose worker is gone, by its lease; Procrastinate's own notice of its workers is not believed.
_LEFT = text("""
    SELECT job.id, job.queueing_lock AS name, coalesce(its.deaths, 0) AS deaths, coalesce(its.handled, 0) AS handled
    FROM procrastinate_jobs AS job LEFT JOIN assignments AS its ON its.job_id = job.id
    WHERE job.status = 'doing' AND NOT EXISTS (
        SELECT 1 FROM workers WHERE id = its.worker AND alive_until > clock_timestamp() AT TIME ZONE 'UTC')
    FOR UPDATE OF job SKIP LOCKED
""")
#: Jobs that the database gave to a worker which never heard of it, because the connection broke between.
_UNHEARD = text("""
    SELECT job.id, job.queueing_lock AS name, 0 AS deaths, 1 AS handled
    FROM procrastinate_jobs AS job JOIN assignments AS its ON its.job_id = job.id
    WHERE job.status = 'doing' AND its.worker = :worker AND job.id <> ALL(:held)
      AND its.since < clock_timestamp() - make_interval(secs => 30)
    FOR UPDATE OF job SKIP LOCKED
""")
_NOTE = text("""
    INSERT INTO assignments (job_id, deaths, ended_at, reason) VALUES (:id, :deaths, clock_timestamp(), :reason)
    ON CONFLICT (job_id) DO UPDATE SET worker = NULL, since = NULL, handled = 0, deaths = excluded.deaths,
        ended_at = excluded.ended_at, reason = excluded.reason
""")
_AGAIN = text("SELECT procrastinate_retry_job_v2(:id, clock_timestamp(), NULL, NULL, NULL)")
_FAIL = text("SELECT procrastinate_finish_job_v1(:id, 'failed', false)")
_HANDLED = text("UPDATE assignments SET handled = :handled WHERE job_id = :id AND worker = :worker")
#: Finished jobs are kept for a while: progress is counted of them. Those of a backfill stay longest.
_FORGET = text("""
    DELETE FROM procrastinate_jobs USING assignments AS its
    WHERE its.job_id = id AND status = 'succeeded' AND its.ended_at < clock_timestamp() - interval '30 days'
""")
_FAILED = text("""
    SELECT job.id, job.queueing_lock AS name, its.reason, its.ended_at, its.tries, its.deaths
    FROM procrastinate_jobs AS job LEFT JOIN assignments AS its ON its.job_id = job.id
    WHERE job.status = 'failed' ORDER BY job.id
""")
_WAITING = text("""
    SELECT job.id, job.queueing_lock AS name, job.scheduled_at, its.tries, its.reason
    FROM procrastinate_jobs AS job LEFT JOIN assignments AS its ON its.job_id = job.id
    WHERE job.status = 'todo' ORDER BY job.priority DESC, job.id LIMIT :most
""")


class Left(NamedTuple):
    """A job whose worker was gone, and whether it has failed for good with that."""

    name: str
    fails: bool


class Queue:
    """Jobs of a catalogue in PostgreSQL. Every method raises CatalogueError."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Makes the tables where there are none. Raises ArgumentError where it cannot be a queue at all."""
        self.catalogue = catalogue
        prepare_queue(catalogue)

    def enqueue(self, wanted: Sequence[Work]) -> Counter[str]:
        """Put in what neither waits nor runs nor is done; how many of which: enqueued, there, complete."""
        with self.catalogue.begin() as connection:
            return self.enqueue_in(connection, wanted)

    def enqueue_in(self, connection: Connection, wanted: Sequence[Work]) -> Counter[str]:
        """The same in a transaction that has begun."""
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ENQUEUE_LOCK})
        there = set(connection.scalars(_THERE, {"names": [one.name for one in wanted]}))
        channels = {one.day[0] for one in wanted if one.day}
        done = {(c, day) for c in channels for day in connection.scalars(_DONE, {"channel": c})}
        told = Counter({"enqueued": 0})
        new: dict[str, Work] = {}
        for one in wanted:
            state = "there" if one.name in there else "complete" if one.day in done else "enqueued"
            told[state] += 1
            if state == "enqueued":
                new[one.name] = one
        for few in _chunks(list(new.values())):
            _defer(connection, few)
        return told

    def give_back(self, worker: int, held: Collection[int]) -> list[Left]:
        """Have the jobs of workers that are gone taken up again, and those of this one that it has not ``held``.

        A job with which MOST_DEATHS workers died, none of which came to the end of an article, has failed for good.
        """
        with self.catalogue.begin() as connection:
            left = [*connection.execute(_LEFT)]
            left += connection.execute(_UNHEARD, {"worker": worker, "held": list(held)})
            return [_give_back(connection, job) for job in left]

    def note(self, worker: int, handled: Mapping[int, int]) -> None:
        """How many articles the jobs of a worker have come to the end of."""
        if handled:
            rows = [{"worker": worker, "id": job, "handled": number} for job, number in handled.items()]
            with self.catalogue.begin() as connection:
                connection.execute(_HANDLED, rows)

    def forget(self) -> None:
        """Delete what was finished long ago."""
        with self.catalogue.begin() as connection:
            connection.execute(_FORGET)

    def failed(self) -> Sequence[Row[Any]]:
        """id, name, reason, ended_at, tries, deaths of the jobs that failed for good."""
        with self.catalogue.read() as connection:
            return failed_jobs(connection)

    def waiting(self, most: int) -> Sequence[Row[Any]]:
        """id, name, scheduled_at, tries, reason of the jobs that are taken next."""
        with self.catalogue.read() as connection:
            return connection.execute(_WAITING, {"most": most}).all()

    def retry_failed(self) -> int:
        """Have those that failed for good tried again, as if for the first time; how many there were."""
        with self.catalogue.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ENQUEUE_LOCK})
            rows = connection.execute(_FAILED).all()
            there = set(connection.scalars(_THERE, {"names": [row.name for row in rows]}))
            number = 0
            for row in reversed(rows):
                if row.name in there:  # enqueued once more since
                    connection.execute(text("DELETE FROM procrastinate_jobs WHERE id = :id"), {"id": row.id})
                    continue
                there.add(row.name)
                its = "UPDATE assignments SET tries = 0, deaths = 0 WHERE job_id = :id"
                connection.execute(text(its), {"id": row.id})
                connection.execute(_AGAIN, {"id": row.id})
                number += 1
        return number


def failed_jobs(connection: Connection) -> Sequence[Row[Any]]:
    """As Queue.failed, for one who reads more in the same transaction."""
    return connection.execute(_FAILED).all()


def _give_back(connection: Connection, job: Row[Any]) -> Left:
    deaths = 0 if job.handled else job.deaths + 1
    fails = deaths >= MOST_DEATHS
    reason = f"{deaths} workers died with it, one after the other" if deaths else "its worker was gone"
    connection.execute(_NOTE, {"id": job.id, "deaths": 0 if fails else deaths, "reason": reason})
    connection.execute(_FAIL if fails else _AGAIN, {"id": job.id})
    return Left(job.name, fails)


def _defer(connection: Connection, wanted: Iterable[Work]) -> None:
    """As part of the transaction: Procrastinate gets SQLAlchemy's own connection."""
    from procrastinate import SyncPsycopgConnector
    from procrastinate.exceptions import ProcrastinateException
    from procrastinate.jobs import Job
    from procrastinate.manager import JobManager

    jobs = [
        Job(
            queue=one.kind,
            priority=KINDS[one.kind],
            lock=None,
            queueing_lock=one.name,
            task_name=TASK,
            task_kwargs={"spider": one.spider, "arguments": dict(one.arguments)},
        )
        for one in wanted
    ]
    try:
        JobManager(SyncPsycopgConnector()).batch_defer_jobs(jobs, connection=connection.connection.driver_connection)
    except ProcrastinateException as error:
        cause = error.__cause__ or error
        raise CatalogueError(f"jobs could not be enqueued: {' '.join(str(cause).split())}") from None


def _chunks(wanted: Sequence[Work]) -> Iterable[Sequence[Work]]:
    return (wanted[first : first + MOST] for first in range(0, len(wanted), MOST))
