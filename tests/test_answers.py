"""What is answered in place of an article, what is cut, and what is missing: nothing is lost, and the run says so."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import brotli
import pytest
import scrapy
from scrapy.http import Response

from sinanews.catalogue import Catalogue
from sinanews.exceptions import (
    AnotherArticle,
    CutPage,
    NoAnswer,
    NotAnArticlePage,
    PageGone,
    Refused,
    UndecodablePage,
    UnknownLayout,
    Wall,
)
from sinanews.middlewares.completeness import UNCONFIRMED, CompletenessMiddleware, ends
from sinanews.pages.answers import CUT_RUNS, RUNS, Said, Walls, has_end, read_answer, told
from sinanews.samplesite import SampleSite
from sinanews.samplesite.faults import SOFT_ERRORS
from sinanews.samplesite.server import Answer, Request
from tests.conftest import TemporaryArchive

URL = "https://finance.sina.com.cn/china/2021-06-18/doc-ixyzabcd1234567.shtml"
NOW = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)
PAGES = Path(__file__).parent / "pages"
SINAS = '<script src="//i.sso.sina.com.cn/js/ssologin.js"></script>'  #: furniture
WHOLE = {"reprints": 0.0, "shares": {}}


def answer_of(body: bytes | str, *, status: int = 200, confirmed: bool = True, by: str = URL) -> object:
    data = body.encode() if isinstance(body, str) else body
    return read_answer(status, data, URL, answered_by=by, confirmed=confirmed)


# --- what an answer means ----------------------------------------------------------------------------------


def page(words: str, title: str = "", head: str = "") -> str:
    return f"<html><head><title>{title}</title>{head}</head><body><div><p>{words}</p></div></body></html>"


@pytest.mark.parametrize(
    ("body", "kind", "reason"),
    [
        (page("请登录后查看", "登录"), Wall, "login"),
        (page("帐号登录 扫码登录 忘记密码", "微博通行证"), Wall, "login"),
        (page("<form><input name=a><input type='password' name=b></form>", "新浪", SINAS), Wall, "login"),
        (page("Please sign in to continue", "Sign in"), Wall, "login"),
        (page("为保证您的正常访问，请完成人机验证", "访问验证", SINAS), Wall, "captcha"),
        (page("请拖动下方滑块完成拼图"), Wall, "captcha"),
        (page("Checking your browser before accessing", "Just a moment..."), Wall, "captcha"),
        ("<html><script src=/geetest/gt.js></script><body></body></html>", Wall, "captcha"),
        (page("您的请求已被网站防火墙拦截"), Wall, "firewall"),
        (page("The URL you requested has been blocked. Attack ID: 20000051", "Web Page Blocked"), Wall, "firewall"),
        (page("Your IP has been rejected", "403 Forbidden"), Wall, "firewall"),
        (page("您的访问请求过于频繁，请稍后再试"), Wall, "banned"),
        (page("系统繁忙，请稍后再试"), NoAnswer, "trouble"),
        (page("服务器开小差了", "新浪网", SINAS), NoAnswer, "trouble"),
        ("<html><head><title>502 Bad Gateway</title></head><center>nginx</center></html>", NoAnswer, "trouble"),
        ("upstream request timeout", NoAnswer, "trouble"),
        (page("<!-- x -->", head='<meta http-equiv="refresh" content="1;url=/x">'), NoAnswer, "stub"),
        ("<script>top.location='https://finance.sina.com.cn/?r=1'</script>", NoAnswer, "stub"),
        (page("页面没有找到"), NoAnswer, "not_found"),
        (page("页面没有找到", "页面没有找到"), NoAnswer, "not_found"),
        (page("It works!"), NoAnswer, "no_answer"),
        (page("宽带用户您好，您的账户余额不足，请及时缴费。" * 90), NoAnswer, "no_answer"),
        ('{"code": -1}', NoAnswer, "no_answer"),
        ("ok", NoAnswer, "no_answer"),
        ("", NoAnswer, "empty_answer"),
        ("\n \n", NoAnswer, "empty_answer"),
        (page("页面没有找到", "页面没有找到_新浪网"), PageGone, "gone"),
        (page("抱歉，您访问的文章已被删除", head=SINAS), PageGone, "gone"),
        (page("某股 12.30 +0.5%" * 30, "青禾重工(699999)股票股价_行情_新浪财经", SINAS), NotAnArticlePage, "not_an_article"),
        (page("青禾重工投产。" * 30, "新浪财经", SINAS), UnknownLayout, "unknown_layout"),
    ],
)  # fmt: skip
def test_what_stands_where_the_article_was(body: str, kind: type[Exception], reason: str) -> None:
    with pytest.raises((Refused, NoAnswer)) as raised:
        answer_of(body)
    assert (type(raised.value), raised.value.reason) == (kind, reason)


@pytest.mark.parametrize("status", [201, 202, 203, 204, 205, 206])
def test_a_success_without_the_page_is_no_answer(status: int) -> None:
    with pytest.raises(NoAnswer):
        answer_of((PAGES / "finance_2018.html").read_bytes(), status=status)


def test_a_redirect_to_the_login_host_is_a_wall() -> None:
    with pytest.raises(Wall):
        answer_of(page("欢迎"), by="https://passport.sina.com.cn/visitor/visitor?entry=x")


def test_an_excuse_in_an_articles_clothes_is_no_article() -> None:
    wear = "<html><h1 class=main-title>提示</h1><div class=date-source></div><div id=artibody><p>{}</p></div></html>"
    with pytest.raises(NoAnswer):
        answer_of(wear.format("系统繁忙，请稍后再试"))
    long = (
        "今日早间该银行系统繁忙，多名客户称转账失败；银行回应称系统已于上午十时恢复，受影响的交易将在当日内处理完毕。"
    )
    assert answer_of(wear.format(long))


def article(number: str, words: str = "", og: str = "") -> str:
    meta = f'<meta name="publishid" content="{number}"><meta property="og:url" content="{og}">'
    furniture = "<ul>" + '<li><a href="https://finance.sina.com.cn/stock/">股票</a></li>' * 90 + "</ul>"
    text = "".join(
        f"<p>{words or '青禾重工的第二工厂在虚山投产，这是它今年的第三条生产线。'}</p>"
        for _ in range(1 if words else 9)
    )
    return (
        f"<html><head>{meta}<title>青禾重工投产_新浪网</title></head><body>{furniture}<h1 class=main-title>青禾重工投产</h1>"
        f"<div class=date-source></div><div id=artibody>{text}<p>责任编辑：林见青 SF998</p></div></body></html>"
    )


def test_the_page_of_another_article_is_not_taken_for_this_one() -> None:
    assert answer_of(article("xyzabcd1234567")) and answer_of(article("28,3,1"))
    assert answer_of(article("xyzabcd7654321", og=URL)), "one of its names is enough"
    with pytest.raises(AnotherArticle):
        answer_of(article("xyzabcd7654321"))
    with pytest.raises(AnotherArticle):
        answer_of(article("28,3,1", og=URL.replace("1234567", "7654321")))
    moved = URL.replace("1234567", "7654321")
    assert answer_of(article("xyzabcd7654321"), by=moved), "a redirect says that the article is there now"


@pytest.mark.parametrize(
    "words",
    ["系统繁忙，请稍后再试", "网站维护中，给您带来不便，敬请谅解！", "出错了，请刷新页面", "当前访问人数过多，请稍候重试", "您的访问过于频繁"],
)  # fmt: skip
def test_an_excuse_on_a_page_of_full_size_is_no_article(words: str) -> None:
    with pytest.raises(NoAnswer):
        answer_of(article("xyzabcd1234567", words))


@pytest.mark.parametrize(
    "words",
    ["虚山银行：网络故障已排除，服务恢复正常。", "虚山证券称系统繁忙，请客户稍后再试。", "快讯：防火墙概念股拉升。"],
)
def test_a_brief_that_speaks_of_trouble_is_an_article(words: str) -> None:
    assert answer_of(article("xyzabcd1234567", words))


@pytest.mark.parametrize(
    "words",
    [
        "很抱歉，由于您访问的URL有可能对网站造成安全威胁，您的访问被阻断。", "您的请求疑似攻击行为！", "您的访问已受到限制",
        "Request unsuccessful. Incapsula incident ID: 12", "Please enable JS and disable any ad blocker", "请证明您不是机器人",
        "Our systems have detected unusual traffic from your computer network", "generated by Mod_Security",
    ],
)  # fmt: skip
def test_walls_of_many_makers(words: str) -> None:
    for head in ("", SINAS):
        with pytest.raises(Wall):
            answer_of(page(words, head=head))


@pytest.mark.parametrize(("wrong", "right"), [("latin-1", "utf-8"), ("latin-1", "gb18030"), ("gb18030", "utf-8")])
def test_garbled_text_in_valid_utf8_is_not_kept(wrong: str, right: str) -> None:
    with pytest.raises(UndecodablePage):
        answer_of(article("xyzabcd1234567").encode(right).decode(wrong, "replace"))


def test_text_that_was_lost_before_it_was_sent_is_not_kept() -> None:
    whole = article("xyzabcd1234567")
    for lost in (whole.encode("gb18030").decode("utf-8", "replace"), whole.encode("ascii", "replace").decode()):
        with pytest.raises(UndecodablePage):
            answer_of(lost)


# --- what is believed --------------------------------------------------------------------------------------


def test_only_answers_hours_apart_count() -> None:
    said = Said()
    for minutes in (0, 20, 40, 60, 179):
        said = told(said, "gone", NOW + timedelta(minutes=minutes))
    assert said == Said("gone", 1, NOW)
    said = told(told(said, "gone", NOW + timedelta(hours=3)), "gone", NOW + timedelta(hours=6))
    assert said.answers == RUNS
    assert told(said, "empty", NOW + timedelta(hours=9)).answers == 1, "another answer is another story"
    assert told(said, "gone", NOW - timedelta(days=1)).answers == RUNS, "a clock set back proves nothing"


@pytest.mark.parametrize(
    ("met", "over", "ban"),
    [
        ("wwwwww", False, True), ("wwwww", False, False), ("aaaaaaaaaaaawwwwww", False, True),
        ("wwawwawwawwa", False, True), ("awawawawawawaw", False, False), ("wwawa", True, True), ("www", True, True),
        ("ww", True, False), ("wwwaaa", True, False),
    ],
)  # fmt: skip
def test_when_walls_are_a_ban(met: str, over: bool, ban: bool) -> None:
    walls = Walls(limit=6)
    for one in met:
        walls.met(wall=one == "w")
    assert walls.are_a_ban(over=over) is ban


def test_what_failed_keeps_what_its_page_said(tmp_path: Path) -> None:
    catalogue = Catalogue(f"sqlite:///{tmp_path / 'c.db'}")
    catalogue.failed("a", "gone", "", NOW, url=URL, answer="gone", answers=2, answered_at=NOW)
    catalogue.failed("a", "timeout", "", NOW)
    row = catalogue.article("a")
    assert row is not None and (row.reason, row.answer, row.answers, row.attempts) == ("timeout", "gone", 2, 2)
    catalogue.record("a", NOW, state="exported")
    catalogue.failed("a", "gone", "", NOW + timedelta(days=1), answer="gone", answers=1, answered_at=NOW)
    row = catalogue.article("a")
    assert row is not None and (row.state, row.answers, row.attempts, row.recorded_at) == ("exported", 1, 0, NOW)
    catalogue.close()


# --- what is cut -------------------------------------------------------------------------------------------

DATA = (b"", b"x", os.urandom(200_000), b"abc " * 100_000)


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize("data", DATA, ids=lambda data: str(len(data)))
@pytest.mark.parametrize(
    ("encoding", "pack"),
    [(b"gzip", gzip.compress), (b"deflate", zlib.compress), (b"deflate", raw_deflate), (b"br", brotli.compress)],
)
def test_a_packed_body_ends_where_its_stream_ends(encoding: bytes, pack: Callable[[bytes], bytes], data: bytes) -> None:
    packed = pack(data)
    assert ends(packed, encoding)
    assert not any(ends(packed[:-lost], encoding) for lost in (1, 4, 8, len(packed) // 2) if 0 < lost < len(packed))
    assert not ends(packed, b"unheard-of")


def test_members_and_padding_of_gzip() -> None:
    one = gzip.compress(b"one", mtime=0)
    assert ends(one + one, b"gzip") and ends(one + b"\0" * 9, b"x-gzip")
    assert not ends(one + one[:-3], b"gzip")


@pytest.mark.parametrize(
    ("encoding", "body", "flags", "unconfirmed"),
    [
        ("", b"x", [], False), ("", b"x", ["partial"], True), ("identity", b"x", ["partial"], True),
        ("gzip", gzip.compress(b"x", mtime=0), ["partial"], False), ("gzip", gzip.compress(b"x", mtime=0)[:-1], [], True),
        ("GZIP", gzip.compress(b"x", mtime=0)[:-1], ["partial"], True), ("gzip", b"no gzip", [], True),
        ("gzip, gzip", gzip.compress(gzip.compress(b"x", mtime=0)[:-9], mtime=0), [], True),
    ],
)  # fmt: skip
def test_which_bodies_are_confirmed(encoding: str, body: bytes, flags: list[str], unconfirmed: bool) -> None:
    headers = {"Content-Encoding": encoding} if encoding else {}
    response = Response(URL, body=body, headers=headers, flags=flags)
    response = CompletenessMiddleware().process_response(scrapy.Request(URL), response)
    assert (UNCONFIRMED in response.flags) is unconfirmed


@pytest.mark.parametrize(
    ("body", "end"),
    [
        (b"<p>x</p></html>", True), (b"<p>x</p></HTML >\n<!-- cache -->", True), (b"<p>x</p></body>", True),
        (b"<p>x</p></body><!-- a --> <script>if (1) {", True), (b"<p>x</p>", False), (b"<p>x</p></body><p>y", False),
        (b"<p>x</p><!--article_adlist[<html></html>]article_adlist--><p>y", False), (b"<p>x</p><!-- </html>", False),
        (b"<p>x<script>document.write('</body></html>')", False), (b"", False), (b"<p>x</p></bod", False),
    ],
)  # fmt: skip
def test_the_own_end_of_a_page(body: bytes, end: bool) -> None:
    assert has_end(body) is end


def test_an_unconfirmed_page_needs_its_end() -> None:
    whole = (PAGES / "finance_2018.html").read_bytes()
    cut = whole[: whole.index(b"</table>")]
    assert answer_of(whole, confirmed=False) and answer_of(cut)
    with pytest.raises(CutPage) as raised:
        answer_of(cut, confirmed=False)
    assert raised.value.found.item.title
    with pytest.raises(Wall):  # cut or not, it is no page of the article
        answer_of("<html><p>请输入验证码", confirmed=False)
    with pytest.raises(CutPage):  # what a cut page lacks says nothing of the article
        answer_of(whole[: whole.index(b"artibody") - 20], confirmed=False)


# --- whole crawls ------------------------------------------------------------------------------------------


def hours_pass(archive: TemporaryArchive, hours: int = 4) -> None:
    archive.query("UPDATE articles SET next_try_at = NULL")
    archive.query(f"UPDATE articles SET answered_at = datetime(answered_at, '-{hours} hours') || '.000000'")


def ids_of(site: SampleSite) -> set[str]:
    return {entry.id for entry in site.entries}


def test_nothing_that_stands_in_an_articles_place_loses_it(archive: TemporaryArchive) -> None:
    faults = [*SOFT_ERRORS, "204", "deleted", "garbage", "404", "cut_close", "cut_gzip", "close"]
    with SampleSite(articles=40, **WHOLE) as site:
        for fault, entry in zip(faults, site.entries, strict=False):
            site.faults.set(fault, [entry.id])
        done = archive.crawl("sina_finance", mirror=site.url, SINANEWS_BAN_LIMIT="99")
        assert done.returncode == 3, done.stdout + done.stderr
        assert archive.ids("refused") == set()
        assert archive.ids("failed") == {e.id for e in site.entries[: len(faults) - 1]}, "one only lacked a length"
        for line in done.stderr.splitlines():
            assert "next run tries" not in line or "failed" in line
        site.faults.clear()
        assert archive.crawl("sina_finance", mirror=site.url).returncode == 0
        assert archive.ids() == ids_of(site)
        assert archive.query("SELECT count(*) FROM articles WHERE answers > 0") == [(0,)]


def test_walls_are_a_ban(archive: TemporaryArchive) -> None:
    with SampleSite(articles=30, **WHOLE) as site:
        site.faults.set("login", [e.id for e in site.entries if e.number % 3])
        done = archive.crawl("sina_finance", mirror=site.url)
        assert done.returncode == 5, done.stdout + done.stderr
        assert archive.query("SELECT host FROM cooldowns") == [("finance.sina.com.cn",)]
        archive.query("DELETE FROM cooldowns")
        assert archive.crawl("sina_finance", "-a", "limit=4", mirror=site.url).returncode == 5, "a short run, too"
        archive.query("DELETE FROM cooldowns")
        site.faults.clear()
        assert archive.crawl("sina_finance", mirror=site.url).returncode == 0
        assert archive.ids() == ids_of(site)


def test_redirects_to_a_login_outside_sina_are_walls(archive: TemporaryArchive) -> None:
    with SampleSite(articles=12, **WHOLE) as site:
        site.faults.set("redirect_login", ids_of(site))
        done = archive.crawl("sina_finance", mirror=site.url)
        assert done.returncode == 5, done.stdout + done.stderr
        assert archive.query("SELECT host FROM cooldowns") == [("finance.sina.com.cn",)]
        site.faults.clear()
        archive.query("DELETE FROM cooldowns")
        assert archive.crawl("sina_finance", mirror=site.url).returncode == 0
        assert archive.ids() == ids_of(site)


def test_a_page_is_gone_when_several_runs_hours_apart_say_so(archive: TemporaryArchive) -> None:
    with SampleSite(articles=8, **WHOLE) as site:
        gone = {"404": site.entries[0].id, "deleted": site.entries[1].id, "garbage": site.entries[2].id}
        for fault, one in gone.items():
            site.faults.set(fault, [one])
        for _ in range(3):
            assert archive.crawl("sina_finance", mirror=site.url).returncode == 3
            assert archive.ids("failed") == set(gone.values())
        hours_pass(archive)
        archive.crawl("sina_finance", mirror=site.url)
        assert archive.ids("failed") == set(gone.values())
        hours_pass(archive)
        archive.crawl("sina_finance", mirror=site.url)
        assert archive.ids("refused") == set(gone.values())
        reasons = dict(archive.query("SELECT id, reason FROM articles WHERE state = 'refused'"))
        assert reasons == {gone["404"]: "gone", gone["deleted"]: "gone", gone["garbage"]: "undecodable"}
        site.requests.clear()
        assert archive.crawl("sina_finance", mirror=site.url).returncode == 0
        assert not [r for r in site.requests if r.path.endswith(".shtml")], "and then nobody asks again"
        site.faults.clear()
        named = ",".join(site.newsroom.by_id[one].url for one in gone.values())
        archive.crawl("sina_finance", "-a", f"urls={named}", mirror=site.url)
        assert archive.ids() == ids_of(site), "unless one asks for it"


def test_a_page_that_is_always_cut_is_taken_in_the_end_and_made_good(archive: TemporaryArchive) -> None:
    with SampleSite(articles=4, **WHOLE) as site:
        struck = site.entries[1].id
        site.faults.set("cut_close", [struck])
        for _ in range(CUT_RUNS - 1):
            done = archive.crawl("sina_finance", mirror=site.url)
            assert done.returncode == 3
            assert archive.query("SELECT id, reason FROM articles WHERE state = 'failed'") == [(struck, "cut")]
        done = archive.crawl("sina_finance", "-O", str(archive.feed), mirror=site.url)
        assert done.returncode == 3 and "1 incomplete" in done.stdout + done.stderr
        assert [(item["id"], item["incomplete"]) for item in archive.items()] == [(struck, True)]
        status = archive.run("status")
        assert "lacks a page, or the end of one" in status.stdout, status.stdout
        site.faults.clear()
        assert archive.crawl("sina_finance", mirror=site.url).returncode == 0
        assert archive.ids() == ids_of(site)
        (text,) = [p.read_text("utf-8") for p in archive.posts if struck in p.name]
        assert site.entries[1].text().paragraphs[-1][-12:] in text
        assert archive.query("SELECT count(*) FROM articles WHERE missing_pages IS NOT NULL") == [(0,)]


def test_a_second_page_that_cannot_be_had_loses_no_other(archive: TemporaryArchive) -> None:
    with SampleSite(articles=3, reprints=0.0, shares={"long": 1.0}) as site:
        ids = [entry.id for entry in site.entries]
        for fault, one in zip(("404", "captcha", "cut_close"), ids, strict=True):
            site.faults.set(fault, [f"{one}_2"])
        done = archive.crawl("sina_finance", mirror=site.url)
        assert done.returncode == 3 and "3 incomplete" in done.stdout + done.stderr
        missing = dict(archive.query("SELECT id, missing_pages FROM articles WHERE state = 'exported'"))
        assert {one: str(url).rsplit("-", 1)[1] for one, url in missing.items()} == {
            one: f"{one}_2.shtml" for one in ids
        }
        half = posts_of(archive)
        for entry in site.entries:
            first, *_, last = entry.text().paragraphs
            assert first in half[entry.id] and last in half[entry.id]
        site.faults.clear()
        assert archive.crawl("sina_finance", mirror=site.url).returncode == 0
        whole = posts_of(archive)
        for entry in site.entries:
            assert all(paragraph in whole[entry.id] for paragraph in entry.text().paragraphs)
        site.edit(ids)
        site.faults.set("500", [f"{one}_3" for one in ids])
        assert archive.crawl("sina_finance", mirror=site.url, RETRY_TIMES="0").returncode == 3
        assert posts_of(archive) == whole, "less does not replace more"
        site.faults.clear()
        assert archive.crawl("sina_finance", mirror=site.url).returncode == 0
        assert all(posts_of(archive)[one] != whole[one] for one in ids), "and the edit is not forgotten"


class RepeatingSite(SampleSite):
    """While told so, answers an article's second page with the first, or first pages with 304."""

    fault = ""

    def answer(self, request: Request) -> tuple[Answer, str | None]:
        if self.fault == "first" and "_2.s" in request.path:
            request = request._replace(path=request.path.replace("_2.s", ".s"))
        if self.fault == "304" and "/doc-" in request.path:
            return Answer(304, "text/html", b""), None
        return super().answer(request)


def test_the_first_page_in_place_of_the_second_is_no_second_page(archive: TemporaryArchive) -> None:
    with RepeatingSite(articles=2, reprints=0.0, shares={"long": 1.0}) as site:
        site.fault = "first"
        done = archive.crawl("sina_finance", mirror=site.url)
        assert done.returncode == 3 and "2 incomplete" in done.stdout + done.stderr
        site.fault = "304"
        done = archive.crawl("sina_finance", mirror=site.url)
        assert done.returncode not in (0, 1), "nobody asked whether it has changed: " + done.stdout + done.stderr
        site.fault = ""
        assert archive.crawl("sina_finance", mirror=site.url).returncode == 0
        whole = posts_of(archive)
        for entry in site.entries:
            assert all(paragraph in whole[entry.id] for paragraph in entry.text().paragraphs)


def posts_of(archive: TemporaryArchive) -> dict[str, str]:
    rows = archive.query("SELECT id, path FROM articles WHERE state = 'exported'")
    return {str(one): (archive.exports / str(path)).read_text("utf-8").replace("&amp;", "&") for one, path in rows}
