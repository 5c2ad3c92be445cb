"""Spider arguments (``-a name=value``): one small parser each, and errors that say what is allowed. Pure."""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sinanews.dates import BEIJING
from sinanews.exceptions import ArgumentError
from sinanews.stocks import share_code
from sinanews.urls import canonical_url

Parser = Callable[[str], Any]
FIRST_DAY = date(1998, 1, 1)  #: Sina is not older
MOST_BYTES = 16 * 1024 * 1024  #: of a file with one URL a line
_AGE = re.compile(r"(\d{1,5})([hd])")


def parse_arguments(
    parsers: Mapping[str, Parser], given: Mapping[str, str], taker: str = "this spider"
) -> dict[str, Any]:
    """The values of the arguments given; raises ArgumentError for an unknown name or a bad value, naming it."""
    unknown = sorted(set(given) - set(parsers))
    if unknown:
        allowed = ", ".join(parsers) or "none"
        raise ArgumentError(f"unknown argument {unknown[0]!r}; {taker} takes: {allowed}")
    values = {}
    for name, text in given.items():
        try:
            values[name] = parsers[name](text.strip())
        except ArgumentError as error:
            raise ArgumentError(f"argument {name}={text!r}: {error}") from None
    return values


def names(text: str) -> tuple[str, ...]:
    """A comma list, at least one."""
    found = tuple(part.strip() for part in text.split(",") if part.strip())
    if not found:
        raise ArgumentError("empty; write one or more names, separated by commas")
    return found


def positive(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < 1:
        raise ArgumentError("not a whole number from 1 to 999999999")
    return int(text)


def flag(text: str) -> bool:
    if text not in ("0", "1"):
        raise ArgumentError("write 1 or 0")
    return text == "1"


def urls(text: str) -> tuple[str, ...]:
    """Canonical URLs: a comma list, or one a line (# begins a comment line), in ``@FILE`` or in the text itself."""
    return tuple(dict.fromkeys(map(_canonical, _listed(text, "urls.txt", "URL"))))


def stocks(text: str) -> tuple[str, ...]:
    """Whole codes of shares, from a comma list or from ``@FILE`` with one a line (# begins a comment)."""
    return tuple(dict.fromkeys(_share(part.partition("#")[0].strip()) for part in _listed(text, "stocks.txt", "stock")))


def _listed(text: str, example: str, noun: str) -> list[str]:
    """The parts of a comma list; or the lines, but for comments, of ``@FILE`` or of the text where it has several."""
    if not text.startswith("@"):
        return _lines(text) if "\n" in text else list(names(text))
    if not text[1:].strip():
        raise ArgumentError(f"no file; write its name after the @, such as @{example}")
    try:
        found = _lines(read_file(text[1:], MOST_BYTES).decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ArgumentError("cannot read the file: not UTF-8") from None
    if not found:
        raise ArgumentError(f"the file names no {noun}")
    return found


def _share(text: str) -> str:
    code = share_code(text)
    if code is None:
        raise ArgumentError(
            f"{text[:40]!r} is no share of Shanghai, Shenzhen or Beijing; write six figures or the whole code, "
            "such as 600519 or sh600519, sz000001, bj830799"
        )
    return code


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def named_path(text: str) -> Path:
    """The path that an argument names, ``~`` at its beginning too. Raises ArgumentError."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise ArgumentError(f"no home folder is known for {text.split('/')[0]}") from None


def read_file(name: str, most: int) -> bytes:
    """An ordinary file that an argument names, or one that a link leads to; ``most``: of bytes. Raises ArgumentError.

    Devices and pipes may never end, or never begin.
    """
    path = named_path(name)
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise ArgumentError("no ordinary file (a folder, a pipe or a device)")
        with path.open("rb") as file:
            data = file.read(most + 1)
    except (OSError, ValueError) as error:  # the latter for a name that no file can have
        raise ArgumentError(f"cannot read the file: {getattr(error, 'strerror', None) or error}") from None
    if len(data) > most:
        raise ArgumentError(f"the file has more than {most} bytes; split it")
    return data


def _canonical(text: str) -> str:
    try:
        return canonical_url(text)
    except ValueError:
        raise ArgumentError(f"{text[:200]!r} is no http(s) URL") from None


def age(text: str) -> timedelta:
    """``2d`` or ``24h``."""
    match = _AGE.fullmatch(text)
    if not match:
        raise ArgumentError("write days or hours, such as 2d or 24h")
    return timedelta(days=int(match[1])) if match[2] == "d" else timedelta(hours=int(match[1]))


def day(text: str) -> date:
    """``2019-09-01``, a day of Beijing."""
    try:
        found = datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        found = date.min
    if not FIRST_DAY <= found < date(2100, 1, 1):
        raise ArgumentError(f"write a day such as 2019-09-01, {FIRST_DAY} or later")
    return found


def day_or_age(text: str) -> date | timedelta:
    """A day of Beijing, or how long ago: ``3d``, ``24h``."""
    if _AGE.fullmatch(text):
        return age(text)
    try:
        return day(text)
    except ArgumentError as error:
        raise ArgumentError(f"{error}, or how long ago: 3d, 24h") from None


def since_when(value: date | timedelta, now: datetime) -> datetime:
    """The moment a ``since`` means: a day's beginning in Beijing, or so long before now."""
    if isinstance(value, timedelta):
        return max((now - value).astimezone(BEIJING), datetime(FIRST_DAY.year, 1, 1, tzinfo=BEIJING))
    return datetime(value.year, value.month, value.day, tzinfo=BEIJING)
