"""Downloader middlewares: whom a crawl may ask, and how patiently it asks again."""

from __future__ import annotations

import asyncio
import gc
import logging
import re
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import TypeVar
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.httpcompression import HttpCompressionMiddleware
from scrapy.downloadermiddlewares.retry import RetryMiddleware
from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response

from sinanews.downloads import ForbiddenAddress, is_private_host
from sinanews.run.extension import Run
from sinanews.scheduler import WAIT, PatientScheduler
from sinanews.urls import is_sina_host

logger = logging.getLogger(__name__)
LONGEST_WAIT = 60.0  #: seconds before asking again
MOST_UNPACKED = 4 << 20  #: bytes of bodies that are dealt with before the next is unpacked
MOST_UNCOLLECTED = 16 << 20  #: bytes of bodies after which memory is given back, however few objects they were
LONGEST_ASKED = 86400.0  #: seconds: no Retry-After counts as more
SLOWEST = 10.0  #: seconds between two requests to a host that refuses us

Result = TypeVar("Result", bound="Request | Response | None")


class GuardMiddleware:
    """Refuses any request that is not for a host of Sina's on its ordinary port: redirects pass here too.

    With SINANEWS_HOSTS ``*`` any, unless its host is a private address in itself. What names resolve to is looked at
    where the connection is made (downloads.py).
    """

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.hosts = tuple(h.strip().lower() for h in crawler.settings.getlist("SINANEWS_HOSTS") if h.strip())

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> GuardMiddleware:
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        reason = self._why_not(request.url)
        if reason:
            self.crawler.stats.inc_value("sinanews/requests/forbidden")
            raise ForbiddenAddress(f"{request.url[:200]}: {reason}")

    def _why_not(self, url: str) -> str | None:
        parts = urlsplit(url)
        if "*" in self.hosts:
            return "a private address" if is_private_host(parts.hostname or "") else None
        if parts.scheme not in ("http", "https"):
            return f"{parts.scheme} is not http or https"
        if parts.username or parts.password:
            return "it carries credentials"
        try:
            port = parts.port
        except ValueError:
            return "its port is no number"
        if port not in (None, 80 if parts.scheme == "http" else 443):
            return f"port {port} is not the ordinary one"
        if not is_sina_host(parts.hostname or "", self.hosts):
            return "not a host of Sina's (SINANEWS_HOSTS adds others)"
        return None


class TerseRobotsTxtMiddleware(RobotsTxtMiddleware):
    """Scrapy's, which logs a traceback, as an error, where a robots.txt cannot be fetched: here it is one warning."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        logging.getLogger(RobotsTxtMiddleware.__module__).addFilter(in_one_line)  # added twice it stays one


def in_one_line(record: logging.LogRecord) -> bool:
    """For a logger: errors with a traceback become warnings without."""
    if record.exc_info:
        record.msg, record.exc_info = "no robots.txt for %(request)s: %(f_exception)s", None
        record.levelno, record.levelname = logging.WARNING, "WARNING"
    return True


class FrugalCompressionMiddleware(HttpCompressionMiddleware):
    """Scrapy's, unpacking a page only while few bytes of others are unpacked and not yet dealt with.

    DOWNLOAD_MAXSIZE bounds one page, this how many of that size there are at once, whatever CONCURRENT_REQUESTS is.
    """

    def __init__(self, *, crawler: Crawler) -> None:
        super().__init__(crawler=crawler)
        self.crawler = crawler
        self.turn = asyncio.Lock()
        self.unpacked: dict[Request, int] = {}  #: bytes of each body
        self.since_collected = 0  #: bytes unpacked since Python last looked for what nobody needs

    async def process_response(self, request: Request, response: Response) -> Request | Response:  # type: ignore[override]
        async with self.turn:
            while self.bytes_under_way() > MOST_UNPACKED:
                await asyncio.sleep(0.01)
            if self.since_collected > MOST_UNCOLLECTED:
                self.since_collected = 0
                gc.collect()  # tasks and the errors of dropped items keep each other, and with them whole pages
            unpacked = self.unpack(request, response)
            self.unpacked[request] = len(unpacked.body)
            self.since_collected += len(unpacked.body)
        return unpacked

    def bytes_under_way(self) -> int:
        """Those of bodies whose request is still in the middlewares, the spider or the pipelines."""
        engine = self.crawler.engine
        there = engine.downloader.active | (engine.scraper.slot.active if engine.scraper.slot is not None else set())
        self.unpacked = {request: size for request, size in self.unpacked.items() if request in there}
        return sum(self.unpacked.values())

    def unpack(self, request: Request, response: Response) -> Request | Response:
        """Raises IgnoreRequest for a bomb, without what Scrapy's error keeps alive: the frame that has it unpacked."""
        try:
            return super().process_response(request, response)
        except IgnoreRequest as error:
            words = str(error)
        raise IgnoreRequest(words)


class BanMiddleware:
    """Slows a host down that refuses us, asks again later, and ends the run when it goes on refusing.

    What a ban looks like: 403 and "Kinsoku jikou desu!" from Sina's quote host, 456 in public clients' reports,
    429 anywhere. A single page that answers 403 is a page's matter where other pages are answered; refusals in a row
    and a run that is answered nothing are a ban.
    """

    STATUSES = (403, 418, 429, 456)
    MARKS = (b"Kinsoku jikou desu",)
    TRIES = 2  #: of one request

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.first_wait = crawler.settings.getfloat("SINANEWS_RETRY_DELAY")
        self.cooldown = crawler.settings.getfloat("SINANEWS_COOLDOWN")
        self.limit = crawler.settings.getint("SINANEWS_BAN_LIMIT")
        self.in_a_row = 0
        self.answered = False  #: whether anything but robots.txt was answered in this run
        self.usual: dict[str, float] = {}  #: delay of a host before it was slowed down

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> BanMiddleware:
        return cls(crawler)

    def process_response(self, request: Request, response: Response) -> Request | Response:
        if not self._is_ban(response):
            self.in_a_row = 0
            self.answered |= urlsplit(response.url).path != "/robots.txt"
            self._speed_up(request)
            return response
        self.in_a_row += 1
        host = urlsplit(request.url).hostname or ""
        self.crawler.stats.inc_value(f"sinanews/bans/http_{response.status}")
        asked = retry_after(response)
        if asked > LONGEST_WAIT or self.in_a_row >= self.limit:
            return self._banned(host, response, asked)
        self._slow_down(request)
        tries = int(request.meta.get("ban_tries", 0))
        if tries >= self.TRIES:
            if response.status == 403 and self.answered and not self._has_mark(response):
                return response
            return self._banned(host, response, asked)
        self._leave_alone(host, min(max(asked, self.first_wait * 4**tries), LONGEST_WAIT))
        return request.replace(meta={**request.meta, "ban_tries": tries + 1}, dont_filter=True)

    def _banned(self, host: str, response: Response, asked: float) -> Response:
        words = f"{host} refuses this client (HTTP {response.status}, {self.in_a_row} times in a row)"
        Run.of(self.crawler).banned(host, words, max(asked, self.cooldown))
        raise IgnoreRequest(words)

    def _is_ban(self, response: Response) -> bool:
        if urlsplit(response.url).path == "/robots.txt":
            return False
        return response.status in self.STATUSES or self._has_mark(response)

    def _has_mark(self, response: Response) -> bool:
        return any(mark in response.body[:2000] for mark in self.MARKS)

    def _leave_alone(self, host: str, seconds: float) -> None:
        """Nothing is sent to that host for so long, nor this request's next try; others take the places."""
        scheduler = self.crawler.engine.scheduler
        assert isinstance(scheduler, PatientScheduler), "settings.SCHEDULER is not sinanews.scheduler.PatientScheduler"
        scheduler.rest(host, seconds)

    def _slow_down(self, request: Request) -> None:
        name = request.meta.get("download_slot", "")
        if (slot := self.crawler.engine.downloader.slots.get(name)) is not None:
            self.usual.setdefault(name, slot.delay)
            slot.delay = min(max(slot.delay * 2, self.first_wait), SLOWEST)

    def _speed_up(self, request: Request) -> None:
        """A host that answers again is asked at its usual pace again, step by step."""
        name = request.meta.get("download_slot", "")
        if name in self.usual and (slot := self.crawler.engine.downloader.slots.get(name)) is not None:
            slot.delay = max(slot.delay / 2, self.usual[name])


def retry_after(response: Response, now: datetime | None = None) -> float:
    """Seconds that a Retry-After header asks for: 0 without one, and for one that says nothing (a date long past).

    A date is measured by the server's own clock, its Date header, where it sends one: ours may be wrong.
    """
    asked = _header(response, "Retry-After")
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", asked):
        return min(float(asked), LONGEST_ASKED)
    if (until := http_date(asked)) is None:
        return 0.0
    now = http_date(_header(response, "Date")) or now or datetime.now(timezone.utc)
    return min(max((until - now).total_seconds(), 0.0), LONGEST_ASKED)


def http_date(text: str) -> datetime | None:
    """The moment that a date in a header names; None for what is no date.

    >>> http_date("Wed, 21 Oct 2015 07:28:00 GMT").isoformat(), http_date("-5"), http_date("soon")
    ('2015-10-21T07:28:00+00:00', None, None)
    """
    try:
        when = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return when if when.tzinfo is not None else when.replace(tzinfo=timezone.utc)


def _header(response: Response, name: str) -> str:
    return (response.headers.get(name) or b"").decode("latin-1").strip()


class PatientRetryMiddleware(RetryMiddleware):
    """Scrapy's retries, each after twice the wait of the one before, and after what Retry-After asks for.

    The scheduler keeps a request while it waits; robots.txt, which passes no scheduler, is asked for again at once.
    """

    first_wait: float = 2.0

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> PatientRetryMiddleware:
        middleware = super().from_crawler(crawler)
        middleware.first_wait = crawler.settings.getfloat("SINANEWS_RETRY_DELAY")
        return middleware

    def process_response(self, request: Request, response: Response) -> Request | Response:  # type: ignore[override]
        return self._later(super().process_response(request, response), retry_after(response))

    def process_exception(self, request: Request, exception: Exception) -> Request | Response | None:  # type: ignore[override]
        return self._later(super().process_exception(request, exception), 0)

    def _later(self, result: Result, asked: float) -> Result:
        if isinstance(result, Request):
            wait = self.first_wait * 2 ** (int(result.meta["retry_times"]) - 1)
            result.meta[WAIT] = min(max(wait, asked), LONGEST_WAIT)
        return result
