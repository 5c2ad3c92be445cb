"""Bytes of a post -> Post. Raises BadPost, with one line, for whatever cannot be read."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from html import unescape

import frontmatter

from sinanews.dates import BEIJING
from sinanews.exceptions import BadPost
from sinanews.posts.bounded_yaml import Value
from sinanews.posts.extras import EXCERPT, apart, without_link
from sinanews.posts.seed import BODY_END, BODY_START, MAX_HEADER, SEED_KEYS, Post, SeedHandler, unescape_braces
from sinanews.posts.writing import rfc1123

__all__ = ["MAX_FILE", "MAX_HEADER", "read_post"]

TAGS = "tags"
COVERS = ("cover", "banner", "banner_img", "index_img", "top_img", "image", "feature", "featured_image", "photo")
MAX_FILE = 8 * 1024 * 1024  #: bytes

_NUMERIC_DATE = re.compile(
    r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})"
    r"(?:(?:[Tt]| +)(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?)? *(Z|z|GMT|UTC|[+-]\d{2}:?\d{2})?",
    re.ASCII,
)


def read_post(data: bytes, *, extra: Collection[str] = (), max_bytes: int = MAX_FILE) -> Post:
    """Read the seed format in all its variants, and any other Hexo post.

    Keys that are neither the seed's nor named in ``extra`` are named in ``ignored_keys`` and not copied.
    """
    text = _decoded(data, max_bytes)
    found, content = frontmatter.parse(text, handler=SeedHandler())
    metadata: dict[str, Value] = found  # type: ignore[assignment]  # it is what SeedHandler.load returned
    date, date_as_written = _date(metadata.get("date", ""))
    read = (*SEED_KEYS, *extra, TAGS, EXCERPT, *COVERS)
    ignored = [key for key in metadata if key not in read]
    is_framed, body = _unwrapped(content)
    body, source = without_link(unescape_braces(body)) if is_framed else (body, None)
    keywords, stocks = apart(_keywords(metadata.get(TAGS, "")))
    return Post(
        title=_title(metadata.get("title")),
        categories=_categories(metadata.get("categories", "")),
        author=_text(metadata, "author", ignored),
        date=date,
        date_as_written=date_as_written,
        lead_image=_text(metadata, "headimg", ignored) or _text(metadata, "thumbnail", ignored),
        body=body,
        is_framed=is_framed,
        keywords=keywords,
        stocks=stocks,
        excerpt=unescape(_text(metadata, EXCERPT, ignored) or "") or None,
        source=source,
        cover=next((cover for key in COVERS if (cover := _cover(metadata.get(key)))), None),
        ignored_keys=ignored,
        extra={key: metadata[key] for key in metadata if key in extra and key not in SEED_KEYS},
    )


def _decoded(data: bytes, max_bytes: int) -> str:
    if len(data) > max_bytes:
        raise BadPost(f"the file is over {max_bytes} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadPost(f"not UTF-8 at byte {error.start}") from error
    if "\0" in text:
        raise BadPost("the file holds NUL characters")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _unwrapped(content: str) -> tuple[bool, str]:
    """Whether the content stands in the seed's frame, and what stands in it."""
    is_wrapped = content.startswith(BODY_START) and content.endswith(BODY_END)
    if is_wrapped and len(content) >= len(BODY_START) + len(BODY_END):
        return True, content[len(BODY_START) : -len(BODY_END)]
    return False, content


def _keywords(value: Value) -> list[str]:
    """A text, or a list of them; anything else in it is none."""
    texts = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return list(dict.fromkeys(text.strip() for text in texts if isinstance(text, str) and text.strip()))


def _cover(value: Value | None) -> str | None:
    """A picture's address; themes take ``false``, a colour or a number there too."""
    if isinstance(value, dict):  # Jekyll's image: {path: …}
        value = next((value[key] for key in ("path", "url", "feature") if key in value), None)
    is_address = isinstance(value, str) and re.fullmatch(
        r"\S*[/.]\S+\.\S+|\S+/\S+|\S+\.(?:jpe?g|png|gif|webp)", value.strip(), re.I
    )
    return value.strip() if is_address and isinstance(value, str) else None


def date_in_name(name: str) -> datetime | None:
    """The day that a file name such as Jekyll's ``2019-05-01-title.md`` begins with.

    >>> date_in_name("2019-05-01-title.md"), date_in_name("2019-13-01-title.md"), date_in_name("2019.md")
    (datetime.datetime(2019, 5, 1, 0, 0, tzinfo=datetime.timezone(datetime.timedelta(seconds=28800))), None, None)
    """
    match = re.match(r"(\d{4})-(\d{1,2})-(\d{1,2})[-_.]", name, re.ASCII)
    try:
        return datetime(*map(int, match.groups()), tzinfo=BEIJING) if match else None  # type: ignore[arg-type,misc]
    except ValueError:
        return None


def _title(value: Value | None) -> str:
    if not isinstance(value, str | None):
        raise BadPost("the title is not a text")
    if not value or not value.strip():
        raise BadPost("no title")
    return value


def _text(metadata: dict[str, Value], key: str, ignored: list[str]) -> str | None:
    value = metadata.get(key, "")
    if isinstance(value, str):
        return value or None
    ignored.append(key)
    return None


def _categories(value: Value) -> list[str]:
    """A text, a list, or Hexo's lists of lists, flat."""
    if isinstance(value, str):
        return [value] if value else []
    if isinstance(value, dict):
        raise BadPost("the categories are not texts")
    return [text for each in value for text in _categories(each)]


def _date(value: Value) -> tuple[datetime | None, str | None]:
    """The time in Beijing, and the text where it is not the seed's form; no zone means Beijing's."""
    if not isinstance(value, str):
        raise BadPost("the date is not a text")
    if not value:
        return None, None
    try:
        date = _parsed_date(value.strip()).astimezone(BEIJING)
        return date, None if value == rfc1123(date) else value
    except (ValueError, TypeError, IndexError, OverflowError) as error:
        raise BadPost(f"not a date: {' '.join(value.split())[:60]!r}") from error


def _parsed_date(text: str) -> datetime:
    match = _NUMERIC_DATE.fullmatch(text)
    if match is None:
        date = parsedate_to_datetime(text)
        return date if date.tzinfo else date.replace(tzinfo=BEIJING)
    numbers = [int(group or 0) for group in match.groups()[:6]]
    return datetime(*numbers, tzinfo=_zone(match[7]))  # type: ignore[arg-type,misc]  # six numbers


def _zone(text: str | None) -> timezone:
    if text is None:
        return BEIJING
    if text[0] not in "+-":
        return timezone.utc
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return timezone(offset if text[0] == "+" else -offset)
