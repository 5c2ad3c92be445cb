"""A table that fits its terminal; see ``show.table``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from sinanews.terminal.show import plain

GAP = 2  #: columns of the terminal between two of the table
LEAST = 8  #: to which a title is shortened


@dataclass
class _Column:
    heading: Text
    cells: list[Text]
    right: bool
    shrinks: bool
    may_go: bool

    def __post_init__(self) -> None:
        self.width = max(text.cell_len for text in (self.heading, *self.cells))


class FittingTable:
    """Drawn for the width that there is when it is printed."""

    def __init__(self, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        texts = [[cell if isinstance(cell, Text) else Text(plain(cell)) for cell in row] for row in rows]
        columns = list(zip(*texts, strict=True)) or [()] * len(headings)
        self.headings, self.columns = headings, columns

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        made = Table(box=None, pad_edge=False)
        fitted = self._fitted(options.max_width)
        for column in fitted:
            justify = "right" if column.right else "left"
            made.add_column(column.heading, justify=justify, no_wrap=True, width=column.width)  # type: ignore[arg-type]
        for row in zip(*(column.cells for column in fitted), strict=True):
            made.add_row(*row)
        yield made

    def _fitted(self, room: int) -> list[_Column]:
        columns = [_column(*both) for both in zip(self.headings, self.columns, strict=True)]
        while _excess(columns, room) > sum(c.width - LEAST for c in columns if c.shrinks and c.width > LEAST):
            last = next((column for column in reversed(columns) if column.may_go), None)
            if last is None:
                break
            columns.remove(last)
        while (excess := _excess(columns, room)) > 0:
            widest = max((c for c in columns if c.shrinks and c.width > LEAST), key=lambda c: c.width, default=None)
            if widest is None:
                break
            widest.width = max(LEAST, widest.width - excess)
        return columns


def _column(heading: str, cells: Sequence[Text]) -> _Column:
    name = heading.lstrip(">~?")
    marks = heading[: len(heading) - len(name)]
    cells = [cell.copy() for cell in cells]
    for cell in cells:
        cell.overflow = "ellipsis"
    return _Column(Text(name, "bold"), cells, ">" in marks, "~" in marks, "?" in marks)


def _excess(columns: Sequence[_Column], room: int) -> int:
    return sum(column.width for column in columns) + GAP * (len(columns) - 1) - room
