"""Posts as a view of the catalogue: written anew from what it keeps, without asking the site."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection, Row, select

from sinanews.archive.old_posts import item_of_post
from sinanews.catalogue import Catalogue
from sinanews.catalogue.contents import unpack
from sinanews.catalogue.tables import articles, contents
from sinanews.cleaning.item import clean_item
from sinanews.exceptions import Refused
from sinanews.items import ArticleItem
from sinanews.pages import is_sinas
from sinanews.posts.exporter import PostRenderer, content_digest
from sinanews.posts.folder import ExportFolder

BATCH = 100  #: posts of one transaction
a, c = articles.c, contents.c
_CURRENT = (
    select(articles, c.data)
    .join_from(articles, contents, (c.article_id == a.id) & (c.revision == a.revision), isouter=True)
    .where(a.state == "exported", a.path.is_not(None))
    .order_by(a.id)
    .limit(BATCH)
)
What = Literal["written", "as it was", "edited", "not kept", "cannot be read"]


class Rewritten(NamedTuple):
    """What became of one post. edited: not overwritten, for it is not the one that sinanews wrote."""

    what: What
    article: str
    path: str
    why: str = ""


@dataclass
class Rewriter:
    """Writes posts from the catalogue. It may run beside crawls: each batch is a transaction of its own."""

    catalogue: Catalogue
    folder: ExportFolder
    render: PostRenderer
    force: bool = False  #: overwrite edited posts too, keeping them in ``.superseded``
    dry: bool = False  #: write nothing
    met: set[str] = field(default_factory=set)  #: by ``these``: those of the ids that are exported

    def all(self, now: datetime) -> Iterator[Rewritten]:
        """Every exported article, in the order of ids. Raises CatalogueError, ExportError."""
        after = ""
        while batch := self._batch(now, a.id > after):
            yield from batch
            after = batch[-1].article

    def these(self, ids: Collection[str], now: datetime) -> Iterator[Rewritten]:
        """Those of the articles that are exported. Raises CatalogueError, ExportError."""
        chosen = sorted(ids)
        for start in range(0, len(chosen), BATCH):
            batch = self._batch(now, a.id.in_(chosen[start : start + BATCH]))
            self.met.update(one.article for one in batch)
            yield from batch

    def _batch(self, now: datetime, *where: Any) -> list[Rewritten]:
        if not self.dry:
            self._keep_posts(now, *where)
        with self.catalogue.together() as connection:
            done = [self._one(connection, row) for row in connection.execute(_CURRENT.where(*where)).all()]
            self.folder.sync()  # the files last before the rows say so
        return done

    def _keep_posts(self, now: datetime, *where: Any) -> None:
        """Keep what only the posts of a batch have, in a commit before they are overwritten."""
        with self.catalogue.read() as connection:
            missing = [row for row in connection.execute(_CURRENT.where(*where)) if row.data is None]
        if not missing:
            return
        with self.catalogue.together() as connection:
            for row in missing:
                if (item := item_of_post(row, self.folder.root)) is not None:
                    self.catalogue.contents.put(connection, item, row.revision, row.exported_at or now)

    def _one(self, connection: Connection, row: Row[Any]) -> Rewritten:
        before = _read(self.folder.root / row.path)
        is_ours = before is not None and _digest(before) == row.file_digest
        try:
            item = self._item(row)
        except (ValueError, Refused) as error:
            return Rewritten("cannot be read", row.id, row.path, str(error))
        if item is None:
            return Rewritten("not kept", row.id, row.path)
        post = self.render(item)
        if before == post and is_ours:
            return Rewritten("as it was", row.id, row.path)
        is_edited = before is not None and not is_ours and before != post  # if equal, only its row is to be brought on
        if is_edited and not self.force:
            return Rewritten("edited", row.id, row.path)
        if not self.dry:
            if is_edited:
                self.folder.keep_copy(row.path)
            self.folder.write(row.path, post)
            digests = {"file_digest": _digest(post), "content_digest": content_digest(post)}
            connection.execute(articles.update().where(a.id == row.id).values(**digests))
        return Rewritten("written", row.id, row.path)

    def _item(self, row: Row[Any]) -> ArticleItem | None:
        """The article as it is to be written; of one that is not kept its own post, where that is as it was written."""
        if row.data is None:
            return item_of_post(row, self.folder.root)
        item, is_verbatim = unpack(row.data)
        return clean_item(item, sinas=is_sinas(item)) if is_verbatim and not self.render.verbatim else item


def is_edited(path: Path, digest: str | None, post: bytes) -> bool:
    """Whether what lies in a post's place is neither what sinanews wrote there nor what it is to be; one that is gone
    was not edited."""
    there = _read(path)
    return there is not None and _digest(there) != digest and there != post


def _read(path: Path) -> bytes | None:
    """What lies there; b"" for what is no file."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        return b""


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
