"""Articles out of anybody's WARC files, whatever shape they have."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import brotli
import fastwarc
import pytest
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from sinanews.originals.reading import WarcReader
from sinanews.samplesite import SampleSite
from sinanews.samplesite.server import Request
from tests.conftest import TemporaryArchive

Pages = dict[str, bytes]
CAPTURED = datetime(2026, 11, 21, 8, 30, 15, tzinfo=timezone.utc)
HTML = "text/html; charset=utf-8"


@pytest.fixture(scope="module")
def site() -> SampleSite:
    return SampleSite(articles=8, reprints=0.0, shares={"long": 0.25, "news": 0.25, "old": 0.15})


@pytest.fixture(scope="module")
def pages(site: SampleSite) -> Pages:
    """url → page, of every page of every article; further pages come last."""
    found: Pages = {}
    for entry in site.entries:
        for number in (1, 2, 3):
            url = entry.url if number == 1 else entry.url.replace(".shtml", f"_{number}.shtml")
            host, _, path = url.removeprefix("https://").removeprefix("http://").partition("/")
            answer, _ = site.answer(Request("GET", host, f"/{path}", ""))
            if answer.status == 200 and (number == 1 or "_" in path):
                found[url] = answer.body
    return found


def block(body: bytes, *headers: str, status: str = "HTTP/1.1 200 OK") -> bytes:
    return "\r\n".join((status, f"Content-Type: {HTML}", *headers, "", "")).encode() + body


def record(url: str, content: bytes, at: datetime = CAPTURED, kind: str = "response", version: str = "1.0") -> bytes:
    head = (
        f"WARC/{version}\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {url}\r\nWARC-Date: {at:%Y-%m-%dT%H:%M:%SZ}\r\n"
        f"WARC-Record-ID: <urn:uuid:00000000-0000-4000-8000-{zlib.crc32(content):012}>\r\n"
        f"Content-Type: application/http; msgtype={kind}\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content + b"\r\n\r\n"


def in_chunks(body: bytes) -> bytes:
    parts = [body[i : i + 700] for i in range(0, len(body), 700)]
    return b"".join(f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in parts) + b"0\r\n\r\n"


def foreign() -> Iterable[bytes]:
    """Records of others, and of Sina's that are no articles."""
    yield record("urn:info", b"software: somebody's\r\n", kind="warcinfo")
    yield record("https://news.example.com/china/2026-11-20/doc-iabcdefg0000001.shtml", block(b"<p>x</p></html>"))
    yield record("https://finance.sina.com.cn/", block(b"<h1>Sina</h1></html>"))
    yield record("https://finance.sina.com.cn/stock/quotes/", block(b"1" * 300_000))
    yield record("https://i0.sinaimg.cn/a.png", block(bytes(range(256)) * 50))
    yield record(
        "https://finance.sina.com.cn/china/2026-11-20/doc-iabcdefg0000001.shtml",
        b"GET / HTTP/1.1\r\n\r\n",
        kind="request",
    )
    yield record("dns:finance.sina.com.cn", b"20261120000000\r\nfinance.sina.com.cn. 60 IN A 192.0.2.1\r\n")


def whole(pages: Pages, shape: Callable[[bytes], bytes] = block) -> list[bytes]:
    return [*foreign(), *(record(url, shape(body)) for url, body in pages.items())]


def by_fastwarc(pages: Pages, path: Path) -> None:
    with path.open("wb") as file:
        stream = fastwarc.GzipWriter(file)
        for url, body in pages.items():
            made = fastwarc.WarcRecord()
            made.init_headers(fastwarc.WarcRecordType.response)
            made.headers["WARC-Target-URI"], made.headers["WARC-Date"] = url, f"{CAPTURED:%Y-%m-%dT%H:%M:%SZ}"
            made.set_bytes_content(block(body))
            made.write(stream, checksum_data=True)
        stream.close()


def by_warcio(pages: Pages, path: Path) -> None:
    with path.open("wb") as file:
        writer = WARCWriter(file, gzip=True, warc_version="1.0")
        writer.write_record(writer.create_warcinfo_record(path.name, {"software": "warcio"}))
        for url, body in pages.items():
            headers = StatusAndHeaders("200 OK", [("Content-Type", HTML)], protocol="HTTP/1.1")
            made = writer.create_warc_record(
                url, "response", payload=io.BytesIO(body), length=len(body), http_headers=headers,
                warc_headers_dict={"WARC-Date": f"{CAPTURED:%Y-%m-%dT%H:%M:%SZ}"},
            )  # fmt: skip
            writer.write_record(made)


SHAPES: dict[str, Callable[[Pages], bytes]] = {
    "plain": lambda pages: b"".join(whole(pages)),
    "compressed by record": lambda pages: b"".join(map(gzip.compress, whole(pages))),
    "compressed as a whole": lambda pages: gzip.compress(b"".join(whole(pages))),
    "in chunks": lambda pages: b"".join(whole(pages, lambda body: block(in_chunks(body), "Transfer-Encoding: chunked"))),
    "packed by gzip": lambda pages: b"".join(
        whole(pages, lambda body: block(gzip.compress(body), "Content-Encoding: gzip"))
    ),
    "packed by brotli": lambda pages: b"".join(
        whole(pages, lambda body: block(brotli.compress(body), "content-encoding: br"))
    ),
    "in chunks and packed": lambda pages: b"".join(
        whole(pages, lambda body: block(in_chunks(gzip.compress(body)), "Transfer-Encoding: chunked", "Content-Encoding: gzip"))
    ),
    "named as packed and not": lambda pages: b"".join(
        whole(pages, lambda body: block(body, "Content-Encoding: gzip", "Transfer-Encoding: chunked", "Content-Length: 99"))
    ),
    "without HTTP headers": lambda pages: b"".join(whole(pages, lambda body: body)),
    "with broken HTTP headers": lambda pages: b"".join(
        whole(pages, lambda body: block(body, "no colon here", "\tfolded", "X: \x7f\u00e9", status="HTTP/1.1 200"))
    ),
    "with bare line ends": lambda pages: b"".join(
        record(url, f"HTTP/1.0 200 OK\nContent-Type: {HTML}\n\n".encode() + body).replace(b">\r\n\r\nWARC", b">\n\nWARC")
        for url, body in pages.items()
    ),
    "addresses in brackets": lambda pages: b"".join(
        record(f"<{url.replace('https', 'http')}>", block(body), version="1.1") for url, body in pages.items()
    ),
    "further pages first": lambda pages: b"".join(reversed(whole(pages))),
    "damaged in between": lambda pages: b"".join(
        piece for one in whole(pages) for piece in (gzip.compress(one), gzip.compress(bytes(3000))[:40], b"\x1f\x8b\x08rubbish")
    ),
    "rubbish in between": lambda pages: b"".join(one + b"\xff\x00rubbish\n" * 3 for one in whole(pages)),
}  # fmt: skip


def stored(archive: TemporaryArchive) -> set[str]:
    return {
        url.replace("http:", "https:") for (url,) in archive.query("SELECT url FROM articles WHERE state = 'exported'")
    }  # type: ignore[attr-defined]


def first_pages(pages: Pages) -> set[str]:
    return {url.replace("http:", "https:") for url in pages if not url.endswith(("_2.shtml", "_3.shtml"))}


@pytest.mark.parametrize("shape", SHAPES)
def test_articles_are_read_from_files_of_any_shape(archive: TemporaryArchive, pages: Pages, shape: str) -> None:
    file = archive.folder / "of-somebody.warc"
    file.write_bytes(SHAPES[shape](pages))
    done = archive.crawl("sina_warc", "-a", f"path={file}")
    assert done.returncode in (0, 1), done.stderr
    assert stored(archive) == first_pages(pages)
    assert archive.query("SELECT count(*) FROM articles WHERE missing_pages IS NOT NULL") == [(0,)]
    assert ("damaged_warc" in done.stderr) == ("between" in shape)
    for article, revision in archive.query("SELECT article_id, revision FROM contents"):
        kept = archive.run("history", str(article), "--json").stdout
        assert '"fetched_at": "2026-11-21T16:30:15+08:00"' in kept and revision == 1


def test_what_two_libraries_wrote_is_what_the_site_sends(
    archive: TemporaryArchive, pages: Pages, site: SampleSite
) -> None:
    folder = archive.folder / "warcs" / "below"
    folder.mkdir(parents=True)
    names = list(pages)
    by_fastwarc({url: pages[url] for url in names[::2]}, folder / "a.warc.gz")
    by_warcio({url: pages[url] for url in names[1::2]}, folder.parent / "b.warc.gz")
    (folder / "notes.txt").write_text("nothing of ours")
    assert archive.crawl("sina_warc", "-a", f"path={folder.parent}").returncode == 0
    live = TemporaryArchive(archive.folder / "live")
    with site:
        live.crawl("sina_finance", mirror=site.url)
    bodies = [{p.name: p.read_bytes().partition(b"<div>")[2] for p in one.posts} for one in (archive, live)]
    assert bodies[0] == bodies[1]
    again = archive.crawl("sina_warc", "-a", f"path={folder.parent}")
    assert f"{len(first_pages(pages))} known already" in again.stdout


def test_no_capture_replaces_what_is_newer(archive: TemporaryArchive, pages: Pages) -> None:
    url, body = next(
        (u, b)
        for u, b in pages.items()
        if "/doc-" in u and u[-8:-6] not in ("_2", "_3") and u.replace(".shtml", "_2.shtml") not in pages
    )
    days = [(timedelta(days=n), body.replace(b"</p>", f"第{n}天。</p>".encode())) for n in (3, 1, 2)]
    file = archive.folder / "a.warc"
    for number, (later, page) in enumerate(days, 1):
        file.write_bytes(record(url, block(page), CAPTURED + later))
        done = archive.crawl("sina_warc", "-a", f"path={file}")
        assert ("known already" in done.stdout) == (number > 1), done.stdout
    file.write_bytes(b"".join(record(url, block(page), CAPTURED + later * 10) for later, page in days))
    archive.crawl("sina_warc", "-a", f"path={file}")
    (post,) = archive.posts
    assert "第3天" in post.read_text("utf-8")
    assert archive.query("SELECT listed_mtime FROM articles") == [
        (f"{CAPTURED + timedelta(30):%Y-%m-%d %H:%M:%S}.000000",)
    ]


def test_an_article_that_waits_for_a_page_is_the_newest_of_its_captures(
    archive: TemporaryArchive, pages: Pages
) -> None:
    url = next(url for url in pages if url.replace(".shtml", "_2.shtml") in pages)
    days = [(CAPTURED + timedelta(n), pages[url].replace(b"</p>", f"第{n}天。</p>".encode())) for n in (2, 3, 1)]
    file = archive.folder / "a.warc"
    file.write_bytes(b"".join(record(url, block(page), at) for at, page in days))
    archive.crawl("sina_warc", "-a", f"path={file}")
    (post,) = archive.posts
    assert "第3天" in post.read_text("utf-8")
    assert archive.query("SELECT revision, missing_pages IS NULL FROM articles") == [(1, 0)]


def test_what_sina_took_down_comes_back_and_walls_decide_nothing(
    archive: TemporaryArchive, pages: Pages, site: SampleSite
) -> None:
    url = next(u for u in pages if u.endswith(".shtml") and "/doc-" in u)
    name = url.rpartition("doc-")[2].partition(".")[0]
    with site:
        site.faults.set("404", [name])
        for _ in range(3):
            archive.crawl("sina_finance", mirror=site.url)
            archive.write("UPDATE articles SET answered_at = datetime(answered_at, '-4 hours') || '.000000'")
        site.faults.clear()
    assert name in archive.ids("refused")
    wall = next(u for u in pages if u != url and "/doc-" in u).replace("/doc-i", "/doc-izz")
    file = archive.folder / "a.warc"
    file.write_bytes(
        record(wall, block("<title>验证码</title><p>请输入验证码</p></html>".encode()))
        + record(wall.replace("izz", "iyy"), block(b"", status="HTTP/1.1 302 Found"))
        + record(wall.replace("izz", "ixx"), block(pages[url][:900]))
        + record(url, block(pages[url]))
    )
    done = archive.crawl("sina_warc", "-a", f"path={file}")
    assert "1 article exported" in done.stdout + done.stderr
    assert name in archive.ids()
    assert not {one for one in archive.ids("failed") | archive.ids("refused") if one[1:3] in ("zz", "yy", "xx")}


@pytest.mark.parametrize("cut", [0.3, 0.6, 0.97])
@pytest.mark.parametrize("shape", ["plain", "compressed by record", "compressed as a whole"])
def test_a_file_that_ends_too_early_gives_what_is_whole(pages: Pages, tmp_path: Path, shape: str, cut: float) -> None:
    file, data = tmp_path / "a.warc", SHAPES[shape](pages)
    file.write_bytes(data[: int(len(data) * cut)])
    reader = WarcReader(file, lambda url: url in pages)
    found = {capture.url: capture.body for capture in reader}
    assert found.items() <= pages.items() and reader.damaged == 1
    assert len(found) == len(pages) or cut < 1


def test_hostile_files_cost_little(tmp_path: Path) -> None:
    file = tmp_path / "a.warc.gz"
    head = b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: https://a.example/\r\n"
    endless = head + b"X: " + b"x" * (30 << 20)
    many = head + b"X: y\r\n" * (1 << 19)
    large = record("https://a.example/", block(bytes(20 << 20)))
    negative = head + b"Content-Length: -5\r\n\r\n" + b"y" * 100
    file.write_bytes(
        b"".join(map(gzip.compress, (endless, many, large, negative, record("https://b.example/", block(b"b")))))
    )
    reader = WarcReader(file, lambda url: True)
    assert [capture.body for capture in reader][-1] == b"b"
    assert reader.damaged >= 2


def test_what_is_no_warc_is_told(archive: TemporaryArchive) -> None:
    file = archive.folder / "a.warc"
    file.write_bytes(b"PK\x03\x04")
    done = archive.crawl("sina_warc", "-a", f"path={file}")
    assert done.returncode == 4 and "no WARC file" in done.stderr
    for words, told in ((), "path="), (("-a", "path=nowhere"), "no such file"):
        assert told in archive.crawl("sina_warc", *words).stderr
