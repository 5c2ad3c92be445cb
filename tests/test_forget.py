"""Forgetting: an article is found nowhere afterwards, and comes back by no way; killed in the middle it is finished."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import fastwarc
import pytest
from sqlalchemy import select, text

from sinanews.catalogue.tables import metadata
from sinanews.duplicates import index
from sinanews.originals.reading import read_at
from sinanews.samplesite import SampleSite
from tests.conftest import PROJECT, TemporaryArchive
from tests.stations import opened

FULL = os.environ.get("SINANEWS_FAULTS") == "full"
ON = {"SINANEWS_ORIGINALS": "all", "SINANEWS_IMAGES": "1", "SINANEWS_RETRY_DELAY": "0"}
WHY = ("--why", "asked by a person")


@pytest.fixture
def site() -> Iterator[SampleSite]:
    with SampleSite(articles=10, reprints=0.0, shares={"finance": 1.0}) as running:
        yield running


def unpacked(data: bytes) -> bytes:
    """With all that is compressed in it, wherever it begins."""
    found, view = [data], memoryview(data)
    forms = ((b"\x1f\x8b\x08", 31),) if data[:2] == b"\x1f\x8b" else ((b"\x01\x78\x9c", 15), (b"\x1f\x8b\x08", 31))
    for begin, wbits in forms:
        place = data.find(begin)
        while place >= 0:
            with suppress(zlib.error):
                start = place + (begin[0] == 1)  # the byte before what the catalogue packs
                found.append(zlib.decompressobj(wbits).decompress(view[start : start + (1 << 18)]))
            place = data.find(begin, place + 1)
    return b"\n".join(found)


def files_with(archive: TemporaryArchive, *words: str) -> set[str]:
    """Of all files of an archive, the database's too, those that have any of the words, packed or not."""
    wanted = [form for word in words for form in (word.encode(), word.encode("gbk"), json.dumps(word)[1:-1].encode())]
    paths = [path for path in archive.folder.rglob("*") if path.is_file()]
    return {path.name for path in paths if any(word in unpacked(path.read_bytes()) for word in wanted)}


def of_article(archive: TemporaryArchive, number: int = 3) -> tuple[str, str, str, str]:
    """id, url, title and a sentence of its post."""
    query = "SELECT id, url, title, path FROM articles WHERE state = 'exported' ORDER BY id"
    one, url, title, path = map(str, archive.query(query)[number])
    body = (archive.exports / path).read_text("utf-8").split("<p>")
    sentence = max((part.partition("</p>")[0] for part in body[1:] if "<img" not in part), key=len)
    return one, url, title, sentence[-24:]


def rows_of(archive: TemporaryArchive, article: str) -> dict[str, int]:
    with opened(f"sqlite:///{archive.database}") as catalogue, catalogue.read() as connection:
        return tables_with(connection, article)


def tables_with(connection: Any, *words: str) -> dict[str, int]:
    """table → how many of its rows have one of the words anywhere, packed or not."""
    found: dict[str, int] = {}
    for table in (*metadata.sorted_tables, *index.metadata.sorted_tables):
        for row in connection.execute(select(table)):
            data = b"".join(v[1:] if isinstance(v, bytes) else str(v).encode() for v in row)
            if any(word.encode() in unpacked(b"".join([data, *_packed(row)])) for word in words):
                found[table.name] = found.get(table.name, 0) + 1
    return found


def _packed(row: Any) -> Iterator[bytes]:
    for value in row:
        if isinstance(value, bytes) and value[:1] == b"\x01":
            try:
                yield zlib.decompress(value[1:])
            except zlib.error:
                continue


def assert_records_are_right(archive: TemporaryArchive) -> None:
    rows = archive.query('SELECT file, "offset", length, digest FROM originals')
    assert rows
    for file, offset, length, digest in rows:
        assert read_at(archive.exports / str(file), int(str(offset)), int(str(length))).digest == digest
    for path in (archive.exports / ".originals").glob("*"):
        with path.open("rb") as stream:
            assert list(fastwarc.ArchiveIterator(stream, verify_digests=True))
    ends = dict(archive.query("SELECT file, bytes FROM original_files"))
    assert {archive.exports / str(file) for file in ends} == set((archive.exports / ".originals").glob("*"))
    assert all((archive.exports / str(file)).stat().st_size >= int(str(end)) for file, end in ends.items())


def test_a_forgotten_article_is_found_nowhere(archive: TemporaryArchive, site: SampleSite) -> None:
    archive.crawl("sina_finance", mirror=site.url, **ON)
    one, url, title, sentence = of_article(archive)
    site.edit([one])
    archive.write("UPDATE articles SET etag = NULL, last_modified = NULL")
    archive.crawl("sina_finance", "-a", "refresh=99d", mirror=site.url, **ON)  # revisions and revisit records
    words = (url, title, sentence)
    assert len(files_with(archive, *words)) >= 3
    dry = archive.run("forget", one, "--dry-run")
    assert dry.returncode == 0 and "would remove 1 post, 2 texts" in dry.stdout
    assert rows_of(archive, one).keys() >= {"articles", "contents", "originals", "search_docs", "article_channels"}
    done = archive.run("forget", one, *WHY)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == dry.stdout.replace("would remove", "removed")
    assert rows_of(archive, one) == {"articles": 1, "forgotten": len(archive.query("SELECT * FROM forgotten"))}
    assert files_with(archive, *words) == set()
    ((detail, *others),) = archive.query(
        f"SELECT detail, title, url, media, path, channel, published_at FROM articles WHERE id = '{one}'"
    )
    assert detail == "asked by a person" and set(others) == {None}
    assert_records_are_right(archive)
    assert archive.run("verify", **ON).returncode == 0
    assert archive.run("search", title).returncode == 1
    assert f"{one}: forgotten on" in archive.run("history", one).stderr
    again = archive.run("forget", one)
    assert again.returncode == 0 and "nothing that was left of it" in again.stdout
    assert json.loads(archive.run("status", "--json").stdout)["articles"]["forgotten"] == 1


def test_it_comes_back_by_no_way(archive: TemporaryArchive, site: SampleSite) -> None:
    archive.crawl("sina_finance", mirror=site.url, **ON)
    one, url, *_ = of_article(archive)
    post = next(path for path in archive.posts if one in path.name)
    data, kept = post.read_bytes(), next((archive.exports / ".originals").glob("*")).read_bytes()
    assert archive.run("forget", url).returncode == 0
    site.edit([one])
    site.requests.clear()
    archive.crawl("sina_finance", mirror=site.url, **ON)
    archive.crawl("sina_finance", "-a", f"urls={url}", mirror=site.url, **ON)
    archive.crawl("sina_finance", "-a", "refresh=99d", "-a", "since=99d", "-a", "recheck=1", mirror=site.url)
    assert not [r for r in site.requests if one in r.path]
    seeds, warc = archive.folder / "seeds", archive.folder / "theirs.warc.gz"
    seeds.mkdir()
    (seeds / "a.md").write_bytes(data)
    warc.write_bytes(kept)
    archive.crawl("sina_warc", "-a", f"path={warc}", **ON)
    archive.crawl("seeds", "-a", f"path={seeds}")
    post.write_bytes(data)
    rebuilt = archive.run("catalogue", "rebuild")
    assert "1 left out, for they were forgotten" in rebuilt.stdout
    post.unlink()
    archive.run("verify", "--repair", **ON)
    archive.run("rewrite")
    archive.run("reread")
    seeds.joinpath("a.md").unlink()
    warc.unlink()
    assert not [path for path in archive.posts if one in path.name]
    assert len(archive.posts) == 9 and archive.ids("forgotten") >= {one}
    assert archive.query(f"SELECT title, url, etag, answer FROM articles WHERE id = '{one}'") == [(None,) * 4]
    archive.database.unlink()  # with a new catalogue too
    for side in ("-wal", "-shm"):
        archive.database.with_name(archive.database.name + side).unlink(missing_ok=True)
    assert "forgotten before" in archive.run("catalogue", "rebuild").stdout
    site.requests.clear()
    archive.crawl("sina_finance", mirror=site.url)
    assert not [r for r in site.requests if one in r.path] and one in archive.ids("forgotten")


def test_under_another_id_it_is_refused_too(archive: TemporaryArchive, site: SampleSite) -> None:
    archive.crawl("sina_finance", mirror=site.url)
    one, *_ = of_article(archive)
    archive.run("forget", one)
    archive.write(f"UPDATE articles SET id = 'another' WHERE id = '{one}'")
    archive.write("UPDATE forgotten SET article_id = 'another'")
    site.requests.clear()
    archive.crawl("sina_finance", mirror=site.url)
    assert not [r for r in site.requests if one in r.path], "its address is known by its digest"
    archive.write("UPDATE forgotten SET digest = 'x' WHERE rowid = (SELECT min(rowid) FROM forgotten)")
    archive.write("UPDATE forgotten SET digest = 'y' WHERE rowid = (SELECT max(rowid) FROM forgotten)")
    archive.crawl("sina_finance", mirror=site.url)
    assert one in archive.ids(), "by neither of both"


def test_copies_go_with_it_but_for_those_with_posts(archive: TemporaryArchive) -> None:
    with SampleSite(articles=12, reprints=0.4, shares={"finance": 1.0}) as site:
        archive.crawl("sina_finance", mirror=site.url)
        ((winner, copy),) = archive.query("SELECT duplicate_of, id FROM articles WHERE state = 'duplicate' LIMIT 1")
        told = archive.run("forget", str(winner)).stdout
        assert "without a post of its own" in told or "without posts" in told
        assert {winner, copy} <= archive.ids("forgotten")
        assert archive.query(f"SELECT count(*) FROM articles WHERE duplicate_of = '{winner}'") == [(0,)]
        site.requests.clear()
        archive.crawl("sina_finance", "-a", "recheck=1", mirror=site.url)
        assert not [r for r in site.requests if str(copy) in r.path or str(winner) in r.path]


def test_nothing_is_changed_while_a_run_writes_to_a_file_with_its_pages(
    archive: TemporaryArchive, site: SampleSite
) -> None:
    archive.crawl("sina_finance", mirror=site.url, **ON)
    one, *_ = of_article(archive)
    (path,) = (archive.exports / ".originals").glob("*")
    import fcntl

    with path.open("r+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = archive.run("forget", one)
    assert done.returncode == 6 and "a run still writes to that file" in done.stderr
    assert len(done.stderr.splitlines()) == 1 and one in archive.ids()
    with archive.locked("sina_finance"):
        done = archive.run("forget", one)
    assert done.returncode == 1 and "run this again" in done.stdout and one in archive.ids("forgotten")


@pytest.mark.parametrize("named", ["nobody", "https://finance.sina.com.cn/doc-inone.shtml"])
def test_an_article_that_nobody_knows(archive: TemporaryArchive, site: SampleSite, named: str) -> None:
    archive.crawl("sina_finance", "-a", "limit=1", mirror=site.url)
    done = archive.run("forget", named)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1 and named in done.stderr


EVERY = ("mark", "note_down", "remove_files", "_cut", "delete_old", "erase", "merge", "scrub", "vacuum")
#: Struck before and after by turns; all of them with SINANEWS_FAULTS=full only.
STEPS = EVERY if FULL else ("mark", "_cut", "erase", "delete_old")
KILLED = """
import os, signal, sys
from scrapy.cmdline import execute
from sinanews.archive.forgetting import Forgetter
from sinanews.archive.forgetting_pages import PageCutter
from sinanews.catalogue.database import Database
from sinanews.catalogue.forgotten import ForgottenArticles
from sinanews.catalogue.search.index import SearchIndex
step, after, words = sys.argv[1], sys.argv[2] == "after", sys.argv[3:]
for owner in (Forgetter, PageCutter, Database, ForgottenArticles, SearchIndex):
    if step in vars(owner):
        old = vars(owner)[step]
        def struck(*args, **kwargs):
            if after:
                old(*args, **kwargs)
            os.kill(os.getpid(), signal.SIGKILL)
        setattr(owner, step, struck)
execute(["scrapy", *words])
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="POSIX")
def test_killed_at_any_step_it_is_finished_by_the_next(archive: TemporaryArchive, site: SampleSite) -> None:
    archive.crawl("sina_finance", mirror=site.url, **ON)
    for number, step in enumerate(STEPS):
        one, url, title, sentence = of_article(archive, 0)
        when = "after" if number % 2 else "before"
        words = archive.command("forget", one, **ON)[3:]
        killed = subprocess.run(
            [sys.executable, "-c", KILLED, step, when, *words], cwd=PROJECT, env=archive.environment,
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert killed.returncode == -signal.SIGKILL, (step, killed.stderr)
        assert_records_are_right_or_old(archive)
        done = archive.run("forget", one)
        assert done.returncode == 0, (step, done.stderr)
        assert files_with(archive, url, title, sentence) == set(), (step, when)
    assert_records_are_right(archive)
    assert archive.run("verify", **ON).returncode == 0


def assert_records_are_right_or_old(archive: TemporaryArchive) -> None:
    for file, offset, length, digest in archive.query('SELECT file, "offset", length, digest FROM originals'):
        assert read_at(archive.exports / str(file), int(str(offset)), int(str(length))).digest == digest


def test_both_databases(archive: TemporaryArchive, site: SampleSite, postgres: str) -> None:
    where = {"SINANEWS_DATABASE": postgres}
    archive.crawl("sina_finance", mirror=site.url, **ON, **where)
    with opened(postgres) as catalogue, catalogue.read() as connection:
        one, url, title, path = connection.execute(
            text("SELECT id, url, title, path FROM articles WHERE state = 'exported' ORDER BY id LIMIT 1")
        ).one()
        assert tables_with(connection, url, title).keys() >= {"articles", "contents", "originals"}
    done = archive.run("forget", one, **where)
    assert done.returncode == 0, done.stderr
    with opened(postgres) as catalogue, catalogue.read() as connection:
        assert tables_with(connection, url, title) == {}
        assert tables_with(connection, one).keys() == {"articles", "forgotten"}
    assert files_with(archive, url, title) == set() and not (archive.exports / path).exists()
    site.requests.clear()
    archive.crawl("sina_finance", mirror=site.url, **ON, **where)
    assert not [r for r in site.requests if one in r.path]
