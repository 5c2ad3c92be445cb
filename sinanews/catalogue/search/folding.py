"""When two texts are the same to a search: written alike but for width, case and script. Pure."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from pathlib import Path

#: Characters of a text that are searched; no page that is read has as many.
MOST = 2**20
_NOT_TEXT = re.compile("[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff]")  # neither database takes them all
#: All but Latin text, punctuation and Chinese characters of one form; the rest of a set in brackets.
_OUTSIDE = "[\x00-\x08\x0b-\x1fA-Z\x7f-\u3000\u3003-\u4dff\ua000-\U0010ffff"
_STANDS_FOR = {" ": "\ue020", "\n": "\ue00a"}  # a token has no space in it
_WITH_NEXT = re.compile("[0-9a-z](?=[0-9a-z])")
LATIN = "0123456789abcdefghijklmnopqrstuvwxyz"


class _Folded(dict[int, str]):
    """Character → what it is searched as, by code point; made when it is first met."""

    def __init__(self) -> None:
        lines = Path(__file__).with_name("simplified.txt").read_text("utf-8").splitlines()
        pairs = (pair for line in lines if not line.startswith("#") for pair in line.split())
        self.simplified = {ord(pair[0]): ord(pair[1]) for pair in pairs}

    def __missing__(self, code: int) -> str:
        wide = _NOT_TEXT.sub(" ", chr(code))
        self[code] = made = unicodedata.normalize("NFKC", wide).casefold().translate(self.simplified)
        return made


@lru_cache(maxsize=1)
def _folded() -> _Folded:
    return _Folded()


@lru_cache(maxsize=1)
def _changing() -> re.Pattern[str]:
    """Every character that is searched as another, and some that are not: a text has few, and looking them all up one
    by one would take four times as long."""
    return re.compile(_OUTSIDE + "".join(chr(code) for code in _folded().simplified if code < 0xA000) + "]")


def fold(text: str) -> str:
    """A text as it is searched: half-width, lower case, simplified, one space between words, one line a paragraph.

    Two characters of it are beside each other where they are on the page. What folds alike is found alike.

    >>> fold("ＥＴＦ　漲  5．5％\\n\\n 滬深Ａ股")
    'etf 涨 5.5%\\n沪深a股'
    """
    folded = _folded()
    text = _changing().sub(lambda match: folded[ord(match[0])], text)
    if not unicodedata.is_normalized("NFC", text):
        text = unicodedata.normalize("NFC", text)  # an accent that is a character of its own
    return "\n".join(line for paragraph in text.split("\n") if (line := " ".join(paragraph.split())))


def folded_places(text: str) -> tuple[str, list[int]]:
    """A paragraph folded character by character, and from which character of it each of the folded came.

    >>> folded_places("涨㎡")
    ('涨m2', [0, 1, 1])
    """
    made: list[str] = []
    places: list[int] = []
    for place, char in enumerate(text):
        part = fold(char) or " "  # white space is kept: it is shown
        if part == " " and made and made[-1] == " ":
            continue
        made.append(part)
        places += [place] * len(part)
    return "".join(made), places


def tokens(folded: str) -> str:
    """What a folded text is indexed as: each character a token, white space too; spaces between the tokens.

    A Latin letter or digit has the one that follows it in its token: alone it would be in every article, and a stock's
    code would be sought in them all. So a phrase of tokens is found where its characters are beside each other, and
    nowhere else.

    >>> tokens("买sh60,a股")
    '买 sh h6 60 0 , a 股'
    """
    for char, token in _STANDS_FOR.items():
        folded = folded.replace(char, token)
    made = list(folded)
    for match in _WITH_NEXT.finditer(folded):
        place = match.start()
        made[place] = folded[place : place + 2]
    return " ".join(made)


def phrases(word: str) -> list[str]:
    """The phrases of tokens, any of which has the folded word: its last letter may have another one behind it.

    >>> phrases("a股"), phrases("600519"), len(phrases("涨5"))
    (['a 股'], ['60 00 05 51 19'], 37)
    """
    made = tokens(word)
    if word[-1] not in LATIN:
        return [made]
    if len(word) > 1 and word[-2] in LATIN:
        return [made[:-2]]  # it is in the token before
    return [made, *(made + other for other in LATIN)]
