"""Posts as a view of the catalogue: written anew from what it keeps, without asking the site."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection, Row, or_, select

from sinanews.archive.copies import copies_for
from sinanews.archive.old_posts import item_of_post
from sinanews.catalogue import Catalogue
from sinanews.catalogue.contents import unpack
from sinanews.catalogue.tables import ASIDE, articles, contents
from sinanews.cleaning.item import clean_item
from sinanews.exceptions import Refused
from sinanews.pages import is_sinas
from sinanews.posts.exporter import PostRenderer, content_digest
from sinanews.posts.folder import ExportFolder

BATCH = 100  #: posts of one transaction
a, c = articles.c, contents.c
_CURRENT = (
    select(articles, c.data)
    .join_from(articles, contents, (c.article_id == a.id) & (c.revision == a.revision), isouter=True)
    .where(a.path.is_not(None))
    .order_by(a.id)
    .limit(BATCH)
)
EXPORTED = a.state == "exported"
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
    restore: bool = False  #: posts as they were written, whatever is set now; those that were set aside too
    dry: bool = False  #: write nothing
    met: set[str] = field(default_factory=set)  #: by ``these``: those of the ids that have a post

    def all(self, now: datetime) -> Iterator[Rewritten]:
        """Every exported article, in the order of ids. Raises CatalogueError, ExportError."""
        after = ""
        while batch := self._batch(now, EXPORTED, a.id > after):
            yield from batch
            after = batch[-1].article

    def these(self, ids: Collection[str], now: datetime) -> Iterator[Rewritten]:
        """Those of the articles that are exported. Raises CatalogueError, ExportError."""
        chosen, its = sorted(ids), or_(EXPORTED, ASIDE) if self.restore else EXPORTED
        for start in range(0, len(chosen), BATCH):
            batch = self._batch(now, its, a.id.in_(chosen[start : start + BATCH]))
            self.met.update(one.article for one in batch)
            yield from batch

    def _batch(self, now: datetime, *where: Any) -> list[Rewritten]:
        """Looks first, keeping nobody waiting: mostly there is nothing to write."""
        with self.catalogue.read() as connection:
            rows = connection.execute(_CURRENT.where(*where)).all()
        done = {row.id: self._look(row)[0] for row in rows}
        to_write = [one.article for one in done.values() if one.what == "written"]
        if not self.dry:
            self._keep_posts(now, [row for row in rows if row.data is None])
        if to_write and not self.dry:
            with self.catalogue.together() as connection:
                again = connection.execute(_CURRENT.where(*where, a.id.in_(to_write))).all()  # as they are by now
                done |= {row.id: self._write(connection, row) for row in again}
                self.folder.sync()  # the files last before the rows say so
        return list(done.values())

    def _keep_posts(self, now: datetime, missing: Sequence[Row[Any]]) -> None:
        """Keep what only the posts of a batch have, in a commit before they are overwritten."""
        if not missing:
            return
        with self.catalogue.together() as connection:
            for row in missing:
                if (item := item_of_post(row, self.folder.root)) is not None:
                    self.catalogue.contents.put(connection, item, row.revision, row.exported_at or now)

    def _look(self, row: Row[Any]) -> tuple[Rewritten, bytes]:
        """What is to become of a post, and the post as it is to be, where it is to be written."""
        before = self.folder.read(row.path)
        is_ours = before is not None and _digest(before) == row.file_digest
        try:
            post = self._post(row)
        except (ValueError, Refused) as error:
            return Rewritten("cannot be read", row.id, row.path, str(error)), b""
        if post is None:
            return Rewritten("not kept", row.id, row.path), b""
        if before == post and is_ours:
            return Rewritten("as it was", row.id, row.path), b""
        is_edited = before is not None and not is_ours and before != post  # if equal, only its row is to be brought on
        if is_edited and not self.force:
            return Rewritten("edited", row.id, row.path), b""
        return Rewritten("written", row.id, row.path, "edited" * is_edited), post

    def _write(self, connection: Connection, row: Row[Any]) -> Rewritten:
        found, post = self._look(row)
        if found.what != "written":
            return found
        if found.why:
            self.folder.keep_copy(row.path)
        self.folder.write(row.path, post)
        if (digest := _digest(post)) != row.file_digest:
            digests = {"file_digest": digest, "content_digest": content_digest(post)}
            connection.execute(articles.update().where(a.id == row.id).values(**digests))
        return found

    def _post(self, row: Row[Any]) -> bytes | None:
        """The post as it is to be; of an article that is not kept its own, where that is as it was written."""
        if row.data is None:
            item = item_of_post(row, self.folder.root)
            return self.render(item) if item is not None else None
        copies = copies_for(self.catalogue, self.render, row.id, row.path)
        post = _rendered(self.render, row.data, copies)
        if self.restore and _digest(post) != row.file_digest:
            as_it_was = _rendered(self.render.the_other_way(), row.data, copies)
            return as_it_was if _digest(as_it_was) == row.file_digest else post
        return post


def _rendered(render: PostRenderer, data: bytes, copies: dict[str, str]) -> bytes:
    """The post of what is kept of an article. Raises ValueError, Refused."""
    item, is_verbatim = unpack(data)
    item = clean_item(item, sinas=is_sinas(item)) if is_verbatim and not render.verbatim else item
    item.copies = copies
    return render(item)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
