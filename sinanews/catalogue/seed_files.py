"""Which article each local post file is, so that an edited file is an edit and not another article."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from sinanews.catalogue.database import Database
from sinanews.catalogue.tables import seed_files


@dataclass(frozen=True)
class SeedFile:
    """A file as it was when its article was last decided on."""

    root: str  #: the folder that was given; in the project relative to it
    path: str  #: under the root
    article_id: str
    digest: str  #: SHA-256
    size: int
    mtime_ns: int


class SeedFiles:
    """The files' side of the catalogue. Every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def all(self) -> list[SeedFile]:
        """Every file of every root, in a fixed order."""
        s = seed_files.c
        query = select(s.root, s.path, s.article_id, s.digest, s.size, s.mtime_ns).order_by(s.root, s.path)
        with self.database.read() as connection:
            return [SeedFile(*row) for row in connection.execute(query)]

    def keep(self, file: SeedFile) -> None:
        with self.database.begin() as connection:
            self.database.upsert(connection, seed_files, vars(file))

    def forget(self, root: str, path: str) -> None:
        """The file has moved; its article is known by another path."""
        with self.database.begin() as connection:
            its = (seed_files.c.root == root) & (seed_files.c.path == path)
            connection.execute(seed_files.delete().where(its))
