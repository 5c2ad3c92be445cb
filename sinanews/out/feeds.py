"""Articles as Atom (RFC 4287) and JSON Feed 1.1: what feed readers subscribe to. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

from sinanews import __version__
from sinanews.dates import to_beijing
from sinanews.listing.channels import AUTHOR
from sinanews.out.articles import Article
from sinanews.posts.exporter import printable

HOME, LANGUAGE = "https://finance.sina.com.cn/", "zh-CN"
ATOM = "http://www.w3.org/2005/Atom"


@dataclass(frozen=True)
class About:
    """What a feed says of itself."""

    title: str
    name: str  #: what it was asked for: its id for ever, whatever file it lies in
    url: str | None = None  #: at which readers get it

    @property
    def id(self) -> str:
        return tag(f"feed/{self.name}" if self.name else "feed")


def tag(name: str) -> str:
    """An id for what has no address (RFC 4151)."""
    return f"tag:finance.sina.com.cn,2022:{quote(printable(name), safe='/=&,-._~')}"


def entry_id(article: Article) -> str:
    """For ever the same: its address, which readers of other feeds of Sina know it by too."""
    return article.url or tag(article.id)


def changed_at(article: Article) -> datetime | None:
    """When its text was last another one, as far as is known: as the page says, or when an edit came to us."""
    edited = article.stored_at if article.revision > 1 else None
    first = article.published_at or article.fetched_at or article.stored_at
    return max(filter(None, (first, article.updated_at, edited)), default=None)


def author_of(article: Article) -> str:
    return line(article.media) or line(article.author) or AUTHOR


def line(text: str | None) -> str:
    return " ".join(printable(text or "").split())


def atom(articles: Sequence[Article], about: About, now: datetime) -> bytes:
    """``now`` is the time of a feed with nothing in it, and of articles of which no time is known."""
    feed = ElementTree.Element("feed", {"xmlns": ATOM, "xml:lang": LANGUAGE})
    times = [changed_at(article) or now for article in articles]
    _add(feed, "id", about.id)
    _add(feed, "title", line(about.title))
    _add(feed, "updated", _time(max(times, default=now)))
    if about.url:
        _add(feed, "link", rel="self", href=about.url)
    _add(feed, "link", rel="alternate", href=HOME)
    _add(feed, "generator", "sinanews", version=__version__)
    for article, updated in zip(articles, times, strict=True):
        _entry(ElementTree.SubElement(feed, "entry"), article, updated)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ElementTree.tostring(feed, "unicode")}\n'.encode()


def _entry(entry: ElementTree.Element, article: Article, updated: datetime) -> None:
    _add(entry, "id", entry_id(article))
    _add(entry, "title", line(article.title))
    if article.url:
        _add(entry, "link", rel="alternate", href=article.url)
    if article.published_at is not None:
        _add(entry, "published", _time(article.published_at))
    _add(entry, "updated", _time(updated))
    _add(ElementTree.SubElement(entry, "author"), "name", author_of(article))
    for word in dict.fromkeys(filter(None, map(line, article.keywords))):
        _add(entry, "category", term=word)
    if article.summary:
        _add(entry, "summary", article.summary)
    _add(entry, "content", article.body_html, type="html")


def _add(parent: ElementTree.Element, name: str, text: str | None = None, **attributes: str) -> None:
    ElementTree.SubElement(parent, name, {k: printable(v) for k, v in attributes.items()}).text = printable(text)


def json_feed(articles: Sequence[Article], about: About, now: datetime) -> bytes:
    feed: dict[str, Any] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": line(about.title),
        "home_page_url": HOME,
        **({"feed_url": about.url} if about.url else {}),
        "language": LANGUAGE,
        "authors": [{"name": AUTHOR}],
        "items": [_item(article, now) for article in articles],
    }
    return json.dumps(feed, ensure_ascii=False, indent=1).encode() + b"\n"


def _item(article: Article, now: datetime) -> dict[str, Any]:
    values: dict[str, Any] = {
        "id": entry_id(article),
        "url": article.url,
        "title": line(article.title),
        "content_html": printable(article.body_html),
        "summary": printable(article.summary),
        "image": article.lead_image if (article.lead_image or "").startswith("https://") else None,
        "date_published": _time(article.published_at) if article.published_at else None,
        "date_modified": _time(changed_at(article) or now),
        "authors": [{"name": author_of(article)}],
        "tags": [word for word in map(line, article.keywords) if word],
        "_sinanews": {"id": article.id, "stocks": article.stocks, "channels": article.channels},
    }
    return {key: value for key, value in values.items() if value is not None}


def _time(when: datetime) -> str:
    """RFC 3339, which wants no fractions."""
    return to_beijing(when).isoformat(timespec="seconds")


#: ending → the form of a feed
FORMS: dict[str, Callable[[Sequence[Article], About, datetime], bytes]] = {
    ".xml": atom,
    ".atom": atom,
    ".json": json_feed,
}
