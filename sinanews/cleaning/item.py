"""Cleaning an item: its body, and the fields that only the body shows."""

from __future__ import annotations

import re

from sinanews.cleaning import clean_body
from sinanews.exceptions import EmptyArticle
from sinanews.items import ArticleItem

VIDEO_HEADLINE = "视频"
_SPACES = re.compile(r"[ \t\r\n\f\v\x85\u2028\u2029]+")


def tidy_title(text: str) -> str:
    """One line, white space at the ends gone; full-width spaces inside are the headline's own.

    >>> tidy_title(' 央行：\\n 降准　0.5个百分点 ')
    '央行： 降准　0.5个百分点'
    """
    return _SPACES.sub(" ", text).strip(" \u3000")


def clean_item(item: ArticleItem, *, verbatim: bool = False, sinas: bool = True) -> ArticleItem:
    """Fill body_text and what the body tells (editor, stocks, pictures …); the body becomes the clean one.

    Without ``sinas`` only what holds for any site is done. With ``verbatim`` the body stays as it came, and so does a
    seed's own lead image.
    Raises PageTooLarge for a body over the bounds, EmptyArticle for an article without text and pictures.
    """
    clean = clean_body(item.body_html, item.url, sinas=sinas)
    if not (verbatim and item.layout == "seed"):
        item.title = tidy_title(item.title)
    item.original_title = item.original_title or clean.original_title
    item.editor = item.editor or clean.editor
    item.author = item.author or clean.author
    item.media = item.media or clean.media
    item.stocks = list(dict.fromkeys([*item.stocks, *clean.stocks]))
    item.images = list(dict.fromkeys([*item.images, *clean.images]))
    item.body_text = clean.text
    if item.kind == "article" and item.title.startswith(VIDEO_HEADLINE) and clean.poster:
        item.kind = "video"
    if not verbatim or item.layout != "seed":
        poster = (item.lead_image or clean.poster) if item.kind == "video" else None
        item.lead_image = item.images[0] if item.images else poster
    if not verbatim:
        item.body_html = clean.html
    if item.kind == "article" and not item.body_text and not item.images:
        raise EmptyArticle(f"no text and no picture in {item.url or item.id}")
    return item
