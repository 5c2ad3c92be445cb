"""An extension that kills its own process between two steps of the work, has one fail, or writes down which there are.

A step is named by who does it and what it is: ``writer: INSERT contents``, ``writer: rename``. The setting KILL is
``NAME#N``: die just before the N-th passing of that step, with no time for any cleanup (SIGNAL names another end than
SIGKILL). With ERROR, the name of an errno, that passing fails with it instead, and so do all after it where FOR_GOOD is
set. STEPS names a file that gets a
line for each passing. TOGETHER: how many articles a commit waits for; 1: each has its own.
"""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import sqlite3
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scrapy.crawler import Crawler
from sqlalchemy import Engine, event
from sqlalchemy.engine.default import DefaultDialect

from sinanews import settings
from sinanews.archive import storing
from sinanews.catalogue import Catalogue, writer
from sinanews.posts.exporter import PostRenderer
from sinanews.posts.folder import ExportFolder

#: The setting that has a crawl watched.
EXTENSIONS = json.dumps({**settings.EXTENSIONS, "tests.faults.killing.Killing": 5})
PATIENCE = 0.1  #: seconds that a commit waits for more articles
_TABLE = re.compile(r'\b(?:FROM|INTO|UPDATE|TABLE|INDEX|EXISTS) "?(?!IF\b)(\w+)')
_real_write, _real_fsync = os.write, os.fsync


class Killing:
    """Made before the run's own extension, so before the catalogue is opened."""

    def __init__(self, crawler: Crawler) -> None:
        asked = crawler.settings
        self.step, _, number = str(asked.get("KILL", "")).rpartition("#")
        self.left, self.signal = int(number or 0), signal.Signals[asked.get("SIGNAL", "SIGKILL")]
        self.error, self.for_good = asked.get("ERROR"), asked.getbool("FOR_GOOD")
        self.record = os.open(asked["STEPS"], os.O_WRONLY | os.O_CREAT | os.O_APPEND) if asked["STEPS"] else None
        self.lock = threading.Lock()
        self.watch_storing()
        self.watch_files()
        self.watch_database()
        self.gather(asked.getint("TOGETHER", 1))

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Killing:
        return cls(crawler)

    def passing(self, name: str) -> None:
        """Write the step down, and die here if it is the one."""
        step = f"{'writer' if self.in_writer() else 'loop'}: {name}"
        with self.lock:
            if self.record is not None:
                _real_write(self.record, f"{step}\n".encode())
            if step == self.step:
                self.left -= 1
                if self.left == 0 or (self.left < 0 and self.for_good):
                    self.strike(name)

    def strike(self, name: str) -> None:
        if not self.error:
            os.kill(os.getpid(), self.signal)
        if name == "COMMIT" or name.split()[0] in ("INSERT", "UPDATE", "DELETE"):
            raise sqlite3.OperationalError("disk I/O error" if self.error == "EIO" else "database or disk is full")
        number = getattr(errno, self.error)
        raise OSError(number, os.strerror(number))

    @staticmethod
    def in_writer() -> bool:
        return threading.current_thread().name == "sinanews writer"

    def before(self, owner: Any, method: str, name: str | Callable[..., str], only_writer: bool = False) -> None:
        real = getattr(owner, method)

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            if not only_writer or self.in_writer():
                self.passing(name if isinstance(name, str) else name(*args, **kwargs))
            return real(*args, **kwargs)

        setattr(owner, method, wrapped)

    def watch_storing(self) -> None:
        self.before(Catalogue, "known_of", "known_of")
        self.before(storing, "decide", "decide")
        self.before(PostRenderer, "__call__", "render", only_writer=True)
        self.before(Catalogue, "record", "record")
        self.before(ExportFolder, "sync", "sync", only_writer=True)
        self.before(ExportFolder, "set_aside", "set_aside", only_writer=True)
        self.before(writer, "_tell", "tell")

    def watch_files(self) -> None:
        """What the writer does with files; the temporary one is cut in its middle too."""
        self.before(os, "open", lambda path, flags, *_: "make file" if flags & os.O_CREAT else "open", only_writer=True)
        self.before(os, "fsync", _kind_of_sync, only_writer=True)
        self.before(os, "replace", "rename", only_writer=True)
        self.before(Path, "replace", "move", only_writer=True)
        real = os.write

        def write(descriptor: int, data: Any) -> int:
            if not self.in_writer():
                return real(descriptor, data)
            self.passing("write")
            done = real(descriptor, data[: len(data) // 2 + 1])
            self.passing("write the rest")
            return done

        os.write = write

    def watch_database(self) -> None:
        def statement(_connection: Any, _cursor: Any, words: str, *_rest: Any) -> None:
            table = _TABLE.search(words)
            verb = words.split(None, 1)[0].upper()
            self.passing(f"{'SELECT' if verb == 'WITH' else verb} {table[1] if table else ''}".strip())

        event.listen(Engine, "before_cursor_execute", statement)
        self.before(DefaultDialect, "do_commit", "COMMIT")

    def gather(self, number: int) -> None:
        real = writer.Writer._commit

        def commit(one: writer.Writer, first: Any) -> bool:
            until = time.monotonic() + PATIENCE
            while one._waiting.qsize() < number - 1 and time.monotonic() < until:
                time.sleep(0.002)
            return real(one, first)

        if number == 1:
            writer.MOST = 1
        writer.Writer._commit = commit  # type: ignore[method-assign]


def _kind_of_sync(descriptor: int) -> str:
    return "sync folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "sync file"
