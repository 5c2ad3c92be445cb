"""The catalogue keeps articles whole: their history, and posts written from it."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sinanews.archive import old_posts
from sinanews.archive.history import Stretch, changed_fields, changed_paragraphs
from sinanews.catalogue import Catalogue
from sinanews.catalogue.contents import pack, unpack
from sinanews.cleaning import CleanBody
from sinanews.items import ArticleItem
from sinanews.samplesite import SampleSite
from tests.conftest import TemporaryArchive
from tests.test_catalogue import NOW, OLD


def posts(archive: TemporaryArchive) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in archive.posts if ".superseded" not in path.parts}


@pytest.fixture
def small() -> Iterator[SampleSite]:
    with SampleSite(articles=8, reprints=0, live=3, shares={"old": 0.2}) as site:
        yield site


def test_an_edit_keeps_the_earlier_text(archive: TemporaryArchive, small: SampleSite) -> None:
    archive.crawl("sina_finance", mirror=small.url)
    edited = small.entries[3]
    before = edited.text().paragraphs
    small.edit([edited.id])
    archive.crawl("sina_finance", "-a", "refresh=99d", mirror=small.url)
    first, second = json.loads(archive.run("history", edited.id, "--json").stdout)
    assert (first["revision"], second["revision"]) == (1, 2)
    after = edited.text().paragraphs
    gone, new = next(p for p in before if p not in after), next(p for p in after if p not in before)
    assert gone in first["item"]["body_text"] and gone not in second["item"]["body_text"]
    assert new in second["item"]["body_text"]
    told = archive.run("history", edited.url).stdout
    assert f"- {gone}" in told and f"+ {new}" in told
    assert "revision 1  20" in told and "Beijing" in told and "as before" in told


def test_there_is_no_history_of_what_is_not_there(archive: TemporaryArchive) -> None:
    archive.crawl("seeds")
    done = archive.run("history", "inothing")
    assert (done.returncode, done.stderr) == (1, "sinanews: inothing: there is no such article\n")


def test_posts_follow_the_settings_without_the_site(archive: TemporaryArchive, small: SampleSite) -> None:
    archive.crawl("seeds")
    archive.crawl("sina_finance", mirror=small.url)
    archive.crawl("sina_live", mirror=small.url)
    before, asked = posts(archive), len(small.requests)
    extra = {"SINANEWS_FRONT_MATTER_EXTRA": "url,editor"}
    assert f"{len(before)} as it was" in archive.run("rewrite").stdout
    assert f"{len(before)} would be written" in archive.run("rewrite", "--dry-run", **extra).stdout
    assert posts(archive) == before
    assert f"{len(before)} written" in archive.run("rewrite", **extra).stdout
    assert all(b"\nurl: " in data for data in posts(archive).values())
    assert archive.run("verify").returncode == 0
    assert archive.run("rewrite").returncode == 0
    assert posts(archive) == before, "and back"
    assert len(small.requests) == asked


def test_what_people_edited_is_theirs(archive: TemporaryArchive, small: SampleSite) -> None:
    archive.crawl("sina_finance", mirror=small.url)
    path, data = next(iter(posts(archive).items()))
    path.write_bytes(data + b"mine")
    done = archive.run("rewrite", SINANEWS_FRONT_MATTER_EXTRA="url")
    assert done.returncode == 1 and path.name in done.stderr and "--force" in done.stderr
    assert path.read_bytes() == data + b"mine"
    assert archive.run("rewrite", "--force").returncode == 0
    assert path.read_bytes() == data
    aside = archive.exports / ".superseded" / path.relative_to(archive.exports)
    assert aside.read_bytes() == data + b"mine"


def test_only_the_articles_named(archive: TemporaryArchive, small: SampleSite) -> None:
    archive.crawl("sina_finance", mirror=small.url)
    one, before = small.entries[0].id, posts(archive)
    done = archive.run("rewrite", one, "inothing", SINANEWS_FRONT_MATTER_EXTRA="url")
    assert done.returncode == 1 and "inothing: there is no such exported article" in done.stderr
    changed = [path for path, data in posts(archive).items() if data != before[path]]
    assert [one in path.name for path in changed] == [True]


def test_a_verbatim_body_is_kept_and_can_be_cleaned_later(archive: TemporaryArchive, small: SampleSite) -> None:
    archive.crawl("sina_finance", mirror=small.url, SINANEWS_BODY="verbatim")
    verbatim = posts(archive)
    assert archive.run("rewrite").returncode == 0
    clean = posts(archive)
    other = TemporaryArchive(archive.folder / "other")
    other.crawl("sina_finance", mirror=small.url)
    assert sorted(clean.values()) == sorted(posts(other).values())
    assert archive.run("rewrite", SINANEWS_BODY="verbatim").returncode == 0
    assert posts(archive) == verbatim


def test_an_upgrade_killed_before_its_commit_is_done_by_the_next(archive: TemporaryArchive) -> None:
    """A rename without its row: the post is the one to be written, and only the row is brought on."""
    archive.crawl("seeds")
    (path,) = posts(archive)
    assert archive.run("rewrite", SINANEWS_FRONT_MATTER_EXTRA="url,kind").returncode == 0
    written = path.read_bytes()
    archive.write("UPDATE articles SET file_digest = 'of before'")
    assert "1 written" in archive.run("rewrite", SINANEWS_FRONT_MATTER_EXTRA="url,kind").stdout
    assert path.read_bytes() == written
    assert archive.run("verify").returncode == 0


@pytest.fixture
def old(archive: TemporaryArchive) -> TemporaryArchive:
    """An archive that sinanews 1.0.0 made: posts, and a catalogue without contents."""
    shutil.copytree(OLD, archive.exports, ignore=shutil.ignore_patterns("*.sql"))
    with closing(sqlite3.connect(archive.database)) as connection:
        connection.executescript((OLD / "catalogue.sql").read_text("utf-8"))
    return archive


def test_contents_of_old_articles_are_taken_from_their_posts(old: TemporaryArchive) -> None:
    as_of_1_0 = posts(old)
    done = old.run("rewrite")
    assert (done.returncode, done.stdout) == (0, "sinanews: posts: 17 as it was, 6 written\n"), done.stderr
    before = posts(old)
    for path, text in before.items():  # captions and tables are written for Hexo's theme now
        assert re.sub(rb' style="[^"]*"|alt="[^"]*"', b"", text) == re.sub(rb'alt="[^"]*"', b"", as_of_1_0[path])
    assert len(old.query("SELECT * FROM contents")) == len(before)
    for path in before:
        path.unlink()
    assert old.run("verify", "--repair").returncode == 0
    assert posts(old) == before


def test_a_run_keeps_what_old_posts_hold(old: TemporaryArchive, small: SampleSite) -> None:
    edited = next(iter(posts(old)))
    edited.write_bytes(edited.read_bytes() + b"mine")
    old.crawl("sina_finance", mirror=small.url)
    ((left,),) = old.query(
        "SELECT count(*) FROM articles WHERE state = 'exported' AND id NOT IN (SELECT article_id FROM contents)"
    )
    assert left == 1, "of the edited one nobody knows what it said"
    assert old.query("SELECT * FROM upkeep") == []


def test_a_post_that_our_code_stumbles_over_keeps_no_other_from_being_taken_in(
    old: TemporaryArchive, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real, number = old_posts.clean_body, iter(range(99))

    def stumbles(body: str, url: str | None) -> CleanBody:
        if next(number) == 3:
            raise KeyError("of ours")
        return real(body, url)

    monkeypatch.setattr(old_posts, "clean_body", stumbles)
    catalogue = Catalogue(f"sqlite:///{old.database}")
    while old_posts.keep_old_posts(catalogue, old.exports, NOW):
        pass
    catalogue.close()
    assert old.query("SELECT count(*) FROM contents") == [(len(posts(old)) - 1,)]
    assert old.query("SELECT * FROM upkeep WHERE name = 'contents_from_posts'") == []
    (told,) = caplog.messages
    assert ".md" in told and "KeyError" in told


def test_what_is_packed_is_unpacked() -> None:
    item = ArticleItem(id="ia", url=None, title="题\ud800", body_text="一\n二", keywords=["a"], incomplete=True)
    assert unpack(pack(item, verbatim=True)) == (item, True)
    for damaged in (b"", b"\x02x", pack(item)[:-5], b"\x01" + b"x" * 9):
        with pytest.raises(ValueError):
            unpack(damaged)


def test_what_changed_is_told_field_by_field() -> None:
    old = ArticleItem("ia", None, "旧", stocks=["sh600519", "JPM"])
    new = ArticleItem("ia", None, "新", stocks=["JPM", "sz000001"])
    assert [(c.field, c.old, c.new) for c in changed_fields(old, new)] == [
        ("title", "旧", "新"),
        ("stocks", ["sh600519"], ["sz000001"]),
    ]
    assert list(changed_paragraphs("一\n二\n三", "一\n三\n四")) == [
        Stretch(("一",), ("一",)),
        Stretch(("二",), ()),
        Stretch(("三",), ("三",)),
        Stretch((), ("四",)),
    ]
    assert list(changed_paragraphs("一", "一")) == []


def test_damaged_contents_are_told_and_nothing_is_overwritten(archive: TemporaryArchive) -> None:
    archive.crawl("seeds")
    before = posts(archive)
    archive.write("UPDATE contents SET data = X'0102'")
    done = archive.run("rewrite", SINANEWS_FRONT_MATTER_EXTRA="url")
    assert done.returncode == 1 and "damaged in the catalogue" in done.stderr and "Traceback" not in done.stderr
    done = archive.run("history", next(iter(archive.ids())))
    assert done.returncode == 6 and "damaged" in done.stderr
    assert posts(archive) == before
