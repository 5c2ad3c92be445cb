"""The archive for any Scrapy project: ``ADDONS = {"sinanews.addon.ArchiveAddon": 300}`` in its settings.

What a spider yields with the fields of ArticleItem is cleaned, compared, written as a post and remembered; the run is
judged and recorded; requests are polite, and none goes to a private address. See docs/adding-a-source.md.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import fields
from datetime import datetime
from html import escape
from typing import Any

from itemadapter import ItemAdapter
from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.settings import SETTINGS_PRIORITIES, BaseSettings
from scrapy.spidermiddlewares.base import BaseSpiderMiddleware
from scrapy.spidermiddlewares.httperror import HttpError
from scrapy.utils.misc import load_object
from twisted.python.failure import Failure

from sinanews import settings as ours
from sinanews import user_agent
from sinanews.dates import to_beijing
from sinanews.downloads import ForbiddenAddress
from sinanews.exceptions import ArgumentError, BadItem, RefusedArticle
from sinanews.items import ArticleItem
from sinanews.run.extension import Run
from sinanews.spiders.base import ArchiveSpider, why_failed

logger = logging.getLogger(__name__)
PRIORITY = "addon"
#: Of settings.py what concerns our own project alone.
NOT_BROUGHT = frozenset(
    "BOT_NAME SPIDER_MODULES NEWSPIDER_MODULE COMMANDS_MODULE LOG_LEVEL LOG_VERSIONS STATS_DUMP LOGSTATS_INTERVAL "
    "DEFAULT_REQUEST_HEADERS FEED_EXPORT_ENCODING METAREFRESH_ENABLED COOKIES_ENABLED".split()
)
#: What our own project switches off, and another one's spiders may need.
LEFT_ALONE = frozenset(
    {
        "scrapy.downloadermiddlewares.offsite.OffsiteMiddleware",
        "scrapy.downloadermiddlewares.httpauth.HttpAuthMiddleware",
        *("data", "file", "ftp", "s3"),
    }
)
#: What only a project of somebody else needs.
ADDED: dict[str, dict[str, Any]] = {
    "ITEM_PIPELINES": {"sinanews.addon.ArticlePipeline": 50},
    "SPIDER_MIDDLEWARES": {"sinanews.addon.FailureMiddleware": 20},
}
#: setting → whether a value is less polite than ours
_LESS_POLITE: dict[str, Callable[[BaseSettings], bool]] = {
    "ROBOTSTXT_OBEY": lambda s: not s.getbool("ROBOTSTXT_OBEY"),
    "DOWNLOAD_DELAY": lambda s: s.getfloat("DOWNLOAD_DELAY") < ours.DOWNLOAD_DELAY,
    "AUTOTHROTTLE_ENABLED": lambda s: not s.getbool("AUTOTHROTTLE_ENABLED"),
    "CONCURRENT_REQUESTS": lambda s: s.getint("CONCURRENT_REQUESTS") > ours.CONCURRENT_REQUESTS,
    "CONCURRENT_REQUESTS_PER_DOMAIN": lambda s: (
        s.getint("CONCURRENT_REQUESTS_PER_DOMAIN") > ours.CONCURRENT_REQUESTS_PER_DOMAIN
    ),
    "DOWNLOAD_HANDLERS": lambda s: any(
        not str(handler).startswith("sinanews.")
        for scheme, handler in s.getdict("DOWNLOAD_HANDLERS").items()
        if scheme in ("http", "https")
    ),
    "USER_AGENT": lambda s: re.search(r"Mozilla/|Chrome/", str(s.get("USER_AGENT"))) is not None,
}


class ArchiveAddon:
    """Sets our settings where the project has none of its own, and puts our components beside its own."""

    @classmethod
    def update_pre_crawler_settings(cls, settings: BaseSettings) -> None:
        """Values, for commands that run no crawler, such as ``scrapy status``."""
        for name, value in vars(ours).items():
            if name.isupper() and name not in NOT_BROUGHT and not isinstance(value, dict):
                settings.set(name, value, PRIORITY)
        settings.set("SINANEWS_HOSTS", ours.SINANEWS_HOSTS or "*", PRIORITY)
        settings.set("USER_AGENT", user_agent(settings["SINANEWS_CONTACT"]), PRIORITY)

    def update_settings(self, settings: BaseSettings) -> None:
        self.update_pre_crawler_settings(settings)
        for table in (vars(ours), ADDED):
            for name, components in table.items():
                if name.isupper() and name not in NOT_BROUGHT and isinstance(components, dict):
                    merge(settings, name, components)
        check_scheduler(settings)
        if overridden := less_polite(settings):
            logger.warning("less polite than ArchiveAddon by this project's own settings: %s", ", ".join(overridden))


def merge(settings: BaseSettings, name: str, components: dict[str, Any]) -> None:
    """Add components to a setting's own; one that is there already, under whatever name, stays where it is."""
    theirs = settings.getdict(name)
    there = {_loaded(key) for key in theirs}
    added = {k: v for k, v in components.items() if k not in LEFT_ALONE and _loaded(k) not in there}
    settings.set(name, {**theirs, **added}, max(settings.getpriority(name) or 0, SETTINGS_PRIORITIES[PRIORITY]))


def _loaded(key: Any) -> Any:
    """A component, however it is named; a scheme or a format is its own name."""
    return load_object(key) if isinstance(key, str) and "." in key else key


def check_scheduler(settings: BaseSettings) -> None:
    """Raises ArgumentError where a scheduler of theirs cannot leave a host alone that asks for it."""
    ban = "sinanews.middlewares.bans.BanMiddleware"
    used = settings.getdict("DOWNLOADER_MIDDLEWARES").get(ban) is not None
    if used and not hasattr(load_object(settings["SCHEDULER"]), "rest"):  # to issubclass all schedulers are alike
        raise ArgumentError(
            f"SCHEDULER is not {ours.SCHEDULER}, which BanMiddleware needs: leave it out, "
            f'or set DOWNLOADER_MIDDLEWARES = {{"{ban}": None}}'
        )


def less_polite(settings: BaseSettings) -> list[str]:
    """The settings by which somebody's own values override our politeness.

    >>> from scrapy.settings import Settings
    >>> less_polite(Settings({"DOWNLOAD_DELAY": 0.1, "ROBOTSTXT_OBEY": True}))
    ['DOWNLOAD_DELAY=0.1']
    """
    addon = SETTINGS_PRIORITIES[PRIORITY]
    names = (name for name in _LESS_POLITE if (settings.getpriority(name) or 0) > addon)
    return [f"{name}={settings.get(name)!r}" for name in names if _LESS_POLITE[name](settings)]


class ArticlePipeline:
    """Makes an ArticleItem of what somebody's spider yields; the pipelines behind it get nothing else."""

    def __init__(self, crawler: Crawler) -> None:
        self.run = Run.of(crawler)
        self.spider_name: str = crawler.spidercls.name

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> ArticlePipeline:
        return cls(crawler)

    async def process_item(self, item: Any) -> ArticleItem:
        if isinstance(item, ArticleItem) and isinstance(self.run.crawler.spider, ArchiveSpider):
            return item
        try:
            article = article_of(item)
        except BadItem as refusal:
            about = ItemAdapter(item) if ItemAdapter.is_item(item) else {}
            key = str(about.get("id") or about.get("url") or f"{self.spider_name} (no id)")
            await self.run.refuse(key, refusal)
            raise RefusedArticle(str(refusal)) from None
        article.categories = article.categories or [self.spider_name]
        article.fetched_at = article.fetched_at or to_beijing(self.run.now())
        return article


def article_of(item: Any) -> ArticleItem:
    """An item of any kind that itemadapter knows, as an ArticleItem: what it lacks has its default, other fields go.

    Where there is only ``body_text`` its lines are the body's paragraphs.

    Raises BadItem for a field that is missing or has no fit value, naming it.

    >>> article_of({"id": "a-1", "title": "某事", "published_at": "2026-11-24T08:00:00+08:00"}).published_at.hour
    8
    """
    if not ItemAdapter.is_item(item):
        raise BadItem(f"{type(item).__name__} is no item")
    given = {name: value for name, value in ItemAdapter(item).items() if value is not None}
    values: dict[str, Any] = {}
    for field in fields(ArticleItem):
        if field.name in given:
            values[field.name] = _fit(field.name, str(field.type), given[field.name])
        elif field.name == "url":
            values["url"] = None
    for name in ("id", "title"):
        if not values.get(name, "").strip():
            about = f" ({given['url']})" if given.get("url") else ""
            raise BadItem(f"an item{about} has no {name}")
    article = ArticleItem(**values)
    if not article.body_html.strip():
        article.body_html = "".join(f"<p>{escape(line, quote=False)}</p>" for line in article.body_text.splitlines())
    return article


def _fit(name: str, kind: str, value: Any) -> Any:
    """The value, in the type of its field."""
    if kind.startswith("list"):
        if isinstance(value, (list, tuple)) and all(isinstance(each, str) for each in value):
            return list(value)
        raise BadItem(f"{name} is {value!r:.50}, which is no list of texts")
    if kind.startswith("datetime"):
        return _moment(name, value)
    if isinstance(value, bool if kind == "bool" else str):
        return value
    raise BadItem(f"{name} is {value!r:.50}, which is no {'yes or no' if kind == 'bool' else 'text'}")


def _moment(name: str, value: Any) -> datetime:
    """A datetime, or its ISO text, which must name its zone: nobody can guess it."""
    try:
        when = datetime.fromisoformat(value.replace("Z", "+00:00")) if isinstance(value, str) else value
    except ValueError:
        when = None
    if not isinstance(when, datetime) or when.tzinfo is None:
        raise BadItem(f"{name} is {value!r:.50}, which is no time with its zone")
    return to_beijing(when)


class FailureMiddleware(BaseSpiderMiddleware):
    """Counts requests that failed for good, where a spider has no errback of its own: the run's outcome needs them.

    Not with a JOBDIR, which keeps requests on disk only where their errback is the spider's.
    """

    def get_processed_request(self, request: Request, response: Any) -> Request:
        theirs = not isinstance(self.crawler.spider, ArchiveSpider) and not self.crawler.settings.get("JOBDIR")
        if theirs and request.errback is None:
            return request.replace(errback=self.failed)
        return request

    def failed(self, failure: Failure) -> None:
        reason, detail = why_failed(failure)
        filtered = isinstance(failure.value, IgnoreRequest) and not isinstance(
            failure.value, (HttpError, ForbiddenAddress)
        )
        if not filtered or reason == "robots":  # by their own filters, such as offsite
            Run.of(self.crawler).count(f"failed/{reason}")
            logger.warning("failed (%s): %s", reason, detail)
