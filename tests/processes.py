"""Processes of their own that cost no start: forked from one which has imported Scrapy and sinanews already.

Most of a short run is Python importing the same two thousand modules; there are some two hundred such runs. A fork has
what a start has: its own process, a child of the test's, with arguments, environment, folder, streams, signals and exit
code. What differs is what happens while Python starts, so ``./run faults`` starts each afresh, as every system but
Linux does.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import importlib
import json
import os
import pkgutil
import runpy
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from scrapy.utils.misc import walk_modules_iter

import sinanews
from sinanews import settings

FRESH = sys.platform != "linux" or os.environ.get("SINANEWS_FAULTS") == "full"
#: Variables that Python or its libraries read once, when they start.
_READ_AT_START = ("PYTHON", "LANG", "LC_", "TZ", "LD_")
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of linux/prctl.h
_LARGEST = 1 << 17  #: bytes of a request
#: What a run loads beyond what sinanews itself imports.
_SCRAPYS = (
    "cmdline", "commands", "core.downloader.handlers.http11", "core.engine", "core.scheduler", "downloadermiddlewares",
    "extensions", "robotstxt", "spidermiddlewares", "squeues",
)  # fmt: skip


class Popen(subprocess.Popen):  # type: ignore[type-arg]
    """As subprocess.Popen; ``python -m MODULE …`` and ``python -c SCRIPT …`` are forked where that shows the same."""

    def _execute_child(
        self, args: Any, executable: Any, preexec_fn: Any, close_fds: Any, pass_fds: Any, cwd: Any, env: Any,
        startupinfo: Any, creationflags: Any, shell: bool, p2cread: int, p2cwrite: int, c2pread: int, c2pwrite: int,
        errread: int, errwrite: int, *more: Any,
    ) -> None:  # fmt: skip
        variables = dict(os.environ if env is None else env)
        streams = [default if own == -1 else own for default, own in enumerate((p2cread, c2pwrite, errwrite))]
        if FRESH or preexec_fn or shell or not _is_python(args) or not nursery().suits(variables):
            super()._execute_child(
                args, executable, preexec_fn, close_fds, pass_fds, cwd, env, startupinfo, creationflags, shell,
                p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite, *more,
            )  # fmt: skip
            return
        self.pid = nursery().fork(args[1:], os.fspath(cwd or os.getcwd()), variables, streams)
        self._child_created = True
        self._close_pipe_fds(p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite)


def run(args: Sequence[str], *, timeout: float = 60, **about: Any) -> subprocess.CompletedProcess[str]:
    """As subprocess.run, with text; both streams are kept unless ``about`` says where they go."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with Popen(args, text=True, **{**streams, **about}) as process:
        try:
            output, errors = process.communicate(timeout=timeout)
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(args, process.returncode, output, errors)


def _is_python(args: Any) -> bool:
    return isinstance(args, (list, tuple)) and len(args) > 2 and args[0] == sys.executable and args[1] in ("-c", "-m")


class Nursery:
    """The process that has imported everything, and forks when it is told to."""

    def __init__(self) -> None:
        ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)  # the forks' own parent ends: they become this process's
        self.environment = dict(os.environ)
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.processes", str(theirs.fileno())], pass_fds=[theirs.fileno()],
                cwd=Path(__file__).parents[1], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        atexit.register(self.close)

    def suits(self, variables: dict[str, str]) -> bool:
        """Whether Python would have started in the same way with these variables."""
        differ = {name for name, value in (variables.items() ^ self.environment.items()) if value}
        return not any(name.startswith(_READ_AT_START) for name in differ)

    def fork(self, words: Sequence[str], folder: str, variables: dict[str, str], streams: Sequence[int]) -> int:
        request = json.dumps([words, folder, variables]).encode()
        socket.send_fds(self.control, [request], streams)
        return int(self.control.recv(_LARGEST))

    def close(self) -> None:
        self.control.close()
        self.process.wait()


@cache
def nursery() -> Nursery:
    """Of this process, started when it is first needed."""
    return Nursery()


def _import_everything() -> None:
    # They read sys.argv, and the other one would run them.
    ours = [m.name for m in pkgutil.iter_modules(sinanews.__path__) if m.name not in ("commands", "__main__")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # among Scrapy's modules are some that nobody should use
        for name in (*(f"scrapy.{name}" for name in _SCRAPYS), *(f"sinanews.{name}" for name in ours)):
            list(walk_modules_iter(name))
    assert "twisted.internet.reactor" not in sys.modules, "each process installs its own"


def _requested(control: socket.socket) -> tuple[list[str], str, dict[str, str]]:
    """Fork for each request; returns in the fork, where it has the request's streams."""
    while True:
        request, streams, _, _ = socket.recv_fds(control, _LARGEST, 3)
        if not request:
            sys.exit()
        told, tell = os.pipe()
        if middle := os.fork():
            os.waitpid(middle, 0)
            control.send(os.read(told, 20))
            for descriptor in (*streams, told, tell):
                os.close(descriptor)
            continue
        between = os.getpid()
        if pid := os.fork():
            os.write(tell, str(pid).encode())
            os._exit(0)
        while os.getppid() == between:
            time.sleep(0.001)
        for number, descriptor in enumerate(streams):
            os.dup2(descriptor, number)
        os.closerange(3, max(*streams, told, tell, control.detach()) + 1)
        words, folder, variables = json.loads(request)
        return words, folder, variables


def _become(words: list[str], folder: str, variables: dict[str, str]) -> None:
    """Run what Python would have run with these words."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    importlib.reload(settings)  # which read the environment
    sys.stdout.reconfigure(line_buffering=os.isatty(1))  # type: ignore[union-attr]
    sys.path[0] = folder
    option, what, *arguments = words
    sys.argv = [option, *arguments]
    if option == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})


if __name__ == "__main__":
    _import_everything()
    gc.freeze()  # what is shared stays shared
    _become(*_requested(socket.socket(fileno=int(sys.argv[1]))))
