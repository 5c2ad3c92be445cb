"""Invented financial news: places, companies, media and figures that exist nowhere else.

The same number always gives the same text. Two texts share few phrases, because every sentence is put
together from clauses, and every clause from words drawn anew.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from random import Random

DATA = Path(__file__).with_name("templates")
_RULES = {
    name: tuple(alternatives.split("|"))
    for line in (DATA / "words.txt").read_text(encoding="utf-8").splitlines()[1:]
    for name, _, alternatives in [line.partition(": ")]
}
_AWKWARD = (DATA / "headlines.txt").read_text(encoding="utf-8").splitlines()  #: {} is the plain headline
_SLOT = re.compile(r"\[(\w+)\]")
_NUMBERS = {"n": (3, 989), "mon": (1, 12), "dom": (1, 28)}
_ENDINGS = {"co": "股份 实业 控股 集团", "co2": "贸易 制造 科技", "city": "市 州 港", "city2": "县 镇 湾"}


@dataclass(frozen=True)
class Text:
    """One story; paragraphs are plain text without indent."""

    title: str
    intro: str
    company: str
    stock: str  #: made-up code such as ``sh699123``
    media: str
    editor: str
    keywords: list[str]
    paragraphs: list[str] = field(default_factory=list)


class _Writer:
    def __init__(self, rng: Random) -> None:
        self.rng = rng
        industry, *nouns = rng.choice(_RULES["industry"]).split()
        self.nouns = rng.sample(nouns, 6)
        self.fixed = {"ind": industry} | {name: self.name(endings) for name, endings in _ENDINGS.items()}

    def name(self, endings: str) -> str:
        return "".join(self.rng.sample(_RULES["syllable"], 2)) + self.rng.choice(endings.split())

    def slot(self, match: re.Match[str]) -> str:
        key, rng = match[1], self.rng
        if key in self.fixed:
            return self.fixed[key]
        if key in _NUMBERS:
            return str(rng.randint(*_NUMBERS[key]))
        if key == "d":
            return f"{rng.uniform(0.3, 96):.{rng.choice((1, 2, 2))}f}"
        if key == "noun":
            return rng.choice(self.nouns)
        return self.write(rng.choice(_RULES[key]))

    def write(self, rule: str) -> str:
        return _SLOT.sub(self.slot, rule)

    def paragraph(self) -> str:
        return "".join(self.write("[sentence]") for _ in range(self.rng.choice((2, 2, 3, 4))))


@lru_cache(maxsize=4096)
def heading(number: int, seed: int = 1) -> Text:
    """The story without its paragraphs: what a listing needs."""
    writer = _Writer(Random(seed * 10_000_019 + number))
    title, intro, rng = writer.write("[title]"), writer.write("[open]，[fact]，[tail]。"), writer.rng
    if number % 9 == 4:
        title = _AWKWARD[number // 9 % len(_AWKWARD)].format(title)
    company, stock = writer.fixed["co"], f"{rng.choice(('sh699', 'sz309'))}{rng.randrange(1000):03}"
    media, editor = rng.choice(_RULES["medium"]), rng.choice(_RULES["editor"])
    return Text(title, intro, company, stock, media, editor, [company, *writer.nouns[:2]])


@lru_cache(maxsize=4096)
def story(number: int, seed: int = 1, revision: int = 0) -> Text:
    """The whole story; each revision rewrites one paragraph of the one before and adds a line."""
    head = heading(number, seed)
    writer = _Writer(Random(seed * 10_000_019 + number))
    writer.rng.seed(seed * 10_000_019 - number - 1)
    paragraphs = [f"{head.intro}{writer.paragraph()}"]
    paragraphs += [writer.paragraph() for _ in range(writer.rng.randint(3, 9))]
    for edit in range(1, revision + 1):
        paragraphs[edit % len(paragraphs)] = writer.paragraph()
        paragraphs.append(f"（第{edit}次更新）{writer.write('[sentence]')}")
    return replace(head, paragraphs=paragraphs)


def flash(number: int, seed: int = 1) -> tuple[str, str, str]:
    """One row of the live feed: its text (three in four begin with 【headline】), a company, its code."""
    writer = _Writer(Random(seed * 10_000_019 + 5_000_000 + number))
    text = writer.write("【[title]】" if number % 4 else "") + writer.write("[open]，[fact]，[tail]。")
    return text, writer.fixed["co"], f"sh699{number % 1000:03}"
