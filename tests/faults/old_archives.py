"""Archives as sinanews 1.0.0 left them, of any size: the committed one, and as many articles more in the same form."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from sinanews.posts.exporter import content_digest
from tests.conftest import TemporaryArchive
from tests.test_catalogue import OLD

ROOMS = "live-152-"


def make_old_archive(archive: TemporaryArchive, articles: int) -> None:
    """So many exported articles; all but the committed ones are like one of these, with a text and an id of their own."""
    shutil.copytree(OLD, archive.exports, ignore=shutil.ignore_patterns("*.sql"))
    with closing(sqlite3.connect(archive.database)) as connection:
        connection.executescript((OLD / "catalogue.sql").read_text("utf-8"))
        rows = list(_rows(connection, "SELECT * FROM articles WHERE state = 'exported' AND id NOT LIKE 'seed-%'"))
        have = connection.execute("SELECT count(*) FROM articles WHERE state = 'exported'").fetchone()[0]
        more = [_like(rows[number % len(rows)], number, archive.exports) for number in range(articles - have)]
        _insert(connection, "articles", more)
        ids = [row["id"] for row in more]
        _insert(connection, "article_channels", [{"article_id": row["id"], "channel": row["channel"]} for row in more])
        sketch, first = connection.execute("SELECT max(sketch), max(ref) + 1 FROM stories").fetchone()
        stories = [{"ref": first + n, "article_id": one, "sketch": sketch} for n, one in enumerate(ids)]
        _insert(connection, "stories", stories)
        keys = [{"key": 12 * n + slot, "ref": first + n} for n in range(len(ids)) for slot in range(12)]
        _insert(connection, "story_keys", keys)
        connection.commit()


def _rows(connection: sqlite3.Connection, query: str) -> Iterator[dict[str, Any]]:
    cursor = connection.execute(query)
    names = [name for name, *_ in cursor.description]
    yield from (dict(zip(names, row, strict=True)) for row in cursor)


def _like(row: dict[str, Any], number: int, exports: Path) -> dict[str, Any]:
    """A row like that one, its post written; addresses and ids of Sina's form."""
    old, new = row["id"], f"{ROOMS}{number}" if row["id"].startswith(ROOMS) else f"imold{number:09}"
    data = (exports / row["path"]).read_bytes().replace("。".encode(), f"，第{number}回。".encode(), 1)
    path = row["path"].replace(old, new)
    (exports / path).write_bytes(data)
    changed = {
        "id": new,
        "path": path,
        "url": row["url"] and f"https://finance.sina.com.cn/roll/2026-11-20/doc-{new}.shtml",
        "file_digest": hashlib.sha256(data).hexdigest(),
        "content_digest": content_digest(data),
        "text_digest": f"{number:032x}",
    }
    return {**row, **changed}


def _insert(connection: sqlite3.Connection, table: str, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        names = ", ".join(rows[0])
        places = ", ".join("?" * len(rows[0]))
        values = [tuple(row.values()) for row in rows]
        connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({places})", values)
