"""Sina's page layouts with names for their parts, since 2008. A page shows exactly one of them."""

from __future__ import annotations

import re

from sinanews.pages.base import Layout, Source

KANDIAN = '[name="comment"][content^="mp:"]:is(meta)'
HEADLINES = ".m-header-part-w, .m-header-part, .m-nav-part"
TIME_SOURCE = ".time-source, #navtimeSource"
MOBILE = ".art_box, .art_content"
VIDEO = (
    '[property="og:type"][content^="video"]:is(meta), .VD_player, #J_Video_Player, .video_path, #videoPlayer, '
    "#myflashBox, .vd_playBox"
)
#: Meta tags of the publishing systems since 2017.
PUBLISHED = ", ".join(
    f'[{key}="{name}"]:is(meta)'
    for key in ("property", "name")
    for name in ("bytedance:published_time", "article:published_time", "weibo: article:create_at")
)


class Finance2018(Layout):
    """finance.sina.com.cn since 2017, and other channels of that design."""

    name = "finance_2018"
    marks = ("#artibody", ".date-source")
    unless = (KANDIAN, HEADLINES)


class News2018(Layout):
    """news.sina.com.cn since 2017. The first h1 is the site's logo."""

    name = "news_2018"
    marks = ("#article", ".date-source")
    unless = ("#artibody", KANDIAN)
    body = ("#article",)
    title = ("h1.main-title", ".second-title")


class Finance2026(Layout):
    """finance.sina.com.cn without a line for time and medium: both stand in meta tags, the medium in the list only."""

    name = "finance_2026"
    marks = ("#artibody", PUBLISHED)
    unless = (
        ".date-source", TIME_SOURCE, KANDIAN, HEADLINES, "#pub_date", "#media_name", ".artInfo", "#artibody.BSHARE_POP",
    )  # fmt: skip
    time = ()
    media = ()
    byline = ""

    def author_of(self, page: Source) -> str:
        """The account that wrote it; on pages with a visible medium this meta tag repeats that."""
        return page.meta.get("article:author", "")


class Headlines(Layout):
    """财经头条, accounts on t.cj.sina.com.cn and cj.sina.com.cn; its meta tags are a template's, not the article's."""

    name = "headlines"
    marks = ("#artibody", HEADLINES)
    unless = (KANDIAN,)
    title = ("h1.main-title", "h1.article-title", "h1")
    time = (".date-source .date", ".date", ".article-info .time", ".time", ".article-info span", ".byline span")
    media = (".date-source .source", ".source", ".article-info .author", ".article-info a", ".byline a", ".author")


class Kandian(Layout):
    """k.sina.com.cn 看点: the account's name is in a meta tag; may hold a video and no text."""

    name = "kandian"
    marks = ("#artibody", KANDIAN)

    def author_of(self, page: Source) -> str:
        named = page.words(".date-source .author a")
        return re.sub(r"^作者(?:\s*[：:]\s*|\s+)", "", named) or super().author_of(page) or page.meta.get("mediaid", "")


class Finance2014(Layout):
    """finance.sina.com.cn and other channels, 2014-17: time and medium in one span."""

    name = "finance_2014"
    marks = ("#artibody", TIME_SOURCE)
    unless = (".date-source", KANDIAN, HEADLINES, "#artibody.BSHARE_POP")
    title = ("#artibodyTitle", "#main_title", "h1.main-title", ".page-header h1", "h1")
    time = (TIME_SOURCE,)
    media = ('[data-sudaclick="media_name"] a', '[data-sudaclick="media_name"]', ".time-source .source")
    byline = TIME_SOURCE


class Publish2009(Layout):
    """2008-13: the publishing system's own ids for title, time and medium."""

    name = "publish_2009"
    marks = ("#artibody", "#pub_date, #media_name, .artInfo")
    unless = (".date-source", TIME_SOURCE, KANDIAN, HEADLINES, "#artibody.BSHARE_POP")
    title = ("#artibodyTitle", "h1")
    time = ("#pub_date", ".artInfo")
    media = ("#media_name a", "#media_name")
    byline = ".artInfo"


class Tech2016(Layout):
    """tech.sina.com.cn, 2013-19: the same parts, other furniture."""

    name = "tech_2016"
    marks = ("#artibody.BSHARE_POP",)
    unless = (".date-source", KANDIAN, HEADLINES)
    title = ("#artibodyTitle", "h1.main-title", "h1")
    byline = ".artInfo"
    time = ("#pub_date", ".artInfo", TIME_SOURCE)
    media = ("#media_name a", "#media_name", '[data-sudaclick="media_name"]')


class Mobile(Layout):
    """finance.sina.cn, news.sina.cn: their visible time may have no year, then a meta tag's counts."""

    name = "mobile"
    marks = (MOBILE,)
    unless = ("#artibody", ".date-source", TIME_SOURCE)
    body = (".art_content", ".art_box")
    title = (".art_tit_h1", ".art_title", "h1")
    time = (".art_time", ".weibo_time", "time")
    media = (".art_cite", ".weibo_detail .weibo_user", "h2.weibo_user", ".art_source")
    byline = ".art_time"
    keywords = ".art_keywords, .art_tags"


NAMED_PARTS = (Finance2018, Finance2026, News2018, Headlines, Kandian, Finance2014, Tech2016, Publish2009, Mobile)
