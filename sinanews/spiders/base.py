"""What the spiders share: checked arguments, the archive, and what becomes of a request that failed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

from scrapy import Request, Spider
from scrapy.crawler import Crawler
from scrapy.exceptions import CloseSpider
from scrapy.spidermiddlewares.httperror import HttpError
from twisted.python.failure import Failure

from sinanews.arguments import Parser, parse_arguments
from sinanews.exceptions import CatalogueError, PageGone
from sinanews.run.extension import Run
from sinanews.urls import is_login_host

GONE = (404, 410)


class ArchiveSpider(Spider):
    """A spider whose arguments are checked and whose finds go to the archive."""

    ARGUMENTS: ClassVar[Mapping[str, Parser]] = {}
    online: ClassVar[bool] = True  #: whether it asks Sina, and so waits while a ban's cool-down lasts

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Raises ArgumentError for an argument that is unknown or cannot be read."""
        self.arguments: dict[str, str] = dict(kwargs)
        self.options: dict[str, Any] = parse_arguments(self.ARGUMENTS, kwargs)
        super().__init__(*args)

    @property
    def run(self) -> Run:
        return Run.of(self.crawler)

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> ArchiveSpider:
        return super().from_crawler(crawler, *args, **kwargs)

    def leave_if_stopping(self) -> None:
        """Raises CloseSpider in a run that was asked to end; for loops in ``start`` that let nobody else look."""
        if self.run.stopping:
            raise CloseSpider("shutdown")

    def article_failed(self, failure: Failure) -> None:
        """Errback of article requests: a page not found says something of the article, any other failure not."""
        request: Request = failure.request  # type: ignore[attr-defined]
        key, url = request.meta["key"], request.meta["url"]  # not where a redirect led
        if self.run.stopping:
            return  # it is not the article's fault; it stays as listed
        reason, detail = why_failed(failure)
        try:
            if is_login_host(request.url):
                self.run.fail(key, "login", f"{url} leads to {request.url}", url=url)
                self.run.wall(urlsplit(url).hostname or "")
            elif reason in {f"http_{status}" for status in GONE}:
                self.run.walls.met(wall=False)
                refusal = PageGone(f"{detail} for {request.url}")
                self.run.doubt(key, refusal, listed_mtime=request.meta.get("listed_mtime"), url=url)
            else:
                self.run.fail(key, reason, detail, url=url)
        except CatalogueError as error:
            self.run.stop_run(error)


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
