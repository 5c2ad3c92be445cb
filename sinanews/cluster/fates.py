"""What becomes of a job, by what its run came to. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from sinanews.watch.outcomes import (
    ATTENTION,
    BANNED,
    CRASHED,
    INTERRUPTED,
    LOCKED,
    NOTHING,
    NOTHING_NEW,
    OK,
    PARTLY,
    STORAGE,
    TOLERABLE,
    USAGE,
    Outcome,
)  # fmt: skip

MOST_TRIES = 5  #: runs in a row that come to nothing; then the job has failed for good
MOST_DEATHS = 5  #: workers that may die with a job, none of which came to the end of an article
LONGEST_REST = 900.0  #: seconds


@dataclass(frozen=True)
class Rule:
    """``again``: whether the job waits once more; ``counts``: whether that is a try, and so not for ever."""

    again: bool
    counts: bool = False
    rests: bool = False  #: whether it may be the worker's own fault, which then takes nothing for a while


DONE = Rule(again=False)
GIVEN_BACK = Rule(again=True)
#: Of each outcome; what does not come to anything is tried MOST_TRIES times, further and further apart. A host that
#: refuses us and a disk that is full are no fault of the job: another worker may take it at once.
RULES: dict[Outcome, Rule] = {
    OK: DONE,
    NOTHING_NEW: DONE,
    TOLERABLE: DONE,
    ATTENTION: DONE,  # status shows what the run found
    PARTLY: Rule(again=True, counts=True),
    NOTHING: Rule(again=True, counts=True, rests=True),
    CRASHED: Rule(again=True, counts=True),
    LOCKED: Rule(again=True, counts=True),
    BANNED: Rule(again=True, rests=True),
    STORAGE: Rule(again=True, rests=True),
    INTERRUPTED: GIVEN_BACK,
    USAGE: Rule(again=False, counts=True),
}


@dataclass(frozen=True)
class Fate:
    """What becomes of a job now. ``status`` is Procrastinate's; ``delay``: seconds until it may be taken again."""

    status: str  #: succeeded, failed or todo
    tries: int
    delay: float
    reason: str

    @property
    def words(self) -> str:
        """For a person: how the job ended."""
        again = f"to be tried again in {self.delay:.0f} s" if self.delay else "given back"
        return {"succeeded": "done", "failed": "failed for good", "todo": again}[self.status]


def fate_of(outcome: Outcome, line: str, tries: int, delay: float) -> Fate:
    """``tries``: how often the job has come to nothing before; ``delay``: SINANEWS_JOB_DELAY.

    >>> fate_of(PARTLY, "3 failed", 0, 60)
    Fate(status='todo', tries=1, delay=60, reason='3 failed')
    >>> fate_of(PARTLY, "3 failed", 4, 60).words, fate_of(INTERRUPTED, "interrupted", 4, 60).words
    ('failed for good', 'given back')
    """
    rule = RULES[outcome]
    if not rule.counts:
        return Fate("todo" if rule.again else "succeeded", tries if rule.again else 0, 0, line)
    tries += 1
    if not rule.again or tries >= MOST_TRIES:
        return Fate("failed", tries, 0, line)
    return Fate("todo", tries, delay * 5 ** (tries - 1), line)


def rest(in_a_row: int, delay: float) -> float:
    """Seconds that a worker takes no job after so many in a row that may have failed because of it.

    >>> [rest(number, 60) for number in (0, 1, 2, 3, 9)]
    [0, 0, 60, 120, 900.0]
    """
    return min(delay * 2 ** (in_a_row - 2), LONGEST_REST) if in_a_row > 1 else 0
