"""Pages read again by other rules: revisions exactly for what they touch, refused pages as articles, nothing else."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from sinanews.archive import rereading
from sinanews.catalogue import originals as kept_pages
from sinanews.cleaning import item as cleaning
from sinanews.originals.reading import read_at
from sinanews.pages import page as pages
from sinanews.samplesite import SampleSite
from tests.conftest import TemporaryArchive

FULL = os.environ.get("SINANEWS_FAULTS") == "full"
ON = {"SINANEWS_ORIGINALS": "1"}
SHARES = {"long": 0.1, "news": 0.2, "old": 0.1, "gallery": 0.1, "video": 0.05}
WORD = "库存够用"


def without_lines_of_a_word(text: Any, found: Any) -> int:
    """A rule that is wrong: lines with a certain word go."""
    return int(text.take_out({line: None for line in text.lines() if WORD in line.text}))


def break_a_rule(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(cleaning, "TEXT_RULES", (*cleaning.TEXT_RULES, without_lines_of_a_word))


def table(archive: TemporaryArchive, name: str) -> dict[object, tuple[object, ...]]:
    return {row[:2]: row for row in archive.query(f"SELECT * FROM {name} ORDER BY 1, 2")}


def posts(archive: TemporaryArchive) -> dict[str, bytes]:
    return {path.relative_to(archive.exports).as_posix(): path.read_bytes() for path in archive.posts}


def crawl(archive: TemporaryArchive, site: SampleSite, **settings: str) -> None:
    archive.crawl("sina_finance", mirror=site.url, **{**ON, **settings})


def test_a_rule_that_was_broken_and_is_mended(archive: TemporaryArchive, tmp_path: Path) -> None:
    right = TemporaryArchive(tmp_path / "right")
    with SampleSite(articles=2000 if FULL else 200, reprints=0.0, shares=SHARES) as site:
        with pytest.MonkeyPatch.context() as patch:
            break_a_rule(patch)
            crawl(archive, site)
        crawl(right, site, SINANEWS_ORIGINALS="0")
        asked = len(site.requests)
        wrong = posts(archive)
        touched = {name for name, post in posts(right).items() if wrong[name] != post}
        assert 5 < len(touched) < len(wrong) / 2
        before, rows = table(archive, "articles"), table(archive, "contents")
        dry = archive.run("reread", "--dry-run")
        assert dry.returncode == 0 and f"{len(touched)} would be revised" in dry.stdout
        assert re.search(rf"^ +{len(touched)} body_text$", dry.stdout, re.M)
        assert (table(archive, "articles"), table(archive, "contents"), posts(archive)) == (before, rows, wrong)
        done = archive.run("reread")
        assert done.returncode == 0 and f"{len(touched)} revised" in done.stdout
        assert len(site.requests) == asked, "nothing was fetched"
    assert posts(archive) == posts(right)
    added = {key: row for key, row in table(archive, "contents").items() if key not in rows}
    ids = {one for (one,) in archive.query("SELECT id FROM articles WHERE revision = 2")}
    assert {key[0] for key in added} == ids and len(ids) == len(touched)  # type: ignore[index]
    assert {row[-1] for row in added.values()} == {"reread"}
    after = table(archive, "articles")
    assert {key: row for key, row in after.items() if row[0] not in ids} == {
        k: r for k, r in before.items() if r[0] not in ids
    }
    assert "(reread)" in archive.run("history", str(min(map(str, ids)))).stdout
    assert "revised" not in archive.run("reread").stdout
    assert table(archive, "articles") == after


def test_what_is_shown_of_one_article(archive: TemporaryArchive) -> None:
    with SampleSite(articles=30, reprints=0.0) as site:
        crawl(archive, site)
    with pytest.MonkeyPatch.context() as patch:
        break_a_rule(patch)
        listed = archive.run("reread", "--dry-run").stdout
        one = next(line for line in listed.splitlines() if line and not line.startswith(" ")).split()[0]
        told = archive.run("reread", "--show", one)
        assert told.returncode == 0
        assert {WORD in line for line in told.stdout.splitlines() if line.startswith("  - ")} == {True}
    assert archive.run("reread", "--show", one).stdout.strip() == f"sinanews: {one}: as they were"
    assert archive.run("reread", "--show", "unknown").returncode == 1


def test_the_time_of_capture_stays(archive: TemporaryArchive) -> None:
    settings = {"SINANEWS_FRONT_MATTER_EXTRA": "fetched_at,media,keywords,summary,updated_at"}
    with SampleSite(articles=20, reprints=0.0) as site:
        crawl(archive, site, **settings)
    first = {name: re.findall(rb"fetched_at: .*", post) for name, post in posts(archive).items()}
    with pytest.MonkeyPatch.context() as patch:
        break_a_rule(patch)
        assert "revised" in archive.run("reread", **settings).stdout
    assert {name: re.findall(rb"fetched_at: .*", post) for name, post in posts(archive).items()} == first


def test_pages_that_no_layout_knew_become_articles(archive: TemporaryArchive, tmp_path: Path) -> None:
    """Also those of several pages; the order in which articles come differs, so no copies among them."""
    right = TemporaryArchive(tmp_path / "right")
    with SampleSite(articles=30, reprints=0.0, shares=SHARES) as site:
        crawl(right, site, SINANEWS_ORIGINALS="0")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pages, "LAYOUTS", tuple(one for one in pages.LAYOUTS if "20" not in one.name))
            crawl(archive, site)
        unread = len(archive.ids("failed"))
        assert unread > 10
        archive.write("UPDATE articles SET state = 'refused' WHERE state = 'failed' AND rowid % 2")
        only = archive.run("reread", "-a", "state=refused", "-a", "reason=unknown_layout", "--dry-run")
        assert f"{len(archive.ids('refused'))} would be new" in only.stdout
        done = archive.run("reread")
        assert f"{unread - len(right.ids('failed'))} new" in done.stdout
    assert archive.ids() >= right.ids()
    assert {n: p for n, p in posts(archive).items() if n in posts(right)} == posts(right)


def test_a_post_that_a_person_edited_stays(archive: TemporaryArchive) -> None:
    with SampleSite(articles=20, reprints=0.0) as site:
        crawl(archive, site)
    with pytest.MonkeyPatch.context() as patch:
        break_a_rule(patch)
        names = re.findall(r"^(\w\S+)  ", archive.run("reread", "--dry-run").stdout, re.M)
        ((path,),) = archive.query(f"SELECT path FROM articles WHERE id = '{names[0]}'")
        post = archive.exports / str(path)
        post.write_bytes(edited := post.read_bytes() + b"mine\n")
        done = archive.run("reread")
        assert done.returncode == 1 and f"{names[0]} was edited by hand" in done.stderr
        assert post.read_bytes() == edited
        assert archive.query(f"SELECT revision FROM articles WHERE id = '{names[0]}'") == [(1,)]
        assert archive.run("reread", names[0], "--force").returncode == 0
        assert b"mine" not in post.read_bytes()
        assert (archive.exports / ".superseded" / str(path)).read_bytes() == edited


def test_an_older_page_takes_nothing_back(archive: TemporaryArchive) -> None:
    """An edit that came while pages were not kept."""
    with SampleSite(articles=15, reprints=0.0, shares={"news": 0.2}) as site:
        crawl(archive, site)
        edited = [entry.id for entry in site.entries[5:8]]
        site.edit(edited)
        crawl(archive, site, SINANEWS_ORIGINALS="0")
    now = posts(archive)
    with pytest.MonkeyPatch.context() as patch:
        break_a_rule(patch)
        done = archive.run("reread")
    assert "3 older" in done.stdout
    assert archive.query(f"SELECT DISTINCT reason FROM contents WHERE article_id IN ({str(edited)[1:-1]})") == [(None,)]
    ((path,),) = archive.query(f"SELECT path FROM articles WHERE id = '{edited[0]}'")
    assert posts(archive)[str(path)] == now[str(path)]


def test_an_article_whose_page_says_that_it_is_gone_is_read_from_the_page_before(archive: TemporaryArchive) -> None:
    with SampleSite(articles=12, reprints=0.0, shares={"news": 0.2}) as site:
        crawl(archive, site)
        gone = site.entries[-2].id
        site.edit([gone])
        site.faults.set("deleted", [gone])
        crawl(archive, site)
        site.faults.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cleaning, "tidy_title", lambda text: "题" + text.strip())
        assert "no longer read" not in archive.run("reread").stdout
    ((title,),) = archive.query(f"SELECT title FROM articles WHERE id = '{gone}'")
    assert str(title).startswith("题")


def test_an_interrupted_reading_goes_on(archive: TemporaryArchive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_pages, "BATCH", 10)
    with SampleSite(articles=45, reprints=0.0) as site:
        crawl(archive, site)
    read: list[str] = []
    monkeypatch.setattr(rereading, "read_at", lambda *place: read.append(str(place[0])) or read_at(*place))  # type: ignore[func-returns-value]
    one = rereading.Rereader._one

    def stopped(self: Any, records: Any) -> Any:
        if len(read) >= 24:
            raise KeyboardInterrupt
        return one(self, records)

    with monkeypatch.context() as patched:
        patched.setattr(rereading.Rereader, "_one", stopped)
        done = archive.run("reread")
    assert done.returncode == 130 and "the same command goes on" in done.stderr
    first = len(read)
    done = archive.run("reread")
    assert "going on after" in done.stderr and done.returncode == 0
    total = len({*archive.query("SELECT article_id FROM originals")})
    assert total - first <= len(read) - first < total
    assert archive.query("SELECT count(*) FROM upkeep WHERE name LIKE 'reread%'") == [(0,)]


def test_parts_are_all_of_it_and_each_article_is_in_one(archive: TemporaryArchive, postgres: str) -> None:
    database = {"SINANEWS_DATABASE": postgres}
    with SampleSite(articles=30, reprints=0.0) as site:
        crawl(archive, site, **database)
    with pytest.MonkeyPatch.context() as patch:
        break_a_rule(patch)
        whole = archive.run("reread", "--dry-run", **database).stdout
        told = [archive.run("reread", "-a", f"part={number}/3", **database).stdout for number in (1, 2, 3)]
    wanted = int(re.findall(r"(\d+) would be revised", whole)[0])
    assert sum(int(n) for text in told for n in re.findall(r"(\d+) revised", text)) == wanted


@pytest.mark.parametrize(
    ("words", "told"),
    [(["-a", "state=done"], "exported, refused, failed"), (["-a", "part=3/2"], "2/4"), (["-a", "when=1"], "since"),
     (["-a", "channels=x"], "unknown channel")],
)  # fmt: skip
def test_what_cannot_be_used_is_told(archive: TemporaryArchive, words: list[str], told: str) -> None:
    with SampleSite(articles=2) as site:
        crawl(archive, site)
    done = archive.run("reread", *words)
    assert done.returncode == 2 and told in done.stderr and len(done.stderr.splitlines()) == 1
