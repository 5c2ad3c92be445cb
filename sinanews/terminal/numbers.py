"""What a run came to, as a small table for a terminal; cron has the last line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sinanews.terminal.show import table
from sinanews.terminal.tables import FittingTable
from sinanews.watch.outcomes import total

#: what a row is called, and the counts that it sums
ROWS = (
    ("new", "articles/exported"),
    ("edited", "articles/updated"),
    ("as we have it", "articles/unchanged"),
    ("known before", "articles/known"),
    ("copies", "duplicate"),
    ("refused", "refused"),
    ("failed, tried again", "failed"),
    ("lists failed", "listing/failed"),
)


def numbers_of_run(counts: Mapping[str, Any]) -> FittingTable | None:
    """A row for each thing that happened, and why where the counts say so; None where nothing did."""
    rows = [(name, number, _why(counts, prefix)) for name, prefix in ROWS if (number := total(counts, prefix))]
    return table(("articles", ">number", "~why"), rows) if rows else None


def _why(counts: Mapping[str, Any], prefix: str) -> str:
    """
    >>> _why({"refused/gone": 2, "refused/empty": 1, "failed/timeout": 1}, "refused")
    'gone 2, empty 1'
    """
    parts = {k.removeprefix(f"{prefix}/"): v for k, v in counts.items() if k.startswith(f"{prefix}/")}
    return ", ".join(f"{name} {number}" for name, number in sorted(parts.items(), key=lambda part: (-part[1], part[0])))
