"""A process that was forked is what a started one is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from tests import processes
from tests.conftest import PROJECT, TemporaryArchive

TELL = """
import json, os, signal, sys
print(json.dumps([
    sys.argv, os.getcwd(), dict(os.environ), os.getppid(), sys.stdin.read(), sys.stdout.encoding, __name__,
    [str(signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE)],
    __import__("sinanews.settings").settings.SINANEWS_CONTACT, "sinanews.commands" in sys.modules, "twisted.internet.reactor" in sys.modules, sorted(os.listdir("/proc/self/fd")),
]))
"""


def both(*words: str, **about: object) -> list[subprocess.CompletedProcess[str]]:
    """What a fork and a start come to."""
    command = [sys.executable, *words]
    forked = processes.run(command, **about)
    return [forked, subprocess.run(command, capture_output=True, text=True, timeout=60, **about)]  # type: ignore[call-overload]


@pytest.fixture(autouse=True)
def forking() -> None:
    if processes.FRESH:
        pytest.skip("each process is started afresh")


def test_it_has_arguments_folder_variables_and_streams_of_its_own(archive: TemporaryArchive) -> None:
    variables = {**archive.environment, "SINANEWS_CONTACT": "甲"}
    one, other = both("-c", TELL, "a", "-b", cwd=archive.folder, env=variables, stdin=subprocess.DEVNULL)
    assert json.loads(one.stdout) == json.loads(other.stdout)
    assert json.loads(one.stdout)[3] == os.getpid()


@pytest.mark.parametrize("script", ["raise SystemExit(7)", "raise SystemExit('no')", "1 / 0", "import os; os.abort()"])
def test_it_ends_as_a_started_one_does(script: str) -> None:
    one, other = both("-c", script)
    assert (one.returncode, one.stdout, one.stderr.splitlines()[-1:]) == (
        other.returncode, other.stdout, other.stderr.splitlines()[-1:]
    )  # fmt: skip


def test_it_is_waited_for_struck_and_given_up() -> None:
    waiting = [sys.executable, "-c", "import sys, time; print(1, flush=True); time.sleep(60)"]
    with processes.Popen(waiting, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"1\n"
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == -signal.SIGTERM
    with pytest.raises(subprocess.TimeoutExpired):
        processes.run(waiting, timeout=0.1)


def test_what_python_reads_when_it_starts_is_a_start_of_its_own() -> None:
    done = processes.run([sys.executable, "-c", TELL], env={**os.environ, "PYTHONIOENCODING": "gbk"})
    assert json.loads(done.stdout)[5] == "gbk"


def test_a_crawl_leaves_the_same(archive: TemporaryArchive) -> None:
    command = archive.command("crawl", "seeds", LOG_LEVEL="ERROR")[1:]
    one, other = both(*command, cwd=PROJECT, env=archive.environment)
    assert (one.returncode, one.stderr) == (other.returncode, other.stderr) == (0, "")
    assert "1 article exported" in one.stdout and "1 known already" in other.stdout
