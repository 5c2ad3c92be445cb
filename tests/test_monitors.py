"""Monitors: what is wrong is found, and what is usual is not."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinanews.watch.monitors import ANOMALY_WARNINGS, Finding, judge_archive, judge_run
from sinanews.watch.outcomes import OUTCOMES, UNREACHED, summary

NOW = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)
EXAMPLES = settings(max_examples=int(os.environ.get("SINANEWS_EXAMPLES", "50")), deadline=None)
USUAL = {
    "articles/exported": 50,
    "refused/other_host": 5,
    "duplicate/text": 3,
    "coverage/media": 48,
    "coverage/title": 50,
}
FIELDS = {"coverage/title": 50, "coverage/media": 48}


def warnings(found: list[Finding]) -> set[str]:
    return {f.name for f in found if f.level == "warning"}


def test_a_run_like_those_before_is_fine() -> None:
    assert judge_run(USUAL, [USUAL] * 20) == []
    assert judge_run(USUAL, []) == []
    assert judge_run({}, []) == []
    assert judge_run({}, [USUAL] * 5) == []  # nothing new is no failure


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("failed", {"failed/timeout": 20}),
        ("refused", {"refused/gone": 40}),
        ("refused/unknown_layout", {"refused/unknown_layout": 8}),
        ("duplicate", {"duplicate/text": 60}),
        ("anomaly/doubtful_encoding", {"anomaly/doubtful_encoding": 9}),
        ("stale_channel", {"anomaly/stale_channel": 1}),
        ("coverage/media", {"coverage/media": 20}),
        ("coverage/media", {"coverage/media": None}),  # a field that no article has is not even counted
        ("coverage/title", {"coverage/title": 40}),
    ],
)
def test_what_is_worse_than_usual_is_a_warning_that_says_what_to_do(name: str, changes: dict[str, int | None]) -> None:
    counts = {k: v for k, v in {**USUAL, **changes}.items() if v is not None}
    found = judge_run(counts, [USUAL] * 10)
    assert name in warnings(found)
    assert all(f.words.endswith(".") and f.advice.endswith(".") for f in found)


def test_what_is_said_fits_any_projects_site() -> None:
    """The add-on judges runs of other sources, too."""
    counts = {"articles/exported": 20, "failed/timeout": 30, "refused/bad_item": 400, "duplicate/text": 9000}
    strange = {f"anomaly/{kind}": 9 for kind in (*ANOMALY_WARNINGS, "doubtful_encoding")}
    found = judge_run({**counts, **strange, "coverage/title": 1}, [])
    endings = judge_archive([runs(outcome.name) for outcome in OUTCOMES], [], [], NOW)
    told = [text for finding in (*found, *endings) for text in (finding.words, finding.advice)]
    told += [summary({}, outcome) for outcome in OUTCOMES] + [*UNREACHED.values()]
    assert len(told) > 30
    assert [text for text in told if re.search(r"\bSina\b", text)] == []


def test_posts_from_disk_have_the_fields_they_have() -> None:
    posts = {"seeds/files": 30, "articles/exported": 30, "coverage/title": 30, "coverage/published_at": 0}
    full = {**posts, "coverage/published_at": 30, "coverage/author": 30}
    assert judge_run(posts, []) == judge_run(posts, [full] * 10) == []
    for name, counts in (("refused", {"refused/bad_post": 30}), ("failed", {"failed/bug": 9, "articles/exported": 1})):
        (found,) = judge_run({"seeds/files": 30, **counts}, [])
        assert found.name == name
        assert "Sina" not in found.advice and "URL" not in found.advice and "network" not in found.advice


def test_one_is_one() -> None:
    few = {"articles/exported": 1}
    assert "1 article is new" in judge_run(few, [{"articles/exported": n} for n in range(40, 60)])[0].words


def test_floors_hold_without_a_history() -> None:
    assert warnings(judge_run({"articles/exported": 10, "failed/timeout": 5}, [])) == {"failed"}
    assert warnings(judge_run({"articles/exported": 10, "coverage/title": 4}, [])) == {"coverage/title"}


def test_what_has_always_been_so_is_usual() -> None:
    """A channel that mostly links elsewhere must not cry every hour."""
    links = {"articles/exported": 10, "refused/other_host": 30}
    assert judge_run(links, [links] * 5) == []


def test_a_small_run_may_differ_by_chance() -> None:
    half = {"articles/exported": 100, "coverage/editor": 50}
    assert judge_run({"articles/exported": 6, "coverage/editor": 1}, [half] * 5) == []
    assert warnings(judge_run({"articles/exported": 200, "coverage/editor": 35}, [half] * 10)) == {"coverage/editor"}


def test_far_fewer_articles_than_ever() -> None:
    (found,) = judge_run({"articles/exported": 2}, [{"articles/exported": n} for n in range(40, 60)])
    assert (found.level, found.name) == ("note", "few_articles")
    nights = [{"articles/exported": n} for n in [40, 30, 0, 1] * 5]
    assert judge_run({"articles/exported": 0}, nights) == []


def test_other_strangeness_is_a_note() -> None:
    (found,) = judge_run({"anomaly/field_type": 3}, [])
    assert (found.level, found.name) == ("note", "field_type")
    assert "3 times" in found.words


@EXAMPLES
@given(
    st.dictionaries(st.sampled_from([*USUAL, "failed/timeout", "anomaly/gap", "x"]), st.integers(0, 10**6)),
    st.lists(st.dictionaries(st.sampled_from([*USUAL, "failed/timeout"]), st.integers(0, 10**6)), max_size=30),
)
def test_any_counts_can_be_judged(counts: dict[str, int], earlier: list[dict[str, int]]) -> None:
    for finding in judge_run(counts, earlier):
        assert finding.level in ("note", "warning")
        assert finding.words


@dataclass
class Run:
    id: int
    outcome: str | None
    spider: str = "sina_finance"
    started_at: datetime = NOW - timedelta(hours=1)

    @property
    def exit_code(self) -> int | None:
        return next((o.code for o in OUTCOMES if o.name == self.outcome), None)


@dataclass
class Mark:
    last_success: datetime | None
    listed_until: datetime | None
    channel: str = "china"


@dataclass
class Hole:
    found_at: datetime
    channel: str = "china"
    after: datetime = NOW - timedelta(days=9)
    before: datetime = NOW - timedelta(days=8)
    tries: int = 0


def runs(*outcomes: str | None, spider: str = "sina_finance", first: int = 100) -> list[Run]:
    return [Run(first - n, outcome, spider) for n, outcome in enumerate(outcomes)]


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        (["ok", "crashed"], set()),
        (["nothing_new"], set()),
        (["interrupted"], set()),
        (["needs_attention"], set()),  # its own findings are told
        (["banned", "ok"], {"banned"}),
        (["storage_failed"], {"run/sina_finance"}),
        (["nothing_fetched"], {"run/sina_finance"}),
        (["partly_failed", "ok"], set()),
        (["partly_failed", None, "partly_failed", "ok"], {"run/sina_finance"}),
    ],
)
def test_how_the_last_runs_ended(outcomes: list[str | None], expected: set[str]) -> None:
    assert warnings(judge_archive([runs(*outcomes)], [], [], NOW)) == expected


def test_a_job_that_fails_is_not_hidden_by_one_that_does_well() -> None:
    jobs = [runs("ok", "ok"), runs("crashed", "ok", first=90)]
    assert warnings(judge_archive(jobs, [], [], NOW)) == {"run/sina_finance"}


def test_a_single_try_is_forgotten_once_something_else_ran() -> None:
    assert warnings(judge_archive([runs("ok"), runs("crashed", first=50)], [], [], NOW)) == set()
    old = Run(1, "crashed", "seeds", NOW - timedelta(days=90))
    assert warnings(judge_archive([runs("ok"), [old]], [], [], NOW)) == set()


@pytest.mark.parametrize(
    ("mark", "expected"),
    [
        (Mark(NOW, NOW - timedelta(hours=2)), False),
        (Mark(NOW, NOW - timedelta(hours=30)), True),  # Sina has nothing new
        (Mark(NOW - timedelta(days=2), NOW - timedelta(days=2)), True),  # cron does not run
        (Mark(NOW - timedelta(days=200), NOW - timedelta(days=200)), True),  # for long
        (Mark(None, None), False),
        (Mark(NOW, NOW - timedelta(hours=30), "live-152"), True),  # a room of the live feed
        (Mark(NOW, NOW - timedelta(hours=2), "live-152"), False),
        (Mark(NOW, NOW - timedelta(days=99), "no-longer-a-channel"), False),
    ],
)
def test_stale_channels(mark: Mark, expected: bool) -> None:
    assert bool(warnings(judge_archive([], [mark], [], NOW))) is expected


def test_a_channel_no_longer_crawled_is_not_stale() -> None:
    channels = [Mark(NOW, NOW), Mark(NOW - timedelta(days=60), NOW - timedelta(days=60), "macro")]
    assert judge_archive([], channels, [], NOW) == []


def test_gaps() -> None:
    def level(*holes: Any) -> str:
        (found,) = judge_archive([], [], holes, NOW)
        return found.level

    assert level(Hole(NOW - timedelta(hours=1))) == "note"
    assert level(Hole(NOW - timedelta(days=3))) == "warning"
    assert level(Hole(NOW), Hole(NOW)) == "warning"
