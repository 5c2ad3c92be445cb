"""The main spider: the channels of Sina Finance's roll API, and the articles they announce."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from itertools import chain
from typing import Any
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.http import Response
from scrapy.spidermiddlewares.httperror import HttpError
from sqlalchemy import Row
from twisted.python.failure import Failure

from sinanews import arguments
from sinanews.archive.reading import Reading
from sinanews.arguments import since_when
from sinanews.catalogue import Remembered
from sinanews.catalogue.claims import CLAIM, Wanted
from sinanews.cleaning.item import clean_item
from sinanews.dates import BEIJING, to_beijing
from sinanews.exceptions import ArgumentError, CutPage, NoAnswer, NotNow, PageGone, Refused, Wall
from sinanews.items import ArticleItem, Fetch
from sinanews.listing.channels import DEFAULT, Channel, channel_by_slug, select_channels
from sinanews.listing.roll import Listing, day_start
from sinanews.middlewares.completeness import UNCONFIRMED
from sinanews.pages import Page, is_sinas
from sinanews.pages.answers import read_answer
from sinanews.spiders.base import why_failed
from sinanews.spiders.rolls import RollSpider
from sinanews.urls import SINA_ROOTS, article_id, canonical_url, is_login_host, is_sina_host, why_not_readable

GONE = ("http_404", "http_410")


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
        self.asked: set[str] = set()  #: keys

    async def start(self) -> AsyncIterator[Any]:
        self.since, self.until = self.dates()
        if "urls" in self.options:
            requests = self.named_articles()
        elif "limit" in self.options:  # what was left undone comes before what is new
            requests = chain_async(self.left_undone(), self.to_read_again(), self.first_lists())
        else:  # they are many, perhaps, and lists move on
            requests = chain_async(self.first_lists(), self.left_undone(), self.to_read_again())
        async for request in requests:
            yield request
            await self.until_needed()

    def dates(self) -> tuple[datetime | None, datetime | None]:
        """The stretch of publication time that ``since`` and ``until`` mean; the last day is included."""
        if "since" not in self.options:
            return None, None
        now = self.run.now()
        last = self.options.get("until")
        return since_when(self.options["since"], now), day_start(last + timedelta(days=1)) if last else now

    # --- the lists: what to ask for (how lists are read: rolls.py) ------------------------------------------

    async def first_lists(self) -> AsyncIterator[Request]:
        for channel in self.channels:
            for request in self.read_on_list(self.plan(channel)):
                yield request

    async def left_undone(self) -> AsyncIterator[Request]:
        """The articles that earlier runs listed and did not come to."""
        slugs = [channel.slug for channel in self.channels]
        for row in self.run.catalogue.due.unfinished(slugs, self.run.now(), self.since, self.until):
            self.leave_if_stopping()
            if self.left > 0 and row.url and row.id not in self.asked:  # without: asked for when a list names it again
                listing, channel = listing_of(row), channel_by_slug(row.channel)
                if not await self.is_refused(listing, channel):
                    yield self.article_request(listing, channel)

    async def to_read_again(self) -> AsyncIterator[Request]:
        """The articles that lack pages, and those that ``refresh`` names."""
        slugs, now, due = [channel.slug for channel in self.channels], self.run.now(), self.run.catalogue.due
        rows = [due.incomplete(slugs, now)]
        if "refresh" in self.options:
            rows.append(due.exported_since(slugs, now - self.options["refresh"]))
        for row in chain.from_iterable(rows):
            self.leave_if_stopping()
            for request in self.ask_again(listing_of(row), channel_by_slug(row.channel), row):
                yield request

    async def named_articles(self) -> AsyncIterator[Request]:
        """The articles that ``-a urls=`` names; those that a channel listed before stay in it."""
        for url in self.options["urls"]:
            row, channel = listing_at(url), channel_by_slug(self.run.catalogue.channel_of(url))
            for request in await self.ask([row], channel, self.run.catalogue.known([row.key])):
                yield request

    async def ask(
        self, rows: Iterable[Listing], channel: Channel | None, known: Mapping[str, Remembered]
    ) -> list[Request]:
        """Requests for those of the rows that are not done, or edited since, after the catalogue has them as listed."""
        fresh = {row.key: row for row in rows}
        done = self.run.catalogue.known_urls([row.url for key, row in fresh.items() if key not in known])
        listed: list[tuple[str, Listing]] = []
        wanted: list[Request] = []
        for key, row in fresh.items():
            before = known.get(key)
            if key in self.asked:
                listed.append((done.get(row.url, key), row))  # another channel has it too
            elif before is not None and self.is_worth_another_look(before, row):
                wanted += self.ask_again(row, channel, before)
            elif (before is not None and before.done) or row.url in done:
                self.run.count("articles/known")
                listed.append((done.get(row.url, key), row))
            elif self.left > 0 and not await self.is_refused(row, channel):
                listed.append((key, row))
                wanted.append(self.article_request(row, channel))
        if channel is not None:
            values = [{"id": i, "url": r.url, "title": r.title, "published_at": r.published_at} for i, r in listed]
            if gained := await self.run.write(self.remember, values, channel):
                self.run.count("companies/gained", gained)
        return wanted

    def remember(self, values: list[dict[str, Any]], channel: Channel) -> int:
        """What a list names is in the catalogue from now on; how many articles gained a company by it.

        The writer calls it, in its transaction.
        """
        self.run.catalogue.listed(values, channel.slug, self.run.now())
        return 0

    def is_worth_another_look(self, before: Remembered, row: Listing) -> bool:
        """Whether a done article is asked for again: edited since, or refused and now named or rechecked."""
        named = "urls" in self.options or self.options.get("recheck", False)
        again = before.older_than(row.updated_at) or (before.state == "refused" and named)
        return before.done and again and not self.why_not(row.url)

    def ask_again(self, row: Listing, channel: Channel | None, before: Remembered | Row[Any]) -> Iterator[Request]:
        """The request for an article that we have, which may have been edited: cheap where it has not."""
        if self.left > 0 and row.key not in self.asked:
            self.run.count("articles/asked_again")
            request = self.article_request(row, channel_by_slug(before.channel) or channel, before.recorded_at)
            for name, value in (("If-None-Match", before.etag), ("If-Modified-Since", before.last_modified)):
                if value:
                    request.headers[name] = value
                    request.meta["handle_httpstatus_list"] = [304]  # only a conditional request may get it
            yield request

    def why_not(self, url: str) -> str | None:
        """Why a URL leads to nothing we can read; what lies on a host of SINANEWS_HOSTS is tried anyway."""
        host = url.split("/")[2]
        extra = [h for h in self.settings.getlist("SINANEWS_HOSTS") if h.strip()]
        return None if not is_sina_host(host) and is_sina_host(host, extra) else why_not_readable(url)

    async def is_refused(self, row: Listing, channel: Channel | None) -> bool:
        reason = self.why_not(row.url)
        if reason:
            self.run.count("articles/asked")
            values = {"title": row.title, "published_at": row.published_at, "channel": channel and channel.slug}
            await self.run.refuse(row.key, Refused.named(reason, row.url), url=row.url, **values)
        return reason is not None

    def article_request(self, row: Listing, channel: Channel | None, recorded_at: datetime | None = None) -> Request:
        """The request for an article; ``recorded_at``: of its row, where it is done."""
        self.left -= 1
        self.asked.add(row.key)
        self.run.count("articles/asked")
        return Request(
            row.url,
            self.parse_article,
            errback=self.article_failed,
            cb_kwargs={"row": row, "channel": channel},
            meta={CLAIM: Wanted(row.key, row.url, recorded_at)},
            dont_filter=True,  # self.asked knows better
        )

    # --- an article: its first page, what may come instead of it, its further pages -----------------------

    async def parse(self, response: Response) -> AsyncIterator[Any]:
        """For ``scrapy parse URL``: the page's item as it would be stored, and the request for its next page."""
        async for one in self.parse_article(response, listing_at(canonical_url(response.url)), None):
            verbatim = self.settings["SINANEWS_BODY"] == "verbatim"
            yield clean_item(one, verbatim=verbatim, sinas=is_sinas(one)) if isinstance(one, ArticleItem) else one

    async def parse_article(
        self, response: Response, row: Listing, channel: Channel | None
    ) -> AsyncIterator[Request | ArticleItem]:
        """The first page of an article: the item, or the request for its next page."""
        about = {"url": row.url, "channel": channel and channel.slug}
        if response.status == 304:
            await self.run.unchanged(row.key, listed_mtime=row.updated_at)
            return
        missing: list[str] = []
        now = self.run.now()
        self.keep_answer(response, now, row.url, row)
        try:
            page = self.read(response, row.url)
        except NoAnswer as answer:
            await self.run.fail(row.key, answer.reason, str(answer), **about)
            return
        except Refused as refusal:
            await self.run.doubt(row.key, refusal, listed_mtime=row.updated_at, **about)
            return
        except CutPage as found:
            if not await self.run.takes_cut(row.key, found.digest, str(found), **about):
                return
            if isinstance(found.found, Refused):
                await self.run.doubt(row.key, found.found, listed_mtime=row.updated_at, **about)
                return
            page, missing = found.found, [row.url]
        fetch = Fetch(row.key, row.updated_at, header(response, "ETag"), header(response, "Last-Modified"))
        yield self.read_on(Reading(row, channel, fetch, now, [page], missing))

    async def article_failed(self, failure: Failure) -> None:
        """A page not found says something of the article; any other failure does not."""
        if self.run.stopping or isinstance(failure.value, NotNow):
            return  # it is not the article's fault; it stays as listed
        request: Request = failure.request  # type: ignore[attr-defined]
        row: Listing = request.cb_kwargs["row"]
        reason, detail = why_failed(failure)
        self.keep_failed(failure, row.url, row)
        with self.run.stopped_by_catalogue():
            if is_login_host(request.url):
                await self.run.fail(row.key, "login", f"{row.url} leads to {request.url}", url=row.url)
                self.run.wall(host_of(row.url))
            elif reason in GONE:
                self.run.walls.met(wall=False)
                refusal = PageGone(f"{detail} for {request.url}")
                await self.run.doubt(row.key, refusal, listed_mtime=row.updated_at, url=row.url)
            else:
                await self.run.fail(row.key, reason, detail, url=row.url)

    def read_on(self, reading: Reading) -> Request | ArticleItem:
        """The request for the article's next page, or the article once nothing more is named."""
        url = reading.next_page()
        if url is None:
            return reading.finished()
        return Request(
            url,
            self.parse_next_page,
            errback=self.next_page_failed,
            cb_kwargs={"reading": reading, "url": url},
            dont_filter=True,
        )

    def parse_next_page(self, response: Response, reading: Reading, url: str) -> Request | ArticleItem:
        """A further page of an article: one that cannot be read loses none of the others."""
        self.keep_answer(response, self.run.now(), url, reading.row)
        try:
            reading.add(self.read(response, url), url)
        except (CutPage, NoAnswer, Refused) as error:
            reading.misses(url, str(error))
        return self.read_on(reading)

    def next_page_failed(self, failure: Failure) -> Request | ArticleItem:
        request: Request = failure.request  # type: ignore[attr-defined]
        reading, url = request.cb_kwargs["reading"], request.cb_kwargs["url"]
        self.keep_failed(failure, url, reading.row)
        reading.misses(url, why_failed(failure)[1])
        if is_login_host(request.url):
            self.run.wall(host_of(url))
        return self.read_on(reading)

    def keep_failed(self, failure: Failure, url: str, row: Listing) -> None:
        """Keep what a server said with an error's status, where it said anything."""
        if isinstance(failure.value, HttpError):
            self.keep_answer(failure.value.response, self.run.now(), url, row)

    def read(self, response: Response, url: str) -> Page:
        """Raises Refused, NoAnswer or CutPage; the run counts the walls among the answers."""
        try:
            page = read_answer(
                response.status,
                response.body,
                url,
                answered_by=response.url,
                content_type=header(response, "Content-Type"),
                confirmed=UNCONFIRMED not in response.flags,
            )
        except Wall:
            self.run.wall(host_of(response.url))
            raise
        except Refused:
            self.run.walls.met(wall=False)
            raise
        self.run.walls.met(wall=False)
        if page.doubtful:
            self.run.anomaly("doubtful_encoding", f"{url}: characters that could not be decoded were replaced")
        return page


def listing_at(url: str) -> Listing:
    """What is known of an article by its address alone."""
    return Listing(article_id(url), url, "", None)


def listing_of(row: Row[Any]) -> Listing:
    """The catalogue's row as a list would announce it."""
    article = row.id if row.id != row.url else None
    return Listing(
        article, row.url, row.title or "", row.published_at and to_beijing(row.published_at), row.listed_mtime
    )


def header(response: Response, name: str) -> str | None:
    value = response.headers.get(name)
    return value.decode("latin-1") if value else None


def host_of(url: str) -> str:
    return urlsplit(url).hostname or ""


async def chain_async(*parts: AsyncIterator[Request]) -> AsyncIterator[Request]:
    for part in parts:
        async for one in part:
            yield one
