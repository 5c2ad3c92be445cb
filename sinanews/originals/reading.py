"""Captures out of WARC files: one that the catalogue names, or all of anybody's file that are wanted.

Other people's files are read with patience: compressed by record, as a whole or not at all, damaged, cut, with HTTP
headers that are none. Only what is wanted is held in memory, and of that no more than a page can have.
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, BinaryIO

from sinanews.originals.capture import MOST_BYTES, Capture, DamagedRecord
from sinanews.originals.members import segments

MOST_HEAD = 1 << 20  #: bytes of a record's own header, or of its answer's
MOST_LINE = 1 << 16
_BLOCK = 1 << 18
_END_OF_CHUNKS = re.compile(rb"(?:\A|\n)0+[ \t]*(?:;[^\n]*)?\r?\n")
_DATE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z?")


class _Lines(io.BufferedReader):
    """A stream whose lines are bounded, and what a header may have of them."""

    taken = 0

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(MOST_LINE if size is None or size < 0 else min(size, MOST_LINE))
        self.taken += len(line)
        if self.taken > MOST_HEAD:
            raise DamagedRecord("a header without end")
        return line


@dataclass
class WarcReader:
    """The captures of a file whose address is wanted; what cannot be read is counted and passed over."""

    path: Path
    wants: Callable[[str], bool]  #: is asked for the address of every response
    damaged: int = 0  #: stretches
    records: int = 0

    def __iter__(self) -> Iterator[Capture]:
        """Raises DamagedRecord for a file that is no WARC, OSError."""
        with self.path.open("rb") as file:
            for stream in segments(file):
                before, lines = self.damaged, _Lines(stream, _BLOCK)  # type: ignore[arg-type]
                yield from self._captures(lines)
                lines.detach()  # or it would close the stream, which goes on
                self.damaged += getattr(stream, "damaged", False) and self.damaged == before

    def _captures(self, stream: _Lines) -> Iterator[Capture]:
        from warcio.recordloader import ArcWarcRecordLoader

        loader, is_lost = ArcWarcRecordLoader(arc2warc=False), False
        while line := stream.readline(MOST_LINE):
            begin = line.find(b"WARC/")
            is_strange = begin != 0 and bool(line.strip())
            self.damaged += is_strange and not is_lost
            if begin < 0:
                is_lost, stream.taken = is_lost or is_strange, 0
                continue
            line, is_lost = line[begin:], False
            try:
                record = loader.parse_record_stream(stream, line, "warc", no_record_parse=True)
                stream.taken = 0
                if record.length is None:
                    raise DamagedRecord("a record without a length")
                self.records += 1
                if (capture := self._capture(record)) is not None:
                    yield capture
                _pass_over(record.raw_stream)
            except (DamagedRecord, EOFError):
                self.damaged += 1
                is_lost, stream.taken = True, 0

    def _capture(self, record: Any) -> Capture | None:
        url = record.rec_headers.get_header("WARC-Target-URI") or ""
        if record.rec_type != "response" or not self.wants(url) or record.length > MOST_BYTES + MOST_HEAD:
            return None
        return capture_of(record)


def read_at(path: Path, offset: int, length: int) -> Capture:
    """The capture of a record of ours. Raises DamagedRecord where none stands there whole."""
    from warcio.recordloader import ArcWarcRecordLoader

    try:
        with path.open("rb") as file:
            file.seek(offset)
            packed = file.read(length)
        member = zlib.decompressobj(31)
        data = member.decompress(packed, MOST_BYTES + 2 * MOST_HEAD)
    except (OSError, zlib.error) as error:
        raise DamagedRecord(f"{path.name}, {offset}: {getattr(error, 'strerror', None) or error}") from None
    if len(packed) != length or not member.eof or member.unused_data:
        raise DamagedRecord(f"{path.name}, {offset}: no record of {length} bytes")
    stream = _Lines(io.BytesIO(data))
    try:
        return capture_of(ArcWarcRecordLoader().parse_record_stream(stream, None, "warc", no_record_parse=True))
    except Exception as error:  # warcio raises many
        raise DamagedRecord(f"{path.name}, {offset}: {error}") from None


def capture_of(record: Any) -> Capture:
    """The answer that a warcio record holds, its chunks put together. Raises DamagedRecord for one that is cut."""
    fields = record.rec_headers
    block = _read(record.raw_stream)
    if len(block) != record.length:
        raise DamagedRecord("a record that ends too early")
    at = _date(fields.get_header("WARC-Date") or "")
    if at is None:
        raise DamagedRecord("a record without a date")
    status, headers, body = _http_answer(block)
    capture = Capture(fields.get_header("WARC-Target-URI"), at, status, headers, body)
    whole = fields.get_header("WARC-Truncated") is None
    if (capture.header("Transfer-Encoding") or "").lower() == "chunked":
        body, has_end = _without_chunks(body)
        whole = whole and has_end
    elif not capture.header("Content-Encoding"):
        with suppress(ValueError):
            whole = whole and int(capture.header("Content-Length") or 0) <= len(body)
    return Capture(capture.url, at, status, headers, body, whole)


def _http_answer(block: bytes) -> tuple[int, tuple[tuple[str, str], ...], bytes]:
    """Status, headers and body; what begins with no status line is all body."""
    from warcio.statusandheaders import StatusAndHeadersParser

    stream = _Lines(io.BytesIO(block))
    if not block.startswith(b"HTTP/"):
        return 200, (), block
    parsed = StatusAndHeadersParser(["HTTP/"], verify=False).parse(stream)
    code = parsed.get_statuscode()
    return int(code) if code.isascii() and code.isdigit() else 0, tuple(parsed.headers), stream.read()


def _without_chunks(body: bytes) -> tuple[bytes, bool]:
    """A body put together, and whether its end is there; one that has no chunks, whatever its header says, as it is."""
    from warcio.bufferedreaders import ChunkedDataReader

    reader, parts = ChunkedDataReader(io.BytesIO(body)), []
    while part := reader.read(_BLOCK):
        parts.append(part)
    return b"".join(parts), reader.not_chunked or _END_OF_CHUNKS.search(body[-MOST_LINE:]) is not None


def _read(stream: BinaryIO) -> bytes:
    """All of a stream that may give less at a time than it has."""
    parts = []
    while part := stream.read(_BLOCK):
        parts.append(part)
    return b"".join(parts)


def _pass_over(stream: BinaryIO) -> None:
    """Raises DamagedRecord where a stream ends before its limit."""
    while stream.read(_BLOCK):
        pass
    if getattr(stream, "limit", 0):
        raise DamagedRecord("a record that ends too early")


def _date(text: str) -> datetime | None:
    """
    >>> _date("2019-09-01T02:03:04.5Z").isoformat(), _date("soon")
    ('2019-09-01T02:03:04.500000+00:00', None)
    """
    match = _DATE.fullmatch(text.strip())
    try:
        moment = datetime.fromisoformat(match[1]) if match else None
    except ValueError:
        return None
    if match is None or moment is None:
        return None
    return moment.replace(microsecond=int((match[2] or "").ljust(6, "0")[:6]), tzinfo=timezone.utc)
