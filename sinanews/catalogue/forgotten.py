"""Articles that were removed for good: what says so, and how every row of them goes."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Table, literal_column, select, update

from sinanews.catalogue.database import Database
from sinanews.catalogue.tables import (
    COPY,
    UNFINISHED,
    article_channels,
    article_stocks,
    articles,
    attachments,
    claims,
    contents,
    forgotten,
    pictures,
    revisions,
    search_docs,
    seed_files,
)
from sinanews.duplicates import index
from sinanews.prepared import Prepared

FORGOTTEN = "forgotten"  #: state of such an article's row
#: What has rows of an article by its id; its originals go with their files.
OF_ARTICLES: tuple[Table, ...] = (
    article_channels, article_stocks, attachments, claims, contents, pictures, revisions, search_docs, seed_files
)  # fmt: skip
#: The columns that stay of its row.
KEPT = {"id", "state", "detail", "first_seen_at", "recorded_at", "revision", "attempts", "answers"}
a, g = articles.c, forgotten.c
_ANY = Prepared(select(g.digest).limit(literal_column("1")))


def digest_of(kind: str, value: str) -> str:
    """SHA-256 of an address (``url``) or of the catalogue's digest of a text (``text``): neither can be read there."""
    return hashlib.sha256(f"{kind}:{value}".encode("utf-8", "surrogatepass")).hexdigest()


def _digests(url: str | None, text_digest: str | None) -> list[str]:
    return [digest_of(kind, value) for kind, value in (("url", url), ("text", text_digest)) if value]


class ForgottenArticles:
    """Their side of a catalogue."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def any(self) -> bool:
        """Whether there is any that is recognised by its address or text; most archives have none."""
        with self.database.read() as connection:
            return _ANY.run(connection, {}).first() is not None

    def has(self, article_id: str) -> bool:
        with self.database.read() as connection:
            return connection.scalar(select(a.state).where(a.id == article_id)) == FORGOTTEN

    def by_digest(self, url: str | None, text_digest: str | None = None) -> str | None:
        """The id under which an article with that address, or that text, was forgotten."""
        wanted = _digests(url, text_digest)
        if not wanted:
            return None
        with self.database.read() as connection:
            return connection.scalar(select(g.article_id).where(g.digest.in_(wanted)).limit(1))

    def at(self, urls: Collection[str]) -> dict[str, str]:
        """url → id, of those of the addresses at which an article was that is forgotten."""
        wanted = {digest_of("url", url): url for url in urls}
        with self.database.read() as connection:
            rows = connection.execute(select(g.digest, g.article_id).where(g.digest.in_(wanted))).all()
        return {wanted[row.digest]: row.article_id for row in rows}

    def among(self, ids: Collection[str]) -> set[str]:
        with self.database.read() as connection:
            return set(connection.scalars(select(a.id).where(a.id.in_(ids), a.state == FORGOTTEN)))

    def digests(self, article_id: str) -> list[str]:
        """What it is recognised by under other ids, in a fixed order."""
        with self.database.read() as connection:
            return list(connection.scalars(select(g.digest).where(g.article_id == article_id).order_by(g.digest)))

    # --- how it becomes one ------------------------------------------------------------------------------

    def that_go_with(self, row: Row[Any]) -> list[Row[Any]]:
        """Rows that say the same of it: copies without a post of their own, its address listed under another id."""
        with self.database.read() as connection:
            copies = select(articles).where(COPY, a.duplicate_of == row.id, a.state != "exported")
            found = {one.id: one for one in connection.execute(copies)}
            if row.url:
                same = select(articles).where(a.url == row.url, UNFINISHED)
                found |= {one.id: one for one in connection.execute(same)}
        found.pop(row.id, None)
        return list(found.values())

    def copies_that_stay(self, article_id: str) -> list[str]:
        """The ids of its copies that are posts of their own."""
        with self.database.read() as connection:
            query = select(a.id).where(COPY, a.duplicate_of == article_id, a.state == "exported").order_by(a.id)
            return list(connection.scalars(query))

    def mark(self, connection: Connection, row: Row[Any], others: Iterable[Row[Any]], why: str, now: datetime) -> None:
        """From this commit on they are forgotten: nobody asks for them, writes or finds them. What there is of them is
        still named, so that it can be removed; ``scrub`` takes that."""
        for one in (row, *others):
            its = None if one.id == row.id else row.id
            gone = {"state": FORGOTTEN, "reason": None, "detail": why or None, "duplicate_of": its}
            gone |= {"recorded_at": now, "missing_pages": None, "next_try_at": None}
            connection.execute(update(articles).where(a.id == one.id).values(**gone))
            index.remove(connection, one.id)
            old = select(revisions.c.text_digest).where(revisions.c.article_id == one.id)
            texts = {one.text_digest, *connection.scalars(old)} - {None}
            self.remember(connection, one.id, [*_digests(one.url, None), *(digest_of("text", t) for t in texts if t)])
        alone = {"duplicate_of": None, "reason": None, "similarity": None}
        stay = (COPY, a.duplicate_of == row.id, a.state == "exported")
        connection.execute(update(articles).where(*stay).values(**alone))

    def remember(self, connection: Connection, article_id: str, digests: Sequence[str]) -> None:
        self.database.insert_new(connection, forgotten, [{"digest": d, "article_id": article_id} for d in digests])

    def restore(self, article_id: str, why: str | None, at: datetime, digests: Sequence[str]) -> None:
        """What a catalogue that was lost knew of one."""
        with self.database.begin() as connection:
            row = {"id": article_id, "state": FORGOTTEN, "detail": why, "revision": 0, "attempts": 0, "answers": 0}
            self.database.upsert(connection, articles, {**row, "recorded_at": at, "first_seen_at": at})
            self.remember(connection, article_id, digests)

    def go_with(self, article_id: str, ids: Collection[str], now: datetime) -> None:
        """The same article was met under other ids: they are forgotten too."""
        with self.database.begin() as connection:
            for one in ids:
                row = {"id": one, "state": FORGOTTEN, "detail": f"the same as {article_id}", "recorded_at": now}
                fresh = {"first_seen_at": now, "revision": 0, "attempts": 0, "answers": 0}
                self.database.upsert(connection, articles, row, fresh)
            self.scrub(connection, list(ids))

    def scrub(self, connection: Connection, ids: Sequence[str]) -> None:
        """Everything else of them goes."""
        for table in OF_ARTICLES:
            connection.execute(table.delete().where(table.c.article_id.in_(ids)))
        nothing: dict[str, Any] = {column.name: None for column in articles.columns if column.name not in KEPT}
        nothing |= {"revision": 0, "attempts": 0, "answers": 0, "first_seen_at": a.recorded_at}
        connection.execute(update(articles).where(a.id.in_(ids)).values(**nothing))

    def pictures_of(self, connection: Connection, ids: Sequence[str]) -> list[str]:
        """Where their pictures lie, but for those that other articles show too."""
        p = pictures.c
        paths = select(p.path).where(p.article_id.in_(ids), p.path.is_not(None))
        others = select(p.path).where(p.path.in_(paths), p.article_id.notin_(ids))
        return sorted(set(connection.scalars(paths)) - set(connection.scalars(others)))

    def documents_of(self, connection: Connection, ids: Sequence[str]) -> list[str]:
        its = select(attachments.c.path).where(attachments.c.article_id.in_(ids), attachments.c.path.is_not(None))
        return list(connection.scalars(its))
