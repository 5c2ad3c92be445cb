"""What one sees of a catalogue in Datasette: three views, their headings and facets. Pure."""

from __future__ import annotations

from typing import Any

from sinanews.listing.channels import CHANNELS
from sinanews.listing.live import select_rooms

NAME = "archive"  #: of the database, as Datasette calls it
#: Slugs as a reader knows them; 7x24 rooms too.
_NAMES = {channel.slug: channel.title for channel in CHANNELS} | {
    room.slug: f"{room.title} {room.lid}" for room in select_rooms(["all"])
}
_WHENS = " ".join(f"WHEN '{slug}' THEN '{name}'" for slug, name in _NAMES.items())
_CHANNEL = f"CASE a.channel {_WHENS} ELSE a.channel END"
#: Times are the catalogue's UTC; Beijing is eight hours ahead, always.
_PUBLISHED = "strftime('%Y-%m-%d %H:%M', a.published_at, '+8 hours')"
_STOCKS = "(SELECT json_group_array(s.stock) FROM article_stocks s WHERE s.article_id = a.id)"

#: view → its SELECT, over the tables of tables.py. What is newest comes first, by an index.
VIEWS: dict[str, str] = {
    "news": f"""/* The text: body(id). Full text: id IN (SELECT value FROM json_each(search('降准 OR 降息'))) */
        SELECT a.title, {_PUBLISHED} AS published, a.media AS medium, {_CHANNEL} AS channel,
        {_STOCKS} AS stocks, a.kind, date(a.published_at, '+8 hours') AS day, a.revision, a.id, a.url
        FROM articles a WHERE a.state = 'exported' ORDER BY a.published_at DESC, a.id DESC""",
    "copies": f"""SELECT a.title, {_PUBLISHED} AS published, a.media AS medium, {_CHANNEL} AS channel, a.reason AS why,
        round(a.similarity, 3) AS similarity, a.duplicate_of AS first, a.id, a.url
        FROM articles a WHERE a.duplicate_of IS NOT NULL ORDER BY a.published_at DESC, a.id DESC""",
    "edits": """SELECT r.title, strftime('%Y-%m-%d %H:%M', r.replaced_at, '+8 hours') AS replaced, r.revision,
        r.article_id AS id FROM revisions r ORDER BY r.replaced_at DESC""",
}
HEADINGS = {
    "title": "标题", "published": "发布时间", "medium": "来源", "channel": "频道", "stocks": "股票", "kind": "类型",
    "day": "日期", "revision": "版本", "id": "编号", "url": "原文", "why": "原因", "similarity": "相似度",
    "first": "首发", "replaced": "修订时间",
}  # fmt: skip
_FACETS: list[Any] = ["channel", "medium", {"array": "stocks"}, "day"]
METADATA: dict[str, Any] = {
    "title": "sinanews 新闻档案",
    "description": "时间均为北京时间",
    "databases": {
        NAME: {
            "description": (
                "SQL: search('降准 央行') gives the ids of articles as a JSON list (quotes for a phrase, -word, OR), "
                "body(id) the text: SELECT title, body(id) FROM news "
                "WHERE id IN (SELECT value FROM json_each(search('降准'))) LIMIT 5"
            ),
            "tables": {
                "news": {"title": "文章", "facets": _FACETS, "size": 50},
                "copies": {"title": "重复稿", "facets": ["why", "medium"], "size": 50},
                "edits": {"title": "修订", "size": 50},
            },
        }
    },
}
SETTINGS: dict[str, Any] = {
    "suggest_facets": False,  # each would be a look through all articles
    "facet_time_limit_ms": 2000,
    "sql_time_limit_ms": 10_000,
    "default_facet_size": 12,
    "allow_download": False,
}
