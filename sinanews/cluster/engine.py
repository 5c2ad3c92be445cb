"""Procrastinate as we use it: patient with a database that is away, and each job tied to a worker of the catalogue."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import psycopg
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager
from psycopg_pool import AsyncNullConnectionPool
from sqlalchemy.engine import URL

from sinanews.cluster.fates import Fate

PAUSE = 1.0  #: seconds between two tries to reach the database
GONE = (psycopg.OperationalError, psycopg.InterfaceError)  #: what the driver says where there is no connection

# Each is one statement, so that a job is never taken without a holder, and may be sent twice: who has lost the job
# meanwhile, or settled it before the connection broke, changes nothing.
_TAKE = """
    WITH job AS (SELECT * FROM procrastinate_fetch_job_v2(%(queues)s::varchar[], %(worker_id)s)),
    its AS (
        INSERT INTO assignments (job_id, worker, since)
        SELECT id, %(worker)s, clock_timestamp() FROM job WHERE id IS NOT NULL
        ON CONFLICT (job_id) DO UPDATE SET worker = excluded.worker, since = excluded.since, handled = 0
        RETURNING tries
    )
    SELECT job.*, (SELECT tries FROM its) AS tries FROM job
"""
_SETTLE = """
    WITH its AS (
        UPDATE assignments SET worker = NULL, since = NULL, deaths = 0, tries = %(tries)s, reason = %(reason)s,
            ended_at = clock_timestamp()
        WHERE job_id = %(job_id)s AND worker = %(worker)s RETURNING job_id
    )
"""
_END = f"{_SETTLE} SELECT procrastinate_finish_job_v1(job_id, %(status)s, false) FROM its"
_AGAIN = f"""{_SETTLE} SELECT procrastinate_retry_job_v2(
    job_id, clock_timestamp() + make_interval(secs => %(delay)s), NULL, NULL, NULL) FROM its"""


class PatientConnector(PsycopgConnector):
    """Asks again while the database cannot be reached, until ``give_up`` says that it is no use.

    A connection for each question: there are few, and none is found dead.
    """

    def __init__(self, url: URL, give_up: Callable[[], bool], say: Callable[[str], None]) -> None:
        conninfo = url.set(drivername="postgresql").render_as_string(hide_password=False)
        super().__init__(conninfo=conninfo, pool_factory=AsyncNullConnectionPool, max_size=0)
        self.give_up, self.say = give_up, say
        self.away = False

    async def _patiently(self, ask: Callable[..., Awaitable[Any]], *args: Any, **arguments: Any) -> Any:
        while True:
            try:
                answer = await ask(*args, **arguments)
            except ConnectorException as error:
                if self.give_up() or not isinstance(error.__cause__, GONE):
                    raise
                if not self.away:
                    self.say(f"waiting for the database: {' '.join(str(error.__cause__).split())}")
                self.away = True
                await asyncio.sleep(PAUSE)
            else:
                if self.away:
                    self.say("the database is back")
                self.away = False
                return answer

    async def execute_query_async(self, query: Any, **arguments: Any) -> None:
        await self._patiently(super().execute_query_async, query, **arguments)

    async def execute_query_one_async(self, query: Any, **arguments: Any) -> dict[str, Any]:
        row: dict[str, Any] = await self._patiently(super().execute_query_one_async, query, **arguments)
        return row

    async def execute_query_all_async(self, query: Any, **arguments: Any) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = await self._patiently(super().execute_query_all_async, query, **arguments)
        return rows

    async def listen_notify(self, on_notification: Any, channels: Iterable[str]) -> None:
        await self._patiently(super().listen_notify, on_notification, channels)


class HeldJobs(JobManager):
    """Takes and settles jobs in the name of a worker of the catalogue."""

    def __init__(self, connector: PatientConnector, worker: int, may_take: Callable[[], bool]) -> None:
        super().__init__(connector)
        self.worker, self.may_take, self.say = worker, may_take, connector.say
        self.tries: dict[int, int] = {}  #: of the jobs taken, until they are settled
        self.fates: dict[int, Fate] = {}  #: set by the task before it returns

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        if not self.may_take():
            return None
        about = {"queues": queues, "worker_id": worker_id, "worker": self.worker}
        row = await self.connector.execute_query_one_async(query=_TAKE, **about)
        if row["id"] is None:
            return None
        self.tries[row["id"]] = row["tries"]
        return Job.from_row(row)

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:
        """As the fate of the job says: Procrastinate's own status knows only whether our task raised."""
        assert job.id is not None
        mistake = Fate("failed", self.tries.get(job.id, 0), 0, "a mistake in sinanews; the log has more")
        fate = self.fates.pop(job.id, mistake)
        its = {"job_id": job.id, "worker": self.worker, "tries": fate.tries, "reason": fate.reason[:500]}
        query = _AGAIN if fate.status == "todo" else _END
        try:
            await self.connector.execute_query_async(query=query, delay=float(fate.delay), status=fate.status, **its)
        except ConnectorException:  # the worker is ending, and what it asks next says why
            self.say(f"{job.queueing_lock}: the database could not be told; it is taken up after the lease")
        self.tries.pop(job.id, None)


def make_app(connector: PatientConnector, jobs: HeldJobs) -> App:
    for name in ("procrastinate", "psycopg.pool"):  # we say ourselves what becomes of jobs and of the connection
        logging.getLogger(name).setLevel(logging.CRITICAL)
    app = App(connector=connector)
    app.job_manager = jobs
    return app
