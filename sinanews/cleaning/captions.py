"""Pictures and the words under them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from sinanews.cleaning.blocks import KEPT, PARTS, WRAPPERS
from sinanews.cleaning.facts import Facts
from sinanews.cleaning.tree import SPACES, HtmlElement, classes, elements, new_element, text_of, walk

_MOST_PICTURES = 20  #: in one wrapper
_LONGEST_CAPTION = 80  #: characters, where only its place says that it is one
_SENTENCE = re.compile(r"[。！？；]")
_BLOCKS = KEPT | WRAPPERS | PARTS


def captions(root: HtmlElement, found: Facts) -> int:
    """A picture and its caption become a figure; other words beside a picture stay where they are."""
    changed = 0
    if next(root.iter("img"), None) is None:
        return 0
    for wrapper in reversed(elements(root, "div", "center", "figure", "table")):
        pictures = sum(1 for _ in wrapper.iter("img"))
        if 0 < pictures <= _MOST_PICTURES and _is_wrapper(wrapper, pictures):
            _Figures(wrapper).rebuild()
            changed += 1
    return changed


def _is_wrapper(element: HtmlElement, pictures: int) -> bool:
    """Whether an element is there for the pictures in it."""
    if element.tag == "div":
        return "img_wrapper" in classes(element) or not text_of(element)
    if any(inner.tag in ("p", "table", "center") for inner in element.iterdescendants()):
        return False
    if element.tag == "table":  # of 2004-08: a picture, and its caption in the cell below
        return pictures == 1 and len(list(element.iter("td"))) <= 4 and _has_caption_below(element)
    return True


def _has_caption_below(table: HtmlElement) -> bool:
    seen, words = False, ""
    for begins, element in walk(table):
        seen = seen or element.tag == "img"
        text = (element.text if begins else element.tail if element is not table else "") or ""
        if text.strip() and not seen:
            return False
        words += text
    return is_caption(SPACES.sub(" ", words).strip())


def is_caption(words: str) -> bool:
    """Whether words right under a picture are its caption: one short line, no sentence.

    >>> is_caption("图为投产仪式现场 林某/摄"), is_caption("近日，该公司宣布投产。")
    (True, False)
    """
    return len(words) <= _LONGEST_CAPTION and not _SENTENCE.search(words)


def _is_description(element: HtmlElement) -> bool:
    return element.tag == "figcaption" or "img_descr" in classes(element)


def _atoms(parent: HtmlElement) -> Iterator[HtmlElement | str]:
    """Texts, pictures, captions, figures and other elements in order; what holds pictures or captions is opened."""
    if parent.text:
        yield parent.text
    for child in list(parent):
        tail, child.tail = child.tail, None
        if _is_opened(child):
            yield from _atoms(child)
            if child.tag in _BLOCKS:
                yield new_element("br")
        else:
            yield child
        if tail:
            yield tail


def _is_opened(child: HtmlElement) -> bool:
    if child.tag in ("img", "figure", "br") or _is_description(child) or not len(child):
        return False
    if child.tag in KEPT and child.tag != "table" and text_of(child):
        return False
    return any(inner.tag == "img" or _is_description(inner) for inner in child.iterdescendants())


class _Figures:
    """What a wrapper holds, in order: figures, and the words that are no captions."""

    def __init__(self, wrapper: HtmlElement) -> None:
        self.wrapper = wrapper
        self.is_figure = wrapper.tag == "figure"
        self.atoms = list(_atoms(wrapper))
        self.described = any(
            not isinstance(atom, str) and _is_description(atom) and text_of(atom) for atom in self.atoms
        )
        self.figure: HtmlElement | None = None  #: the last one, while it has no caption
        self.words: list[HtmlElement | str] = []  #: after it
        self.caption = ""  #: that stands before its picture

    def rebuild(self) -> None:
        self.wrapper.clear(keep_tail=True)
        self.wrapper.tag = "div"
        for atom in self.atoms:
            if isinstance(atom, str):
                self.words.append(atom)
            elif atom.tag == "img":
                self._add_picture(atom)
            elif atom.tag == "figure":
                self._put_words()
                self._open(atom)
            elif _is_description(atom):
                self._describe(_one_line([atom]))
            else:
                self.words.append(atom)
        self._put_words()
        if self.caption:
            self._append_paragraph(self.caption)

    def _add_picture(self, picture: HtmlElement) -> None:
        if self.figure is None or _one_line(self.words) or self.figure.find("figcaption") is not None:
            self._put_words()
            self._open(new_element("figure"))
        self.words.clear()
        assert self.figure is not None
        self.figure.append(picture)
        if self.caption:
            self._describe(self.caption)
            self.caption = ""

    def _open(self, figure: HtmlElement) -> None:
        self.wrapper.append(figure)
        self.figure = figure if figure.find("figcaption") is None else None

    def _describe(self, words: str) -> None:
        if not words:
            return
        if self.figure is not None:
            caption = new_element("figcaption")
            caption.text = words
            self.figure.append(caption)
            self.figure = None
        elif _one_line(self.words) or self.caption:
            self._put_words()
            self._append_paragraph(words)
        else:
            self.caption = words

    def _put_words(self) -> None:
        """The words since the last picture: its caption by their place, or the article's."""
        words, self.words = self.words, []
        said = _one_line(words)
        loose = self.is_figure or all(isinstance(word, str) or word.tag not in KEPT for word in words)
        if said and self.figure is not None and loose and not self.described and is_caption(said):
            self._describe(said)
        elif said or any(not isinstance(word, str) and word.tag != "br" for word in words):
            for word in words:
                self._append(word)
            self.figure = None

    def _append(self, word: HtmlElement | str) -> None:
        if not isinstance(word, str):
            self.wrapper.append(word)
        elif len(self.wrapper):
            self.wrapper[-1].tail = (self.wrapper[-1].tail or "") + word
        else:
            self.wrapper.text = (self.wrapper.text or "") + word

    def _append_paragraph(self, words: str) -> None:
        paragraph = new_element("p")
        paragraph.text = words
        self.wrapper.append(paragraph)


def _one_line(parts: Iterable[HtmlElement | str]) -> str:
    """The words of the parts on one line; a line break is a space."""
    words = ""
    for part in parts:
        if isinstance(part, str):
            words += part
            continue
        for begins, inner in walk(part):
            words += (inner.text if begins else inner.tail if inner is not part else "") or ""
            words += " " if inner.tag == "br" and begins else ""
    return SPACES.sub(" ", words).strip(" \u3000")
