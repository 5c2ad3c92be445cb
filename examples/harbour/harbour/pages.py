"""The pages of harbour.example -> articles."""

from __future__ import annotations

import re
from datetime import datetime

from parsel import Selector

from sinanews.items import ArticleItem


class NewsPage:
    """An article's page."""

    def __init__(self, text: str, url: str) -> None:
        self.page = Selector(text)
        self.url = url

    def item(self) -> ArticleItem:
        """The article as the page shows it; the add-on cleans its body and finds its pictures."""
        return ArticleItem(
            id="harbour-" + re.sub(r".*/|\.html$", "", self.url),
            url=self.url,
            title=self.words("h1"),
            published_at=self.published(),
            media=self.words(".byline .source"),
            author=self.words(".byline .author"),
            keywords=self.page.css(".tags a::text").getall(),
            body_html=self.page.css(".story").get(""),
            categories=["Harbour News"],
        )

    def words(self, css: str) -> str:
        """The text of the first such element; empty where there is none."""
        return " ".join(self.page.css(css).xpath("string()").get("").split())

    def published(self) -> datetime | None:
        """The time in ``<time datetime=…>``, which names its zone."""
        written = self.page.css("time::attr(datetime)").get()
        return datetime.fromisoformat(written) if written else None
