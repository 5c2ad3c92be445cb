"""Rules on the body as it came. Each returns how often it removed or changed something."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from sinanews.cleaning.tree import HtmlElement, classes, drop, elements, text_of, text_without_links, unwrap
from sinanews.urls import absolute_url


@dataclass
class Found:
    """What rules learn on their way."""

    base_url: str | None = None
    stocks: list[str] = field(default_factory=list)
    editor: str | None = None
    original_title: str | None = None
    author: str | None = None
    poster: str | None = None
    removed: Counter[str] = field(default_factory=Counter)

    def add_stocks(self, codes: Iterable[str]) -> None:
        """Codes as Sina writes them; a Hong Kong code gets the ``hk`` that Sina's quotes have."""
        for code in codes:
            if _STOCK_CODE.fullmatch(code.strip()):
                self.stocks.append(re.sub(r"^(?=\d{5}$)", "hk", code.strip()))

    def add_poster(self, url: str | None) -> None:
        self.poster = self.poster or absolute_url(self.base_url, url or "")


#: What an element is -> the classes and ids that say so. Nothing in such an element is the article's text.
CLUTTER = {
    "editor": "article-editor show_author art_edit",
    "player": "artical-player-wrap video-2017 Video_Cont videoList0 a-p-hd a-p-bd J_Article_Player vd_videobox "
    "art_video video_box sina-video videoPlayer",
    "app_qr": "appendQr_wrap app-kaihu-qr app-qr ecode_weixin blk-wxfollow wx-qr weixin_code finance_app_zqtg "
    "xb_new_finance_app new_finance_app qrcode wx_pic appQr appendQr finance_app_tg",
    "quotes_chart": "ct_hqimg hqimg_related hqimg_wrapper hq_img hqChart hq_chart",
    "advertisement": "left_hzh_ad sinaads ad top-ad adNone article_adlist PublicRelation1 PublicRelation2 goods-card "
    "otherContent_01 innerad",
    "promotion": "tech-quotation quotation-wrap jqlblock_cls tianyi article-bottom-tg art_tg",
    "disclaimer": "article-notice article_notice sina-declare art_notice",
    "related": "blk-related artical_related corrTxt_01 article-bottom wap_special moreNews art_related related_news "
    "blkContentBtmSearch art_keywords keywords",
    "comments": "blk-comment blkComment sina-comment-wrap weibo-2017 weibo_info share-more-list page-tools SinaVote",
}
_KIND_OF = {name: kind for kind, names in CLUTTER.items() for name in names.split()}
#: Elements that run, embed or ask for something.
NOT_TEXT = frozenset(
    "script style noscript iframe object embed form input button select textarea link meta svg math template "
    "applet param canvas map ins frame title video audio".split()
)
_STOCK_CODE = re.compile(r"(?:sh|sz|bj)\d{6}|(?:hk)?\d{5}|\.?[A-Z][A-Z0-9._]{0,7}")
_STOCK_ID = re.compile(r"\w*stock_(?P<code>.+)")
_STOCK_HREF = re.compile(r"/(?:realstock/company|(?:us|hk)stock/quotes)/(?P<code>[\w.]+?)(?:/|\.html|$)")
_QUOTE_WORDS = re.compile(r"\W*(?:(?:个股|实时|最新)?(?:资讯|行情|论坛|评论|股吧|走势|报价)\W*)+")
_EMPTY_BRACKETS = re.compile(r"[(（\[]\s*(?:[,，、|]\s*)*[)）\]]")
_NO_PICTURE = re.compile(
    r"/(?:c|space|blank|spacer|line|dot|px)\.gif$|343233024\.png|weixin_apple|//ad\d*\.sina|allyes\.com"
    r"|sinajs\.cn/newchart|/entphone\.gif$"
)
_LAZY = ("data-src", "data-original", "original", "real_src", "data-lazyload")
_BLANK = " \t\r\n\xa0\u3000"


def clutter(root: HtmlElement, found: Found) -> int:
    """What Sina's templates put into a body, known by tag, class or id; editor and poster are noted first."""
    removed = 0
    for element in elements(root):
        kind = _kind_of(element)
        if kind is None or element.getparent() is None:
            continue
        if kind == "editor":
            found.editor = editor_in(text_of(element)) or found.editor
        elif kind in ("player", "video"):
            found.add_poster(element.get("poster"))
            for picture in element.iter("img", "video"):
                found.add_poster(picture.get("src") if picture.tag == "img" else picture.get("poster"))
        found.removed[kind] += 1
        removed += _drop_joining(element)
    return removed


def _kind_of(element: HtmlElement) -> str | None:
    if element.tag in NOT_TEXT:
        return str(element.tag)
    name = element.get("id", "")
    if name.startswith("quote_"):  # live prices, filled in by a script
        return "quote"
    return next((kind for each in (*classes(element), name) if (kind := _KIND_OF.get(each))), None)


def _drop_joining(element: HtmlElement) -> bool:
    """Drop an element; a sentence that it cut in two is whole again."""
    before, tail = element.getprevious(), element.tail or ""
    cuts = before is not None and before.tag == "p" and not (before.tail or "").strip(_BLANK)
    if cuts and tail.strip(_BLANK) and tail[:1] != "\u3000" and unfinished(text_of(before)):
        element.tail = None
        _add_text(before, tail.lstrip(_BLANK))
    return drop(element)


def _add_text(element: HtmlElement, text: str) -> None:
    if len(element):
        element[-1].tail = (element[-1].tail or "").rstrip(_BLANK) + text
    else:
        element.text = (element.text or "").rstrip(_BLANK) + text


def unfinished(text: str) -> bool:
    """Whether a paragraph breaks off in the middle of a sentence."""
    return len(text) > 8 and not re.search(r"[。！？…!?”」』）)：:；;.]$", text)


def after_the_end(root: HtmlElement, found: Found) -> int:
    """Pages of 2009-13 mark the end of the text; paragraphs behind it are promotion, centred pictures are not."""
    marks = [mark for mark in elements(root, "del") if "sina-end" in classes(mark)]
    if not marks:
        return 0
    removed = 0
    for element in list(marks[-1].itersiblings()):
        found.editor = found.editor or editor_in(text_of(element))
        element.tail = None
        if element.tag not in ("center", "table") and "img_wrapper" not in classes(element):
            removed += drop(element)
    marks[-1].tail = None
    return removed


def cut_sentences(root: HtmlElement, found: Found) -> int:
    """A paragraph that ends in the middle of a sentence, where an advertisement stood, goes on in the next."""
    joined = 0
    for mark in [mark for mark in elements(root, "del") if "sina-cut" in classes(mark)]:
        first = next(mark.iterancestors("p"), None)
        second = first.getnext() if first is not None else None
        if (
            first is not None and second is not None and second.tag == "p"
            and not (mark.tail or "").strip(_BLANK) and unfinished(text_of(first)) and text_of(second)
        ):  # fmt: skip
            _add_text(first, (second.text or "").lstrip(_BLANK))
            first.extend(list(second))
            second.text = None
            joined += drop(second)
        drop(mark)
    return joined


def floating_tables(root: HtmlElement, found: Found) -> int:
    """Before 2009 advertisements stand in tables beside the text: links with a heading, or nothing that is left."""
    removed = 0
    for table in elements(root, "table"):
        text, pictures = text_of(table), [image for image in table.iter("img") if not _is_no_picture(image)]
        beside = table.get("align", "").lower() in ("left", "right")
        mostly_links = len(text_without_links(table)) < 20 and next(table.iter("a"), None) is not None
        if not pictures and (not text or (beside and mostly_links)):
            removed += _drop_joining(table)
    return removed


def stock_links(root: HtmlElement, found: Found) -> int:
    """Sina links companies to their quotes: the word stays, the code is noted."""
    changed = 0
    for element in elements(root, "span", "a"):
        if element.tag == "span" and (name := _STOCK_ID.fullmatch(element.get("id", ""))):
            found.add_stocks([name["code"]])
        elif element.tag == "a" and (link := _STOCK_HREF.search(element.get("href", ""))):
            found.add_stocks([link["code"]])
            if not _QUOTE_WORDS.fullmatch(text_of(element)):
                unwrap(element)
                changed += 1
    return changed


def added_links(root: HtmlElement, found: Found) -> int:
    """(资讯 行情 论坛) and [微博] behind a name: links that Sina added to the text."""
    removed = 0
    for link in elements(root, "a"):
        text, parent, before = text_of(link), link.getparent(), link.getprevious()
        lead = (before.tail if before is not None else parent.text) or ""
        about = f"{link.get('href', '')} {link.get('class', '')}"
        is_weibo = re.fullmatch(r"\W*微博\W*", text) and re.search(r"weibo\.com|t\.sina|wt_article", about)
        if is_weibo or (_QUOTE_WORDS.fullmatch(text) and not lead.endswith("【")):  # 【评论】 is a tool of the page
            removed += drop(link)
            for part in (parent, *parent) if parent is not None else ():
                for name in ("text", "tail") if part is not parent else ("text",):
                    setattr(part, name, _EMPTY_BRACKETS.sub("", getattr(part, name) or "") or None)
    return removed


def bold_fonts(root: HtmlElement, found: Found) -> int:
    """``<font cms-style="strong-Bold">`` is bold, once; other fonts and spans are looks."""
    changed = 0
    for element in elements(root, "font", "span"):
        style = f"{element.get('cms-style', '')} {element.get('style', '')}".lower().replace(" ", "")
        if "strong-bold" in style or re.search(r"font-weight:(?:bold|[6-9]00)", style):
            element.tag = "strong"
            changed += 1
    for element in elements(root, "strong", "b"):
        if any(outer.tag in ("strong", "b") for outer in element.iterancestors()):
            unwrap(element)
    return changed


def images(root: HtmlElement, found: Found) -> int:
    """Pictures: lazy ones loaded, absolute https, no referrer; spacers, codes and data: URIs go."""
    removed = 0
    for image in elements(root, "img"):
        lazy = next((value for name in _LAZY if (value := image.get(name))), None)
        source = absolute_url(found.base_url, lazy or image.get("src") or "")
        if source is None or _is_no_picture(image):
            removed += drop(image)
            continue
        kept = {name: value for name in ("alt", "title", "width", "height") if (value := image.get(name, "").strip())}
        image.attrib.clear()
        image.attrib.update({"src": source, **kept, "referrerpolicy": "no-referrer"})
    return removed


def _is_no_picture(image: HtmlElement) -> bool:
    tiny = any(re.fullmatch(r"[0-5](?:px)?", image.get(side, "").strip()) for side in ("width", "height"))
    return tiny or _NO_PICTURE.search(image.get("src", "")) is not None


def links(root: HtmlElement, found: Found) -> int:
    """Links: absolute https; anchors, scripts, weibo cards and links in links become words."""
    changed = 0
    for link in elements(root, "a"):
        target = link.get("href", "").strip()
        href = None if target.startswith("#") else absolute_url(found.base_url, target)
        if href is None or "wt_article_link" in classes(link) or next(link.iterdescendants("a"), None) is not None:
            unwrap(link)
            changed += 1
        else:
            link.attrib.clear()
            link.set("href", href)
    return changed


def captions(root: HtmlElement, found: Found) -> int:
    """A picture and the words under it become a figure with its caption."""
    changed = 0
    for wrapper in elements(root, "div", "center", "figure", "table"):
        pictures, words = list(wrapper.iter("img")), text_of(wrapper)
        if not pictures or len(words) > 200 or wrapper.getparent() is None:
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
    for child in list(wrapper):
        wrapper.remove(child)
    wrapper.tag, wrapper.text = "figure", None
    wrapper.attrib.clear()
    for picture in pictures:
        picture.tail = None
        wrapper.append(picture)
    if words:
        caption = wrapper.makeelement("figcaption")
        caption.text = words
        wrapper.append(caption)


def editor_in(text: str) -> str | None:
    """The name behind 责任编辑, without the staff code.

    >>> editor_in("责任编辑：某某 SF014")
    '某某'
    """
    found = re.search(r"责任编辑\s*[：:]\s*([^()（）\[\]【】]{1,40})", text)
    name = re.sub(r"\s*\b[A-Z]{1,4}\d{2,6}\s*$", "", found[1].strip(_BLANK)) if found else ""
    return name.strip(_BLANK + ",，;；。") or None


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
