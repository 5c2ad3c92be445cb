"""Rules on the body as a flat list of blocks: what Sina says in sentences."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from sinanews.cleaning.blocks import Block, trim_breaks
from sinanews.cleaning.found import Found, editor_in
from sinanews.cleaning.tree import HtmlElement, is_only_links, text_of, text_without_links

_NAMED_EDITOR = r"责任?编辑?\s*[：:]"  # 责任编辑, and 责编 of 2008-10
_STAFF_CODE = r"编辑\s*[：:]\s*[A-Z]{1,4}\d{2,6}"  # (编辑：SN098) of 2012-16 names nobody
_EDITOR_LINE = re.compile(rf"\W*(?:{_NAMED_EDITOR}.{{0,40}}|{_STAFF_CODE}\W*)$")
_EDITOR_TAIL = re.compile(rf"\s*[(（\[【]\s*(?:{_NAMED_EDITOR}[^()（）\[\]【】]{{0,30}}|{_STAFF_CODE}\s*)[)）\]】]\s*$")
_LONGEST_TAIL = 100  #: characters at the end of a paragraph that may name the editor
_ORIGINAL_TITLE = re.compile(r"^[\[【(（]?原(?:文)?标题\s*[：:]\s*(?P<title>.+?)[\]】)）]?$")
_BYLINE = re.compile(
    r"^(?:文\s*[/／|丨]|(?:作者|撰文|撰稿)\s*[：:/／])\s*(?P<name>[^\s，。：:（(]{2,20}(?: [^\s，。：:（(]{2,10})?)$"
)
_SECTION = re.compile(r"^\W*(?:相关|延伸|推荐|更多|精彩|热门|热点|往期|点击|专题)[\w ]{0,14}\W*$")
_PAGER = r"上一[页章节篇]|下一[页章节篇]|返回目录|返回首页|目录|首页|尾页|末页|第?\d{1,3}页?|共\d{1,3}页|全文阅读"

#: Whole paragraphs of Sina's own, one pattern for each thing it says.
SINA_SENTENCES = {
    "app": r"海量资讯、精准解读，尽在新浪财经|\W*(?:安装|下载|打开|登录)新浪\w{2,6}(?:客户端|APP|App).{0,60}$"
    r"|新浪财经(?:客户端|APP|App)[：:].{0,40}$|APP专享(?:直播)?$",
    "promotion": r"炒股就看.{0,6}金麒麟|\W*线索征集令|新浪合作大平台|股市回暖，抄底炒股先开户|MACD金叉信号形成"
    r"|扫二维码.{0,4}领开户福利|\W*来新浪理财大学",
    "quotes": r"\W*热点栏目(?:\W*(?:自选股|数据中心|行情中心|资金流向|模拟交易|客户端))*\W*$",
    "disclaimer": r"\W*新浪\w{0,4}(?:声明|提示)[：:】]"
    r"|\W*(?:特别|免责|郑重|风险)?(?:声明|提示)[：:】].*(?:新浪(?:网|财经)?(?:登载|刊登|转载|独家)|与新浪网?联系|不代表新浪|自媒体综合)"
    r"|\W*以上(?:文章)?内容仅代表作者本人观点.*新浪|本文[为系]作者独家授权新浪\w{0,4}使用.{0,60}$",
    "qr_code": r"\W*(?:更多猛料|欢迎扫描).{0,60}(?:微信|公众号)|\W*欢迎关注.{0,6}(?:官方)?微信.{0,3}(?:新浪|意见领袖)"
    r"|\W*(?:扫描|扫一扫|长按).{0,12}二维码.{0,40}(?:新浪|关注).{0,60}$|\W*新浪财经公众号\W*$|\W*24小时滚动播报最新的财经资讯",
    "wechat": r"\W*(?:更多精彩内容\W*)?(?:欢迎|敬请|请)?关注\W?新浪\w{2,6}\W?的?(?:官方)?微信(?:公众号|订阅号|号)?"
    r"\W*(?:[A-Za-z0-9_-]{4,30}\W*)?$|\W*更多\w{0,6}\W*请下载新浪财经(?:APP|App|客户端)\W*$"
    r"|更多精彩内容\s*手机订阅.{0,40}$|股市瞬息万变.{0,30}超话.{0,30}$",
    "forum": r"\W*(?:点击)?进入(?:【.{0,16}(?:论坛|股吧|股友会)】|新浪.{0,12}论坛|.{0,14}(?:股吧|股友会)).{0,8}\W*$"
    r"|\W*(?:进入|点击).{0,4}【.{2,20}】.{0,8}\W*$",
    "player": r"视频加载中.{0,10}$|自动播放$",
    "comments": r"\W*(?:已有.{0,10}[条位].{0,12}(?:评论|看法)|(?:我要|发表|欢迎发表|网友)评论|我要反馈)\W*$"
    r"|\W*转发此文至微博.{0,20}$",
    "more": r"\W*(?:点击此处|点击查看).{0,30}$|(?:正文已结束|文章关键词[：:]).{0,60}$|\W*爱问\W*iAsk",
    "pager": rf"\W*(?:{_PAGER})(?:\W+(?:{_PAGER}))+\W*$|\W*(?:上一[页章节篇]|下一[页章节篇]|返回目录)\W*$",
    "tools": r"\W*分享到[：:]?\W*$|(?:\s*[【\[][^】\]]{1,10}[】\]]\s*){2,}$|\W*收藏本文\W*$",
}
_LONGEST = 400  #: characters of such a paragraph
_SINA_SENTENCE = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in SINA_SENTENCES.items()))


def _take_out(blocks: list[Block], gone: Collection[Block]) -> int:
    blocks[:] = [block for block in blocks if block not in gone]
    return len(gone)


def original_title(blocks: list[Block], found: Found) -> int:
    """A line 原标题：… names the headline at the medium it came from."""
    named = {block: name["title"].strip() for block in blocks if (name := _ORIGINAL_TITLE.match(block.text))}
    found.original_title = found.original_title or next(iter(named.values()), None)
    return _take_out(blocks, named)


def editors(blocks: list[Block], found: Found) -> int:
    """责任编辑 or a staff code, as a line of its own or in brackets at the end of a paragraph."""
    lines, tails = set(), 0
    for block in [block for block in blocks if "编" in block.text[-60:]]:
        if _EDITOR_LINE.match(block.text):
            found.editor = found.editor or editor_in(block.text)
            lines.add(block)
        elif tail := _EDITOR_TAIL.search(block.text[-_LONGEST_TAIL:]):
            found.editor = found.editor or editor_in(tail[0])
            last = block.element
            owner, name = (last[-1], "tail") if len(last) else (last, "text")
            words = getattr(owner, name) or ""
            setattr(owner, name, words[:-_LONGEST_TAIL] + _EDITOR_TAIL.sub("", words[-_LONGEST_TAIL:]) or None)
            trim_breaks(last)
            block.text = text_of(last)
            tails += 1
    return _take_out(blocks, lines) + tails


def sina_sentences(blocks: list[Block], found: Found) -> int:
    """Promotion and disclaimers that Sina repeats under thousands of articles."""
    said = {
        block: str(sentence.lastgroup)
        for block in blocks
        if len(block.text) <= _LONGEST and block.element.tag not in ("table", "figure", "hr")
        and (sentence := _SINA_SENTENCE.match(block.text))
    }  # fmt: skip
    found.removed.update(said.values())
    return _take_out(blocks, said)


def related_links(blocks: list[Block], found: Found) -> int:
    """相关新闻： and the lines of links under it; lines at either end that are links to Sina's pages."""
    before = len(blocks)
    at = 0
    while at < len(blocks):
        block, end = blocks[at], at + 1
        title = text_without_links(block.element) if len(block.element) else block.text
        if len(title) <= 30 and _SECTION.match(title):
            while end < len(blocks) and is_only_links(blocks[end].element):
                end += 1
            if end > at + 1 or (title != block.text and re.search(r"[：:>》]\W*$", title)):
                del blocks[at:end]
                continue
        at += 1
    for last in (0, -1):
        while len(blocks) > 1 and is_only_links(blocks[last].element) and _leads_to_sina(blocks[last].element):
            del blocks[last]
    return before - len(blocks)


def _leads_to_sina(block: HtmlElement) -> bool:
    return all(re.search(r"//[\w.-]*\b(?:sina|weibo|allyes)\b", link.get("href", "")) for link in block.iter("a"))


def bylines(blocks: list[Block], found: Found) -> int:
    """文/… or 作者：… as a line of its own names the author; the line stays."""
    for block in [*blocks[:4], *blocks[-3:]]:
        if name := _BYLINE.match(block.text):
            found.author = found.author or name["name"]
    return 0


TEXT_RULES: tuple[Callable[[list[Block], Found], int], ...] = (
    original_title,
    editors,
    sina_sentences,
    related_links,
    bylines,
)
