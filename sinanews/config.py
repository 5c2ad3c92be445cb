"""What the settings come to: checked before a run, so that a mistake is one line; folders and addresses absolute."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sinanews import settings as defaults
from sinanews.exceptions import ArgumentError

PREFIX = "SINANEWS_"
PROGRAM = "_SINANEWS_PROGRAM"  #: environment variable, for commands that start others
#: Every setting of ours; those of the tests are met in the environment only.
KNOWN = frozenset(name for name in vars(defaults) if name.startswith(PREFIX))
FOR_TESTS = frozenset(f"{PREFIX}{name}" for name in "FAULTS EXAMPLES REAL_CRON TEST_POSTGRES".split())
_HOST = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?")

_AGE = re.compile(r"(?:[1-9]\d{0,4}d)?")

LEVELS = ("CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG")
FLAGS = ("0", "1", "False", "True")
OFF = ("0", "False", "")
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


def _is_address(text: str) -> bool:
    return not re.search(r"""[\s"'<>`{}]""", text)


def _are_hosts(text: str) -> bool:
    return all(host == "*" or _HOST.fullmatch(host) for part in text.split(",") if (host := part.strip()))


def _are_tags(text: str) -> bool:
    return {part.strip() for part in text.split(",")} <= {"", "keywords", "stocks", "media"}


#: setting, what it must be, that in words
SETTINGS: tuple[tuple[str, Check, str], ...] = (
    ("SINANEWS_BODY", ("clean", "verbatim").__contains__, "clean or verbatim"),
    ("SINANEWS_DUPLICATES", ("drop", "mark", "keep").__contains__, "drop, mark or keep"),
    ("SINANEWS_TAGS", _are_tags, "any of keywords, stocks and media, comma list"),
    ("SINANEWS_EXCERPT", FLAGS.__contains__, "0 or 1"),
    ("SINANEWS_SOURCE_LINK", FLAGS.__contains__, "0 or 1"),
    ("SINANEWS_DATES", ("gmt", "beijing").__contains__, "gmt or beijing"),
    ("SINANEWS_HOSTS", _are_hosts, "host names, comma list, such as news.example.com; * for any"),
    ("SINANEWS_MIRROR", _is_mirror, "http://ADDRESS:PORT, or nothing"),
    ("SINANEWS_ORIGINALS", (*FLAGS, "", "all").__contains__, "1, 0 or all"),
    ("SINANEWS_ORIGINALS_KEEP", lambda text: bool(_AGE.fullmatch(text)), "days such as 400d, or nothing"),
    ("SINANEWS_MAX_PAGES", _is(int, 1), "a whole number from 1"),
    ("SINANEWS_BAN_LIMIT", _is(int, 1), "a whole number from 1"),
    ("SINANEWS_RETRY_DELAY", _is(float, 0), "seconds from 0"),
    ("SINANEWS_COOLDOWN", _is(float, 0), "seconds from 0"),
    ("SINANEWS_REFUSAL_WAIT", _is(float, 0, 900), "seconds from 0 to 900"),
    ("SINANEWS_ATTACHMENTS", FLAGS.__contains__, "0 or 1"),
    ("SINANEWS_POLL", _is(float, 0), "seconds from 0"),
    ("SINANEWS_JOB_DELAY", _is(float, 0), "seconds from 0"),
    ("SINANEWS_TOLERATED", _is(float, 0, 1), "a share from 0 to 1"),
    ("SINANEWS_IMAGES", FLAGS.__contains__, "0 or 1"),
    ("SINANEWS_IMAGES_URL", _is_address, "a path such as /images or an address, without quotes or blanks, or nothing"),
    ("SINANEWS_SHARED", ("", *FLAGS).__contains__, "0, 1 or nothing"),
    ("SINANEWS_LEASE", _is(float, 0.1), "seconds from 0.1"),
    ("SINANEWS_POSTS", FLAGS.__contains__, "0 or 1"),
    ("SINANEWS_STALE", FLAGS.__contains__, "0 or 1"),
    ("SINANEWS_SEARCH", FLAGS.__contains__, "0 or 1"),
    ("SINANEWS_PROGRESS", FLAGS.__contains__, "0 or 1"),
    ("SINANEWS_ALERT_COMMAND", _is_command, "a command with balanced quotes"),
    ("SINANEWS_LOG_LEVEL", LEVELS.__contains__, ", ".join(LEVELS)),
    ("LOG_LEVEL", LEVELS.__contains__, ", ".join(LEVELS)),
    ("DOWNLOAD_DELAY", _is(float, 0), "seconds from 0"),
    ("RETRY_TIMES", _is(int, 0), "a whole number from 0"),
)


def check_settings(settings: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> None:
    """Raises ArgumentError for the first setting that cannot be used, naming it and what is allowed.

    A setting of ours that does not exist is a slip of the pen: the run would go elsewhere than its user thinks.
    """
    _check_names((name for name in environment if name not in FOR_TESTS), "environment variable")
    _check_names(settings, "setting")
    for name, check, allowed in SETTINGS:
        text = str(settings.get(name, ""))
        if not check(text):
            raise ArgumentError(f"{name} is {text!r}; write {allowed}")


def _check_names(names: Iterable[str], what: str) -> None:
    for name in names:
        if name.startswith(PREFIX) and name not in KNOWN:
            near = get_close_matches(name, KNOWN, n=1, cutoff=0.0)[0]
            raise ArgumentError(f"there is no {what} {name}; the nearest is {near}")


def missing_command(text: str) -> str | None:
    """The program that a command names, where there is none of that name."""
    words = shlex.split(text)
    return words[0] if words and shutil.which(words[0]) is None else None


def project_folder() -> Path:
    """The folder that relative paths in settings mean: where scrapy.cfg is.

    That of the project whose spiders run, which need not be ours; elsewhere the current folder.
    """
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / "scrapy.cfg").exists()), here)


def in_project() -> bool:
    """Whether the current folder is in a Scrapy project's: relative paths mean the same in all of it."""
    return (project_folder() / "scrapy.cfg").exists()


def program() -> str:
    """The name of the program that the user called, for what we say of further commands."""
    return os.environ.get(PROGRAM, "scrapy")


def exports_folder(setting: str) -> Path:
    """SINANEWS_EXPORTS as an absolute path."""
    return (project_folder() / Path(setting).expanduser()).resolve()


def absolute_database_url(setting: str) -> str:
    """A SQLAlchemy URL with a relative SQLite file made absolute."""
    prefix = "sqlite:///"
    if not setting.startswith(prefix) or setting.removeprefix(prefix) in ("", ":memory:"):
        return setting
    return prefix + str(project_folder() / Path(setting.removeprefix(prefix)).expanduser())
