# ruff: noqa: F811  # a fixture and the argument that asks for it have one name
"""``scrapy feed``: valid by the standards' own words, and read by the libraries of real readers."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import atoma
import feedparser
import pytest
from lxml import etree

from sinanews.catalogue import Catalogue
from sinanews.dates import to_beijing
from sinanews.samplesite import SampleSite
from tests.conftest import PROJECT, TemporaryArchive
from tests.test_export import HOSTILE, filled  # noqa: F401  # a fixture
from tests.test_out import NOW, store

URL = "https://news.example/feeds/"


def feed(archive: TemporaryArchive, *words: str) -> str:
    done = archive.run("feed", *words)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def valid(path: Path) -> Any:
    """A feed's tree, if the grammar of RFC 4287 has nothing against it."""
    grammar, tree = etree.RelaxNG(etree.parse(PROJECT / "tests" / "atom.rng")), etree.parse(path)
    assert grammar.validate(tree), grammar.error_log
    return tree


def test_both_forms_say_the_same_to_readers(filled: TemporaryArchive) -> None:
    folder = filled.folder / "feeds"
    assert "11 articles" in feed(filled, f"{folder}/", "--url", URL)
    valid(folder / "atom.xml")
    read = feedparser.parse(folder / "atom.xml")
    strict = atoma.parse_atom_file(folder / "atom.xml")
    items = atoma.parse_json_feed_file(folder / "feed.json")
    assert not read.bozo and read.feed.id == strict.id_ == "tag:finance.sina.com.cn,2022:feed"
    assert [link.href for link in read.feed.links if link.rel == "self"] == [URL + "atom.xml"]
    assert items.feed_url == URL + "feed.json"
    assert [one.id for one in read.entries] == [one.id_ for one in strict.entries] == [one.id_ for one in items.items]
    assert strict.entries[0].published == to_beijing(NOW) == items.items[0].date_published
    for entry, item in zip(strict.entries, items.items, strict=True):
        assert entry.title.value == item.title and entry.content.value == item.content_html.replace("\r\n", "\n")
        assert (
            entry.updated == item.date_modified and entry.authors[0].name == item.author.name if item.author else True
        )
    by_id = {one.id.rsplit("/")[-1]: one for one in read.entries}
    assert by_id["cdata"].title == HOSTILE["cdata"] and by_id["formula"].author == HOSTILE["formula"]
    assert by_id["control"].title == "降准[31m 二行"
    assert by_id["large"].content[0].value == f"<p>{HOSTILE['large']}</p>"


def test_an_edit_changes_the_time_and_never_the_id(archive: TemporaryArchive) -> None:
    archive.folder.mkdir(exist_ok=True)
    catalogue, later, file = (
        Catalogue(archive.place["SINANEWS_DATABASE"]),
        NOW + timedelta(hours=3),
        archive.folder / "a.xml",
    )
    store(catalogue, "a", 5, url=None, media="某报")
    store(catalogue, "b", 6)
    feed(archive, str(file))
    before = feedparser.parse(file)
    store(catalogue, "b", 6, title="改", revision=2, exported_at=later)
    catalogue.close()
    feed(archive, str(file))
    after = feedparser.parse(file)
    assert [one.id for one in after.entries] == [one.id for one in before.entries]
    assert after.entries[0].id == "tag:finance.sina.com.cn,2022:a" and after.entries[0].author == "某报"
    assert (before.entries[1].updated, after.entries[1].updated) == (
        "2026-11-23T14:00:00+08:00",
        "2026-11-23T23:00:00+08:00",
    )
    assert after.feed.updated == "2026-11-23T23:00:00+08:00"


def test_a_feed_is_of_what_was_asked_for_and_as_long(filled: TemporaryArchive) -> None:
    file = filled.folder / "a.json"
    feed(filled, str(file), "-a", "channels=china", "-n", "2")
    told = json.loads(file.read_text("utf-8"))
    assert told["title"] == "新浪财经－国內" and [one["id"].rsplit("/")[-1] for one in told["items"]] == [
        "formula",
        "wide",
    ]
    feed(filled, str(file), "-a", "ids=none")
    assert atoma.parse_json_feed_file(file).items == []
    feed(filled, str(file.with_suffix(".xml")), "-a", "ids=none")
    valid(file.with_suffix(".xml"))


def test_each_run_writes_the_feeds_of_the_setting(archive: TemporaryArchive, site: SampleSite) -> None:
    good, bad = archive.folder / "feeds" / "china.xml", archive.folder / "catalogue.db" / "x.xml"
    rows = [{"file": str(bad)}, {"file": str(good), "arguments": {"channels": "china"}, "limit": 3}]
    done = archive.crawl("sina_finance", "-a", "limit=5", mirror=site.url, SINANEWS_FEEDS=json.dumps(rows))
    assert done.returncode == 0 and "SINANEWS_FEEDS" in done.stderr and str(bad.parent) in done.stderr
    assert len(valid(good).getroot().findall("{*}entry")) == 3
    before = good.read_bytes()
    assert "3 articles" in archive.run("feed", SINANEWS_FEEDS=json.dumps(rows[1:])).stdout
    assert good.read_bytes() == before


@pytest.mark.parametrize("rows", ["x", '{"file": 1}', '[{"arguments": {}}]', '[{"file": "a.rss"}]', '[{"file": "a.xml", "limit": 0}]',
                                  '[{"file": "a.xml", "arguments": {"chanels": "china"}}]'])  # fmt: skip
def test_a_setting_that_is_no_table_of_feeds_is_one_line(archive: TemporaryArchive, rows: str) -> None:
    done = archive.crawl("seeds", SINANEWS_FEEDS=rows)
    assert done.returncode == 2 and done.stderr.startswith("sinanews: SINANEWS_FEEDS") and done.stderr.count("\n") == 1
