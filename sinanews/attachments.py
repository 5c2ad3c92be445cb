"""The PDFs of announcements, beside their posts. Asked for once a run has no articles left: none waits for them."""

from __future__ import annotations

import hashlib
from pathlib import PurePosixPath
from typing import Any

from scrapy import Request, signals
from scrapy.crawler import Crawler
from scrapy.exceptions import DontCloseSpider, NotConfigured
from scrapy.http import Response
from sqlalchemy import Row
from twisted.python.failure import Failure

from sinanews.exceptions import ExportError
from sinanews.middlewares.completeness import UNCONFIRMED
from sinanews.run.extension import Run
from sinanews.spiders.base import why_failed

MOST_BYTES = 32 * 1024 * 1024  #: of a document; annual reports have some ten million
AT_ONCE = 10  #: asked for before the catalogue is asked for more


class Attachments:
    """With SINANEWS_ATTACHMENTS=1: fetches what the catalogue expects; what fails a later run tries again."""

    def __init__(self, crawler: Crawler) -> None:
        if not crawler.settings.getbool("SINANEWS_ATTACHMENTS"):
            raise NotConfigured
        self.crawler = crawler
        self.last = ("", 0)  #: the one asked for last: each is asked for once in a run
        crawler.signals.connect(self.idle, signals.spider_idle)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Attachments:
        return cls(crawler)

    @property
    def run(self) -> Run:
        return Run.of(self.crawler)

    def idle(self) -> None:
        run = self.run
        if not run.has_begun or run.stopping or not run.posts or not getattr(self.crawler.spider, "online", True):
            return
        rows: list[Row[Any]] = []
        with run.stopped_by_catalogue():
            rows = list(run.catalogue.attachments.due(self.last, AT_ONCE))
        for row in rows:
            self.last = (row.article_id, row.number)
            self.crawler.engine.crawl(
                Request(
                    row.url,
                    self.arrived,
                    errback=self.failed,
                    cb_kwargs={"row": row},
                    meta={"download_maxsize": MOST_BYTES},
                    dont_filter=True,
                )
            )
        if rows:
            raise DontCloseSpider

    async def arrived(self, response: Response, row: Row[Any]) -> None:
        whole = UNCONFIRMED not in response.flags
        if reason := why_no_pdf(response.body, whole=whole):
            await self.missed(row, reason, f"{row.url} is no whole PDF ({reason})")
            return
        try:
            await self.run.write(self.keep, row, response.body)
        except ExportError as error:
            self.run.stop_run(error)
            return
        self.run.count("attachments/stored")

    def keep(self, row: Row[Any], data: bytes) -> None:
        if self.run.catalogue.forgotten.has(row.article_id):
            return
        path = document_path(row.path, row.number)
        self.run.folder.write(path, data)
        self.run.catalogue.attachments.stored(row.article_id, row.number, path, hashlib.sha256(data).hexdigest())

    async def failed(self, failure: Failure) -> None:
        if self.run.stopping:
            return
        with self.run.stopped_by_catalogue():
            await self.missed(failure.request.cb_kwargs["row"], *why_failed(failure))  # type: ignore[attr-defined]

    async def missed(self, row: Row[Any], reason: str, detail: str) -> None:
        self.run.anomaly(f"attachment/{reason}", f"{row.article_id}: {detail}")
        await self.run.write(self.run.catalogue.attachments.failed, row.article_id, row.number, reason)


def document_path(post: str, number: int) -> str:
    """Where a document lies: beside its post, under its name.

    >>> document_path("a/2026-01-14-b.md", 1), document_path("a/2026-01-14-b.md", 2)
    ('a/2026-01-14-b.pdf', 'a/2026-01-14-b-2.pdf')
    """
    path = PurePosixPath(post)
    return path.with_name(f"{path.stem}{'' if number == 1 else f'-{number}'}.pdf").as_posix()


def why_no_pdf(data: bytes, *, whole: bool) -> str | None:
    """Why data is no PDF, in a word; ``whole``: whether the transport says that it is all there.

    >>> why_no_pdf(b"%PDF-1.4 ... %%EOF", whole=False), why_no_pdf(b"%PDF-1.4 ...", whole=False)
    (None, 'cut')
    >>> why_no_pdf(b"<html>", whole=True)
    'no_pdf'
    """
    if b"%PDF-" not in data[:1024]:
        return "no_pdf"
    return None if whole or b"%%EOF" in data[-2048:] else "cut"
