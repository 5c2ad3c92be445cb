"""``scrapy crawl seeds``: posts on disk, in the predecessor's form or any other Hexo post's."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from scrapy import signals
from scrapy.crawler import Crawler

from sinanews import arguments
from sinanews.arguments import named_path
from sinanews.cleaning import clean_body
from sinanews.config import project_folder
from sinanews.dates import to_beijing
from sinanews.exceptions import ArgumentError, BadPost, DuplicateArticle, Refused, RefusedArticle, UnchangedArticle
from sinanews.items import ArticleItem
from sinanews.posts import Post, read_post
from sinanews.posts.losses import Loss, loss, visible_source, visible_text
from sinanews.posts.markdown import is_html, to_html
from sinanews.posts.reading import date_in_name
from sinanews.posts.seed_identity import Files, SeedFile, name_of, post_files, read_regular_file, survey, utf8_name
from sinanews.spiders.base import ArchiveSpider

MOST_UNDER_WAY = 32  #: items in the pipelines


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
    """Reads every post under ``seeds/`` (``-a path=`` another file or folder).

    ``Files`` decides which article a file is. A file whose size and time are as they were is not read, but with
    ``-a recheck=1``.
    """

    name = "seeds"
    online = False
    ARGUMENTS = {"path": existing_path, "recheck": arguments.flag}

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> SeedsSpider:
        spider = super().from_crawler(crawler, *args, **kwargs)
        crawler.signals.connect(spider.item_done, signals.item_scraped)
        crawler.signals.connect(spider.item_dropped, signals.item_dropped)
        return spider

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.given: Path = self.options.get("path") or project_folder() / "seeds"
        if not self.given.exists():
            raise ArgumentError(f"there is no folder {self.given}; name the posts: -a path=FOLDER")
        #: Files whose items are in the pipelines, by article: the catalogue learns of them when they are through.
        self.under_way: dict[str, list[SeedFile]] = defaultdict(list)
        self.room = asyncio.Semaphore(MOST_UNDER_WAY)

    async def start(self) -> AsyncIterator[Any]:
        given = self.given
        root = (given if given.is_dir() else given.parent).resolve()
        # A thread looks at the files, so that a signal is heard meanwhile.
        paths, files, done = await asyncio.to_thread(self.look, given, root)
        for text in paths:
            self.leave_if_stopping()
            path = Path(text)
            name = name_of(root, path)
            self.run.count("seeds/files")
            if (row := files.unchanged(name)) is not None and row.article_id in done:
                self.run.count("articles/known")
                if row != files.rows[name]:
                    await self.keep(row)
            elif (item := await self.read(path, name, files)) is not None:
                await self.room.acquire()
                yield item

    def look(self, given: Path, root: Path) -> tuple[list[str], Files, set[str]]:
        """The posts to read, how they are and were, and the articles of which nothing is left to do."""
        found = post_files(root) if given.is_dir() else (root / path.name for path in post_files(given))
        paths = [str(path) for path in found]  # a Path takes several times the memory
        known, done = self.run.catalogue.seed_files.known()
        read_all = self.options.get("recheck", False)
        return paths, survey(root, map(Path, paths), known, stored_root(root), read_all=read_all), done

    async def read(self, path: Path, name: str, files: Files) -> ArticleItem | None:
        """The item of a post, or None for one that is known or was refused."""
        try:
            data, status = read_regular_file(path), path.stat()
        except Refused as refusal:
            await self.run.refuse(f"seed-file-{name}", refusal, title=name)
            return None
        except OSError as error:
            await self.run.fail(f"seed-file-{name}", "unreadable", f"{name}: {error.strerror}", title=name)
            return None
        digest = hashlib.sha256(data).hexdigest()
        key, is_known = self.identify(name, digest, files)
        file = SeedFile(files.root, name, key, digest, status.st_size, status.st_mtime_ns)
        if is_known:
            self.run.count("articles/known")
            await self.keep(file, files)
            return None
        try:
            return await self.item_of(data, file)
        except Refused as refusal:
            await self.run.refuse(key, BadPost(f"{name}: {refusal}"), title=name)
            await self.keep(file, files)
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

    async def keep(self, file: SeedFile, files: Files | None = None) -> None:
        """Remember which article a file is; one that has moved leaves its old path."""
        if files is not None and files.rows.get(file.path) == file:
            return
        left = files.left_by(file) if files is not None else []
        await self.run.write(self.run.catalogue.seed_files.keep, file, left)

    async def item_of(self, data: bytes, file: SeedFile) -> ArticleItem | None:
        """The item of a file, or None where reading it would lose text. Raises Refused."""
        post = read_post(data)
        self.run.count("seeds/ignored_keys", len(post.ignored_keys))
        body = to_html(post.body, framed=post.is_framed)
        if self.crawler.settings["SINANEWS_BODY"] != "verbatim" and (lost := text_lost(post, body)):
            await self.run.fail(file.article_id, "text_lost", f"{file.path}: {lost}", title=post.title, layout="seed")
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
            stocks=post.stocks,
            summary=post.excerpt,
            images=[cover] if cover else [],
            lead_image=post.lead_image or post.cover,
            body_html=body,
            categories=post.categories,
            layout="seed",
            fetched_at=to_beijing(self.run.now()),
        )

    async def item_done(self, item: ArticleItem) -> None:
        """Its post is on disk. A file of which the catalogue does not learn that is only read again."""
        self.room.release()
        with self.run.stopped_by_catalogue():
            await self.keep(self.through(item.id))

    async def item_dropped(self, item: ArticleItem, exception: BaseException) -> None:
        if isinstance(exception, (DuplicateArticle, UnchangedArticle, RefusedArticle)):
            await self.item_done(item)
        else:
            self.room.release()
            self.through(item.id)  # it failed; the next run reads it again

    def through(self, article: str) -> SeedFile:
        """The file whose item has left the pipelines."""
        file, *rest = self.under_way.pop(article)
        if rest:
            self.under_way[article] = rest
        return file


def stored_root(root: Path) -> str:
    """How the catalogue names a folder: relative to the project where it lies inside, so that both may move."""
    project = project_folder().resolve()
    return utf8_name(root.relative_to(project).as_posix() if root.is_relative_to(project) else root.as_posix())


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
