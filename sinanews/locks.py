"""One run at a time for each catalogue and spider. The lock dies with its process; a file left behind is no lock."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from sinanews.dates import to_beijing
from sinanews.exceptions import RunLocked


class RunLock:
    """Held from construction to ``release`` (or the end of the process)."""

    def __init__(self, database: Path, spider: str, now: datetime) -> None:
        """Raises RunLocked, saying who has held the lock since when."""
        self.file = database.with_name(f"{database.name}.{spider}.lock")
        #: Beside the lock, because opening a lock file empties it.
        self.holder = self.file.with_suffix(".holder")
        self.lock = FileLock(self.file)
        try:
            self.lock.acquire(timeout=0)
        except Timeout:
            raise RunLocked(f"another run of {spider} {self._who()}") from None
        self.holder.write_text(json.dumps({"pid": os.getpid(), "since": now.isoformat()}), "utf-8")

    def release(self) -> None:
        self.holder.unlink(missing_ok=True)
        self.lock.release()

    def _who(self) -> str:
        try:
            known = json.loads(self.holder.read_text("utf-8"))
            since = to_beijing(datetime.fromisoformat(known["since"]))
            return f"(pid {known['pid']}) has held the lock since {since:%Y-%m-%d %H:%M:%S} Beijing time"
        except (OSError, ValueError, KeyError):
            return f"holds the lock {self.file}"
