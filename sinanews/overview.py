"""How the archive is, in one dictionary: what ``scrapy status`` and ``scrapy report`` show."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from sinanews.catalogue import Catalogue, figures
from sinanews.channels import CHANNELS, channel_by_slug
from sinanews.monitors import HISTORY, Finding, jobs_in_use, judge_archive, judge_run
from sinanews.outcomes import total
from sinanews.showing import minute

NUMBERS = ("articles/exported", "duplicate", "refused", "failed", "listing/failed")  #: shown of each run
JUDGED_WHOLE = ("stale_channel", "gap")  # judge_archive knows better how it stands now
STATES = ("exported", "duplicate", "refused", "failed", "pending")


def gather(catalogue: Catalogue, now: datetime, *, stale: bool = True, most_runs: int = 10) -> dict[str, Any]:
    """All that status says, as its ``--json`` prints it. ``stale``: whether SINANEWS_STALE is on."""
    marks, gaps = catalogue.coverage.channels(), catalogue.coverage.gaps()
    runs = [[run for run in job if not still_runs(run)] for job in figures.runs_of_jobs(catalogue)]
    findings = [*judge_archive(runs, marks if stale else [], gaps, now), *of_last_runs(runs)]
    if lacking := figures.incomplete_articles(catalogue):
        words = f"{lacking} post{'s' * (lacking > 1)} lack{'s' * (lacking == 1)} a page, or the end of one."
        findings.append(Finding("note", "incomplete", words, "Later runs ask again."))
    states = catalogue.count_states()
    refused = Counter({reason: n for (state, reason), n in states.items() if state == "refused"})
    copies = figures.copies_by_reason(catalogue)
    return {
        "needs_attention": any(f.level == "warning" for f in findings),
        "findings": [asdict(f) for f in sorted(findings, key=lambda f: f.level != "warning")],
        "catalogue": str(catalogue),
        "articles": {s: sum(n for (state, _), n in states.items() if state == s) for s in STATES},
        "runs": [run_facts(r) for r in catalogue.runs.last(limit=most_runs)],
        "channels": channel_facts(figures.articles_of_channels(catalogue), marks, figures.listed_days(catalogue)),
        "left_alone": [dict(row._mapping) for row in catalogue.runs.cooldowns(now)],
        "gaps": [dict(row._mapping) for row in gaps],
        "unknown_layouts": [dict(row._mapping) for row in figures.unknown_layouts(catalogue)],
        "refused": dict(refused.most_common()),
        "failed": [dict(row._mapping) for row in figures.failed_articles(catalogue)],
        "duplicates": dict(copies.most_common()),
    }  # fmt: skip


def still_runs(run: Any) -> bool:
    """Whether a run without an end goes on: its process lives, as far as this machine can tell."""
    if run.ended_at is not None or not run.pid:
        return False
    try:
        os.kill(run.pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # it lives, and is another user's
    return True


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


def run_facts(run: Any) -> dict[str, Any]:
    state = run.outcome or ("running" if still_runs(run) else "killed")
    numbers = {name: total(run.counts or {}, name) for name in NUMBERS}
    return {**run._mapping, "state": state, "numbers": numbers}


def channel_facts(articles: Mapping[Any, Any], marks: Sequence[Any], days: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row for each channel that the catalogue knows anything of, in the table's order."""
    listed = {row.channel: row for row in marks}
    met = {*listed, *days, *(slug for slug in articles if slug)}
    order = [c.slug for c in CHANNELS if c.slug in met]
    return [
        {
            "channel": slug,
            "title": channel.title if (channel := channel_by_slug(slug)) else "",
            "articles": getattr(articles.get(slug), "articles", 0),
            "newest_article": getattr(articles.get(slug), "newest", None),
            "listed_until": getattr(listed.get(slug), "listed_until", None),
            "last_success": getattr(listed.get(slug), "last_success", None),
            "days": asdict(days[slug]) if slug in days else None,
        }
        for slug in [*order, *sorted(met - set(order))]
    ]
