"""Whether this process was asked to end, known even while its event loop is frozen."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

from sinanews.watch.outcomes import INTERRUPTED

SIGNALS = (signal.SIGINT, signal.SIGTERM)
GRACE = 2.0  #: seconds that another process's lock is still waited for after a signal: most are short


def end_at_once(number: int, frame: Any) -> None:
    """A handler for the time before a run, when nothing is held that would have to be given back."""
    os.write(2, f"sinanews: {INTERRUPTED.words}\n".encode())
    os._exit(INTERRUPTED.code)  # an exception might come up anywhere, and be caught there


class Interrupts:
    """Hears SIGINT and SIGTERM beside whoever handles them already (Scrapy's process, a worker).

    Python calls a handler between two steps of whatever runs, so also while a transaction waits for a lock, when
    nothing that the handler asks of the event loop can happen.
    """

    def __init__(self) -> None:
        self.heard_at: float | None = None
        self._handlers: list[Callable[[int, Any], None]] = []

    @property
    def heard(self) -> bool:
        return self.heard_at is not None

    def hear(self) -> None:
        self.heard_at = self.heard_at or time.monotonic()

    def watch(self) -> None:
        """From now on. Signals that end the process by themselves, or raise KeyboardInterrupt, do so as ever."""
        if threading.current_thread() is not threading.main_thread():
            return  # where Python lets nobody set a handler
        for number in SIGNALS:
            before = signal.getsignal(number)
            if callable(before) and before is not signal.default_int_handler and before not in self._handlers:
                self._handlers.append(self._handler(before))
                signal.signal(number, self._handlers[-1])

    def _handler(self, before: Callable[[int, Any], Any]) -> Callable[[int, Any], None]:
        def hear(number: int, frame: Any) -> None:
            self.hear()
            before(number, frame)

        return hear

    def renew(self) -> None:
        """Let a lock be waited for a moment longer: what remains is to record how the run ended."""
        if self.heard:
            self.heard_at = time.monotonic()

    def no_use_waiting(self) -> bool:
        """Whether a lock is waited for no longer: a moment after the signal."""
        return self.heard_at is not None and time.monotonic() - self.heard_at > GRACE


interrupts = Interrupts()  #: of this process, which has one handler for each signal
