"""Real crawls in processes of their own, struck by faults; and what must hold of the archive afterwards."""

from __future__ import annotations

import hashlib
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from sinanews.samplesite import SampleSite
from sinanews.samplesite.texts import story
from tests.conftest import PROJECT, TemporaryArchive
from tests.processes import Popen

FULL = os.environ.get("SINANEWS_FAULTS") == "full"
BOUND = 120  #: seconds within which every run here must have ended, on a machine as busy as it likes
only_full = pytest.mark.skipif(not FULL, reason="with SINANEWS_FAULTS=full only: ./run faults")
as_root = pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="mounting needs root")


def offered(site: SampleSite) -> set[str]:
    """The ids of the articles that a crawl can read: E of the invariant, duplicates included."""
    return {entry.id for entry in site.entries if "sina.com.cn" in entry.url or "sina.cn" in entry.url}


def visible_posts(archive: TemporaryArchive) -> list[Path]:
    """Without those that were set aside."""
    return [path for path in archive.posts if not _is_hidden(path, archive.exports)]


def start(
    archive: TemporaryArchive, site: SampleSite, *words: str, spider: str = "sina_finance", **settings: str
) -> subprocess.Popen[str]:
    command = archive.command("crawl", spider, *words, mirror=site.url, **settings)
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    return Popen(command, cwd=PROJECT, env=archive.environment, text=True, **pipes)


def wait_for(reached: Callable[[], bool], process: subprocess.Popen[str], seconds: float = 60) -> None:
    """Until something has happened, or the process is over."""
    end = time.monotonic() + seconds
    while not reached() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.002)


def crawl(archive: TemporaryArchive, site: SampleSite, **settings: str) -> subprocess.CompletedProcess[str]:
    """A crawl that is expected to end by itself within BOUND, without a traceback."""
    return archive.crawl("sina_finance", mirror=site.url, timeout=BOUND, **settings)


def crawl_measured(archive: TemporaryArchive, site: SampleSite, **settings: str) -> tuple[int, float]:
    """Exit code and the most memory, in MiB, of a crawl that is the only child measured."""
    command = archive.command("crawl", "sina_finance", mirror=site.url, **settings)
    script = (
        "import resource, subprocess, sys\n"
        f"code = subprocess.run(sys.argv[1:], timeout={BOUND}).returncode\n"
        "print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    told = subprocess.run(
        [sys.executable, "-c", script, *command], cwd=PROJECT, env=archive.environment, capture_output=True,
        text=True, timeout=BOUND + 10, check=True,
    )  # fmt: skip
    code, kilobytes = told.stdout.split()[-2:]
    return int(code), int(kilobytes) / 1024


def assert_invariant(archive: TemporaryArchive, expected: set[str]) -> None:
    """What must hold after a fault and an undisturbed run: nothing lost, cut, doubled or without a reason."""
    rows = archive.query("SELECT id, state, reason, path, file_digest, duplicate_of FROM articles")
    states = {str(row[0]): str(row[1]) for row in rows}
    exported = {row[0]: row for row in rows if row[1] == "exported"}
    duplicates = {row[0] for row in rows if row[1] == "duplicate"}
    assert set(states.values()) <= {"exported", "duplicate", "refused"}, states
    assert set(exported) | duplicates == expected
    assert {row[5] for row in rows if row[1] == "duplicate"} <= set(exported)
    assert all(row[2] for row in rows if row[1] == "refused"), "a refusal without a reason"
    paths = [str(row[3]) for row in exported.values()]
    assert len(set(paths)) == len(paths)
    assert {p.relative_to(archive.exports).as_posix() for p in visible_posts(archive)} == set(paths)
    for row in exported.values():
        data = (archive.exports / str(row[3])).read_bytes()
        assert hashlib.sha256(data).hexdigest() == row[4]
        assert data.startswith(b"\n---\n") and data.rstrip().endswith(b"</div>")
    assert archive.query("PRAGMA integrity_check") == [("ok",)]
    visible = [p for p in archive.exports.rglob("*") if p.is_file() and not _is_hidden(p, archive.exports)]
    pictures = {p for p in visible if p.relative_to(archive.exports).parts[0] == "images"}
    assert all(hashlib.sha256(p.read_bytes()).hexdigest() == p.stem for p in pictures)
    assert [p for p in visible if p.suffix != ".md" and p not in pictures] == []


def _is_hidden(path: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(root).parts)


def pages_asked(site: SampleSite) -> list[str]:
    """The articles that were downloaded."""
    return [r.path for r in site.requests if not r.host.startswith("feed.") and r.path != "/robots.txt"]


def write_seeds(folder: Path, number: int) -> None:
    """So many posts, each with a story of its own."""
    folder.mkdir()
    for one in range(number):
        text = "\n".join(story(one, 1, 0).paragraphs)
        header = f"title: 第{one}篇\ncategories: [金融]"
        (folder / f"{one:05}.md").write_text(f"---\n{header}\n---\n<p>{text}</p>\n", "utf-8")


def has_open(process: subprocess.Popen[str], file: Path) -> bool:
    """Whether the process has come so far as to open a file."""
    try:
        return any(os.readlink(link) == str(file) for link in Path(f"/proc/{process.pid}/fd").iterdir())
    except OSError:
        return False


@contextmanager
def mounted(folder: Path, *words: str) -> Iterator[None]:
    """A file system of its own at a folder; root only."""
    done = subprocess.run(["mount", *words, str(folder)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"this machine does not let us mount: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Another process's transaction: nobody else can write while it lasts."""
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.rollback()
        connection.close()


def limit_file_size(size: int) -> Callable[[], None]:
    """For ``preexec_fn``: a process that can write no file longer than so many bytes."""

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # write then fails with EFBIG, as a full disk does
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


def random_places(number: int, most: int, seed: int = 7) -> list[int]:
    """After how many requests to strike."""
    return sorted(Random(seed).sample(range(2, most), number))
