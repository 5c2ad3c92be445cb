"""Nobody let in: text stays text, files stay inside, requests stay with Sina, secrets stay secret. See SECURITY.md."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from bs4 import BeautifulSoup
from hypothesis import given, settings
from hypothesis import strategies as st
from scrapy.utils.test import get_crawler

from sinanews.cleaning import ALLOWED_ATTRIBUTES, ALLOWED_TAGS, clean_body
from sinanews.downloads import PublicResolver, is_private
from sinanews.exceptions import ExportError, PageTooLarge
from sinanews.items import ArticleItem
from sinanews.middlewares.guard import GuardMiddleware
from sinanews.posts import SEED_KEYS
from sinanews.posts.folder import ExportFolder
from sinanews.posts.naming import post_path
from sinanews.samplesite import SampleSite
from tests import hexo, processes
from tests.conftest import PROJECT, TemporaryArchive
from tests.faults.harness import FULL
from tests.hostile.browser import CHROMIUM, open_pages
from tests.hostile.site import AFTER, BEFORE, PAYLOADS, HostileSite, write_seeds
from tests.runners import RUNNERS, crawl_under

EXAMPLES = settings(max_examples=int(os.environ.get("SINANEWS_EXAMPLES", 50)), deadline=None)
EXTRA = "id,url,media,author,keywords,stocks,images,summary,original_title"


# --- text is code to Hexo, markup is code to a browser -----------------------------------------------------


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> TemporaryArchive:
    """Every payload in every field, through whole crawls of the list, the pages and the seeds."""
    folder = tmp_path_factory.mktemp("hostile")
    archive = TemporaryArchive(folder)
    write_seeds(folder / "seeds")
    with HostileSite() as site:
        done = archive.crawl("sina_finance", mirror=site.url, SINANEWS_FRONT_MATTER_EXTRA=EXTRA)
        assert done.returncode in (0, 3), done.stderr
    done = archive.crawl("seeds", "-a", f"path={folder / 'seeds'}")
    assert done.returncode in (0, 3), done.stderr
    return archive


@pytest.fixture(scope="module")
def pages(hostile: TemporaryArchive, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The pages that a real Hexo makes of those posts."""
    try:
        hexo.install()
    except hexo.HexoUnavailable as reason:
        pytest.skip(f"no Hexo: {reason}")
    base = tmp_path_factory.mktemp("built")
    built = hexo.build_site(hostile.exports, base / "site")
    return sorted(built.rglob("index.html"))


def test_no_payload_stops_an_article(hostile: TemporaryArchive) -> None:
    states = dict(hostile.query("SELECT state, count(*) FROM articles GROUP BY state"))
    assert states == {"exported": 2 * len(PAYLOADS)}, hostile.query("SELECT * FROM articles WHERE state <> 'exported'")
    assert not Path("/tmp/pwned").exists()


def test_no_key_is_injected_and_no_value_changes_its_type(hostile: TemporaryArchive) -> None:
    headers = [post.read_text("utf-8").split("\n---\n")[1] for post in hostile.posts]
    allowed = {
        *SEED_KEYS,
        "sina_id",
        "url",
        "media",
        "byline",
        "keywords",
        "stocks",
        "images",
        "summary",
        "original_title",
    }
    lists = {"categories", "keywords", "stocks", "images"}
    readers = [[yaml.safe_load(header) for header in headers]]
    if shutil.which("node"):
        readers.append(hexo.read_with_js_yaml(headers))
    for told in readers:
        for header in told:
            assert set(header) <= allowed
            for key, value in header.items():
                expected = bool if key == "comments" else list if key in lists else str
                assert isinstance(value, expected) or (key == "url" and value is None), (key, value)
    titles = {header["title"] for header in readers[0]}
    assert {" ".join(payload.split()) for payload in PAYLOADS} <= {" ".join(title.split()) for title in titles}


def test_no_style_but_ours(hostile: TemporaryArchive) -> None:
    bodies = [post.read_text("utf-8").split("\n---\n", 2)[-1] for post in hostile.posts]
    styles = {style for body in bodies for style in re.findall(r'<[a-z]+[^<>]*\sstyle="([^"]*)"', body)}
    assert styles <= {"display:block;overflow-x:auto"}


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_in_a_browser_nothing_runs_and_all_text_is_there(pages: list[Path], tmp_path: Path) -> None:
    assert len(pages) == 2 * len(PAYLOADS)
    told = open_pages(pages, tmp_path / "harness.html")
    attributes = {name for names in ALLOWED_ATTRIBUTES.values() for name in names}
    attributes |= {"rel", "target"}  # which Hexo gives to links that lead away
    attributes |= {"style"}  # of our tables: see test_no_style_but_ours
    for page in told:
        assert not page.get("lost"), page
        assert page["ran"] == [], page
        assert set(page["elements"]) <= ALLOWED_TAGS | {"div"}, page
        assert set(page["attributes"]) <= attributes, page
        beside = str(page["page"]).rpartition("/")[0]  # a relative picture of a local post stays relative
        assert all(re.match("https?://", url) or url.startswith(f"{beside}/") for url in page["urls"]), page
    titles = [" ".join(str(page["title"]).split()) for page in told]
    texts = {title: "".join(str(page["text"]).split()) for title, page in zip(titles, told, strict=True)}
    for payload in PAYLOADS:
        text = texts[" ".join(payload.split())]
        assert f"{BEFORE}{''.join(payload.split())}{AFTER}" in text, payload


def test_the_browser_would_tell(tmp_path: Path) -> None:
    """The test above can fail: this page does what no post may."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    page = tmp_path / "bad.html"
    page.write_text(
        "<html><head></head><body><main><img src=x onerror=alert(1)><a href='javascript:x'>a</a></main>", "utf-8"
    )
    (told,) = open_pages([page], tmp_path / "harness.html")
    assert told["ran"] and "onerror" in told["attributes"] and "javascript:x" in told["urls"]


def seen(markup: str) -> set[tuple[str, str, str]]:
    """The tags, attributes and addresses of some markup, as another parser than ours sees them."""
    elements = BeautifulSoup(markup, "html.parser", multi_valued_attributes=None).find_all(True)
    return {(e.name, name, str(value)) for e in elements for name, value in (e.attrs or {"": ""}).items()}


@EXAMPLES
@given(
    st.lists(st.sampled_from(PAYLOADS) | st.text(max_size=30) | st.sampled_from(["<p>", "</p>", "<table>", "<pre>"]))
)
def test_any_mixture_of_payloads_is_cleaned(parts: list[str]) -> None:
    html = clean_body("".join(parts), "https://finance.sina.com.cn/x.shtml").html
    for tag, name, value in seen(html):
        assert tag in ALLOWED_TAGS, html
        assert not name or name in ALLOWED_ATTRIBUTES.get(tag, set()), html
        assert name not in ("href", "src") or value.startswith(("https://", "http://")), html
    assert not re.search("<!--|<!\\[|<\\?", html)


# --- bombs -------------------------------------------------------------------------------------------------

BODY_BOMBS = {
    "nesting": "<div>" * 100_000 + "x",
    "inline nesting": "<b><i>" * 60_000 + "x",
    "lists": "<ul><li>" * 50_000,
    "tables": "<table><tr><td>" * 20_000,
    "attributes": "<p " + " ".join(f"a{n}=1" for n in range(150_000)) + ">x</p>",
    "one attribute": f"<p title='{'x' * 3_000_000}'>x</p>",
    "a giant text": "<p>" + "长" * 1_000_000 + "</p>",
    "many paragraphs": "<p>x</p>" * 200_000,
    "unclosed": "<" * 1_000_000,
    "quotes": "<a href='" * 100_000,
    "entities": "&lt;" * 500_000,
    "comments": "<!--" * 300_000,
    "white space": "<p>" + " \n\u3000" * 500_000 + "x</p>",
    "breaks": "<br>" * 400_000,
    "misnested": "<b><p></b></i><a>" * 60_000,
    "weibo links": "<p>" + "<a href=//weibo.com/x>微博</a>" * 5000,
    "quote links": "<a>行情</a>" * 5000,
    "links and text": ("<a>行情</a>(" + "长" * 40) * 11_000,
    "cut sentences": "<!--NEWSZW_HZH_BEGIN-->x<!--NEWSZW_HZH_END--><p>没有说完也没有句号的一段话" * 10_000,
    "captions": "<div class=img_wrapper>" + "<img src=//a.com/a.png><span>x</span>" * 15_000,
    "breaks in a paragraph": "<p>" + "<br> " * 40_000 + "</p>",
    "breaks only": "<p>" + "<br>" * 400_000,
    "fonts": "<p>" + ("<font>字</font>" + "长" * 40) * 12_000,
    "bold in bold": "<p><b>" + ("<b>x</b>" + "长" * 40) * 12_000,
    "forms": "<p>没有说完也没有句号的一段话</p>" + ("<input>" + "长" * 40) * 12_000,
    "tables and text": "<p>没有说完也没有句号的一段话</p>" + ("<table></table>" + "长" * 40) * 11_000,
    "empty bold": "<p>" + ("<b></b>" + "长" * 40) * 12_000,
    "spaces before the editor": "<p>x" + "\u3000" * 600_000 + "编</p>",
    "spaces in code": "<pre>x" + "\u3000" * 300_000 + "\n" + "\u3000" * 300_000 + "y</pre>",
    "fonts that nothing closes": "<p>" + "".join(f"<font size={n}>" for n in range(190)) + "<p>x" * 24_000,
    "fonts that lose their paragraphs": "".join(f"<div><font size={n}>x</div>" for n in range(12_000)),
    "pictures in box in box": "<center>" * 190 + "<img src=//a.com/a.png>" * 15 + "x<br>" * 20_000,
    "advertisements": "<!--画中画begin--><!--画中画end-->" * 60_000,
}


@pytest.mark.parametrize("name", BODY_BOMBS)
def test_a_body_bomb_is_refused_or_cleaned_in_time(name: str) -> None:
    began = time.process_time()
    with contextlib.suppress(PageTooLarge):
        clean_body(BODY_BOMBS[name], "http://a.sina.com.cn/")
    assert time.process_time() - began < 5


# --- files -------------------------------------------------------------------------------------------------

NAMES = [
    "../../etc/passwd", "/etc/passwd", "C:\\Windows\\x", "\\\\host\\share", "a\0b", "100%", "%2e%2e%2f", "CON", "nul.txt", "com1",
    "aux.", "name.", "name ", " name", ".hidden", "_draft", "~", "-rf", "\u202egnp.exe", "\u200bx", "\u2066x\u2069", "a:b", "a*b?",
    "<x>|\"", "\ud800", "e\u0301", "长" * 5000, "x" * 5000, "", ".", "..", "...", "\n", "ＣＯＮ", "COM¹", "con.txt", "a/../b", "ｆ／ｇ",
]  # fmt: skip
_FORBIDDEN = re.compile(r'[<>:"/\\|?*%\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]')
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?")


def assert_works_everywhere(item: ArticleItem) -> None:
    path = post_path(item)
    assert not path.is_absolute()
    for part in path.parts:
        assert part and not part.startswith((".", "_", "~", " ")), part
        assert not part.endswith((".", " ")), part
        assert not _FORBIDDEN.search(part), part
        assert not _RESERVED.fullmatch(part), part
        assert len(part.encode()) <= 255
    assert path.suffix == ".md"


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_hostile_names_lie_inside_and_work_everywhere(name: str, tmp_path: Path) -> None:
    item = ArticleItem(id=name, url=None, title=name, categories=[name, "金融", name])
    assert_works_everywhere(item)
    ExportFolder(tmp_path).write(post_path(item).as_posix(), b"x")
    (written,) = tmp_path.rglob("*.md")
    assert written.resolve().is_relative_to(tmp_path)


@EXAMPLES
@given(st.text(), st.lists(st.text(), max_size=3), st.text())
def test_any_name_works_everywhere(title: str, categories: list[str], article: str) -> None:
    assert_works_everywhere(ArticleItem(id=article, url=None, title=title, categories=categories))


@EXAMPLES
@given(st.text(max_size=20), st.text(max_size=20))
def test_two_ids_never_share_a_file(one: str, other: str) -> None:
    paths = {post_path(ArticleItem(id=i, url=None, title="t")).as_posix().casefold() for i in (one, other, one.upper())}
    assert len(paths) == len({one, other, one.upper()})


def test_links_in_the_exports_are_not_followed(tmp_path: Path) -> None:
    outside, exports = tmp_path / "outside", tmp_path / "exports"
    outside.mkdir()
    exports.mkdir()
    (exports / "金融").symlink_to(outside, target_is_directory=True)
    folder = ExportFolder(exports)
    with pytest.raises(ExportError, match="symbolic link"):
        folder.write("金融/2022/x.md", b"x")
    victim = outside / "victim"
    victim.write_text("whole")
    (exports / "link.md").symlink_to(victim)
    folder.write("link.md", b"x")
    assert victim.read_text() == "whole" and list(outside.iterdir()) == [victim]


@pytest.mark.skipif(os.name != "posix", reason="links, pipes and devices are POSIX")
def test_strange_seed_files_are_refused_and_the_others_read(archive: TemporaryArchive, tmp_path: Path) -> None:
    seeds = tmp_path / "seeds"
    (seeds / "loop").mkdir(parents=True)
    (seeds / "loop" / "again").symlink_to(seeds, target_is_directory=True)
    os.mkfifo(seeds / "pipe.md")
    (seeds / "device.md").symlink_to("/dev/zero")
    (seeds / "link.md").symlink_to("/etc/passwd")
    with (seeds / "huge.md").open("wb") as file:
        file.truncate(50 << 20)
    (seeds / "alias.md").write_text("---\na: &a [1]\ntitle: *a\n---\nx", "utf-8")
    merge = "\n".join(f"m{n}: &m{n} {{<<: [{', '.join([f'*m{n - 1}'] * 9)}]}}" for n in range(1, 30))
    (seeds / "merge.md").write_text(f"---\nm0: &m0 {{a: 1}}\n{merge}\n---\nx", "utf-8")
    (seeds / "deep.md").write_text("---\ntitle: " + "[" * 50_000 + "\n---\nx", "utf-8")
    (seeds / "python.md").write_text("---\ntitle: !!python/object/apply:os.system [id]\n---\nx", "utf-8")
    (seeds / "js.md").write_text("---js\n{title: process.exit()}\n---\nx", "utf-8")
    (seeds / "good.md").write_text("---\ntitle: 好\n---\n<p>好的</p>", "utf-8")
    done = archive.run("crawl", "seeds", "-a", f"path={seeds}", timeout=60)
    assert "Traceback" not in done.stderr, done.stderr
    assert len(archive.posts) == 1
    refused = archive.query("SELECT title, reason FROM articles WHERE state = 'refused'")
    assert {str(title).split(".")[0] for title, _ in refused} == {
        "pipe", "device", "link", "huge", "alias", "merge", "deep", "python", "js",
    }  # fmt: skip
    assert {reason for _, reason in refused} == {"bad_post"}


# --- the network -------------------------------------------------------------------------------------------

FORBIDDEN = [
    "http://127.0.0.1/", "http://localhost/", "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://169.254.169.254/latest/",
    "http://2130706433/", "http://0x7f.1/", "http://10.0.0.1/", "https://finance.sina.com.cn:8443/", "http://finance.sina.com.cn:22/",
    "https://finance.sina.com.cn.evil.example/", "https://evilsina.com.cn/", "https://finance.sina.com.cn@evil.example/",
    "https://user:password@finance.sina.com.cn/", "ftp://finance.sina.com.cn/", "file:///etc/passwd", "gopher://finance.sina.com.cn/",
    "https://evil.example/?sina.com.cn", "https://evil.example/#.sina.com.cn", "https://evil.example\\.sina.com.cn/",
]  # fmt: skip


@pytest.fixture(scope="module")
def guard() -> GuardMiddleware:
    return GuardMiddleware(get_crawler(settings_dict={"SINANEWS_HOSTS": ""}))


@pytest.mark.parametrize("url", FORBIDDEN)
def test_the_guard_lets_nothing_else_through(guard: GuardMiddleware, url: str) -> None:
    assert guard._why_not(url), url


def test_the_guard_lets_sina_through(guard: GuardMiddleware) -> None:
    for url in (
        "https://finance.sina.com.cn/x.shtml",
        "http://feed.mix.sina.com.cn:80/api",
        "https://finance.sina.cn:443/x",
    ):
        assert guard._why_not(url) is None


PRIVATE = (
    "127.0.0.1 127.8.9.1 0.0.0.0 10.1.2.3 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 224.0.0.1 255.255.255.255 192.0.2.1 "
    "198.18.0.1 ::1 :: fe80::1 fe80::1%eth0 fc00::1 ff02::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 2002:7f00:1:: 64:ff9b::7f00:1 ::127.0.0.1"
).split()  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_a_name_of_sinas_that_resolves_to_a_private_address_is_refused(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where its other addresses are public."""
    assert is_private(address)
    answers = [(0, 0, 0, "", ("8.8.8.8", 0)), (0, 0, 0, "", (address, 0, 0, 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: answers)
    resolver = PublicResolver(get_crawler(settings_dict={"SINANEWS_MIRROR": "http://mirror.example:8900"}))
    assert asyncio.run(resolver.addresses("finance.sina.com.cn")) == []
    assert asyncio.run(resolver.addresses("mirror.example")) == ["8.8.8.8", address]


@pytest.mark.parametrize("runner", RUNNERS)
def test_a_crawl_asks_no_private_address_whatever_its_name(archive: TemporaryArchive, runner: str) -> None:
    """Not even where a setting admits the host: localhost stands for a name of Sina's with a forged answer."""
    urls = (
        "https://localhost/2022-09-01/doc-imizmscv8626000.shtml,https://127.0.0.1/2022-09-01/doc-imizmscv8626001.shtml"
    )
    hosts = "localhost,127.0.0.1"
    ended = crawl_under(runner, archive, "sina_finance", {"urls": urls}, SINANEWS_HOSTS=hosts, RETRY_TIMES="0")
    assert ended.codes == [4]
    assert "localhost resolves to 127.0.0.1, which is no public address" in ended.log
    assert archive.query("SELECT DISTINCT state, reason FROM articles") == [("failed", "cannot_resolve_host")]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere 127.0.0.2 is no address of this machine")
@pytest.mark.parametrize("runner", RUNNERS)
def test_a_name_is_looked_up_once_and_asked_at_the_address_that_was_checked(
    archive: TemporaryArchive, site: SampleSite, runner: str
) -> None:
    """A name that answers with a public address first and with 127.0.0.1 after, where something listens.

    127.0.0.2 stands for the public one; there nobody does.
    """
    port = site.url.rsplit(":", 1)[1]
    forged = """
import socket
import sinanews.downloads
really, answers = socket.getaddrinfo, ["127.0.0.2"]
def forged(host, *args, **kwargs):
    name = host if host != "finance.sina.com.cn" else answers.pop() if answers else "127.0.0.1"
    return really(name, *args, **kwargs)
socket.getaddrinfo = forged
private = sinanews.downloads.is_private
sinanews.downloads.is_private = lambda address: address != "127.0.0.2" and private(address)
from sinanews.middlewares.guard import GuardMiddleware
GuardMiddleware._why_not = lambda self, url: None
"""
    url = f"http://finance.sina.com.cn:{port}/2022-09-01/doc-imizmscv8626000.shtml"
    ended = crawl_under(runner, archive, "asking", {"url": url}, before=forged, ROBOTSTXT_OBEY="0", RETRY_TIMES="0")
    assert "ConnectionRefused" in ended.log, ended.log
    assert site.requests == []


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_a_proxy_is_the_users_choice_wherever_it_is(archive: TemporaryArchive, site: SampleSite, name: str) -> None:
    port = site.url.rsplit(":", 1)[1]
    proxy = f'import os; os.environ["http_proxy"] = "http://{name}:{port}"'
    url = "http://finance.sina.com.cn/2022-09-01/doc-imizmscv8626000.shtml"
    crawl_under("CrawlerProcess", archive, "asking", {"url": url}, before=proxy, ROBOTSTXT_OBEY="0", RETRY_TIMES="0")
    assert len(site.requests) == 1


def listening(pid: int) -> set[str]:
    """Local addresses that a process listens at, from /proc."""
    sockets = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            sockets.add(os.readlink(link).removeprefix("socket:[").rstrip("]"))
        except OSError:
            continue
    lines = [
        line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]
    ]
    return {fields[1] for fields in lines if fields[3] == "0A" and fields[9] in sockets}


class CookieSite(SampleSite):
    """Sets cookies and counts those that come back; leads away from Sina now and then."""

    def answer(self, request: Any) -> Any:
        answer, fault = super().answer(request)
        cookie = {"Set-Cookie": "id=1; Path=/; Domain=127.0.0.1"}
        return answer._replace(headers={**answer.headers, **cookie}), fault


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs Linux's /proc")
def test_a_crawl_listens_nowhere_and_brings_no_cookies_back(
    archive: TemporaryArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sinanews.samplesite.server import SampleHandler

    headers: list[set[str]] = []
    plain_get = SampleHandler.do_GET

    def do_get(self: SampleHandler) -> None:
        headers.append({name.lower() for name in self.headers})
        plain_get(self)

    monkeypatch.setattr(SampleHandler, "do_GET", do_get)
    with CookieSite(articles=20, faults={"redirect_private": 0.2}) as site:
        command = archive.command("crawl", "sina_finance", mirror=site.url, DOWNLOAD_DELAY="0.05", RETRY_TIMES="0")
        process = processes.Popen(command, cwd=PROJECT, env=archive.environment, stderr=subprocess.DEVNULL)
        found: set[str] = set()
        while process.poll() is None:
            try:
                found |= listening(process.pid)
            except OSError:
                break
            time.sleep(0.05)
        process.wait(60)
    assert found == set()
    assert len(headers) > 10
    assert not any({"cookie", "authorization"} & each for each in headers)


def test_redirects_away_from_sina_are_not_followed(archive: TemporaryArchive) -> None:
    with SampleSite(articles=8, faults={"redirect_private": 1.0}) as site:
        done = archive.crawl("sina_finance", mirror=site.url, RETRY_TIMES="0")
        assert done.returncode == 4, done.stderr
        assert archive.query("SELECT DISTINCT reason FROM articles WHERE state = 'failed'") == [("forbidden_address",)]
        assert archive.posts == []
        site.faults.clear()
        assert archive.crawl("sina_finance", mirror=site.url).returncode == 0, "where a redirect led is forgotten"
        assert archive.ids("failed") == set() and archive.ids()


# --- list answers ------------------------------------------------------------------------------------------

LIST_BOMBS = {
    "nesting": '{"result":' + "[" * 200_000,
    "deep rows": '{"result":{"status":{"code":0},"data":' + "[" * 900 + "]" * 900 + "}}",
    "huge number": '{"result":{"status":{"code":0},"total":' + "9" * 100_000 + ',"data":[]}}',
    "float": '{"result":{"status":{"code":0},"total":1e999999,"data":[{"ctime":NaN,"url":1e400}]}}',
    "types": '{"result":{"status":[],"total":{},"data":{"a":[null,1,"x",{"url":[]}]}}}',
    "rows": '{"result":{"status":{"code":0},"total":3,"data":[null,[],"x",7,{"url":{}},{"url":"x","ctime":"9'
    + "9" * 400
    + '"}]}}',
}


@pytest.mark.parametrize("name", LIST_BOMBS)
def test_a_list_bomb_is_a_failed_list(name: str) -> None:
    from sinanews.exceptions import ListingError
    from sinanews.listing.roll import parse_roll

    began = time.process_time()
    try:
        rows = parse_roll(LIST_BOMBS[name].encode()).rows
    except ListingError:
        rows = ()
    assert not rows
    assert time.process_time() - began < 5


# --- secrets -----------------------------------------------------------------------------------------------

SECRET = "hunter2secret"
DATABASES = [
    f"postgresql+psycopg://u:{SECRET}@127.0.0.1:1/db",
    f"postgresql+psycopg://u@127.0.0.1:1/db?password={SECRET}",
    f"postgresql+psycopg://u:{SECRET}@127.0.0.1:port/db",
    f"mysql://u:{SECRET}@127.0.0.1/db",
]


COMMANDS = (["crawl", "seeds"], ["status"], ["report"], ["verify"], ["catalogue", "rebuild"])


@pytest.mark.parametrize("database", DATABASES if FULL else DATABASES[1:2])
def test_the_databases_password_is_never_told(archive: TemporaryArchive, database: str) -> None:
    """Where the driver is not installed the message is another, and the rule the same."""
    for words in COMMANDS if FULL else COMMANDS[:2]:
        done = archive.run(*words, SINANEWS_DATABASE=database, LOG_LEVEL="DEBUG")
        assert done.returncode in (2, 6), f"{words}: {done.stderr}"
        assert SECRET not in done.stdout + done.stderr


def test_a_whole_log_names_no_password(archive: TemporaryArchive) -> None:
    """Scrapy logs the settings that were given; a password in the URL must not be among them, nor in the catalogue."""
    url = f"sqlite:///{archive.database}?password={SECRET}"
    done = archive.run("crawl", "seeds", LOG_LEVEL="DEBUG", SINANEWS_DATABASE=url)
    assert done.returncode == 0 and "Overridden settings" in done.stderr
    assert SECRET not in done.stdout + done.stderr
    assert SECRET.encode() not in archive.database.read_bytes()
