"""Items as posts."""

from __future__ import annotations

import csv
import dataclasses
import io
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from scrapy.exporters import BaseItemExporter

from sinanews.exceptions import ArgumentError
from sinanews.items import ArticleItem
from sinanews.posts import read_post
from sinanews.posts.exporter import FrontMatterItemExporter, SafeCsvItemExporter, SafeXmlItemExporter
from tests.conftest import TemporaryArchive

SEED = Path(__file__).parents[1] / "seeds" / "000_c05529d807c41e48.txt"
DATE = datetime.fromisoformat("2022-09-01T08:13:52+08:00")


def article(**values: Any) -> ArticleItem:
    item = ArticleItem(
        id="imizmscv8626000",
        url="https://finance.sina.com.cn/a.shtml",
        title="标题 {{ x }}",
        published_at=DATE,
        media="新华社",
        author="记者甲",
        stocks=["sh600519", "000001"],
        lead_image="https://n.sinaimg.cn/a.jpg",
        body_html="<p>正文</p>",
        layout="finance",
        categories=["金融", "新浪财经", "新浪财经－国內"],
    )
    return dataclasses.replace(item, **values)


def exported(item: ArticleItem, verbatim: bool = False, extra_fields: tuple[str, ...] = ()) -> bytes:
    file = io.BytesIO()
    exporter = FrontMatterItemExporter(file, verbatim=verbatim, extra_fields=extra_fields)
    exporter.start_exporting()
    exporter.export_item(item)
    exporter.finish_exporting()
    return file.getvalue()


def test_an_item_is_written_in_the_seed_format() -> None:
    assert exported(article()).decode() == (
        '\n---\ntitle: "标题 \\x7B\\x7B x \\x7D\\x7D"\ncategories: \n - 金融\n - 新浪财经\n - 新浪财经－国內\n'
        "headimg: 'https://n.sinaimg.cn/a.jpg'\nauthor: 新浪财经\ncomments: false\n"
        "date: Thu, 01 Sep 2022 00:13:52 GMT\nthumbnail: 'https://n.sinaimg.cn/a.jpg'\n---\n\n"
        "<div>   \n<p>正文</p>  \n</div>\n            "
    )


def test_the_seed_as_an_item_is_written_back_byte_for_byte() -> None:
    post = read_post(SEED.read_bytes())
    item = ArticleItem(
        id="seed-1",
        url=None,
        title=post.title,
        published_at=post.date,
        lead_image=post.lead_image,
        body_html=post.body,
        categories=post.categories,
    )
    assert exported(item, verbatim=True) == SEED.read_bytes()


def test_extra_fields_follow_thumbnail_under_names_without_meaning_to_hexo() -> None:
    fields = ("id", "layout", "author", "media", "stocks", "published_at", "summary")
    header = yaml.safe_load(exported(article(), extra_fields=fields).split(b"\n---\n")[1])
    assert dict(list(header.items())[7:]) == {
        "sina_id": "imizmscv8626000",
        "sina_layout": "finance",
        "byline": "记者甲",
        "media": "新华社",
        "stocks": ["sh600519", "000001"],
        "published_at": "2022-09-01T08:13:52+08:00",
        "summary": "",
    }


@pytest.mark.parametrize("name", ["permalink", "content", "title", "body_html", "_id", "path", "published", ""])
def test_an_extra_field_that_cannot_be_is_named_with_what_is_allowed(name: str) -> None:
    with pytest.raises(ArgumentError, match=f"'{name}'; allowed: attachments, author, channel"):
        exported(article(), extra_fields=("media", name))


def test_missing_values_are_empty() -> None:
    data = exported(article(published_at=None, lead_image=None, categories=[], author=None))
    assert b"\ncategories: []\nheadimg: ''\nauthor: ''\ncomments: false\ndate: ''\nthumbnail: ''\n---" in data
    assert read_post(data).date is None


NOT_IN_XML = [chr(n) for n in range(32) if chr(n) not in "\t\n\r"] + ["\ufffe", "\uffff", "\ud800", "\udfff"]
FORMULAS = ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠x", "\x00=1"]


def fed(exporter_class: type[BaseItemExporter], *items: ArticleItem) -> str:
    file = io.BytesIO()
    exporter = exporter_class(file)  # type: ignore[call-arg]
    exporter.start_exporting()
    for item in items:
        exporter.export_item(item)
    exporter.finish_exporting()
    return file.getvalue().decode()


@pytest.mark.parametrize("char", NOT_IN_XML, ids=ascii)
def test_xml_is_well_formed_whatever_an_item_holds(char: str) -> None:
    item = article(title=f"前{char}后 <&]]>", keywords=[f"a{char}b", "c"], media=f"{char}", body_text="行\n\t二")
    (read,) = ElementTree.fromstring(fed(SafeXmlItemExporter, item))
    assert (read.findtext("title"), read.findtext("body_text")) == ("前后 <&]]>", "行\n\t二")
    assert [each.text for each in read.findall("keywords/value")] == ["ab", "c"]


@pytest.mark.parametrize("text", FORMULAS, ids=ascii)
def test_no_cell_of_a_csv_is_a_formula(text: str) -> None:
    item = article(title=text, keywords=[text, "b"], author=f"甲 {text}")
    (row,) = csv.DictReader(io.StringIO(fed(SafeCsvItemExporter, item), newline=""))
    shown = text.replace("\x00", "")
    assert (row["title"], row["keywords"]) == (f"'{shown}", f"'{shown},b")
    assert row["author"] == f"甲 {shown}"
    assert (row["url"], row["stocks"]) == (item.url, "sh600519,000001")


def test_a_run_that_changes_nothing_leaves_an_empty_list_in_every_format(archive: TemporaryArchive) -> None:
    feeds = [archive.folder / f"items.{ending}" for ending in ("json", "jsonl", "csv", "xml")]
    words = [word for feed in feeds for word in ("-O", str(feed))]
    archive.crawl("seeds", *words)
    first = [feed.read_text("utf-8") for feed in feeds]
    assert all("上海证监局" in text for text in first)
    archive.crawl("seeds", *words)
    as_json, lines, table, xml = (feed.read_text("utf-8") for feed in feeds)
    assert as_json.split() == ["[", "]"] and lines == ""
    assert table == first[2].splitlines(keepends=True)[0]
    assert len(ElementTree.fromstring(xml)) == 0
