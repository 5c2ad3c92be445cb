"""Post -> bytes in the seed's form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timezone
from email.utils import format_datetime
from typing import Any

import frontmatter

from sinanews.dates import BEIJING
from sinanews.posts.extras import hexo_name
from sinanews.posts.seed import SEED_KEYS, Post, SeedHandler
from sinanews.posts.seed_yaml import without_surrogates

_KEY = re.compile(r"[a-z][a-z0-9_]*")
_BARE_DATE = re.compile(r"[\w,+/.-]+(?:[ :][\w,+/.-]+)*", re.ASCII)
_PRE = re.compile(r"(</?pre\b)", re.IGNORECASE)
_BEFORE_BLANK = re.compile(r"\n(?=[^\S\n]*(?:\n|$))")
_TAG = re.compile(r'<[a-zA-Z][^<>"]*(?:"[^"]*"[^<>"]*)+>')

# Text that Hexo's filters and Markdown would take for code or for a placeholder of theirs.
_HEXO_CODE = {"\ufffc": "&#65532;", "`": "&#96;", "~": "&#126;"}


def write_post(
    post: Post, *, verbatim: bool = False, extra: Mapping[str, Any] | None = None, beijing: bool = False
) -> bytes:
    """The file of a post; UTF-8, LF.

    ``verbatim`` keeps the body and the date as they came. ``extra``: keys to add after ``thumbnail``;
    texts, lists of texts, aware datetimes, bools or None. Raises ValueError for a key that is no
    plain name or is the seed's own, and for a datetime without a zone. ``beijing``: the date in Beijing's time.
    """
    image = post.lead_image or ""
    metadata: dict[str, object] = {
        "title": post.title,
        "categories": [hexo_name(name) for name in post.categories],
        "headimg": image,
        "author": post.author or "",
        "comments": False,
        "date": _date(post, verbatim, beijing),
        "thumbnail": image,
        **{_checked_key(key): _plain_value(value) for key, value in (extra or {}).items()},
    }
    body = without_surrogates(post.body).replace("\0", "\ufffd")
    document = frontmatter.Post(body if verbatim else _inert(body))
    document.metadata = metadata
    return frontmatter.dumps(document, SeedHandler(), verbatim=verbatim).encode()


def rfc1123(date: datetime) -> str:
    """``Thu, 01 Sep 2022 00:13:52 GMT``, in any locale. Raises ValueError for a naive datetime."""
    if date.tzinfo is None:
        raise ValueError("a datetime without a zone")
    return format_datetime(date.astimezone(timezone.utc), usegmt=True)


def _date(post: Post, verbatim: bool, beijing: bool) -> str:
    if verbatim and post.date_as_written and _BARE_DATE.fullmatch(post.date_as_written):
        return post.date_as_written
    if beijing and post.date:
        rfc1123(post.date)  # refuses a naive one
        return f"{post.date.astimezone(BEIJING):%Y-%m-%d %H:%M:%S}"  # Hexo's own form, in the zone of its _config.yml
    return rfc1123(post.date) if post.date else ""


def _checked_key(key: str) -> str:
    if key in SEED_KEYS or not _KEY.fullmatch(key):
        raise ValueError(f"cannot be a key of a post: {key!r}")
    return key


def _plain_value(value: Any) -> object:
    if isinstance(value, datetime):
        rfc1123(value)  # refuses a naive one
        return value.astimezone(BEIJING).isoformat()
    return list(value) if isinstance(value, tuple) else value


def _inert(body: str) -> str:
    """Sanitised HTML that Hexo passes through untouched: nothing for its filters, no end of raw HTML."""
    body = _TAG.sub(_without_inner_brackets, body.replace("\r\n", "\n").replace("\r", "\n"))
    for char, reference in _HEXO_CODE.items():
        body = body.replace(char, reference)
    return "\n".join(line for line in _with_pre_lines_joined(body).split("\n") if line.strip())


def _with_pre_lines_joined(body: str) -> str:
    """In ``<pre>`` a blank line is text: the line break before it becomes a reference."""
    parts = _PRE.split(body)  # text, tag, text, tag, text
    for index in range(2, len(parts), 2):
        if not parts[index - 1].startswith("</"):
            parts[index] = _BEFORE_BLANK.sub("&#10;", parts[index])
    return "".join(parts)


def _without_inner_brackets(match: re.Match[str]) -> str:
    """A ``<!-- more -->`` in an attribute would make Hexo cut the page in the middle of the tag."""
    return "<" + match[0][1:-1].replace("<", "&lt;").replace(">", "&gt;") + ">"
