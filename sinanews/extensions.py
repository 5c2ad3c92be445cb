"""What lives as long as a run: the archive it writes to, and the record of the run itself."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from scrapy import Spider, signals
from scrapy.crawler import Crawler
from scrapy.exceptions import CloseSpider
from scrapy.logformatter import LogFormatter
from scrapy.utils.defer import deferred_from_coro

from sinanews.answers import CUT_RUNS, RUNS, Said, Walls, told
from sinanews.catalogue import Catalogue
from sinanews.checks import check_settings
from sinanews.dates import to_beijing
from sinanews.exceptions import Banned, CatalogueError, Refused, SinanewsError
from sinanews.items import ArticleItem
from sinanews.locks import RunLock
from sinanews.monitors import Finding, judge_run
from sinanews.outcomes import BANNED, Outcome
from sinanews.paths import database_url, exports_folder

logger = logging.getLogger(__name__)


def utc_now() -> datetime:
    return datetime.now(timezone.utc)


@dataclass(frozen=True)
class Fetch:
    """What is known of a fetched article beside its item; the catalogue keeps it for the next run."""

    listed_as: str  #: the key its pending row has
    listed_mtime: datetime | None = None
    etag: str | None = None
    last_modified: str | None = None
    missing_pages: tuple[str, ...] = ()  #: URLs of pages that could not be had

    def validators(self) -> dict[str, Any]:
        """The columns that a later look at the same article uses; one that lacks pages is asked for unconditionally."""
        if self.missing_pages:
            return {"listed_mtime": self.listed_mtime, "missing_pages": "\n".join(self.missing_pages)}
        validators = {"etag": self.etag, "last_modified": self.last_modified}
        return {"listed_mtime": self.listed_mtime, "missing_pages": None, **validators}


@dataclass(frozen=True)
class Copy:
    """What an item was found to be a copy of."""

    of: str  #: id of the article that the archive has
    reason: str  #: url, text or story
    similarity: float
    better: str | None = None  #: why it takes the first one's place: complete, original


class Archive:
    """The catalogue and the exports folder of this run; pipelines and spiders find it with ``Archive.of(crawler)``."""

    def __init__(self, crawler: Crawler, now: Callable[[], datetime] = utc_now) -> None:
        self.crawler = crawler
        self.now = now
        check_settings(crawler.settings.get)
        self.exports: Path = exports_folder(crawler.settings["SINANEWS_EXPORTS"])
        self.catalogue = Catalogue(database_url(crawler.settings["SINANEWS_DATABASE"]))
        #: Held so that a second run of the same spider leaves; workers on one PostgreSQL share its rows instead.
        self.lock: RunLock | None = None
        self.spider_name: str = crawler.spidercls.name
        self.arguments: dict[str, str] = {}
        if self.catalogue.path is not None:
            self.lock = RunLock(self.catalogue.path, self.spider_name, now())
        self.run_id: int | None = None
        #: Fetches of articles that are on their way through the pipelines, by item id.
        self.fetches: dict[str, Fetch] = {}
        #: Copies that are exported all the same, by item id.
        self.copies: dict[str, Copy] = {}
        #: Why the run was stopped before its end, in words; set by stop_run.
        self.stopped_because: SinanewsError | None = None
        self.cooldown = crawler.settings.getfloat("SINANEWS_COOLDOWN")
        self.walls = Walls(crawler.settings.getint("SINANEWS_BAN_LIMIT"))
        self.walled_host = ""
        crawler.signals.connect(self.spider_opened, signals.spider_opened)
        crawler.signals.connect(self.spider_idle, signals.spider_idle)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Archive:
        return cls(crawler)

    @classmethod
    def of(cls, crawler: Crawler) -> Archive:
        archive = crawler.get_extension(cls)
        assert archive is not None, "settings.EXTENSIONS lacks sinanews.extensions.Archive"
        return archive

    def spider_opened(self, spider: Spider) -> None:
        self.arguments = dict(getattr(spider, "arguments", {}))
        self.run_id = self.catalogue.runs.begin(spider.name, self.arguments, self.now(), os.getpid())
        for row in self.catalogue.runs.cooldowns(self.now()) if getattr(spider, "online", True) else ():
            until = to_beijing(row.until)
            self.stop_run(Banned(f"left alone until {until:%Y-%m-%d %H:%M} Beijing time: {row.reason}"), BANNED.name)

    def spider_idle(self) -> None:
        """The run has no more to ask; it may have been too short for walls in a row to end it."""
        if self.stopped_because is not None or not self.walls.are_a_ban(over=True):
            return
        try:
            self.stopped_because = self._cool_down(self.walled_host, self._words_of_walls(), self.cooldown)
        except CatalogueError as error:
            self.stopped_because = error
        logger.error("stopping: %s", self.stopped_because)
        raise CloseSpider(BANNED.name if isinstance(self.stopped_because, Banned) else "storage_failed")

    def findings(self, counts: Mapping[str, Any]) -> list[Finding]:
        """What the monitors say of the run, by its own counts and those of the runs like it; logged here."""
        try:
            earlier = self.catalogue.runs.earlier_counts(self.spider_name, self.arguments, self.run_id)
        except CatalogueError:
            earlier = []
        found = judge_run(counts, earlier)
        for finding in found:
            logger.log(logging.WARNING if finding.level == "warning" else logging.INFO, "%s", finding.words)
        return found

    def finish(self, outcome: Outcome, counts: Mapping[str, Any], findings: Sequence[Finding]) -> None:
        """Record what the run came to. A catalogue that cannot be written has been told of already."""
        try:
            if self.run_id is not None:
                values = {"outcome": outcome.name, "exit_code": outcome.code, "counts": dict(counts)}
                values["findings"] = [asdict(finding) for finding in findings]
                self.catalogue.runs.end(self.run_id, self.now(), **values)
        except CatalogueError as error:
            logger.error("the run could not be recorded: %s", error)
        finally:
            self.catalogue.close()
            if self.lock is not None:
                self.lock.release()

    def stop_run(self, error: SinanewsError, reason: str) -> None:
        """End the run in good order because nothing more can come of it; the first error is the one told."""
        if self.stopped_because is not None:
            return
        self.stopped_because = error
        logger.error("stopping: %s", error)
        # An item may be in the pipelines: closing waits for it, so closing must not be awaited here.
        deferred_from_coro(self.crawler.engine.close_spider_async(reason=reason))

    def record(self, item: ArticleItem, state: str, **values: Any) -> None:
        """Write what became of an item."""
        fetch = self.fetches.pop(item.id, None)
        if fetch is not None:
            values = {"replaces": fetch.listed_as, **fetch.validators(), **values}
        for name in ("url", "title", "channel", "kind", "layout", "media", "published_at"):
            values.setdefault(name, getattr(item, name))
        self.catalogue.record(item.id, self.now(), state=state, **values)

    def refuse(self, key: str, refusal: Refused, **values: Any) -> None:
        """An input that cannot become an article: remembered with its reason, counted, not asked for again."""
        self.count(f"refused/{refusal.reason}")
        logger.info("refused (%s): %s", refusal.reason, refusal)
        row = self.catalogue.article(key)
        if row is None or row.state not in ("exported", "duplicate"):
            values = {"reason": refusal.reason, "detail": str(refusal)[:500], **values}
            self.catalogue.record(key, self.now(), state="refused", **values)
        elif "listed_mtime" in values:  # what we have stays; but no later run asks for the same edit again
            self.catalogue.touch(key, self.now(), listed_mtime=values["listed_mtime"])

    def doubt(self, key: str, refusal: Refused, *, listed_mtime: datetime | None = None, **values: Any) -> None:
        """A page that says it is no article: a failure, until several runs, hours apart, were told the same."""
        self.walls.met(wall=False)
        said = told(self._said(key), refusal.reason, self.now())
        values |= said._asdict()
        if said.answers >= RUNS:
            self.refuse(key, refusal, listed_mtime=listed_mtime, **values)
        else:
            self.fail(key, refusal.reason, str(refusal), **values)

    def takes_cut(self, key: str, digest: str, detail: str, **values: Any) -> bool:
        """Whether enough runs got the same bytes of a page that may be cut; else it has failed once more."""
        said = told(self._said(key), f"cut:{digest}", self.now(), apart=timedelta(0))
        if said.answers >= CUT_RUNS:
            return True
        self.fail(key, "cut", detail, **values, **said._asdict())
        return False

    def _said(self, key: str) -> Said:
        row = self.catalogue.article(key)
        return Said(row.answer, row.answers, row.answered_at) if row is not None else Said()

    def wall(self, host: str) -> None:
        """A page of a host that stands between us and the site; so many of them are a ban."""
        self.walls.met(wall=True)
        self.walled_host = host
        if self.walls.are_a_ban():
            self.banned(host, self._words_of_walls(), self.cooldown)

    def _words_of_walls(self) -> str:
        number = f"{self.walls.walls} of {self.walls.answers} articles"
        return f"{self.walled_host} shows this client something else (a login, a captcha …) in place of {number}"

    def fail(self, key: str, reason: str, detail: str, **values: Any) -> None:
        """A failure that may pass; the next run tries again."""
        self.count(f"failed/{reason}")
        logger.warning("failed (%s): %s", reason, detail)
        self.catalogue.failed(key, reason, detail, self.now(), **values)

    def banned(self, host: str, words: str, seconds: float) -> None:
        """End the run because a host refuses us, and leave that host alone for a while."""
        if self.stopped_because is None:
            self.stop_run(self._cool_down(host, words, seconds), BANNED.name)

    def _cool_down(self, host: str, words: str, seconds: float) -> Banned:
        self.catalogue.runs.cool_down(host, self.now() + timedelta(seconds=seconds), words)
        return Banned(words)

    def unchanged(self, key: str, **values: Any) -> None:
        """An article that is as we have it."""
        self.count("articles/unchanged")
        self.catalogue.touch(key, self.now(), **Said()._asdict(), **values)

    def strange(self, name: str, words: str) -> None:
        """Something that is not as known of Sina: counted, told, and in the run's summary."""
        self.count(f"strange/{name}")
        logger.warning("%s: %s", name, words)

    def count(self, name: str, number: int = 1) -> None:
        """Add to a stat ``sinanews/<name>``."""
        self.crawler.stats.inc_value(f"sinanews/{name}", number)

    def counts(self) -> dict[str, Any]:
        """The run's own stats, without their prefix."""
        stats = self.crawler.stats.get_stats()
        return {k.removeprefix("sinanews/"): v for k, v in sorted(stats.items()) if k.startswith("sinanews/")}


class QuietLogFormatter(LogFormatter):
    """Drops and scraped items are counted, not logged one line each; ``-L DEBUG`` shows them."""

    def dropped(self, item: Any, exception: BaseException, response: Any, spider: Spider) -> Any:
        return {"level": logging.DEBUG, "msg": "Dropped: %(exception)s", "args": {"exception": exception}}

    def scraped(self, item: Any, response: Any, spider: Spider) -> Any:
        return {"level": logging.DEBUG, "msg": "Scraped %(id)s", "args": {"id": getattr(item, "id", item)}}
