"""Where a post lies. Pure: names that work on Linux, macOS and Windows and in Hexo, whatever a title holds."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from datetime import datetime
from functools import lru_cache
from pathlib import PurePosixPath

from sinanews.dates import BEIJING
from sinanews.items import ArticleItem

SLUG_LENGTH = 40  #: characters
NAME_BYTES = 200  #: of a file name, in UTF-8
_NOT_SLUG = re.compile(r"[^0-9A-Za-z\u3400-\u4dbf\u4e00-\u9fff]+")
_BETWEEN_FIGURES = re.compile(rf"(?<=[0-9]){_NOT_SLUG.pattern}(?=[0-9])")
_THOUSANDS = re.compile(r"(?<![0-9.,])[0-9]{1,3}(?:,[0-9]{3})+(?![0-9,])")
#: Letters and digits of any script, and the marks that Sina's own categories use.
_NOT_FOLDER = re.compile(r"[^\w－—（）()·+ .-]+")
#: Windows' devices, which they are with any ending too.
_RESERVED = re.compile(r"(?i)^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?= *(\.|$))")
_SAFE_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


def slug(title: str) -> str:
    """Letters, digits and CJK of a title, a dash between two figures; may be empty. The id makes the name unique.

    ``slugOf`` in templates/report.js is the same.

    >>> slug('1-4月GDP增长5.2%：“超预期”'), slug('成交1,200亿元')
    ('1-4月GDP增长5-2超预期', '成交1200亿元')
    >>> slug('{{ }}')
    ''
    """
    plain = unicodedata.normalize("NFKC", _THOUSANDS.sub(lambda number: number[0].replace(",", ""), title))
    parts = _BETWEEN_FIGURES.split(plain)  # 5.2 is no 52
    return "-".join(_NOT_SLUG.sub("", part) for part in parts)[:SLUG_LENGTH].rstrip("-")


@lru_cache(maxsize=1000)  # articles share their categories
def folder(name: str) -> str:
    """A category as one folder name; never hidden, reserved, empty or a way out.

    >>> folder('新浪财经－国內'), folder('../..'), folder('CON'), folder('a/b')
    ('新浪财经－国內', 'other', 'CON_', 'a_b')
    """
    cleaned = _NOT_FOLDER.sub("_", unicodedata.normalize("NFC", name).replace("\x00", "")).strip(" ._")
    cleaned = _cut(cleaned, NAME_BYTES // 2).strip(" .") or "other"
    return _RESERVED.sub(r"\1_", cleaned)


def file_id(article_id: str) -> str:
    """The id as it stands in a file name: itself, or a digest where case or characters could collide.

    >>> file_id('imizmscv8626000'), file_id('../x')
    ('imizmscv8626000', 'id-d6b96a97d147daaa')
    """
    if _SAFE_ID.fullmatch(article_id):
        return article_id
    return "id-" + hashlib.sha256(article_id.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def post_path(item: ArticleItem) -> PurePosixPath:
    """Relative to the exports folder: categories, year, month of the Beijing date, then the file.

    Of a company's papers, which are few a month: categories, the share, year.
    """
    when = item.published_at or item.fetched_at or datetime(1970, 1, 1, tzinfo=BEIJING)
    day = when.astimezone(BEIJING)
    parts = (day.strftime("%Y-%m-%d"), slug(item.title), file_id(item.id))
    tail = f"-{parts[2]}.md"
    head = _cut("-".join(p for p in parts[:2] if p), NAME_BYTES - len(tail)).rstrip("-")
    dated = (item.stocks[0], f"{day:%Y}") if item.is_paper and item.stocks else (f"{day:%Y}", f"{day:%m}")
    return PurePosixPath(*(folder(c) for c in item.categories), *map(folder, dated), head + tail)


def _cut(text: str, size: int) -> str:
    """At most so many bytes of UTF-8, never half a character."""
    return text.encode("utf-8", "ignore")[:size].decode("utf-8", "ignore")
