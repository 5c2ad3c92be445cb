"""A host that refuses us: slowed down, left alone, and at last the end of the run."""

from __future__ import annotations

from urllib.parse import urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response

from sinanews.middlewares.retries import LONGEST_WAIT, retry_after
from sinanews.run.extension import Run
from sinanews.scheduler import PatientScheduler

SLOWEST = 10.0  #: seconds between two requests to a host that refuses us


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
        self.limit = crawler.settings.getint("SINANEWS_BAN_LIMIT")
        self.in_a_row = 0
        self.answered = False  #: whether anything but robots.txt was answered in this run
        self.usual: dict[str, float] = {}  #: delay of a host before it was slowed down

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> BanMiddleware:
        return cls(crawler)

    def process_response(self, request: Request, response: Response) -> Request | Response:
        if request.meta.get("picture"):  # its pipeline sees to that
            return response
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
        Run.of(self.crawler).banned(host, words, asked)
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
        Run.of(self.crawler).left_alone(host, seconds)

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
