"""A host that refuses us: slowed down, left alone, and at last the end of the run."""

from __future__ import annotations

import logging
import re
from collections import Counter
from time import monotonic
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response

from sinanews.exceptions import HostRefuses
from sinanews.middlewares.retries import LONGEST_WAIT, retry_after
from sinanews.run.extension import Run
from sinanews.scheduler import PatientScheduler

logger = logging.getLogger(__name__)
#: Keys of a request's meta. PATIENCE: seconds that its host is left alone, once, before its refusals are a ban.
#: REPLACEABLE: what it is for can be had elsewhere, so a host that refuses it is asked for no more, and that is all.
PATIENCE, REPLACEABLE = "sinanews_patience", "sinanews_replaceable"
_FEW = 4000  #: bytes of a page that may be a refusal with status 200
_REFUSAL = re.compile("(?:过于|太)频繁|拒绝访问|访问受限|请求过多")
ANSWERS = 50  #: after so many a host that was waited for may be waited for again
LONGEST_PATIENCE = 900.0  #: seconds; a host that asks for more has banned us
SLOWEST = 10.0  #: seconds between two requests to a host that refuses us


class BanMiddleware:
    """Slows a host down that refuses us, asks again later, and ends the run when it goes on refusing.

    What a ban looks like: 403 and "Kinsoku jikou desu!" from Sina's quote host, 456 in public clients' reports,
    429 anywhere. A single page that answers 403 is a page's matter where other pages are answered; refusals in a row
    and a run that is answered nothing are a ban. The hosts of companies' lists are said to refuse for five minutes.
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
        self.waited_for: dict[str, float] = {}  #: host → monotonic time until which it is or was left alone
        self.answers_since: Counter[str] = Counter()  #: by hosts that were waited for
        self.given_up: set[str] = set()  #: hosts that are asked for nothing more that can be had elsewhere

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> BanMiddleware:
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        if request.meta.get(REPLACEABLE) and (urlsplit(request.url).hostname or "") in self.given_up:
            raise HostRefuses(f"{urlsplit(request.url).hostname} refuses this client")

    def process_response(self, request: Request, response: Response) -> Request | Response:
        if request.meta.get("picture"):  # its pipeline sees to that
            return response
        if not self._is_ban(request, response):
            self._forget_wait(urlsplit(request.url).hostname or "")
            self.in_a_row = 0
            self.answered |= urlsplit(response.url).path != "/robots.txt"
            self._speed_up(request)
            return response
        self.in_a_row += 1
        host = urlsplit(request.url).hostname or ""
        self.crawler.stats.inc_value(f"sinanews/bans/http_{response.status}")
        asked = retry_after(response)
        if request.meta.get(REPLACEABLE):
            self.given_up.add(host)
            self.in_a_row = 0
            raise HostRefuses(f"{host} refuses this client (HTTP {response.status})")
        if asked > LONGEST_WAIT or self.in_a_row >= self.limit:
            return self._refused(request, response, asked)
        self._slow_down(request)
        wait = self.waited_for.get(host, 0.0)  # tries before it say nothing of the host since
        tries = int(request.meta.get("ban_tries", 0)) if request.meta.get("ban_wait", 0.0) == wait else 0
        if tries >= self.TRIES:
            a_pages = response.status == 403 and self.answered and not self._has_mark(response)
            may_wait = PATIENCE in request.meta and host not in self.waited_for and self.in_a_row > self.TRIES
            return response if a_pages and not may_wait else self._refused(request, response, asked)
        self._leave_alone(host, min(max(asked, self.first_wait * 4**tries), LONGEST_WAIT))
        return request.replace(meta={**request.meta, "ban_tries": tries + 1, "ban_wait": wait}, dont_filter=True)

    def _refused(self, request: Request, response: Response, asked: float) -> Request | Response:
        """A host that goes on refusing: left alone for longer, once, or a ban."""
        host, now = urlsplit(request.url).hostname or "", monotonic()
        patience = max(float(request.meta.get(PATIENCE, 0)), asked)
        if PATIENCE not in request.meta or patience > LONGEST_PATIENCE or now > self.waited_for.get(host, now):
            return self._banned(host, response, asked)
        if host not in self.waited_for:
            self.waited_for[host] = now + patience
            self.crawler.stats.inc_value("sinanews/bans/waited_for")
            logger.warning("%s refuses this client; it is left alone for %d s, once", host, patience)
            self._leave_alone(host, patience)
        self.in_a_row = 0
        return request.replace(dont_filter=True)

    def _forget_wait(self, host: str) -> None:
        """A host that has answered so often may be waited for once more."""
        self.answers_since[host] += host in self.waited_for
        if self.answers_since[host] >= ANSWERS:
            del self.waited_for[host], self.answers_since[host]

    def _banned(self, host: str, response: Response, asked: float) -> Response:
        words = f"{host} refuses this client (HTTP {response.status}, {self.in_a_row} times in a row)"
        Run.of(self.crawler).banned(host, words, asked)
        raise IgnoreRequest(words)

    def _is_ban(self, request: Request, response: Response) -> bool:
        if urlsplit(response.url).path == "/robots.txt":
            return False
        if PATIENCE in request.meta and _is_refusal_in_words(response.body):
            return True
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


def _is_refusal_in_words(body: bytes) -> bool:
    """Whether a small page without any list or paper on it says that we ask too often.

    >>> _is_refusal_in_words("<p>您的访问过于频繁</p>".encode("gb18030")), _is_refusal_in_words(b'{"data": []}')
    (True, False)
    """
    if len(body) > _FEW or any(mark in body for mark in (b"datelist", b"rptid", b"allbulletin", b"blk_container")):
        return False
    return any(_REFUSAL.search(body.decode(encoding, "replace")) for encoding in ("utf-8", "gb18030"))
