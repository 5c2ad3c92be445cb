"""Whether reading a post lost its words: what was there by a reading independent of ours, against what is left. Pure.

Words are counted, single characters in Chinese. What Sina's templates add, and ``cleaning`` takes out on purpose, is
no loss: it is out of the count on both sides. A body that loses a twentieth of the rest, and at least LEAST of them,
has lost text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser

from sinanews.cleaning.clutter import CLUTTER, NOT_TEXT

SHARE = 20  #: one word in so many may be lost
LEAST = 10  #: words; less is a broken tag that one parser shows as text and the other does not
_WORD = re.compile(r"[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+")
#: fin_reference: an editors' box of links to Sina's other articles, which goes where it is nothing else.
_CLUTTER_NAMES = frozenset(name for names in CLUTTER.values() for name in names.split()) | {"fin_reference"}
_CUT_TAG = re.compile(r"<[a-zA-Z/!][^<>]*\Z")  # no browser shows a tag that the text's end cuts off
_VOID = frozenset("area base br col embed frame hr img input link meta param source track wbr".split())
_BREAKS = frozenset(
    "p div br li tr h1 h2 h3 h4 h5 h6 section blockquote pre table ul ol dt dd figure hr center".split()
)
#: Lines that are Sina's and not the article's, or that become a field: an editor, a headline, an appeal.
_KNOWN_LINES = re.compile(
    r"新浪|原(?:文)?标题|责任?编辑?\s*[：:]|编辑\s*[：:]|来源\s*[：:]|二维码|公众号|微信|微博|客户端|APP|炒股就看|金麒麟|点击|扫|相关|推荐|上一页|下一页"
)
_LONGEST_KNOWN = 400  #: characters of such a line


@dataclass(frozen=True)
class Loss:
    """A twentieth or more of a text's words."""

    lost: int
    words: int
    example: str

    def __str__(self) -> str:
        return f"{100 * self.lost / self.words:.0f} % of its {self.words} words would be lost, such as: {self.example}"


def loss(before: str, after: str) -> Loss | None:
    """What a text lost on its way, if that is too much; lines of ``before`` that are known clutter are left out."""
    kept = Counter(_WORD.findall(after))
    lost, words, example = 0, 0, ""
    for line in before.split("\n"):
        if len(line) <= _LONGEST_KNOWN and _KNOWN_LINES.search(line):
            continue
        here = Counter(_WORD.findall(line))
        missing = sum(max(0, number - max(0, kept[word])) for word, number in here.items())
        kept.subtract(here)
        words += sum(here.values())
        lost += missing
        if missing > 2 and not example:
            example = " ".join(line.split())[:60]
    return Loss(lost, words, example) if lost >= LEAST and lost * SHARE > words else None


def visible_text(markup: str) -> str:
    """What a reader sees of a body, a block a line, by Python's own parser; Sina's known boxes are left out."""
    reader = _Reader()
    reader.feed(_CUT_TAG.sub("", markup))
    reader.close()
    return "".join(reader.parts)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.hidden: list[str] = []  # open elements from the outermost hidden one on
        self.unseen: list[str] = []  # what stands in them

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BREAKS:
            self.handle_data("\n")
        if tag not in _VOID and (self.hidden or _is_hidden(tag, dict(attrs))):
            self.hidden.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.hidden:
            del self.hidden[len(self.hidden) - 1 - self.hidden[::-1].index(tag) :]
            if not self.hidden:
                self.unseen.clear()
        if tag in _BREAKS:
            self.handle_data("\n")

    def handle_data(self, data: str) -> None:
        (self.unseen if self.hidden else self.parts).append(data)

    def close(self) -> None:
        """An element that is never closed, such as the one in ``List<Object>``, hides nothing."""
        super().close()
        if self.hidden and self.hidden[0] in NOT_TEXT:
            self.parts += self.unseen


def _is_hidden(tag: str, attributes: dict[str, str | None]) -> bool:
    names = {*(attributes.get("class") or "").split(), attributes.get("id") or ""}
    return tag in NOT_TEXT or bool(names & _CLUTTER_NAMES) or any(name.startswith("quote_") for name in names)


_UNSEEN_SOURCE = re.compile(
    r"<(script|style|iframe|video|audio|svg|canvas|object|noscript)\b[^<>]*>.{0,1000}?</\1\s*>",
    re.I | re.S,
)
_SYNTAX = re.compile(
    r"!\[[^\]\n]*\](?:\([^)\n]*\)|\[[^\]\n]*\])?|https?://[^\s<>)]+"  # pictures and addresses
    r"|</?[a-z][a-z0-9]*(?:\s[^<>]*)?/?>"  # tags
    r"|\]\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*\)|\]\[[^\]\n]*\]"  # where links lead
    r"|^ {0,3}\[[^\]\n]+\]:.*$"  # … and their definitions
    r"|^[ >\t*+-]*(?:\d+[.)] +)?(?:`{3,}|~{3,}).*$"  # fences and the language they name
    r"|<(?:https?|mailto):[^<>\s]*>|\{%[^%\n]{0,500}%\}",
    re.M,
)


def visible_source(markdown: str) -> str:
    """The words of a Markdown text without its syntax; a rough reading that shares nothing with the parser."""
    lines = _SYNTAX.sub(" ", _UNSEEN_SOURCE.sub(" ", _without_comments(markdown))).split("\n")
    return unescape("\n".join(_without_numbers(lines)))


def _without_comments(markdown: str) -> str:
    """Without comments, however long: a licence, or what another tool reads. One that is not closed is text."""
    parts, at = [], 0
    while (start := markdown.find("<!--", at)) >= 0 and (end := markdown.find("-->", start + 2)) >= 0:
        parts.append(markdown[at:start])
        at = end + 3
    return " ".join([*parts, markdown[at:]])


def _without_numbers(lines: list[str]) -> Iterator[str]:
    """A list's numbers are shown by the browser, not written."""
    return (re.sub(r"^[ >\t*+-]*\d{1,9}[.)](?=\s)", "", line) for line in lines)
