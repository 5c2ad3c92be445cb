"""harbour.example: the list of its news, and each article on it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import scrapy
from scrapy.http import Response

from harbour.pages import NewsPage
from sinanews.items import ArticleItem


class NewsSpider(scrapy.Spider):
    name = "news"
    allowed_domains = ["harbour.example"]

    async def start(self) -> AsyncIterator[scrapy.Request]:
        yield scrapy.Request("https://harbour.example/news/", self.parse_list)

    def parse_list(self, response: Response) -> Iterator[scrapy.Request]:
        yield from response.follow_all(css=".list a", callback=self.parse_article)

    def parse_article(self, response: Response) -> ArticleItem:
        return NewsPage(response.text, response.url).item()
