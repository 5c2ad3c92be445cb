"""What a run came to: one row each, with its exit code. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """How a run ended."""

    name: str
    code: int  #: of the process; 2 is argparse's own for bad usage
    words: str


OK = Outcome("ok", 0, "all that was wanted is stored")
NOTHING_NEW = Outcome("nothing_new", 0, "nothing new")
TOLERABLE = Outcome("ok_but_few", 0, "all but what failed is stored; the next run tries that again")
ATTENTION = Outcome("needs_attention", 1, "all that was wanted is stored, but something needs a person: scrapy status")
USAGE = Outcome("usage", 2, "an argument or a setting cannot be used")
PARTLY = Outcome("partly_failed", 3, "some articles or lists failed; the next run tries them again")
NOTHING = Outcome("nothing_fetched", 4, "nothing could be fetched although something should have been")
BANNED = Outcome("banned", 5, "Sina refuses this client; wait before the next run")
STORAGE = Outcome("storage_failed", 6, "the disk or the catalogue cannot be written")
LOCKED = Outcome("locked", 7, "another run holds the lock")
CRASHED = Outcome("crashed", 8, "a mistake in sinanews; the log has the traceback")
INTERRUPTED = Outcome("interrupted", 130, "interrupted; the next run continues")

OUTCOMES: tuple[Outcome, ...] = (
    OK, NOTHING_NEW, TOLERABLE, ATTENTION, USAGE, PARTLY, NOTHING, BANNED, STORAGE, LOCKED, CRASHED, INTERRUPTED,
)  # fmt: skip
#: Refusals that say something of our reading; the others are facts about Sina (gone, other_host, forum …).
UNREAD = ("unknown_layout", "ambiguous_layout", "undecodable", "too_large", "empty", "bad_post")
#: The finish reasons that decide by themselves.
_BY_REASON = {o.name: o for o in (BANNED, STORAGE)} | {"shutdown": INTERRUPTED}


def total(counts: Mapping[str, Any], prefix: str) -> int:
    """The sum of all counts of that name and below it.

    >>> total({'failed/timeout': 2, 'failed/http_500': 1, 'failures': 9}, 'failed')
    3
    """
    return sum(v for k, v in counts.items() if (k == prefix or k.startswith(prefix + "/")) and isinstance(v, int))


def judge(counts: Mapping[str, Any], finish_reason: str | None, errors: int = 0, tolerated: float = 0.05) -> Outcome:
    """What the run's counts (sinanews/… stats without the prefix) and its finish reason come to.

    ``errors`` are exceptions in the spider: bugs. ``tolerated`` is the share of articles that may fail or be
    unreadable; a list that could not be read is never tolerated.
    """
    if finish_reason in _BY_REASON:
        return _BY_REASON[finish_reason]
    stored = total(counts, "articles/exported") + total(counts, "articles/updated")
    had = total(counts, "articles/known") + total(counts, "articles/unchanged")
    got = stored + had + total(counts, "duplicate")
    failed, lists = total(counts, "failed"), total(counts, "listing/failed")
    if (failed or lists) and not got:
        return NOTHING
    if lists or errors or finish_reason != "finished":
        return PARTLY if got or lists else CRASHED
    if total(counts, "refused/gone") and not got:
        return NOTHING
    failed = missed = failed + total(counts, "articles/incomplete")
    failed += sum(total(counts, f"refused/{name}") for name in UNREAD)
    if failed > tolerated * (got - had + failed):
        return PARTLY
    if missed:
        return TOLERABLE
    return OK if got - had or total(counts, "refused") else NOTHING_NEW


def summary(counts: Mapping[str, Any], outcome: Outcome) -> str:
    """The run in one line of plain words.

    >>> summary({'articles/exported': 2, 'refused/gone': 1}, OK)
    '2 articles exported, 1 refused (gone 1): all that was wanted is stored'
    """
    parts = [f"{_articles(total(counts, 'articles/exported'))} exported"]
    for label, prefix in (("updated", "articles/updated"), ("unchanged", "articles/unchanged"),
                          ("known already", "articles/known"), ("incomplete", "articles/incomplete")):  # fmt: skip
        if number := total(counts, prefix):
            parts.append(f"{number} {label}")
    for label, prefix in (("duplicates", "duplicate"), ("refused", "refused"), ("failed", "failed"),
                          ("failed lists", "listing/failed"), ("strange", "strange")):  # fmt: skip
        if number := total(counts, prefix):
            names = ", ".join(f"{k.split('/')[-1]} {v}" for k, v in counts.items() if k.startswith(prefix + "/"))
            parts.append(f"{number} {label.removesuffix('s') if number == 1 else label} ({names})")
    return f"{', '.join(parts)}: {outcome.words}"


def _articles(number: int) -> str:
    return f"{number} article" if number == 1 else f"{number} articles"
