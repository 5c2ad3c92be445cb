"""Pages kept as they came: every one, whole, named in the catalogue before its article is done, readable by others."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import fastwarc
import pytest

from sinanews import originals
from sinanews.originals.reading import read_at
from sinanews.originals.writing import WarcFile
from sinanews.samplesite import SampleSite
from tests.conftest import PROJECT, TemporaryArchive

ON = {"SINANEWS_ORIGINALS": "1"}
SHARES = {"long": 0.2, "news": 0.2, "old": 0.1, "gallery": 0.1}
ROWS = 'SELECT file, "offset", length, article_id, url, digest, status FROM originals ORDER BY file, "offset"'


def files(archive: TemporaryArchive) -> list[Path]:
    return sorted((archive.exports / ".originals").glob("*"))


def read_all(archive: TemporaryArchive) -> dict[str, list[bytes]]:
    """url → the bodies that are kept of it; each record is where its row says."""
    found: dict[str, list[bytes]] = {}
    for file, offset, length, _, url, digest, status in archive.query(ROWS):
        page = read_at(archive.exports / str(file), int(str(offset)), int(str(length)))
        assert (page.digest, page.status) == (digest, status)
        found.setdefault(str(url), []).append(page.body)
    return found


def downloads(site: SampleSite) -> dict[str, bytes]:
    """url → what the site sends for each article that it was asked for."""
    asked = {r for r in site.requests if r.path != "/robots.txt" and not r.path.startswith("/api")}
    return {f"https://{r.host}{r.path}": site.answer(r)[0].body for r in asked}


def test_every_page_is_kept_and_other_libraries_read_it(archive: TemporaryArchive) -> None:
    with SampleSite(articles=40, faults={"deleted": 0.1}, shares=SHARES) as site:
        done = archive.crawl("sina_finance", mirror=site.url, **ON)
        sent = downloads(site)
    kept = read_all(archive)
    assert {url: [body] for url, body in sent.items()} == kept, "refused ones and further pages too"
    assert any(url.endswith("_2.shtml") for url in kept)
    assert "originals/pages" not in done.stdout + done.stderr
    (file,) = files(archive)
    checked = subprocess.run([sys.executable, "-m", "warcio.cli", "check", "-v", file], capture_output=True, text=True)
    assert checked.returncode == 0 and "digest pass" in checked.stdout, checked.stdout
    bodies = {}
    with file.open("rb") as stream:
        for record in fastwarc.ArchiveIterator(
            stream, record_types=fastwarc.WarcRecordType.response, verify_digests=True
        ):
            bodies[record.headers["WARC-Target-URI"]] = [record.reader.read()]
    assert bodies == kept


def test_lists_are_kept_where_that_is_asked_for_and_nothing_where_it_is_not(archive: TemporaryArchive) -> None:
    with SampleSite(articles=10, live=20) as site:
        archive.crawl("sina_finance", "-a", "limit=2", mirror=site.url)
        assert not (archive.exports / ".originals").exists()
        assert archive.query("SELECT count(*) FROM originals") == [(0,)]
        archive.crawl("sina_finance", mirror=site.url, SINANEWS_ORIGINALS="all")
        archive.crawl("sina_live", mirror=site.url, SINANEWS_ORIGINALS="all")
    lists = [url for url in read_all(archive) if "/api/" in url]
    assert {url.split("?")[0].rpartition("/")[2] for url in lists} == {"get", "feed"}
    assert [path.name.partition("-sina_")[2] for path in files(archive)] == ["finance-2.warc.gz", "live-3.warc.gz"]
    told = json.loads(archive.run("status", "--json").stdout)["originals"]
    assert told == {"files": 2, "pages": len(read_all(archive)), "bytes": sum(f.stat().st_size for f in files(archive))}


def test_without_the_library_one_line_names_what_to_install(
    archive: TemporaryArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(originals.importlib.util, "find_spec", lambda name: None)
    done = archive.crawl("sina_finance", mirror="http://127.0.0.1:9", **ON)
    assert done.returncode == 2
    assert done.stderr.strip().endswith("pip install 'sinanews[originals]'")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(("name", "value"), [("SINANEWS_ORIGINALS", "yes"), ("SINANEWS_ORIGINALS_KEEP", "long")])
def test_a_value_that_is_none_is_told(archive: TemporaryArchive, name: str, value: str) -> None:
    done = archive.crawl("sina_finance", mirror="http://127.0.0.1:9", **{name: value})
    assert done.returncode == 2 and f"{name} is '{value}'; write" in done.stderr


def test_nothing_of_it_is_loaded_where_it_is_off(archive: TemporaryArchive) -> None:
    words = archive.command("crawl", "sina_finance", "-a", "limit=1", mirror="http://127.0.0.1:9", RETRY_TIMES="0")[3:]
    script = (
        "import sys\nfrom scrapy.cmdline import execute\n"
        f"try:\n    execute(['scrapy', *{words!r}])\nfinally:\n    assert 'warcio' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT, env=archive.environment, capture_output=True, text=True, timeout=60
    )
    assert "AssertionError" not in done.stderr and "nothing could be fetched" in done.stderr


def test_a_page_that_did_not_change_is_not_kept_again(archive: TemporaryArchive) -> None:
    with SampleSite(articles=12, reprints=0.0, shares={"news": 0.2}) as site:
        archive.crawl("sina_finance", mirror=site.url, **ON)
        before, weight = archive.query(ROWS), files(archive)[0].stat().st_size
        archive.write("UPDATE articles SET etag = NULL, last_modified = NULL")  # no 304
        changed = site.entries[3].id
        site.edit([changed])
        archive.crawl("sina_finance", "-a", "refresh=99d", mirror=site.url, **ON)
    added = [row for row in archive.query(ROWS) if row not in before]
    assert {row[3] for row in added} == {changed}
    assert files(archive)[1].stat().st_size < weight / 2
    with files(archive)[1].open("rb") as stream:
        again = list(fastwarc.ArchiveIterator(stream, record_types=fastwarc.WarcRecordType.revisit))
    digests = {row[5] for row in before}
    assert len(again) == len(before) - len(added)
    assert {record.headers["WARC-Payload-Digest"] for record in again} < digests
    assert archive.query("SELECT count(*) FROM originals WHERE seen_at > fetched_at") == [(len(again),)]


def test_an_article_is_not_done_whose_page_cannot_be_kept(
    archive: TemporaryArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[bytes] = []

    def full(self: WarcFile, file: Any, record: bytes) -> int:
        written.append(record)
        if len(written) > 6:
            raise OSError(28, "No space left on device")
        return write(self, file, record)

    write = WarcFile._write
    with SampleSite(articles=20, reprints=0.0) as site:
        with monkeypatch.context() as patched:
            patched.setattr(WarcFile, "_write", full)
            done = archive.crawl("sina_finance", mirror=site.url, **ON)
        assert done.returncode == 6 and "No space left on device" in done.stderr
        kept = {article for (article,) in archive.query("SELECT article_id FROM originals")}
        assert archive.ids() <= kept and len(kept) <= 5
        assert archive.crawl("sina_finance", mirror=site.url, **ON).returncode == 0
        assert archive.ids() <= {article for (article,) in archive.query("SELECT article_id FROM originals")}


def test_what_a_killed_run_left_half_written_is_told_and_cut_off(archive: TemporaryArchive) -> None:
    with SampleSite(articles=8) as site:
        archive.crawl("sina_finance", "-a", "limit=4", mirror=site.url, **ON)
        (first,) = files(archive)
        whole, member = first.read_bytes(), gzip.compress(b"WARC/1.1\r\n" + bytes(range(256)) * 20)
        first.write_bytes(whole + member + member[:30])
        told = archive.run("verify", "--quick")
        assert told.returncode == 1 and f"torn: .originals/{first.name}" in told.stdout
        archive.crawl("sina_finance", mirror=site.url, **ON)
        assert first.read_bytes() == whole + member, "a whole record stays, named or not"
        assert archive.run("verify").returncode == 0


def test_verify_tells_pages_that_are_gone_or_damaged_and_forgets_them(archive: TemporaryArchive) -> None:
    with SampleSite(articles=8) as site:
        archive.crawl("sina_finance", "-a", "limit=4", mirror=site.url, **ON)
        archive.crawl("sina_finance", mirror=site.url, **ON)
    gone, damaged = files(archive)
    gone.unlink()
    offset, length, article = archive.query(
        f'SELECT "offset", length, article_id FROM originals WHERE file LIKE "%{damaged.name}"'
    )[1]  # type: ignore[misc]
    data = bytearray(damaged.read_bytes())
    data[int(str(offset)) + int(str(length)) // 2] ^= 255
    damaged.write_bytes(data)
    assert archive.run("verify", "--quick").stdout.count("no_pages") == 1
    told = archive.run("verify").stdout
    assert "2 findings" in told and f"bad_page: .originals/{damaged.name}:{offset}" in told
    posts = {path: path.read_bytes() for path in archive.posts}
    assert archive.run("verify", "--repair").returncode == 0
    assert {path: path.read_bytes() for path in archive.posts} == posts
    assert article not in {one for (one,) in archive.query("SELECT article_id FROM originals")}
    assert archive.query("SELECT file FROM original_files") == [(f".originals/{damaged.name}",)]


def test_the_oldest_files_go(archive: TemporaryArchive) -> None:
    """By when something in them was met last: what is as it was is not lost because it was kept long ago."""
    with SampleSite(articles=9, reprints=0.0) as site:
        for _ in range(3):
            archive.crawl("sina_finance", "-a", "limit=3", mirror=site.url, **ON)
        old, met_again, young = files(archive)
        archive.write(
            f"UPDATE original_files SET seen_at = '2020-01-01 00:00:00.000000' WHERE file NOT LIKE '%{young.name}'"
        )
        urls = [url for (url,) in archive.query(f"SELECT url FROM originals WHERE file LIKE '%{met_again.name}'")]
        archive.write(
            f"UPDATE articles SET etag = NULL, listed_mtime = '2020-01-01 00:00:00.000000' WHERE url = '{urls[0]}'"
        )
        archive.write("UPDATE articles SET last_modified = NULL")
        archive.crawl("sina_finance", mirror=site.url, SINANEWS_ORIGINALS_KEEP="400d", **ON)
    assert not old.exists() and met_again.exists() and young.exists()
    assert archive.query(f"SELECT count(*) FROM originals WHERE file LIKE '%{old.name}'") == [(0,)]
    assert archive.run("verify").returncode == 0


def test_pages_are_listed_printed_and_saved(archive: TemporaryArchive) -> None:
    with SampleSite(articles=12, reprints=0.0, shares={"long": 1.0}) as site:
        archive.crawl("sina_finance", "-a", "limit=2", mirror=site.url, **ON)
    kept = read_all(archive)
    url = next(one for one in kept if one.endswith("_2.shtml")).replace("_2.shtml", ".shtml")
    listed = archive.run("originals", url, "--list").stdout
    assert [line.strip() for line in listed.splitlines()[2::2]][-1] == url and listed.count("_2.shtml") == 1
    printed = archive.run("originals", url)
    assert printed.returncode == 0 and "HTTP 200" in printed.stdout and "<title>" in printed.stdout
    assert printed.stdout.replace("\n", "").isprintable()
    target = archive.folder / "page.html"
    numbers = range(1, 4)
    saved = [
        archive.run("originals", url, "--save", str(target), "--page", str(n)) and target.read_bytes() for n in numbers
    ]
    assert {*saved} == {kept[url][0], *(kept[url.replace(".shtml", f"_{n}.shtml")][0] for n in (2, 3))}
    assert archive.run("originals", "unknown").returncode == 1
    assert "3 pages of it are kept" in archive.run("originals", url, "--page", "4").stderr


def test_the_catalogue_of_several_machines_names_this_one(archive: TemporaryArchive, postgres: str) -> None:
    with SampleSite(articles=5) as site:
        archive.crawl("sina_finance", mirror=site.url, SINANEWS_DATABASE=postgres, **ON)
    (folder,) = files(archive)
    assert folder.is_dir() and len(list(folder.iterdir())) == 1
    assert archive.run("verify", SINANEWS_DATABASE=postgres).returncode == 0
