"""The lines of a block as a reader sees them, between forced line breaks, each with the words and links it is made of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from sinanews.cleaning.blocks import PARAGRAPHS, Block, body_lines, has_picture, tidy
from sinanews.cleaning.tree import GONE, SPACES, HtmlElement, is_only_links, strip_tags, text_without_links, walk

_SINA = re.compile(r"//[\w.-]*\b(?:sina|weibo|allyes)\b")


@dataclass(eq=False)
class Line:
    """A line of a block; most blocks are one line, and so are tables and lists."""

    block: Block
    text: str
    parts: list[tuple[HtmlElement, str]] = field(default_factory=list)  #: (element, "text" or "tail"); none: all of it
    links: list[HtmlElement] = field(default_factory=list)
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
    def texts(self) -> list[str]:
        """Its text; of a list or quotation that of each line inside."""
        return [self.text] if self.block.element.tag in PARAGRAPHS else list(body_lines([self.block]))


def lines_of(blocks: Iterable[Block]) -> Iterator[Line]:
    """The lines that hold words."""
    for block in blocks:
        element = block.element
        if len(element) and element.tag in PARAGRAPHS and next(element.iter("br"), None) is not None:
            yield from filter(lambda line: line.text, _split(block))
        else:
            yield Line(block, block.text)


def _split(block: Block) -> Iterator[Line]:
    line, link = Line(block, ""), None
    for begins, element in walk(block.element):
        if begins and element.tag == "br":
            line.ends_with = element
            yield _finished(line)
            line = Line(block, "", follows=element)
            continue
        if element.tag == "a":
            link = element if begins else None
        name = "text" if begins else "tail"
        if (begins or element is not block.element) and (words := getattr(element, name)):
            line.parts.append((element, name))
            line.text += words
            if link is None:
                line.unlinked += words
            elif link not in line.links:
                line.links.append(link)
    yield _finished(line)


def _finished(line: Line) -> Line:
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
        if (after := line.follows if line.follows is not None else line.ends_with) is not None:
            after.tag = GONE
    for block in changed:
        strip_tags(block.element, GONE)
        block.text = tidy(block.element)
        if not block.text and not has_picture(block.element):
            gone.add(block)
    if gone:
        blocks[:] = [block for block in blocks if block not in gone]
    return count


def cut_at_end(line: Line, pattern: re.Pattern[str], longest: int) -> bool:
    """Cut what a pattern finds at the line's end out of its last words; False where they do not stand together."""
    element = line.block.element
    if line.parts:
        last = next((part for part in reversed(line.parts) if (getattr(*part) or "").strip()), None)
    else:
        last = (element[-1], "tail") if len(element) else (element, "text")
    words = (getattr(*last) or "") if last else ""
    kept = words[:-longest] + pattern.sub("", words[-longest:])
    if last is None or kept == words:
        return False
    setattr(*last, kept or None)
    line.block.text = tidy(element)
    return True
