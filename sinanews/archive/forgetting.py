"""Removing an article for good, from everywhere. Killed in the middle, it is finished by being done again.

First one commit makes its rows ``forgotten``: from then on nobody asks for it, writes or finds it, and what there is
of it is still named. Then its files go, and only then the rows that name them.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath

from sqlalchemy import Row

from sinanews.archive.forgetting_pages import PageCutter
from sinanews.catalogue import Catalogue
from sinanews.catalogue.forgotten import FORGOTTEN
from sinanews.exceptions import ArgumentError, CatalogueError, ExportError
from sinanews.posts.folder import SUPERSEDED, ExportFolder, aside_path, leftovers, sync_folder
from sinanews.posts.naming import file_id
from sinanews.urls import article_id

MOST_BYTES = 20 << 20  #: of a half-written post that is looked into
LIST = ".forgotten.jsonl"  #: in the exports folder: what a catalogue that is made anew must know


@dataclass
class Forgetter:
    """Raises ArgumentError for an article that nobody knows, CatalogueError, ExportError."""

    catalogue: Catalogue
    folder: ExportFolder
    now: datetime
    dry: bool = False  #: only count
    done: Counter[str] = field(default_factory=Counter)  #: what was removed
    notes: list[str] = field(default_factory=list)  #: what a person should know

    def __call__(self, named: str, why: str) -> str:
        """Forget the article of that id or address; its id."""
        row = self.find(named)
        if row.state == FORGOTTEN and not why:
            why = row.detail or ""
        others = self.catalogue.forgotten.that_go_with(row)
        for one in self.catalogue.forgotten.copies_that_stay(row.id):
            self.notes.append(f"{one} is a copy of it with a post of its own, which stays: scrapy forget {one}")
        its = [row, *others]
        pages = PageCutter(self.catalogue, self.folder, [(one.id, one.url) for one in its])
        if not self.dry:
            pages.delete_old()
        pages.plan()  # before anything is changed: a run may be writing to one of the files
        self.count(its, pages)
        if self.dry:
            return str(row.id)
        with self.catalogue.together() as connection:
            self.catalogue.forgotten.mark(connection, row, others, why, self.now)
        self.note_down([(one.id, why) for one in its])
        self.remove_files(its)
        pages.cut()
        self.notes += pages.notes
        self.erase_words(its)
        with self.catalogue.together() as connection:
            self.catalogue.forgotten.scrub(connection, [one.id for one in its])
        return str(row.id)

    def find(self, named: str) -> Row[tuple[object, ...]]:
        is_url = "://" in named
        ids = [named, *(filter(None, [article_id(named)]) if is_url else ())]
        if is_url:
            ids += filter(None, [self.catalogue.known_urls([named]).get(named)])
        for one in ids:
            if (row := self.catalogue.article(one)) is not None:
                return row
        raise ArgumentError(f"there is no article {named!r}; scrapy search and the posts' names tell ids")

    def count(self, its: list[Row[tuple[object, ...]]], pages: PageCutter) -> None:
        with self.catalogue.read() as connection:
            ids = [one.id for one in its]
            pictures = self.catalogue.forgotten.pictures_of(connection, ids)
            documents = self.catalogue.forgotten.documents_of(connection, ids)
        self.pictures, self.documents = pictures, documents
        self.posts = sorted({path for one in its for path in self.files_of(one)})
        self.done += Counter(
            posts=len(self.posts), texts=sum(len(self.catalogue.contents.revisions(one)) for one in ids),
            pages=pages.records, pictures=len(pictures), documents=len(documents), copies=len(its) - 1,
        )  # fmt: skip

    # --- files -----------------------------------------------------------------------------------------

    def files_of(self, row: Row[tuple[object, ...]]) -> set[str]:
        """Its posts: where the row says, where a better copy or an edit set them aside, and any that is named for it
        in those folders, whatever its title was."""
        if not row.path:
            return set()
        path = row.path.removeprefix(f"{SUPERSEDED}/")
        found = {one for one in (path, aside_path(path)) if self.folder.read(one) is not None}
        for folder in {PurePosixPath(path).parent, PurePosixPath(aside_path(path)).parent}:
            tail = f"-{file_id(row.id)}"
            for file in (self.folder.root / folder).glob("*.md"):
                stem = file.stem.rpartition(".")[0] if file.stem.rpartition(".")[2].isdigit() else file.stem
                if f"-{file.stem}".endswith(tail) or f"-{stem}".endswith(tail):
                    found.add(file.relative_to(self.folder.root).as_posix())
        return found

    def remove_files(self, its: list[Row[tuple[object, ...]]]) -> None:
        """Posts, documents, pictures that nothing else shows, and what a killed run left half written of a post."""
        left = [one.relative_to(self.folder.root).as_posix() for one in leftovers(self.folder.root, 0)
                if _names(one, its)]  # fmt: skip
        for name in (*self.posts, *self.documents, *self.pictures, *left):
            path = self.folder.root / name
            if not path.parent.resolve().is_relative_to(self.folder.root.resolve()):
                continue  # nothing that a link leads to
            try:
                path.unlink(missing_ok=True)
                if path.parent.is_dir():
                    sync_folder(path.parent)
            except OSError as error:
                raise ExportError(f"cannot delete {path}: {error.strerror or error}") from None

    def note_down(self, gone: list[tuple[str, str]]) -> None:
        """Beside the catalogue, for the one that is made anew should this one be lost: no more than the rows say."""
        known = dict(read_list(self.folder.root))
        for one, why in gone:
            digests = self.catalogue.forgotten.digests(one)
            known[one] = {"id": one, "why": why, "at": self.now.isoformat(), "digests": digests}
        lines = (json.dumps(known[one], ensure_ascii=False) + "\n" for one in sorted(known))
        self.folder.write(LIST, "".join(lines).encode("utf-8", "surrogatepass"))
        self.folder.sync()

    # --- words -----------------------------------------------------------------------------------------

    def erase_words(self, its: list[Row[tuple[object, ...]]]) -> None:
        """Out of the full-text index, those of earlier revisions too; where they cannot be told apart it is made anew.

        What is damaged in the catalogue cannot be told apart.
        """
        search = self.catalogue.search
        for one in its:
            try:
                texts = [(k.item.title, k.item.body_text, k.item.published_at)
                         for k in self.catalogue.contents.history(one.id)]  # fmt: skip
            except CatalogueError:
                texts = []
            texts.append((one.title or "", "", one.published_at))  # of one whose text was not there
            with self.catalogue.together() as connection:
                if not search.erase(connection, one.id, texts):
                    search.begin_anew(connection)
                    self.notes.append("the full-text index is made anew, by the next runs or now by: scrapy reindex")
        search.merge()


def _names(path: Path, its: list[Row[tuple[object, ...]]]) -> bool:
    """Whether a half-written file has an article's id, address or title."""
    try:
        data = path.read_bytes() if path.stat().st_size <= MOST_BYTES else b""  # of no post
    except OSError:
        return False
    return any(value.encode() in data for one in its for value in (one.id, one.url, one.title) if value)


def read_list(root: Path) -> list[tuple[str, dict[str, object]]]:
    """What LIST has, by ids; nothing where there is none or it is no longer ours."""
    try:
        lines = (root / LIST).read_text("utf-8").splitlines()
        return [(row["id"], row) for row in map(json.loads, lines)]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def restore_forgotten(catalogue: Catalogue, root: Path) -> int:
    """Make a catalogue that was lost know again what was forgotten; of how many articles it is told now."""
    number = 0
    for one, row in read_list(root):
        if not catalogue.forgotten.has(one):
            at, digests = datetime.fromisoformat(str(row["at"])), row.get("digests")
            its = [str(d) for d in digests] if isinstance(digests, list) else []
            catalogue.forgotten.restore(one, str(row.get("why") or "") or None, at, its)
            number += 1
    return number
