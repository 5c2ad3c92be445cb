"""Local posts become articles: the seed documents, older exports of the predecessor, any other Hexo post."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from sinanews.arguments import named_path
from sinanews.dates import to_beijing
from sinanews.exceptions import ArgumentError, BadPost, CatalogueError, Refused
from sinanews.items import ArticleItem
from sinanews.paths import project_folder
from sinanews.posts import MAX_FILE, read_post
from sinanews.spiders.base import ArchiveSpider

SUFFIXES = (".md", ".markdown", ".txt")


def existing_path(text: str) -> Path:
    """A folder or an ordinary file, relative to the working folder or else to the project's."""
    if not text:
        raise ArgumentError("empty; write a folder or a file, such as old-posts/")
    for base in (Path.cwd(), project_folder()):
        found = base / named_path(text)
        try:
            if found.is_dir():
                return found
            if found.is_file():
                return found.resolve()  # a link that is named is meant; one that is met in a folder is not followed
            if os.path.lexists(found):
                raise ArgumentError("neither a folder nor an ordinary file")
        except (OSError, ValueError) as error:  # the latter for a name that no file can have
            raise ArgumentError(f"cannot be looked at: {getattr(error, 'strerror', None) or error}") from None
    raise ArgumentError("no such file or folder")


class SeedsSpider(ArchiveSpider):
    """Reads every post under ``seeds/`` (``-a path=`` another file or folder)."""

    name = "seeds"
    online = False
    ARGUMENTS = {"path": existing_path}

    async def start(self) -> AsyncIterator[Any]:
        root: Path = self.options.get("path") or project_folder() / "seeds"
        for path in post_files(root):
            self.leave_if_stopping()
            try:
                item = self.read(path, path.relative_to(root).as_posix() if path != root else path.name)
            except CatalogueError as error:
                self.archive.stop_run(error, "storage_failed")
                return
            if item is not None:
                yield item

    def read(self, path: Path, name: str) -> ArticleItem | None:
        """The item of a post, or None for one that is known or was refused."""
        self.archive.count("seeds/files")
        try:
            data = read_regular_file(path)
        except Refused as refusal:
            self.archive.refuse(f"seed-file-{name}", refusal, title=name)
            return None
        key = seed_id(data)
        known = self.archive.catalogue.known([key]).get(key)
        if known is not None and known.done:
            self.archive.count("articles/known")
            return None
        try:
            post = read_post(data)
        except Refused as refusal:
            self.archive.refuse(key, BadPost(f"{name}: {refusal}"), title=name)
            return None
        self.archive.count("seeds/ignored_keys", len(post.ignored_keys))
        return ArticleItem(
            id=key,
            url=None,
            title=post.title,
            author=post.author,
            published_at=post.date,
            date_as_written=post.date_as_written,
            lead_image=post.lead_image,
            body_html=post.body,
            categories=post.categories,
            layout="seed",
            fetched_at=to_beijing(self.archive.now()),
        )


def seed_id(data: bytes) -> str:
    """``seed-`` and a digest of the file: the same post under another name is the same article."""
    return "seed-" + hashlib.sha256(data).hexdigest()[:16]


def post_files(root: Path) -> Iterator[Path]:
    """The posts under a folder in a fixed order, or the one file; links to folders are not followed."""
    if not root.is_dir():
        yield root
        return
    for folder, folders, files in os.walk(root, followlinks=False):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        yield from (Path(folder, f) for f in sorted(files) if f.endswith(SUFFIXES) and not f.startswith("."))


def read_regular_file(path: Path) -> bytes:
    """The bytes of an ordinary file of bounded size. Raises BadPost for links, devices, pipes and giants."""
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise BadPost(f"{path.name} is no ordinary file (a link, a pipe or a device)")
        if status.st_size > MAX_FILE:
            raise BadPost(f"{path.name} has {status.st_size} bytes, more than {MAX_FILE}")
        return path.read_bytes()
    except OSError as error:
        raise BadPost(f"{path.name} cannot be read: {error.strerror}") from None
