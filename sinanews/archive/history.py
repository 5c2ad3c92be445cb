"""What an edit changed: field by field and paragraph by paragraph. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from sinanews.items import ArticleItem

#: Fields that a reader may care for, in the order in which they are told; the text is compared by itself.
FIELDS = (
    "title", "original_title", "summary", "published_at", "updated_at", "media", "author", "editor", "keywords",
    "stocks", "images", "kind", "url", "categories", "incomplete",
)  # fmt: skip


@dataclass(frozen=True)
class Change:
    """One field that is not as it was. Of a list: what is there no more, and what is new."""

    field: str
    old: Any
    new: Any


@dataclass(frozen=True)
class Stretch:
    """Paragraphs that follow each other: as they were (``old`` is ``new``), or what stood there and what does now."""

    old: tuple[str, ...]
    new: tuple[str, ...]

    @property
    def is_change(self) -> bool:
        return self.old != self.new


def changed_fields(old: ArticleItem, new: ArticleItem) -> list[Change]:
    """
    >>> old, new = (ArticleItem("a", None, "题", keywords=words) for words in (["降准", "央行"], ["央行"]))
    >>> changed_fields(old, new)
    [Change(field='keywords', old=['降准'], new=[])]
    """
    return [Change(name, *_apart(getattr(old, name), getattr(new, name))) for name in FIELDS
            if getattr(old, name) != getattr(new, name)]  # fmt: skip


def _apart(old: Any, new: Any) -> tuple[Any, Any]:
    if not isinstance(old, list) or not isinstance(new, list) or set(old) == set(new):
        return old, new
    return [one for one in old if one not in new], [one for one in new if one not in old]


def changed_paragraphs(old: str, new: str) -> Iterator[Stretch]:
    """Two texts, paragraphs one a line, as stretches in their order; none where they are equal.

    >>> list(changed_paragraphs("一\\n二", "一\\n三"))
    [Stretch(old=('一',), new=('一',)), Stretch(old=('二',), new=('三',))]
    """
    before, after = old.split("\n"), new.split("\n")
    if before != after:
        for _, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
            yield Stretch(tuple(before[i:j]), tuple(after[k:m]))
