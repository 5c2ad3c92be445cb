"""Which article each local post file is, so that an edited file is an edit and not another article."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from sqlalchemy import select

from sinanews.catalogue.database import Database, again_where_lost
from sinanews.catalogue.tables import UNFINISHED, articles, seed_files
from sinanews.posts.seed_identity import SeedFile

s, a = seed_files.c, articles.c


class SeedFiles:
    """The files' side of the catalogue. Every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @again_where_lost
    def known(self) -> tuple[list[SeedFile], set[str]]:
        """Every file of every root in a fixed order, and those of their articles that are done."""
        columns = (s.root, s.path, s.article_id, s.digest, s.size, s.mtime_ns)
        done = (a.id.is_not(None) & ~UNFINISHED).label("done")
        query = select(*columns, done).join_from(seed_files, articles, a.id == s.article_id, isouter=True)
        with self.database.read() as connection:
            rows = connection.execute(query.order_by(s.root, s.path)).all()
        return [SeedFile(*row[:-1]) for row in rows], {row.article_id for row in rows if row.done}

    def keep(self, file: SeedFile, left: Iterable[str] = ()) -> None:
        """Remember a file; ``left``: paths of its root at which it was and is no more."""
        with self.database.begin() as connection:
            self.database.upsert(connection, seed_files, asdict(file))
            for path in left:
                connection.execute(seed_files.delete().where(s.root == file.root, s.path == path))
