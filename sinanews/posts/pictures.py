"""Pictures in posts: which an article shows, and a post that shows copies of them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from sinanews.items import ArticleItem
from sinanews.posts.seed import Post

_SOURCE = re.compile(r'(<img\b[^>]*?)\bsrc="([^"]*)"')


def pictures_of(item: ArticleItem) -> list[str]:
    """The addresses of the pictures that an article shows, each once; not those of its own site's files."""
    shown = dict.fromkeys([*item.images, *filter(None, [item.lead_image])])
    return [url for url in shown if url.startswith(("http://", "https://"))]


def address(path: str, post: str, base: str) -> str:
    """Where a post finds a picture: under ``base``, or by the way from its own folder where that is empty.

    >>> address("images/ab/abc.png", "金融/2026/11/x.md", ""), address("images/ab/abc.png", "x.md", "/pictures/")
    ('../../../images/ab/abc.png', '/pictures/ab/abc.png')
    """
    if base:
        return f"{base.rstrip('/')}/{path.partition('/')[2]}"
    return "../" * (len(PurePosixPath(post).parts) - 1) + path


def with_copies(post: Post, copies: Mapping[str, str]) -> Post:
    """The post with its pictures at other addresses; where each came from stays in ``data-original``."""

    def shown(found: re.Match[str]) -> str:
        source = found[2].replace("&amp;", "&")
        if source not in copies:
            return found[0]
        return f'{found[1]}src="{copies[source]}" data-original="{found[2]}"'

    image = copies.get(post.lead_image or "", post.lead_image)
    return replace(post, body=_SOURCE.sub(shown, post.body), lead_image=image)
