"""A messy body -> a flat list of blocks: paragraphs, figures, tables, lists, headings, quotations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sinanews.cleaning.tree import GONE, SPACES, HtmlElement, new_element, strip, strip_tags, text_of, to_markup

if TYPE_CHECKING:
    from sinanews.cleaning.lines import Line

PARAGRAPHS = frozenset("p h1 h2 h3 h4 h5 h6".split())
#: Blocks that stay as they are; every other element that holds blocks is unwrapped.
KEPT = PARAGRAPHS | frozenset("ul ol dl table blockquote pre figure hr".split())
WRAPPERS = frozenset(
    "div center section article main header aside nav address form fieldset body del "
    "details summary legend dir menu".split()
)
PARTS = frozenset("li dt dd tr td th tbody thead tfoot caption figcaption".split())
INLINE = frozenset("a strong b em i u s sub sup br img code".split())
_SPACE = re.compile(r"\s+")
_BLOCKS = KEPT | WRAPPERS | PARTS
_OPENED = WRAPPERS | PARTS  #: a part outside its list or table is a paragraph
_MAY_BE_EMPTY = frozenset("br img hr".split())
#: What separates the text of an element from what follows; inline elements have nothing.
_AFTER = dict.fromkeys([*KEPT, "br", "li", "dt", "dd", "tr", "caption", "figcaption"], "\n") | {"td": "\t", "th": "\t"}


@dataclass(eq=False)
class Block:
    """A block and its text as a reader sees it; rules that change one keep the other true."""

    element: HtmlElement
    text: str
    lines: list[Line] | None = None  #: see ``lines_of``


def to_blocks(root: HtmlElement) -> list[Block]:
    """The body's blocks, tidied; none is empty. The tree is taken apart."""
    blocks = (Block(element, tidy(element)) for element in _blocks_in(root))
    return [block for block in blocks if block.text or block.element.tag == "hr" or has_picture(block.element)]


def _blocks_in(parent: HtmlElement) -> Iterator[HtmlElement]:
    text, run = parent.text, []
    for child in list(parent):
        kept, holds_blocks = child.tag in KEPT, child.tag in _OPENED or _holds_blocks(child)
        if not (kept or holds_blocks or child.tag == "br"):
            run.append(child)
            continue
        if run or (text and not text.isspace()):
            yield _paragraph(text, run)
        text, run = child.tail, []
        if (holds_blocks and (not kept or child.tag in PARAGRAPHS)) or (child.tag == "pre" and _is_no_code(child)):
            yield from _blocks_in(child)
        elif kept:
            yield _without_looks(child)
    if run or (text and not text.isspace()):
        yield _paragraph(text, run)


def _holds_blocks(element: HtmlElement) -> bool:
    return len(element) > 0 and any(inner.tag in KEPT or inner.tag in WRAPPERS for inner in element.iterdescendants())


def _is_no_code(pre: HtmlElement) -> bool:
    return len(pre) > 0 and any(inner.tag in _BLOCKS for inner in pre.iterdescendants())


def _paragraph(text: str | None, run: list[HtmlElement]) -> HtmlElement:
    """A new paragraph of a text and the inline elements after it."""
    paragraph = new_element("p")
    paragraph.text = text
    paragraph.extend(run)
    return _without_looks(paragraph)


def _without_looks(block: HtmlElement) -> HtmlElement:
    """The block without fonts, spans and other elements that are only looks."""
    allowed = INLINE if block.tag in PARAGRAPHS else INLINE | KEPT | PARTS
    if len(block):
        strip(block, [inner for inner in block.iterdescendants() if inner.tag not in allowed])
    return block


def tidy(block: HtmlElement) -> str:
    """Collapse white space, none at the ends of a block; full-width spaces are the author's and stay. The text."""
    if not len(block) and block.tag != "pre":  # most are so simple
        old = block.text or ""
        _put(block, "text", old, text := SPACES.sub(" ", old).strip(" "))
        return text.strip()
    _drop_empty(block)
    trim_breaks(block)
    if block.tag != "pre":
        _collapse_spaces(block)
    return text_of(block)


def _collapse_spaces(block: HtmlElement) -> None:
    edges = []
    code = {inner for pre in block.iter("pre") for inner in pre.iter()}  # its spaces are its own
    for element in block.iter():
        if element in code:
            continue
        text, tail = element.text, element.tail
        if element.tag in _BLOCKS:
            edges.append(element)
            _put(element, "text", text, SPACES.sub(" ", text or "").lstrip(" "))
        elif text:
            _put(element, "text", text, SPACES.sub(" ", text))
        if tail:
            _put(element, "tail", tail, SPACES.sub(" ", tail))
    for element in edges:
        last, name = (element[-1], "tail") if len(element) else (element, "text")
        text = getattr(last, name)
        _put(last, name, text, (text or "").rstrip(" "))


def _put(element: HtmlElement, name: str, old: str | None, new: str) -> None:
    """Set ``text`` or ``tail`` where it changes; that costs far more than to look."""
    if new != (old or ""):
        setattr(element, name, new)


def _drop_empty(block: HtmlElement) -> None:
    """Bold, links and inner blocks with nothing in them go."""
    empty = False
    for element in reversed(list(block.iterdescendants())):
        if element.tag in _MAY_BE_EMPTY:
            continue
        if element.tag in KEPT:
            if not has_picture(element) and not text_of(element):
                element.clear(keep_tail=True)
                element.tag, empty = GONE, True
        elif element.tag in INLINE and _is_blank(element):
            element.tag, empty = GONE, True
    if empty:
        strip_tags(block, GONE)


def _is_blank(element: HtmlElement) -> bool:
    blank = not (element.text or "").strip()
    return blank and all(inner.tag == GONE and not (inner.tail or "").strip() for inner in element)


def has_picture(element: HtmlElement) -> bool:
    return len(element) > 0 and next(element.iter("img"), None) is not None


def trim_breaks(block: HtmlElement) -> None:
    """No line breaks at the ends of a paragraph."""
    lead = [block.text or ""]
    for child in block:
        if child.tag != "br" or lead[-1].strip():
            break
        lead.append(child.tail or "")
    if len(lead) > 1:
        del block[: len(lead) - 1]
        block.text = "".join(lead)
    ends: list[str] = []
    for child in block.iterchildren(reversed=True):
        if child.tag != "br" or (child.tail or "").strip():
            break
        ends.append(child.tail or "")
    if ends:
        del block[len(block) - len(ends) :]
        owner, name = (block[-1], "tail") if len(block) else (block, "text")
        setattr(owner, name, (getattr(owner, name) or "") + "".join(reversed(ends)))


def serialise(blocks: Iterable[Block]) -> str:
    """The blocks' markup, one a line: no blank line and no line break inside a block."""
    lines = (to_markup(block.element) for block in blocks)
    return "\n".join(_SPACE.sub(_without_newline, line) if "\n" in line else line for line in lines)


def _without_newline(space: re.Match[str]) -> str:
    return " " if "\n" in space[0] else space[0]


def body_lines(blocks: Iterable[Block]) -> Iterator[str]:
    """The text: a line for each paragraph, caption, list item, table row or forced line break."""
    for block in blocks:
        lines = _text_with_breaks(block.element).split("\n") if len(block.element) else [block.text]
        yield from (plain for line in lines if (plain := line.strip(" \t\u3000")))


def _text_with_breaks(element: HtmlElement) -> str:
    inner = (_text_with_breaks(child) + _AFTER.get(child.tag, "") + (child.tail or "") for child in element)
    return (element.text or "") + "".join(inner)
