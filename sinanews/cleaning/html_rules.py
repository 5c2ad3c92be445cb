"""Rules on the body as it came. Each returns how often it removed or changed something."""

from __future__ import annotations

import re
from collections.abc import Callable

from sinanews.cleaning.clutter import (
    after_the_end,
    clutter,
    cut_sentences,
    floating_tables,
    is_no_picture,
    source_of,
)
from sinanews.cleaning.found import Found
from sinanews.cleaning.tree import HtmlElement, classes, elements, strip, text_of

_STOCK_ID = re.compile(r"\w*stock_(?P<code>.+)")
_STOCK_HREF = re.compile(r"/(?:realstock/company|(?P<market>us|hk)stock/quotes)/(?P<code>[\w.]+?)(?:/|\.html|$)")
_QUOTE_WORDS = re.compile(r"\W*(?:(?:个股|实时|最新)?(?:资讯|行情|论坛|评论|股吧|走势|报价)\W*)+")
_MOST_PICTURES = 20  #: with one caption
_EMPTY_BRACKETS = re.compile(r"[(（\[]\s*(?:[,，、|]\s*)*[)）\]]")


def stock_links(root: HtmlElement, found: Found) -> int:
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


def added_links(root: HtmlElement, found: Found) -> int:
    """(资讯 行情 论坛) and [微博] behind a name: links that Sina added to the text."""
    gone, parents = [], {}
    for link in elements(root, "a"):
        text, parent, before = text_of(link), link.getparent(), link.getprevious()
        lead = (before.tail if before is not None else parent.text) or ""
        about = f"{link.get('href', '')} {link.get('class', '')}"
        is_weibo = re.fullmatch(r"\W*微博\W*", text) and re.search(r"weibo\.com|t\.sina|wt_article", about)
        if is_weibo or (_QUOTE_WORDS.fullmatch(text) and not lead.endswith("【")):  # 【评论】 is a tool of the page
            gone.append(link)
            parents[parent] = True
    removed = strip(root, dropped=gone)
    for parent in parents:
        parent.text = _EMPTY_BRACKETS.sub("", parent.text or "") or None
        for part in parent:
            part.tail = _EMPTY_BRACKETS.sub("", part.tail or "") or None
    return removed


def bold_fonts(root: HtmlElement, found: Found) -> int:
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


def images(root: HtmlElement, found: Found) -> int:
    """Pictures: lazy ones loaded, absolute https, no referrer; spacers, codes and data: URIs go."""
    gone = []
    for image in elements(root, "img"):
        source = found.address(source_of(image))
        if source is None or is_no_picture(image):
            gone.append(image)
            continue
        kept = {name: value for name in ("alt", "title", "width", "height") if (value := image.get(name, "").strip())}
        image.attrib.clear()
        image.attrib.update({"src": source, **kept, "referrerpolicy": "no-referrer"})
    return strip(root, dropped=gone)


def links(root: HtmlElement, found: Found) -> int:
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


def captions(root: HtmlElement, found: Found) -> int:
    """A picture and the words under it become a figure with its caption."""
    changed = 0
    for wrapper in elements(root, "div", "center", "figure", "table"):
        pictures, words = list(wrapper.iter("img")), text_of(wrapper)
        if not 0 < len(pictures) <= _MOST_PICTURES or len(words) > 200 or wrapper.getparent() is None:
            continue
        if any(inner.tag in ("p", "table", "figure", "center") for inner in wrapper.iterdescendants()):
            continue
        if wrapper.tag == "div" and "img_wrapper" not in classes(wrapper) and words:
            continue
        if wrapper.tag == "table" and (len(pictures) > 1 or len(list(wrapper.iter("td"))) > 4):
            continue
        _make_figure(wrapper, pictures, words)
        changed += 1
    return changed


def _make_figure(wrapper: HtmlElement, pictures: list[HtmlElement], words: str) -> None:
    wrapper.clear(keep_tail=True)
    wrapper.tag = "figure"
    for picture in pictures:
        picture.tail = None
        wrapper.append(picture)
    if words:
        caption = wrapper.makeelement("figcaption")
        caption.text = words
        wrapper.append(caption)


HTML_RULES: tuple[Callable[[HtmlElement, Found], int], ...] = (
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
