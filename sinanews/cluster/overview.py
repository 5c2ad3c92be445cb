"""How the cluster is, for ``scrapy status``; needs nothing of the extra ``cluster`` installed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, text

from sinanews.catalogue import Catalogue
from sinanews.cluster.plans import KINDS
from sinanews.cluster.queue import failed_jobs
from sinanews.cluster.schedule import last_ticks
from sinanews.cluster.schema import has_queue
from sinanews.dates import minute
from sinanews.watch.monitors import Finding
from sinanews.watch.outcomes import counted

#: Procrastinate's word for a job's state → ours
STATES = {"todo": "waiting", "doing": "doing", "succeeded": "done", "failed": "failed"}
HOUR = timedelta(hours=1)

_NUMBERS = text("SELECT queue_name AS kind, status::text, count(*) AS number FROM procrastinate_jobs GROUP BY 1, 2")
_DOING = text("""
    SELECT its.worker, job.queueing_lock AS name, its.since, its.handled
    FROM procrastinate_jobs AS job JOIN assignments AS its ON its.job_id = job.id
    WHERE job.status = 'doing' ORDER BY job.id
""")
_PACE = text("""
    SELECT count(*) AS number, min(its.ended_at) AS first, clock_timestamp() AS now
    FROM assignments AS its JOIN procrastinate_jobs AS job ON its.job_id = job.id
    WHERE its.ended_at > clock_timestamp() - interval '1 hour' AND job.status = 'succeeded'
      AND job.queue_name = 'backfill'
""")


def gather_cluster(catalogue: Catalogue) -> tuple[dict[str, Any], list[Finding]] | None:
    """What status says of queue, workers, backfill and schedule, and its findings; None where there is no queue."""
    if not has_queue(catalogue):
        return None
    workers = [row for row in catalogue.workers.all() if row.what == "worker"]
    with catalogue.read() as connection:
        queue = _numbers(connection)
        facts = {
            "queue": queue,
            "workers": _workers(workers, connection.execute(_DOING).all()),
            "backfill": _backfill(queue["backfill"], connection.execute(_PACE).one()),
            "failed_jobs": [dict(row._mapping) for row in failed_jobs(connection)],
            "schedule": [dict(row._mapping) for row in last_ticks(connection).values()],
        }
    return facts, findings(facts)


def _numbers(connection: Connection) -> dict[str, dict[str, int]]:
    """kind → state → jobs."""
    numbers = {kind: dict.fromkeys(STATES.values(), 0) for kind in KINDS}
    for row in connection.execute(_NUMBERS):
        if row.kind in numbers and row.status in STATES:
            numbers[row.kind][STATES[row.status]] = row.number
    return numbers


def _workers(rows: Sequence[Row[Any]], doing: Sequence[Row[Any]]) -> list[dict[str, Any]]:
    jobs = defaultdict(list)
    for job in doing:
        jobs[job.worker].append({"name": job.name, "since": job.since, "articles": job.handled})
    return [
        {"worker": row.id, "host": row.host, "pid": row.pid, "address": row.address, "alive": bool(row.alive),
         "started_at": row.started_at, "alive_until": row.alive_until, "program": row.program, "doing": jobs[row.id]}
        for row in rows
    ]  # fmt: skip


def _backfill(numbers: Mapping[str, int], pace: Row[Any]) -> dict[str, Any] | None:
    """Days done and in all, and the time left at the last hour's pace: None where nothing was done in it."""
    days = sum(numbers.values())
    if not days:
        return None
    left = numbers["waiting"] + numbers["doing"]
    each = (pace.now - pace.first) / pace.number if pace.number > 1 else None
    return {"days": days, "done": numbers["done"], "failed": numbers["failed"],
            "in_last_hour": pace.number, "time_left": each * left if each is not None else None}  # fmt: skip


def findings(facts: Mapping[str, Any]) -> list[Finding]:
    """Workers that died, jobs that failed for good or that nobody takes, schedules in two zones."""
    found = [_dead(worker, facts["workers"]) for worker in facts["workers"] if not worker["alive"]]
    if failed := facts["failed_jobs"]:
        words = f"{counted(len(failed), 'job')} failed for good, such as {failed[-1]['name']}: {failed[-1]['reason']}."
        found.append(Finding("warning", "failed_jobs", words, "scrapy enqueue --list; then --retry-failed."))
    waiting = sum(numbers["waiting"] for numbers in facts["queue"].values())
    if waiting and not any(worker["alive"] for worker in facts["workers"]):
        words = f"{counted(waiting, 'job')} {'waits' if waiting == 1 else 'wait'}, and no worker is alive."
        found.append(Finding("warning", "no_worker", words, "Start one: scrapy worker."))
    zones = {row["zone"] for row in facts["schedule"]}
    if len(zones) > 1:
        words = f"the schedule is reckoned in several zones: {', '.join(sorted(zones))}."
        found.append(Finding("warning", "zones", words, "Set SINANEWS_ZONE to the same on every machine."))
    return found


def _dead(worker: Mapping[str, Any], workers: Sequence[Mapping[str, Any]]) -> Finding:
    """A note where its machine has another one by now."""
    replaced = any(w["alive"] and w["host"] == worker["host"] for w in workers)
    words = f"worker {worker['worker']} on {worker['host']} died, last seen before {minute(worker['alive_until'])}."
    advice = "Its jobs are others' now." if replaced else "Its jobs are others' now; start it anew there."
    return Finding("note" if replaced else "warning", "dead_worker", words, advice)
