"""Rules on what does not belong to an article: what templates, advertisers and editors' tools put into a body."""

from __future__ import annotations

import re

from sinanews.cleaning.facts import Facts, editor_in
from sinanews.cleaning.tree import BLANK, Node, beside, drop, elements, move_into, text_of, text_without_links, words_of

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


def clutter(root: Node, found: Facts) -> int:
    """What Sina's templates put into a body, known by tag, class or id; editor and poster are noted first."""
    removed = 0
    for element in elements(root):
        kind = _kind_of(element)
        if kind is None or element.parent is None or (kind not in _OF_READERS and holds_the_text(element, root)):
            continue
        if kind == "editor":
            found.editor = editor_in(text_of(element)) or found.editor
        elif kind in ("player", "video"):
            found.add_poster(element.attrs.sget("poster"))
            for picture in element.css("img,video"):
                found.add_poster(picture.attrs.sget("src" if picture.tag == "img" else "poster"))
        found.removed[kind] += 1
        removed += _drop_joining(element, removed)
    return removed


def _kind_of(element: Node) -> str | None:
    tag = element.tag or ""
    if tag in NOT_TEXT:
        return tag
    if tag == "form" and element.css_first("p") is None and element.css_first("input[type=radio]") is not None:
        return "poll"
    attributes = element.attributes
    name, names = attributes.get("id") or "", attributes.get("class") or ""
    if not name and not names:
        return None
    if name.startswith("quote_") and tag == "span" and len(text_of(element)) <= _LONGEST_PRICES:
        return "quote"  # live prices, filled in by a script
    if "fin_reference" in names and _only_refers(element):
        return "related"
    return next((_KIND_OF[each] for each in (*names.split(), name) if each in _KIND_OF), None)


def _only_refers(box: Node) -> bool:
    """Whether an editor's box holds no more than links to other articles, under a heading."""
    links = box.css("a")
    to_sina = all(re.search(r"//[\w.-]*\bsina\b", link.attrs.sget("href")) for link in links)
    return bool(links) and to_sina and len(text_without_links(box)) <= _LONGEST_HEADING


def holds_the_text(element: Node, root: Node) -> bool:
    """Whether what is called clutter holds most of the article: its end is missing, or it is misnamed."""
    if len(text_of(element)) < _MUCH_TEXT:
        return False
    words = len(text_without_links(element))
    return words >= _MUCH_TEXT and 2 * words > len(text_of(root))


def _drop_joining(element: Node, dropped: int) -> int:
    """Drop an element; a sentence that it cut in two is whole again, but for bodies that are nothing but cuts."""
    texts = _texts_behind(element) if dropped < _MOST_CUTS else []
    tail = "".join(map(words_of, texts))
    if tail.strip(BLANK) and not tail.startswith("\u3000"):
        before = beside(element, "prev")
        if before is not None and before.tag == "p" and unfinished(_last_words(before)):
            _go_on(before, tail)
            drop(texts)
    return drop([element])


def _texts_behind(element: Node) -> list[Node]:
    texts, node = [], element.next
    while node is not None and node.is_text_node:
        texts.append(node)
        node = node.next
    return texts


def _go_on(paragraph: Node, words: str) -> None:
    """Let a paragraph go on with these words, without white space where they meet."""
    last = paragraph.last_child
    if last is not None and last.is_text_node:
        last.replace_with(words_of(last).rstrip(BLANK))
    paragraph.insert_child(words.lstrip(BLANK))


def _last_words(element: Node) -> str:
    """The end of the text, without a look at all of it."""
    words, node = "", element.last_child
    while node is not None and len(words.strip(BLANK)) <= 10:
        words = (words_of(node)[-50:] if node.is_text_node else _last_words(node)) + words
        node = node.prev
    return words


def unfinished(text: str) -> bool:
    """Whether a paragraph that ends so breaks off in the middle of a sentence."""
    text = text.strip(BLANK)
    return len(text) > 8 and not re.search(r"[。！？…!?”」』）)：:；;.]$", text)


def after_the_end(root: Node, found: Facts) -> int:
    """Pages of 2009-13 mark the end of the text; paragraphs behind it are promotion, centred pictures are not."""
    marks = root.css("del.sina-end")
    if not marks:
        return 0
    behind, node = [], marks[-1].next
    while node is not None:
        behind.append(node)
        node = node.next
    words = sum(len(text_without_links(node)) for node in behind)
    if words >= _MUCH_TEXT and 2 * words > len(text_of(root)):
        return 0  # another page follows, or somebody set the mark too early
    removed = 0
    for node in behind:
        found.editor = found.editor or editor_in(text_of(node))
        if node.tag not in ("center", "table") and not (
            node.is_element_node and "img_wrapper" in node.attrs.sget("class").split()
        ):
            removed += node.is_element_node
            node.decompose()
    return removed


def cut_sentences(root: Node, found: Facts) -> int:
    """A paragraph that ends in the middle of a sentence, where an advertisement stood, goes on in the next."""
    joined = 0
    for mark in root.css("del.sina-cut"):
        if joined < _MOST_CUTS and not words_of(mark.next).strip(BLANK):
            inside = _paragraph_around(mark)
            first, second = inside or beside(mark, "prev"), beside(inside or mark, "next")
            if first is not None and second is not None and first.tag == second.tag == "p":
                joined += _join(first, second)
        mark.decompose()
    return joined


def _paragraph_around(mark: Node) -> Node | None:
    outer = mark.parent
    while outer is not None and outer.tag != "p":
        outer = outer.parent
    return outer


def _join(first: Node, second: Node) -> bool:
    """Make one paragraph of two, if the first breaks off."""
    if not unfinished(_last_words(first)) or not text_of(second):
        return False
    rest = list(second.iter(include_text=True))
    _go_on(first, words_of(rest[0]))
    move_into(first, rest[rest[0].is_text_node :])
    second.decompose()
    return True


def floating_tables(root: Node, found: Facts) -> int:
    """Before 2009 advertisements stand in tables beside the text: links with a heading, or nothing that is left."""
    removed = 0
    for table in root.css("table"):
        text, pictures = text_of(table), any(picture_of(image.attributes) for image in table.css("img"))
        beside_text = table.attrs.sget("align").lower() in ("left", "right")
        mostly_links = len(text_without_links(table)) < 20 and table.css_first("a") is not None
        if not pictures and (not text or (beside_text and mostly_links)):
            removed += _drop_joining(table, removed)
    return removed


def picture_of(attributes: dict[str, str | None]) -> str | None:
    """The picture's address: the first of its attributes that names no spacer. None for spacers, codes and dots."""
    if any(side in attributes and _TINY.fullmatch(attributes[side] or "") for side in ("width", "height")):
        return None
    addresses = ((attributes[name] or "").strip() for name in _ADDRESSES if name in attributes)
    return next((address for address in addresses if address and not _NO_PICTURE.search(address)), None)
