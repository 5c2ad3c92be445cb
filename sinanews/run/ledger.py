"""What a run is told of each article: counted, logged, and written into the catalogue."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

from scrapy.crawler import Crawler

from sinanews.archive.keeping import Keeper
from sinanews.catalogue import Catalogue
from sinanews.catalogue.place import catalogue_url
from sinanews.catalogue.writer import Writer
from sinanews.config import exports_folder
from sinanews.exceptions import Refused
from sinanews.pages.answers import CUT_RUNS, RUNS, Said, told
from sinanews.run.interrupts import interrupts

logger = logging.getLogger(__name__)
Result = TypeVar("Result")


class Ledger:
    """The catalogue of a run and its counts. Before the run has begun what it is told is counted and logged only."""

    def __init__(self, crawler: Crawler, now: Callable[[], datetime]) -> None:
        self.crawler = crawler
        self.now = now
        self.interrupts = interrupts
        self.exports: Path = exports_folder(crawler.settings["SINANEWS_EXPORTS"])
        self.writer: Writer | None = None  #: once the run has begun
        self.keeper: Keeper | None = None  #: once the run has begun, where it keeps pages as they came
        self.run_id: int | None = None  #: of the run's row in the catalogue, once it has begun

    @cached_property
    def catalogue(self) -> Catalogue:
        """Opened when it is first needed. Raises CatalogueError, ArgumentError."""
        url = catalogue_url(self.crawler.settings["SINANEWS_DATABASE"], self.exports)
        search = self.crawler.settings.getbool("SINANEWS_SEARCH")
        return Catalogue(url, self.interrupts.no_use_waiting, search=search)

    @property
    def shared(self) -> bool:
        """Whether others may work with the catalogue at the same time."""
        setting = self.crawler.settings
        return setting.getbool("SINANEWS_SHARED") if setting["SINANEWS_SHARED"] else self.catalogue.path is None

    @property
    def has_begun(self) -> bool:
        """Whether there is a run to write for; ``scrapy shell``, ``fetch`` and ``parse`` have none."""
        return self.run_id is not None

    def count(self, name: str, number: int = 1) -> None:
        """Add to a stat ``sinanews/<name>``."""
        self.crawler.stats.inc_value(f"sinanews/{name}", number)

    def counts(self) -> dict[str, Any]:
        """The run's own stats, without their prefix."""
        stats = self.crawler.stats.get_stats()
        return {k.removeprefix("sinanews/"): v for k, v in sorted(stats.items()) if k.startswith("sinanews/")}

    def anomaly(self, name: str, words: str) -> None:
        """Something that is not as known of the site: counted, told, and in the run's summary."""
        self.count(f"anomaly/{name}")
        logger.warning("%s: %s", name, words)

    async def write(self, do: Callable[..., Result], *args: Any, **kwargs: Any) -> Result:
        """What ``do`` returns, once the catalogue has committed what it wrote: see ``Writer``."""
        assert self.writer is not None
        return await self.writer.submit_here(partial(do, *args, **kwargs))

    async def settle(self, key: str, do: Callable[..., object], *args: Any, **values: Any) -> None:
        """Write what became of an article; its claim goes with that commit."""

        def settled() -> None:
            self.catalogue.claims.finish(key)
            do(key, *args, **values)

        await self.write(settled)
        self.catalogue.claims.held.discard(key)

    async def unchanged(self, key: str, **values: Any) -> None:
        """An article that is as we have it."""
        self.count("articles/unchanged")
        await self.settle(key, self.catalogue.unchanged, self.now(), **values)

    async def fail(self, key: str, reason: str, detail: str, **values: Any) -> None:
        """A failure that may pass; the next run tries again."""
        self.count(f"failed/{reason}")
        logger.warning("failed (%s): %s", reason, detail)
        if self.has_begun:
            await self.settle(key, self.catalogue.failed, reason, detail, self.now(), **values)

    async def refuse(self, key: str, refusal: Refused, **values: Any) -> None:
        """An input that cannot become an article: remembered with its reason, counted, not asked for again."""
        self.count(f"refused/{refusal.reason}")
        logger.info("refused (%s): %s", refusal.reason, refusal)
        if self.has_begun:
            about = {"reason": refusal.reason, "detail": str(refusal)[:500], **values}
            await self.settle(key, self.catalogue.refused, self.now(), **about)

    async def doubt(self, key: str, refusal: Refused, *, listed_mtime: datetime | None = None, **values: Any) -> None:
        """A page that says it is no article: a failure, until several runs, hours apart, were told the same."""
        said = told(self._said(key), refusal.reason, self.now())
        values |= said._asdict()
        if said.answers >= RUNS:
            await self.refuse(key, refusal, listed_mtime=listed_mtime, **values)
        else:
            await self.fail(key, refusal.reason, str(refusal), **values)

    async def takes_cut(self, key: str, digest: str, detail: str, **values: Any) -> bool:
        """Whether enough runs got the same bytes of a page that may be cut; else it has failed once more."""
        said = told(self._said(key), f"cut:{digest}", self.now(), apart=timedelta(0))
        if said.answers >= CUT_RUNS:
            return True
        await self.fail(key, "cut", detail, **values, **said._asdict())
        return False

    def _said(self, key: str) -> Said:
        row = self.catalogue.article(key) if self.has_begun else None
        return Said(row.answer, row.answers, row.answered_at) if row is not None else Said()
