"""What is asked for, read from what people type. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sinanews.catalogue.search.folding import fold
from sinanews.exceptions import ArgumentError

MOST_CHARACTERS, MOST_WORDS = 1000, 50
_QUOTES = str.maketrans(dict.fromkeys("“”„‟「」『』＂", '"'))
#: A minus before it, a phrase in quotes (the last may lack its end) or a word.
_TERM = re.compile(r'(?P<without>(?<!\S)[-－])?(?:"(?P<phrase>[^"]*)(?:"|$)|(?P<word>[^\s"]+))')


@dataclass(frozen=True)
class Query:
    """Folded words: an article has one of each group of ``all_of``, and none of ``none_of``.

    It has a word if one of its paragraphs, or its title, has the word's characters beside each other.
    """

    all_of: tuple[tuple[str, ...], ...]
    none_of: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """What is looked for, to be highlighted: the longest first."""
        return tuple(sorted({word for group in self.all_of for word in group}, key=lambda word: (-len(word), word)))


def parse_query(text: str) -> Query:
    """Words beside each other all have to be there; ``a OR b`` is one of them, ``-c`` without it, ``"d e"`` a phrase.

    OR binds more tightly. A quote that nobody ends goes to the end. Raises ArgumentError.

    >>> parse_query('降准 OR 降息 "A股 指数" -美股')
    Query(all_of=(('降准', '降息'), ('a股 指数',)), none_of=('美股',))
    """
    if len(text) > MOST_CHARACTERS:
        raise ArgumentError(f"the search has {len(text)} characters; {MOST_CHARACTERS} are the most")
    groups: list[list[str]] = []
    without: list[str] = []
    after_or = False
    for match in _TERM.finditer(text.translate(_QUOTES)):
        if match["word"] == "OR" and not match["without"]:
            after_or = bool(groups)
            continue
        word = " ".join(fold(match["phrase"] or match["word"] or "").split())
        if not word:
            continue
        if match["without"] and after_or:
            raise ArgumentError(f"OR -{word}: what is to be absent cannot stand beside an OR; write it apart")
        if match["without"]:
            without.append(word)
        elif after_or:
            groups[-1].append(word)
        else:
            groups.append([word])
        after_or = False
    if sum(map(len, groups)) + len(without) > MOST_WORDS:
        raise ArgumentError(f"the search has too many words; {MOST_WORDS} are the most")
    if not groups:
        absent = " beside what is to be absent" if without else ""
        raise ArgumentError(f"name a word to look for{absent}, such as: scrapy search 降准 -美股")
    return Query(tuple(tuple(dict.fromkeys(group)) for group in groups), tuple(dict.fromkeys(without)))
