"""The sample site over HTTP, in the shape of SINANEWS_MIRROR: ``http://127.0.0.1:PORT/HOST/PATH?QUERY``."""

from __future__ import annotations

import gzip
import json
import re
import threading
from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from email.utils import formatdate, parsedate_to_datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit
from zlib import crc32

from sinanews.samplesite import api, pages
from sinanews.samplesite.companies import SampleCompanies
from sinanews.samplesite.entries import NEWEST, Entry, Newsroom
from sinanews.samplesite.faults import BROTLI_BOMB, OVERSIZE, SOFT_ERRORS, Faults, gzip_bomb

HTML = "text/html"
PNG = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==")
JSON = "application/json; charset=utf-8"
#: path of a list -> what Faults call it, and what answers it
LISTS = {
    "/api/roll/get": ("listing", api.roll),
    "/api/zhibo/feed": ("live", api.zhibo),
    "/api/news/pc": ("cursor", api.cursor),
}


class Request(NamedTuple):
    """One request as the real site would have seen it; ``query`` undecoded."""

    method: str
    host: str
    path: str
    query: str


class Answer(NamedTuple):
    status: int
    kind: str  #: Content-Type
    body: bytes
    headers: Mapping[str, str] = {}


class SampleSite:
    """A small Sina look-alike on 127.0.0.1. Use it as a context manager, or ``start()`` and ``stop()`` it.

    ``newest`` (aware) is the time of the newest entry and is fixed by default, so that equal arguments make equal
    sites. ``faults``: kind -> share or ids. Further keywords (``channels``, ``reprints``, ``shares``,
    ``pinned``, ``out_of_order``) are those of ``Newsroom``. ``on_request`` is called before each answer.
    """

    def __init__(
        self, articles: int = 40, days: float = 2, newest: datetime | None = None, seed: int = 1,
        faults: Faults | Mapping[str, float | Iterable[str]] | None = None, *, port: int = 0, live: int = 60,
        ignore_windows: bool = False, on_request: Callable[[Request], object] | None = None, **archive: Any,
    ) -> None:  # fmt: skip
        newest = newest or NEWEST
        self.newsroom = Newsroom(articles, days, newest, seed, **archive)
        self.faults = faults if isinstance(faults, Faults) else Faults(faults)
        self.ignore_windows, self.on_request = ignore_windows, on_request
        self.companies = SampleCompanies(self.newsroom, newest)
        self.live = live  #: rows of each room of the live feed
        self.live_start = int(newest.timestamp()) - live * api.LIVE_STEP
        self.live_reach = 900  #: rows of a room that its feed shows
        self.cursor_reach = 10**9  #: rows that the cursor feed goes back
        self.cursor_shift = 0  #: by how much its ids differ from those of room 152
        self.requests: list[Request] = []
        self.referers: dict[str, str] = {}  #: path → the Referer that it was last asked for with
        self.stopping = threading.Event()
        self._port = port
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT``: the value for SINANEWS_MIRROR."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def entries(self) -> list[Entry]:
        """All entries, oldest first."""
        return self.newsroom.entries

    def start(self) -> SampleSite:
        handler = type("Handler", (SampleHandler,), {"site": self})
        self._server = Server(("127.0.0.1", self._port), handler)
        self._port = self._server.server_address[1]
        self.stopping.clear()
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def stop(self) -> None:
        """Ends slow and dripping answers too."""
        self.stopping.set()
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def __enter__(self) -> SampleSite:
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.stop()

    def publish(self, n: int, at: datetime | None = None) -> list[Entry]:
        """Adds ``n`` newer entries at the top of the lists; the last one is of time ``at``."""
        return self.newsroom.publish(n, at)

    def publish_live(self, n: int) -> None:
        """Adds ``n`` rows to each room of the live feed."""
        self.live += n

    def edit(self, ids: Iterable[str], touch_only: bool = False) -> None:
        """Changes the text and mtime of articles, or the mtime only."""
        self.newsroom.edit(ids, touch_only)

    def answer(self, request: Request) -> tuple[Answer, str | None]:
        """What to send, and the fault to send it with."""
        where, key, make = self._route(request)
        fault = self.faults.strike(where, key)
        if fault in FAULTY:
            return FAULTY[fault](self), fault
        return make(), fault

    def _route(self, request: Request) -> tuple[str, str, Callable[[], Answer]]:
        """What kind of request it is, its key for faults, and the maker of its answer."""
        query = dict(parse_qsl(request.query, keep_blank_values=True))
        if request.path == "/robots.txt":
            return "robots", request.host, lambda: Answer(200, "text/plain", b"User-agent: *\nDisallow: /private/\n")
        if request.path in LISTS:
            where, listing = LISTS[request.path]
            return where, request.query, lambda: Answer(200, JSON, listing(self, query))
        if company := self.companies.answer(request.host, request.path, query):
            where, make = company
            return where, f"{request.path}?{request.query}", lambda: Answer(200, *make())
        if request.path.endswith((".png", ".jpg", ".gif")):
            return "image", request.path, lambda: Answer(200, "image/png", PNG)
        first, number = _first_page(request.path)
        if (entry := self.newsroom.at(request.host, first)) is None:
            return "article", request.path, lambda: _plain(404, "missing")
        return "article", entry.id + f"_{number}" * (number > 1), lambda: _article(entry, number)


def _first_page(path: str) -> tuple[str, int]:
    """The path of an article's first page, and which page a path names."""
    found = re.fullmatch(r"(.+)_(\d)(\.shtml)", path)
    return (found[1] + found[3], int(found[2])) if found else (path, 1)


def _article(entry: Entry, number: int) -> Answer:
    if entry.kind == "offsite" or number > pages.pages_of(entry):
        return _plain(404, "missing")
    body = pages.page(entry, number)
    headers = {"ETag": f'"{crc32(body):08x}"', "Last-Modified": formatdate(entry.mtime, usegmt=True)}
    return Answer(200, HTML, body, headers)


def _plain(status: int, name: str) -> Answer:
    return Answer(status, HTML, pages.template(name).template.encode())


def _soft_error(text: str, site: SampleSite) -> Answer:
    return Answer(200, HTML, text.encode())


#: Faults that replace the answer; ``slow``, ``drip``, ``cut…`` and ``close`` change how it is sent.
FAULTY: dict[str | None, Callable[[SampleSite], Answer]] = {
    "404": lambda site: _plain(404, "missing"),
    "403": lambda site: Answer(403, HTML, b"<html><body>Forbidden</body></html>"),
    "500": lambda site: Answer(500, HTML, b"<html><body>Internal Server Error</body></html>"),
    "429": lambda site: Answer(429, HTML, b"too many requests", {"Retry-After": str(site.faults.retry_after)}),
    "ban": lambda site: Answer(403, HTML, b"Kinsoku jikou desu!"),
    "garbage": lambda site: Answer(200, HTML, Random(7).randbytes(9000)),
    "oversize": lambda site: Answer(200, HTML, b"<p>0123456789</p>".ljust(64) * (OVERSIZE // 64)),
    "gzip_bomb": lambda site: Answer(200, HTML, gzip_bomb(), {"Content-Encoding": "gzip"}),
    "brotli_bomb": lambda site: Answer(200, HTML, BROTLI_BOMB, {"Content-Encoding": "br"}),
    "redirect_login": lambda site: Answer(302, HTML, b"", {"Location": "https://passport.weibo.com/visitor/visitor"}),
    "redirect_private": lambda site: Answer(302, HTML, b"", {"Location": "http://127.0.0.1:1/"}),
    "deleted": lambda site: _plain(200, "deleted"),
    "204": lambda site: Answer(204, HTML, b""),
    **{name: partial(_soft_error, text) for name, text in SOFT_ERRORS.items()},
    "html_for_json": lambda site: _plain(200, "missing"),
    "bad_status": lambda site: Answer(200, JSON, json.dumps(api.bad_status()).encode()),
    "robots_500": lambda site: Answer(500, "text/plain", b"error"),
}


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are what this site is for."""


class SampleHandler(BaseHTTPRequestHandler):
    site: SampleSite
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16

    def do_GET(self) -> None:
        if self.site.stopping.is_set():
            self.close_connection = True
            return
        parts = urlsplit("/" + self.path.lstrip("/"))
        host, _, path = parts.path[1:].partition("/")
        request = Request(self.command, host, f"/{path}", parts.query)
        self.site.requests.append(request)
        self.site.referers[request.path] = self.headers.get("Referer", "")
        if self.site.on_request:
            self.site.on_request(request)
        answer, fault = self.site.answer(request)
        if fault == "slow":
            self.site.stopping.wait(self.site.faults.slow_seconds)
        self.send(self.unless_unchanged(answer), fault)

    do_HEAD = do_GET

    def unless_unchanged(self, answer: Answer) -> Answer:
        """A 304 where the client's validators say that it has this page."""
        tag, since = answer.headers.get("ETag"), self.headers.get("If-Modified-Since")
        if tag is None:
            return answer
        if asked := self.headers.get("If-None-Match"):
            unchanged = tag in asked
        else:
            unchanged = since is not None and _epoch(since) >= _epoch(answer.headers["Last-Modified"])
        return Answer(304, answer.kind, b"", answer.headers) if unchanged else answer

    def send(self, answer: Answer, fault: str | None) -> None:
        self.close_connection = self.close_connection or fault in ("cut", "cut_close", "close")
        if fault == "cut_gzip":
            packed = gzip.compress(answer.body)
            answer = answer._replace(body=packed[: len(packed) // 2], headers={"Content-Encoding": "gzip"})
        elif fault == "cut_close":
            answer = answer._replace(body=answer.body[: len(answer.body) * 3 // 4])
        self.send_response(answer.status)
        about = {} if answer.status in (204, 304) else {"Content-Type": answer.kind}
        if about and fault not in ("cut_close", "close"):
            about["Content-Length"] = str(len(answer.body))
        for name, value in {**about, **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if fault == "drip":
            self.drip(answer.body)
        else:
            self.wfile.write(answer.body[: len(answer.body) // 2] if fault == "cut" else answer.body)

    def drip(self, body: bytes) -> None:
        """A byte a second."""
        for position in range(len(body)):
            self.wfile.write(body[position : position + 1])
            self.wfile.flush()
            if self.site.stopping.wait(1):
                break
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: ``requests`` has it all."""


def _epoch(date: str) -> float:
    """Seconds; 0 for what is no HTTP date."""
    try:
        return parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError):
        return 0.0
