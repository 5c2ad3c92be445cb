"""Articles as Hexo posts, one to a file, in the seed format; and as tables and XML that programs can open safely."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from html import escape
from typing import Any, BinaryIO

from scrapy.exporters import BaseItemExporter, CsvItemExporter, XmlItemExporter
from scrapy.settings import BaseSettings

from sinanews.exceptions import ArgumentError
from sinanews.items import ArticleItem
from sinanews.posts import Post, write_post
from sinanews.posts.extras import Extras
from sinanews.posts.pictures import with_copies
from sinanews.posts.themes import fit_for_themes

# Hexo gives ``id`` (``:id`` in permalinks) and ``layout`` (which template, or none) a meaning of its own,
# and ``author`` is the seed's already.
_RENAMED = {"id": "sina_id", "layout": "sina_layout", "author": "byline"}
_IN_THE_POST = {"title", "categories", "lead_image", "body_html", "body_text", "date_as_written"}
#: item fields that may follow the seed's keys -> the key each is written as
EXTRA_KEYS = {
    field.name: _RENAMED.get(field.name, field.name) for field in fields(ArticleItem) if field.name not in _IN_THE_POST
}

PLAIN = Extras()


class FrontMatterItemExporter(BaseItemExporter):
    """Writes one item as one post to a binary file. Raises ArgumentError for an extra field that cannot be."""

    def __init__(
        self, file: BinaryIO, *, verbatim: bool = False, extra_fields: Iterable[str] = (), **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.file = file
        self.render = PostRenderer(verbatim=verbatim, extra_fields=extra_fields)

    def export_item(self, item: ArticleItem) -> None:
        self.file.write(self.render(item))


class PostRenderer:
    """An item as the bytes of its post. Raises ArgumentError for an extra field that cannot be.

    ``images_url``: where copies of pictures are found, "" for the way from each post; None: pictures stay remote.
    """

    def __init__(
        self,
        *,
        verbatim: bool = False,
        extra_fields: Iterable[str] = (),
        extras: Extras = PLAIN,
        images_url: str | None = None,
    ) -> None:
        self.verbatim, self.extra_fields = verbatim, checked_extra_fields(extra_fields)
        self.extras, self.images_url = extras, images_url

    @classmethod
    def from_settings(cls, settings: BaseSettings) -> PostRenderer:
        extra = settings.getlist("SINANEWS_FRONT_MATTER_EXTRA")
        extras = Extras(
            tags=tuple(name.strip() for name in settings.getlist("SINANEWS_TAGS")),
            excerpt=settings.getbool("SINANEWS_EXCERPT"),
            source_link=settings.getbool("SINANEWS_SOURCE_LINK"),
            beijing=settings["SINANEWS_DATES"] == "beijing",
        )
        images = settings["SINANEWS_IMAGES_URL"] if settings.getbool("SINANEWS_IMAGES") else None
        is_verbatim = settings["SINANEWS_BODY"] == "verbatim"
        return cls(verbatim=is_verbatim, extra_fields=extra, extras=extras, images_url=images)

    def the_other_way(self) -> PostRenderer:
        """The same but for whether bodies are as they came."""
        is_verbatim = not self.verbatim
        return PostRenderer(
            verbatim=is_verbatim, extra_fields=self.extra_fields, extras=self.extras, images_url=self.images_url
        )

    def __call__(self, item: ArticleItem) -> bytes:
        fields = {EXTRA_KEYS[name]: getattr(item, name) for name in self.extra_fields}
        post = post_of(item)
        if not self.verbatim:
            post = with_copies(replace(post, body=fit_for_themes(post.body)), item.copies)
        post = replace(post, body=self.extras.with_link(post.body, item.url))
        extra = {**self.extras.keys(item), **fields}
        return write_post(post, verbatim=self.verbatim, extra=extra, beijing=self.extras.beijing)


#: Lines of a header that differ at every fetch of the same article.
_CHANGING = re.compile(rb"^(?:fetched_at|updated_at): .*\n", re.MULTILINE)


def content_digest(post: bytes) -> str:
    """SHA-256 of a post without what changes at every fetch: equal where the article is."""
    lasting = _CHANGING.sub(b"", post) if b"ed_at: " in post else post
    return hashlib.sha256(lasting).hexdigest()


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
        body="\n".join(filter(None, [item.body_html, *_links(item)])),
    )


def _links(item: ArticleItem) -> Iterator[str]:
    """A paragraph for each attachment that the body does not lead to itself: a reader wants it, a text has it not."""
    for number, url in enumerate(item.attachments, 1):
        address = escape(url, quote=True)
        if url not in item.body_html and address not in item.body_html:
            yield f'<p><a href="{address}">附件{number if len(item.attachments) > 1 else ""}（PDF）</a></p>'


#: What XML 1.0 forbids, escaped too.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
#: A cell that begins so is a formula to a spreadsheet, or becomes one when it is imported (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def printable(value: Any) -> Any:
    """The value with no character in its texts that XML cannot hold.

    >>> printable(["a\\x08b", None])
    ['ab', None]
    """
    if isinstance(value, str):
        return _NOT_XML.sub("", value)
    return [printable(each) for each in value] if isinstance(value, (list, tuple)) else value


def no_formula(cell: Any) -> Any:
    """A text with ``'`` before it where a spreadsheet would run it; numbers and times are none.

    >>> no_formula("=1+2"), no_formula("1+2"), no_formula(-1)
    ("'=1+2", '1+2', -1)
    """
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


class SafeXmlItemExporter(XmlItemExporter):
    """Well-formed whatever a title holds."""

    def get_serialized_fields(self, *args: Any, **kwargs: Any) -> Iterator[tuple[str, Any]]:
        for name, value in super().get_serialized_fields(*args, **kwargs):
            yield name, printable(value)


class SafeCsvItemExporter(CsvItemExporter):
    """No cell is a formula, and there is a header even where there are no articles."""

    def get_serialized_fields(self, *args: Any, **kwargs: Any) -> Iterator[tuple[str, Any]]:
        for name, value in super().get_serialized_fields(*args, **kwargs):
            yield name, no_formula(printable(value))

    def finish_exporting(self) -> None:
        if self._headers_not_written:
            self._write_headers_and_set_fields_to_export(ArticleItem(id="", url=None, title=""))
        super().finish_exporting()
