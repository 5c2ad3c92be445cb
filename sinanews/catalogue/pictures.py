"""The pictures that articles show, and where the archive's copies of them lie."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import func, select, update

from sinanews.catalogue.database import Database, again_where_lost
from sinanews.catalogue.tables import STORED, WANTED, articles, pictures

PER_ARTICLE = 10  #: rows read for each article that is looked for
TAKEN = timedelta(minutes=10)  #: that a worker has for the pictures of one article
SOON, WEEK = timedelta(minutes=30), timedelta(hours=168)
p = pictures.c


class PicturesWeight(NamedTuple):
    """How many there are, of how many bytes, and how many are still to be fetched."""

    files: int
    bytes: int
    wanted: int


@dataclass
class WantedPictures:
    """The pictures of one article that are to be fetched, and what becomes of them."""

    article_id: str
    page: str | None  #: its URL
    urls: list[str] = field(default_factory=list)
    paths: dict[str, str] = field(default_factory=dict)  #: url → where it lies, below the exports folder
    failures: dict[str, str] = field(default_factory=dict)  #: url → reason


class Pictures:
    """The pictures' side of a catalogue."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def want(self, article_id: str, urls: Collection[str], now: datetime) -> None:
        """Note the pictures that an article shows; those that were noted before stay as they are."""
        with self.database.begin() as connection:
            if connection.scalar(select(articles.c.state).where(articles.c.id == article_id)) == "forgotten":
                return
            rows = [{"article_id": article_id, "url": url, "attempts": 0, "next_try_at": now} for url in urls]
            self.database.insert_new(connection, pictures, rows)

    @again_where_lost
    def due(self, now: datetime, most: int, but: Collection[str] = ()) -> list[WantedPictures]:
        """Articles with pictures to be fetched now, those that waited longest first."""
        its = (WANTED, p.next_try_at <= now)
        first = select(p.article_id).where(*its, p.article_id.notin_(list(but))).order_by(p.next_try_at)
        found: dict[str, WantedPictures] = {}
        with self.database.read() as connection:
            ids = list(dict.fromkeys(connection.scalars(first.limit(most * PER_ARTICLE))))[:most]
            query = (
                select(p.article_id, p.url, articles.c.url.label("page"))
                .join_from(pictures, articles, articles.c.id == p.article_id, isouter=True)
                .where(*its, p.article_id.in_(ids))
            )
            for row in connection.execute(query):
                found.setdefault(row.article_id, WantedPictures(row.article_id, row.page)).urls.append(row.url)
        return list(found.values())

    @again_where_lost
    def path_of(self, url: str) -> str | None:
        """Where a picture lies that was fetched for any article."""
        with self.database.read() as connection:
            path: str | None = connection.scalar(select(p.path).where(p.url == url, p.path.is_not(None)).limit(1))
            return path

    def paths(self, article_id: str) -> dict[str, str]:
        """url → path, for those of an article's pictures that are here."""
        with self.database.read() as connection:
            query = select(p.url, p.path).where(p.article_id == article_id, p.path.is_not(None))
            return {row.url: row.path for row in connection.execute(query)}

    def take(self, article_id: str, now: datetime) -> bool:
        """Have other workers leave an article's pictures alone for a while; False where one of them was quicker."""
        change = update(pictures).where(p.article_id == article_id, WANTED, p.next_try_at <= now)
        with self.database.begin() as connection:
            return bool(connection.execute(change.values(next_try_at=now + TAKEN)).rowcount)

    def stored(self, article_id: str, url: str, path: str, size: int) -> bool:
        """Remember where a picture lies, of so many bytes; False where nobody wants it any more."""
        with self.database.begin() as connection:
            change = update(pictures).where(p.article_id == article_id, p.url == url)
            return bool(connection.execute(change.values(path=path, bytes=size, reason=None)).rowcount)

    def is_named(self, path: str) -> bool:
        """Whether any article shows what lies there."""
        with self.database.read() as connection:
            return connection.scalar(select(p.path).where(p.path == path).limit(1)) is not None

    def weight(self) -> PicturesWeight:
        """Equal ones count once."""
        files = select(p.path, func.max(p.bytes).label("bytes")).where(STORED).group_by(p.path).subquery()
        with self.database.read() as connection:
            number, size = connection.execute(select(func.count(), func.sum(files.c.bytes)).select_from(files)).one()
            return PicturesWeight(number, int(size or 0), connection.scalar(select(func.count()).where(WANTED)) or 0)

    def failed(self, article_id: str, url: str, reason: str, now: datetime) -> None:
        """Tried again half an hour later at the earliest, then less and less often, up to a week apart."""
        its = (p.article_id == article_id, p.url == url)
        with self.database.begin() as connection:
            attempts = (connection.scalar(select(p.attempts).where(*its)) or 0) + 1
            later = now + min(SOON * 2 ** min(attempts - 1, 12), WEEK)
            values = {"attempts": attempts, "reason": reason, "next_try_at": later}
            connection.execute(update(pictures).where(*its).values(**values))

    def all_paths(self) -> Sequence[str]:
        """Every path that any row names, each once."""
        with self.database.read() as connection:
            return [str(path) for path in connection.scalars(select(p.path).where(p.path.is_not(None)).distinct())]

    def lost(self, path: str, now: datetime) -> None:
        """A copy that is gone: to be fetched again."""
        with self.database.begin() as connection:
            connection.execute(update(pictures).where(p.path == path).values(path=None, next_try_at=now))
