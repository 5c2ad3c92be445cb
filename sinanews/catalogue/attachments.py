"""The documents that announcements are: which are to be fetched, and where those lie that were."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Row, and_, or_, select, update

from sinanews.catalogue.database import Database, again_where_lost
from sinanews.catalogue.tables import PENDING, articles, attachments

TRIES = 5  #: runs that fail to get a document; then it is given up
c = attachments.c


class AttachmentRows:
    """The attachments' side of a catalogue."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def expect(self, article_id: str, urls: Sequence[str]) -> None:
        """These are to be fetched, unless they were."""
        fresh = {"article_id": article_id, "state": "pending", "attempts": 0}
        with self.database.begin() as connection:
            rows = [{**fresh, "number": number, "url": url} for number, url in enumerate(urls, 1)]
            self.database.insert_new(connection, attachments, rows)

    @again_where_lost
    def due(self, after: tuple[str, int], most: int) -> Sequence[Row[tuple[str, int, str, str]]]:
        """article_id, number, url, and the path of the post of those to be fetched, behind the one named."""
        article_id, number = after
        behind = or_(c.article_id > article_id, and_(c.article_id == article_id, c.number > number))
        query = select(c.article_id, c.number, c.url, articles.c.path)
        query = query.join_from(attachments, articles, articles.c.id == c.article_id)
        query = query.where(PENDING, behind, articles.c.state == "exported", articles.c.path.is_not(None))
        with self.database.read() as connection:
            return connection.execute(query.order_by(c.article_id, c.number).limit(most)).all()

    def stored(self, article_id: str, number: int, path: str, digest: str) -> None:
        self._set(article_id, number, state="stored", path=path, digest=digest, reason=None)

    def failed(self, article_id: str, number: int, reason: str) -> None:
        """Once more; it is given up after so many."""
        its = (c.article_id == article_id, c.number == number)
        with self.database.begin() as connection:
            tries = connection.scalar(select(c.attempts).where(*its)) or 0
        state = "pending" if tries + 1 < TRIES else "given_up"
        self._set(article_id, number, state=state, attempts=tries + 1, reason=reason)

    def _set(self, article_id: str, number: int, **values: object) -> None:
        with self.database.begin() as connection:
            its = (c.article_id == article_id, c.number == number)
            connection.execute(update(attachments).where(*its).values(**values))
