"""A WARC file without some of its records: written anew beside the old one, every other record as it was. Pure."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, NamedTuple

from sinanews.originals.members import CHUNK

_NUMBERED = re.compile(r"(?P<stem>.+?)(?:\.(?P<number>\d+))?\.warc\.gz")
_NAMED = re.compile(rb"^WARC-(?:Refers-To-)?Target-URI: *(.*?)\r?$", re.MULTILINE | re.IGNORECASE)
MOST_HEAD = 1 << 16


class Span(NamedTuple):
    """Where a record stands."""

    offset: int
    length: int
    head: bytes  #: its beginning, unpacked; empty where its length was known already


def next_name(name: str) -> str:
    """
    >>> next_name("2026-11-25-sina_finance-7.warc.gz"), next_name("a-7.1.warc.gz")
    ('2026-11-25-sina_finance-7.1.warc.gz', 'a-7.2.warc.gz')
    """
    found = _NUMBERED.fullmatch(name)
    stem, number = (found["stem"], int(found["number"] or 0)) if found else (name, 0)
    return f"{stem}.{number + 1}.warc.gz"


def spans(file: BinaryIO, known: Mapping[int, int]) -> Iterator[Span]:
    """The whole records of a file in its order. ``known``: offset → length of those that need not be unpacked."""
    offset, size = 0, os.fstat(file.fileno()).st_size
    while offset < size:
        if (length := known.get(offset)) is not None:
            yield Span(offset, length, b"")
        else:
            file.seek(offset)
            length, head = _member(file)
            if not length:
                return  # torn, or nothing of ours
            yield Span(offset, length, head)
        offset += length


def names_one_of(span: Span, urls: set[bytes]) -> bool:
    """Whether a record is of one of the addresses, or refers to one."""
    return not urls.isdisjoint(url.strip(b"<> ") for url in _NAMED.findall(span.head.partition(b"\r\n\r\n")[0]))


def write_without(path: Path, target: Path, known: Mapping[int, int], goes: Callable[[Span], bool]) -> dict[int, int]:
    """Write the records that stay to a new file, flushed to disk; offset → offset there, its end under -1.

    Raises OSError.
    """
    places: dict[int, int] = {}
    with path.open("rb") as file, target.open("wb") as new:
        for span in spans(file, known):
            if goes(span):
                continue
            places[span.offset] = new.tell()
            file.seek(span.offset)
            left = span.length
            while left and (part := file.read(min(left, CHUNK))):
                new.write(part)
                left -= len(part)
        places[-1] = new.tell()
        new.flush()
        os.fsync(new.fileno())
    return places


def _member(file: BinaryIO) -> tuple[int, bytes]:
    """Length and beginning of the member that stands there; 0 where none stands there whole."""
    member, head, taken = zlib.decompressobj(31), b"", 0
    while chunk := file.read(CHUNK):
        try:
            data = member.decompress(chunk)
        except zlib.error:
            break
        head += data[: MOST_HEAD - len(head)]
        taken += len(chunk) - len(member.unused_data)
        if member.eof:
            return taken, head
    return 0, b""
