"""An article that is being read, page by page. Pure."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from datetime import datetime

from sinanews.dates import to_beijing
from sinanews.items import ArticleItem, Fetch
from sinanews.listing.channels import Channel, categories_of
from sinanews.listing.roll import Listing
from sinanews.pages import Page, join_bodies
from sinanews.pages.pagination import page_number

logger = logging.getLogger(__name__)
MOST_PAGES = 100  #: of one article; more than their numbers can tell apart


@dataclass
class Reading:
    """What is known of an article so far; its pages are asked for one by one."""

    row: Listing
    channel: Channel | None
    fetch: Fetch
    began: datetime  #: when its first page came
    pages: list[Page]
    missing: list[str] = field(default_factory=list)  #: URLs of pages that could not be had, or not to their end
    asked: set[str] = field(init=False)  #: URLs

    def __post_init__(self) -> None:
        self.asked = {self.row.url, self.pages[0].item.url or self.row.url}

    def add(self, page: Page, url: str) -> None:
        """A further page; one that is another of the article's pages again is missing."""
        if page_number(url) > 1 and any(page.item.body_html == one.item.body_html for one in self.pages):
            self.misses(url, "the answer is another of the article's pages")
        else:
            self.pages.append(page)

    def misses(self, url: str, why: str) -> None:
        self.missing.append(url)
        logger.warning("a page is missing, a later run asks for it again: %s (%s)", url, why)

    def next_page(self) -> str | None:
        """The URL of the next page that its pages name and nobody asked for; it counts as asked for from now on."""
        url = next((url for page in self.pages for url in page.next_pages if url not in self.asked), None)
        if url is not None and len(self.asked) >= MOST_PAGES:
            self.misses(url, "too many pages")
            return None
        if url is not None:
            self.asked.add(url)
        return url

    def finished(self) -> ArticleItem:
        """The item with what only the list or the request knew; what the page shows wins over the list."""
        item, row, channel = self.pages[0].item, self.row, self.channel
        item.body_html = join_bodies(page.item.body_html for page in self.pages)
        item.id = row.id or item.id
        item.url = row.url
        item.title = item.title or row.title
        item.published_at = item.published_at or row.published_at
        item.updated_at = item.updated_at or row.updated_at
        item.media = item.media or row.media
        item.author = item.author or row.author
        item.summary = item.summary or row.summary
        item.keywords = item.keywords or list(row.keywords)
        item.channel = channel.slug if channel else None
        item.categories = categories_of(item.kind, channel)
        if channel is not None and channel.company is not None:
            item.stocks = list(dict.fromkeys([channel.company, *item.stocks]))
        item.fetched_at = to_beijing(self.began)
        item.incomplete = bool(self.missing)
        item.fetch = replace(self.fetch, missing_pages=frozenset(self.missing))
        return item
