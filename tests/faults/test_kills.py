"""``kill -9`` between every two steps: whatever a run was about, the next one makes of it what it would have been."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections import Counter
from typing import Any

import pytest

from tests.conftest import TemporaryArchive
from tests.faults.harness import FULL
from tests.faults.scenes import SCENES, Place, Scene, assert_agrees, copy_of, difference, run, state, words_of

PASSINGS = 2 if FULL else 1  #: of each step that are struck
#: Steps that change nothing: killed before one, an archive is as it was before the next that does.
READS = ("SELECT", "PRAGMA", "BEGIN", "open", "known_of")


#: The steps that the ordinary suite strikes; all the others of a run are struck with SINANEWS_FAULTS=full.
SHORT = {
    "new": ("writer: rename", "writer: INSERT contents", "writer: tell"),
    "together": ("writer: rename", "writer: COMMIT"),
    "edit": ("writer: sync folder", "writer: COMMIT"),
    "better copy": ("writer: COMMIT", "writer: set_aside"),
    "of 1.0.0": ("loop: CREATE articles_text", "writer: INSERT contents"),
}


@pytest.mark.parametrize("name", SCENES)
def test_killed_between_any_two_steps(place: Place, name: str) -> None:
    scene = SCENES[name]
    scene.before(place)
    undisturbed = copy_of(place, "undisturbed")
    trace = undisturbed.folder / "steps"
    done = run(scene, undisturbed, place, STEPS=str(trace))
    assert done.returncode == 0, done.stderr
    passed = Counter(trace.read_text().splitlines())
    missing = {step if ": " in step else f"writer: {step}" for step in scene.steps} - passed.keys()
    assert not missing, f"never reached: {missing} of {sorted(passed)}"
    expected = state(undisturbed)
    assert_agrees(undisturbed, "undisturbed")
    changing = [step for step in passed if not step.split(": ")[1].startswith(READS)]
    for step in changing if FULL else SHORT[name]:
        for number in range(min(scene.always, passed[step]), min(scene.always + PASSINGS, passed[step] + 1)):
            struck(scene, place, f"{step}#{number}", expected)


def struck(scene: Scene, place: Place, kill: str, expected: dict[str, Any]) -> None:
    """A copy of the archive, its run killed there, then left in peace: it must come to the same."""
    archive = copy_of(place, "struck")
    done = run(scene, archive, place, KILL=kill)
    assert done.returncode == -signal.SIGKILL, f"{kill} was never reached: {done.stderr}"
    assert_kept(archive, kill)
    for left in (archive.exports / ".tmp").glob("*"):
        os.utime(left, (time.time() - 7200,) * 2)  # an hour later a crawl takes it for what it is
    again = archive.crawl(*words_of(scene, place), mirror=place.site.url)
    assert again.returncode == 0, f"{kill}: {again.stderr}"
    found = state(archive)
    for part, its in expected.items():
        assert found[part] == its, f"{kill}: {part}: {difference(found[part], its)}"
    assert_agrees(archive, kill)
    shutil.rmtree(archive.folder)


def assert_kept(archive: TemporaryArchive, kill: str) -> None:
    """The moment after the kill: what a commit says is on disk is there, or is about to be moved or replaced."""
    if not archive.database.exists() or not archive.query("SELECT 1 FROM sqlite_master WHERE name = 'articles'"):
        return
    assert archive.query("PRAGMA integrity_check") == [("ok",)], kill
    for (path,) in archive.query("SELECT path FROM articles WHERE state = 'exported'"):
        assert (archive.exports / str(path)).read_bytes().rstrip().endswith(b"</div>"), f"{kill}: {path}"
