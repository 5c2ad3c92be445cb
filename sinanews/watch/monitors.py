"""Judges a run by fixed floors and by its own history, and the archive by its state. Pure.

Counts are the run's ``sinanews/…`` stats without the prefix. Those of coverage, ``coverage/<field>``, say how many of
the articles written (``articles/exported`` + ``articles/updated``) had the field.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt
from statistics import median
from typing import Any, NamedTuple

from sinanews.config import program
from sinanews.dates import to_beijing
from sinanews.listing.channels import CHANNELS
from sinanews.listing.live import select_rooms
from sinanews.listing.plans import MOST_TRIES
from sinanews.watch.outcomes import (
    ATTENTION,
    BANNED,
    CRASHED,
    HANDLED,
    INTERRUPTED,
    NOTHING,
    NOTHING_NEW,
    OK,
    STORAGE,
    WRITTEN,
    counted,
    total,
)

Counts = Mapping[str, Any]
FEWEST_RUNS, FEWEST_ARTICLES = 3, 20  #: less history than this is none
HISTORY = 25  #: runs of the same spider and arguments that the next is compared with
MANY_RUNS = 10  #: so many show a slow day or two


@dataclass(frozen=True)
class Finding:
    """What a person should know; a ``warning`` needs one, a ``note`` does not."""

    level: str  #: note or warning
    name: str  #: of the monitor and what it is about: failed, coverage/media, stale_channel/china
    words: str  #: one sentence
    advice: str = ""  #: what to do


class Share(NamedTuple):
    """A share of the articles that a run handled."""

    prefix: str  #: of the counts
    fewest: int  #: fewer say nothing
    floor: float  #: never fine above it
    rise: float  #: allowed above what is usual
    words: str
    advice: str


SHARES = (
    Share("failed", 3, 0.2, 0.1, "failed", "Look into the log; if it goes on, check the network and the site."),
    Share("refused", 5, 0.8, 0.2, "were refused", f"Open some of the refused URLs that `{program()} status` shows."),
    Share(
        "refused/unknown_layout", 3, 0.2, 0.05, "have an unknown layout", "The site may have a new page: add a layout."
    ),
    Share(
        "duplicate", 10, 0.9, 0.3, "were duplicates", f"Look at `{program()} duplicates`: one page may hide the others."
    ),
    Share("anomaly/doubtful_encoding", 2, 0.1, 0.05, "had characters that could not be decoded", "Read some of them."),
)
#: The same of posts that were read from disk: nothing there is a site's.
SEED_SHARES = (
    Share("failed", 3, 0.2, 0.1, "failed", "The log says why; once mended, crawl them again."),
    Share("refused", 5, 0.8, 0.2, "were refused", "The log names each file and what is wrong with it."),
    Share(
        "duplicate", 10, 0.9, 0.3, "were duplicates", f"Look at `{program()} duplicates`: one post may hide the others."
    ),
)
#: Fields that an article can hardly do without, and the least share that must have them.
FIELD_FLOORS = {"title": 0.95, "published_at": 0.9, "body_text": 0.5}
FIELD_DROP = 0.15  #: allowed below what is usual
ANOMALY_WARNINGS = {
    "stale_channel": "Look at the channel on the site; if it ended, take it out of your jobs.",
    "empty_list": "Look at the channel on the site: if it ended, take it out of your jobs.",
    "empty_channel": "Look at the channel on the site: a list without any entry is hardly a whole answer.",
    "rows_missing": "The next run asks again; if it goes on, look at the channel on the site.",
    "gap_lost": "The site offers it no more. Runs closer to each other leave no such gaps.",
}
ANOMALY_ELSEWHERE = ("doubtful_encoding",)  # judged as a share

#: Outcomes of which one is too many; of the others that are no success, three in a row are.
BAD = {
    BANNED.name: "Wait for some hours; then crawl less often or more slowly (DOWNLOAD_DELAY).",
    STORAGE.name: "Check free space and permissions of the exports folder and the catalogue.",
    CRASHED.name: "This is a mistake in sinanews: the log has the traceback.",
    NOTHING.name: "Check the network and whether the site answers in a browser.",
}
WELL = {o.name for o in (OK, NOTHING_NEW, ATTENTION, INTERRUPTED)}  # what needs attention is told by its findings
IN_A_ROW = 3
FOLLOWED = timedelta(days=30)  #: a channel or spider not used for so long before the last run is no longer in use
GAP_GROWS = timedelta(days=2)  #: the next run fills a gap; one this old is not being filled

#: slug → how old the newest entry may be; rooms of the live feed are channels too
STALE_HOURS = {c.slug: c.stale_hours for c in (*CHANNELS, *select_rooms(["all"])) if not c.dead}


def judge_run(counts: Counts, earlier: Sequence[Counts]) -> list[Finding]:
    """What is wrong with a run; ``earlier``: counts of the runs before it with the same spider and arguments.

    Posts from disk have the fields they have, and as many as there are: only their shares are judged.
    """
    if total(counts, "seeds/files"):
        return [*_shares(counts, earlier, SEED_SHARES), *_anomalies(counts)]
    return [
        *_shares(counts, earlier, SHARES),
        *_coverage(counts, [c for c in earlier if total(c, "coverage")]),
        *_few(counts, earlier),
        *_anomalies(counts),
    ]


def judge_archive(
    jobs: Sequence[Sequence[Any]], channels: Sequence[Any], gaps: Sequence[Any], now: datetime
) -> list[Finding]:
    """What is wrong with the archive as it stands.

    ``jobs`` (for each spider and its arguments the last runs, newest first, none that still goes on), ``channels``
    and ``gaps`` are rows of the catalogue; give no ``channels`` where SINANEWS_STALE is off.
    """
    found = [finding for runs in jobs_in_use(jobs) for finding in _endings(runs)]
    return [*found, *_stale(channels, now), *_gaps(gaps, now)]


def jobs_in_use(jobs: Sequence[Sequence[Any]]) -> list[Sequence[Any]]:
    """Those that ran lately and more than once, and whatever ran last of each spider: not a try long forgotten."""
    newest = {runs[0].spider: runs[0].id for runs in sorted((r for r in jobs if r), key=lambda r: int(r[0].id))}
    since = max((runs[0].started_at for runs in jobs if runs), default=None)
    recent = [runs for runs in jobs if runs and since and runs[0].started_at >= since - FOLLOWED]
    return [runs for runs in recent if len(runs) > 1 or runs[0].id == newest[runs[0].spider]]


def _usual(earlier: Sequence[Counts], prefix: str, of: Sequence[str]) -> float | None:
    """The share over all earlier runs that had any article; None where there is too little history."""
    sizes = [size for c in earlier if (size := total(c, *of))]
    if len(sizes) < FEWEST_RUNS or sum(sizes) < FEWEST_ARTICLES:
        return None
    return sum(total(c, prefix) for c in earlier) / sum(sizes)


def _tolerance(least: float, usual: float, articles: int) -> float:
    """Chance alone moves the share of a small run: three standard deviations are allowed, and ``least`` always.

    >>> _tolerance(0.1, 0.5, 9), _tolerance(0.1, 0.5, 10_000)
    (0.5, 0.1)
    """
    return max(least, 3 * sqrt(usual * (1 - usual) / articles)) if 0 < usual < 1 else least


def _shares(counts: Counts, earlier: Sequence[Counts], shares: Sequence[Share]) -> Iterator[Finding]:
    handled = total(counts, *HANDLED)
    for share in shares:
        number = total(counts, share.prefix)
        if number < share.fewest:
            continue
        part, usual = number / max(handled, number), _usual(earlier, share.prefix, HANDLED)
        rise = usual is not None and part > usual + _tolerance(share.rise, usual, handled)
        if part > share.floor or rise:
            than = f", usually {usual:.0%}" if usual is not None else ""
            words = f"{number} of {counted(handled, 'article')} {share.words} ({part:.0%}{than})."
            yield Finding("warning", share.prefix, words, share.advice)


def _coverage(counts: Counts, earlier: Sequence[Counts]) -> Iterator[Finding]:
    written = total(counts, *WRITTEN)
    fields = {key: None for c in (counts, *earlier) for key in c if key.startswith("coverage/")}
    for key in fields if written >= 5 else ():
        part, usual, field = total(counts, key) / written, _usual(earlier, key, WRITTEN), key.removeprefix("coverage/")
        fell = usual is not None and part < usual - _tolerance(FIELD_DROP, usual, written)
        if fell or part < FIELD_FLOORS.get(field, 0):
            than = f", usually {usual:.0%}" if usual is not None else ""
            words = f"only {part:.0%} of the articles have the field {field}{than}."
            yield Finding(
                "warning", key, words, "Compare a new post with its page: the site may have changed what it sends."
            )


def _few(counts: Counts, earlier: Sequence[Counts]) -> Iterator[Finding]:
    """Far fewer articles than ever: below a fifth of the least of the runs before, and a note only.

    Nights are quiet, and a run by hand just after another finds little; a site that is silent is a stale channel.
    """
    before, number = [total(c, "articles/exported") for c in earlier], total(counts, "articles/exported")
    if len(before) >= MANY_RUNS and min(before) >= 5 and number * 5 < min(before):
        new = f"only {counted(number, 'article')} {'is' if number == 1 else 'are'} new"
        words = f"{new}; the last {len(before)} runs had {median(before):.0f} on average."
        yield Finding("note", "few_articles", words, "Compare the channel's page in a browser with what was stored.")


def _anomalies(counts: Counts) -> Iterator[Finding]:
    for key, number in counts.items():
        name = key.removeprefix("anomaly/")
        kind, _, about = name.partition("/")
        if key.startswith("anomaly/") and kind not in ANOMALY_ELSEWHERE:
            level = "warning" if kind in ANOMALY_WARNINGS else "note"
            times = "once" if number == 1 else f"{number} times"
            advice = ANOMALY_WARNINGS.get(kind, "The log says where.")
            what = kind.replace("_", " ") + (f" of {about}" if about else "")
            yield Finding(level, name, f"{what}: seen {times}.", advice)


def _endings(runs: Sequence[Any]) -> Iterator[Finding]:
    last, name = runs[0], f"run/{runs[0].spider}"
    outcome = last.outcome or "killed"
    if outcome in BAD:
        words = f"the last run of {last.spider} ended as {outcome}, {_time(last.started_at)}."
        yield Finding("warning", "banned" if outcome == BANNED.name else name, words, BAD[outcome])
    elif _unlucky(last):
        row = next((i for i, run in enumerate(runs) if not _unlucky(run)), len(runs))
        words = f"the last {f'{row} runs' if row > 1 else 'run'} of {last.spider} ended as {outcome}."
        later = "The next run continues." if outcome == "killed" else "A later run tries again what failed."
        advice = "Look into the log." if row >= IN_A_ROW else later
        yield Finding("warning" if row >= IN_A_ROW else "note", name, words, advice)


def _unlucky(run: Any) -> bool:
    return run.outcome not in WELL


def _stale(channels: Sequence[Any], now: datetime) -> Iterator[Finding]:
    newest = max((row.last_success for row in channels if row.last_success), default=now)
    for row in channels:
        hours = STALE_HOURS.get(row.channel)
        if hours is None or not row.last_success or row.last_success < newest - FOLLOWED:
            continue
        allowed, name = timedelta(hours=hours), f"stale_channel/{row.channel}"
        if now - row.last_success > allowed:
            words = f"the channel {row.channel} was last listed to its end {_time(row.last_success)}."
            yield Finding("warning", name, words, "Check that cron still runs it, and how the last runs ended.")
        elif row.listed_until and now - row.listed_until > allowed:
            words = f"the newest entry of the channel {row.channel} is of {_time(row.listed_until)}."
            yield Finding("warning", name, words, ANOMALY_WARNINGS["stale_channel"])


def _gaps(gaps: Sequence[Any], now: datetime) -> Iterator[Finding]:
    for row in (row for row in gaps if given_up(row)):
        words = (
            f"the channel {row.channel} was not listed from {_time(row.after)} to {_time(row.before)}; that is lost."
        )
        yield Finding("note", f"gap_lost/{row.channel}", words, ANOMALY_WARNINGS["gap_lost"])
    open_gaps = [row for row in gaps if not given_up(row)]
    for channel in {row.channel: None for row in open_gaps}:
        rows = [row for row in open_gaps if row.channel == channel]
        grows = len(rows) > 1 or now - min(row.found_at for row in rows) > GAP_GROWS
        stretch = f"{_time(min(r.after for r in rows))} to {_time(max(r.before for r in rows))}"
        words = f"the channel {channel} has not been listed whole from {stretch}{', and it grows' if grows else ''}."
        advice = "Crawl it more often, or raise SINANEWS_MAX_PAGES." if grows else "The next run fills it."
        yield Finding("warning" if grows else "note", f"gap/{channel}", words, advice)


def given_up(gap: Any) -> bool:
    """Whether a gap is asked for no more, because what the site offers has ended above it so often."""
    return bool(gap.tries >= MOST_TRIES)


def _time(when: datetime) -> str:
    return f"{to_beijing(when):%Y-%m-%d %H:%M}"
