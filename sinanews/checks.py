"""Checking the settings before a run: a mistake is told in one line, not met in the middle of a crawl. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from sinanews.exceptions import ArgumentError

LEVELS = ("CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG")
FLAGS = ("0", "1", "False", "True")
Check = Callable[[str], bool]


def _is(kind: type[int] | type[float], least: float, most: float = float("inf")) -> Check:
    def check(text: str) -> bool:
        try:
            return least <= kind(text) <= most
        except ValueError:
            return False

    return check


def _is_command(text: str) -> bool:
    try:
        return bool(shlex.split(text)) or not text
    except ValueError:
        return False


def _is_mirror(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return not text or (parts.scheme in ("http", "https") and bool(parts.hostname))


#: setting, what it must be, that in words
SETTINGS: tuple[tuple[str, Check, str], ...] = (
    ("SINANEWS_BODY", ("clean", "verbatim").__contains__, "clean or verbatim"),
    ("SINANEWS_DUPLICATES", ("drop", "mark", "keep").__contains__, "drop, mark or keep"),
    ("SINANEWS_MIRROR", _is_mirror, "http://ADDRESS:PORT, or nothing"),
    ("SINANEWS_MAX_PAGES", _is(int, 1), "a whole number from 1"),
    ("SINANEWS_BAN_LIMIT", _is(int, 1), "a whole number from 1"),
    ("SINANEWS_RETRY_DELAY", _is(float, 0), "seconds from 0"),
    ("SINANEWS_COOLDOWN", _is(float, 0), "seconds from 0"),
    ("SINANEWS_POLL", _is(float, 0), "seconds from 0"),
    ("SINANEWS_TOLERATED", _is(float, 0, 1), "a share from 0 to 1"),
    ("SINANEWS_STALE", FLAGS.__contains__, "0 or 1"),
    ("SINANEWS_PROGRESS", FLAGS.__contains__, "0 or 1"),
    ("SINANEWS_ALERT_COMMAND", _is_command, "a command with balanced quotes"),
    ("LOG_LEVEL", LEVELS.__contains__, ", ".join(LEVELS)),
    ("DOWNLOAD_DELAY", _is(float, 0), "seconds from 0"),
    ("RETRY_TIMES", _is(int, 0), "a whole number from 0"),
)


def check_settings(value_of: Callable[[str], Any]) -> None:
    """Raises ArgumentError for the first setting that cannot be used, naming it and what is allowed."""
    for name, check, allowed in SETTINGS:
        text = str(value_of(name))
        if not check(text):
            raise ArgumentError(f"{name} is {text!r}; write {allowed}")
