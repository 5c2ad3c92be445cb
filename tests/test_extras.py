# ruff: noqa: F811  # a fixture and the argument that asks for it have one name
"""What a post may carry beside the seed's form: off unless a setting says so, and understood when it is read again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sinanews.dates import parse_sina_date
from sinanews.items import ArticleItem
from sinanews.posts import read_post
from sinanews.posts.exporter import PostRenderer
from sinanews.posts.extras import OBJECT_NAMES, Extras
from sinanews.samplesite import SampleSite
from tests import hexo
from tests.conftest import TemporaryArchive
from tests.test_hexo import page_parts, text_of, with_hexo  # noqa: F401  # a fixture

ALL = {
    "SINANEWS_TAGS": "keywords, stocks,media",
    "SINANEWS_EXCERPT": "1",
    "SINANEWS_SOURCE_LINK": "1",
    "SINANEWS_DATES": "beijing",
}
EVERY = Extras(("keywords", "stocks", "media"), excerpt=True, source_link=True, beijing=True)
HOSTILE = [
    'it\'s "x"',
    "a\nb: c",
    "{{ 7*7 }}",
    "<b>&amp;",
    "---",
    "降\udfff准",
    "长" * 61,
    "?!",
    " ",
    "]]>",
    "- x",
    "null",
    "12:30",
]


def item(**its: object) -> ArticleItem:
    values = {"id": "ia", "url": "https://finance.sina.com.cn/a.shtml?x={1}&y='~", "title": "题", "layout": "finance_2018",
              "body_html": "<p>文</p>", "published_at": parse_sina_date("2022-09-01 08:13:52"), "categories": ["金融", "新浪财经"]}  # fmt: skip
    return ArticleItem(**{**values, **its})  # type: ignore[arg-type]


def test_all_of_it_is_in_the_post_and_found_again() -> None:
    whole = item(
        keywords=["降准", "央行"], stocks=["sh600519", "JPM"], media="某报", summary="一 <b>\n二 {{ 7*7 }} & 三"
    )
    data = PostRenderer(extras=EVERY)(whole)
    text = data.decode()
    assert (
        "\ndate: 2022-09-01 08:13:52\n" in text
        and "tags: \n - '降准'\n - '央行'\n - 'sh600519'\n - 'JPM'\n - '某报'\n" in text
    )
    assert "excerpt: '一 &lt;b&gt; 二 " in text.replace('"', "'") and "{" not in text
    assert '\n<p class="source"><a href=' in text and "\n\n<p" not in text and text.count("\n\n") == 1
    post = read_post(data)
    assert (post.keywords, post.stocks) == (["降准", "央行", "JPM", "某报"], ["sh600519"])
    assert (post.excerpt, post.source) == ("一 <b> 二 {{ 7*7 }} & 三", whole.url)
    assert (post.body, post.date, post.ignored_keys) == ("<p>文</p>", whole.published_at, [])
    assert PostRenderer()(whole) == PostRenderer(extras=Extras())(replace(whole, keywords=[], summary=None))


def test_tags_that_no_page_can_be_made_of_are_left_out() -> None:
    tags = read_post(PostRenderer(extras=EVERY)(item(keywords=[*HOSTILE, *OBJECT_NAMES]))).keywords
    assert tags[:4] == ['it\'s "x"', "a b: c", "{{ 7*7 }}", "<b>&amp;"] and "降\ufffd准" in tags
    assert not {"---", "?!", "]]>", "长" * 61, "", *OBJECT_NAMES} & set(tags)


def test_hexo_builds_such_posts(with_hexo: None, tmp_path: Path) -> None:
    (tmp_path / "posts").mkdir()
    made = item(keywords=[*HOSTILE, *OBJECT_NAMES], summary="{% foo %} <script>", media="某报")
    (tmp_path / "posts" / "a.md").write_bytes(PostRenderer(extras=EVERY)(made))
    (page,) = hexo.build_site(tmp_path / "posts", tmp_path / "site").glob("*/index.html")
    markup = page_parts(page)[1]
    assert text_of(markup) == "文 阅读原文" and "<script" not in markup


def test_a_crawl_a_rewrite_and_a_rebuild_agree(archive: TemporaryArchive, site: SampleSite) -> None:
    archive.crawl("sina_finance", "-a", "limit=8", mirror=site.url)
    plain = {path: path.read_bytes() for path in archive.posts}
    assert archive.run("rewrite", **ALL).returncode == 0
    dressed = {path: path.read_bytes() for path in archive.posts}
    assert all(b"tags: \n" in data and b'<p class="source">' in data for data in dressed.values())
    assert archive.run("verify").returncode == 0
    other = TemporaryArchive(archive.folder / "other")
    other.crawl("sina_finance", "-a", "limit=8", mirror=site.url, **ALL)
    assert {path.name: path.read_bytes() for path in other.posts} == {path.name: data for path, data in dressed.items()}
    columns = "SELECT id, url, title, published_at, text_digest FROM articles WHERE state = 'exported' ORDER BY id"
    before = archive.query(columns)
    archive.database.unlink()
    assert archive.run("catalogue", "rebuild").returncode == 0
    assert archive.query(columns) == before
    assert archive.run("rewrite").returncode == 0
    assert {path: path.read_bytes() for path in archive.posts} == plain


def test_a_post_of_ours_is_read_as_a_seed(archive: TemporaryArchive, tmp_path: Path) -> None:
    folder = tmp_path / "old"
    folder.mkdir()
    made = PostRenderer(extras=EVERY)(item(keywords=["降准"], stocks=["sh600519"], summary="要"))
    (folder / "a.md").write_bytes(made)
    archive.crawl("seeds", "-a", f"path={folder}", "-O", str(archive.feed))
    (found,) = archive.items()
    assert (found["keywords"], found["stocks"], found["summary"], found["body_text"]) == (
        ["降准"],
        ["sh600519"],
        "要",
        "文",
    )
    (path,) = archive.posts
    assert b"source" not in path.read_bytes()


@pytest.mark.parametrize(
    "setting", [{"SINANEWS_TAGS": "words"}, {"SINANEWS_DATES": "utc"}, {"SINANEWS_EXCERPT": "yes"}]
)
def test_a_setting_that_cannot_be_is_one_line(archive: TemporaryArchive, setting: dict[str, str]) -> None:
    done = archive.crawl("seeds", **setting)
    assert done.returncode == 2 and next(iter(setting)) in done.stderr
