"""Whether a response's body came whole, as far as the transport can tell."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Any

from scrapy import Request
from scrapy.http import Response

# Whichever of their implementations Scrapy unpacks with on this machine.
from scrapy.utils._compression import brotli, zstd  # type: ignore[attr-defined]

UNCONFIRMED = "unconfirmed"  #: flag of a response whose end nothing but the page itself can show
_CHUNK = 1 << 16
#: More is no page: what unpacks to more is ended by DOWNLOAD_MAXSIZE anyway.
_MOST = 32 << 20


class CompletenessMiddleware:
    """Flags responses as UNCONFIRMED before they are unpacked: to Scrapy a compressed stream that ends early is whole.

    A body is confirmed by its length or last chunk (else Scrapy's own flag is "partial"); a compressed one by the end
    of its stream, which says more than either. One packed twice may be cut inside: that is not looked for.
    """

    def process_response(self, request: Request, response: Response) -> Response:
        encodings = b",".join(response.headers.getlist("Content-Encoding")).lower().split(b",")
        names = [name for encoding in encodings if (name := encoding.strip()) not in (b"", b"identity")]
        whole = len(names) == 1 and ends(response.body, names[0]) if names else "partial" not in response.flags
        if not whole:
            response.flags.append(UNCONFIRMED)
        return response


def ends(body: bytes, encoding: bytes) -> bool:
    """Whether a compressed body goes to the end of its stream, its checksum right; False for an encoding unknown."""
    unpackers: dict[bytes, tuple[Callable[[bytes], bool], ...]] = {
        b"gzip": (_gzip_ends,),
        b"x-gzip": (_gzip_ends,),
        b"deflate": (lambda data: _zlib_ends(data, 15), lambda data: _zlib_ends(data, -15)),
        b"br": (_brotli_ends,),
        b"zstd": (_zstd_ends,),
    }
    for unpack in unpackers.get(encoding, ()):
        try:
            if unpack(body):
                return True
        except (zlib.error, brotli.error, zstd.ZstdError, EOFError):
            continue
    return False


def _gzip_ends(body: bytes) -> bool:
    """All members of it; what follows the last one is padding, as for the gzip command."""
    while True:
        member = zlib.decompressobj(31)
        if not _drained(member, body):
            return False
        body = member.unused_data.lstrip(b"\0")
        if not body.startswith(b"\x1f\x8b"):
            return True


def _zlib_ends(body: bytes, bits: int) -> bool:
    return _drained(zlib.decompressobj(bits), body)


def _drained(stream: zlib._Decompress, body: bytes) -> bool:
    size = len(stream.decompress(body, _CHUNK))
    while stream.unconsumed_tail and not stream.eof and size < _MOST:
        size += len(stream.decompress(stream.unconsumed_tail, _CHUNK))
    # The last bytes may wait inside for room, all input taken.
    while not stream.eof and size < _MOST and (more := stream.decompress(b"", _CHUNK)):
        size += len(more)
    return stream.eof


def _brotli_ends(body: bytes) -> bool:
    stream, size = brotli.Decompressor(), 0
    chunk = stream.process(body, output_buffer_limit=_CHUNK)
    while chunk and size < _MOST and not stream.is_finished():
        size += len(chunk)
        chunk = stream.process(b"", output_buffer_limit=_CHUNK)
    return bool(stream.is_finished())


def _zstd_ends(body: bytes) -> bool:
    """All frames of it."""
    while body:
        stream, size = zstd.ZstdDecompressor(), 0
        for chunk in _zstd_chunks(stream, body):
            size += len(chunk)
            if size > _MOST:
                return False
        if not stream.eof:
            return False
        body = stream.unused_data
    return True


def _zstd_chunks(stream: Any, body: bytes) -> Iterator[bytes]:
    yield stream.decompress(body, _CHUNK)
    while not stream.eof and not stream.needs_input:
        yield stream.decompress(b"", _CHUNK)
