"""One story once: what becomes of copies, through whole crawls of posts written for it."""

from __future__ import annotations

import asyncio
import json
import random
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from scrapy.settings import Settings
from scrapy.utils.test import get_crawler

from sinanews.dates import BEIJING
from sinanews.exceptions import DuplicateArticle
from sinanews.items import ArticleItem
from sinanews.pipelines import DedupPipeline, ExportPipeline
from sinanews.posts import Post, write_post
from sinanews.posts.folder import posts_under
from sinanews.run.extension import Run
from sinanews.samplesite import SampleSite
from sinanews.spiders.seeds import SeedsSpider
from sinanews.spiders.sina_finance import SinaFinanceSpider
from tests.conftest import TemporaryArchive

STORIES = SampleSite(articles=12, shares={}, reprints=0).entries


def post(archive: TemporaryArchive, name: str, title: str, paragraphs: list[str]) -> None:
    """A post on disk; the seeds spider reads them in the order of their names."""
    folder = archive.folder / "posts"
    folder.mkdir(exist_ok=True)
    body = "\n".join(f"<p>　　{paragraph}</p>" for paragraph in paragraphs)
    when = datetime(2026, 11, 20, 9, 0, tzinfo=BEIJING)
    data = write_post(
        Post(title=title, categories=["金融", "新浪财经", "测试"], author="新浪财经", date=when, body=body)
    )
    (folder / f"{name}.md").write_bytes(data)


def crawl(archive: TemporaryArchive, **settings: str) -> None:
    done = archive.crawl("seeds", "-a", f"path={archive.folder / 'posts'}", **settings)
    assert done.returncode == 0, done.stderr


def paragraphs(number: int) -> list[str]:
    return list(STORIES[number].text().paragraphs)


def edited(text: list[str]) -> list[str]:
    """Another medium's version: a line of its own in front, one paragraph changed."""
    return ["本报编辑部综合各地来稿整理。", *text[:-1], text[-1].replace("，", "、", 1) + "业内仍在观察。"]


def test_a_reprint_with_edits_is_recorded_and_not_exported(archive: TemporaryArchive) -> None:
    post(archive, "1", "第一篇", paragraphs(0))
    crawl(archive)
    post(archive, "2", "另一个标题", edited(paragraphs(0)))
    post(archive, "3", "别的事", paragraphs(1))
    crawl(archive)
    assert len(archive.posts) == 2
    ((reason, winner, similarity),) = archive.query(
        "SELECT reason, duplicate_of, similarity FROM articles WHERE state = 'duplicate'"
    )
    assert reason == "story"
    assert winner in archive.ids()
    assert 0.5 < float(str(similarity)) <= 1


@pytest.mark.parametrize(("policy", "exported", "marked"), [("drop", 1, 1), ("mark", 2, 1), ("keep", 2, 0)])
def test_the_setting_says_what_becomes_of_a_copy(
    archive: TemporaryArchive, policy: str, exported: int, marked: int
) -> None:
    post(archive, "1", "第一篇", paragraphs(0))
    post(archive, "2", "另一个标题", edited(paragraphs(0)))
    crawl(archive, SINANEWS_DUPLICATES=policy)
    assert len(archive.posts) == len(archive.ids()) == exported
    assert archive.query("SELECT count(*) FROM articles WHERE duplicate_of IS NOT NULL") == [(marked,)]


def test_an_article_that_an_edit_makes_a_copy_keeps_its_post(archive: TemporaryArchive) -> None:
    post(archive, "1", "第一篇", paragraphs(0))
    post(archive, "2", "别的事", paragraphs(1))
    crawl(archive)
    assert len(archive.posts) == 2
    post(archive, "2", "别的事", edited(paragraphs(0)))
    crawl(archive)
    ((copies,),) = archive.query("SELECT count(*) FROM articles WHERE duplicate_of IS NOT NULL AND state = 'exported'")
    assert copies == 1 and len(archive.ids()) == 2
    assert edited(paragraphs(0))[0] in "".join(p.read_text("utf-8") for p in archive.posts)
    assert archive.run("verify").returncode == 0


def test_the_post_of_a_commit_that_was_lost_is_set_aside_where_it_is_a_copy_now(archive: TemporaryArchive) -> None:
    """A run wrote it and was killed before the commit; the next one meets another copy first."""
    post(archive, "2", "后来的一篇", edited(paragraphs(0)))
    crawl(archive)
    (orphan,) = archive.posts
    for table in ("articles", "contents", "seed_files", "stories", "story_keys"):
        archive.write(f"DELETE FROM {table}")
    post(archive, "1", "先来的一篇", paragraphs(0))
    crawl(archive)
    assert len(archive.ids("duplicate")) == len(archive.ids()) == 1
    assert [p.name for p in archive.posts if ".superseded" in p.parts] == [orphan.name]
    assert not orphan.exists() and archive.run("verify").returncode == 0


def test_a_complete_copy_takes_the_place_of_a_cut_one_and_nothing_is_lost(archive: TemporaryArchive) -> None:
    whole = paragraphs(0) + paragraphs(2)
    post(archive, "1", "被截短的一篇", whole[: len(whole) * 6 // 10])
    crawl(archive)
    (first,) = archive.posts
    text = first.read_bytes()
    post(archive, "2", "完整的一篇", whole)
    crawl(archive)
    (visible,) = [p for p in archive.posts if ".superseded" not in p.parts]
    (aside,) = [p for p in archive.posts if ".superseded" in p.parts]
    assert whole[-1] in visible.read_text("utf-8")
    assert aside.read_bytes() == text
    ((reason, winner, path),) = archive.query("SELECT reason, duplicate_of, path FROM articles WHERE state='duplicate'")
    assert reason == "superseded_complete"
    assert {winner} == archive.ids()
    assert (archive.exports / str(path)) == aside
    crawl(archive)
    assert len(archive.posts) == 2, "and that stays so"


PICTURE = "<img src='https://n.sinaimg.cn/finance/{}.jpg'>"


@pytest.mark.parametrize(
    ("of_first", "of_later", "stays"),
    [(PICTURE.format(1), "", 2), (PICTURE.format(1), PICTURE.format(2), 2), (PICTURE.format(1), PICTURE.format(1), 1)],
)
def test_a_copy_that_lacks_a_picture_stands_beside_the_first(
    archive: TemporaryArchive, of_first: str, of_later: str, stays: int
) -> None:
    whole = paragraphs(0) + paragraphs(2)
    post(archive, "1", "被截短的一篇", [*whole[: len(whole) * 6 // 10], of_first])
    crawl(archive)
    post(archive, "2", "完整的一篇", [*whole, of_later])
    crawl(archive)
    visible = "".join(p.read_text("utf-8") for p in archive.posts if ".superseded" not in p.parts)
    assert whole[-1] in visible
    assert "finance/1.jpg" in visible
    assert len(archive.ids()) == stays
    ((named,),) = archive.query("SELECT count(*) FROM articles WHERE duplicate_of IS NOT NULL")
    assert named == 1


def test_a_copy_that_lacks_a_sentence_stands_beside_the_first(archive: TemporaryArchive) -> None:
    whole = paragraphs(0) + paragraphs(2)
    post(archive, "1", "被截短的一篇", [*whole[: len(whole) * 6 // 10], "只有第一篇写了这一句。"])
    crawl(archive)
    post(archive, "2", "完整的一篇", whole)
    crawl(archive)
    visible = "".join(p.read_text("utf-8") for p in archive.posts if ".superseded" not in p.parts)
    assert whole[-1] in visible and "只有第一篇写了这一句。" in visible


def test_templated_reports_are_not_copies_of_each_other(archive: TemporaryArchive) -> None:
    rng = random.Random(1)
    for day in range(1, 21):
        numbers = [f"{rng.uniform(-5, 5):.2f}" for _ in range(12)]
        sentence = "截至收盘，{}指数报{}点，涨跌幅为{}%，成交额{}亿元，换手率{}%，主力资金净流入{}万元。"
        lines = [
            sentence.format(
                name, rng.randrange(1000, 9000), numbers[i], rng.randrange(100, 900), numbers[i + 4], numbers[i + 8]
            )
            for i, name in enumerate(("云桥", "青禾", "松律", "溪蔚"))
        ]
        post(archive, f"{day:02}", f"行情快报：11月{day}日收盘", lines)
    crawl(archive)
    assert len(archive.posts) == 20


def test_the_same_text_from_seed_and_site_is_one_article(archive: TemporaryArchive) -> None:
    with SampleSite(articles=4, shares={}, reprints=0) as site:
        entry = site.entries[0]
        post(archive, "1", entry.title, list(entry.text().paragraphs))
        crawl(archive)
        archive.crawl("sina_finance", mirror=site.url)
        assert archive.ids("duplicate") == {entry.id}


def test_duplicates_shows_the_clusters(archive: TemporaryArchive) -> None:
    post(archive, "1", "第一篇", paragraphs(0))
    post(archive, "2", "另一个标题", edited(paragraphs(0)))
    crawl(archive)
    (cluster,) = json.loads(archive.run("duplicates", "--json").stdout)
    assert {cluster["winner"]} == archive.ids()
    assert [copy["reason"] for copy in cluster["copies"]] == ["story"]
    assert "另一个标题" in archive.run("duplicates").stdout


def test_two_runs_that_meet_two_copies_keep_one(tmp_path: Path) -> None:
    """Both come to the end of their pipelines in the same moment: one is exported, the other finds it."""
    settings = Settings()
    settings.setmodule("sinanews.settings")
    values: dict[str, Any] = {
        "SINANEWS_EXPORTS": str(tmp_path),
        "SINANEWS_DATABASE": f"sqlite:///{tmp_path}/.catalogue.db",
        "EXTENSIONS_BASE": {},
        "EXTENSIONS": {"sinanews.run.extension.Run": 0},
    }
    runs: list[Run] = []

    async def export(number: int, spider: type[SeedsSpider | SinaFinanceSpider]) -> ArticleItem:
        crawler = get_crawler(spider, {**settings.copy_to_dict(), **values})
        crawler.crawling = True
        runs.append(Run.of(crawler))
        runs[-1].begin(spider())
        text = "\n".join(edited(paragraphs(0)) if number else paragraphs(0))
        item = ArticleItem(id=f"i{number}", url=None, title=f"标题{number}", body_html=text, body_text=text)
        for pipeline in (DedupPipeline(crawler), ExportPipeline(crawler)):
            item = await pipeline.process_item(item)
        return item

    async def both() -> list[ArticleItem | BaseException]:
        spiders = enumerate((SeedsSpider, SinaFinanceSpider))
        return await asyncio.gather(*(export(*one) for one in spiders), return_exceptions=True)

    results = asyncio.run(both())
    (kept,) = (one for one in results if isinstance(one, ArticleItem))
    (copy,) = (one for one in results if isinstance(one, DuplicateArticle))
    assert kept.id in str(copy)
    second = runs[0].catalogue.article({"i0": "i1", "i1": "i0"}[kept.id])
    assert second is not None
    assert (second.state, second.reason, second.duplicate_of) == ("duplicate", "story", kept.id)
    assert len(list(posts_under(tmp_path))) == 1
    for run in runs:
        run.close()
