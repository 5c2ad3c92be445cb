"""Articles as Hexo posts, one to a file, in the seed format."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Any, BinaryIO

from scrapy.exporters import BaseItemExporter

from sinanews.exceptions import ArgumentError
from sinanews.items import ArticleItem
from sinanews.posts import Post, write_post

# Hexo gives ``id`` (``:id`` in permalinks) and ``layout`` (which template, or none) a meaning of its own,
# and ``author`` is the seed's already.
_RENAMED = {"id": "sina_id", "layout": "sina_layout", "author": "byline"}
_IN_THE_POST = {"title", "categories", "lead_image", "body_html", "body_text", "date_as_written"}
#: item fields that may follow the seed's keys -> the key each is written as
EXTRA_KEYS = {
    field.name: _RENAMED.get(field.name, field.name) for field in fields(ArticleItem) if field.name not in _IN_THE_POST
}


class FrontMatterItemExporter(BaseItemExporter):
    """Writes one item as one post to a binary file. Raises ArgumentError for an extra field that cannot be."""

    def __init__(
        self, file: BinaryIO, *, verbatim: bool = False, extra_fields: Iterable[str] = (), **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.file = file
        self.verbatim = verbatim
        self.extra_fields = checked_extra_fields(extra_fields)

    def export_item(self, item: ArticleItem) -> None:
        extra = {EXTRA_KEYS[name]: getattr(item, name) for name in self.extra_fields}
        self.file.write(write_post(post_of(item), verbatim=self.verbatim, extra=extra))


def checked_extra_fields(names: Iterable[str]) -> tuple[str, ...]:
    """The names, each once; raises ArgumentError that says what is allowed."""
    chosen = tuple(dict.fromkeys(names))
    for name in chosen:
        if name not in EXTRA_KEYS:
            raise ArgumentError(f"no extra front-matter field {name!r}; allowed: {', '.join(sorted(EXTRA_KEYS))}")
    return chosen


def post_of(item: ArticleItem) -> Post:
    """A page's ``author`` is the second category, the site, as in the seed; a post that was read keeps its own."""
    own = item.layout == "seed" and item.author
    return Post(
        title=item.title,
        categories=item.categories,
        author=item.author if own or len(item.categories) < 2 else item.categories[1],
        date=item.published_at,
        date_as_written=item.date_as_written,
        lead_image=item.lead_image,
        body=item.body_html,
    )
