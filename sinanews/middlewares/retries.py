"""How patiently a request that failed is made again."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.retry import RetryMiddleware
from scrapy.http import Response

from sinanews.scheduler import WAIT

LONGEST_WAIT = 60.0  #: seconds before asking again
LONGEST_ASKED = 86400.0  #: seconds: no Retry-After counts as more


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
        again = super().process_response(request, response)
        if isinstance(again, Request):
            self._wait(again, retry_after(response))
        return again

    def process_exception(self, request: Request, exception: Exception) -> Request | Response | None:  # type: ignore[override]
        again = super().process_exception(request, exception)
        if isinstance(again, Request):
            self._wait(again)
        return again

    def _wait(self, again: Request, asked: float = 0) -> None:
        wait = self.first_wait * 2 ** (int(again.meta["retry_times"]) - 1)
        again.meta[WAIT] = min(max(wait, asked), LONGEST_WAIT)


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
