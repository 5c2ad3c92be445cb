"""Articles as files that other programs read: a class for each form, a row in FORMATS for each ending."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TextIO

from sinanews.exceptions import ArgumentError
from sinanews.out.articles import Article
from sinanews.posts.exporter import PostRenderer, no_formula, printable
from sinanews.posts.seed_yaml import without_surrogates

#: What a table shows of an article, in this order; docs/data.md says what each is.
COLUMNS: tuple[str, ...] = tuple(field.name for field in fields(Article) if field.name != "item")
#: The columns that are no text.
TIMES = frozenset({"published_at", "updated_at", "fetched_at", "stored_at"})
LISTS = frozenset({"keywords", "stocks", "channels", "categories", "images"})
ROWS, CHARACTERS = 5_000, 4_000_000  #: of one row group of Parquet, at most; so much is in memory at once
LIST_MARK = "; "  #: between the words of a list in a cell


class Table(Protocol):
    """A file that articles are written to, one after the other; ``close`` completes it."""

    def __init__(self, path: Path) -> None: ...
    def write(self, article: Article) -> None: ...
    def close(self) -> None: ...


def columns_of(article: Article) -> dict[str, Any]:
    """The columns of an article; its texts are such as UTF-8 can hold."""
    return {name: _whole(getattr(article, name)) for name in COLUMNS}


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return without_surrogates(value)
    return [without_surrogates(each) for each in value] if isinstance(value, tuple) else value


def opened(path: Path, encoding: str = "utf-8") -> TextIO:
    """A text file to write, packed if its name says so; the same text makes the same bytes."""
    if path.name.endswith(".gz"):
        return io.TextIOWrapper(_Packed(path), encoding=encoding, newline="")
    return path.open("w", encoding=encoding, newline="")


class _Packed(gzip.GzipFile):
    """Without the name and time that gzip would write into it: the file's name is not its own yet."""

    def __init__(self, path: Path) -> None:
        self.packed = path.open("wb")
        super().__init__(filename="", mode="wb", fileobj=self.packed, compresslevel=6, mtime=0)

    def close(self) -> None:
        super().close()
        self.packed.close()


class JsonLines:
    """An object a line; times as ISO 8601 with Beijing's offset."""

    def __init__(self, path: Path) -> None:
        self.file = opened(path)

    def write(self, article: Article) -> None:
        self.file.write(json.dumps(columns_of(article), ensure_ascii=False, default=datetime.isoformat) + "\n")

    def close(self) -> None:
        self.file.close()


class Csv:
    """For spreadsheets: begins with the mark by which they know UTF-8; no cell is a formula, or holds a control
    character; a list is one cell."""

    def __init__(self, path: Path) -> None:
        self.file = opened(path, "utf-8-sig")
        self.rows = csv.writer(self.file)
        self.rows.writerow(COLUMNS)

    def write(self, article: Article) -> None:
        self.rows.writerow([cell(value) for value in columns_of(article).values()])

    def close(self) -> None:
        self.file.close()


def cell(value: Any) -> Any:
    """
    >>> cell(["降准", "=1+2"]), cell("＝1"), cell(None), cell(True)
    ('降准; =1+2', "'＝1", None, 1)
    """
    if isinstance(value, list):
        value = LIST_MARK.join(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return int(value) if isinstance(value, bool) else no_formula(printable(value))


class Posts:
    """Posts in the seed's form, one after the other: something to read."""

    def __init__(self, path: Path) -> None:
        self.file, self.render = path.open("wb"), PostRenderer()

    def write(self, article: Article) -> None:
        self.file.write(self.render(article.item).strip() + b"\n\n")

    def close(self) -> None:
        self.file.close()


class Parquet:
    """Columns with types: times with their zone, lists as lists."""

    def __init__(self, path: Path) -> None:
        self.arrow, parquet = arrow()
        self.schema = self.arrow.schema([(name, self._type(name)) for name in COLUMNS])
        self.file = parquet.ParquetWriter(path, self.schema, compression="zstd")
        self.rows: list[dict[str, Any]] = []
        self.characters = 0

    def _type(self, name: str) -> Any:
        if name in TIMES:
            return self.arrow.timestamp("us", tz="Asia/Shanghai")
        numbers = {"similarity": "float64", "revision": "int32", "incomplete": "bool_"}
        plain = getattr(self.arrow, numbers.get(name, "string"))()
        return self.arrow.list_(plain) if name in LISTS else plain

    def write(self, article: Article) -> None:
        self.rows.append(columns_of(article))
        self.characters += len(article.body_html) + len(article.body_text)
        if len(self.rows) >= ROWS or self.characters >= CHARACTERS:
            self._flush()

    def _flush(self) -> None:
        self.file.write_table(self.arrow.Table.from_pylist(self.rows, schema=self.schema))
        self.rows, self.characters = [], 0

    def close(self) -> None:
        if self.rows:
            self._flush()
        self.file.close()


def arrow() -> tuple[Any, Any]:
    """pyarrow and its Parquet. Raises ArgumentError where they are not installed."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise ArgumentError("Parquet needs pyarrow: pip install 'sinanews[data]'") from None
    return pyarrow, pyarrow.parquet


#: ending → what writes it; the first that fits counts
FORMATS: dict[str, Callable[[Path], Table]] = {
    ".parquet": Parquet,
    ".jsonl": JsonLines,
    ".jsonl.gz": JsonLines,
    ".csv": Csv,
    ".csv.gz": Csv,
    ".md": Posts,
}


def format_of(path: Path) -> Callable[[Path], Table]:
    """Raises ArgumentError for an ending that is none of ours."""
    found = next((table for ending, table in FORMATS.items() if path.name.lower().endswith(ending)), None)
    if found is None:
        raise ArgumentError(f"{path.name}: no form of that ending; write one of {', '.join(FORMATS)}, or a folder")
    return found
