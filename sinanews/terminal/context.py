"""Where the words of a search stand in a text, and a line of it around them that fits a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from sinanews.catalogue.search.folding import fold, folded_places
from sinanews.terminal.show import plain

if TYPE_CHECKING:
    from rich.text import Text

MARK = "bold red"
NEAR = 1000  #: characters of a paragraph that are looked at on each side of a word
DOTS = "…"


def places_of(words: Iterable[str], line: str) -> list[tuple[int, int]]:
    """Where a line has the folded words, from and to; none overlaps another.

    >>> places_of(["a股", "涨"], "滬深Ａ股大漲㎡")
    [(2, 4), (5, 6)]
    """
    folded, origins = folded_places(line)
    found: list[tuple[int, int]] = []
    for word in words:
        at = folded.find(word)
        while at >= 0:
            found.append((origins[at], origins[at + len(word) - 1] + 1))
            at = folded.find(word, at + len(word))
    apart: list[tuple[int, int]] = []
    for start, end in sorted(found, key=lambda place: (place[0], -place[1])):
        if not apart or start >= apart[-1][1]:
            apart.append((start, end))
    return apart


def marked(line: str, words: Sequence[str]) -> Text:
    """A line of others' with the words in it highlighted."""
    from rich.text import Text  # not at the top: Scrapy imports every command on every start

    line = plain(line)
    text = Text(line)
    for start, end in places_of(words, line):
        text.stylize(MARK, start, end)
    return text


def context_of(body: str, words: Sequence[str], width: int) -> Text:
    """As much as has room of the first paragraph with the most of the words, around the first of them."""
    paragraphs = body.split("\n")
    having = [sum(word in folded for word in words) for folded in map(fold, paragraphs)]
    line = _near(plain(paragraphs[having.index(max(having))]).strip(), words)
    text = marked(line, words)
    first = text.spans[0].start if text.spans else 0
    start, end = _room(line, first, width)
    return text.assemble(DOTS * (start > 0), text[start:end], DOTS * (end < len(line)))


def _near(line: str, words: Sequence[str]) -> str:
    """Of a long paragraph what is near a word: to find where it came from takes time for each character."""
    if len(line) <= 2 * NEAR:
        return line
    folded = fold(line)
    at = next((folded.find(word) for word in words if word in folded), 0) * len(line) // max(1, len(folded))
    start = max(0, at - NEAR)
    return DOTS * (start > 0) + line[start : at + NEAR] + DOTS * (at + NEAR < len(line))


def _room(line: str, first: int, width: int) -> tuple[int, int]:
    """From and to which character a line is shown: a third of the room before the word, dots at each end."""
    from rich.cells import cell_len

    room = max(width - 2 * cell_len(DOTS), 2)
    start, before = first, 0
    while start > 0 and before + cell_len(line[start - 1]) <= room // 3:
        start -= 1
        before += cell_len(line[start])
    end, used = start, 0
    while end < len(line) and used + cell_len(line[end]) <= room:
        used += cell_len(line[end])
        end += 1
    while start > 0 and used + cell_len(line[start - 1]) <= room:  # near the end there is room before it
        start -= 1
        used += cell_len(line[start])
    return start, end
