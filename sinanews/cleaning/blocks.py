"""A messy body -> a flat list of blocks: paragraphs, figures, tables, lists, headings, quotations; and their text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Set
from html import unescape
from typing import Literal

from sinanews.cleaning.tree import Node, elements, is_blank, move_into, one_line, text_of, unwrap, words_of

PARAGRAPHS = frozenset("p h1 h2 h3 h4 h5 h6".split())
#: Blocks that stay as they are; every other element that holds blocks is unwrapped.
KEPT = PARAGRAPHS | frozenset("ul ol dl table blockquote pre figure hr".split())
WRAPPERS = frozenset(
    "div center section article main header aside nav address form fieldset body del "
    "details summary legend dir menu".split()
)
PARTS = frozenset("li dt dd tr td th tbody thead tfoot caption figcaption".split())
INLINE = frozenset("a strong b em i u s sub sup br img code".split())
_BLOCKS = KEPT | WRAPPERS | PARTS
_OPENED = WRAPPERS | PARTS  #: a part outside its list or table is a paragraph
_WHOLE = KEPT - PARAGRAPHS - {"pre"}  #: blocks that may hold others
_KNOWN = _BLOCKS | INLINE
_MAY_BE_EMPTY = PARTS | WRAPPERS | frozenset("br img hr".split())

_PRE = re.compile(r"(<pre\b.*?</pre>)", re.S)
NOTHING: frozenset[str | None] = frozenset()
_BETWEEN = "\x01"  #: blocks, until their own line breaks are gone; no text holds it
_RUN = re.compile(r"\s+")
_SPACES = re.compile(r"[ \t\n\r\f\v]+")
_NOT_ONE_SPACE = ("  ", *"\t\n\r\f\v")
_EDGE = "|".join(_BLOCKS - {"pre"})
_BEGINNING = re.compile(rf"(<(?:{_EDGE})(?: [^<>]*)?>) ")
_END = re.compile(rf" (</(?:{_EDGE})>)")
_LINE_ENDS = re.compile(r"<br>|</(?:p|h[1-6]|ul|ol|dl|table|blockquote|pre|figure|li|dt|dd|tr|caption|figcaption)>")
_CELL_ENDS = re.compile(r"</t[dh]>")
_TAGS = re.compile(r"<[^<>]*>")


class Block:
    """A block and its text as a reader sees it; rules that change one keep the other true."""

    __slots__ = ("element", "holds", "tag", "text")

    def __init__(self, element: Node) -> None:
        self.element = element
        self.tag = element.tag or ""
        self.holds: Set[str | None] = NOTHING  #: the tags of what stands in it
        self.tidy()

    def tidy(self) -> None:
        """Drop what is empty, and line breaks at the ends; look at the text again."""
        first = self.element.first_child
        if first is None or (first.is_text_node and first.next is None):  # most hold one text and no more
            self.holds, self.text = NOTHING, one_line(words_of(first))
        else:
            self.holds, self.text = self._tidy_inside(), text_of(self.element)

    def _tidy_inside(self) -> Set[str | None]:
        inner = [(element, element.tag) for element in elements(self.element)]
        _drop_empty(inner)
        if any(tag == "br" for _, tag in inner):
            _trim_breaks(self.element, "first_child", "next")
            _trim_breaks(self.element, "last_child", "prev")
        self.element.merge_text_nodes()
        return {tag for element, tag in inner if element.parent is not None}

    @property
    def is_empty(self) -> bool:
        return not self.text and self.tag != "hr" and "img" not in self.holds


def to_blocks(root: Node) -> list[Block]:
    """The body's blocks, tidied; none is empty. The tree is taken apart."""
    unwrap([element for element in elements(root) if element.tag not in _KNOWN])  # fonts, spans, other looks
    root.merge_text_nodes()
    found: list[Node] = []
    _take_blocks(root, _holders(root), found)
    return [block for block in map(Block, found) if not block.is_empty]


def _holders(root: Node) -> set[Node]:
    """The elements that hold blocks."""
    holders: set[Node] = set()
    for element in elements(root):
        outer = element.parent if element.tag in _BLOCKS else None
        while outer is not None and outer not in holders:
            holders.add(outer)
            outer = outer.parent
    return holders


def _take_blocks(parent: Node, holders: set[Node], found: list[Node]) -> None:
    """Append them in order; handing each up through all the boxes it stands in would cost far more."""
    run: list[Node] = []  # of texts and inline elements
    for child in list(parent.iter(include_text=True)):  # they move
        tag = child.tag
        opened = tag in _OPENED or (tag not in _WHOLE and child in holders)
        if tag not in KEPT and tag != "br" and not opened:
            run.append(child)
            continue
        if run:
            found += _paragraph(run)
            run = []
        if opened:
            _take_blocks(child, holders, found)
        elif tag != "br":
            found.append(_without_looks(child, holders))
    found += _paragraph(run)


def _paragraph(run: list[Node]) -> list[Node]:
    """A new paragraph of texts and inline elements; none of what is no more than white space."""
    if all(node.is_empty_text_node for node in run):
        return []
    paragraph = run[0].parser.create_node("p")
    move_into(paragraph, run)
    return [paragraph]


def _without_looks(block: Node, holders: set[Node]) -> Node:
    """The block without wrappers, and without paragraphs around blocks: no parser would leave them there."""
    if block in holders:
        inner = [(element, element.tag) for element in elements(block)]
        unwrap(
            element for element, tag in inner if tag in WRAPPERS or (tag in PARAGRAPHS and element in holders)
        )  # fmt: skip
    return block


def _drop_empty(inner: list[tuple[Node, str | None]]) -> None:
    """Bold, links and inner blocks with nothing in them go."""
    for element, tag in reversed(inner):
        if tag in _MAY_BE_EMPTY or element.text().strip():
            continue
        if tag in KEPT:
            if element.css_first("img") is None:
                element.decompose()
        elif next(element.iter(), None) is None:
            element.unwrap(delete_empty=True)


def _trim_breaks(block: Node, end: Literal["first_child", "last_child"], inwards: Literal["next", "prev"]) -> None:
    """No line breaks at an end of a paragraph."""
    node: Node | None = getattr(block, end)
    while node is not None and (node.tag == "br" or is_blank(node)):
        following = getattr(node, inwards)
        if node.tag == "br":
            node.decompose()
        node = following


def serialise(blocks: Iterable[Block]) -> str:
    """The blocks' markup, one a line: no blank line and no line break inside a block.

    White space is collapsed, and there is none at the ends of a block; full-width spaces are the author's and stay.
    """
    markup = _BETWEEN.join(block.element.html or "" for block in blocks)
    parts = _PRE.split(markup) if "<pre" in markup else [markup]
    parts[::2] = map(_collapsed, parts[::2])
    parts[1::2] = (_RUN.sub(_without_newline, part) for part in parts[1::2])  # its spaces are its own
    return "".join(parts).replace(_BETWEEN, "\n")


def _collapsed(markup: str) -> str:
    markup = markup.replace("&nbsp;", " ")
    if any(spaces in markup for spaces in _NOT_ONE_SPACE):  # few are; the pattern looks at each space
        markup = _SPACES.sub(" ", markup)
    markup = _BEGINNING.sub(r"\1", markup) if "> " in markup else markup
    return _END.sub(r"\1", markup) if " </" in markup else markup


def _without_newline(space: re.Match[str]) -> str:
    return " " if "\n" in space[0] else space[0]


def text_lines(markup: str) -> list[str]:
    """The text of serialised blocks: a line for each paragraph, caption, list item, table row or forced line break."""
    text = _TAGS.sub("", _CELL_ENDS.sub("\t", _LINE_ENDS.sub("\n", markup)))
    lines = unescape(text).replace("\xa0", " ").split("\n")
    return [line for line in (line.strip(" \t\u3000") for line in lines) if line]
