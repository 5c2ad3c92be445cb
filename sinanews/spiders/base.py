"""What the spiders share: checked arguments, the run, and why a request failed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sized
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar

from scrapy import Spider, signals
from scrapy.exceptions import CloseSpider
from scrapy.http import Response
from scrapy.spidermiddlewares.httperror import HttpError
from twisted.python.failure import Failure

from sinanews.arguments import Parser, parse_arguments
from sinanews.catalogue.originals import as_listed
from sinanews.config import OFF
from sinanews.listing.roll import Listing
from sinanews.middlewares.completeness import UNCONFIRMED
from sinanews.originals.capture import Capture
from sinanews.pages.answers import has_end
from sinanews.run.extension import Run

MOST_WAITING = 100  #: requests of ``start`` that wait to be sent


class ArchiveSpider(Spider):
    """A spider whose arguments are checked and whose finds go to the archive."""

    ARGUMENTS: ClassVar[Mapping[str, Parser]] = {}
    online: ClassVar[bool] = True  #: whether it asks Sina, and so waits while a ban's cool-down lasts

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Raises ArgumentError for an argument that is unknown or cannot be read."""
        self.arguments: dict[str, str] = dict(kwargs)
        self.options: dict[str, Any] = parse_arguments(self.ARGUMENTS, kwargs)
        super().__init__(*args)

    @cached_property
    def run(self) -> Run:
        """Scrapy makes extensions after the spider."""
        return Run.of(self.crawler)

    def keep_answer(self, response: Response, at: datetime, url: str, row: Listing | None = None) -> None:
        """Keep an answer as it came, where SINANEWS_ORIGINALS says so; without a row it is a list's.

        What is told of the article after it is not done before that is.
        """
        keeps = self.run.keeps
        if keeps in OFF or (row is None and keeps != "all") or not self.run.has_begun or self.run.stopped_because:
            return
        listed = as_listed(row) if row is not None and row.url == url else None
        self.run.keep(capture_of_response(response, at), row.key if row is not None else "", url, listed)

    async def until_needed(self) -> None:
        """In ``start``: wait while enough requests wait to be sent. Scrapy takes all that ``start`` yields at once."""
        scheduler = self.crawler.engine.scheduler
        while isinstance(scheduler, Sized) and len(scheduler) >= MOST_WAITING:
            self.leave_if_stopping()
            await self.crawler.signals.wait_for(signals.scheduler_empty)

    def leave_if_stopping(self) -> None:
        """Raises CloseSpider in a run that was asked to end; for loops in ``start`` that let nobody else look."""
        if self.run.stopping:
            raise CloseSpider("shutdown")


def capture_of_response(response: Response, at: datetime) -> Capture:
    headers = tuple(
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, values in response.headers.items()
        for value in values
    )
    whole = UNCONFIRMED not in response.flags or has_end(response.body)
    return Capture(response.url, at, response.status, headers, response.body, whole)


def why_failed(failure: Failure) -> tuple[str, str]:
    """A short name for stats and the catalogue, and the error in words.

    >>> why_failed(Failure(TimeoutError('60 s')))
    ('timeout', '60 s')
    """
    error = failure.value
    if isinstance(error, HttpError):
        return f"http_{error.response.status}", f"HTTP status {error.response.status}"
    if "robots.txt" in str(error):
        return "robots", str(error)
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(error).__name__).lower().removesuffix("_error")
    return name, (str(error).splitlines() or [name])[0][:300]
