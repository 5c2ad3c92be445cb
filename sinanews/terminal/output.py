"""What every command prints through: output whose reader has gone (``scrapy schedule | head``) ends no command."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, TextIO, TypeVar

Run = TypeVar("Run", bound=Callable[..., None])


class Lasting:
    """A text stream like the one it wraps; once nobody reads it any more, what is written goes nowhere."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        try:
            return self.stream.write(text)
        except BrokenPipeError:
            self._turn_away()
            return len(text)

    def flush(self) -> None:
        try:
            self.stream.flush()
        except BrokenPipeError:
            self._turn_away()

    def _turn_away(self) -> None:
        """What is still buffered, and what Python flushes at its very end, goes to the null device too."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.stream.fileno())
        os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def _lasting(stream: Any) -> Any:
    return stream if stream is None or isinstance(stream, Lasting) else Lasting(stream)  # None: closed from the start


def lasting_output(run: Run) -> Run:
    """For the ``run`` of a command: its work and its exit code do not depend on who reads what it prints."""

    @wraps(run)
    def with_lasting_output(*args: Any, **kwargs: Any) -> None:
        before = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = map(_lasting, before)
        try:
            run(*args, **kwargs)
        finally:
            for stream in filter(None, (sys.stdout, sys.stderr)):
                stream.flush()
            sys.stdout, sys.stderr = before

    return with_lasting_output  # type: ignore[return-value]
