"""The lines of a block as a reader sees them, between forced line breaks, and what each is made of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sinanews.cleaning.blocks import PARAGRAPHS, Block, body_lines, has_picture, tidy
from sinanews.cleaning.tree import GONE, SPACES, HtmlElement, is_only_links, strip_tags, text_without_links, walk

_SINA = re.compile(r"//[\w.-]*\b(?:sina|weibo|allyes)\b")


@dataclass(eq=False, slots=True)
class Line:
    """A line of a block; most blocks are one line, and so are tables and lists."""

    block: Block
    text: str
    parts: Sequence[tuple[HtmlElement, str]] = ()  #: (element, "text" or "tail"); none: all of it
    links: Sequence[HtmlElement] = ()
    unlinked: str = ""  #: the words outside links
    ends_with: HtmlElement | None = None  #: the line break after it
    follows: HtmlElement | None = None  #: the line break before it

    @property
    def is_only_links(self) -> bool:
        """Whether all text but brackets, arrows and the like stands in links."""
        if self.parts:
            return bool(self.links) and re.search(r"\w", self.text) is not None and not re.search(r"\w", self.unlinked)
        return len(self.block.element) > 0 and is_only_links(self.block.element)

    @property
    def text_without_links(self) -> str:
        if self.parts:
            return self.unlinked
        return text_without_links(self.block.element) if len(self.block.element) else self.text

    @property
    def targets(self) -> list[str]:
        links = self.links if self.parts else self.block.element.iter("a")
        return [link.get("href", "") for link in links]

    @property
    def leads_to_sina(self) -> bool:
        """Whether it has links, all to Sina's pages."""
        return bool(targets := self.targets) and all(map(_SINA.search, targets))

    @property
    def has_links(self) -> bool:
        if self.parts:
            return bool(self.links)
        return len(self.block.element) > 0 and next(self.block.element.iter("a"), None) is not None

    @property
    def stands_alone(self) -> bool:
        """Whether taking it out takes nothing else along: no other line of its block, no picture, no code."""
        if self.parts or self.block.element.tag in PARAGRAPHS:
            return True
        return self.block.element.tag not in ("table", "figure", "pre", "hr") and len(self.texts) == 1

    @property
    def texts(self) -> list[str]:
        """Its text; of a list or quotation that of each line inside."""
        return [self.text] if self.block.element.tag in PARAGRAPHS else list(body_lines([self.block]))


def lines_of(blocks: Iterable[Block]) -> list[Line]:
    """The lines that hold words, looked at once."""
    found: list[Line] = []
    for block in blocks:
        if block.lines is None:
            broken = (
                block.element.tag in PARAGRAPHS
                and len(block.element)
                and next(block.element.iter("br"), None) is not None
            )
            block.lines = [line for line in _split(block) if line.text] if broken else [Line(block, block.text)]
        found += block.lines
    return found


def _split(block: Block) -> Iterator[Line]:
    line, link = Line(block, ""), None
    parts: list[tuple[HtmlElement, str]] = []
    for begins, element in walk(block.element):
        if begins and element.tag == "br":
            line.ends_with = element
            yield _finished(line, parts)
            line, parts = Line(block, "", follows=element), []
            continue
        if element.tag == "a":
            link = element if begins else None
        name = "text" if begins else "tail"
        if (begins or element is not block.element) and (words := getattr(element, name)):
            parts.append((element, name))
            line.text += words
            if link is None:
                line.unlinked += words
            elif link not in line.links:
                line.links = [*line.links, link]
    yield _finished(line, parts)


def _finished(line: Line, parts: list[tuple[HtmlElement, str]]) -> Line:
    line.parts = parts
    line.text = SPACES.sub(" ", line.text).strip(" \u3000")
    line.unlinked = SPACES.sub(" ", line.unlinked).strip(" \u3000")
    return line


def take_out(blocks: list[Block], lines: Iterable[Line]) -> int:
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
        for element, name in line.parts:
            setattr(element, name, None)
        if (line_break := line.follows if line.follows is not None else line.ends_with) is not None:
            line_break.tag = GONE
    for block in changed:
        strip_tags(block.element, GONE)
    if gone:
        blocks[:] = [block for block in blocks if block not in gone]
    _look_again(blocks, changed)
    return count


def cut_tails(blocks: list[Block], lines: Iterable[Line], pattern: re.Pattern[str], longest: int) -> int:
    """Cut what a pattern finds at the ends of lines; what does not stand together in one element stays. How many."""
    cut = [line.block for line in lines if _cut_tail(line, pattern, longest)]
    _look_again(blocks, cut)
    return len(cut)


def _cut_tail(line: Line, pattern: re.Pattern[str], longest: int) -> bool:
    element = line.block.element
    whole = (element[-1], "tail") if len(element) else (element, "text")
    owner, name = next((part for part in reversed(line.parts) if getattr(*part).strip()), whole)
    words = getattr(owner, name) or ""
    kept = words[:-longest] + pattern.sub("", words[-longest:])
    setattr(owner, name, kept or None)
    return kept != words


def _look_again(blocks: list[Block], changed: Iterable[Block]) -> None:
    """Text and lines of changed blocks; those that are empty now go."""
    empty = set()
    for block in changed:
        block.text, block.lines = tidy(block.element), None
        if not block.text and not has_picture(block.element):
            empty.add(block)
    if empty:
        blocks[:] = [block for block in blocks if block not in empty]
