"""Rules on what does not belong to an article: what templates, advertisers and editors' tools put into a body."""

from __future__ import annotations

import re

from sinanews.cleaning.facts import Facts, editor_in
from sinanews.cleaning.tree import HtmlElement, classes, drop, elements, last_words, strip, text_of, text_without_links

#: What an element is -> the classes and ids that say so. Nothing in such an element is the article's text.
CLUTTER = {
    "editor": "article-editor show_author art_edit",
    "player": "artical-player-wrap video-2017 Video_Cont videoList0 a-p-hd a-p-bd J_Article_Player vd_videobox "
    "art_video video_box sina-video videoPlayer",
    "app_qr": "appendQr_wrap app-kaihu-qr app-qr ecode_weixin blk-wxfollow wx-qr weixin_code finance_app_zqtg "
    "xb_new_finance_app new_finance_app qrcode wx_pic appQr appendQr finance_app_tg",
    "quotes_chart": "ct_hqimg hqimg_related hqimg_wrapper hq_img hqChart hq_chart",
    "advertisement": "left_hzh_ad sinaads ad top-ad adNone article_adlist PublicRelation1 PublicRelation2 goods-card "
    "otherContent_01 innerad adsbygoogle",
    "promotion": "tech-quotation quotation-wrap jqlblock_cls tianyi article-bottom-tg art_tg",
    "disclaimer": "article-notice article_notice sina-declare art_notice",
    "related": "blk-related artical_related corrTxt_01 article-bottom wap_special moreNews art_related related_news "
    "blkContentBtmSearch art_keywords keywords",
    "comments": "blk-comment blkComment sina-comment-wrap weibo-2017 weibo_info share-more-list page-tools SinaVote",
}
_KIND_OF = {name: kind for kind, names in CLUTTER.items() for name in names.split()}
#: Elements that run, embed or ask for something.
NOT_TEXT = frozenset(
    "script style noscript iframe object embed input button select textarea link meta svg math template "
    "applet param canvas map frame title video audio".split()
)
_NO_PICTURE = re.compile(
    r"^data:|/(?:c|space|blank|spacer|line|dot|px|transparent|1x1)\.(?:gif|png)(?=$|[?#])|343233024\.png|weixin_apple|//ad\d*\.sina|allyes\.com"
    r"|sinajs\.cn/newchart|/entphone\.gif$"
)
#: Where a picture has its address; all but the last are of pictures that are loaded late.
_ADDRESSES = tuple(
    "data-src data-original original real_src data-lazyload big-src data-big-src lazy-src data-lazy-src src".split()
)
_TINY = re.compile(r"\s*[0-5](?:px)?\s*")
_MUCH_TEXT = 500  #: characters outside links; Sina's own boxes have fewer, unless somebody forgot to close one
_OF_READERS = frozenset({"comments"})
_LONGEST_PRICES, _LONGEST_HEADING = 60, 20
_MOST_CUTS = 100  #: places where a cut sentence is made whole again; pages have one or two
_BLANK = " \t\r\n\xa0\u3000"


def clutter(root: HtmlElement, found: Facts) -> int:
    """What Sina's templates put into a body, known by tag, class or id; editor and poster are noted first."""
    removed, gone = 0, []
    for element in elements(root):
        kind = _kind_of(element)
        if kind is None or element.getparent() is None or (kind not in _OF_READERS and holds_the_text(element, root)):
            continue
        if kind == "editor":
            found.editor = editor_in(text_of(element)) or found.editor
        elif kind in ("player", "video"):
            found.add_poster(element.get("poster"))
            for picture in element.iter("img", "video"):
                found.add_poster(picture.get("src") if picture.tag == "img" else picture.get("poster"))
        found.removed[kind] += 1
        if removed < _MOST_CUTS:
            removed += _drop_joining(element)
        else:
            gone.append(element)
    return removed + strip(root, dropped=gone)


def _kind_of(element: HtmlElement) -> str | None:
    if element.tag in NOT_TEXT:
        return str(element.tag)
    if element.tag == "form" and element.find(".//p") is None and element.find(".//input[@type='radio']") is not None:
        return "poll"
    name, names = element.get("id", ""), element.get("class", "")
    if not name and not names:
        return None
    if name.startswith("quote_") and element.tag == "span" and len(text_of(element)) <= _LONGEST_PRICES:
        return "quote"  # live prices, filled in by a script
    if "fin_reference" in names and _only_refers(element):
        return "related"
    return next((_KIND_OF[each] for each in (*names.split(), name) if each in _KIND_OF), None)


def _only_refers(box: HtmlElement) -> bool:
    """Whether an editor's box holds no more than links to other articles, under a heading."""
    links = list(box.iter("a"))
    to_sina = all(re.search(r"//[\w.-]*\bsina\b", link.get("href", "")) for link in links)
    return bool(links) and to_sina and len(text_without_links(box)) <= _LONGEST_HEADING


def holds_the_text(element: HtmlElement, root: HtmlElement) -> bool:
    """Whether what is called clutter holds most of the article: its end is missing, or it is misnamed."""
    if len(text_of(element)) < _MUCH_TEXT:
        return False
    words = len(text_without_links(element))
    return words >= _MUCH_TEXT and 2 * words > len(text_of(root))


def _drop_joining(element: HtmlElement) -> bool:
    """Drop an element; a sentence that it cut in two is whole again."""
    before, tail = element.getprevious(), element.tail or ""
    cuts = before is not None and before.tag == "p" and not (before.tail or "").strip(_BLANK)
    if cuts and tail.strip(_BLANK) and tail[:1] != "\u3000" and unfinished(last_words(before)):
        element.tail = None
        _add_text(before, tail.lstrip(_BLANK))
    return drop(element)


def _add_text(element: HtmlElement, text: str) -> None:
    if len(element):
        element[-1].tail = (element[-1].tail or "").rstrip(_BLANK) + text
    else:
        element.text = (element.text or "").rstrip(_BLANK) + text


def unfinished(text: str) -> bool:
    """Whether a paragraph that ends so breaks off in the middle of a sentence."""
    text = text.strip(_BLANK)
    return len(text) > 8 and not re.search(r"[。！？…!?”」』）)：:；;.]$", text)


def after_the_end(root: HtmlElement, found: Facts) -> int:
    """Pages of 2009-13 mark the end of the text; paragraphs behind it are promotion, centred pictures are not."""
    marks = [mark for mark in elements(root, "del") if "sina-end" in classes(mark)]
    if not marks:
        return 0
    behind = list(marks[-1].itersiblings())
    words = sum(len(text_without_links(element)) + len((element.tail or "").strip()) for element in behind)
    if words >= _MUCH_TEXT and 2 * words > len(text_of(root)):
        return 0  # another page follows, or somebody set the mark too early
    removed = 0
    for element in behind:
        found.editor = found.editor or editor_in(text_of(element))
        element.tail = None
        if element.tag not in ("center", "table") and "img_wrapper" not in classes(element):
            removed += drop(element)
    marks[-1].tail = None
    return removed


def cut_sentences(root: HtmlElement, found: Facts) -> int:
    """A paragraph that ends in the middle of a sentence, where an advertisement stood, goes on in the next."""
    joined = 0
    marks = [mark for mark in elements(root, "del") if "sina-cut" in classes(mark)]
    for mark in marks[:_MOST_CUTS]:
        inside = next(mark.iterancestors("p"), None)
        first, second = (inside, inside.getnext()) if inside is not None else (mark.getprevious(), mark.getnext())
        if (
            first is not None and second is not None and first.tag == second.tag == "p"
            and not (mark.tail or "").strip(_BLANK) and unfinished(last_words(first)) and text_of(second)
        ):  # fmt: skip
            _add_text(first, (second.text or "").lstrip(_BLANK))
            first.extend(list(second))
            second.text = None
            joined += drop(second)
        drop(mark)
    strip(root, dropped=marks[_MOST_CUTS:])
    return joined


def floating_tables(root: HtmlElement, found: Facts) -> int:
    """Before 2009 advertisements stand in tables beside the text: links with a heading, or nothing that is left."""
    removed, gone = 0, []
    for table in elements(root, "table"):
        text, pictures = text_of(table), [image for image in table.iter("img") if not is_no_picture(image)]
        beside = table.get("align", "").lower() in ("left", "right")
        mostly_links = len(text_without_links(table)) < 20 and next(table.iter("a"), None) is not None
        if not pictures and (not text or (beside and mostly_links)):
            if removed < _MOST_CUTS:
                removed += _drop_joining(table)
            else:
                gone.append(table)
    return removed + strip(root, dropped=gone)


def source_of(image: HtmlElement) -> str:
    """The picture's address: the first of its attributes that names no spacer."""
    attributes = dict(image.attrib)
    addresses = [attributes[name].strip() for name in _ADDRESSES if name in attributes]
    pictures = (address for address in addresses if address and not _NO_PICTURE.search(address))
    return next(pictures, addresses[0] if addresses else "")


def is_no_picture(image: HtmlElement, source: str | None = None) -> bool:
    tiny = any(_TINY.fullmatch(image.get(side, "")) for side in ("width", "height"))
    return tiny or _NO_PICTURE.search(source_of(image) if source is None else source) is not None
