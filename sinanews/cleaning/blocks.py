"""A messy body -> a flat list of blocks: paragraphs, figures, tables, lists, headings, quotations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import copy

from sinanews.cleaning.tree import SPACES, HtmlElement, new_element, to_markup

#: Blocks that stay as they are; every other element that holds blocks is unwrapped.
KEPT = frozenset("p h1 h2 h3 h4 h5 h6 ul ol dl table blockquote pre figure hr".split())
WRAPPERS = frozenset("div center section article main header aside nav address form fieldset body del ins".split())
PARTS = frozenset("li dt dd tr td th tbody thead tfoot caption figcaption".split())
INLINE = frozenset("a strong b em i u s sub sup br img code".split())
_BLOCKS = KEPT | WRAPPERS | PARTS


def to_blocks(root: HtmlElement) -> None:
    """Rebuild the body in place; every child of it is a block afterwards, none is empty."""
    blocks = [block for block in _blocks_in(root) if _has_content(block)]
    root.text = None
    for child in list(root):
        root.remove(child)
    for block in blocks:
        block.tail = None
        root.append(block)


def _blocks_in(parent: HtmlElement) -> Iterator[HtmlElement]:
    run = _paragraph()
    _append_text(run, parent.text)
    for child in list(parent):
        tail, child.tail = child.tail, None
        if child.tag == "br":
            yield run
            run = _paragraph()
        elif child.tag in KEPT:
            yield run
            run = _paragraph()
            yield from _kept(child)
        elif child.tag in WRAPPERS or any(inner.tag in KEPT | WRAPPERS for inner in child.iterdescendants()):
            yield run
            run = _paragraph()
            yield from _blocks_in(child)
        else:
            run.append(child)
            _inline(child)
        _append_text(run, tail)
    yield run


def _kept(block: HtmlElement) -> Iterator[HtmlElement]:
    """A block as it is, tidied; a paragraph that holds other blocks is taken apart."""
    if not len(block):
        yield block
        return
    if block.tag in ("p", "h1", "h2", "h3", "h4", "h5", "h6") and any(
        inner.tag in KEPT | WRAPPERS for inner in block.iterdescendants()
    ):
        yield from _blocks_in(block)
        return
    for inner in list(block.iterdescendants()):
        if inner.tag not in INLINE and inner.tag not in KEPT and inner.tag not in PARTS:
            inner.drop_tag()
    yield block


def _inline(element: HtmlElement) -> None:
    for inner in [element, *element.iterdescendants()]:
        if inner.tag not in INLINE and inner.getparent() is not None:
            inner.drop_tag()


def _paragraph() -> HtmlElement:
    return new_element("p")


def _append_text(element: HtmlElement, text: str | None) -> None:
    if not text:
        return
    if len(element):
        element[-1].tail = (element[-1].tail or "") + text
    else:
        element.text = (element.text or "") + text


def _tidy_spaces(block: HtmlElement) -> None:
    """Collapse white space; none at the ends of a block. Full-width spaces are the author's and stay."""
    if block.tag == "pre":
        return
    if not len(block):
        block.text = SPACES.sub(" ", block.text).strip(" ") if block.text else None
        return
    for element in block.iter():
        element.text = SPACES.sub(" ", element.text) if element.text else None
        element.tail = SPACES.sub(" ", element.tail) if element.tail else None
    for element in block.iter():
        if element.tag in _BLOCKS:
            element.text = (element.text or "").lstrip(" ") or None
            if len(element):
                element[-1].tail = (element[-1].tail or "").rstrip(" ") or None
            else:
                element.text = (element.text or "").rstrip(" ") or None


def _has_content(block: HtmlElement) -> bool:
    if len(block):
        _drop_empty(block)
    _tidy_spaces(block)
    if not len(block):
        return block.tag == "hr" or bool((block.text or "").strip())
    return block.tag == "hr" or next(block.iter("img"), None) is not None or bool(_text(block).strip())


def _drop_empty(block: HtmlElement) -> None:
    """Bold, links and inner blocks with nothing in them go, and line breaks at the ends."""
    for element in reversed(list(block.iterdescendants())):
        if element.tag in INLINE - {"br", "img"} and not len(element) and not (element.text or "").strip():
            element.drop_tag() if element.text else element.drop_tree()
        elif element.tag in KEPT - {"hr"} and next(element.iter("img"), None) is None and not _text(element).strip():
            element.drop_tree()
    trim_breaks(block)


def trim_breaks(block: HtmlElement) -> None:
    """No line breaks at the ends of a paragraph."""
    while len(block) and block[0].tag == "br" and not (block.text or "").strip():
        block[0].drop_tree()
    while len(block) and block[-1].tag == "br" and not (block[-1].tail or "").strip():
        block[-1].drop_tree()


def _text(element: HtmlElement) -> str:
    return "".join(element.itertext())


def serialise(root: HtmlElement) -> str:
    """The blocks' markup, one a line: no blank line and no line break inside a block."""
    lines = (to_markup(block) for block in root)
    return "\n".join(re.sub(r"\s*\n\s*", " ", line) for line in lines)


def body_lines(root: HtmlElement) -> Iterator[str]:
    """The text: a line for each paragraph, caption, list item, table row or forced line break."""
    for block in root:
        if not len(block):
            if plain := (block.text or "").strip(" \t\u3000"):
                yield plain
            continue
        marked = copy(block)
        for element in marked.iter():
            if element.tag == "br" or (element.tag in ("p", "li", "tr", "figcaption", "dt", "dd", "caption", *KEPT)):
                element.tail = "\n" + (element.tail or "")
            elif element.tag in ("td", "th"):
                element.tail = "\t" + (element.tail or "")
        for line in _text(marked).split("\n"):
            if plain := re.sub(r"[ \xa0]+", " ", line).strip(" \t\u3000"):
                yield plain
