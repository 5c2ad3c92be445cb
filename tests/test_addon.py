"""The add-on in projects of other people, as ``scrapy startproject`` makes them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from scrapy.settings import Settings

from sinanews import settings as ours
from sinanews.addon import ArchiveAddon, article_of
from sinanews.exceptions import BadItem
from sinanews.posts import read_post
from tests import processes
from tests.conftest import PROJECT, TemporaryArchive

ADDON = 'ADDONS = {"sinanews.addon.ArchiveAddon": 300}\n'
#: A spider that yields what its test says, and asks for what it says.
SPIDER = """
from dataclasses import dataclass
import attrs, scrapy
from sinanews.items import ArticleItem

class Record(scrapy.Item):
    id = scrapy.Field()
    title = scrapy.Field()
    body_html = scrapy.Field()
    rating = scrapy.Field()

@dataclass
class Data:
    id: str
    title: str
    body_html: str = ""

@attrs.define
class Attrs:
    id: str
    title: str
    body_html: str = ""

class HarbourSpider(scrapy.Spider):
    name = "harbour"
    allowed_domains = ["harbour.example", "127.0.0.1", "localhost", "2130706433"]
    urls = []

    async def start(self):
        for url in self.urls:
            yield scrapy.Request(url)
        for item in (ITEMS):
            yield item
"""


class ForeignProject:
    """A project that ``scrapy startproject`` made, with one spider and its own exports."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        scrapy(folder.parent, "startproject", "harbour", str(folder))
        self.settings = folder / "harbour" / "settings.py"
        self.add("DOWNLOAD_DELAY = AUTOTHROTTLE_START_DELAY = 0.01\n" + ADDON)

    def add(self, lines: str) -> None:
        with self.settings.open("a") as file:
            file.write(lines)

    def crawl(
        self, items: str = "", *words: str, urls: list[str] | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        spider = SPIDER.replace("(ITEMS)", f"[{items}]").replace("urls = []", f"urls = {urls or []}")
        (self.folder / "harbour" / "spiders" / "harbour.py").write_text(spider, "utf-8")
        done = scrapy(self.folder, "crawl", "harbour", *words, **environment)
        assert "Traceback" not in done.stderr, done.stderr
        return done

    @property
    def archive(self) -> TemporaryArchive:
        archive = TemporaryArchive(self.folder)
        archive.database = archive.exports / ".catalogue.db"
        return archive


def scrapy(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SINANEWS_")} | variables
    return processes.run([sys.executable, "-m", "scrapy", *words], cwd=folder, env=environment, timeout=120)


@pytest.fixture
def project(tmp_path: Path) -> ForeignProject:
    return ForeignProject(tmp_path / "harbour")


def test_items_of_every_kind_become_posts(project: ForeignProject) -> None:
    kinds = (
        'dict(id="a", title="甲", body_text="甲文 <b> 一\\n甲文 二", rating=5)',
        'Data("b", "乙", "<p>乙文</p>")',
        'Attrs("c", "丙", "<p>丙文</p>")',
        'Record(id="d", title="丁", body_html="<p>丁文</p>", rating=5)',
        'ArticleItem(id="e", url=None, title="戊", body_html="<p>戊文</p>", categories=["港口"])',
    )
    done = project.crawl(", ".join(kinds))
    assert "5 articles exported: all that was wanted is stored" in done.stderr
    assert "less polite" in done.stderr and "DOWNLOAD_DELAY=0.01" in done.stderr
    archive = project.archive
    assert archive.ids() == set("abcde")
    posts = {p.relative_to(archive.exports).parts[0] for p in archive.posts}
    assert posts == {"harbour", "港口"}, "without categories an article lies in its spider's folder"
    assert "only 0% of the articles have the field published_at" in done.stderr, "the monitors look"
    assert archive.query("SELECT outcome, exit_code FROM runs") == [("needs_attention", 1)]
    (text,) = [p.read_text("utf-8") for p in archive.posts if p.stem.endswith("-a")]
    assert "<p>甲文 &lt;b&gt; 一</p>" in text, "a text alone is paragraphs"
    again = project.crawl(", ".join(kinds))
    assert "5 unchanged" in again.stderr


def test_what_is_no_article_is_a_refusal_that_names_the_field(project: ForeignProject) -> None:
    items = (
        'dict(title="无号", url="https://harbour.example/1", body_html="<p>x</p>"), dict(id="a"), '
        'dict(id="b", title="乙", published_at="2026-11-24 08:00", body_html="<p>x</p>")'
    )
    done = project.crawl(items)
    for words in (
        "an item (https://harbour.example/1) has no id",
        "has no title",
        "published_at is '2026-11-24 08:00'",
    ):
        assert words in done.stderr
    rows = project.archive.query("SELECT id, state, reason FROM articles ORDER BY id")
    assert rows == [(key, "refused", "bad_item") for key in ("a", "b", "https://harbour.example/1")]
    assert project.archive.query("SELECT exit_code FROM runs") == [(3,)]


def test_sinas_rules_are_for_sinas_pages_and_the_neutral_ones_for_all(project: ForeignProject) -> None:
    body = "<p>正文第一段。</p><div class='keywords'>词条</div><p>文/某人</p><p>责任编辑：某某</p><script>x()</script><img src='/a.jpg' onerror='x()'><p><a href='b.html'>链接</a></p>"
    theirs = f'dict(id="a", title="甲", url="https://harbour.example/n/1.html", body_html="""{body}""")'
    sinas = f'dict(id="b", title="乙", url="https://finance.sina.com.cn/n/1.html", body_html="""{body}{body}""")'
    project.crawl(f"{theirs}, {sinas}")
    posts = {p.stem.rsplit("-", 1)[1]: read_post(p.read_bytes()) for p in project.archive.posts}
    for words in (
        "词条",
        "责任编辑：某某",
        'src="https://harbour.example/a.jpg"',
        'href="https://harbour.example/n/b.html"',
    ):
        assert words in posts["a"].body
    assert not re.search("script|onerror|x\\(\\)", posts["a"].body + posts["b"].body)
    assert "词条" not in posts["b"].body and "责任编辑" not in posts["b"].body


def test_copies_are_dropped(project: ForeignProject) -> None:
    text = "".join(f"<p>码头上的第{n}台起重机在今天早晨完成了吊装，调度员说比计划提前了{n}天。</p>" for n in range(12))
    item = 'dict(id="{}", title="起重机到港", url="https://harbour.example/{}", body_html="{}")'
    project.crawl(f"{item.format('a', 1, text)}, {item.format('b', 2, text)}")
    assert project.archive.ids() == {"a"} and project.archive.ids("duplicate") == {"b"}


def test_no_private_address_is_asked_and_a_run_that_gets_nothing_is_not_well(project: ForeignProject) -> None:
    urls = ["http://127.0.0.1:9/", "http://localhost:9/", "http://2130706433:9/"]
    done = project.crawl(urls=urls, SINANEWS_RETRY_DELAY="0.05")
    assert project.archive.query("SELECT outcome FROM runs") == [("nothing_fetched",)]
    assert "a private address" in done.stderr
    assert "2130706433 resolves to 127.0.0.1, which is no public address" in done.stderr
    (counts,) = project.archive.query("SELECT counts FROM runs")[0]
    assert json.loads(str(counts))["failed/forbidden_address"] == 2


def test_requests_that_fail_count_and_those_that_are_filtered_do_not(project: ForeignProject) -> None:
    pages = partial(SimpleHTTPRequestHandler, directory=PROJECT / "examples" / "harbour" / "site")
    with ThreadingHTTPServer(("127.0.0.1", 0), pages) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        mirror = f"SINANEWS_MIRROR=http://127.0.0.1:{server.server_address[1]}"
        project.crawl("", "-s", mirror, urls=["https://harbour.example/none", "https://other.example/"])
        server.shutdown()
    (counts,) = project.archive.query("SELECT counts FROM runs")[0]
    failed = {k: v for k, v in json.loads(str(counts)).items() if k.startswith("failed/")}
    assert failed == {"failed/http_404": 1}


def test_settings_may_come_from_the_environment_and_feeds_have_the_clean_article(project: ForeignProject) -> None:
    item = 'dict(id="a", title="甲", url="https://harbour.example/", body_html="<p onclick=x()>甲文</p>")'
    project.crawl(item, "-O", "items.json", SINANEWS_EXPORTS="elsewhere", SINANEWS_FRONT_MATTER_EXTRA="url")
    (post,) = (project.folder / "elsewhere").rglob("*.md")
    assert "https://harbour.example/" in post.read_text("utf-8")
    (row,) = json.loads((project.folder / "items.json").read_text("utf-8"))
    assert (row["body_html"], row["body_text"], row["categories"]) == ("<p>甲文</p>", "甲文", ["harbour"])


def test_the_projects_own_settings_win_and_their_components_stay() -> None:
    settings = Settings()
    settings.setdict(
        {
            "ITEM_PIPELINES": {"sinanews.pipelines.DedupPipeline": None, "scrapy.pipelines.files.FilesPipeline": 1},
            "DOWNLOADER_MIDDLEWARES": {"scrapy.downloadermiddlewares.retry.RetryMiddleware": 550},
            "ROBOTSTXT_OBEY": False,
            "SINANEWS_EXPORTS": "elsewhere",
            "CONCURRENT_REQUESTS": 64,
        },
        priority="project",
    )
    ArchiveAddon.update_pre_crawler_settings(settings)
    ArchiveAddon().update_settings(settings)
    pipelines = settings.getdict("ITEM_PIPELINES")
    assert pipelines["sinanews.pipelines.DedupPipeline"] is None
    assert pipelines["scrapy.pipelines.files.FilesPipeline"] == 1
    assert pipelines["sinanews.pipelines.ExportPipeline"] == ours.ITEM_PIPELINES["sinanews.pipelines.ExportPipeline"]
    assert settings["SINANEWS_EXPORTS"] == "elsewhere" and settings.getint("CONCURRENT_REQUESTS") == 64
    assert settings["SINANEWS_HOSTS"] == "*" and settings["DOWNLOAD_DELAY"] == ours.DOWNLOAD_DELAY
    middlewares = settings.getdict("DOWNLOADER_MIDDLEWARES")
    assert middlewares["scrapy.downloadermiddlewares.retry.RetryMiddleware"] == 550
    assert "scrapy.downloadermiddlewares.offsite.OffsiteMiddleware" not in middlewares, "their own hosts stay theirs"
    assert "file" not in settings.getdict("DOWNLOAD_HANDLERS")
    assert settings["BOT_NAME"] == Settings()["BOT_NAME"]


def test_politeness_that_is_overridden_is_told_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    values = {"DOWNLOAD_DELAY": 0, "ROBOTSTXT_OBEY": False, "AUTOTHROTTLE_ENABLED": False, "CONCURRENT_REQUESTS": 32}
    settings = Settings(values)
    ArchiveAddon().update_settings(settings)
    (line,) = [r.getMessage() for r in caplog.records if "less polite" in r.getMessage()]
    assert all(f"{name}={value!r}" in line for name, value in values.items())
    caplog.clear()
    ArchiveAddon().update_settings(Settings())
    assert caplog.records == []


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ('EXTENSIONS = {"sinanews.run.extension.Run": None}', "EXTENSIONS lacks sinanews.run.extension.Run"),
        ('SCHEDULER = "scrapy.core.scheduler.Scheduler"', "SCHEDULER is not sinanews.scheduler.PatientScheduler"),
        ('SINANEWS_BODY = "dirty"', "SINANEWS_BODY is 'dirty'; write clean or verbatim"),
    ],
)
def test_a_missing_part_is_told(project: ForeignProject, lines: str, words: str) -> None:
    project.add(lines + "\n")
    (project.folder / "harbour" / "spiders" / "harbour.py").write_text(SPIDER.replace("(ITEMS)", "[]"), "utf-8")
    done = scrapy(project.folder, "crawl", "harbour")
    assert words in done.stderr and "AssertionError" not in done.stderr


def test_our_commands_work_there_too(project: ForeignProject) -> None:
    project.add('COMMANDS_MODULE = "sinanews.commands"\n')
    done = project.crawl('dict(id="a", title="甲", body_html="<p>甲文</p>")', "-L", "WARNING")
    assert done.returncode == 0 and done.stdout.endswith(
        "sinanews: 1 article exported: all that was wanted is stored\n"
    )
    assert project.crawl('dict(id="b")').returncode == 3
    assert "harbour" in scrapy(project.folder, "status").stdout


def test_a_spider_may_stay_out_and_parse_writes_nothing(project: ForeignProject) -> None:
    spider = project.folder / "harbour" / "spiders" / "other.py"
    out = 'class Other(scrapy.Spider):\n    name = "other"\n    custom_settings = {"ADDONS": {}}\n'
    yields = '    async def start(self):\n        yield {"rating": 5}\n'
    spider.write_text(f"import scrapy\n\n{out}{yields}", "utf-8")
    done = scrapy(project.folder, "crawl", "other", "-O", "items.json")
    assert "Traceback" not in done.stderr and not project.archive.exports.exists()
    assert json.loads((project.folder / "items.json").read_text("utf-8")) == [{"rating": 5}]
    project.crawl()  # writes the spider
    shutil.rmtree(project.archive.exports)
    scrapy(project.folder, "parse", "--spider=harbour", "--pipelines", "https://harbour.invalid/")
    assert not project.archive.exports.exists()


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ({"id": "a", "title": "t", "keywords": "x"}, "keywords"),
        ({"id": "a", "title": 5}, "title"),
        ({"id": "a", "title": " "}, "no title"),
        ({"id": "a", "title": "t", "incomplete": "no"}, "incomplete"),
        ({"id": "a", "title": "t", "published_at": 1700000000}, "published_at"),
        ("text", "str is no item"),
    ],
)
def test_a_field_with_no_fit_value_is_named(item: Any, words: str) -> None:
    with pytest.raises(BadItem, match=words):
        article_of(item)
