"""Rules on the body as it came. Each returns how often it removed or changed something."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from sinanews.cleaning.captions import captions
from sinanews.cleaning.clutter import (
    after_the_end,
    clutter,
    cut_sentences,
    floating_tables,
    picture_of,
)
from sinanews.cleaning.facts import Facts
from sinanews.cleaning.tree import Node, beside, drop, elements, move_into, text_of, unwrap, words_of

_STOCK_ID = re.compile(r"\w*stock_(?P<code>.+)")
_STOCK_HREF = re.compile(r"/(?:realstock/company|(?P<market>us|hk)stock/quotes)/(?P<code>[\w.]+?)(?:/|\.html|$)")
_QUOTE_WORDS = re.compile(r"\W*(?:(?:个股|实时|最新)?(?:资讯|行情|论坛|评论|股吧|走势|报价)\W*)+")
_WEIBO = re.compile(r"\W*微博\W*")
_OWN_BRACKETS = re.compile(r"[(（\[][^()（）\[\]]*[)）\]]")
_OPENED = re.compile(r"(?P<code>[(（\[【]\s*[A-Za-z0-9.]{4,10}(?=\s*[,，、|\s]))?(?(code)|[(（\[【])[\s,，、|]*$")
_BETWEEN = re.compile(r"[\s,，、|]*")
_CLOSED = re.compile(r"[\s,，、|]*[)）\]】]")
#: Words beside 微博 of which it is part: an item of a list, or where somebody said something.
_SAID_BEFORE = re.compile(r"(?:[、，,和及与或在其的从]|通过|官方|个人)\s*$")
_SAID_AFTER = re.compile(r"\s*(?:[、，,和及与或上中里]|账号|平台|用户|粉丝|热搜|客户端)")


def stock_links(root: Node, found: Facts) -> int:
    """Sina links companies to their quotes: the word stays, the code is noted."""
    linked = []
    for span in root.css("span"):
        if name := _STOCK_ID.fullmatch(span.attrs.sget("id")):
            found.add_stocks([name["code"]])
    for element in root.css("a"):
        if link := _STOCK_HREF.search(element.attrs.sget("href")):
            if not (element.parent and _STOCK_ID.fullmatch(element.parent.attrs.sget("id"))):  # no span has told it
                found.add_stocks([link["code"] if link["market"] != "hk" else f"hk{link['code']}"])
            if not _QUOTE_WORDS.fullmatch(text_of(element)):
                linked.append(element)
    return unwrap(linked)


def added_links(root: Node, found: Facts) -> int:
    """(资讯 行情 论坛) and [微博] behind a name: links that Sina added to the text, with their brackets."""
    parents: dict[Node, set[Node]] = {}
    for link in root.css("a"):
        if _may_be_added(link):
            alone = _alone_in(link)
            if alone.parent is not None:
                parents.setdefault(alone.parent, set()).add(alone)
    runs = [run for parent, links in parents.items() for run in _runs(parent, links)]
    return sum(map(_drop_added, runs))


def _may_be_added(link: Node) -> bool:
    text, about = text_of(link), f"{link.attrs.sget('href')} {link.attrs.sget('class')}"
    if _WEIBO.fullmatch(text):
        return re.search(r"weibo\.com|t\.sina|wt_article", about) is not None
    return _QUOTE_WORDS.fullmatch(text) is not None


def _alone_in(link: Node) -> Node:
    """The outermost element that holds nothing but the link."""
    outer = link.parent
    while (
        outer is not None and outer.tag in ("span", "font", "b", "strong")
        and beside(link, "prev") is None and beside(link, "next") is None
    ):  # fmt: skip
        link, outer = outer, outer.parent
    return link


def _runs(parent: Node, links: set[Node]) -> Iterator[list[Node]]:
    """Links beside each other, with no more than commas between them, which are part of the run."""
    run: list[Node] = []
    between: list[Node] = []
    for node in parent.iter(include_text=True):
        if node in links:
            run += [*between, node]
            between = []
        elif run and _separates(node):
            yield run
            run, between = [], []
        elif run:
            between.append(node)
    if run:
        yield run


def _separates(node: Node) -> bool:
    if node.is_text_node:
        return not _BETWEEN.fullmatch(words_of(node))
    return node.first_child is not None or node.tag in ("br", "img")


def _drop_added(run: list[Node]) -> int:
    """Drop the links of a run that go: those in brackets, which go too, and a 微博 of Sina's own class. How many."""
    links = [node for node in run if node.is_element_node]
    if len(links) > 1 and _OWN_BRACKETS.fullmatch("".join(map(text_of, links))):  # (资讯 in one link, 论坛) in another
        drop(run)
        return len(links)
    before, behind = run[0].prev, run[-1].next
    lead, tail = words_of(before), words_of(behind)
    opened, closed = _OPENED.search(lead[-20:]), _CLOSED.match(tail[:20])
    is_tool = lead.rstrip().endswith("【") and len(links) == 1  # 【评论】 is a tool of the page
    if before and behind and opened and closed and not is_tool:
        code = opened["code"] or ""
        start = len(lead) - len(lead[-20:]) + opened.start()
        before.replace_with(lead[:start] + code)
        behind.replace_with(tail[closed.end() - bool(code) :])
        drop(run)
        return len(links)
    return drop([link for link in links if _stands_apart(link, lead, tail)])


def _stands_apart(link: Node, lead: str, tail: str) -> bool:
    """Whether a link goes for what it is: in brackets of its own, or a 微博 of Sina's class that is no word of text."""
    if _OWN_BRACKETS.fullmatch(text_of(link)):
        return True
    own = any("wt_article_link" in inner.attrs.sget("class").split() for inner in link.css("a"))
    return own and not (_SAID_BEFORE.search(lead[-5:]) or _SAID_AFTER.match(tail[:5]))


def bold_fonts(root: Node, found: Facts) -> int:
    """``<font cms-style="strong-Bold">`` is bold, once; other fonts and spans are looks."""
    changed = 0
    for element in root.css("font[cms-style],font[style],span[cms-style],span[style]"):
        style = f"{element.attrs.sget('cms-style')} {element.attrs.sget('style')}".lower().replace(" ", "")
        if "strong-bold" in style or re.search(r"font-weight:(?:bold|[6-9]00)", style):
            _rename(element, "strong")
            changed += 1
    unwrap(root.css("strong strong, strong b, b strong, b b"))
    return changed


def _rename(element: Node, tag: str) -> None:
    renamed = element.parser.create_node(tag)
    move_into(renamed, list(element.iter(include_text=True)))
    element.replace_with(renamed, move=True)


def images(root: Node, found: Facts) -> int:
    """Pictures: lazy ones loaded, absolute https, no referrer; spacers, codes and data: URIs go."""
    gone = []
    for image in root.css("img"):
        said = image.attributes
        source = found.address(picture_of(said) or "")
        if source is None:
            gone.append(image)
            continue
        kept = {
            name: value for name in ("alt", "title", "width", "height") if (value := (said.get(name) or "").strip())
        }
        _set_attributes(image, {"src": source, **kept, "referrerpolicy": "no-referrer"})
    return drop(gone)


def links(root: Node, found: Facts) -> int:
    """Links: absolute https; anchors, scripts, weibo cards and links in links become words."""
    words = []
    for link in root.css("a"):
        target = link.attrs.sget("href").strip()
        href = None if target.startswith("#") else found.address(target)
        if href is None or "wt_article_link" in link.attrs.sget("class").split() or _holds_link(link):
            words.append(link)
        else:
            _set_attributes(link, {"href": href})
    return unwrap(words)


def _holds_link(element: Node) -> bool:
    return any(inner.tag == "a" for inner in elements(element))


def _set_attributes(element: Node, values: dict[str, str]) -> None:
    """Give an element these attributes, and no other."""
    attributes = element.attrs
    for name in element.attributes:
        del attributes[name]
    for name, value in values.items():
        attributes[name] = value


HTML_RULES: tuple[Callable[[Node, Facts], int], ...] = (
    after_the_end,
    clutter,
    floating_tables,
    cut_sentences,
    stock_links,
    added_links,
    bold_fonts,
    images,
    links,
    captions,
)
#: For pages of any site: addresses made absolute, no more.
NEUTRAL_RULES = (images, links)
