"""Galleries and video pages."""

from __future__ import annotations

import html
import json
import re
from typing import Any

from sinanews.items import ArticleItem
from sinanews.pages.base import Layout, Source, squeeze
from sinanews.pages.layouts import MOBILE, VIDEO
from sinanews.urls import absolute_url

_SLIDE_DATA = re.compile(r"\bslide_data\s*=\s*(?=\{)")

_NAMED = re.compile(r"(?:来源|来自|媒体|出处|提供)\s*[：:]\s*([^\s|：:]{2,30})")
_NO_MEDIUM = re.compile(
    r"(?:发布|更新|上传|播放|时间|次数|时长)[^：:]{0,4}(?:[：:]|$)|\d{4}\D|\d\d:\d\d|^(?:来源|来自|媒体|出处)\s*[：:]?$"
)
_INTRODUCED = re.compile(r"(?:视频|内容|节目)?(?:简介|介绍|摘要)\s*[：:]\s*")
_INTRODUCTION = re.compile(rf"\A((?:\s|<[^<>]*>)*){_INTRODUCED.pattern}")


class Gallery(Layout):
    """slide.*.sina.com.cn: pictures with captions in ``var slide_data = {…}``."""

    name = "gallery"
    kind = "gallery"
    unless = ("#artibody", "#article", MOBILE)
    title = ("h1", ".swpt-full-tt h2", "h2")
    time = (".swpt-full-tt span", ".swpt-time", ".swp-time", ".date", ".time", "#eData dd")
    media = (".swpt-source", ".source")
    byline = ".swpt-full-tt span"

    @classmethod
    def matches(cls, page: Source) -> bool:
        return super().matches(page) and _SLIDE_DATA.search(page.text) is not None

    def item(self, page: Source) -> ArticleItem:
        item = super().item(page)
        sources = (absolute_url(page.url, source) for source, _ in _pictures(page))
        item.images = [source for source in sources if source]
        item.title = item.title or squeeze(_slide_data(page).get("slide", {}).get("title"))
        return item

    def body_of(self, page: Source) -> str:
        """The pictures as figures, so that a gallery reads like an article."""
        return "\n".join(
            f'<figure><img src="{html.escape(source)}"><figcaption>{html.escape(words)}</figcaption></figure>'
            for source, words in _pictures(page)
        )


def _slide_data(page: Source) -> dict[str, Any]:
    found = _SLIDE_DATA.search(page.text)
    try:
        data, _ = json.JSONDecoder(strict=False).raw_decode(page.text, found.end() if found else 0)
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _pictures(page: Source) -> list[tuple[str, str]]:
    """(address, caption) of each picture, in order."""
    pictures = [picture for picture in _slide_data(page).get("images") or [] if isinstance(picture, dict)]
    pairs = ((str(p.get("image_url") or ""), str(p.get("intro") or p.get("title") or "")) for p in pictures)
    return [(source, squeeze(html.unescape(re.sub(r"<[^<>]+>", "", words)))) for source, words in pairs if source]


class Video(Layout):
    """video.sina.com.cn and video pages of channels: a player, a title, hardly any text."""

    name = "video"
    kind = "video"
    marks = (VIDEO,)
    unless = ("#artibody", "#article", MOBILE)
    body = (".VD_intro", ".video_intro", ".vInfo .info", ".v_intro", ".vd_intro", '[class*="ntro" i]', '[id*="ntro" i]')
    title = (".VD_VideoTitle h2", "h1.title", "h1", ".video_title h2", "h2")
    time = (".from em", ".from", ".VD_time", ".video_time", ".time", ".date")
    media = (".from span", ".VD_source", ".source")
    byline = ".from"

    def media_of(self, page: Source) -> str:
        """What stands behind 来源, else the first part of the line that is neither a time nor a label of one."""
        parts = list(page.texts(*self.media, ".from em, .from a"))
        lines = (*parts, page.words(self.byline))
        if named := next((found[1] for line in lines if (found := _NAMED.search(line))), None):
            return named
        return next((part for part in parts if part and not _NO_MEDIUM.search(part)), "")

    def body_of(self, page: Source) -> str:
        """The introduction: where its place has no name, what begins with the word for it."""
        if body := super().body_of(page):
            return re.sub(_INTRODUCTION, r"\1", body, count=1)
        for node in page.tree.css("p, div, dd, span"):
            text = squeeze(node.text(deep=True))
            if len(text) < 2000 and (found := _INTRODUCED.match(text)) and text[found.end() :]:
                return f"<p>{html.escape(text[found.end() :])}</p>"
        return ""

    @classmethod
    def matches(cls, page: Source) -> bool:
        return super().matches(page) and "slide_data" not in page.text

    def item(self, page: Source) -> ArticleItem:
        item = super().item(page)
        item.lead_image = absolute_url(page.url, page.meta.get("og:image", ""))
        return item
