"""The shape of a seed file: its keys, its frame, and the handler python-frontmatter uses for it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import frontmatter
from frontmatter.default_handlers import BaseHandler

from sinanews.exceptions import BadPost
from sinanews.posts.bounded_yaml import Value, load_mapping
from sinanews.posts.seed_yaml import bare, quoted

MAX_HEADER = 64 * 1024  #: bytes
SEED_KEYS = ("title", "categories", "headimg", "author", "comments", "date", "thumbnail")
BODY_START, BODY_END = "<div>   \n", "  \n</div>"

_DELIMITER = re.compile(r"^-{3,}[ \t]*$", re.MULTILINE)
_BARE_KEYS = {"author", "categories"}


@dataclass
class Post:
    """A post as the seed format knows it."""

    title: str
    categories: list[str] = field(default_factory=list)
    author: str | None = None
    date: datetime | None = None  #: aware; +08:00 when read
    date_as_written: str | None = None  #: only when the file's date is not in the seed's form
    lead_image: str | None = None
    body: str = ""  #: HTML inside the seed's ``<div>``, or the whole text of another Hexo post
    is_framed: bool = field(default=True, compare=False)  #: whether the body stood in the seed's ``<div>``
    keywords: list[str] = field(default_factory=list)  #: tags
    stocks: list[str] = field(default_factory=list)  #: those tags that are codes of stocks
    excerpt: str | None = None
    source: str | None = None  #: where the link to its source leads that we put at its end
    cover: str | None = None  #: the picture that another blog's header names
    ignored_keys: list[str] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)  #: texts and lists, of the keys asked for


class SeedHandler(BaseHandler):
    """Bounded safe YAML in, the seed's form out. Raises BadPost."""

    FM_BOUNDARY = _DELIMITER
    START_DELIMITER = END_DELIMITER = "---"

    def split(self, text: str) -> tuple[str, str]:
        """Header and content; python-frontmatter itself takes an unclosed header for no header."""
        opening = _DELIMITER.match(text)
        if opening is None:
            raise BadPost("no front matter")
        closing = _DELIMITER.search(text, opening.end(), opening.end() + MAX_HEADER + 8)
        if closing is None:
            raise BadPost("the header is not closed" + f" within {MAX_HEADER} bytes" * (len(text) > MAX_HEADER))
        header = text[opening.end() : closing.start()]
        if len(header.encode()) > MAX_HEADER:
            raise BadPost(f"the header is over {MAX_HEADER} bytes")
        return header, text[closing.end() :]

    def load(self, fm: str) -> dict[str, Value]:
        """Texts, lists and mappings of texts; escaped braces are braces again."""
        return load_mapping(unescape_braces(fm))

    def export(self, metadata: dict[str, object], **kwargs: object) -> str:
        """``verbatim=True`` leaves braces for ``format`` to escape as the predecessor did."""
        keep_braces = bool(kwargs.get("verbatim"))
        return "\n".join(_entry(key, value, keep_braces) for key, value in metadata.items())

    def format(self, post: frontmatter.Post, **kwargs: object) -> str:
        """The whole file: an empty first line, the seed's trailing spaces, no newline at the end."""
        header = self.export(post.metadata, **kwargs)
        text = f"\n---\n{header}\n---\n\n{BODY_START}{post.content}{BODY_END}\n{' ' * 12}"
        return text.replace("{", "&#123;").replace("}", "&#125;")


def unescape_braces(text: str) -> str:
    return text.replace("&#123;", "{").replace("&#125;", "}")


def _entry(key: str, value: object, keep_braces: bool) -> str:
    spell = bare if key in _BARE_KEYS else quoted
    if isinstance(value, bool):
        return f"{key}: {str(value).lower()}"
    if isinstance(value, list):
        lines = [f" - {spell(str(each), keep_braces=keep_braces)}" for each in value]
        return "\n".join([f"{key}: ", *lines] if lines else [f"{key}: []"])
    if key == "date" and value:  # spelled by writing.py, and read bare by Hexo
        return f"date: {value}"
    return f"{key}: {spell(str(value or ''), keep_braces=keep_braces)}"
