# ruff: noqa: F811  # a fixture and the argument that asks for it have one name
"""The report: numbers that are right, a page of bounded size, and a browser that finds nothing to complain of."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import time
import zlib
from calendar import monthrange
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from random import Random
from typing import Any

import pytest

from sinanews.catalogue import Catalogue, queries
from sinanews.catalogue.tables import articles
from sinanews.dates import to_beijing
from sinanews.items import ArticleItem
from sinanews.posts.naming import post_path
from sinanews.report.charts import Chart, Tally, charts, periods
from sinanews.report.labels import LABELS
from sinanews.report.page import build
from sinanews.samplesite import SampleSite
from tests.conftest import TemporaryArchive
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
        "exported_at": published + timedelta(minutes=30), "path": post_path(item).as_posix(), "url": None, **values,
    }  # fmt: skip


def insert(catalogue: Catalogue, rows: list[dict[str, Any]]) -> None:
    with catalogue.begin() as connection:
        connection.execute(articles.insert(), rows)


def packed(page: str) -> dict[str, Any]:
    text = re.search(r'id="titles"[^>]*>([^<]*)<', page)
    assert text is not None
    found: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(text[1])).decode("gb18030"))
    return found


def charts_of(catalogue: Catalogue) -> list[Chart]:
    tally = Tally()
    for one in queries.exported_articles(catalogue):
        tally.add(one)
    return charts(tally)


def test_the_numbers(url: str) -> None:
    day, catalogue = 24 * 60, Catalogue(url)
    insert(catalogue, [row(5), row(7, missing="media"), row(9 * 60, channel="macro"), row(day, channel="macro")])
    late = row(8, exported_at=NOW + timedelta(days=30))
    insert(catalogue, [late, row(6, exported_at=NOW + timedelta(hours=8), revision=2)])
    by_day, delay, fields = charts_of(catalogue)
    catalogue.close()
    assert {panel.name: (panel.values, panel.total) for panel in by_day.panels} == {
        "all": ([1, 5], 6), "china": ([0, 4], 4), "macro": ([1, 1], 2),
    }  # fmt: skip
    assert by_day.periods == [date(2026, 11, 22), date(2026, 11, 23)]
    assert delay.panels[0].values == [0.5, 0.5]  # neither the late one nor the edited one counts
    assert delay.left_out == 1
    (media,) = (panel for panel in fields.panels if panel.name == "media")
    assert media.values[:2] == [100.0, round(200 / 3, 1)]


def test_charts_begin_and_end_with_what_there_is() -> None:
    day = date(2026, 11, 23)
    assert periods({}) == ([], "day")
    assert periods({day: 1}) == ([day], "day")
    assert periods({day: 95, date(2009, 1, 1): 5}) == ([day], "day")  # a few old ones stretch no chart
    weeks, every = periods({day: 1, date(2025, 11, 25): 1})
    assert every == "week"
    assert weeks[0] == date(2025, 11, 24)
    assert weeks[-1] == day
    months, every = periods({day: 1, date(2006, 1, 31): 1})
    assert every == "month"
    assert (months[0], months[-1], len(months)) == (date(2006, 1, 1), date(2026, 11, 1), 251)
    assert all(month.day == 1 and monthrange(month.year, month.month) for month in months)


def test_the_period_that_is_not_over_is_marked(catalogue: Catalogue) -> None:
    insert(catalogue, [row(5), row(24 * 60)])
    page = build(catalogue, NOW)
    assert page.count('class="partial"') >= 1
    assert "not over yet" in page
    assert "not over yet" not in build(catalogue, NOW + timedelta(days=40))


def test_a_title_opens_the_article_in_the_page(catalogue: Catalogue) -> None:
    insert(
        catalogue,
        [row(1, url="https://finance.sina.com.cn/a.shtml"), row(2, url="https://finance.sina.com.cn/b.shtml")],
    )
    body = f'<p>正文甲</p><img src="https://n.sinaimg.cn/a.jpg">{HOSTILE}<script>alert(3)</script>'
    item = ArticleItem(id=row(1)["id"], url=None, title="标题", body_html=body)
    with catalogue.begin() as connection:
        catalogue.contents.put(connection, item, 1, NOW)
    page = build(catalogue, NOW)
    assert f'href="#read-{item.id}"' in page
    assert f'<article id="read-{item.id}"' in page
    assert "<p>正文甲</p>" in page
    assert 'href="https://finance.sina.com.cn/b.shtml"' in page  # not kept: Sina's own
    assert page.count("<script") == 3
    assert "<img" not in page


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_label_is_there_in_both_languages(catalogue: Catalogue, language: str) -> None:
    insert(catalogue, [row(5), row(24 * 60, channel="macro")])
    page = build(catalogue, NOW, language=language)
    assert ("新浪财经归档" in page) == (language == "zh")
    assert f'<html lang="{"zh-Hans" if language == "zh" else "en"}">' in page
    for name, (english, chinese) in LABELS.items():
        assert english.count("{}") == chinese.count("{}"), name
        assert bool(english) == bool(chinese), name


def test_numbers_are_there_without_scripts(catalogue: Catalogue) -> None:
    insert(catalogue, [row(n) for n in range(10)])
    page = re.sub(r"<script.*?</script>", "", build(catalogue, NOW), flags=re.DOTALL)
    assert re.search(r'<td>2026-11-23</td><td class="n">10</td>', page)
    assert "Beijing" in page


def test_nothing_is_asked_of_a_network(catalogue: Catalogue) -> None:
    insert(catalogue, [row(1)])
    page = build(catalogue, NOW)
    assert not re.search(r"""src=|<link[^>]*//|@import|url\(""", page)
    assert "default-src 'none'" in page


def test_an_empty_catalogue_has_a_page_too(catalogue: Catalogue) -> None:
    assert "Sina Finance archive" in build(catalogue, NOW)


def test_every_title_is_packed_with_the_way_to_its_article(catalogue: Catalogue) -> None:
    one = row(1, title=HOSTILE)
    regular = f"https://finance.sina.com.cn/china/2026-11-23/doc-{one['id']}.shtml"
    insert(
        catalogue,
        [one | {"url": regular}, row(2, title=""), row(4, title="Ａ股（上）", published_at=None, url="http://x.cn/1")],
    )
    columns = packed(build(catalogue, NOW))
    assert len(columns["titles"].split("\n")) == len(columns["ids"].split("\n")) == 3
    forms = [columns["addresses"][n] for n in columns["forms"]]
    assert forms == ["https://finance.sina.com.cn/china/\x01/doc-\x02.shtml", "", "http://x.cn/1"]


def test_titles_of_others_are_only_text(catalogue: Catalogue) -> None:
    insert(catalogue, [row(1, title=HOSTILE, media=HOSTILE, channel="x<script>", url="javascript:alert(1)")])
    page = build(catalogue, NOW)
    assert page.count("<script") == 3
    assert "<img" not in page
    assert "\u202e" not in page
    assert 'href="javascript' not in page


def test_a_large_archive(catalogue: Catalogue) -> None:
    """A hundred thousand articles with SINANEWS_EXAMPLES set (`./run faults`), fewer in everyday runs."""
    number, random = (100_000 if "SINANEWS_EXAMPLES" in os.environ else 10_000), Random(1)
    words = [
        "".join(chr(0x4E00 + random.randrange(3000)) for _ in range(random.choice((1, 2, 3)))) for _ in range(3000)
    ]
    insert(catalogue, [row(n, "".join(random.choices(words, k=12))) for n in range(number)])
    began = time.perf_counter()
    page = build(catalogue, NOW)
    assert time.perf_counter() - began < 10
    assert len(page.encode()) < number * 50 + 200_000


def test_titles_that_do_not_fit_in_are_owned_up_to(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    insert(catalogue, [row(n, f"标题{n * 7919 % 1009}") for n in range(1000)])
    smaller = len(build(catalogue, NOW)) - 3_000
    monkeypatch.setattr("sinanews.report.page.PAGE_SIZE", smaller)
    page = build(catalogue, NOW)
    titles = packed(page)["titles"].split("\n")
    assert 0 < len(titles) < 1000
    assert titles[0] == "标题0"
    assert f"The newest {len(titles)} of 1,000 titles" in page


def test_the_command_after_a_real_crawl(archive: TemporaryArchive) -> None:
    with SampleSite(articles=20) as site:
        archive.crawl("sina_finance", mirror=site.url)
    done = archive.run("report", "-o", str(archive.folder / "web" / "r.html"), "--language", "zh")
    assert (done.returncode, done.stdout.strip()) == (0, str(archive.folder / "web" / "r.html"))
    page = (archive.folder / "web" / "r.html").read_text("utf-8")
    links = re.findall(r'<a href="#(read-[^"]+)"', page)
    assert len(links) == 12
    assert all(f'id="{link}"' in page for link in links)
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


@browser
def test_search_in_a_browser(catalogue: Catalogue, tmp_path: Path) -> None:
    address = "https://finance.sina.com.cn/stock/{:%Y-%m-%d}/doc-{}.shtml"
    rows = [row(n, f"第{n}条 沪指ETF（增强）") for n in range(300)]
    rows = [one | {"url": address.format(to_beijing(one["published_at"]), one["id"])} for one in rows]
    insert(catalogue, [*rows, row(400, HOSTILE, url="javascript:alert(1)")])
    page = tmp_path / "report.html"
    page.write_text(build(catalogue, NOW), "utf-8")
    script = "const box = document.getElementById('search'); box.value = '%s'; box.dispatchEvent(new Event('input'));"
    dom, console = in_chromium(page, script % "第77条 etf")
    assert console == []
    assert "data-error" not in dom
    (link,) = re.findall(r'<ol id="results".*?</ol>', dom, re.DOTALL)
    assert re.findall(r'href="([^"]+)"', link) == [rows[77]["url"]]
    dom, console = in_chromium(page, script % "恶意")
    assert console == []
    assert "1 found" in dom
    assert "data-error" not in dom
    assert "<img" not in dom
    assert 'href="javascript' not in dom
