"""The table of channels, and how they are chosen."""

from __future__ import annotations

import re

import pytest

from sinanews.exceptions import ArgumentError
from sinanews.listing.channels import CHANNELS, DEFAULT, GROUPS, channel_by_slug, select_channels


def test_rows_do_not_collide() -> None:
    for values in ([c.slug for c in CHANNELS], [c.lid for c in CHANNELS], [c.title for c in CHANNELS]):
        assert len(values) == len(set(values))
    assert not {c.slug for c in CHANNELS} & {*GROUPS, "all"}


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda c: c.slug)
def test_rows_are_complete(channel: object) -> None:
    (found,) = [c for c in CHANNELS if c is channel]
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", found.slug)
    assert found.stale_hours > 0
    assert found.categories == ("金融", "新浪财经", f"新浪财经－{found.title}")
    assert channel_by_slug(found.slug) is found


def test_the_seeds_channel_is_the_default() -> None:
    assert DEFAULT.categories[2] == "新浪财经－国內"
    assert (DEFAULT.pageid, DEFAULT.lid) == (155, 1686)


def test_by_slug_lid_group_and_all_each_once() -> None:
    assert [c.slug for c in select_channels(["macro", "1686", "china"])] == ["china", "macro"]
    assert {c.group for c in select_channels(["stock"])} == {"stock"}
    every = select_channels(["all"])
    assert "roll" not in {c.group for c in every}
    assert set(every) | set(select_channels(["roll"])) == {c for c in CHANNELS if not c.dead}


def test_dead_channels_come_by_their_own_name_only() -> None:
    dead = {c.slug for c in CHANNELS if c.dead}
    assert {"roll-china", "roll-world"} <= dead
    assert not dead & {c.slug for c in select_channels([*GROUPS, "all"])}
    assert {c.slug for c in select_channels([*dead, "roll"])} >= dead


def test_an_unknown_name_is_told_with_what_is_allowed() -> None:
    with pytest.raises(ArgumentError, match=r"'nowhere'.*china"):
        select_channels(["nowhere"])
    assert channel_by_slug("nowhere") is None
