"""Rules on the body as a flat list of blocks: what Sina says in sentences."""

from __future__ import annotations

import re
from collections.abc import Callable

from sinanews.cleaning.blocks import trim_breaks
from sinanews.cleaning.html_rules import Found, editor_in
from sinanews.cleaning.tree import HtmlElement, drop, is_only_links, text_of

_EDITOR_LINE = re.compile(r"^\W*责任编辑\s*[：:].{0,40}$")
_EDITOR_TAIL = re.compile(r"\s*[(（\[【]\s*责任编辑\s*[：:][^()（）\[\]【】]{0,30}[)）\]】]\s*$")
_ORIGINAL_TITLE = re.compile(r"^[\[【(（]?原(?:文)?标题\s*[：:]\s*(?P<title>.+?)[\]】)）]?$")
_BYLINE = re.compile(
    r"^(?:文\s*[/／|丨]|(?:作者|撰文|撰稿)\s*[：:/／])\s*(?P<name>[^\s，。：:（(]{2,20}(?: [^\s，。：:（(]{2,10})?)$"
)
_SECTION = re.compile(r"^\W*(?:相关|延伸|推荐|更多|精彩|热门|往期|点击)[\w ]{0,14}\W*$")
_PAGER = r"上一[页章节篇]|下一[页章节篇]|返回目录|返回首页|目录|首页|尾页|末页|第?\d{1,3}页?|共\d{1,3}页|全文阅读"

#: Whole paragraphs of Sina's own, one pattern for each thing it says.
SINA_SENTENCES = {
    "app": r"海量资讯、精准解读，尽在新浪财经|\W*(?:安装|下载|打开)新浪\w{2,6}(?:客户端|APP).{0,60}$|APP专享(?:直播)?$",
    "disclaimer": r"\W*(?:新浪\w{0,4}|特别|免责|郑重|风险)?(?:声明|提示)[：:].*(?:新浪|自媒体综合)"
    r"|\W*以上(?:文章)?内容仅代表作者本人观点.*新浪",
    "qr_code": r"\W*(?:更多猛料|欢迎扫描).{0,60}(?:微信|公众号)"
    r"|\W*(?:扫描|扫一扫|长按).{0,12}二维码.{0,40}(?:新浪|关注).{0,60}$|\W*新浪财经公众号\W*$|\W*24小时滚动播报最新的财经资讯",
    "forum": r"\W*(?:点击)?进入【?(?:新浪)?.{0,12}(?:股吧|论坛|股友会)】?.{0,8}\W*$"
    r"|\W*(?:进入|点击).{0,4}【.{2,20}】.{0,8}\W*$",
    "player": r"视频加载中.{0,10}$|自动播放$",
    "comments": r"\W*(?:已有.{0,10}[条位].{0,12}(?:评论|看法)|(?:我要|发表|欢迎发表|网友)评论|我要反馈)\W*$",
    "more": r"\W*(?:点击此处|点击查看).{0,30}$|正文已结束.{0,60}$",
    "pager": rf"\W*(?:{_PAGER})(?:\W+(?:{_PAGER}))+\W*$|\W*(?:上一[页章节篇]|下一[页章节篇]|返回目录)\W*$",
    "tools": r"\W*分享到[：:]?\W*$|(?:\s*[【\[][^】\]]{1,10}[】\]]\s*){2,}$|\W*收藏本文\W*$",
}
_SINA_SENTENCE = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in SINA_SENTENCES.items()))


def original_title(root: HtmlElement, found: Found) -> int:
    """A line 原标题：… names the headline at the medium it came from."""
    removed = 0
    for block in list(root):
        if name := _ORIGINAL_TITLE.match(text_of(block)):
            found.original_title = found.original_title or name["title"].strip()
            removed += drop(block)
    return removed


def editors(root: HtmlElement, found: Found) -> int:
    """责任编辑 as a line of its own, or in brackets at the end of a paragraph."""
    removed = 0
    for block in list(root):
        if "责任编辑" not in (text := text_of(block)):
            continue
        if _EDITOR_LINE.match(text):
            found.editor = found.editor or editor_in(text)
            removed += drop(block)
        elif tail := _EDITOR_TAIL.search(text):
            found.editor = found.editor or editor_in(tail[0])
            owner, name = (block[-1], "tail") if len(block) else (block, "text")
            setattr(owner, name, _EDITOR_TAIL.sub("", getattr(owner, name) or "") or None)
            trim_breaks(block)
            removed += 1
    return removed


def sina_sentences(root: HtmlElement, found: Found) -> int:
    """Promotion and disclaimers that Sina repeats under thousands of articles."""
    removed = 0
    for block in list(root):
        if block.tag in ("table", "figure", "hr") or not (text := text_of(block)) or len(text) > 400:
            continue
        if (said := _SINA_SENTENCE.match(text)) and said.lastgroup:
            found.removed[said.lastgroup] += 1
            removed += drop(block)
    return removed


def related_links(root: HtmlElement, found: Found) -> int:
    """相关新闻： and the lines of links under it; lines at either end that are links to Sina's pages."""
    removed = 0
    for block in list(root):
        if block.getparent() is None or not _SECTION.match(text_of(block)):
            continue
        lines: list[HtmlElement] = []
        for follower in block.itersiblings():
            if not is_only_links(follower):
                break
            lines.append(follower)
        if lines or is_only_links(block):
            removed += sum(drop(line) for line in [block, *lines])
    for end in (0, -1):
        while len(root) > 1 and is_only_links(root[end]) and _leads_to_sina(root[end]):
            removed += drop(root[end])
    return removed


def _leads_to_sina(block: HtmlElement) -> bool:
    return all(re.search(r"//[\w.-]*\b(?:sina|weibo|allyes)\b", link.get("href", "")) for link in block.iter("a"))


def bylines(root: HtmlElement, found: Found) -> int:
    """文/… or 作者：… as a line of its own names the author; the line stays."""
    for block in [*root[:4], *root[-3:]]:
        if name := _BYLINE.match(text_of(block)):
            found.author = found.author or name["name"]
    return 0


TEXT_RULES: tuple[Callable[[HtmlElement, Found], int], ...] = (
    original_title,
    editors,
    sina_sentences,
    related_links,
    bylines,
)
