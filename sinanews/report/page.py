"""The report: one HTML page that needs no network and no server. Times and days are Beijing's."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from importlib.resources import files
from itertools import chain, islice
from typing import Any

from jinja2 import Environment, PackageLoader
from sqlalchemy import Row

from sinanews.catalogue import Catalogue, queries
from sinanews.dates import minute, to_beijing
from sinanews.listing.channels import COMPANY_LISTS, company_of
from sinanews.report.charts import Tally, begin_of, charts
from sinanews.report.labels import Labels
from sinanews.report.readings import READINGS, readings
from sinanews.report.titles import pack_titles
from sinanews.terminal.show import plain
from sinanews.watch.summary import TITLES, gather

PAGE_SIZE = 5_000_000  #: bytes; of a larger archive only the newest titles are searchable
RUNS, MEDIA, NEWEST = 60, 20, 12
_SAID = ("found", "found_more", "no_search", "untitled")  #: labels that the script fills in


def build(
    catalogue: Catalogue, now: datetime, *, language: str = "en", program: str = "scrapy", stale: bool = True
) -> str:
    """The page, in at most PAGE_SIZE bytes. ``program``: the command that the user calls."""
    labels, tally = Labels(language), Tally()
    for row in queries.exported_articles(catalogue):
        tally.add(row)
    facts = gather(catalogue, now, stale=stale, most_runs=RUNS)
    with closing(queries.newest_articles(catalogue)) as rows:
        newest = list(islice(rows, READINGS))
        read = list(readings(catalogue, newest, labels("picture")))
        script = _file("report.js")
        values = {
            "labels": labels, "facts": facts, "now": now, "program": program, "channel_titles": titles_of(newest),
            "charts": charts(tally), "tally": tally, "media": tally.media.most_common(MEDIA), "newest": newest[:NEWEST],
            "readings": read, "read": {one.id for one in read}, "last_run": last_run(facts["runs"]),
            "style": _file("report.css"), "script": script, "said": labels.chosen(*_SAID),
            "script_hash": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        }  # fmt: skip
        template = _environment().get_template("report.html")
        room = PAGE_SIZE - len(template.render(**values, titles="", searchable=0).encode("utf-8", "replace")) - 1000
        titles, searchable = pack_titles(chain(newest, rows), room)
    return template.render(**values, titles=titles, searchable=searchable)


def titles_of(rows: Iterable[Row[Any]]) -> dict[str, str]:
    """slug → title, of channels and of the companies' lists that the rows are of."""
    found = {str(row.channel): company_of(row.channel) for row in rows}
    return TITLES | {slug: COMPANY_LISTS[of[1]] for slug, of in found.items() if of is not None}


def last_run(runs: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The newest run that has ended."""
    return next((run for run in runs if run["ended_at"] is not None), None)


def _environment() -> Environment:
    loader = PackageLoader("sinanews.report")
    environment = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"plain": plain, "minute": minute, "number": number, "took": took}
    environment.globals |= {"begin_of": begin_of, "to_beijing": to_beijing}
    return environment


def _file(name: str) -> str:
    return (files("sinanews.report") / "templates" / name).read_text("utf-8")


def number(value: float | None) -> str:
    """With separators; a dash for none.

    >>> number(1234567), number(0.5), number(100.0), number(None)
    ('1,234,567', '0.5', '100', '–')
    """
    return (
        "–" if value is None else f"{value:,.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else f"{value:,}"
    )


def took(span: timedelta) -> str:
    """
    >>> took(timedelta(seconds=75)), took(timedelta(hours=26))
    ('1:15', '26:00:00')
    """
    minutes, seconds = divmod(round(span.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
