# ruff: noqa: F811  # a fixture and the argument that asks for it have one name
"""The report: numbers that are right, a page of bounded size, and a browser that finds nothing to complain of."""

from __future__ import annotations

import base64
import html
import json
import os
import re
import shutil
import subprocess
import time
import zlib
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import unquote

import pytest

from sinanews.catalogue import Catalogue
from sinanews.catalogue.tables import articles
from sinanews.commands.report import posts_from
from sinanews.items import ArticleItem
from sinanews.posts.naming import post_path, slug
from sinanews.report.page import build
from sinanews.samplesite import SampleSite
from tests.conftest import PROJECT, TemporaryArchive
from tests.test_catalogue import url  # noqa: F401  # a fixture: each database there is

NOW = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&{{7*7}}${8*8}\x00\u202e恶意]]>"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")


@pytest.fixture
def catalogue(archive: TemporaryArchive) -> Iterator[Catalogue]:
    opened = Catalogue(f"sqlite:///{archive.database}")
    yield opened
    opened.close()


def row(n: int, title: str = "标题", **values: Any) -> dict[str, Any]:
    """An exported article, published n minutes before NOW and exported half an hour later."""
    published = NOW - timedelta(minutes=n)
    item = ArticleItem(id=f"im{n:013}", url=None, title=title, published_at=published, categories=["金融", "新浪财经"])
    return {
        "id": item.id, "state": "exported", "title": title, "channel": "china", "media": "某报", "missing": "",
        "published_at": published, "first_seen_at": NOW, "recorded_at": NOW, "revision": 1, "attempts": 0,
        "exported_at": published + timedelta(minutes=30), "path": post_path(item).as_posix(), **values,
    }  # fmt: skip


def insert(catalogue: Catalogue, rows: list[dict[str, Any]]) -> None:
    with catalogue.begin() as connection:
        connection.execute(articles.insert(), rows)


def packed(page: str) -> dict[str, Any]:
    text = re.search(r'id="titles"[^>]*>([^<]*)<', page)
    assert text is not None
    found: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(text[1])).decode("gb18030"))
    return found


def charts(page: str) -> list[dict[str, Any]]:
    text = re.search(r'id="charts">([^<]*)<', page)
    assert text is not None
    found: list[dict[str, Any]] = json.loads(text[1])
    return found


def test_the_numbers(url: str) -> None:
    day, catalogue = 24 * 60, Catalogue(url)
    insert(catalogue, [row(5), row(7, missing="media"), row(9 * 60, channel="macro"), row(day, channel="macro")])
    late = row(8, exported_at=NOW + timedelta(days=30))
    insert(catalogue, [late, row(6, exported_at=NOW + timedelta(hours=8), revision=2)])
    by_day, delay, fields = charts(build(catalogue, "./", NOW))
    catalogue.close()
    assert by_day["labels"] == ["all", "国內", "宏观经济"]
    assert by_day["data"][1:] == [[1, 5], [0, 4], [1, 1]]
    assert by_day["data"][0][1] == datetime(2026, 11, 22, 16, tzinfo=timezone.utc).timestamp()  # midnight in Beijing
    assert delay["data"][1] == [0.5, 0.5]  # neither the late one nor the edited one counts
    media = fields["data"][1 + fields["labels"].index("media")]
    assert media[:2] == [100.0, round(200 / 3, 1)]


def test_numbers_are_there_without_scripts(catalogue: Catalogue) -> None:
    insert(catalogue, [row(n) for n in range(10)])
    page = re.sub(r"<script.*?</script>", "", build(catalogue, "./", NOW), flags=re.DOTALL)
    assert re.search(r'<td>2026-11-23</td><td class="n">10</td>', page)
    assert "Beijing" in page


def test_nothing_is_asked_of_a_network(catalogue: Catalogue) -> None:
    insert(catalogue, [row(1)])
    page = build(catalogue, "./", NOW)
    assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//|@import|url\(""", page)
    assert "default-src 'none'" in page


def test_an_empty_catalogue_has_a_page_too(catalogue: Catalogue) -> None:
    assert "News archive" in build(catalogue, "./", NOW)


def test_every_title_is_packed_with_the_way_to_its_post(catalogue: Catalogue) -> None:
    moved = row(3, title="改过的标题", path="金融/新浪财经/2026/11/2026-11-23-旧标题-im0000000000003.md")
    insert(catalogue, [row(1, title=HOSTILE), row(2, title=""), moved, row(4, title="Ａ股（上）", published_at=None)])
    columns = packed(build(catalogue, "./", NOW))
    assert len(columns["titles"].split("\n")) == len(columns["ids"].split("\n")) == 4
    assert columns["paths"]["2"] == moved["path"]
    assert set(columns["paths"]) == {"2", "3"}  # what does not follow from title, day and id


def test_titles_of_others_are_only_text(catalogue: Catalogue) -> None:
    insert(catalogue, [row(1, title=HOSTILE, media=HOSTILE, channel="x<script>")])
    page = build(catalogue, "./", NOW)
    assert page.count("<script") == 3
    assert "<img" not in page
    assert "\u202e" not in page


def test_a_large_archive(catalogue: Catalogue) -> None:
    """A hundred thousand articles with SINANEWS_EXAMPLES set (`./run faults`), fewer in everyday runs."""
    number, random = (100_000 if "SINANEWS_EXAMPLES" in os.environ else 10_000), Random(1)
    words = [
        "".join(chr(0x4E00 + random.randrange(3000)) for _ in range(random.choice((1, 2, 3)))) for _ in range(3000)
    ]
    insert(catalogue, [row(n, "".join(random.choices(words, k=12))) for n in range(number)])
    began = time.perf_counter()
    page = build(catalogue, "./", NOW)
    assert time.perf_counter() - began < 10
    assert len(page.encode()) < number * 50 + 200_000


def test_titles_that_do_not_fit_in_are_owned_up_to(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    insert(catalogue, [row(n, f"标题{n * 7919 % 1009}") for n in range(1000)])
    monkeypatch.setattr("sinanews.report.titles.TITLES_SIZE", 3_000)
    page = build(catalogue, "./", NOW)
    titles = packed(page)["titles"].split("\n")
    assert 0 < len(titles) < 1000
    assert titles[0] == "标题0"
    assert f"The newest {len(titles)} of 1000 titles" in page


def test_links_lead_from_the_page_to_the_posts(tmp_path: Path) -> None:
    exports = tmp_path / "ex ports"
    assert posts_from(exports, exports) == "./"
    assert posts_from(tmp_path, exports) == "./ex%20ports/"
    assert posts_from(tmp_path / "web" / "a", exports) == "./../../ex%20ports/"


def test_the_command_after_a_real_crawl(archive: TemporaryArchive) -> None:
    with SampleSite(articles=20) as site:
        archive.crawl("sina_finance", mirror=site.url)
    done = archive.run("report", "-o", str(archive.folder / "web" / "r.html"))
    assert (done.returncode, done.stdout.strip()) == (0, str(archive.folder / "web" / "r.html"))
    page = (archive.folder / "web" / "r.html").read_text("utf-8")
    links = [unquote(html.unescape(link)) for link in re.findall(r'<li><a href="([^"]+)"', page)]
    assert links
    assert all((archive.folder / "web" / link).is_file() for link in links)
    assert archive.run("report").stdout.strip() == str(archive.exports / "report.html")


def in_chromium(page: Path, script: str) -> tuple[str, list[str]]:
    """The page's DOM after our script ran in it, and what the browser's console said."""
    text = page.read_text("utf-8")
    head = "<script>addEventListener('error', e => document.body.dataset.error = e.message);"
    head += "window.alert = () => document.body.dataset.error = 'alert';</script>"
    text = re.sub(r"<meta http-equiv=\"Content-Security-Policy\"[^>]*>", head, text)  # it forbids our script too
    probe = page.with_name("probe.html")
    probe.write_text(text.replace("</body>", f"<script>{script}</script></body>"), "utf-8")
    assert CHROMIUM is not None
    words = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"]
    words += ["--virtual-time-budget=8000", f"--user-data-dir={page.parent / 'profile'}", "--dump-dom"]
    done = subprocess.run([*words, probe.as_uri()], capture_output=True, text=True, timeout=100, check=True)
    plain = subprocess.run([*words, page.as_uri()], capture_output=True, text=True, timeout=100, check=True)
    return done.stdout, [line for line in (done.stderr + plain.stderr).splitlines() if "CONSOLE" in line]


TITLES = [
    "1-4月份利润上涨1.4%",
    "成交1,200亿元，12,34",
    "3.5%5G",
    "９．５折",
    "1,2345",
    "“9-”" * 30,
    "9-" * 30,
    "😀1😀2",
    "普通标题",
    "",
]


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_page_names_files_as_the_archive_does() -> None:
    script = (PROJECT / "sinanews" / "report" / "templates" / "report.js").read_text("utf-8")
    function = script[script.index("function slugOf") : script.index("function pathOf")]
    program = f"{function}\nconsole.log(JSON.stringify({json.dumps(TITLES)}.map(slugOf)))"
    done = subprocess.run(["node", "-e", program], capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(done.stdout) == [slug(title) for title in TITLES]


@browser
def test_search_in_a_browser(catalogue: Catalogue, tmp_path: Path) -> None:
    insert(catalogue, [row(n, f"第{n}条 沪指ETF（增强）") for n in range(300)] + [row(400, HOSTILE)])
    page = tmp_path / "report.html"
    page.write_text(build(catalogue, "./", NOW), "utf-8")
    script = "const box = document.getElementById('search'); box.value = '%s'; box.dispatchEvent(new Event('input'));"
    dom, console = in_chromium(page, script % "第77条 etf")
    assert console == []
    assert "data-error" not in dom
    assert dom.count("<canvas") == 3
    (link,) = re.findall(r'<ul id="results".*?</ul>', dom, re.DOTALL)
    assert unquote(re.findall(r'href="([^"]+)"', link)[0]) == "./" + row(77, "第77条 沪指ETF（增强）")["path"]
    dom, console = in_chromium(page, script % "恶意")
    assert console == []
    assert "1 found" in dom
    assert "data-error" not in dom
    assert "<img" not in dom
