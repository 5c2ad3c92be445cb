"""What must happen to a body before a parser may see it. Every function here is linear in its input."""

from __future__ import annotations

import re

from sinanews.cleaning.characters import without_non_text, without_non_text_references
from sinanews.cleaning.facts import Facts, medium_in
from sinanews.exceptions import PageTooLarge

MAX_BODY = 2 * 1024 * 1024  #: bytes of UTF-8, once comments and scripts are gone
MAX_TAGS = 50_000  #: tags, opening and closing; the longest tables of real pages have a tenth
MAX_DEPTH = 200  #: elements inside each other; to find, move and write them takes the longer the deeper they are
MAX_ELEMENTS = 500_000  #: that a parser may make of them
MAX_TAG = 5000  #: attributes of one element
MAX_ATTRIBUTES = 40_000  #: attributes with values, of all elements

#: What is never closed goes to the end, as in a browser.
_SCRIPTS = re.compile(  # re.I for all of it would look at every character
    r"<([sS][cC][rR][iI][pP][tT]|[sS][tT][yY][lL][eE])(?=[\s/>])[^<]*(?:<(?!/(?i:\1)\s*>)[^<]*)*(?:</(?i:\1)\s*>)?"
)
_TAG = re.compile(rb"<(/?)(?!p[\s>/]|br|img)([a-zA-Z][a-zA-Z0-9]*)([^<>]*)>?")
_FONTS = re.compile(rb"<(?i:b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)(?=[\s/>])[^<>]*")
_LIKE_FONTS = re.compile(rb"<[bBcCeEfFiInNsStTuU][\s/>iImMoOtT]")  #: all of them begin so
_NEVER_DEEP = frozenset(  # void elements, and those that close their like
    b"area base br col embed hr img input link meta param source track wbr "
    b"p li dd dt option tr td th tbody thead tfoot colgroup".split()
)
_COMMENT_END = re.compile(r"--!?>")
_NO_COMMENT = re.compile(r"-?>")  # <!--> and <!---> are whole comments
_CUT, _END = "\x01", "\x02"  # no input holds these, it has been freed of control characters
_MARKS = {_CUT: '<del class="sina-cut"></del>', _END: '<del class="sina-end"></del>'}
_DEL = re.compile(r"<(/?)[Dd][Ee][Ll](?=[\s/>])")  # in the input it would be taken for one of our marks
#: Comments around the advertisements of 2004-08 hold one of these, and say begin or end (some twice).
_ADS = ("NEWSZW_HZH", "画中画")
_AD_BEGIN = re.compile(r"开始|begin", re.I)
_AD_END = re.compile(r"结束|end", re.I)
_MOST_SENTENCES = 10  #: in an advertisement between two comments
_STOCK_NOTE = re.compile(r"\s*news_keyword_pub,(.*)", re.S)


def strip_hidden(raw: str, found: Facts) -> str:
    """The markup without control characters, comments, scripts and styles; what comments say is noted.

    A place where an advertisement was cut out is marked with ``<del class="sina-cut">``, the end of
    the article in pages of 2009-13 with ``<del class="sina-end">``.
    """
    markup = _SCRIPTS.sub("", without_non_text(raw))
    parts: list[str] = []
    held: list[str] = []  # of an advertisement, until its end is seen
    position, ad = 0, ""
    while (start := markup.find("<!--", position)) >= 0:
        (held if ad else parts).append(markup[position:start])
        ended = _NO_COMMENT.match(markup, start + 4) or _COMMENT_END.search(markup, start + 4)
        comment = markup[start + 4 : ended.start() if ended else len(markup)]
        position = ended.end() if ended else len(markup)
        kind = next((kind for kind in _ADS if len(comment) < 80 and kind in comment), "")
        if ad and kind == ad and _AD_END.search(comment):
            parts.extend([*held, _CUT] if _is_text("".join(held)) else [_CUT])
            held, ad = [], ""
        elif kind and ad in ("", kind) and _AD_BEGIN.search(comment):
            parts.extend(held)  # the one before has no end: who knows what it is
            held, ad = [], kind if markup.find(kind, position) >= 0 else ""
        elif not ad:
            parts.append(_note(comment, found))
    parts.extend([*held, markup[position:]])
    markup = _DEL.sub(r"<\1s", without_non_text_references("".join(parts)))
    return markup.replace(_CUT, _MARKS[_CUT]).replace(_END, _MARKS[_END])


def _is_text(advertisement: str) -> bool:
    """Whether what two comments call an advertisement holds more sentences than any does."""
    return advertisement.count("。") > _MOST_SENTENCES


def _note(comment: str, found: Facts) -> str:
    """Remember what a comment says of stocks, videos and the medium; return the mark that stands for it, if any."""
    if stocks := _STOCK_NOTE.match(comment[:5000]):
        found.add_stocks(re.split(r"[,&\s]+", stocks[1]))
    elif "mce-plugin-videoList" in comment[:60] and (image := re.search(r'"img":"([^"]*)"', comment[:20000])):
        found.add_poster(image[1].replace("\\/", "/"))
    elif "article_adlist" in comment[:60]:
        lines = re.split(r"</?(?:p|div|br)\b[^<>]*>|\n", comment[:5000].partition("[")[2])
        named = (medium_in(re.sub(r"<[^<>]*>", "", line)) for line in lines if "来源" in line)
        found.media = found.media or next(filter(None, named), None)
    return _END if "publish_helper_end" in comment[:60] else ""


def check_limits(
    markup: bytes,
    size: int = MAX_BODY,
    few_tags: int = MAX_DEPTH,
    tags: int = MAX_TAGS,
    elements: int = MAX_ELEMENTS,
) -> None:
    """Raise PageTooLarge for what would keep a parser busy: size, nesting, attribute floods.

    ``markup`` is in UTF-8 or GB18030: in neither is ``<``, ``=`` or ``>`` a part of another character.
    Nesting is counted only where there are more than ``few_tags`` tags, for it costs more than a fast parser.
    """
    if len(markup) > size:
        raise PageTooLarge(f"{len(markup)} bytes, at most {size}")
    if (count := _count(markup, b"<")) > tags:
        raise PageTooLarge(f"{count} tags, at most {tags}")
    if _has_flood(markup):
        raise PageTooLarge(f"a tag with more than {MAX_TAG} attributes")
    # They may hide a flood behind quoted ">"; each has four bytes at least.
    if len(markup) > 4 * MAX_ATTRIBUTES and _count(markup, b"=") > MAX_ATTRIBUTES:
        raise PageTooLarge(f"more than {MAX_ATTRIBUTES} attributes")
    if count > few_tags and (deepest := depth(markup)) > MAX_DEPTH:
        raise PageTooLarge(f"elements nested {deepest} deep, at most {MAX_DEPTH}")
    if count**2 > elements and (made := count * _elements_of_a_tag(markup, elements // count)) > elements:
        raise PageTooLarge(f"markup for up to {made} elements, at most {elements}")


def _count(markup: bytes, sign: bytes) -> int:
    """How often a byte occurs; in half the time of ``bytes.count``, which leaps over nothing."""
    return len(markup) - len(markup.replace(sign, b""))


def _has_flood(markup: bytes) -> bool:
    """Whether some tag has very many attributes (lexbor compares each with each)."""
    at = 0
    while at < len(markup) - MAX_TAG:
        if markup.find(b">", at, at + MAX_TAG) >= 0:
            at += MAX_TAG
            continue
        end = markup.find(b">", at)
        end = end if end >= 0 else len(markup)
        chunk = markup[markup.rfind(b">", 0, at) + 1 : end]  # here may be a long tag; mostly it is a script
        tag = re.search(rb"<[a-zA-Z]", chunk)
        if tag and len(re.findall(rb"[\s/]+[^\s/=]", chunk[tag.start() :])) > MAX_TAG:
            return True
        at = end + 1
    return False


def _elements_of_a_tag(markup: bytes, allowed: int) -> int:
    """How many elements a parser may make of one tag: in HTML5, fonts that nothing closed open again in each paragraph.

    They do so up to three of a kind, and one link; the tag's own element counts too. Counted closely only where that
    may be more than allowed.
    """
    if (most := 2 + len(_LIKE_FONTS.findall(markup))) <= allowed:
        return most
    fonts = _FONTS.findall(markup)
    return 2 + min(len(fonts), 3 * len(set(fonts)))


def depth(markup: bytes) -> int:
    """How deep elements stand inside each other, counted up to a little over MAX_DEPTH."""
    stack: list[bytes] = []
    deepest = 0
    for closing, name, rest in _TAG.findall(markup):
        name = name.lower()
        if name in _NEVER_DEEP or rest.endswith(b"/"):
            continue
        if not closing:
            stack.append(name)
            deepest = max(deepest, len(stack))
            if deepest > MAX_DEPTH:
                break
        elif name in stack:
            del stack[len(stack) - 1 - stack[::-1].index(name) :]
    return deepest
