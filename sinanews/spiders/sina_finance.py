"""The main spider: the channels of Sina Finance's roll API, and the articles they announce."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.http import Response
from sqlalchemy import Row
from twisted.python.failure import Failure

from sinanews import arguments
from sinanews.arguments import since_when
from sinanews.catalogue import Remembered
from sinanews.cleaning.item import clean_item
from sinanews.dates import BEIJING, to_beijing
from sinanews.exceptions import ArgumentError, CatalogueError, CutPage, NoAnswer, Refused, Wall
from sinanews.items import ArticleItem, Fetch
from sinanews.listing.channels import AUTHOR, CATEGORY, DEFAULT, Channel, channel_by_slug, select_channels
from sinanews.listing.roll import Listing, day_start
from sinanews.middlewares.completeness import UNCONFIRMED
from sinanews.pages import Page, join_bodies
from sinanews.pages.answers import read_answer
from sinanews.pages.pagination import page_number
from sinanews.spiders.base import why_failed
from sinanews.spiders.rolls import RollSpider
from sinanews.urls import SINA_ROOTS, article_id, canonical_url, is_login_host, is_sina_host, why_not_readable

MOST_PAGES_OF_AN_ARTICLE = 100  #: more than their numbers can tell apart


@dataclass
class Reading:
    """An article that is being read, page by page."""

    row: Listing
    channel: Channel | None
    fetch: Fetch
    pages: list[Page]
    asked: set[str]  #: URLs
    missing: list[str] = field(default_factory=list)  #: URLs of pages that could not be had

    def following(self) -> str | None:
        """The next page that its pages name and nobody asked for."""
        return next((url for page in self.pages for url in page.next_pages if url not in self.asked), None)


class SinaFinanceSpider(RollSpider):
    """Lists channels newest first, skips what the catalogue has, and yields the other articles."""

    name = "sina_finance"
    allowed_domains = list(SINA_ROOTS)  # by which `scrapy parse` and `shell` find the spider; the guard confines it
    ARGUMENTS = {
        "channels": lambda text: select_channels(arguments.names(text)),
        "limit": arguments.positive,
        "urls": arguments.urls,
        "since": arguments.day_or_age,
        "until": arguments.day,
        "recheck": arguments.flag,
        "refresh": arguments.age,
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in set(self.options) & {"channels", "since", "until", "refresh"}:
            if "urls" in self.options:
                raise ArgumentError(f"give urls or {name}, not both")
        if "until" in self.options and "since" not in self.options:
            raise ArgumentError("until needs since: the first day to collect")
        since, today = self.options.get("since"), datetime.now(BEIJING).date()
        if isinstance(since, date) and since > min(self.options.get("until", today), today):
            raise ArgumentError(f"since={since} lies after {'until' if since <= today else 'today'}")
        self.channels: tuple[Channel, ...] = self.options.get("channels", (DEFAULT,))
        self.left = self.options.get("limit", 10**9)  #: articles that may still be asked for
        self.asked: set[str] = set()

    async def start(self) -> AsyncIterator[Any]:
        try:
            self.since, self.until = self.dates()
            requests = list(self.named_articles() if "urls" in self.options else self.first_requests())
        except CatalogueError as error:
            self.run.stop_run(error)
            return
        for request in requests:
            yield request

    def dates(self) -> tuple[datetime | None, datetime | None]:
        """The stretch of publication time that ``since`` and ``until`` mean; the last day is included."""
        if "since" not in self.options:
            return None, None
        now = self.run.now()
        last = self.options.get("until")
        return since_when(self.options["since"], now), day_start(last + timedelta(days=1)) if last else now

    def first_requests(self) -> Iterator[Request]:
        """What earlier runs left undone, what is to be read again, then the first page of each channel."""
        slugs = [channel.slug for channel in self.channels]
        now = self.run.now()
        for row in self.run.catalogue.unfinished(slugs, now, self.since, self.until):
            self.leave_if_stopping()
            if not row.url:
                continue  # known from its post only: asked for when a list names it again
            yield from self.ask([listing_of(row)], channel_by_slug(row.channel))
        for row in self.run.catalogue.incomplete(slugs, now):
            yield from self.ask_again(listing_of(row), channel_by_slug(row.channel), row)
        if "refresh" in self.options:
            for row in self.run.catalogue.exported_since(slugs, now - self.options["refresh"]):
                yield from self.ask_again(listing_of(row), channel_by_slug(row.channel), row)
        for channel in self.channels:
            yield from self.read_on_list(self.plan(channel))

    def ask(self, rows: Iterable[Listing], channel: Channel | None) -> Iterator[Request]:
        """Requests for those of the rows that are not done, or edited since, after the catalogue has them as listed."""
        fresh = {row.key: row for row in rows}
        known = self.run.catalogue.known(list(fresh))
        done = self.run.catalogue.known_urls([row.url for row in fresh.values() if row.key not in known])
        listed, wanted = [], []
        for row in fresh.values():
            before = known.get(row.key)
            if row.key in self.asked:
                listed.append((done.get(row.url, row.key), row))  # another channel has it too
            elif before is not None and self.is_worth_another_look(before, row):
                wanted += list(self.ask_again(row, channel, before))
            elif (before is not None and before.done) or row.url in done:
                self.run.count("articles/known")
                listed.append((done.get(row.url, row.key), row))
            elif self.left > 0 and not self.is_refused(row, channel):
                listed.append((row.key, row))
                wanted.append(self.article_request(row, channel))
        if channel is not None:
            values = [{"id": i, "url": r.url, "title": r.title, "published_at": r.published_at} for i, r in listed]
            self.run.catalogue.listed(values, channel.slug, self.run.now())
        yield from wanted

    def is_worth_another_look(self, before: Remembered, row: Listing) -> bool:
        """Whether a done article is asked for again: edited since, or refused and now named or rechecked."""
        named = "urls" in self.options or self.options.get("recheck", False)
        again = before.older_than(row.updated_at) or (before.state == "refused" and named)
        return before.done and again and not self.why_not(row.url)

    def ask_again(self, row: Listing, channel: Channel | None, before: Remembered | Row[Any]) -> Iterator[Request]:
        """The request for an article that we have, which may have been edited: cheap where it has not."""
        if self.left > 0 and row.key not in self.asked:
            self.run.count("articles/asked_again")
            request = self.article_request(row, channel_by_slug(before.channel) or channel)
            request.meta["handle_httpstatus_list"] = [304]
            for name, value in (("If-None-Match", before.etag), ("If-Modified-Since", before.last_modified)):
                if value:
                    request.headers[name] = value
            yield request

    def article_request(self, row: Listing, channel: Channel | None) -> Request:
        self.left -= 1
        self.asked.add(row.key)
        self.run.count("articles/asked")
        return Request(
            row.url,
            self.parse_article,
            errback=self.article_failed,
            cb_kwargs={"row": row, "channel": channel},
            meta={"key": row.key, "url": row.url, "listed_mtime": row.updated_at},
            dont_filter=True,  # self.asked knows better
        )

    def why_not(self, url: str) -> str | None:
        """Why a URL leads to nothing we can read; what lies on a host of SINANEWS_HOSTS is tried anyway."""
        host = url.split("/")[2]
        extra = [h for h in self.settings.getlist("SINANEWS_HOSTS") if h.strip()]
        return None if not is_sina_host(host) and is_sina_host(host, extra) else why_not_readable(url)

    def is_refused(self, row: Listing, channel: Channel | None) -> bool:
        reason = self.why_not(row.url)
        if reason:
            self.run.count("articles/asked")
            values = {"title": row.title, "published_at": row.published_at, "channel": channel and channel.slug}
            self.run.refuse(row.key, Refused.named(reason, row.url), url=row.url, **values)
        return reason is not None

    def named_articles(self) -> Iterator[Request]:
        """The articles that ``-a urls=`` names; those that a channel listed before stay in it."""
        for url in self.options["urls"]:
            channel = channel_by_slug(self.run.catalogue.channel_of(url))
            yield from self.ask([Listing(article_id(url), url, "", None)], channel)

    def parse(self, response: Response) -> Iterator[Any]:
        """For ``scrapy parse URL``: the page's item as it would be stored, and the request for its next page."""
        row = Listing(article_id(response.url), canonical_url(response.url), "", None)
        for one in self.parse_article(response, row, None):
            yield clean_item(one) if isinstance(one, ArticleItem) else one

    def parse_article(
        self, response: Response, row: Listing, channel: Channel | None
    ) -> Iterator[Request | ArticleItem]:
        """The first page of an article: the item, or the request for its next page."""
        try:
            if response.status == 304 and was_conditional(response):
                self.run.unchanged(row.key, listed_mtime=row.updated_at)
                return
            reading = self.first_page(response, row, channel)
        except CatalogueError as error:
            self.run.stop_run(error)
            return
        if reading is not None:
            yield from self.read_on(reading)

    def first_page(self, response: Response, row: Listing, channel: Channel | None) -> Reading | None:
        """The article's first page, or None after what was answered instead is recorded."""
        about = {"url": row.url, "channel": channel and channel.slug}
        missing: list[str] = []
        try:
            page = self.read(response, row.url)
        except CutPage as cut:
            if not self.run.takes_cut(row.key, cut.digest, str(cut), **about):
                return None
            self.run.walls.met(wall=False)
            if isinstance(cut.found, Refused):
                self.run.doubt(row.key, cut.found, listed_mtime=row.updated_at, **about)
                return None
            page, missing = cut.found, [row.url]
        except NoAnswer as answer:
            self.run.fail(row.key, answer.reason, str(answer), **about)
            self.count_wall(answer, response)
            return None
        except Refused as refusal:
            self.run.walls.met(wall=False)
            self.run.doubt(row.key, refusal, listed_mtime=row.updated_at, **about)
            return None
        else:
            self.run.walls.met(wall=False)
        fetch = Fetch(row.key, row.updated_at, header(response, "ETag"), header(response, "Last-Modified"))
        return Reading(row, channel, fetch, [page], {row.url, page.item.url or row.url}, missing)

    def parse_next_page(self, response: Response, reading: Reading) -> Iterator[Request | ArticleItem]:
        """A further page of an article: one that cannot be read loses none of the others."""
        try:
            url = response.request.meta["url"]  # type: ignore[union-attr]
            page = self.read(response, url)
            if page_number(url) > 1 and any(page.item.body_html == one.item.body_html for one in reading.pages):
                self.page_is_missing(reading, url, "the answer is another of the article's pages")
            else:
                reading.pages.append(page)
        except (CutPage, NoAnswer, Refused) as error:
            self.page_is_missing(reading, url, str(error))
            if isinstance(error, NoAnswer):
                self.count_wall(error, response)
        yield from self.read_on(reading)

    def next_page_failed(self, failure: Failure) -> Iterator[Request | ArticleItem]:
        request: Request = failure.request  # type: ignore[attr-defined]
        reading = request.cb_kwargs["reading"]
        self.page_is_missing(reading, request.meta["url"], why_failed(failure)[1])
        if is_login_host(request.url):
            self.run.wall(urlsplit(request.meta["url"]).hostname or "")
        yield from self.read_on(reading)

    def page_is_missing(self, reading: Reading, url: str, why: str) -> None:
        reading.missing.append(url)
        self.logger.warning("a page is missing, a later run asks for it again: %s (%s)", url, why)

    def read_on(self, reading: Reading) -> Iterator[Request | ArticleItem]:
        """The request for the article's next page, or the article once nothing more is named."""
        url = reading.following()
        if url is None:
            yield self.finished(reading)
        elif len(reading.asked) >= MOST_PAGES_OF_AN_ARTICLE:
            self.page_is_missing(reading, url, "too many pages")
            yield self.finished(reading)
        else:
            reading.asked.add(url)
            yield Request(
                url,
                self.parse_next_page,
                errback=self.next_page_failed,
                cb_kwargs={"reading": reading},
                meta={"key": reading.row.key, "url": url},
                dont_filter=True,
            )

    def read(self, response: Response, url: str) -> Page:
        """Raises Refused, NoAnswer or CutPage."""
        page = read_answer(
            response.status,
            response.body,
            url,
            answered_by=response.url,
            content_type=header(response, "Content-Type"),
            confirmed=UNCONFIRMED not in response.flags,
        )
        if page.doubtful:
            self.run.anomaly("doubtful_encoding", f"{url}: characters that could not be decoded were replaced")
        return page

    def count_wall(self, answer: NoAnswer, response: Response) -> None:
        if isinstance(answer, Wall):
            self.run.wall(urlsplit(response.url).hostname or "")

    def finished(self, reading: Reading) -> ArticleItem:
        """The item with what only the list or the request knew; what the page shows wins over the list."""
        item, row, channel = reading.pages[0].item, reading.row, reading.channel
        item.body_html = join_bodies(page.item.body_html for page in reading.pages)
        item.id = row.id or item.id
        item.url = row.url
        item.title = item.title or row.title
        item.published_at = item.published_at or row.published_at
        item.updated_at = item.updated_at or row.updated_at
        item.media = item.media or row.media
        item.summary = item.summary or row.summary
        item.keywords = item.keywords or list(row.keywords)
        item.channel = channel.slug if channel else None
        item.categories = list(channel.categories) if channel else [CATEGORY, AUTHOR]
        item.fetched_at = to_beijing(self.run.now())
        item.incomplete = bool(reading.missing)
        item.fetch = replace(reading.fetch, missing_pages=frozenset(reading.missing))
        return item


def listing_of(row: Row[Any]) -> Listing:
    """The catalogue's row as a list would announce it."""
    article = row.id if row.id != row.url else None
    return Listing(
        article, row.url, row.title or "", row.published_at and to_beijing(row.published_at), row.listed_mtime
    )


def was_conditional(response: Response) -> bool:
    """Whether the request asked for a page only if it has changed; else 304 is no answer to it."""
    request = response.request
    return request is not None and any(name in request.headers for name in ("If-None-Match", "If-Modified-Since"))


def header(response: Response, name: str) -> str | None:
    value = response.headers.get(name)
    return value.decode("latin-1") if value else None
