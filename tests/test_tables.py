"""Tables and bars on terminals of any width."""

from __future__ import annotations

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from sinanews.terminal.numbers import numbers_of_run
from sinanews.terminal.show import table

TITLE = "关于调整存款准备金率的公告\x1b[2J（第二号）" * 3
HEADINGS = ("id", "~title", "published", "?>similarity", "?media")
ROW = ("imizmscv8626000", TITLE, "2026-11-25 01:05", "98%", "上海证券报")


def printed(width: int, shown: object) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width, force_terminal=False).print(shown)
    return out.getvalue().splitlines()


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_table_fits_its_terminal(width: int) -> None:
    heading, line = printed(width, table(HEADINGS, [ROW]))
    assert cell_len(line) <= width
    assert ROW[0] in line and ROW[2] in line
    assert "…" in line
    assert "\x1b" not in line
    assert heading.split()[:3] == ["id", "title", "published"]


def test_what_matters_least_gives_way_first() -> None:
    assert printed(120, table(HEADINGS, [ROW]))[0].split() == ["id", "title", "published", "similarity", "media"]
    assert printed(56, table(HEADINGS, [ROW]))[0].split() == ["id", "title", "published", "similarity"]
    assert printed(50, table(HEADINGS, [ROW]))[0].split() == ["id", "title", "published"]


def test_a_table_without_rows_is_its_headings() -> None:
    assert [line.split() for line in printed(80, table(HEADINGS, []))] == [
        ["id", "title", "published", "similarity", "media"]
    ]


def test_the_end_of_a_run() -> None:
    shown = numbers_of_run({"articles/exported": 3, "refused/gone": 2, "refused/empty": 1, "articles/asked": 6})
    assert [line.split() for line in printed(60, shown)] == [
        ["articles", "number", "why"], ["new", "3"], ["refused", "3", "gone", "2,", "empty", "1"],
    ]  # fmt: skip
    assert numbers_of_run({}) is None
