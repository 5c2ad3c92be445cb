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
    is_no_picture,
    source_of,
)
from sinanews.cleaning.facts import Facts
from sinanews.cleaning.tree import HtmlElement, classes, elements, strip, text_of

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


def stock_links(root: HtmlElement, found: Facts) -> int:
    """Sina links companies to their quotes: the word stays, the code is noted."""
    linked = []
    for span in elements(root, "span"):
        if name := _STOCK_ID.fullmatch(span.get("id", "")):
            found.add_stocks([name["code"]])
    for element in elements(root, "a"):
        if link := _STOCK_HREF.search(element.get("href", "")):
            if not _STOCK_ID.fullmatch(element.getparent().get("id", "")):  # no span has told its code
                found.add_stocks([link["code"] if link["market"] != "hk" else f"hk{link['code']}"])
            if not _QUOTE_WORDS.fullmatch(text_of(element)):
                linked.append(element)
    return strip(root, linked)


def added_links(root: HtmlElement, found: Facts) -> int:
    """(资讯 行情 论坛) and [微博] behind a name: links that Sina added to the text, with their brackets."""
    parents: dict[HtmlElement, set[HtmlElement]] = {}
    for link in elements(root, "a"):
        if _may_be_added(link):
            alone = _alone_in(link)
            parents.setdefault(alone.getparent(), set()).add(alone)
    gone = [link for parent, links in parents.items() for run in _runs(parent, links) for link in _added(parent, run)]
    return strip(root, dropped=gone)


def _may_be_added(link: HtmlElement) -> bool:
    text, about = text_of(link), f"{link.get('href', '')} {link.get('class', '')}"
    if _WEIBO.fullmatch(text):
        return re.search(r"weibo\.com|t\.sina|wt_article", about) is not None
    return _QUOTE_WORDS.fullmatch(text) is not None


def _alone_in(link: HtmlElement) -> HtmlElement:
    """The outermost element that holds nothing but the link."""
    outer = link.getparent()
    while (
        outer.tag in ("span", "font", "b", "strong") and len(outer) == 1 and not (outer.text or link.tail or "").strip()
    ):
        link, outer = outer, outer.getparent()
    return link


def _runs(parent: HtmlElement, links: set[HtmlElement]) -> Iterator[list[HtmlElement]]:
    """Links beside each other, with no more than commas between them."""
    run: list[HtmlElement] = []
    for child in parent:
        if child not in links:
            if run and (len(child) or child.text or child.tag in ("br", "img")):
                yield run
                run = []
            continue
        if run and not _BETWEEN.fullmatch(run[-1].tail or ""):
            yield run
            run = []
        run.append(child)
    if run:
        yield run


def _added(parent: HtmlElement, run: list[HtmlElement]) -> list[HtmlElement]:
    """The links of a run that go: those in brackets, which go too, and a 微博 of Sina's own class."""
    before = run[0].getprevious()
    owner, name = (before, "tail") if before is not None else (parent, "text")
    lead, tail = getattr(owner, name) or "", run[-1].tail or ""
    if len(run) > 1 and _OWN_BRACKETS.fullmatch("".join(map(text_of, run))):  # (资讯 in one link, 论坛) in another
        for link in run[:-1]:
            link.tail = None
        return run
    opened, closed = _OPENED.search(lead[-20:]), _CLOSED.match(tail[:20])
    if opened and closed and not (lead.rstrip().endswith("【") and len(run) == 1):  # 【评论】 is a tool of the page
        code = opened["code"] or ""
        start = len(lead) - len(lead[-20:]) + opened.start()
        setattr(owner, name, lead[:start] + code)
        for link in run:
            link.tail = None
        run[-1].tail = tail[closed.end() - bool(code) :]
        return run
    return [link for link in run if _stands_apart(link, lead, tail)]


def _stands_apart(link: HtmlElement, lead: str, tail: str) -> bool:
    """Whether a link goes for what it is: in brackets of its own, or a 微博 of Sina's class that is no word of text."""
    if _OWN_BRACKETS.fullmatch(text_of(link)):
        return True
    own = any("wt_article_link" in classes(inner) for inner in link.iter("a"))
    return own and not (_SAID_BEFORE.search(lead[-5:]) or _SAID_AFTER.match(tail[:5]))


def bold_fonts(root: HtmlElement, found: Facts) -> int:
    """``<font cms-style="strong-Bold">`` is bold, once; other fonts and spans are looks."""
    changed = 0
    for element in elements(root, "font", "span"):
        style = f"{element.get('cms-style', '')} {element.get('style', '')}".lower().replace(" ", "")
        if "strong-bold" in style or re.search(r"font-weight:(?:bold|[6-9]00)", style):
            element.tag = "strong"
            changed += 1
    bold = elements(root, "strong", "b")
    strip(root, [inner for inner in bold if any(outer.tag in ("strong", "b") for outer in inner.iterancestors())])
    return changed


def images(root: HtmlElement, found: Facts) -> int:
    """Pictures: lazy ones loaded, absolute https, no referrer; spacers, codes and data: URIs go."""
    gone = []
    for image in elements(root, "img"):
        address = source_of(image)
        source = found.address(address)
        if source is None or is_no_picture(image, address):
            gone.append(image)
            continue
        kept = {name: value for name in ("alt", "title", "width", "height") if (value := image.get(name, "").strip())}
        image.attrib.clear()
        image.attrib.update({"src": source, **kept, "referrerpolicy": "no-referrer"})
    return strip(root, dropped=gone)


def links(root: HtmlElement, found: Facts) -> int:
    """Links: absolute https; anchors, scripts, weibo cards and links in links become words."""
    words = []
    for link in elements(root, "a"):
        target = link.get("href", "").strip()
        href = None if target.startswith("#") else found.address(target)
        if href is None or "wt_article_link" in classes(link) or next(link.iterdescendants("a"), None) is not None:
            words.append(link)
        else:
            link.attrib.clear()
            link.set("href", href)
    return strip(root, words)


HTML_RULES: tuple[Callable[[HtmlElement, Facts], int], ...] = (
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
