"""``scrapy crawl seeds``: posts on disk, in the predecessor's form or any other Hexo post's.

Which article a file is: its path under the given folder names it, and so does its content.

| what happened to a file | what it is |
| --- | --- |
| it is new | a new article; its id is a digest of its content |
| nothing | known |
| edited: text, title, header | a revision of its article: the post is replaced where it lies |
| moved or renamed | the same article, known by the new path |
| moved *and* edited between two runs | a new article (which may be found a copy of the old one) |
| copied | known; both paths are the one article |
| edited, while another file has its old content still | an article of its own; the old content keeps the old one |
| edited into the very content of another known file | that file's article; its own old one stays in the archive |
| two files swapped | known, each by its content |
| edited into something that cannot be read | refused; the post that was exported stays |
| deleted | nothing: the post stays in the archive |

A catalogue of 1.0.0 knows contents and no paths: its files are recognised by their content, once; a file edited before
that cannot be told from a new one.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scrapy import signals
from scrapy.crawler import Crawler

from sinanews.arguments import named_path
from sinanews.catalogue.seed_files import SeedFile
from sinanews.cleaning import clean_body
from sinanews.config import project_folder
from sinanews.dates import to_beijing
from sinanews.exceptions import (
    ArgumentError,
    BadPost,
    DuplicateArticle,
    Refused,
    RefusedArticle,
    UnchangedArticle,
)
from sinanews.items import ArticleItem
from sinanews.posts import MAX_FILE, Post, read_post
from sinanews.posts.losses import Loss, loss, visible_source, visible_text
from sinanews.posts.markdown import is_html, to_html
from sinanews.posts.reading import date_in_name
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

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> SeedsSpider:
        spider = super().from_crawler(crawler, *args, **kwargs)
        #: Files whose items are in the pipelines, by article: the catalogue learns of them when they are through.
        spider.under_way = defaultdict(list)
        crawler.signals.connect(spider.item_done, signals.item_scraped)
        crawler.signals.connect(spider.item_dropped, signals.item_dropped)
        return spider

    under_way: dict[str, list[SeedFile]]

    async def start(self) -> AsyncIterator[Any]:
        given: Path = self.options.get("path") or project_folder() / "seeds"
        root = (given if given.is_dir() else given.parent).resolve()
        paths = [root / path.name for path in post_files(given)] if not given.is_dir() else list(post_files(root))
        files = Files(stored_root(root), self.run.catalogue.seed_files.all(), dict(digests(root, paths)))
        for path in paths:
            self.leave_if_stopping()
            item = self.read(path, name_of(root, path), files)
            if item is not None:
                yield item

    def read(self, path: Path, name: str, files: Files) -> ArticleItem | None:
        """The item of a post, or None for one that is known or was refused."""
        self.run.count("seeds/files")
        try:
            data, status = read_regular_file(path), path.stat()
        except Refused as refusal:
            self.run.refuse(f"seed-file-{name}", refusal, title=name)
            return None
        except OSError as error:
            self.run.fail(f"seed-file-{name}", "unreadable", f"{name}: {error.strerror}", title=name)
            return None
        digest = hashlib.sha256(data).hexdigest()
        key, is_known = self.identify(name, digest, files)
        file = SeedFile(files.root, name, key, digest, status.st_size, status.st_mtime_ns)
        if is_known:
            self.run.count("articles/known")
            self.keep(file, files)
            return None
        try:
            return self.item_of(data, file)
        except Refused as refusal:
            self.run.refuse(key, BadPost(f"{name}: {refusal}"), title=name)
            self.keep(file, files)
            return None

    def identify(self, name: str, digest: str, files: Files) -> tuple[str, bool]:
        """The id of a file's article, and whether there is nothing to be done for it."""
        by_content = f"seed-{digest[:16]}"
        article = files.article_of(name, digest)
        known = self.run.catalogue.known({by_content, article or by_content})
        if article is None:
            edited = files.edited(name, digest)
            if edited is not None and (edited == by_content or by_content not in known):  # or it is edited back
                files.claimed[edited] = digest
                return edited, False
            article = by_content
        return article, article in known and known[article].done

    def keep(self, file: SeedFile, files: Files | None = None) -> None:
        """Remember which article a file is; one that has moved leaves its old path."""
        if files is not None and files.rows.get(file.path) == file:
            return
        self.run.catalogue.seed_files.keep(file)
        for path in files.left_by(file) if files is not None else ():
            self.run.catalogue.seed_files.forget(file.root, path)

    def item_of(self, data: bytes, file: SeedFile) -> ArticleItem | None:
        """The item of a file, or None where reading it would lose text. Raises Refused."""
        post = read_post(data)
        self.run.count("seeds/ignored_keys", len(post.ignored_keys))
        body = to_html(post.body, framed=post.is_framed)
        if self.crawler.settings["SINANEWS_BODY"] != "verbatim" and (lost := text_lost(post, body)):
            self.run.fail(file.article_id, "text_lost", f"{file.path}: {lost}", title=post.title, layout="seed")
            return None
        self.under_way[file.article_id].append(file)
        cover = None if post.is_framed else post.cover or post.lead_image
        return ArticleItem(
            id=file.article_id,
            url=None,
            title=post.title,
            author=post.author,
            published_at=post.date or date_in_name(file.path.rpartition("/")[2]),
            date_as_written=post.date_as_written,
            keywords=post.keywords,
            images=[cover] if cover else [],
            lead_image=post.lead_image or post.cover,
            body_html=body,
            categories=post.categories,
            layout="seed",
            fetched_at=to_beijing(self.run.now()),
        )

    def item_done(self, item: ArticleItem) -> None:
        """Its post is on disk. A file of which the catalogue does not learn that is only read again."""
        with self.run.stopped_by_catalogue():
            self.keep(self.under_way[item.id].pop(0))

    def item_dropped(self, item: ArticleItem, exception: BaseException) -> None:
        if isinstance(exception, (DuplicateArticle, UnchangedArticle, RefusedArticle)):
            self.item_done(item)
        else:
            self.under_way[item.id].pop(0)  # it failed; the next run reads it again


@dataclass
class Files:
    """The files of a root as the catalogue knows them, and as they are now."""

    root: str
    known: list[SeedFile]
    now: Mapping[str, str]  #: path → digest
    rows: dict[str, SeedFile] = field(init=False)
    claimed: dict[str, str] = field(default_factory=dict)  #: article → digest of the file that edited it in this run

    def __post_init__(self) -> None:
        self.rows = {file.path: file for file in self.known if file.root == self.root}
        self._articles = {file.digest: file.article_id for file in reversed(self.known)}
        self._paths: dict[str, list[str]] = defaultdict(list)
        for path, file in self.rows.items():
            self._paths[file.digest].append(path)
        self._present: Collection[str] = frozenset(self.now.values())

    def article_of(self, path: str, digest: str) -> str | None:
        """The article that has just this content; the path's own where several have. None: nobody has it."""
        row = self.rows.get(path)
        return row.article_id if row is not None and row.digest == digest else self._articles.get(digest)

    def edited(self, path: str, digest: str) -> str | None:
        """The article whose edit this new content is; None where the old content has only moved, or was copied."""
        row = self.rows.get(path)
        if row is None or row.digest in self._present:
            return None
        return row.article_id if self.claimed.get(row.article_id, digest) == digest else None

    def left_by(self, file: SeedFile) -> list[str]:
        """Paths at which the same content was and no file is any more."""
        return [path for path in self._paths.get(file.digest, ()) if path not in self.now]


def stored_root(root: Path) -> str:
    """How the catalogue names a folder: relative to the project where it lies inside, so that both may move."""
    project = project_folder().resolve()
    return _utf8(root.relative_to(project).as_posix() if root.is_relative_to(project) else root.as_posix())


def name_of(root: Path, path: Path) -> str:
    return _utf8(path.relative_to(root).as_posix())


def _utf8(name: str) -> str:
    """A name that is no UTF-8 with its odd bytes spelled out; no database takes them as they are."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def digests(root: Path, paths: Collection[Path]) -> Iterator[tuple[str, str]]:
    """path → digest of all that can be read, before anything is decided: a file may have moved to any other."""
    for path in paths:
        try:
            yield name_of(root, path), hashlib.sha256(read_regular_file(path)).hexdigest()
        except Refused:
            continue  # told when its turn comes


def text_lost(post: Post, body: str) -> Loss | None:
    """Whether reading a post would lose a twentieth of its words: when it is rendered, or when it is cleaned."""
    seen = visible_text(body)
    if not (post.is_framed or is_html(post.body)) and (lost := loss(visible_source(post.body), seen)):
        return lost
    try:
        clean = clean_body(body, None)
    except Exception:  # a refusal or a mistake of ours: CleanPipeline meets it again, and tells it
        return None
    return loss(seen, "\n".join(filter(None, (clean.text, clean.editor, clean.original_title, clean.author))))


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
