"""The lines of a block as a reader sees them, between forced line breaks, and what each is made of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sinanews.cleaning.blocks import PARAGRAPHS, Block, serialise, text_lines
from sinanews.cleaning.tree import Node, drop, linked_texts, one_line, text_of, text_without_links, words_of

_WORD = re.compile(r"\w+")
_SINA = re.compile(r"//[\w.-]*\b(?:sina|weibo|allyes)\b")


@dataclass(eq=False, slots=True)
class Line:
    """A line of a block; most blocks are one line, and so are tables and lists."""

    block: Block
    text: str
    has_links: bool
    parts: Sequence[Node] = ()  #: the texts it is made of; none: all of the block
    links: Sequence[Node] = ()
    unlinked: str = ""  #: the words outside links
    line_break: Node | None = None  #: the one before it; of a first line the one after it

    @property
    def is_only_links(self) -> bool:
        """Whether all text but brackets, arrows and the like stands in links."""
        if self.parts:
            return self.has_links and _WORD.search(self.text) is not None and not _WORD.search(self.unlinked)
        linked = "".join(_WORD.findall("".join(map(text_of, self.block.element.css("a")))))
        return bool(linked) and linked == "".join(_WORD.findall(self.text))

    @property
    def text_without_links(self) -> str:
        if self.parts:
            return self.unlinked
        return text_without_links(self.block.element) if self.has_links else self.text

    @property
    def targets(self) -> list[str]:
        links = self.links if self.parts else self.block.element.css("a")
        return [link.attrs.sget("href") for link in links]

    @property
    def leads_to_sina(self) -> bool:
        """Whether it has links, all to Sina's pages."""
        return bool(targets := self.targets) and all(map(_SINA.search, targets))

    @property
    def stands_alone(self) -> bool:
        """Whether taking it out takes nothing else along: no other line of its block, no picture, no code."""
        if self.parts or self.block.tag in PARAGRAPHS:
            return True
        return self.block.tag not in ("table", "figure", "pre", "hr") and len(self.texts) == 1

    @property
    def texts(self) -> list[str]:
        """Its text; of a list or quotation that of each line inside."""
        return [self.text] if self.block.tag in PARAGRAPHS else text_lines(serialise([self.block]))


class BodyText:
    """An article's blocks, and their lines that hold words; rules take lines out of it."""

    def __init__(self, blocks: list[Block]) -> None:
        self.blocks = blocks
        self._all: list[Line] | None = None  #: until a block changes
        self._lines: dict[Block, list[Line]] = {}  # not in the blocks: lines know theirs, and no circle keeps the tree

    def lines(self) -> list[Line]:
        if self._all is None:
            self._all = [line for block in self.blocks for line in self.lines_of(block)]
        return self._all

    def lines_of(self, block: Block) -> list[Line]:
        """The lines of a block, looked at once until it changes."""
        if block not in self._lines:
            if "br" in block.holds and block.tag in PARAGRAPHS:
                self._lines[block] = [line for line in _split(block) if line.text]
            else:
                self._lines[block] = [Line(block, block.text, "a" in block.holds)]
        return self._lines[block]

    def take_out(self, lines: Iterable[Line]) -> int:
        """Remove lines, and blocks of which nothing is left. How many lines."""
        gone: set[Block] = set()
        changed: dict[Block, None] = {}
        count = 0
        for line in lines:
            count += 1
            if not line.parts:
                gone.add(line.block)
                continue
            changed[line.block] = None
            drop(line.parts)
            if line.line_break is not None:
                line.line_break.decompose()
        self._look_again(changed, gone)
        return count

    def cut_tails(self, lines: Iterable[Line], pattern: re.Pattern[str], longest: int) -> int:
        """Cut what a pattern finds at the ends of lines, unless it is spread over several elements. How many."""
        cut = [line.block for line in lines if _cut_tail(line, pattern, longest)]
        self._look_again(cut, set())
        return len(cut)

    def _look_again(self, changed: Iterable[Block], gone: set[Block]) -> None:
        """Changed blocks have other lines; those that are empty now go, with those that are gone."""
        self._all = None
        for block in changed:
            block.tidy()
            self._lines.pop(block, None)
            if block.is_empty:
                gone.add(block)
        if gone:
            self.blocks = [block for block in self.blocks if block not in gone]


def _split(block: Block) -> Iterator[Line]:
    linked = linked_texts(block.element)
    before: Node | None = None
    texts: list[Node] = []
    for node in block.element.traverse(include_text=True):
        if node.is_text_node:
            texts.append(node)
        elif node.tag == "br":
            yield _line(block, texts, linked, before or node)
            texts, before = [], node
    yield _line(block, texts, linked, before)


def _line(block: Block, texts: list[Node], linked: dict[Node, Node], line_break: Node | None) -> Line:
    text, unlinked = _words(texts), _words(node for node in texts if node not in linked)
    links = list(dict.fromkeys(linked[node] for node in texts if node in linked))
    return Line(block, text, bool(links), texts, links, unlinked, line_break)


def _words(texts: Iterable[Node]) -> str:
    return one_line("".join(map(words_of, texts)))


def _cut_tail(line: Line, pattern: re.Pattern[str], longest: int) -> bool:
    owner = next((part for part in reversed(line.parts) if words_of(part).strip()), line.block.element.last_child)
    words = words_of(owner)
    kept = words[:-longest] + pattern.sub("", words[-longest:])
    if owner is None or kept == words:
        return False
    owner.replace_with(kept)
    return True
