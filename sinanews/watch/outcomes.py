"""What a run came to: one row each, with its exit code. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sinanews.config import program
from sinanews.exceptions import ArgumentError, Banned, RunLocked, SinanewsError


@dataclass(frozen=True)
class Outcome:
    """How a run ended."""

    name: str
    code: int  #: of the process; 2 is argparse's own for bad usage
    words: str


OK = Outcome("ok", 0, "all that was wanted is stored")
NOTHING_NEW = Outcome("nothing_new", 0, "nothing new")
TOLERABLE = Outcome("ok_but_few", 0, "all but what failed is stored")
ATTENTION = Outcome("needs_attention", 1, f"something needs a person: {program()} status")
USAGE = Outcome("usage", 2, "an argument or a setting cannot be used")
PARTLY = Outcome("partly_failed", 3, "not all of it came to its end; the log says why, and the next run continues")
NOTHING = Outcome("nothing_fetched", 4, "nothing could be fetched although something should have been")
BANNED = Outcome("banned", 5, "a host refuses this client; wait before the next run")
STORAGE = Outcome("storage_failed", 6, "the disk or the catalogue cannot be written")
LOCKED = Outcome("locked", 7, "another run holds the lock")
CRASHED = Outcome("crashed", 8, "a mistake in sinanews; the log has the traceback")
INTERRUPTED = Outcome("interrupted", 130, "interrupted; the next run continues")

OUTCOMES: tuple[Outcome, ...] = (
    OK, NOTHING_NEW, TOLERABLE, ATTENTION, USAGE, PARTLY, NOTHING, BANNED, STORAGE, LOCKED, CRASHED, INTERRUPTED,
)  # fmt: skip
#: What each exit code means, for the guides.
CODES = {
    0: "all that was wanted is stored, or nothing was new; within `SINANEWS_TOLERATED` some may have failed",
    1: "as 0, but a monitor found something that needs a person: `scrapy status`",
    2: "an argument or a setting cannot be used",
    3: "too many articles or a list failed, which a later run tries again, or could not be read, which none does",
    4: "nothing could be fetched although something should have been",
    5: "a host refuses this client; the next runs wait until the cool-down is over",
    6: "the disk or the catalogue cannot be written",
    7: "another run of the same spider holds the lock",
    8: "a mistake in sinanews; the log has it",
    130: "interrupted, within seconds of one Ctrl-C or SIGTERM; the next run continues",
}
WRITTEN = ("articles/exported", "articles/updated")
#: Each article that a run asked for, or was given, ends as one of these.
HANDLED = (*WRITTEN, "articles/unchanged", "duplicate", "refused", "failed")
#: Refusals that say something of our reading; the others are facts about the site (gone, other_host, forum …).
UNREAD = ("unknown_layout", "ambiguous_layout", "undecodable", "too_large", "empty", "bad_post", "bad_item")
#: What was strange about a list of which something is missing: not all that was wanted was listed.
UNLISTED = ("rows_missing", "empty_list", "empty_channel", "gap", "gap_lost", "list_cut")
#: Failures in which nobody was reached: what a run that met nothing else says.
UNREACHED = {
    "cannot_resolve_host": "no host's name could be resolved; is this machine online?",
    "no_route": "there is no way to the network; is this machine online?",
    "download_connection_refused": "every connection was refused; is a proxy or a mirror set that is not running?",
    "download_timeout": "nobody answered in time; is this machine online, and the site to be reached from it?",
}
#: The finish reasons that decide by themselves.
_BY_REASON = {o.name: o for o in (BANNED, STORAGE, LOCKED, USAGE)} | {"shutdown": INTERRUPTED}
#: What an error that ends a run, or keeps it from beginning, comes to; the first that fits.
_BY_ERROR: tuple[tuple[type[BaseException], Outcome], ...] = (
    (ArgumentError, USAGE),
    (RunLocked, LOCKED),
    (Banned, BANNED),
    (SinanewsError, STORAGE),
)


def outcome_of(error: BaseException) -> Outcome:
    """What an error that ended a run comes to; one that is not ours is a mistake of ours."""
    return next((outcome for kind, outcome in _BY_ERROR if isinstance(error, kind)), CRASHED)


def total(counts: Mapping[str, Any], *names: str) -> int:
    """The sum of all counts of those names and below them.

    >>> total({'failed/timeout': 2, 'failed/http_500': 1, 'failures': 9}, 'failed')
    3
    """
    below = tuple(f"{name}/" for name in names)
    return sum(v for k, v in counts.items() if (k in names or k.startswith(below)) and isinstance(v, int))


def judge(counts: Mapping[str, Any], finish_reason: str | None, errors: int = 0, tolerated: float = 0.05) -> Outcome:
    """What the run's counts (sinanews/… stats without the prefix) and its finish reason come to.

    ``errors`` are exceptions in the spider: bugs. ``tolerated`` is the share of articles that may fail or be
    unreadable; a list that could not be read is never tolerated.
    """
    if finish_reason in _BY_REASON:
        return _BY_REASON[finish_reason]
    stored = total(counts, *WRITTEN)
    had = total(counts, "articles/known", "articles/unchanged")
    got = stored + had + total(counts, "duplicate")
    failed, lists = total(counts, "failed"), total(counts, "listing/failed")
    if (failed or lists) and not got:
        return NOTHING
    if lists or errors or finish_reason != "finished":
        return PARTLY if got or lists else CRASHED
    if total(counts, "refused/gone") and not got:
        return NOTHING
    failed = missed = failed + total(counts, "articles/incomplete")
    failed += unread(counts)
    if failed > tolerated * (got - had + failed):
        return PARTLY
    if missed:
        return TOLERABLE
    return OK if got - had or total(counts, "refused") else NOTHING_NEW


def summary(counts: Mapping[str, Any], outcome: Outcome) -> str:
    """The run in one line of plain words. Each input is counted once: as what it came to in the end.

    >>> summary({'articles/exported': 2, 'refused/gone': 1}, OK)
    '2 articles exported, 1 refused (gone 1): all that was wanted is stored'
    """
    parts = [f"{counted(total(counts, 'articles/exported'), 'article')} exported"]
    parts += _labelled(counts, (("updated", "articles/updated"),))
    of_these = _labelled(counts, (("in the place of an earlier copy", "articles/superseded"),
                                  ("marked as copies", "articles/marked")))  # fmt: skip
    parts[-1] += f" (of these {', '.join(of_these)})" if of_these else ""
    parts += _labelled(
        counts,
        (
            ("unchanged", "articles/unchanged"),
            ("known already", "articles/known"),
            ("incomplete", "articles/incomplete"),
        ),
    )
    for one, many, prefix in (("duplicate", "duplicates", "duplicate"), ("refused", "refused", "refused"),
                              ("failed", "failed", "failed"), ("failed list", "failed lists", "listing/failed"),
                              ("anomaly", "anomalies", "anomaly")):  # fmt: skip
        if number := total(counts, prefix):
            names = ", ".join(
                f"{k.removeprefix(prefix + '/')} {v}" for k, v in counts.items() if k.startswith(prefix + "/")
            )
            parts.append(f"{number} {one if number == 1 else many} ({names})")
    return f"{', '.join(parts)}: {ending(counts, outcome)}"


def _unreached(counts: Mapping[str, Any]) -> str | None:
    """What to say where every failure was that nobody could be reached.

    >>> _unreached({'listing/failed/no_route': 2, 'failed/cannot_resolve_host': 1})
    "no host's name could be resolved; is this machine online?"
    >>> _unreached({'listing/failed/no_route': 2, 'failed/http_500': 1})
    """
    names = {key.split("/")[-1] for key in counts if key.startswith(("failed/", "listing/failed/"))}
    return next((words for name, words in UNREACHED.items() if name in names and names <= set(UNREACHED)), None)


def _labelled(counts: Mapping[str, Any], labels: Iterable[tuple[str, str]]) -> list[str]:
    return [f"{number} {label}" for label, name in labels if (number := total(counts, name))]


def ending(counts: Mapping[str, Any], outcome: Outcome) -> str:
    """What the run came to, and what becomes of that which is not stored: only what failed is tried again.

    >>> ending({'refused/bad_post': 4}, PARTLY)
    'what was refused could not be read and is not tried again'
    >>> ending({'refused/empty': 1, 'failed/timeout': 2}, TOLERABLE)
    'all else is stored; a later run tries again what failed, but not what was refused'
    >>> ending({'articles/exported': 9, 'anomaly/rows_missing': 1}, OK)
    'what was listed is stored'
    """
    if outcome is NOTHING and (why := _unreached(counts)):
        return f"{outcome.words}: {why}"
    if outcome not in (OK, TOLERABLE, ATTENTION, PARTLY):
        return outcome.words
    failed, lists, refused = total(counts, "failed"), total(counts, "listing/failed"), unread(counts)
    again = "a later run tries again what failed"
    if failed or lists:
        told = f"{again}, but not what was refused" if refused else again
    else:
        told = "what was refused could not be read and is not tried again" if refused else ""
    if outcome is PARTLY:
        return told or outcome.words
    unlisted = total(counts, *(f"anomaly/{name}" for name in UNLISTED))
    stored = "all else is stored" if told else "what was listed is stored" if unlisted else OK.words
    return "; ".join(filter(None, (stored, told, outcome.words if outcome is ATTENTION else "")))


def unread(counts: Mapping[str, Any]) -> int:
    """How many inputs were refused although they may be articles: our reading of them failed."""
    return total(counts, *(f"refused/{name}" for name in UNREAD))


def counted(number: int, noun: str) -> str:
    """A number and what is counted.

    >>> counted(1, 'story'), counted(2, 'story'), counted(0, 'list')
    ('1 story', '2 stories', '0 lists')
    """
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun[:-1]}ies" if noun[-1] == "y" and noun[-2] not in "aeiou" else f"{number} {noun}s"
