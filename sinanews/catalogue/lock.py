"""One run at a time for each catalogue and spider. The lock dies with its process; a file left behind is no lock."""

from __future__ import annotations

import json
import os
import secrets
import stat
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from sinanews.dates import to_beijing
from sinanews.exceptions import CatalogueError, RunLocked

PATIENCE = 0.3  #: seconds: longer than ``holder`` has the lock when it looks whether anybody has it


class RunLock:
    """Held from construction to ``release`` (or the end of the process)."""

    def __init__(self, database: Path, spider: str, now: datetime) -> None:
        """Raises RunLocked, saying who has held the lock since when; CatalogueError where no lock can be made."""
        self.file, self.holder = _files(database, spider)
        try:
            self.lock = _acquired(self.file, PATIENCE)
        except Timeout:
            raise RunLocked(f"another run of {spider} {_words(self.holder, self.file)}") from None
        except OSError as error:
            raise CatalogueError(f"cannot make the lock file {self.file}: {error.strerror or error}") from None
        with suppress(OSError):  # it is only told to people
            _write_over(self.holder, json.dumps({"pid": os.getpid(), "since": now.isoformat()}))

    def release(self) -> None:
        with suppress(OSError):
            self.holder.unlink()
        self.lock.release()


def holder(database: Path, spider: str) -> int | None:
    """The process that runs the spider on this catalogue now; None where none does, 0 where that cannot be told.

    The lock decides: a process id may be that of another program by now.
    """
    file, known = _files(database, spider)
    if not os.path.lexists(file):
        return None
    try:
        _acquired(file, 0).release()
        return None
    except Timeout:
        pid = _read(known).get("pid")
        return pid if isinstance(pid, int) else 0
    except OSError:
        return 0


def _files(database: Path, spider: str) -> tuple[Path, Path]:
    """The lock, and beside it who holds it, because opening a lock file may empty it."""
    file = database.with_name(f"{database.name}.{spider}.lock")
    return file, file.with_suffix(".holder")


def _acquired(file: Path, patience: float) -> FileLock:
    """Raises Timeout, OSError."""
    if os.path.lexists(file) and not stat.S_ISREG(file.lstat().st_mode):
        raise OSError(f"{file.name} is a link or no ordinary file")
    lock = FileLock(file)
    lock.acquire(timeout=patience, poll_interval=0.02)
    return lock


def _write_over(file: Path, text: str) -> None:
    """By a rename: whatever lies there, a link too, is replaced and not written through."""
    temporary = file.with_name(f".{secrets.token_hex(8)}.sinanews")
    try:
        with temporary.open("x", encoding="utf-8") as new:
            new.write(text)
        temporary.replace(file)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _read(file: Path) -> dict[str, Any]:
    try:
        known = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _words(holder: Path, file: Path) -> str:
    known = _read(holder)
    try:
        since = to_beijing(datetime.fromisoformat(known["since"]))
        return f"(pid {known['pid']}) has held the lock since {since:%Y-%m-%d %H:%M:%S} Beijing time"
    except (ValueError, KeyError, TypeError):
        return f"holds the lock {file}"
