"""What the catalogue does not keep of an article from before 2.0, read from its post."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Row, select

from sinanews.catalogue import Catalogue
from sinanews.catalogue.tables import articles, contents
from sinanews.cleaning import clean_body
from sinanews.exceptions import Refused
from sinanews.items import ArticleItem
from sinanews.posts import read_post
from sinanews.posts.exporter import EXTRA_KEYS
from sinanews.posts.themes import without_themes

logger = logging.getLogger(__name__)
BATCH = 50  #: posts read in one transaction
TEXTS, LISTS = ("summary", "editor", "original_title"), ("keywords", "stocks")  #: fields that a header may show
a, c = articles.c, contents.c
_WANTED = select(articles).where(a.state == "exported", a.path.is_not(None)).order_by(a.id).limit(BATCH)


def item_of_post(row: Row[Any], exports: Path) -> ArticleItem | None:
    """The article of a row as its post has it; None where the post is not the one that was written.

    Fields that neither the row nor the post shows stay empty: a post of the seed's form has no editor, say.
    """
    try:
        data = (exports / row.path).read_bytes()
    except OSError:
        return None
    return item_in_post(row._asdict(), data) if hashlib.sha256(data).hexdigest() == row.file_digest else None


def item_in_post(about: Mapping[str, Any], data: bytes) -> ArticleItem | None:
    """The article that a post holds, with what else is known ``about`` it: id, url, media, layout, kind, channel."""
    try:
        post = read_post(data, extra=tuple(EXTRA_KEYS.values()))
        body = clean_body(post.body, about["url"])
    except Refused:
        return None
    named = {name: post.extra[key] for name, key in EXTRA_KEYS.items() if post.extra.get(key)}
    fields: dict[str, Any] = {name: value for name in TEXTS if isinstance(value := named.get(name), str)}
    fields |= {name: value for name in LISTS if isinstance(value := named.get(name), list)}
    fields.setdefault("summary", post.excerpt)
    fields.setdefault("stocks", post.stocks)
    fields.setdefault("keywords", [word for word in post.keywords if word != about.get("media")])
    is_seed = about["id"].startswith("seed-")
    return ArticleItem(
        id=about["id"],
        url=about["url"],
        title=post.title,
        published_at=post.date,
        date_as_written=post.date_as_written,
        media=about.get("media"),
        author=post.author if is_seed else named.get("author"),
        images=body.images,
        lead_image=post.lead_image,
        body_html=without_themes(post.body),
        body_text=body.text,
        layout="seed" if is_seed else about.get("layout") or "",
        kind=about.get("kind") or "article",
        channel=about.get("channel"),
        categories=post.categories,
        **fields,
    )


def in_its_post(row: Row[Any], exports: Path) -> ArticleItem | None:
    """As item_of_post; None, and told, where our own code stumbles over the post."""
    try:
        return item_of_post(row, exports)
    except Exception as error:  # a mistake of ours on one post must not keep the others from being kept, now and ever
        logger.error("what %s holds is not kept: %s: %s", row.path, type(error).__name__, error)
        return None


def keep_old_posts(catalogue: Catalogue, exports: Path, now: datetime) -> bool:
    """Keep the contents of the next ``BATCH`` articles from before 2.0; whether there may be more.

    One transaction, or part of the caller's; it remembers how far it came, so that others go on from there.
    """
    with catalogue.together() as connection:
        after = catalogue.contents.taken_in_to(connection)
        if after is None:
            return False
        rows = connection.execute(_WANTED.where(a.id > after)).all()
        kept = select(c.article_id, c.revision).where(c.article_id.in_([row.id for row in rows]))
        have = {(one.article_id, one.revision) for one in connection.execute(kept)}
        for row in rows:
            if (row.id, row.revision) not in have and (item := in_its_post(row, exports)) is not None:
                catalogue.contents.put(connection, item, row.revision, row.exported_at or now)
        catalogue.contents.take_in_after(connection, rows[-1].id if rows else None)
        return bool(rows)
