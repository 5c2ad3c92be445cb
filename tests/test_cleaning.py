"""Bodies -> clean bodies: each rule, safety, structure, hostile input."""

from __future__ import annotations

import doctest
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from hypothesis import given, settings
from hypothesis import strategies as st

from sinanews.cleaning import HTML_RULES, TEXT_RULES, captions, characters, clean_body, clutter, facts, item, sentences
from sinanews.exceptions import PageTooLarge
from sinanews.items import ArticleItem

PROJECT = Path(__file__).parents[1]
SHARED = PROJECT.parent / "shared"
BASE = "https://finance.sina.com.cn/china/"
MAX_EXAMPLES = int(os.environ.get("SINANEWS_EXAMPLES", 50))
TEXT = "<p>　　青禾重工第二工厂投产。</p>"
KEPT = "青禾重工第二工厂投产。"

#: rule -> (a body, what its text must be)
RULES = {
    "after_the_end": (
        f"{TEXT}<!-- publish_helper_end --><p>上手机新浪网</p>别的<center><img src=/a.jpg></center>",
        KEPT,
    ),
    "clutter": (f"{TEXT}<div class='clearfix appendQr_wrap'><p>下载</p></div>", KEPT),
    "floating_tables": (f"<table align=left><tr><td><a href=/x>光纤到户</a></td></tr></table>{TEXT}", KEPT),
    "cut_sentences": (
        "<p>　　这是一句被广告切成了两半<!--NEWSZW_HZH_BEGIN--><table><tr><td>广告</td></tr></table><!--NEWSZW_HZH_END--> </p>"
        "<p>　　的话，<b>现在</b>又完整了。</p>",
        "这是一句被广告切成了两半的话，现在又完整了。",
    ),
    "stock_links": (
        "<p><span id=stock_sh699999><a href=/realstock/company/sh699999/nc.shtml>青禾</a></span>涨</p>",
        "青禾涨",
    ),
    "added_links": (
        "<p>青禾(<a href=/a>资讯</a> <a href=/b>行情</a>,<a href=/c>论坛</a>)与林某<a href=//weibo.com/u/1>[微博]</a>称(见图)</p>",
        "青禾与林某称(见图)",
    ),
    "bold_fonts": (
        "<p><font cms-style='font-L strong-Bold'><font cms-style='strong-Bold'>粗</font></font>细</p>",
        "粗细",
    ),
    "images": (f"{TEXT}<p><img src=http://i0.sinaimg.cn/c.gif width=1><img src='data:image/gif;base64,AA'></p>", KEPT),
    "links": (
        "<p><a href='javascript:x()'>词</a><a href='#a'>语</a><a class=wt_article_link href=//weibo.com/u/2>人</a></p>",
        "词语人",
    ),
    "captions": ("<center><img src=/a.jpg><br>说明<br></center>", "说明"),
    "original_title": (f"<p>　　原标题：另一个标题</p>{TEXT}", KEPT),
    "editors": (f"{TEXT}<p>青禾将扩产。（责任编辑：林见青 SF998）</p><p>责任编辑：何以书</p>", f"{KEPT}\n青禾将扩产。"),
    "sina_sentences": (f"{TEXT}<p>海量资讯、精准解读，尽在新浪财经APP</p>", KEPT),
    "related_links": (
        f"<p>相关报道：<a href=//news.sina.com.cn/c>丙</a></p><p>相关新闻：</p><p><a href=//tech.sina.com.cn/a>甲</a></p>{TEXT}<p>【<a href=//finance.sina.com.cn/b>乙</a>】</p>",
        KEPT,
    ),
    "invitations": (f"{TEXT}<p>ID：yunlu-guancha<br>长按二维码，关注云麓观察</p>", f"{KEPT}\nID：yunlu-guancha"),
    "media": (f"{TEXT}<p>来源：云麓日报</p>", f"{KEPT}\n来源：云麓日报"),
    "bylines": (f"<p>文/山间客</p>{TEXT}", f"文/山间客\n{KEPT}"),
}
#: what Sina says -> examples of it; each stands alone in a paragraph
SENTENCES = {
    "wechat": [
        "欢迎关注新浪财经官方微信（sinacaijing）",
        "欢迎关注“新浪证券”的微信订阅号：xinlang-zhengquan",
        "更多精彩内容，请关注新浪财经官方微信：sinacaijing。",
        "【更多详情，请下载新浪财经APP】",
        "股市瞬息万变，投资难以决策？来#A股参谋部#超话聊一聊，[点击进入]",
        "更多精彩内容 <a href=http://sms.sina.com.cn>手机订阅财经新闻 天天好运</a>",
    ],
    "app": [
        "海量资讯、精准解读，尽在新浪财经APP",
        "安装新浪财经客户端第一时间接收最全面的市场资讯→【下载地址】",
        "新浪财经App：直播上线 博主一对一指导",
    ],
    "disclaimer": [
        "新浪声明：新浪网登载此文出于传递更多信息之目的，并不意味着赞同其观点或证实其描述。",
        "新浪财经提示：：本文属于个股点评栏目，敬请投资者注意风险。",
        "免责声明：自媒体综合提供的内容均源自自媒体，不代表新浪立场。",
        "特别声明：以上文章内容仅代表作者本人观点，不代表新浪看点观点或立场。",
    ],
    "promotion": [
        "来新浪理财大学，听老师讲财报里的秘密",
        "炒股就看金麒麟分析师研报，权威，专业，及时，全面，助您挖掘潜力主题机会！",
        "【线索征集令！】你吐槽，我倾听；您爆料，我报道！",
    ],
    "quotes": ["热点栏目 自选股 数据中心 行情中心 资金流向 模拟交易"],
    "qr_code": [
        "更多猛料！欢迎扫描左方二维码关注新浪新闻官方微信（xinlang-xinwen）",
        "扫描二维码关注新浪财经",
        "欢迎关注官方微信“意见领袖”，阅读更多精彩文章。",
    ],
    "forum": ["进入【新浪财经股吧】讨论", "点击进入【股友会】参与讨论"],
    "player": ["视频加载中，请稍候...", "自动播放"],
    "comments": ["已有_COUNT_条评论", "我要评论", "欢迎发表评论"],
    "more": ["点击此处查询全部钢铁新闻", "点击查看更多"],
    "tools": ["【评论】【财经论坛】【推荐】【打印】", "分享到："],
    "pager": ["[上一页] [1] [2] [下一页]", "上一章　返回目录　下一章"],
}


def test_every_rule_has_a_case() -> None:
    assert {rule.__name__ for rule in (*HTML_RULES, *TEXT_RULES)} == set(RULES)
    assert all((rule.__doc__ or "").count("\n") == 0 for rule in (*HTML_RULES, *TEXT_RULES))
    assert {*sentences.SINA_SENTENCES, "pager"} == set(SENTENCES)


@pytest.mark.parametrize("name", RULES)
def test_a_rule_takes_what_it_should_and_no_more(name: str) -> None:
    body, text = RULES[name]
    assert clean_body(body, BASE).text == text


@pytest.mark.parametrize("name", sorted(set(RULES) - {"bylines", "media"}))
def test_a_rule_is_counted(name: str) -> None:
    assert clean_body(RULES[name][0], BASE).removed[name] >= 1


@pytest.mark.parametrize(("kind", "sentence"), [(kind, text) for kind, texts in SENTENCES.items() for text in texts])
def test_sinas_own_sentences_go(kind: str, sentence: str) -> None:
    clean = clean_body(f"{TEXT}<p>　　<strong>{sentence}</strong></p>", BASE)
    assert (clean.text, clean.removed[kind]) == (KEPT, 1)


@pytest.mark.parametrize("token", sorted({name for names in clutter.CLUTTER.values() for name in names.split()}))
def test_clutter_goes_by_class_or_id(token: str) -> None:
    assert clean_body(f"{TEXT}<div class='x {token}'>甲</div><div id='{token}'>乙</div>", BASE).text == KEPT


@pytest.mark.parametrize(
    "sentence",
    [
        "[相关新闻]", "相关新闻：", "更多细节见<a href=//www.example.com/a>公告全文</a>。", "声明：本公司未接到任何通知。", "记者扫描二维码后发现，页面已经失效。", "来源：云麓日报",
        "评论认为，海量资讯并不等于精准解读。", "编辑：某某", "他点击进入了下一页。", "2005", "责任编辑制度由来已久，各家报社的做法不同。",
        "本刊责编：任务繁重，人手不足。他说。", "欢迎关注本馆的微信公众号。", "声明：以上提示不构成投资建议。",
    ],
)  # fmt: skip
def test_the_articles_own_sentences_stay(sentence: str) -> None:
    words = re.sub("<[^>]+>", "", sentence)
    assert clean_body(f"{TEXT}<p>{sentence}</p>{TEXT}", BASE).text == f"{KEPT}\n{words}\n{KEPT}"


# --- what a body says besides its text ---------------------------------------------------------------------


def test_stocks_come_from_links_spans_and_the_comment() -> None:
    body = (
        "<p><span id='usstock_JPM'><a class=keyword href='http://stock.finance.sina.com.cn/usstock/quotes/JPM.html'>摩</a>"
        "</span><span id='quote_JPM'>(<font>115.3</font>, 2%)</span><a href='/hkstock/quotes/09988.html'>南湾</a></p>"
        "<!-- news_keyword_pub,stock,sh699999&sz399998 -->"
    )
    clean = clean_body(body, "https://stock.finance.sina.com.cn/")
    assert (clean.text, clean.stocks) == ("摩南湾", ["sh699999", "sz399998", "JPM", "hk09988"])
    assert clean_body("<p>甲</p><!-- news_keyword_pub,stock, -->").stocks == []


def test_a_code_is_noted_in_the_form_that_the_page_has() -> None:
    link = "<a href='http://stock.finance.sina.com.cn/hkstock/quotes/09988.html'>南湾</a>"
    assert clean_body(f"<p>{link}</p>").stocks == ["hk09988"]
    assert clean_body(f"<p><span id=hkstock_hk09988>{link}</span></p>").stocks == ["hk09988"]
    assert clean_body(f"<p><span id=hkstock_09988>{link}</span></p>").stocks == ["09988"]


def test_a_lazy_picture_is_no_spacer() -> None:
    assert clean_body("<p><img data-src=//n.sinaimg.cn/a.jpg src=//n.sinaimg.cn/c.gif></p>").images == [
        "https://n.sinaimg.cn/a.jpg"
    ]


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("责任编辑：王某", "王某"), ("责任编辑：刘某里 SF014", "刘某里"), ("责任编辑:Robot RF13015", "Robot"),
        ("责任编辑：林某、何某 SN184 ", "林某、何某"), ("责任编辑：", None), ("（责任编辑：秦某 HN666）", "秦某"), ("(责编：何某)", "何某"), ("(编辑：SN098)", None),
    ],
)  # fmt: skip
def test_the_editor_without_staff_code(line: str, name: str | None) -> None:
    for tag in ("<p class='article-editor'>", "<p class='show_author'>", "<p>"):
        clean = clean_body(f"{TEXT}{tag}{line}</p>", BASE)
        assert (clean.editor, clean.text) == (name, KEPT)


def test_lead_and_lazy_pictures_become_absolute_and_send_no_referrer() -> None:
    html = clean_body("<p><img src='data:x' data-src='//n.sinaimg.cn/a.jpg' onerror=x() alt=图></p>", BASE).html
    assert html == '<p><img src="https://n.sinaimg.cn/a.jpg" alt="图" referrerpolicy="no-referrer"></p>'


def test_structure_is_kept() -> None:
    body = (
        "<div><h2>小标题</h2><ul><li>一</li><li>二</li></ul><blockquote><p>引文</p></blockquote>"
        "<table border=1><caption>表</caption><tr><td rowspan=2 onclick=x()>甲</td><td colspan='2'><p>乙</p></td></tr></table></div>"
    )
    clean = clean_body(body, BASE)
    assert clean.html.split("\n") == [
        "<h2>小标题</h2>",
        "<ul><li>一</li><li>二</li></ul>",
        "<blockquote><p>引文</p></blockquote>",
        '<table><caption>表</caption><tbody><tr><td rowspan="2">甲</td><td colspan="2"><p>乙</p></td></tr></tbody></table>',
    ]
    assert clean.text.split("\n")[:5] == ["小标题", "一", "二", "引文", "表"]


def test_lines_of_old_pages_become_paragraphs() -> None:
    body = "　　第一段<b>粗</b><br><br>　　第二段<br>\n第三段<p>第四段<br>　　第五行</p>尾"
    clean = clean_body(body, BASE)
    assert clean.html.count("<p>") == 5
    assert clean.text.split("\n") == ["第一段粗", "第二段", "第三段", "第四段", "第五行", "尾"]


def test_a_sentence_cut_by_a_block_is_whole_again() -> None:
    body = "<p>　　本次募集资金总额不超过</p><div id='left_hzh_ad'>广告</div>十亿元，<script>x()</script>投向传感器。"
    assert clean_body(body, BASE).text == "本次募集资金总额不超过十亿元，投向传感器。"


def test_an_advertisement_that_never_ends_takes_nothing_with_it() -> None:
    assert clean_body(f"<!--NEWSZW_HZH_BEGIN-->{TEXT}", BASE).text == KEPT
    assert (
        clean_body(f"<!--NEWSZW_HZH_BEGIN--><!--NEWSZW_HZH_BEGIN-->广告<!--NEWSZW_HZH_END-->{TEXT}", BASE).text == KEPT
    )


# --- safety ------------------------------------------------------------------------------------------------

ATTACKS = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<a href='java\tscript:alert(1)'>x</a>", "<svg onload=alert(1)>",
    "<a href='\x01javascript:alert(1)'>x</a>", "<iframe src=//evil.example></iframe>", "<math><mi xlink:href='javascript:x'>",
    "<style>@import '//evil.example'</style>", "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>", "<base href=//evil.example>",
    "<p style='background:url(javascript:x)'>x</p>", "<form action=//evil.example><input name=q></form>", "<!--><img src=x onerror=alert(1)>-->",
    "<img src='//n.sinaimg.cn/\"onload=\"x.jpg'>", "<a href=\"data:text/html,<script>x</script>\">x</a>", "<table background=javascript:x><tr><td>x",
    "<scr<script>ipt>alert(1)</scr</script>ipt>", "<object data=x></object><embed src=x>", "<meta http-equiv=refresh content=0>", "<template><b>x",
]  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_runs(attack: str) -> None:
    html = clean_body(f"{TEXT}{attack}", BASE).html
    assert not re.search(
        r"<[^>]*(?:\son\w+\s*=|javascript:|style=|data:)|<(?:script|style|iframe|svg|math|form|input|object|meta|base)",
        html,
        re.I,
    )
    assert "<!--" not in html


# --- properties --------------------------------------------------------------------------------------------

words = st.text(alphabet="甲乙丙丁戊己庚辛壬癸，。 a1<>&{}`\"'", min_size=1, max_size=12)
inline = st.recursive(
    words.map(lambda text: (text, text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))),
    lambda inner: st.tuples(
        st.sampled_from(["b", "strong", "em", "span", "font"]), st.lists(inner, min_size=1, max_size=3)
    ).map(
        lambda pair: (
            "".join(text for text, _ in pair[1]),
            f"<{pair[0]}>{''.join(html for _, html in pair[1])}</{pair[0]}>",
        )
    ),
    max_leaves=6,
)
fragments = st.sampled_from(
    [*(body for body, _ in RULES.values()), *ATTACKS, "<p>", "</p>", "<div>", "</div>", "<table>", "<td>", "<br>", "<b>", "</font>",
     "<center>", "<!--", "-->", "<p>　　甲乙</p>", "丙丁", "\u3000\u3000", "\n\n", "&nbsp;", "<img src=//n.sinaimg.cn/a.jpg>", "<blockquote>", "<li>"]
)  # fmt: skip


@settings(max_examples=MAX_EXAMPLES, deadline=None)
@given(st.lists(inline, min_size=1, max_size=5))
def test_text_in_is_text_out(paragraphs: list[tuple[str, str]]) -> None:
    clean = clean_body("".join(f"<p>　　甲{html}</p>" for _, html in paragraphs), BASE)
    squeeze = lambda text: re.sub(r"\s+", "", text)  # noqa: E731
    assert [squeeze(line) for line in clean.text.split("\n")] == [squeeze("甲" + text) for text, _ in paragraphs]


@settings(max_examples=MAX_EXAMPLES * 2, deadline=None)
@given(st.lists(st.one_of(fragments, words), max_size=12).map("".join))
def test_cleaning_twice_is_cleaning_once(body: str) -> None:
    once = clean_body(body, BASE)
    twice = clean_body(once.html, BASE)
    assert (twice.html, twice.text, twice.images) == (once.html, once.text, once.images)
    assert "\n\n" not in once.html and not once.html.startswith("\n")


HOSTILE = """
import random, resource, sys, time
from sinanews.cleaning import clean_body
from sinanews.exceptions import PageTooLarge
random.seed(7)
bodies = {
    "noise": random.randbytes(500_000).decode("latin-1"),
    "nested": "<div>" * 100_000 + "x",
    "nested_spans": "<span><div></span></div>" * 50_000,
    "nested_fonts": "<font><b><p>" * 20_000,
    "text": "字" * 11_000_000,
    "comments": "<!--" * 500_000,
    "unclosed_comment": "<p>甲</p><!-- " + "乙" * 1_000_000,
    "scripts": "<script>" * 200_000,
    "attributes": "<p " + " ".join(f"a{n}=1" for n in range(100_000)) + ">x</p>",
    "quoted": "<p " + " ".join(f'a{n}=">"' for n in range(60_000)) + ">x</p>",
    "tags": "<p>x</p>" * 60_000,
    "angles": "<" * 1_500_000,
    "breaks": "<br>" * 200_000,
    "spaces": "<p>" + " " * 1_900_000 + "</p>",
}
for name, body in bodies.items():
    started = time.process_time()
    try:
        clean_body(body, None)
        verdict = "cleaned"
    except PageTooLarge:
        verdict = "refused"
    seconds = time.process_time() - started
    print(name, verdict, round(seconds, 2), file=sys.stderr)
    assert seconds < 5, (name, seconds)
assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 512 * 1024
"""


def test_hostile_bodies_cost_little() -> None:
    run = subprocess.run([sys.executable, "-c", HOSTILE], cwd=PROJECT, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    verdicts = {line.split()[0]: line.split()[1] for line in run.stderr.splitlines()}
    assert {verdicts[name] for name in ("nested", "text", "attributes", "quoted")} == {"refused"}, run.stderr


@pytest.mark.parametrize("body", ["字" * 3_000_000, "<div>" * 201, "<p " + "a " * 6000 + ">"])
def test_too_much_is_refused_by_name(body: str) -> None:
    with pytest.raises(PageTooLarge):
        clean_body(body)
    assert clean_body("<div>" * 150 + "x").text == "x"
    assert clean_body("<!--" + "字" * 3_000_000 + "-->甲<style>" + "字" * 3_000_000 + "</style>").text == "甲"


# --- seeds -------------------------------------------------------------------------------------------------


def body_of(path: Path) -> str:
    return path.read_text("utf-8").split("---\n", 2)[2].replace("&#123;", "{").replace("&#125;", "}")


def test_the_seeds_body_is_clean() -> None:
    clean = clean_body(body_of(PROJECT / "seeds" / "000_c05529d807c41e48.txt"), None)
    assert (clean.editor, clean.images, clean.stocks) == ("王蒙", [], [])
    assert clean.original_title
    assert not re.search("原标题|责任编辑|APP|appendQr|<div|<style", clean.html)
    assert clean.text.startswith("◎记者")


@pytest.mark.skipif(not (SHARED / "corpus").is_dir(), reason="the early post in ../shared is not here")
def test_an_early_post_keeps_its_text_and_the_players_poster() -> None:
    clean = clean_body(body_of(SHARED / "corpus" / "posts" / "early-2021-video.md"), None)
    assert clean.poster == "https://p1.ivideo.sina.com.cn/video/383/188/093/383188093_400_300.jpg"
    assert (clean.images, clean.editor, len(clean.text.splitlines())) == ([], "刘万里", 4)
    assert not re.search("视频加载中|自动播放|play|向前|mce-plugin", json.dumps(clean.html, ensure_ascii=False))


def test_the_examples_in_docstrings_hold() -> None:
    for module in (captions, characters, facts, item, sentences):
        tried = doctest.testmod(module)
        assert tried.attempted and not tried.failed, module


# --- what looks like Sina's and is the article's, and the other way round -----------------------------------


@pytest.mark.parametrize(
    "sentence",
    [
        "风险提示：新浪微博用户增长不及预期。",
        "声明：我不认识新浪的那位编辑。",
        "进入达沃斯论坛",
        "他请大家关注新浪财经官方微信，并说明了理由。",
        "更多精彩内容将在明日公布。",
        "股市瞬息万变，投资者应当谨慎。",
    ],
)
def test_what_only_looks_like_sinas_stays(sentence: str) -> None:
    assert clean_body(f"{TEXT}<p>　　{sentence}</p>{TEXT}", BASE).text == f"{KEPT}\n{sentence}\n{KEPT}"


@pytest.mark.parametrize(
    "sentence",
    [
        "声明：新浪网独家稿件，未经授权不得转载。",
        "风险提示：文中观点不代表新浪立场。",
        "本文为作者独家授权新浪财经使用，请勿转载。所发表言论不代表本站观点。",
        "进入【新浪财经股吧】讨论",
    ],
)
def test_sinas_sentences_go(sentence: str) -> None:
    assert clean_body(f"{TEXT}<p>　　{sentence}</p>", BASE).text == KEPT


@pytest.mark.parametrize("comment", ["<!-- x --!>", "<!-->", "<!--->", "<!---->", "<!-- -- > -->"])
def test_comments_end_where_browsers_end_them(comment: str) -> None:
    assert clean_body(f"<p>甲</p>{comment}<p>乙</p>", BASE).text == "甲\n乙"


@pytest.mark.parametrize("comment", ["<!x>", "<?php x ?>", "</ x>", "<!DOCTYPE x>"])
def test_what_a_browser_takes_for_a_comment_is_no_text(comment: str) -> None:
    assert clean_body(f"<p>甲 {comment} 乙</p>", BASE).html == "<p>甲 乙</p>"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("<table><tr>甲<td>乙</table>丙", "甲\n乙\n丙"),  # what is in no cell stands before the table
        ("<p>甲<image src=//a.cn/b.jpg>乙", "甲乙"),
        ("<b><p>甲</b>乙</p>丙", "甲乙\n丙"),
        ("甲</body></html>乙", "甲乙"),
        ("<body class=ad>甲</body>", "甲"),
    ],
)
def test_broken_markup_is_read_as_a_browser_does(body: str, text: str) -> None:
    assert clean_body(body, BASE).text == text


def test_many_fonts_are_no_flood() -> None:
    fonts = "".join(f"<p><font cms-style='font-{n % 20}'><b>甲</b></font></p>" for n in range(1000))
    assert clean_body(fonts, BASE).text.count("甲") == 1000


@pytest.mark.parametrize("end", ["", "</form>"])
def test_a_form_around_the_text_is_only_a_wrapper(end: str) -> None:
    markup = f"<p>甲</p><form><input value=x><select><option>无</select><p>乙丙丁</p><p>戊</p>{end}"
    assert clean_body(markup, BASE).text == "甲\n乙丙丁\n戊"


def test_a_poll_is_no_text() -> None:
    assert (
        clean_body(f"{TEXT}<form>你看好吗？<br><input type=radio>看好<input type=radio>不看好</form>", BASE).text
        == KEPT
    )


@pytest.mark.parametrize("mark", ["sina-end", "sina-cut", "sina-&#101;nd"])
def test_our_own_marks_in_the_input_mean_nothing(mark: str) -> None:
    markup = f"<p>这是一句没有说完的话</p><del class='{mark}'></del><p>第二段</p>"
    assert clean_body(markup, BASE).text == "这是一句没有说完的话\n第二段"
    assert clean_body(markup.replace("<del", "<d<!-- x -->el"), BASE).text.endswith("第二段")


def test_breaks_inside_a_paragraph_stay_and_those_at_its_ends_go() -> None:
    assert clean_body("<p><br> <br>甲<br><br>乙 <br> <br></p>", BASE).html == "<p>甲<br><br>乙</p>"


# --- a rule takes what it knows; what could be the article's own words stays --------------------------------

ARTICLES_OWN = [
    # numbers are no pager
    "14:30", "3.5", "3:2", "50%-60%", "（4）15-25", "1、2、3", "1 2 3", "100/80", "1/3", "[1][2][3]", "（1）（2）", "第3页", "目录", "首页 目录", "共3页", "尾页",
    "10:00—11:30 12", "上一页日历翻过，新的一年开始", "下一页将揭晓答案", "返回首页的按钮失灵",
    # that begin like promotion
    "下载新浪财经APP的用户数超过1亿，同比增长20%。", "打开新浪微博客户端，可以看到该公司已发布声明。", "登录新浪微博客户端后，记者发现该账号已被注销", "安装新浪财经APP需要两分钟",
    "新浪财经APP：三季度月活用户突破一亿", "海量资讯、精准解读，尽在新浪财经APP，这句广告语出自林某之手。", "APP专享价引发争议", "炒股就看金麒麟分析师研报的投资者，去年平均收益为3%。",
    "线索征集令发布后，警方收到三百条线索。", "【线索征集令】警方公开征集线索", "MACD金叉信号形成，短线或继续走强。", "股市回暖，抄底炒股先开户的人多了起来。", "新浪合作大平台战略发布会在京举行",
    "扫二维码即可领开户福利，监管部门叫停", "来新浪理财大学，听课的人越来越多。", "热点栏目收视率创新高", "热点栏目",
    # that begin like disclaimers
    "声明：新浪财经独家连线了该公司董事长", "声明：新浪财经独家专访该公司董事长，以下为全文。", "新浪声明：近日有媒体报道公司裁员，内容不实。", "新浪财经提示：本周三将公布物价数据。", "声明：本公司与新浪网没有任何合作。",
    "声明：该言论不代表新浪，新浪已将其停职。", "特别提示：投资者可通过新浪网路演中心参与互动。", "声明：青禾重工未与新浪联系，报道失实。", "以上内容仅代表作者本人观点，他在新浪论坛上写道。",
    "本文为作者独家授权新浪财经使用的系列文章之三，第一篇发表后引发热议。",
    # invitations
    "更多猛料被网友在微信公众号上曝光。", "欢迎扫描会场二维码加入微信群", "欢迎关注官方微信的新浪用户达到百万", "扫描店里的二维码后，顾客可以关注商家并领券。", "扫描二维码关注该公司公众号的用户超过百万。",
    "扫描二维码关注新浪财经的用户超过百万", "长按二维码，关注者就能领取红包，这是骗局。", "24小时滚动播报最新的财经资讯，是这家电视台的特色。", "关注新浪财经官方微信的投资者都收到了这条消息。",
    "更多精彩内容手机订阅用户可在客户端查看。", "股市瞬息万变，有投资者在超话里晒出亏损。",
    # tools of a page
    "进入新浪财经论坛的嘉宾超过百人", "进入股吧的投资者大多亏损", "进入【北京时间】栏目", "点击右上角【设置】按钮", "点击进入【股吧】的人很少", "视频加载中断，用户纷纷投诉", "自动播放功能引发争议",
    "已有3位专家发表看法。", "已有120条评论指向该公司", "我要评论这件事，他说。", "网友评论", "转发此文至微博即可参与抽奖，该公司承诺。", "点击此处可以下载公告全文", "点击查看按钮后，页面没有反应。",
    "点击此处查询全部钢铁新闻的功能已下线。", "正文已结束的合同仍在履行", "文章关键词：数字经济。这是他反复强调的。", "爱问iAsk是新浪推出的搜索引擎。", "分享到：朋友圈", "【券商】【银行】【地产】", "【一】【二】",
    # titles, editors, sources
    "原标题党泛滥，监管部门出手整治", "原标题：是否应当保留？编辑部争论了三天。最后决定保留。", "原标题“央行降准”被网友改写", "责任编辑：这一职务在报社里已有百年历史，他说", "责任编辑：一个正在消失的职业",
    "（责任编辑：这一岗位将被取消，公司表示）", "责编：任务繁重，人手不足", "来源：云麓日报", "数据来源：Wind",
    # links
    "在官网、<a href=//weibo.com/u/1>微博</a>、微信上发布", "通过微信、<a class=wt_article_link href=//weibo.com/u/1>微博</a>发布公告", "据官方<a href=//weibo.com/u/1>微博</a>消息",
    "今日<a href=//finance.sina.com.cn/hq>行情</a>如何", "详见<a href=/realstock/company/sh699999/nc.shtml>行情</a>页面", "函数f()返回空值", "相关公告：<a href=//static.example.com/a.pdf>公告全文</a>",
    "<a href=//finance.sina.com.cn/a.shtml>青禾重工今日宣布投产。</a>", "<ins>新增</ins>条款与<del>删去</del>条款",
]  # fmt: skip


def around(sentence: str) -> list[str]:
    """Bodies with the sentence in the middle, first, last, and as a line of a paragraph."""
    return [
        f"{TEXT}<p>　　{sentence}</p>{TEXT}", f"<p>{sentence}</p>{TEXT}", f"{TEXT}<p>{sentence}</p>", f"{TEXT}<p>甲<br>{sentence}<br>乙</p>",
        f"{TEXT}<p><strong>甲<br>{sentence}</strong></p>{TEXT}",
    ]  # fmt: skip


@pytest.mark.parametrize("sentence", ARTICLES_OWN)
def test_what_could_be_the_articles_stays(sentence: str) -> None:
    words = re.sub("<[^>]+>", "", sentence)
    for body in around(sentence):
        assert words in clean_body(body, BASE).text.split("\n"), body


@pytest.mark.parametrize("sentence", [text for texts in SENTENCES.values() for text in texts])
def test_a_line_of_sinas_goes_and_the_lines_beside_it_stay(sentence: str) -> None:
    assert clean_body(f"<p>本报讯。<br>{sentence}<br><br>青禾重工投产。</p>", BASE).text == "本报讯。\n青禾重工投产。"
    assert clean_body(f"<p><b>本报讯。<br>{sentence}</b></p>", BASE).text == "本报讯。"


def test_a_line_goes_with_one_of_its_line_breaks() -> None:
    for line in ("自动播放", "责任编辑：某某", "原标题：某事"):
        assert clean_body(f"<p>甲<br>{line}<br>乙</p>", BASE).html == "<p>甲<br>乙</p>"
        assert clean_body(f"<p>{line}<br>甲</p><p>乙<br>{line}</p>", BASE).html == "<p>甲</p>\n<p>乙</p>"


def test_the_first_letters_of_sinas_lines_are_known() -> None:
    for text in [re.sub("<[^>]+>", "", text) for kind, texts in SENTENCES.items() if kind != "pager" for text in texts]:
        assert sentences.may_be_sinas(text), text


PAGE = "https://finance.sina.com.cn/china/2022-09-01/doc-imizmscv8626000"


@pytest.mark.parametrize(
    ("paragraph", "kept"),
    [
        (f"1 <a href={PAGE}_2.shtml>[2]</a> <a href={PAGE}_3.shtml>[3]</a>", ""),
        (f"<a href={PAGE}_2.shtml>2</a>", ""),
        ("<a href=//finance.sina.com.cn/china/2022-09-01/doc-imizmscv8626001.shtml>14:30</a>、15:00", "14:30、15:00"),
    ],
)
def test_numbers_are_a_pager_where_they_lead_to_the_articles_own_pages(paragraph: str, kept: str) -> None:
    text = clean_body(f"{TEXT}<p>{paragraph}</p>{TEXT}", f"{PAGE}.shtml").text
    assert text == "\n".join(filter(None, [KEPT, kept, KEPT]))


@pytest.mark.parametrize(
    ("added", "kept"),
    [
        ("[<a href=//weibo.com/u/1>微博</a>]", ""),
        ("（<span><a href=//weibo.com/u/1>微博</a></span>）", ""),
        ("<a class=wt_article_link href=//weibo.com/u/1>微博</a>", ""),
        ("(<a href=/a>资讯</a> <a href=/b>行情</a>,<a href=/c>论坛</a>)", ""),
        ("<a href=/a>(资讯</a> <a href=/b>行情</a> <a href=/c>论坛)</a>", ""),
        ("(699999,<a href=/b>行情</a>,<a href=/c>股吧</a>)", "(699999)"),
        ("(<a href=/a>公告</a>)", "(公告)"),
    ],
)
def test_links_that_sina_added_go_with_their_brackets(added: str, kept: str) -> None:
    assert clean_body(f"<p>青禾重工{added}今日投产(见图)()。</p>", BASE).text == f"青禾重工{kept}今日投产(见图)()。"


def test_related_links_go_at_an_end_and_the_articles_own_list_stays() -> None:
    link = "<p><a href=//finance.sina.com.cn/a>青禾重工拟建厂</a></p>"
    assert clean_body(f"{TEXT}<p>此前报道：<a href=//finance.sina.com.cn/a>青禾重工拟建厂</a></p>", BASE).text == KEPT
    assert (
        clean_body(f"{TEXT}<p>本报讯。<br>此前报道：<a href=//finance.sina.com.cn/a>甲</a></p>", BASE).text
        == f"{KEPT}\n本报讯。"
    )
    assert clean_body(TEXT + link, BASE).text == KEPT
    assert clean_body(TEXT + link * 4, BASE).text.count("拟建厂") == 4
    assert clean_body(f"{TEXT}<p>今日要闻：</p>{link}", BASE).text.endswith("拟建厂")
    assert clean_body(f"<p>【热点】</p>{link}{TEXT}", BASE).text == f"【热点】\n青禾重工拟建厂\n{KEPT}"
    assert clean_body(link * 3, BASE).text.count("拟建厂") == 3


def test_an_editors_box_of_links_goes_and_one_with_text_stays() -> None:
    link = "<p><a href=//finance.sina.com.cn/a>统计部门：形势向好</a></p>"
    box = f"<blockquote class=fin_reference><p>【官方解读】</p>{link}</blockquote>"
    assert clean_body(box + TEXT, BASE).text == KEPT
    words = "统计部门负责人就本月的数据回答了记者的提问，他说形势向好。"
    assert words in clean_body(box.replace("</blockquote>", f"<p>{words}</p></blockquote>") + TEXT, BASE).text


def test_an_unclosed_box_does_not_take_the_article_with_it() -> None:
    article = "".join(
        f"<p>　　第{n}段，青禾重工第二工厂投产，年产能将达到十万台，公司表示将继续扩大投资。</p>" for n in range(20)
    )
    for start in (
        "<div class=appendQr_wrap><img src=//n.sinaimg.cn/a.png>",
        "<div id=ad>",
        "<div class='art_related'>",
    ):
        assert clean_body(f"{TEXT}{start}{article}", BASE).text.count("段，青禾") == 20
    assert clean_body(f"{TEXT}<!-- publish_helper_end -->{article}", BASE).text.count("段，青禾") == 20
    between = f"<!--NEWSZW_HZH_BEGIN-->{article}<!--NEWSZW_HZH_END-->"
    assert clean_body(f"{TEXT}{between}", BASE).text.count("段，青禾") == 20
    twice = f"<!--画中画begin-->广告{TEXT}<!--画中画begin-->广告<!--画中画end-->"
    assert KEPT in clean_body(twice, BASE).text


# --- the medium and the original title -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("来源：健康某地", "健康某地"), ("（来源：北向某风）", "北向某风"), ("文章来源：云麓日报 作者：林见青", "云麓日报"), ("来源：微信公众号“云麓观察”", "微信公众号“云麓观察”"),
        ("来源：云麓日报（记者林见青）", "云麓日报"), ("来源：Wind", None), ("来源：公司公告、青禾证券研究所", None), ("资料来源：云麓日报", None), ("来源：不明的资金去了哪里？", None),
        ("消息来源：他没有透露", None), ("来源：网络", None), ("来源：云麓日报报道称，公司已经投产", None),
    ],
)  # fmt: skip
def test_a_line_names_the_medium_and_stays(line: str, name: str | None) -> None:
    for body in (f"<p>{line}</p>{TEXT}", f"{TEXT}<p>　　{line}</p>", f"{TEXT}<p>本报讯。<br>{line}</p>"):
        clean = clean_body(body, BASE)
        assert clean.media == name and line in clean.text.split("\n"), body
    assert clean_body(TEXT * 4 + f"<p>{line}</p>" + TEXT * 4, BASE).media is None
    assert clean_body(f"{TEXT}<table><tr><td>1</td></tr></table><p>{line}</p>", BASE).media is None


def test_the_medium_may_stand_in_an_editors_comment() -> None:
    comment = "<!--article_adlist[<p cms-style='font-L'>流程编辑 某某</p><p>来源：云麓通讯社</p>]article_adlist-->"
    clean = clean_body(f"{TEXT}{comment}", BASE)
    assert (clean.media, clean.text) == ("云麓通讯社", KEPT)
    assert clean_body(f"{TEXT}<p>来源：云麓日报</p>{comment}", BASE).media == "云麓日报"
    assert clean_body(f"{TEXT}<!--article_adlist[<p>更多资讯请访问云麓网</p>]article_adlist-->", BASE).media is None


def test_an_item_gets_the_medium_of_its_body_where_it_has_none() -> None:
    given = ArticleItem(id="seed-1", url=None, title="甲", body_html=f"{TEXT}<p>来源：云麓日报</p>")
    assert item.clean_item(given).media == "云麓日报"
    assert item.clean_item(replace(given, media="某报")).media == "某报"


@pytest.mark.parametrize(
    ("line", "title", "medium"),
    [
        ("原标题：青禾重工：第二工厂投产", "青禾重工：第二工厂投产", None),
        ("（原标题：青禾重工投产）", "青禾重工投产", None),
        ("原标题 “看得出这是工厂吗？”公司回应", "“看得出这是工厂吗？”公司回应", None),
        ("原标题：青禾重工投产 来源：云麓新闻客户端", "青禾重工投产", "云麓新闻客户端"),
        ("原标题：青禾重工投产（来源：云麓日报）", "青禾重工投产", "云麓日报"),
        ("原标题：探秘病毒来源：专家这样说", "探秘病毒来源：专家这样说", None),
    ],
)
def test_the_original_title_and_the_medium_glued_to_it(line: str, title: str, medium: str | None) -> None:
    for body in (f"<p>　　<strong>{line}</strong></p>{TEXT}", f"<p>{line}<br>{KEPT}</p>"):
        clean = clean_body(body, BASE)
        assert (clean.original_title, clean.media, clean.text) == (title, medium, KEPT)


def test_editors_at_the_ends_of_two_lines_of_one_paragraph_go() -> None:
    body = "<p>青禾投产（责任编辑：林某）<br>云麓增产（责任编辑：王某）</p>"
    assert clean_body(body, BASE).text == "青禾投产\n云麓增产"


def test_further_roles_are_no_part_of_the_editors_name() -> None:
    clean = clean_body(f"{TEXT}<p>责任编辑：林见青 校对：何以书</p>", BASE)
    assert (clean.editor, clean.text) == ("林见青", KEPT)


# --- pictures and their captions -----------------------------------------------------------------------------

WORDS = "近日，青禾重工的工厂投产，首批产品已经下线。"
IMG = "<img src=//n.sinaimg.cn/a.jpg>"
SHOWN = '<img src="https://n.sinaimg.cn/a.jpg" referrerpolicy="no-referrer">'
WRAPPER, DESCRIPTION = "<div class=img_wrapper>", "<span class=img_descr>图为工厂。</span>"
FIGURE = f"<figure>{SHOWN}<figcaption>图为工厂。</figcaption></figure>"


@pytest.mark.parametrize(
    ("body", "html"),
    [
        (f"{WRAPPER}{IMG}{DESCRIPTION}</div>", [FIGURE]),
        (f"{WRAPPER}{IMG}<span class=img_descr></span></div>", [f"<figure>{SHOWN}</figure>"]),
        (f"{WRAPPER}{WORDS}{WRAPPER}{IMG}<span class=img_descr></span></div>{DESCRIPTION}</div>", [f"<p>{WORDS}</p>", FIGURE]),
        (f"{WRAPPER}{WORDS}{IMG}{DESCRIPTION}</div>", [f"<p>{WORDS}</p>", FIGURE]),
        (f"{WRAPPER}{IMG}{DESCRIPTION}{WORDS}</div>", [FIGURE, f"<p>{WORDS}</p>"]),
        (f"{WRAPPER}{IMG}小标题{IMG}{DESCRIPTION}</div>", [f"<figure>{SHOWN}</figure>", "<p>小标题</p>", FIGURE]),
        (f"{WRAPPER}{IMG}{DESCRIPTION}小标题</div>", [FIGURE, "<p>小标题</p>"]),
        (f"{WRAPPER}<p>{WORDS}</p>{IMG}{DESCRIPTION}<p>短句</p></div>", [f"<p>{WORDS}</p>", FIGURE, "<p>短句</p>"]),
        (f"{WRAPPER}{DESCRIPTION}{IMG}</div>", [FIGURE]),
        (f"{WRAPPER}{IMG}{DESCRIPTION}{IMG}{DESCRIPTION}</div>", [FIGURE, FIGURE]),
        (f"{WRAPPER}<a href=/b>{IMG}</a><br>{DESCRIPTION}</div>", [FIGURE]),
        (f"<center>{WORDS}<br>{IMG}</center>", [f"<p>{WORDS}</p>", f"<figure>{SHOWN}</figure>"]),
        (f"<center>{IMG}<br>{WORDS}<br>完</center>", [f"<figure>{SHOWN}</figure>", f"<p>{WORDS}</p>", "<p>完</p>"]),
        (f"<center>{IMG}<br>{WORDS}</center>", [f"<figure>{SHOWN}</figure>", f"<p>{WORDS}</p>"]),
        (f"<center>{IMG}<br>图为工厂 <b>林某</b>/摄<br></center>", [f"<figure>{SHOWN}<figcaption>图为工厂 林某/摄</figcaption></figure>"]),
        (f"<figure>{IMG}<figcaption>图为<br>工厂。</figcaption></figure>", [FIGURE.replace("图为工", "图为 工")]),
        (f"<figure>{IMG}<p></p>图为工厂</figure>", [FIGURE.replace("。", "")]),
        (f"<table><tr><td>{IMG}</td></tr><tr><td>图为工厂</td></tr></table>", [FIGURE.replace("。", "")]),
        (f"<table><tr><td>{WORDS}</td><td>{IMG}</td></tr></table>", [f"<table><tbody><tr><td>{WORDS}</td><td>{SHOWN}</td></tr></tbody></table>"]),
    ],
)  # fmt: skip
def test_a_caption_is_what_says_so_and_the_rest_stays_in_its_place(body: str, html: list[str]) -> None:
    assert clean_body(body, BASE).html.split("\n") == html


@pytest.mark.parametrize(
    "attributes",
    [
        "src=//i0.sinaimg.cn/transparent.gif big-src=//n.sinaimg.cn/a.jpg",
        "src=//i0.sinaimg.cn/space.gif?v=2 data-src=//n.sinaimg.cn/a.jpg",
        "src=//n.sinaimg.cn/a.jpg data-src=//i0.sinaimg.cn/c.gif",
        "src='data:image/gif;base64,AA' data-original=//n.sinaimg.cn/a.jpg",
    ],
)
def test_a_picture_that_is_loaded_late_has_its_own_address(attributes: str) -> None:
    assert clean_body(f"<p><img {attributes}></p>", BASE).images == ["https://n.sinaimg.cn/a.jpg"]
    assert clean_body("<p>甲<img src=//i0.sinaimg.cn/transparent.gif></p>", BASE).images == []


# --- characters that are no text -----------------------------------------------------------------------------

NO_TEXT = ["&#8;", "&#0;", "&#x0;", "&#0008", "&#xFFFE;", "&#65535;", "&#xD800;", "&#xdfff;", "&#x1FFFE;", "&#x10FFFF;", "&#xFDD0;", "&#x110000;",
           f"&#{'9' * 5000};", "&#x200B;", "&zwj;", "&#127;", "\x08", "\ufffe", "\U0001fffe", "\ud800", "\x85"]  # fmt: skip


@pytest.mark.parametrize("character", NO_TEXT)
@pytest.mark.parametrize(
    "body",
    ["<p>甲</p>{}<p>乙</p>", "甲{}<p>乙</p>", "<p>甲{}</p><p>乙</p>", "<p>甲</p><p><b>{}</b>乙</p>", "<p>甲</p><p><img src=//a.cn/b.png alt='{}'>乙{}</p>",
     "<center><img src=//a.cn/b.png title={}>甲</center>{}<p>乙</p>", "<p>甲</p>{}乙{}<table><tr><td>{}</td></tr></table>"],
)  # fmt: skip
def test_characters_that_are_no_text_go(body: str, character: str) -> None:
    clean = clean_body(body.replace("{}", character), BASE)
    assert clean.text == "甲\n乙"
    assert clean_body(clean.html, BASE) == replace(clean, removed=clean_body(clean.html, BASE).removed)


@pytest.mark.parametrize(
    "nested",
    [
        "&#&#8;8;",
        "&&#8;#8;",
        "&#x&#8;8;",
        "&#&#8;&#8;8;",
        "&zwj&#8;;",
        "&zw&#8;nj;",
        "<d&#8;el class=sina-end></del>",
        "&&zwj;#8;",
    ],
)
def test_what_is_left_of_a_reference_makes_no_new_one(nested: str) -> None:
    clean = clean_body(f"<p>甲</p>{nested}<p>乙</p>", BASE)
    assert clean.text.startswith("甲") and clean.text.endswith("乙")
    assert clean_body(clean.html, BASE).html == clean.html


def test_other_references_mean_what_they_mean_in_a_browser() -> None:
    assert clean_body("<p>&#24180;&#x5E74;&#x5e74 &#150;&#8226;&#128512;&amp;#8;</p>", BASE).text == "年年年 –•😀&#8;"


@settings(max_examples=MAX_EXAMPLES, deadline=None)
@given(
    st.lists(
        st.sampled_from([*NO_TEXT, "&", "#", "x", "8", ";", "<p>", "</p>", "甲", "<b>", "<br>", "zwj", "&#"]),
        max_size=12,
    ).map("".join)
)
def test_no_character_stops_cleaning(body: str) -> None:
    once = clean_body(body, BASE)
    assert clean_body(once.html, BASE).html == once.html
    assert not re.search("[\x00-\x08\x0b-\x1f\ufffe\uffff\ud800-\udfff]", once.html)


def test_loose_items_of_lists_and_tables_are_lines() -> None:
    assert clean_body("<li>甲</li><li>乙</li><details><summary>丙</summary>丁</details>", BASE).text == "甲\n乙\n丙\n丁"


LINK = "https://finance.sina.com.cn/china/2022-09-01/doc-imizmscv8626000.shtml"
PICTURE = "<img src=https://n.sinaimg.cn/a.jpg>"
ENDS = (
    "<p>　　新建的泊位已经投入使用，年通过能力将提升到三千万吨。</p>",
    "<p>　　沿江港口的货运成本有望继续下降，格局将改变。</p>",
)


@pytest.mark.parametrize(
    "block",
    [
        "<table><tr><td>原标题：旧闻</td><td>改后标题</td></tr><tr><td>甲</td><td>12</td></tr></table>",
        "<ul><li>原标题：港口之春</li><li>译名：春天</li></ul>",
        "<blockquote><p>原标题：港口之春</p><p>一部关于码头的书</p></blockquote>",
        "<table><tr><td>责任编辑：王五</td><td>、赵六</td></tr></table>",
        "<pre>1\n2\n下一页</pre>",
        "<pre><code>自动播放</code></pre>",
        "<h2>发表评论</h2>",
        "<h3>自动播放</h3>",
        "<h4>下一页</h4>",
        "<ul><li>发表评论</li><li>收藏本文</li><li>自动播放</li></ul>",
        f"<div class=img_wrapper>{PICTURE}<span class=img_descr>原标题：港口之春（剧照）</span></div>",
        f"<div class=img_wrapper>{PICTURE}<span class=img_descr>责任编辑：王五</span></div>",
        f"<div class=img_wrapper>{PICTURE}<span class=img_descr>相关报道</span></div><p><a href={LINK}>某报道</a></p>",
        f"<p><a href={LINK}>码头全景{PICTURE}</a></p>",
        "<p>原标题：港口之春</p><p>两篇报道之一。</p><p>原标题：码头之夏</p>",
        "<p>他在<a href=https://weibo.com/x class=wt_article_link>微博</a>上发文</p>",
        "<p>据其<a href=https://weibo.com/x class=wt_article_link>微博</a>称</p>",
        "<p>某人<a href=https://weibo.com/x class=wt_article_link>微博</a>账号被盗</p>",
    ],
)
def test_nothing_goes_along_with_a_line_of_sinas(block: str) -> None:
    """A rule for a line takes no table, list, code, picture or heading; a linked word of a sentence stays."""
    first, last = ENDS
    words = BeautifulSoup(block, "html.parser").text
    for markup in (first + block + last, block + first + last, first + last + block):
        clean = clean_body(markup, "https://finance.sina.com.cn/a/doc-iabc1234567.shtml")
        assert "".join(words.split()) in "".join(clean.text.split()) or "某报道" in words
        assert clean.html.count("<img") == markup.count("<img")


def test_the_headline_that_stands_twice_goes_twice() -> None:
    first, last = ENDS
    clean = clean_body(f"<p>原标题：港口之春</p>{first}{last}<p>（原标题：港口之春）</p>")
    assert clean.original_title == "港口之春" and "原标题" not in clean.text
