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
Attributes: TypeAlias = "dict[str, str | None]"

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


def elements(root: Node, *tags: str) -> list[Node]:
    """All descendants with these tags, or at all, as a list, so that a rule may remove what it sees."""
    return root.css(",".join(tags)) if tags else list(root.traverse())[1:]


def new_element(beside: Node, tag: str) -> Node:
    """An element that may be put into the tree of another."""
    return beside.parser.create_node(tag)


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


def rename_element(element: Node, tag: str) -> None:
    renamed = new_element(element, tag)
    move_into(renamed, children(element))
    element.replace_with(renamed, move=True)


def set_attributes(element: Node, values: dict[str, str]) -> None:
    """Give an element these attributes, and no other."""
    attributes = element.attrs
    for name in element.attributes:
        del attributes[name]
    for name, value in values.items():
        attributes[name] = value


def is_plain(element: Node) -> bool:
    """Whether an element holds no more than one text."""
    first = element.first_child
    return first is None or (first.is_text_node and first.next is None)


def children(element: Node) -> list[Node]:
    """Texts and elements in an element, as a list."""
    return list(element.iter(include_text=True))


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


def attribute(element: Node, name: str) -> str:
    return element.attributes.get(name) or ""


def last_words(element: Node) -> str:
    """The end of the text, without a look at all of it."""
    words, node = "", element.last_child
    while node is not None and len(words.strip(BLANK)) <= 10:
        words = (words_of(node)[-50:] if node.is_text_node else last_words(node)) + words
        node = node.prev
    return words


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


def is_only_links(element: Node) -> bool:
    """True where all text but brackets, arrows and the like stands in links."""
    linked = re.sub(r"\W", "", "".join(map(text_of, element.css("a"))))
    return bool(linked) and linked == re.sub(r"\W", "", text_of(element))


def classes(element: Node) -> list[str]:
    return attribute(element, "class").split()
