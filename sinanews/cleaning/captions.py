"""Pictures and the words under them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from sinanews.cleaning.blocks import KEPT, PARTS, WRAPPERS
from sinanews.cleaning.facts import Facts
from sinanews.cleaning.tree import Node, elements, is_blank, move_into, one_line, text_of, words_of

_MOST_PICTURES = 20  #: in one wrapper
_MOST_ELEMENTS = 1000  #: in one wrapper; what holds more is there for something else
_LONGEST_CAPTION = 80  #: characters, where only its place says that it is one
_SENTENCE = re.compile(r"[。！？；]")
_BLOCKS = KEPT | WRAPPERS | PARTS


def captions(root: Node, found: Facts) -> int:
    """A picture and its caption become a figure; other words beside a picture stay where they are."""
    changed = 0
    if root.css_first("img") is None:
        return 0
    for wrapper in reversed(root.css("div,center,figure,table")):
        pictures = len(wrapper.css("img"))
        if 0 < pictures <= _MOST_PICTURES and _is_wrapper(wrapper, pictures):
            _Figures(wrapper).rebuild()
            changed += 1
    return changed


def _is_wrapper(element: Node, pictures: int) -> bool:
    """Whether an element is there for the pictures in it."""
    inner = list(islice(element.traverse(), 1, _MOST_ELEMENTS + 2))  # the first is the element itself
    if len(inner) > _MOST_ELEMENTS:
        return False
    if element.tag == "div":
        return "img_wrapper" in element.attrs.sget("class").split() or not element.text().strip()
    others = ("p", "table") if element.tag == "figure" else ("p", "table", "center")
    if any(each.tag in others and _holds_something(each) for each in inner):
        return False
    if element.tag == "table":  # of 2004-08: a picture, and its caption in the cell below
        return pictures == 1 and len(element.css("td")) <= 4 and _has_caption_below(element)
    return True


def _holds_something(element: Node) -> bool:
    return bool(element.text().strip()) or element.css_first("img") is not None


def _has_caption_below(table: Node) -> bool:
    texts: list[Node] = []
    for node in table.traverse(include_text=True):
        if node.tag == "img" and texts:
            return False
        if node.is_text_node and not is_blank(node):
            texts.append(node)
    return is_caption(_one_line(texts))


def is_caption(words: str) -> bool:
    """Whether words right under a picture are its caption: one short line, no sentence.

    >>> is_caption("图为投产仪式现场 林某/摄"), is_caption("近日，该公司宣布投产。")
    (True, False)
    """
    return len(words) <= _LONGEST_CAPTION and not _SENTENCE.search(words)


def _is_description(element: Node) -> bool:
    return element.tag == "figcaption" or "img_descr" in element.attrs.sget("class").split()


def _atoms(parent: Node) -> Iterator[Node]:
    """Texts, pictures, captions, figures and other elements in order; what holds pictures or captions is opened."""
    for child in parent.iter(include_text=True):
        if child.is_text_node or not _is_opened(child):
            yield child
            continue
        yield from _atoms(child)
        if child.tag in _BLOCKS:
            yield child.parser.create_node("br")


def _is_opened(child: Node) -> bool:
    if child.tag in ("img", "figure", "br") or _is_description(child):
        return False
    if child.tag in KEPT and child.tag != "table" and text_of(child):
        return False
    return any(inner.tag == "img" or _is_description(inner) for inner in elements(child))


class _Figures:
    """What a wrapper holds, in order: figures, and the words that are no captions."""

    def __init__(self, wrapper: Node) -> None:
        self.wrapper = wrapper
        self.made = wrapper.parser.create_node("div")  #: what stands in its place then
        self.is_figure = wrapper.tag == "figure"
        self.atoms = list(_atoms(wrapper))
        self.described = any(
            atom.is_element_node and _is_description(atom) and bool(text_of(atom)) for atom in self.atoms
        )
        self.figure: Node | None = None  #: the last one, while it has no caption
        self.words: list[Node] = []  #: after it
        self.caption = ""  #: that stands before its picture

    def rebuild(self) -> None:
        for atom in self.atoms:
            if atom.is_text_node:
                self.words.append(atom)
            elif atom.tag == "img":
                self._add_picture(atom)
            elif atom.tag == "figure":
                self._put_words()
                move_into(self.made, [atom])
                self.figure = atom if atom.css_first("figcaption") is None else None
            elif _is_description(atom):
                self._describe(_one_line([atom]))
            else:
                self.words.append(atom)
        self._put_words()
        if self.caption:
            self._append("p", self.caption)
        self.wrapper.replace_with(self.made, move=True)

    def _add_picture(self, picture: Node) -> None:
        if self.figure is None or _one_line(self.words):
            self._put_words()
            self.figure = self.made.parser.create_node("figure")
            move_into(self.made, [self.figure])
        self.words.clear()
        move_into(self.figure, [picture])
        if self.caption:
            self._describe(self.caption)
            self.caption = ""

    def _describe(self, words: str) -> None:
        if not words:
            return
        if self.figure is not None:
            self._append("figcaption", words, self.figure)
            self.figure = None
        elif _one_line(self.words) or self.caption:
            self._put_words()
            self._append("p", words)
        else:
            self.caption = words

    def _put_words(self) -> None:
        """The words since the last picture: its caption by their place, or the article's."""
        words, self.words = self.words, []
        said = _one_line(words)
        loose = self.is_figure or all(word.tag not in KEPT for word in words)
        if said and self.figure is not None and loose and not self.described and is_caption(said):
            self._describe(said)
        elif said or any(word.is_element_node and word.tag != "br" for word in words):
            move_into(self.made, words)
            self.figure = None

    def _append(self, tag: str, words: str, parent: Node | None = None) -> None:
        element = self.made.parser.create_node(tag)
        element.insert_child(words)
        move_into(parent or self.made, [element])


def _one_line(parts: Iterable[Node]) -> str:
    """The words of the parts on one line; a line break is a space."""
    nodes = (node for part in parts for node in part.traverse(include_text=True))
    return one_line("".join(" " if node.tag == "br" else words_of(node) for node in nodes))
