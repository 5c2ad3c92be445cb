"""``scrapy status``: how the archive is, and whether a person is needed."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta, timezone
from typing import Any

from sinanews.catalogue import Catalogue
from sinanews.config import program
from sinanews.dates import minute
from sinanews.listing.channels import COMPANY_LISTS
from sinanews.terminal.show import CatalogueCommand, as_json, console, table

MOST_COMPANIES = 20  #: shown; a watch-list may have hundreds
TIMES = ("newest_article", "last_run", "last_success")  #: of a channel


class Command(CatalogueCommand):
    """Exit code 1 when something needs a person; each such thing is a warning with what to do."""

    def short_desc(self) -> str:
        return "Show how the archive is: runs, channels, gaps, refusals; exits 1 when a person is needed"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--json", action="store_true", help="print JSON instead of tables")

    def show(self, catalogue: Catalogue, opts: argparse.Namespace) -> int:
        from sinanews.cluster.overview import gather_cluster  # not at the top: Scrapy imports every command
        from sinanews.watch.summary import gather

        assert self.settings is not None
        facts = gather(catalogue, datetime.now(timezone.utc), stale=self.settings.getbool("SINANEWS_STALE"))
        if (cluster := gather_cluster(catalogue)) is not None:
            facts["cluster"], more = cluster
            facts["findings"] = sorted([*facts["findings"], *map(asdict, more)], key=lambda f: f["level"] != "warning")
            facts["needs_attention"] |= any(f.level == "warning" for f in more)
        print(as_json(facts)) if opts.json else tell_status(facts)
        return int(facts["needs_attention"])


def tell_status(facts: Mapping[str, Any]) -> None:
    """Print it for people: what needs one first."""
    from rich.text import Text

    out = console()
    for finding in facts["findings"] or [{"level": "ok", "words": "nothing needs you.", "advice": ""}]:
        style = {"warning": "bold red", "note": "yellow"}.get(finding["level"], "green")
        out.print(Text.assemble((finding["level"].upper(), style), f" {finding['words']} {finding['advice']}"))
    numbers = ", ".join(f"{number} {state}" for state, number in facts["articles"].items() if number)
    out.print(
        f"\nArchive: {numbers or 'empty'}\nCatalogue: {facts['catalogue']}\nAll times are Beijing's.", soft_wrap=True
    )
    if (kept := facts["originals"])["files"]:
        weight = f"{kept['bytes'] / 1e6:,.1f} MB in {kept['files']:,} files"
        out.print(f"Pages kept as they came: {kept['pages']:,}, {weight}", soft_wrap=True)
    if (pictures := facts["pictures"])["files"] or pictures["wanted"]:
        later = f", {pictures['wanted']:,} more to be fetched" if pictures["wanted"] else ""
        out.print(f"Pictures: {pictures['files']:,}, {pictures['bytes'] / 1e6:,.1f} MB{later}", soft_wrap=True)
    cluster = facts.get("cluster")
    if cluster is not None and cluster["backfill"] is not None:
        out.print(f"\nBackfill: {backfill_words(cluster['backfill'])}")
    for title, headings, rows in [*(cluster_tables(cluster) if cluster is not None else ()), *tables(facts)]:
        if rows:
            out.print(Text(f"\n{title}", "bold"))
            out.print(table(headings, rows))


def tables(facts: Mapping[str, Any]) -> list[tuple[str, tuple[str, ...], list[Any]]]:
    return [
        ("Last runs", ("spider", "began", "outcome", ">new", ">failed", "?>refused", "?>copies"),
         [_run_row(run) for run in facts["runs"]]),
        ("Channels", ("channel", "~title", ">articles", "newest article", "?last run", "?listed to its end"),
         [(c["channel"], c["title"], c["articles"], *(minute(c[name]) for name in TIMES))
          for c in facts["channels"]]),
        (_companies_title(facts["companies"]),
         ("company", *map(">{}".format, COMPANY_LISTS), "?>gaps", "newest article", "?last listed"),
         [(c["company"], *(c[kind] for kind in COMPANY_LISTS), c["gaps"], *(minute(c[name]) for name in TIMES[::2]))
          for c in facts["companies"][:MOST_COMPANIES]]),
        ("Days listed", ("channel", ">complete", ">partial", ">empty", ">not begun", "~for example"),
         [_day_row(c["channel"], c["days"]) for c in facts["channels"] if c["days"]]),
        ("Left alone, because they refuse us", ("host", "until", "~why"),
         [(h["host"], minute(h["until"]), h["reason"]) for h in facts["left_alone"]]),
        ("Gaps", ("channel", "from", "to", "found"),
         [(g["channel"], *map(minute, (g["after"], g["before"], g["found_at"]))) for g in facts["gaps"]]),
        ("Unknown layouts, newest first", ("~url", "channel", "met"),
         [(u["url"], u["channel"], minute(u["recorded_at"])) for u in facts["unknown_layouts"]]),
        ("Refused", ("reason", ">articles"), list(facts["refused"].items())),
        ("Failed, to be tried again", ("reason", ">articles", ">attempts", "next try"),
         [(f["reason"], f["articles"], f["attempts"], minute(f["next_try"]) if f["next_try"] else "next run")
          for f in facts["failed"]]),
        (f"Duplicates ({program()} duplicates shows them)", ("why", ">articles"), list(facts["duplicates"].items())),
    ]  # fmt: skip


def backfill_words(backfill: Mapping[str, Any]) -> str:
    """How far the days are that were enqueued.

    >>> backfill_words({"days": 90, "done": 60, "failed": 0, "in_last_hour": 30, "time_left": timedelta(minutes=61)})
    '60 of 90 days done, 30 in the last hour; at that pace 1.0 h are left'
    """
    words = f"{backfill['done']} of {backfill['days']} days done"
    words += f", {backfill['failed']} failed" * bool(backfill["failed"])
    words += f", {backfill['in_last_hour']} in the last hour"
    if backfill["time_left"] is None:
        return words
    hours = backfill["time_left"] / timedelta(hours=1)
    return f"{words}; at that pace {f'{hours / 24:.1f} days' if hours > 48 else f'{hours:.1f} h'} are left"


def cluster_tables(cluster: Mapping[str, Any]) -> list[tuple[str, tuple[str, ...], list[Any]]]:
    return [
        ("Queue", ("kind", ">waiting", ">doing", ">done", ">failed"),
         [(kind, *numbers.values()) for kind, numbers in cluster["queue"].items() if any(numbers.values())]),
        ("Workers", ("worker", "host", "pid", "state", "since", "does", "since", ">articles"),
         [row for worker in cluster["workers"] for row in _worker_rows(worker)]),
        ("Schedule", ("job", "last tick", "reckoned in"),
         [(row["name"], minute(row["last"]), row["zone"]) for row in cluster["schedule"]]),
    ]  # fmt: skip


def _worker_rows(worker: Mapping[str, Any]) -> list[tuple[object, ...]]:
    """A line for each of its jobs."""
    state, since = ("alive", worker["started_at"]) if worker["alive"] else ("dead", worker["alive_until"])
    its = (worker["worker"], worker["host"], worker["pid"], state, minute(since))
    jobs = [(job["name"], minute(job["since"]), job["articles"]) for job in worker["doing"]] or [("nothing", "", "")]
    return [(*(its if number == 0 else ("",) * len(its)), *job) for number, job in enumerate(jobs)]


def _companies_title(companies: Sequence[Any]) -> str:
    more = f"; the {MOST_COMPANIES} of {len(companies)} not listed for longest, --json has all"
    return f"Companies (articles that their own lists named first{more if len(companies) > MOST_COMPANIES else ''})"


def _run_row(run: Mapping[str, Any]) -> tuple[object, ...]:
    from rich.text import Text

    style = "green" if run["exit_code"] == 0 else "cyan" if run["state"] == "running" else "red"
    new, copies, refused, failed, lists = run["numbers"].values()
    shown = (new, None if failed is None else failed + lists, refused, copies)
    unknown = ("-" if number is None else number for number in shown)
    return run["spider"], minute(run["started_at"]), Text(run["state"], style), *unknown


def _day_row(channel: str, days: Mapping[str, Any]) -> tuple[object, ...]:
    missing = [*days["partial"], *days["not_begun"]]
    numbers = (days["complete"], *(len(days[name]) for name in ("partial", "empty", "not_begun")))
    return channel, *numbers, ", ".join(missing[-3:]) + (" …" if len(missing) > 3 else "")
