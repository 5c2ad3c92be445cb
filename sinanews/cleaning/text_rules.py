"""Rules on the body as blocks and lines: what Sina says in sentences."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import takewhile

from sinanews.cleaning import sentences
from sinanews.cleaning.blocks import PARAGRAPHS
from sinanews.cleaning.facts import Facts, editor_in, medium_in
from sinanews.cleaning.lines import BodyText, Line

#: Names of people, staff codes, and further roles with theirs; no clause.
_PERSON = r"(?:[一-鿿]{1,6}(?:·[一-鿿]{1,10})*|[A-Za-z][\w.-]*)"
_ROLE = r"(?:责任?编辑?|编辑|校对|审核|主编|监制|美编|图编|编审|审读|实习生|作者|记者|来源)\s*[：:]"
_PEOPLE = rf"(?:{_PERSON}|{_ROLE})?(?:[\s、/|,]+(?:{_PERSON}|{_ROLE})|(?<=[：:]){_PERSON}){{0,8}}"
_NAMED_EDITOR = rf"责任?编辑?\s*[：:]\s*{_PEOPLE}"  # 责任编辑, and 责编 of 2008-10
_STAFF_CODE = r"编辑\s*[：:]\s*[A-Z]{1,4}\d{2,6}"  # (编辑：SN098) of 2012-16 names nobody
_EDITOR_LINE = re.compile(rf"\W*(?:{_NAMED_EDITOR}|{_STAFF_CODE})\W*$")
_EDITOR_TAIL = re.compile(rf"(?:\s*[(（\[【]\s*(?:{_NAMED_EDITOR}|{_STAFF_CODE})\s*[)）\]】])+\s*$")
_LONGEST_EDITOR = 60
_LONGEST_TAIL = 100  #: characters at the end of a line that may name the editor
_ORIGINAL_TITLE = re.compile(
    r"[\[【(（]?\s*原(?:文)?标题\s*(?:[：:]|(?=\s[“\"「《【]))\s*(?P<title>[^。；]{2,100}?)"
    r"(?:[\s(（]+(?=(?:文章|稿件)?来源\s*[：:])(?P<source>.{4,40}?))?\s*[\]】)）]?$"
)
_BYLINE = re.compile(
    r"^(?:文\s*[/／|丨]|(?:作者|撰文|撰稿)\s*[：:/／])\s*(?P<name>[^\s，。：:（(]{2,20}(?: [^\s，。：:（(]{2,10})?)$"
)
_RELATED = (
    r"(?:相关|延伸|拓展|推荐)(?:新闻|阅读|报道|链接|专题|文章|资讯|推荐|评论|视频|图集)"
    r"|(?:本报|本网)?(?:此前|早前|往期|前期|历史)(?:曾)?(?:报道|回顾|文章|精选|链接)|前情回顾|(?:新闻|报道)链接"
)
_RELATED_HEADING = re.compile(rf"\W*(?:{_RELATED})\W*$")
_VAGUE_HEADING = re.compile(r"\W*(?:更多|精彩|热门|热点|点击|专题)\w{0,8}\W*$")
#: Blocks in which Sina says nothing of its own; a heading is the article's, whatever it says.
_NEVER_SINAS = frozenset("table figure hr pre h1 h2 h3 h4 h5 h6".split())
_MOST_LINKS = 3  #: lines of links at an end of a text, without a heading; more of them are the article's own list
_SENTENCE = re.compile(r"[。！？…；]|.{40}", re.S)


def original_title(text: BodyText, found: Facts) -> int:
    """A line 原标题：… names the headline at the medium it came from, and sometimes that medium."""
    named: dict[Line, re.Match[str]] = {}
    for line in text.lines():
        if "标题" in line.text[:8] and (said := _ORIGINAL_TITLE.match(line.text)) and line.stands_alone:
            named[line] = said
    titles = {said["title"].strip(" \u3000"): said for said in named.values()}
    if len(titles) > 1:  # an article about headlines, or one of several texts: the lines are its own
        return 0
    for title, said in titles.items():
        found.original_title = found.original_title or title
        found.media = found.media or medium_in(said["source"] or "")
    return text.take_out(named)


def editors(text: BodyText, found: Facts) -> int:
    """责任编辑 or a staff code, as a line of its own or in brackets at its end."""
    removed, tails = _editor_lines(text, found), []
    for line in text.lines():
        if "编" in line.text[-_LONGEST_EDITOR:] and (tail := _EDITOR_TAIL.search(line.text[-_LONGEST_TAIL:])):
            found.editor = found.editor or editor_in(tail[0])
            tails.append(line)
    cut = text.cut_tails(tails, _EDITOR_TAIL, _LONGEST_TAIL)
    return removed + cut + (_editor_lines(text, found) if cut else 0)


def _editor_lines(text: BodyText, found: Facts) -> int:
    named = [
        line for line in text.lines()
        if len(line.text) <= _LONGEST_EDITOR and "编" in line.text
        and _EDITOR_LINE.match(line.text) and line.stands_alone
    ]  # fmt: skip
    for line in named:
        found.editor = found.editor or editor_in(line.text)
    return text.take_out(named)


def sina_sentences(text: BodyText, found: Facts) -> int:
    """Promotion, disclaimers and tools that Sina repeats under thousands of articles."""
    said = {
        line: kind
        for line in text.lines()
        if len(line.text) <= sentences.LONGEST and line.block.tag not in _NEVER_SINAS
        and (kind := _kind_of(line, found.base_url))
    }  # fmt: skip
    found.removed.update(said.values())
    return text.take_out(said)


def _kind_of(line: Line, base_url: str | None) -> str | None:
    """What Sina says in a line; a list with links, or a quotation, counts only where all its lines are Sina's."""
    if line.block.tag not in PARAGRAPHS:
        if line.block.tag != "blockquote" and not line.has_links:
            return None
        kinds = [_kind_of_text(text) for text in line.texts]
        return kinds[0] if kinds and all(kinds) else None
    if (kind := _kind_of_text(line.text)) or not line.has_links:
        return kind
    if sentences.PAGE_NUMBERS.match(line.text) and sentences.are_pages_of_one_article(line.targets, base_url):
        return "pager"
    linked = len(line.text) <= sentences.LONGEST_LINKED and "。" not in line.text and line.leads_to_sina
    if linked and sentences.UNLINKED.fullmatch(line.text_without_links):
        said = sentences.LINKED_SENTENCE.match(line.text)
        return said.lastgroup if said else None
    return None


def _kind_of_text(text: str) -> str | None:
    if sentences.may_be_sinas(text) and (said := sentences.SINA_SENTENCE.match(text)):
        return said.lastgroup
    pager = len(text) <= sentences.LONGEST_PAGER and sentences.PAGER_LETTER.search(text) and sentences.PAGER.match(text)
    return "pager" if pager else None


def invitations(text: BodyText, found: Facts) -> int:
    """长按二维码，关注… behind the last sentence of the text."""
    if "二维码" not in "".join(block.text for block in text.blocks[-10:]):
        return 0
    lines = text.lines()
    last = _last_sentence(lines)
    return text.take_out([line for line in lines[last + 1 :] if last >= 0 and sentences.INVITATION.match(line.text)])


def related_links(text: BodyText, found: Facts) -> int:
    """相关新闻： and the lines of links under it; a few lines at either end that are links to Sina's pages."""
    lines = text.lines()
    gone: dict[Line, None] = {}
    last, at = _last_sentence(lines), 0
    while at < len(lines):
        end = at + 1
        while end < len(lines) and _is_link(lines[end]):
            end += 1
        if _is_heading(lines[at], at > last) and (end > at + 1 or lines[at].leads_to_sina):
            gone.update(dict.fromkeys(lines[at:end]))
        at = end
    left = [line for line in lines if line not in gone]
    marked = takewhile(lambda line: _is_link(line) and not line.text[:1].isalnum(), left)  # 【…】, >>…: no headline
    gone.update(dict.fromkeys(_few(list(marked))))
    left.reverse()
    tail = list(takewhile(_is_link, left))
    announced = len(tail) < len(left) and left[len(tail)].text.endswith(("：", ":"))
    gone.update(dict.fromkeys(_few(tail) if len(tail) < len(left) and not announced else ()))
    return text.take_out(gone)


def _few(lines: list[Line]) -> list[Line]:
    """The lines, or none of them where they are more than Sina adds; items of lists count."""
    return lines if sum(len(line.texts) for line in lines) <= _MOST_LINKS else []


def _is_heading(line: Line, at_the_end: bool) -> bool:
    """Whether a line announces links to other articles, which may stand in the line itself."""
    title = line.text_without_links if line.has_links else line.text
    if _holds_picture(line) or len(title) > 20 or (line.has_links and not re.search(r"[：:>》】\]]\W*$", title)):
        return False
    return bool(_RELATED_HEADING.match(title)) or (at_the_end and bool(_VAGUE_HEADING.match(title)))


def _is_link(line: Line) -> bool:
    """Whether a line is no more than links to Sina's pages, such as headlines; a linked sentence is the article's."""
    linked = line.has_links and "。" not in line.text and line.leads_to_sina and line.is_only_links
    return linked and not _holds_picture(line)


def _holds_picture(line: Line) -> bool:
    """Whether a picture would go with the line."""
    return not line.parts and "img" in line.block.holds


def _last_sentence(lines: list[Line]) -> int:
    """Where the last line of the text itself stands; -1 where none looks like it."""
    said = (at for at in range(len(lines) - 1, -1, -1) if _SENTENCE.search(lines[at].text) and not _is_link(lines[at]))
    return next(said, -1)


def bylines(text: BodyText, found: Facts) -> int:
    """文/… or 作者：… as a line of its own names the author; the line stays."""
    for block in (*text.blocks[:4], *text.blocks[-3:]):
        for line in text.lines_of(block):
            if name := _BYLINE.match(line.text):
                found.author = found.author or name["name"]
    return 0


def media(text: BodyText, found: Facts) -> int:
    """来源：… as a line of its own at either end names the medium; the line stays."""
    blocks = text.blocks
    for at in sorted({*range(len(blocks))[:3], *range(len(blocks))[-3:]}):
        below_figures = at > 0 and blocks[at - 1].tag in ("table", "figure")
        if "来源" in blocks[at].text and not below_figures:
            named = (medium_in(line.text) for line in text.lines_of(blocks[at]))
            found.media = next(filter(None, named), None) or found.media
    return 0


TEXT_RULES: tuple[Callable[[BodyText, Facts], int], ...] = (
    editors,
    sina_sentences,
    original_title,
    invitations,
    related_links,
    bylines,
    media,
)
