"""How the archive is, in one dictionary: what ``scrapy status`` and ``scrapy report`` show."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sinanews.catalogue import Catalogue, queries
from sinanews.catalogue.forgotten import FORGOTTEN
from sinanews.catalogue.lock import holder
from sinanews.dates import minute
from sinanews.listing.channels import CHANNELS, COMPANY_LISTS, company_channel, company_of
from sinanews.listing.live import ROOMS
from sinanews.watch.monitors import HISTORY, Finding, jobs_in_use, judge_archive, judge_run
from sinanews.watch.outcomes import total

NUMBERS = ("articles/exported", "duplicate", "refused", "failed", "listing/failed")  #: shown of each run
CLOCKS_DIFFER = 5  #: seconds by which a process may seem younger than its run
#: slug → what people call it, of channels and of the live feed's rooms
TITLES = {c.slug: c.title for c in CHANNELS} | {f"live-{number}": f"7x24 {name}" for number, name, *_ in ROOMS}
JUDGED_WHOLE = ("stale_channel", "gap")  # judge_archive knows better how it stands now
STATES = ("exported", "duplicate", "refused", "failed", "pending")


def gather(catalogue: Catalogue, now: datetime, *, stale: bool = True, most_runs: int = 10) -> dict[str, Any]:
    """All that status says, as its ``--json`` prints it. ``stale``: whether SINANEWS_STALE is on."""
    marks, gaps = catalogue.listing.channels(), catalogue.listing.gaps()
    asked = queries.asked_of_runs(catalogue)
    jobs = queries.runs_of_jobs(catalogue)
    alive = running((run for job in jobs for run in job), catalogue)
    runs = [[run for run in job if run.id not in alive] for job in jobs]
    findings = [*judge_archive(runs, marks if stale else [], gaps, now), *of_last_runs(runs)]
    if lacking := queries.incomplete_articles(catalogue):
        words = f"{lacking} post{'s' * (lacking > 1)} lack{'s' * (lacking == 1)} a page, or the end of one."
        findings.append(Finding("note", "incomplete", words, "Later runs ask again."))
    numbers = queries.figures(catalogue)
    states = queries.numbers_of_states(numbers)
    copies = queries.copies_by_reason(catalogue)
    return {
        "needs_attention": any(f.level == "warning" for f in findings),
        "findings": [asdict(f) for f in sorted(findings, key=lambda f: f.level != "warning")],
        "catalogue": str(catalogue),
        "originals": catalogue.originals.weight()._asdict(),
        "pictures": catalogue.pictures.weight()._asdict(),
        "articles": {state: states[state] for state in STATES}
        | ({FORGOTTEN: states[FORGOTTEN]} if states[FORGOTTEN] else {}),
        "runs": [run_facts(r, alive) for r in catalogue.runs.last(limit=most_runs)],
        "channels": channel_facts(numbers, marks, queries.listed_days(catalogue, asked), asked),
        "companies": company_facts(numbers, marks, gaps),
        "left_alone": [dict(row._mapping) for row in catalogue.runs.cooldowns()],
        "gaps": [dict(row._mapping) for row in gaps],
        "unknown_layouts": [dict(row._mapping) for row in queries.unknown_layouts(catalogue)],
        "refused": dict(queries.numbers_of_refusals(numbers).most_common()),
        "failed": [dict(row._mapping) for row in queries.failed_articles(catalogue)],
        "duplicates": dict(copies.most_common()),
    }  # fmt: skip


def running(runs: Iterable[Any], catalogue: Catalogue) -> set[int]:
    """The ids of those of the runs that go on, as far as this machine can tell."""
    without_end = [run for run in runs if run.ended_at is None and run.pid]
    if catalogue.path is None:  # workers that share a server hold no lock
        return {run.id for run in without_end if process_is_of(run.pid, run.started_at)}
    newest = {run.spider: run for run in sorted(without_end, key=lambda run: int(run.id))}
    return {run.id for run in newest.values() if holds_lock(run, catalogue.path)}


def holds_lock(run: Any, database: Path) -> bool:
    """Whether a run has its spider's lock: its process id alone may be another program's by now."""
    pid = holder(database, run.spider)
    return pid is not None and (pid == run.pid or (pid == 0 and process_is_of(run.pid, run.started_at)))


def process_is_of(pid: int, when: datetime) -> bool:
    """Whether a process lives and is older than a moment: a younger one has the number of one that is gone."""
    if os.name != "posix":
        return False  # there is no harmless question there
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        pass  # it lives, and is another user's
    began = process_began(pid)
    return began is None or began <= when.timestamp() + CLOCKS_DIFFER


def process_began(pid: int) -> float | None:
    """Epoch seconds; None on systems without Linux's /proc."""
    try:
        ticks = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
        booted = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime "))
        return int(booted.split()[1]) + ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, StopIteration):
        return None


def of_last_runs(jobs: Sequence[Sequence[Any]]) -> list[Finding]:
    """What the last run of each job found, as recorded; judged now where nothing is recorded."""
    told: list[Finding] = []
    for last, *before in jobs_in_use(jobs):
        found = [Finding(**finding) for finding in last.findings or ()]
        if last.findings is None and last.counts is not None:
            found = judge_run(last.counts, [run.counts for run in before[:HISTORY] if run.counts])
        run = f"{last.spider}, {minute(last.started_at)}"
        told += [replace(f, words=f"{run}: {f.words}") for f in found if f.name not in JUDGED_WHOLE]
    return told


def run_facts(run: Any, alive: Collection[int]) -> dict[str, Any]:
    """The row, its state, and its numbers: None where they were never recorded, because a run does so at its end."""
    state = run.outcome or ("running" if run.id in alive else "killed")
    numbers = {name: None if run.counts is None else total(run.counts, name) for name in NUMBERS}
    return {**run._mapping, "state": state, "numbers": numbers}


def channel_facts(
    numbers: Sequence[queries.Figure], marks: Sequence[Any], days: Mapping[str, Any], asked: Sequence[queries.Asked]
) -> list[dict[str, Any]]:
    """One row for each channel that the catalogue knows anything of, in the table's order."""
    listed = {row.channel: row for row in marks}
    last_run = {slug: run for run in reversed(asked) for slug in run.channels}
    exported = [one for one in numbers if one.state == "exported" and one.channel]
    met = {slug for slug in (*listed, *days, *(str(one.channel) for one in exported)) if company_of(slug) is None}
    order = [slug for slug in TITLES if slug in met]
    return [
        {
            "channel": slug,
            "title": TITLES.get(slug, ""),
            "articles": sum(one.articles for one in exported if one.channel == slug),
            "newest_article": max((one.newest for one in exported if one.channel == slug and one.newest), default=None),
            "listed_until": getattr(listed.get(slug), "listed_until", None),
            "last_run": getattr(last_run.get(slug), "started_at", None),
            "last_success": getattr(listed.get(slug), "last_success", None),
            "days": asdict(days[slug]) if slug in days else None,
        }
        for slug in [*order, *sorted(met - set(order))]
    ]


def company_facts(numbers: Sequence[queries.Figure], marks: Sequence[Any], gaps: Sequence[Any]) -> list[dict[str, Any]]:
    """One row for each company, the one whose lists were read to their end longest ago first.

    The numbers are of articles that its own lists named first.
    """
    listed = {row.channel: row for row in marks}
    exported = {one.channel: one for one in numbers if one.state == "exported"}
    slugs = {*listed, *(str(slug) for slug in exported), *(row.channel for row in gaps)}
    codes = {found[0] for slug in slugs if (found := company_of(slug)) is not None}
    rows = [_company(code, listed, exported, {row.channel for row in gaps}) for code in codes]
    return sorted(rows, key=lambda row: (row["last_success"] is not None, row["last_success"], row["company"]))


def _company(
    code: str, listed: Mapping[str, Any], exported: Mapping[str | None, queries.Figure], gaps: Collection[str]
) -> dict[str, Any]:
    slugs = {kind: company_channel(code, kind).slug for kind in COMPANY_LISTS}
    newest = [one.newest for slug in slugs.values() if (one := exported.get(slug)) is not None and one.newest]
    ended = [row.last_success for slug in slugs.values() if (row := listed.get(slug)) is not None and row.last_success]
    return {
        "company": code,
        **{kind: exported[slug].articles if slug in exported else 0 for kind, slug in slugs.items()},
        "newest_article": max(newest, default=None),
        "last_success": min(ended, default=None),
        "gaps": sum(slug in gaps for slug in slugs.values()),
    }
