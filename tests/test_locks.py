"""One run at a time: who holds the lock, and files beside the catalogue that are not what they should be."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from datetime import datetime, timezone
from pathlib import Path

import pytest

from sinanews.catalogue.lock import RunLock, holder
from sinanews.exceptions import CatalogueError, RunLocked

NOW = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "catalogue.db"


def test_a_held_lock_names_its_process_and_a_free_one_nobody(database: Path) -> None:
    assert holder(database, "seeds") is None
    assert list(database.parent.iterdir()) == [], "asking makes no file"
    lock = RunLock(database, "seeds", NOW)
    assert holder(database, "seeds") == os.getpid()
    assert holder(database, "sina_live") is None
    with pytest.raises(RunLocked, match=rf"pid {os.getpid()}\) has held the lock since 2026-11-20 20:00:00"):
        RunLock(database, "seeds", NOW)
    lock.release()
    assert holder(database, "seeds") is None
    assert not list(database.parent.glob("*.holder"))


def test_what_a_killed_run_left_is_no_lock(database: Path) -> None:
    script = "import os, sys; from pathlib import Path; from datetime import *; from sinanews.catalogue.lock import RunLock\n"
    script += "lock = RunLock(Path(sys.argv[1]), 'seeds', datetime.now(timezone.utc)); os._exit(9)"
    assert subprocess.run([sys.executable, "-c", script, str(database)], check=False).returncode == 9
    assert list(database.parent.glob("*.holder"))
    assert holder(database, "seeds") is None
    RunLock(database, "seeds", NOW).release()


def test_looking_whether_a_run_goes_on_keeps_none_from_starting(database: Path) -> None:
    RunLock(database, "seeds", NOW).release()
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            holder(database, "seeds")

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        for _ in range(100):
            RunLock(database, "seeds", NOW).release()
    finally:
        over.set()
        watcher.join()


@pytest.mark.skipif(os.name != "posix", reason="links are POSIX")
def test_links_beside_the_catalogue_are_not_written_through(database: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("whole", "utf-8")
    file = database.with_name("catalogue.db.seeds.holder")
    file.symlink_to(victim)
    RunLock(database, "seeds", NOW).release()
    database.with_name("catalogue.db.sina_live.lock").symlink_to(victim)
    with pytest.raises(CatalogueError, match="cannot make the lock file"):
        RunLock(database, "sina_live", NOW)
    assert victim.read_text("utf-8") == "whole"
    assert holder(database, "sina_live") == 0, "cannot be told"


def test_a_folder_in_the_place_of_the_holder_stops_nobody(database: Path) -> None:
    database.with_name("catalogue.db.seeds.holder").mkdir()
    lock = RunLock(database, "seeds", NOW)
    assert holder(database, "seeds") == 0
    with pytest.raises(RunLocked, match="holds the lock"):
        RunLock(database, "seeds", NOW)
    lock.release()
    assert not list(database.parent.glob(".*")), "no temporary file is left"


def test_the_wait_for_a_lock_that_is_held_is_short(database: Path) -> None:
    lock, began = RunLock(database, "seeds", NOW), time.monotonic()
    with pytest.raises(RunLocked):
        RunLock(database, "seeds", NOW)
    assert time.monotonic() - began < 5
    lock.release()
