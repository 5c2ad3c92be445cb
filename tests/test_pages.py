"""Pages -> items: every layout's own pages, encodings, pages that are no articles, hostile bytes."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import time
from dataclasses import asdict
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinanews.cleaning import clean_body
from sinanews.exceptions import (
    AmbiguousLayout,
    NoAnswer,
    NotAnArticlePage,
    PageGone,
    PageTooLarge,
    Refused,
    SinanewsError,
    UndecodablePage,
    UnknownLayout,
    Wall,
)
from sinanews.pages import LAYOUTS, Source, decode, join_bodies, next_pages, read_page
from sinanews.pages.layouts import Finance2018

PAGES = Path(__file__).parent / "pages"
CASES = sorted(path.stem for path in PAGES.glob("*.html"))
SHARED = Path(__file__).parents[2] / "shared"
URL = "https://finance.sina.com.cn/china/2021-06-18/doc-ixyzabcd1234567.shtml"
EXAMPLES = settings(max_examples=int(os.environ.get("SINANEWS_EXAMPLES", 50)), deadline=None)

needs_corpus = pytest.mark.skipif(not (SHARED / "corpus").is_dir(), reason="the real pages in ../shared are not here")


def case(name: str) -> tuple[bytes, dict]:
    return (PAGES / f"{name}.html").read_bytes(), json.loads((PAGES / f"{name}.json").read_text("utf-8"))


def article(text: str = "青禾重工昨日公告，第二工厂已经投产。", head: str = "") -> bytes:
    """A small page of the newest layout, UTF-8."""
    return (
        f"<html><head><title>青禾重工投产_新浪财经</title>{head}</head><body><h1 class='main-title'>青禾重工投产</h1>"
        f"<div class='date-source'><span class='date'>2021年06月18日 08:31</span><span class='source'>虚山晚报</span></div>"
        f"<div class='article' id='artibody'><p>　　{text}</p></div></body></html>"
    ).encode()


# --- layouts -----------------------------------------------------------------------------------------------


def test_each_layout_has_a_page_and_each_page_a_layout() -> None:
    assert {name.partition("-")[0] for name in CASES} == {layout.name for layout in LAYOUTS}
    assert len({layout.name for layout in LAYOUTS}) == len(LAYOUTS)


@pytest.mark.parametrize("name", CASES)
def test_exactly_one_layout_claims_a_page(name: str) -> None:
    body, expected = case(name)
    source = Source(decode(body).text, expected["url"])
    assert [layout.name for layout in LAYOUTS if layout.matches(source)] == [name.partition("-")[0]]


@pytest.mark.parametrize("name", CASES)
def test_a_page_gives_its_expected_item(name: str) -> None:
    body, expected = case(name)
    page = read_page(body, expected["url"])
    given_by_page = {key: value for key, value in asdict(page.item).items() if value not in (None, [], "", False)}
    for key in ("published_at", "updated_at"):
        if key in given_by_page:
            given_by_page[key] = given_by_page[key].isoformat()
    del given_by_page["body_html"]
    assert given_by_page == expected["item"]
    assert (page.doubtful, page.next_pages) == (expected["doubtful"], expected.get("next_pages", []))


@pytest.mark.parametrize("name", CASES)
def test_a_body_gives_its_expected_clean_form(name: str) -> None:
    body, expected = case(name)
    item = read_page(body, expected["url"]).item
    clean = asdict(clean_body(item.body_html, item.url))
    del clean["removed"], clean["base_url"]
    clean["html"], clean["text"] = clean["html"].split("\n"), clean["text"].splitlines()
    assert {key: value for key, value in clean.items() if value} == expected["body"]


def test_two_layouts_for_one_page_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sinanews.pages.page.LAYOUTS", (*LAYOUTS, type("Twin", (Finance2018,), {"name": "twin"})))
    with pytest.raises(AmbiguousLayout, match="finance_2018, twin"):
        read_page(article(), URL)


def scorer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("score_extraction", SHARED / "tools" / "score_extraction.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@needs_corpus
def test_real_pages_are_read_as_a_careful_reader_would() -> None:
    tool = scorer()
    rows = []
    for path in sorted((SHARED / "corpus" / "gold").glob("*.json")):
        gold = json.loads(path.read_text("utf-8"))
        item = read_page((SHARED / "corpus" / gold["file"]).read_bytes(), gold["url"]).item
        clean = clean_body(item.body_html, item.url)
        found = {**asdict(item), **asdict(clean), "body_text": clean.text, "lead_image": next(iter(clean.images), None)}
        found["media"] = item.media or clean.media
        rows.append(tool.score(tool.hash_gold(gold), found))
    assert [row["name"] for row in rows if row["boilerplate"] or set(row["fields"].values()) != {"right"}] == []
    assert sum(row["f1"] for row in rows) / len(rows) >= 0.995


def test_the_visible_time_wins_over_the_meta_tags() -> None:
    head = (
        '<meta name="weibo: article:create_at" content="2021-06-18 09:00:00">'
        '<meta property="article:published_time" content="2021-06-18T12:00:00+08:00">'
    )
    assert str(read_page(article(head=head), URL).item.published_at) == "2021-06-18 08:31:00+08:00"
    without = article(head=head).replace("2021年06月18日 08:31".encode(), b"")
    assert str(read_page(without, URL).item.published_at) == "2021-06-18 09:00:00+08:00"


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="this system cannot change its zone")
@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "America/New_York"])
def test_times_do_not_depend_on_the_machine(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert read_page(article(), URL).item.published_at.isoformat() == "2021-06-18T08:31:00+08:00"  # type: ignore[union-attr]
    finally:
        monkeypatch.undo()
        time.tzset()


# --- encodings ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("declared", [None, "text/html; charset=gb2312", "text/html; charset=ISO-8859-1"])
@pytest.mark.parametrize("meta", ["", "<meta charset=gb2312>", "<meta charset=utf-8>"])
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_what_the_bytes_are_counts_not_what_is_claimed(encoding: str, meta: str, declared: str | None) -> None:
    body = article("镕基、㛃、—·“”", head=meta).decode().encode(encoding)
    page = read_page(body, URL, declared)
    assert "镕基、㛃、—·“”" in page.item.body_html
    assert not page.doubtful


def test_typesetting_marks_go_and_their_space_stays() -> None:
    body = (
        article("甲乙").decode().encode("gb18030").replace("甲".encode("gbk"), b"\xa3\xa0\xaa\xa1" + "甲".encode("gbk"))
    )
    assert decode(body).text.count("\u3000\u3000\u3000甲乙") == 1
    assert "\ue000" not in decode(article("甲\ue000乙")).text


def test_big5_where_it_is_declared() -> None:
    text = "香港交易所今日公布，全年的成交金額較去年上升，其中新上市公司為市場帶來最多的資金。" * 3
    body = article(text, head='<meta charset="big5">').decode().replace("　　", "")
    body = "".join(c for c in body if c.encode("big5", "ignore")).encode("big5")
    assert "全年的成交金額較去年上升" in decode(body).text


def test_what_could_not_be_decoded_is_said() -> None:
    cut = article("青禾重工" * 50).replace("禾".encode(), "禾".encode()[:2], 1)
    assert read_page(cut, URL).doubtful
    mojibake = article("".join(chr(0x4E00 + 97 * n % 20000) for n in range(400))).decode().encode("gb18030")
    assert read_page(mojibake, URL).doubtful


@pytest.mark.parametrize(
    "body", [bytes(range(256)) * 40, b"\x1f\x8b\x08" + b"\x00\x01\x02" * 500, b"\xfd\xff\xfe\x80" * 99]
)
def test_bytes_that_are_no_text_are_refused(body: bytes) -> None:
    with pytest.raises(UndecodablePage):
        read_page(body, URL)


# --- pages that are no articles ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ("<html><head><title>页面没有找到_新浪网</title></head><body><a href=/>返回</a></body></html>", PageGone),
        ("<html><title>新浪财经</title><body><div class='msg'>抱歉，该文章已被删除</div></body></html>", PageGone),
        (
            "<html><head><title>新浪通行证</title></head><body><form><input name=pw></form></body></html>",
            Wall,
        ),
        ("<html><head><title>Sina Visitor System</title></head><body></body></html>", Wall),
        (
            "<html><head><meta http-equiv='refresh' content='0;url=https://www.sina.com.cn'></head></html>",
            NoAnswer,
        ),
        ("<html><title>新浪财经</title><body><ul><li><a href=/a>一条新闻</a></li></ul></body></html>", UnknownLayout),
        ("<html><body><h1>Kinsoku jikou desu!</h1></body></html>", Wall),
        ("<html><title>青禾重工(699999)股价_行情_新浪财经</title><body><b>12.3</b></body></html>", NotAnArticlePage),
        ("", NoAnswer),
        (" \r\n", NoAnswer),
    ],
)
def test_other_pages_are_named(body: str, refusal: type[SinanewsError]) -> None:
    with pytest.raises(refusal):
        read_page(body.encode(), URL)


@pytest.mark.parametrize(
    "body",
    [
        "<h1>一页新布局</h1><div class=when>2024-05-06 08:31</div><div class=words>"
        + "<p>　　青禾重工第二工厂投产。</p>" * 20,
        "<div class=words>" + "<p>　　青禾重工第二工厂投产。</p>" * 20,
        "<table><tr><td>2016年05月06日 08:31</td></tr><tr><td>" + "青禾重工第二工厂投产。<br>" * 20,
        "<script>var words = '该文章已被删除';</script><!-- 页面没有找到 --><ul><li><a href=/a>一条新闻</a></li></ul>",
    ],
)
def test_what_no_layout_knows_is_not_guessed_at(body: str) -> None:
    with pytest.raises(UnknownLayout):
        read_page(f"<html><title>新浪财经</title><body>{body}</body></html>".encode(), URL)


def test_a_login_or_ban_page_in_the_clothes_of_an_article_is_none() -> None:
    with pytest.raises(Wall):
        read_page(article().replace("青禾重工投产_新浪财经".encode(), "用户登录_新浪网".encode()), URL)
    with pytest.raises(Wall):
        read_page(article("您的访问请求被拒绝"), URL)


def test_an_article_about_deleted_articles_is_an_article() -> None:
    assert read_page(article("平台称该文章已被删除。"), URL).item.title == "青禾重工投产"


@pytest.mark.parametrize("headline", ["虚山平台回应：相关文章已被删除", "微博调整用户登录规则"])
def test_a_headline_about_such_pages_is_a_headline(headline: str) -> None:
    body = article("青禾重工第二工厂投产。" * 400).replace("青禾重工投产".encode(), headline.encode())
    assert read_page(body, URL).item.title == headline


@pytest.mark.parametrize("shell", ["", "<script>var x = '文字';</script><!-- 正文 -->", "&nbsp;　　"])
def test_an_empty_shell_is_gone(shell: str) -> None:
    with pytest.raises(PageGone):
        read_page(article("!").replace("<p>　　!</p>".encode(), shell.encode()), URL)


# --- articles of several pages -----------------------------------------------------------------------------

PAGER = (
    "<div class=page><a href='/s/2011-05-05/10111234567_3.shtml'>3</a><a href='10111234567_2.shtml'>2</a>"
    "<a href='10111234567.shtml'>1</a><a href='10111234567_2.shtml'>下一页</a><a href='10111234568.shtml'>别的</a></div>"
)


def test_the_other_pages_of_an_article_are_named_in_order() -> None:
    base = "https://tech.sina.com.cn/s/2011-05-05/10111234567"
    assert next_pages(PAGER, f"{base}.shtml") == [f"{base}_2.shtml", f"{base}_3.shtml"]
    assert next_pages(PAGER, f"{base}_2.shtml") == [f"{base}.shtml", f"{base}_3.shtml"]
    assert next_pages("<a href='javascript:x()'>1</a><a href='http://['>2</a>", f"{base}.shtml") == []


def test_bodies_are_joined_once_in_order() -> None:
    assert clean_body(join_bodies(["<p>一</p>", "<p>二</p>", "<p>一</p> "])).text == "一\n二"


# --- hostile bytes -----------------------------------------------------------------------------------------


@EXAMPLES
@given(st.binary(max_size=3000))
def test_no_bytes_crash_it(body: bytes) -> None:
    with contextlib.suppress(Refused, NoAnswer):
        assert read_page(body, URL).item


@EXAMPLES
@given(st.sampled_from(CASES), st.integers(0, 10_000), st.binary(max_size=40), st.integers(0, 400))
def test_no_damage_crashes_it(name: str, at: int, inserted: bytes, lost: int) -> None:
    body, expected = case(name)
    at %= len(body)
    with contextlib.suppress(Refused, NoAnswer):
        item = read_page(body[:at] + inserted + body[at + lost :], expected["url"]).item
        clean_body(item.body_html, item.url)


@pytest.mark.parametrize(
    "flood",
    [
        "<div>" * 100_000,
        "<p " + " ".join(f"a{n}=1" for n in range(50_000)) + ">x",
        "<p " + " ".join(f'a{n}=">"' for n in range(50_000)) + ">x",
        "字" * 11_000_000,
    ],
    ids=["nesting", "attributes", "quoted-attributes", "text"],
)
def test_floods_are_refused_quickly(flood: str) -> None:
    started = time.monotonic()
    with pytest.raises(PageTooLarge):
        read_page(article(flood), URL)
    assert time.monotonic() - started < 5


def test_a_flood_in_a_gallerys_caption_takes_no_time() -> None:
    slides = json.dumps({"images": [{"image_url": "//a.com/x.png", "intro": "<" * 150_000}]})
    body = f"<html><title>图</title><h1>青禾</h1><script>var slide_data = {slides};</script></html>"
    started = time.process_time()
    assert read_page(body.encode(), "https://slide.finance.sina.com.cn/slide_1_2_3.html").item.kind == "gallery"
    assert time.process_time() - started < 5


def test_dashes_in_a_title_take_no_time() -> None:
    started = time.process_time()
    read_page(article().replace(b"<title>", b"<title>" + b"-" * 200_000), URL)
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    "flood",
    [
        "<div>编辑" * 9_000,
        "<div class=date-source>" * 9_000,
        "<div class=date-source>" * 6_000 + "<i class=author>某</i>" * 6_000,
        "<div class=keywords>" * 6_000 + "<a>词</a>" * 3_000,
    ],
    ids=["editors", "bylines", "authors", "keywords"],
)
def test_a_flood_of_what_is_read_beside_the_body_takes_no_time(flood: str) -> None:
    started = time.process_time()
    read_page(article().replace(b"</body>", flood.encode() + b"</body>"), URL)
    assert time.process_time() - started < 5


# --- what the words of a page may mean ---------------------------------------------------------------------

SHORT = "　　虚山银行今日宣布上调存款利率，下月一日起执行。"
LINKS = "<a href=/>新浪简介</a>┊<a href=/>广告服务</a>"
FOOTER = "新浪简介┊About Sina┊广告服务┊联系我们┊招聘信息┊网站律师┊会员注册┊产品答疑<br>Copyright &copy; 1996-2005 SINA Corporation"


@pytest.mark.parametrize("footer", [LINKS, FOOTER])
@pytest.mark.parametrize("form", ["", "<form><input>"])
def test_a_short_text_of_2005_is_the_article_and_the_footer_never(footer: str, form: str) -> None:
    body = (
        "<html><head><title>虚山银行上调利率_新浪网</title></head><body><table><tr><th class=f24>虚山银行上调利率</th></tr>"
        "<tr><td>http://finance.sina.com.cn 2005年03月21日 07:16 <font>21世纪经济报道</font></td></tr>"
        f"<tr><td class=l17>{form}<font id=zoom><p>{SHORT}</p></font></td></tr></table>"
        f"<table><tr><td>{footer}</td></tr></table></body></html>"
    )
    url = "http://finance.sina.com.cn/money/20050321/07161448853.shtml"
    item = read_page(body.encode("gb18030"), url).item
    assert clean_body(item.body_html, url).text == SHORT.strip("　")
    assert (item.layout, item.media) == ("table_2005", "21世纪经济报道")
    assert str(item.published_at) == "2005-03-21 07:16:00+08:00"


def test_a_form_left_open_in_a_text_of_2005_does_not_end_it() -> None:
    body = (
        "<html><title>虚山银行上调利率_新浪网</title><body><table><tr><td>2005年03月21日 07:16 某报</td></tr>"
        "<tr><td><font id=zoom><p>　　甲乙丙。</p><form><input name=x><p>　　丁戊己。</p></font></td></tr></table>"
    )
    item = read_page(body.encode(), "http://finance.sina.com.cn/money/20050321/07161448853.shtml").item
    assert clean_body(item.body_html).text == "甲乙丙。\n丁戊己。"


def test_a_headline_about_a_refused_visit_is_no_ban() -> None:
    headline = "某国领导人拒绝访问邻国"
    body = article().replace("青禾重工投产".encode(), headline.encode())
    assert read_page(body, URL).item.title == headline
    with pytest.raises(Wall):
        read_page("<html><title>拒绝访问</title><body>请稍后再试</body></html>".encode(), URL)


def test_the_word_for_author_is_not_a_part_of_the_name() -> None:
    body = article(head='<meta name="comment" content="mp:comos-x">').replace(
        b"<div class='date-source'>",
        "<div class='date-source'><span class='author'>作者 <a>老张说花</a></span>".encode(),
    )
    assert read_page(body, "https://k.sina.com.cn/article_1_2.html").item.author == "老张说花"


# --- facts beside the text ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "editor"),
    [
        ("<p class='article-editor'>责任编辑：林见青 SF014</p>", "林见青"),
        ("<div class=tools>分享 <span>责任编辑：<a>林见青</a> </span>收藏</div>", "林见青"),
        ("<p class='show_author'>（责任编辑：林见青）</p>", "林见青"),
        ("<p>本报编辑部</p>", None),
    ],
)
def test_the_editor_outside_the_body(line: str, editor: str | None) -> None:
    assert read_page(article().replace(b"</body>", f"{line}</body>".encode()), URL).item.editor == editor


def test_the_site_is_neither_summary_nor_keyword() -> None:
    head = '<meta name="description" content="青禾重工第二工厂已经投产，产能翻番。_新浪财经_新浪网"><meta name="keywords" content=",sina.cn">'
    item = read_page(article(head=head), URL).item
    assert (item.summary, item.keywords) == ("青禾重工第二工厂已经投产，产能翻番。", [])
    only = '<meta name="description" content="青禾重工投产_新浪网">'
    assert read_page(article(head=only), URL).item.summary is None


@pytest.mark.parametrize("form", ["<span class='author'>作者：新桥报</span>", "<span>作者：新桥报</span> <a>收藏</a>"])
def test_the_author_in_the_byline(form: str) -> None:
    body = article().replace("<span class='source'>虚山晚报</span>".encode(), form.encode())
    assert read_page(body, URL).item.author == "新桥报"


TIMES = "<a href=/a>虚山另一家银行</a> <font color=#666>(2004/10/10 17:06)</font>"


@pytest.mark.parametrize("above", [False, True])
@pytest.mark.parametrize("related", [f"<tr><td>相关链接 {TIMES}</td></tr>", f"<tr><td>{TIMES}</td></tr>"])
def test_times_of_related_links_are_not_the_articles(related: str, above: bool) -> None:
    title = "<tr><th class=f24>虚山银行上调利率</th></tr>"
    byline = "<tr><td>http://finance.sina.com.cn 2005年03月21日 07:16 <font>21世纪经济报道</font></td></tr>"
    text = f"<tr><td class=l17><font id=zoom><p>{SHORT}</p></font></td></tr>"
    rows = related + title + byline if above else title + related + byline
    body = f"<html><head><title>虚山银行上调利率_新浪网</title></head><body><table>{rows}{text}</table></body></html>"
    item = read_page(body.encode(), "http://finance.sina.com.cn/money/20050321/07161448853.shtml").item
    assert (str(item.published_at), item.media) == ("2005-03-21 07:16:00+08:00", "21世纪经济报道")


@needs_corpus
def test_a_real_page_of_2026() -> None:
    (path,) = (SHARED / "corpus" / "api").glob("article_wm_*.html")
    item = read_page(
        path.read_bytes(), f"https://finance.sina.com.cn/wm/2026-07-09/{path.stem.rsplit('_', 1)[1]}.shtml"
    ).item
    assert (item.layout, item.author, item.media) == ("finance_2026", "北向牧风", None)
    assert str(item.published_at) == "2026-07-09 07:49:00+08:00"


@pytest.mark.parametrize(
    "line",
    [
        "<p class=from><em>发布时间：2014年03月05日 18:02</em><span>田野新闻</span></p>",
        "<p class=from><span>来源：田野新闻</span><span>发布时间：2014-03-05 18:02</span></p>",
        "<p class=from>来源：<a>田野新闻</a> 发布时间：2014-03-05 18:02:11</p>",
    ],
)
def test_a_video_pages_medium_is_no_label(line: str) -> None:
    body = f"<html><title>粮价_新浪视频</title><h2>粮价</h2><div id=myflashBox></div>{line}<p class=vd_intro>简介：高两分钱。</p>"
    item = read_page(body.encode(), "http://video.sina.com.cn/v/b/1-2.html").item
    assert (item.layout, item.media, str(item.published_at)[:16]) == ("video", "田野新闻", "2014-03-05 18:02")
    assert clean_body(item.body_html).text == "高两分钱。"


def test_fonts_that_nothing_closes_are_no_page() -> None:
    """In HTML5 each of them opens again in every box behind it: 60 KB took ten seconds and 940 MB."""
    page = "".join(f"<div><font size={n}>x</div>" for n in range(2000))
    with pytest.raises(PageTooLarge):
        read_page(f"<html><body>{page}</body></html>".encode(), "https://finance.sina.com.cn/china/a.shtml")
