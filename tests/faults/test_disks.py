"""Disks that fail in the middle of a commit of several articles: what was committed is whole, the next run makes good."""

from __future__ import annotations

import json

import pytest

from tests.faults.harness import only_full
from tests.faults.scenes import SCENES, Place, assert_agrees, copy_of, difference, run, state, words_of

#: scene, what fails, with which error
FAILURES = (
    ("together", "write the rest#4", "ENOSPC"),
    ("together", "sync folder#3", "EIO"),
    ("together", "COMMIT#2", "ENOSPC"),
    ("better copy", "move#1", "EROFS"),
    ("of 1.0.0", "UPDATE upkeep#1", "ENOSPC"),
)
OTHERS = (
    ("together", "make file#3", "EROFS"),
    ("together", "write#2", "EDQUOT"),
    ("together", "sync file#4", "EIO"),
    ("together", "rename#3", "EACCES"),
    ("together", "INSERT contents#3", "ENOSPC"),
    ("together", "INSERT articles#4", "EIO"),
    ("together", "COMMIT#2", "EIO"),
    ("edit", "sync folder#1", "EIO"),
    ("edit", "INSERT revisions#2", "ENOSPC"),
    ("edit", "rename#2", "EROFS"),
    ("better copy", "rename#1", "ENOSPC"),
    ("better copy", "INSERT seed_files#1", "ENOSPC"),
    ("of 1.0.0", "INSERT contents#3", "EIO"),
)
CASES = [*FAILURES, *(pytest.param(*case, marks=only_full) for case in OTHERS)]


@pytest.mark.parametrize("for_good", ["1", pytest.param("0", marks=only_full)])
@pytest.mark.parametrize(("name", "step", "error"), CASES)
def test_a_disk_that_fails(place: Place, name: str, step: str, error: str, for_good: str) -> None:
    """It fails from then on, or once: a run does not go on either way, for what comes next may be lost in silence."""
    scene = SCENES[name]
    scene.before(place)
    undisturbed, archive = copy_of(place, "undisturbed"), copy_of(place, "struck")
    assert undisturbed.crawl(*words_of(scene, place), mirror=place.site.url).returncode == 0
    done = run(scene, archive, place, KILL=f"writer: {step}", ERROR=error, FOR_GOOD=for_good)
    assert done.returncode == 6, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    assert str(archive.exports) in done.stderr or "catalogue" in done.stderr
    told = json.loads(archive.run("verify", "--json").stdout)
    # Posts without a row, or ahead of theirs, and an index that is not complete yet: no row without its post.
    assert {finding["kind"] for finding in told["findings"]} <= {"foreign", "second", "changed", "unmoved", "index"}, (
        told
    )
    again = archive.crawl(*words_of(scene, place), mirror=place.site.url)
    assert again.returncode == 0, again.stderr
    expected, found = state(undisturbed), state(archive)
    for part, its in expected.items():
        assert found[part] == its, f"{part}: {difference(found[part], its)}"
    assert_agrees(archive, step)
