"""What a file holds, unpacked: gzip members one after the other, past those that are damaged. Pure."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

from sinanews.originals.capture import DamagedRecord

GZIP = b"\x1f\x8b\x08"  #: how a member begins
CHUNK = 1 << 16


class Members(io.RawIOBase):
    """The unpacked bytes of a file's members as one stream, up to its end or to damage (``damaged``)."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.left = file, b""
        self.member: Any = None
        self.damaged = self.at_end = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not (self.damaged or self.at_end):
            chunk = self.left or self.file.read(CHUNK)
            if not chunk:
                self.at_end, self.damaged = True, self.member is not None
                break
            data = self._unpacked(chunk, len(buffer))
            buffer[: len(data)] = data
            if data:
                return len(data)
        return 0

    def _unpacked(self, chunk: bytes, most: int) -> bytes:
        is_first = self.member is None
        if is_first:
            chunk = chunk.lstrip(b"\0")  # padding
            chunk += self.file.read(CHUNK) if chunk and len(chunk) < len(GZIP) else b""
            if chunk and not chunk.startswith(GZIP):
                self.left, self.damaged = chunk, True
                return b""
            self.member = zlib.decompressobj(31)
        if not chunk:
            self.member, self.left = None, b""
            return b""
        try:
            data: bytes = self.member.decompress(chunk, most)
        except zlib.error:
            self.left, self.damaged = chunk[is_first:], True  # its own beginning is not the next one's
            return b""
        self.left = self.member.unconsumed_tail
        if self.member.eof:
            self.left, self.member = self.member.unused_data, None
        return data

    def to_next(self) -> bool:
        """Past damage to where the next member seems to begin; False where there is none."""
        self.member, self.damaged = None, False
        while not self.at_end:
            place = self.left.find(GZIP)
            if place >= 0:
                self.left = self.left[place:]
                return True
            more = self.file.read(CHUNK)
            self.left, self.at_end = self.left[-len(GZIP) + 1 :] + more, not more
        return False


def segments(file: BinaryIO) -> Iterator[Members | BinaryIO]:
    """Each stretch of a WARC file that can be read without a break, unpacked; of a plain file it is the whole.

    Where its ``Members`` are damaged, what a stretch ends with is cut. Raises DamagedRecord for what is no WARC file.
    """
    begin = file.read(5)
    file.seek(0)
    if begin.startswith(GZIP):
        members, goes_on = Members(file), True
        while goes_on:
            yield members
            goes_on = members.damaged and members.to_next()
    elif begin.startswith(b"WARC/"):
        yield file
    elif begin:
        raise DamagedRecord("no WARC file, plain or gzip")


def whole_until(file: BinaryIO, start: int) -> int:
    """Where the last whole member ends of those that follow each other from ``start`` on, which is a member's place."""
    file.seek(start)
    end, left = start, b""
    member: Any = None
    while chunk := left or file.read(CHUNK):
        left = b""
        if member is None:
            member, taken = zlib.decompressobj(31), 0
        try:
            member.decompress(chunk)
        except zlib.error:
            break
        taken += len(chunk) - len(member.unused_data)
        if member.eof:
            end, left, member = end + taken, member.unused_data, None
    return end
