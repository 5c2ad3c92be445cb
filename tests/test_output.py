"""Commands whose output nobody reads to its end: they end as they would have, quietly."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests import processes
from tests.conftest import PROJECT, TemporaryArchive

COMMANDS = (
    ("schedule",), ("schedule", "--crontab"), ("channels",), ("channels", "--json"), ("status",), ("duplicates",), ("verify",),
    ("verify", "--json"), ("report",), ("catalogue", "rebuild"), ("crawl", "seeds"), ("crawl", "nobody"), ("run", "nothing"),
)  # fmt: skip


def with_nobody_reading(archive: TemporaryArchive, *words: str, errors_too: bool) -> subprocess.CompletedProcess[str]:
    """With Python's usual buffer, which is written at the very end: where a command's own handling is over."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        return processes.run(
            archive.command(*words), cwd=PROJECT, env={**archive.environment, "PYTHONUNBUFFERED": ""},
            stdout=writing, stderr=subprocess.STDOUT if errors_too else subprocess.PIPE,
        )  # fmt: skip
    finally:
        os.close(writing)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_reader_that_has_gone_changes_nothing(archive: TemporaryArchive, words: tuple[str, ...]) -> None:
    if words[0] in ("status", "duplicates", "verify", "report"):
        archive.crawl("seeds")
    done = with_nobody_reading(archive, *words, errors_too=False)
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr, done.stderr
    assert done.returncode == (2 if words[1:2] in (("nobody",), ("nothing",)) else 0), done.stderr
    if words[0] in ("crawl", "run"):  # the others say nothing on stderr
        assert with_nobody_reading(archive, *words, errors_too=True).returncode == done.returncode
