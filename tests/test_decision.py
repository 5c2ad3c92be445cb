"""What becomes of an article, case by case."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sinanews.duplicates.decision import Alike, CopyOf, Decision, HasMore, Known, New, Revision, TakesOver, decide
from sinanews.duplicates.fingerprint import Likeness, fingerprint_of
from sinanews.items import ArticleItem, Fetch

TEXT = "。".join(f"第{n}家企业在城西新开了{n + 3}间厂房，雇用了附近村里的{n * 7}人" for n in range(30))
ALIKE = Likeness(similarity=0.8, containment=0.95, same_story=True, reason="text", longer=None)


def article(**values: object) -> ArticleItem:
    return ArticleItem(
        **{"id": "ia", "url": "https://finance.sina.com.cn/a.shtml", "title": "题", "body_text": TEXT, **values}
    )  # type: ignore[arg-type]


ITEM = article()
SKETCH = fingerprint_of(ITEM).sketch
assert SKETCH is not None
SAME = Alike("ib", ALIKE, SKETCH, "甲报")
CUT = Alike("ib", replace(ALIKE, longer="new"), replace(SKETCH, length=SKETCH.length // 2))
NAMES_US = Alike("ib", ALIKE, replace(SKETCH, credit="甲报"), "乙网")
OURS = Known(exported=True, path="a.md", revision=2)


@pytest.mark.parametrize(
    ("known", "policy", "expected"),
    [
        (Known(), "drop", New()),
        (OURS, "drop", Revision()),
        (Known(path=".superseded/a.md"), "drop", New()),
        (Known(same_url="ib", same_text="ic"), "drop", CopyOf("ib", "url")),
        (Known(same_text="ic"), "drop", CopyOf("ic", "text")),
        (Known(same_text="ic"), "mark", CopyOf("ic", "text", exported=True)),
        (Known(same_text="ic"), "keep", New()),
        (replace(OURS, same_text="ic"), "drop", CopyOf("ic", "text", exported=True)),
        (replace(OURS, same_story=SAME), "drop", CopyOf("ib", "story", 0.95, exported=True)),
        (Known(same_story=SAME), "drop", CopyOf("ib", "story", 0.95)),
        (Known(same_story=SAME), "mark", CopyOf("ib", "story", 0.95, exported=True)),
        (Known(same_story=SAME), "keep", New()),
        (Known(same_story=CUT), "drop", TakesOver("ib", "complete", 0.95)),
        (Known(same_story=CUT), "mark", CopyOf("ib", "story", 0.95, exported=True)),
        (replace(OURS, same_story=CUT), "drop", TakesOver("ib", "complete", 0.95)),
        (Known(same_text="ic", same_story=CUT), "drop", CopyOf("ic", "text")),
    ],
)  # fmt: skip
def test_what_becomes_of_an_article(known: Known, policy: str, expected: Decision) -> None:
    assert decide(known, ITEM, fingerprint_of(ITEM), policy) == expected


def test_the_medium_that_the_first_copy_names_is_the_original() -> None:
    item = article(media="甲报")
    assert decide(Known(same_story=NAMES_US), item, fingerprint_of(item), "drop") == TakesOver("ib", "original", 0.95)


def test_a_better_copy_that_lacks_something_stands_beside_the_first() -> None:
    assert TakesOver("ib", "complete", 0.9).beside() == CopyOf("ib", "story", 0.9, exported=True)


def test_a_row_of_the_live_feed_is_a_copy_of_nothing() -> None:
    item = article(kind="live")
    assert decide(Known(same_text="ic", same_story=SAME), item, fingerprint_of(item), "drop") == New()


@pytest.mark.parametrize(
    ("had", "has", "expected"),
    [
        (set(), {"2"}, HasMore()),
        ({"2"}, {"2", "3"}, HasMore()),
        ({"2"}, {"3"}, HasMore()),
        ({"2"}, set(), Revision()),
        ({"2", "3"}, {"2"}, Revision()),
        ({"2"}, {"2"}, Revision()),
    ],
)
def test_what_has_more_pages_is_not_replaced(had: set[str], has: set[str], expected: Decision) -> None:
    item = article()
    item.fetch = Fetch("ia", missing_pages=frozenset(has))
    assert decide(replace(OURS, missing_pages=frozenset(had)), item, fingerprint_of(item), "drop") == expected
    assert decide(Known(), item, fingerprint_of(item), "drop") == New(), "whatever is there is better than nothing"
