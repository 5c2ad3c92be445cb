"""Small tools on lexbor's tree of a body: what a browser makes of the markup, texts as nodes of their own.

Two nodes that look at the same element are not the same object: compare by use as a key, which looks at the element.
``==`` compares the markup of both. A node that was dropped is empty and has no parent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, TypeAlias

from selectolax.lexbor import LexborHTMLParser, LexborNode

Node: TypeAlias = LexborNode  #: an element or a text

_SPACES = re.compile(r"[ \t\n\xa0]+")
BLANK = " \t\r\n\xa0\u3000"


def parse_body(markup: str) -> Node:
    """A body that holds the markup, without comments."""
    body = LexborHTMLParser("<!DOCTYPE html><body>").body
    assert body is not None
    body.inner_html = markup  # as a document, the input's own body tag would count
    for node in list(body.traverse()):
        if not node.is_element_node:
            node.decompose()
    body.merge_text_nodes()
    return body


def elements(root: Node) -> list[Node]:
    """All descendants as a list, so that a rule may remove what it sees."""
    return list(root.traverse())[1:]


def drop(nodes: Iterable[Node]) -> int:
    """Remove nodes with all that they hold. How many."""
    count = 0
    for node in nodes:
        node.decompose()
        count += 1
    return count


def unwrap(found: Iterable[Node]) -> int:
    """Put what elements hold in their places. How many."""
    count = 0
    for element in found:
        element.unwrap(delete_empty=True)
        count += 1
    return count


def move_into(element: Node, nodes: Iterable[Node]) -> None:
    """Move nodes to the end of an element."""
    for node in nodes:
        element.insert_child(node, move=True)


def words_of(node: Node | None) -> str:
    """The words of a text; none of an element."""
    return (node.text_content or "") if node is not None else ""


def is_blank(node: Node) -> bool:
    """Whether a node is a text of white space."""
    return node.is_text_node and not words_of(node).strip()


def beside(node: Node, side: Literal["prev", "next"]) -> Node | None:
    """What stands before or behind a node, white space left out."""
    other: Node | None = getattr(node, side)
    while other is not None and is_blank(other):
        other = getattr(other, side)
    return other


def text_of(node: Node) -> str:
    """The text as a reader sees it: white space collapsed, ends stripped of full-width spaces too."""
    return one_line(node.text())


def one_line(text: str) -> str:
    text = text.strip()
    spaced = (
        "  " in text or "\n" in text or "\xa0" in text or "\t" in text
    )  # few are; a pattern takes ten times as long
    return _SPACES.sub(" ", text) if spaced else text


def linked_texts(element: Node) -> dict[Node, Node]:
    """Each text in links, and its link."""
    return {node: link for link in element.css("a") for node in link.traverse(include_text=True) if node.is_text_node}


def text_without_links(element: Node) -> str:
    if element.is_text_node or element.css_first("a") is None:
        return text_of(element)
    linked = linked_texts(element)
    words = (words_of(node) for node in element.traverse(include_text=True) if node not in linked)
    return one_line("".join(words))
