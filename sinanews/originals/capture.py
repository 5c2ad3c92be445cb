"""One answer of a server as it came, and what a WARC record says of it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from io import BytesIO

from sinanews.exceptions import SinanewsError

#: Bytes of an answer that are read; a page that is larger is none (DOWNLOAD_MAXSIZE is the same).
MOST_BYTES = 9 << 20
#: Headers that say how a body was sent, and no longer fit the one that is kept.
_OF_THE_TRANSFER = ("content-length", "transfer-encoding", "content-encoding")
_STATUS_WORDS = {200: "OK", 404: "Not Found", 410: "Gone"}


class DamagedRecord(SinanewsError):
    """A record, or a stretch of a WARC file, that cannot be read; says why in one line."""


@dataclass(frozen=True)
class Capture:
    """An answer: who gave it when, and its body unpacked, unless it was read from somebody's file."""

    url: str  #: that answered in the end
    at: datetime
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    whole: bool = True  #: whether the transport confirmed the body's end, or the page shows it itself
    about: Mapping[str, str] = field(default_factory=dict)  #: further fields of its record, for whoever reads the file

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def digest(self) -> str:
        """Of the body, as WARC files name it."""
        return "sha1:" + base64.b32encode(hashlib.sha1(self.body, usedforsecurity=False).digest()).decode()


def response_record(capture: Capture) -> bytes:
    """A capture as a WARC record, compressed by itself. The body is kept unpacked, as Common Crawl keeps its own: the
    same page has the same digest however it was sent, and no reader unpacks it twice."""
    from warcio.warcwriter import WARCWriter

    out = BytesIO()
    writer = WARCWriter(out, gzip=True, warc_version="WARC/1.1")
    fields = _fields(capture) | ({} if capture.whole else {"WARC-Truncated": "unspecified"})
    writer.write_record(
        writer.create_warc_record(
            capture.url, "response", payload=BytesIO(capture.body), length=len(capture.body),
            warc_headers_dict=fields | {"WARC-Payload-Digest": capture.digest}, http_headers=_http(capture),
        )
    )  # fmt: skip
    return out.getvalue()


def revisit_record(capture: Capture, first_at: datetime) -> bytes:
    """A record that says: the same as was captured then."""
    from warcio.warcwriter import WARCWriter

    out = BytesIO()
    writer = WARCWriter(out, gzip=True, warc_version="WARC/1.1")
    writer.write_record(
        writer.create_revisit_record(
            capture.url, capture.digest, capture.url, warc_date(first_at), http_headers=_http(capture),
            warc_headers_dict=_fields(capture),
        )
    )  # fmt: skip
    return out.getvalue()


def info_record(name: str, about: Mapping[str, str]) -> bytes:
    """The record that a file begins with."""
    from warcio.warcwriter import WARCWriter

    out = BytesIO()
    writer = WARCWriter(out, gzip=True, warc_version="WARC/1.1")
    writer.write_record(writer.create_warcinfo_record(name, dict(about)))
    return out.getvalue()


def warc_date(at: datetime) -> str:
    """
    >>> warc_date(datetime(2026, 1, 1, 8, tzinfo=timezone.utc))
    '2026-01-01T08:00:00.000000Z'
    """
    return f"{at.astimezone(timezone.utc):%Y-%m-%dT%H:%M:%S.%fZ}"


def _fields(capture: Capture) -> dict[str, str]:
    return {"WARC-Date": warc_date(capture.at), **capture.about}


def _http(capture: Capture) -> object:
    from warcio.statusandheaders import StatusAndHeaders

    kept = [(name, value) for name, value in capture.headers if name.lower() not in _OF_THE_TRANSFER]
    status = f"{capture.status} {_STATUS_WORDS.get(capture.status, '')}".strip()
    return StatusAndHeaders(status, [*kept, ("Content-Length", str(len(capture.body)))], protocol="HTTP/1.1")
