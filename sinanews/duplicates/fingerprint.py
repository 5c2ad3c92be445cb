"""What makes two texts the same story: an exact digest, and a sketch that survives edits. Pure.

A sketch keeps the smallest of a text's hashes ("bottom-k"). An edit changes the hashes of its own place only, so the
smallest of two related texts still meet: their share estimates both similarity and containment. Words are judged
without their digits; numbers by the words they stand in, for a daily report repeats its words with other numbers.

What texts are compared by is runs of tokens: a character where a script writes no spaces, a word where it does, for
three Latin letters say nothing. Two articles may share much and tell two stories: a broker's disclaimers, a company's
legal paragraphs, a list of links. So formulas are left out, a long part that each has for itself tells them apart, and
``compare`` can be told which hashes other stories have too.

Sketches of 1.0.0 (version 1) cannot be compared with these: its articles are found as copies by their exact text, and
by their story again once they have been refreshed or the catalogue rebuilt.
"""

from __future__ import annotations

import re
import struct
import unicodedata
import zlib
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from itertools import accumulate, chain, islice
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sinanews.items import ArticleItem

SHORT_TEXT = 50  # below this many characters (in a sketch: tokens) a text says too little without its title
SHORTEST_STORY = 100  # below this many visible characters two flashes differ by a word: not judged

KEYS, KEY_LENGTH = 12, 8  # the index: hashes of 8 tokens, numbers included, so that templates spread
SHINGLES, SHINGLE_LENGTH = 64, 3  # the check: hashes of 3 tokens, without numbers
NUMBERS, CONTEXT = 48, 3  # the check: numbers with the 3 tokens before and one after

SAME_SIMILARITY = 0.45  # 5 % of characters changed leave 0.75, 15 % of sentences 0.74; unrelated texts have < 0.05
SAME_CONTAINMENT = 0.75  # of an excerpt in the longer text
SHORTEST_EXCERPT = 0.3  # of the longer text; below, a text is quoted rather than copied
WORST_EDIT = 0.85  # of the words are left when 5 % of the characters change: no edit excuses more other numbers
OWN_PART, OWN_SHARE = 100, 0.1  # tokens and share of a text in one piece that make it a story besides what it shares
LEAD, LEAD_HASHES = 100, 8  # tokens a text begins with; where two begin otherwise, OWN_LEAD tokens of their own suffice
OWN_LEAD, OWN_SEEN = 70, 3  # and so many of its shingles: fewer may be chance
LEAST_LEFT = 5  # shingles that must be left of both texts when what other stories have too is left out
LOST_ANYWAY = 0.01  # share of numbers that may differ though all words agree (typing errors)

# Goes before texts are compared: everything but words, percent signs, and the points and signs of numbers.
# "3.5" must not become "35", nor "-2%" "2%".
# Patterns for whole texts begin with a set or a letter: `re` looks for those quickly, and for nothing else.
_CLUTTER = re.compile(r"[\W_](?<!%)(?!(?<=\d\.)\d|(?<=[+\-])\d)")
# Scripts that write no spaces between words: Han, kana, Thai, Lao, Burmese, Khmer.
_SPACELESS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_TOKEN = re.compile(rf"[{_SPACELESS}]|[^\W\d_{_SPACELESS}]+|[+\-]?\d+(?:,\d{{3}})*(?:\.\d+)*|%")
#: The same without single characters; a number may begin with a sign, but with no character of those scripts.
_OTHER_TOKEN = re.compile(rf"(?![{_SPACELESS}])(?:[^\W\d_{_SPACELESS}]+|[+\-]?\d+(?:,\d{{3}})*(?:\.\d+)*|%)")
_LONGER, _WORD = "\0", 2  # stands for a token of more than one character; kind of a character that is a word
#: code point → 0: no token, 1: a token, _WORD: one that is a word, too
_KINDS = np.zeros(0x110000, np.uint8)
for _first, _last in (map(ord, stretch) for stretch in re.findall(r"(.)-(.)", _SPACELESS)):
    _KINDS[_first : _last + 1] = _WORD
    if _last < 0x10000:  # beyond are ideographs alone
        _KINDS[_first : _last + 1] = [1 + chr(point).isalpha() for point in range(_first, _last + 1)]
_KINDS[ord(_LONGER)] = 1
_NUMBER = re.compile(r"([+\-\d](?<![+\-](?!\d))\d*(?:,\d{3})*(?:\.\d+)?)")
# Lines that each medium writes for itself: their dates and staff codes are not the story's.
_IMPRINT = re.compile(
    r"(?m)^[(\[【\s]*(?:责任编辑|责编|编辑|本文来源|来源|转自|转载自|原标题|作者|本报|本网|记者|校对|审核|文/)[^\n]{0,40}$"
)
# What media, brokers and companies write under every text. A section runs from its heading to the end of the text, a
# note to the end of its line; of the rest the sentence is left out. Compared without them, articles still keep them.
_SECTION = re.compile(
    r"(?m)^[^\w\n]*(?:风险提示(?:及免责声明)?|风险因素|免责(?:声明|条款)|分析师(?:声明|承诺|介绍)|"
    r"(?:投资|股票|行业){0,2}评级(?:说明|标准|体系)|(?:法律|重要|特别|版权|信息披露)声明|"
    r"disclaimers?|important disclosures?|legal notice|safe harbou?r(?: statement)?|"
    r"(?:cautionary (?:note|statement) (?:regarding|concerning) )?forward[- ]looking statements?)[^\w\n]*$"
)
_NOTE = re.compile(r"(?m)^[^\w\n]*(?:风险提示|免责声明|风险警示|(?:法律|重要|特别|版权)声明|disclaimer)[^\S\n]*:.*$")
_FORMULA = re.compile(
    r"虚假记载|误导性陈述|重大遗漏|不构成.{0,20}(?:建议|意见|依据|要约)|与本.{1,8}立场无关|不代表本.{1,8}(?:立场|观点)|风险自担|后果自负|"
    r"投资[需须]谨慎|入市[需须]谨慎|据此(?:操作|入市|投资)|未经.{0,12}(?:授权|许可|同意).{0,12}(?:转载|复制|使用|刊登)|"
    r"all rights reserved|not (?:intended as|constitute) .{0,40}advice|without warranty"
)
_SENTENCE_END = re.compile(r"(?<=[。!?\n])")
LONGEST_SENTENCE = 300  # characters; more is no formula but a text without full stops
_CORRECTION = re.compile(
    r"(?m)\A[^\n]*(?:更正|勘误|订正)|特此更正|(?:^|[(【\[。])\s*(?:更正|勘误|订正)(?:说明|启事|声明|公告)?\s*[:】\])]"
)
_CORRECTING = ("更正", "勘误", "订正")  # one of them is in all that the pattern finds
_CREDIT = re.compile(r"(?:来源|转自|转载自|原载)[:于]?\s*《?(\w{2,12})|据《?(\w{2,10}?)》?(?:记者)?(?:报道|消息)")
_CIRCLED = re.compile(r"[①-⑳]")
# How titles number the parts of a series; Chinese digits are read as digits.
_PARTS = tuple(
    map(
        re.compile,
        (
            r"[(【\[]([上中下]|[\d十]{1,3})(?:/\d+)?[)】\]]",  # （上） (2/3)
            r"(?<!分)之([\d十]{1,3})",
            r"第([\d十百]{1,4})[期集篇章讲弹批回部轮]",
            r"([上中下])[篇集]",
            r"(?:\A|[\s:|】])([\d再])[论评问谈]",
        ),
    )
)
_CHINESE_DIGITS = str.maketrans("一二三四五六七八九", "123456789")
#: What NFKC changes in nearly every Chinese text: a text that has nothing else for it to change it passes quickly.
_OFTEN_WIDE = {wide: unicodedata.normalize("NFKC", wide) for wide in "，：；（）！？％　…"}
_HEADER = struct.Struct("<BBIB6B")
_VERSION = 2


def _wide(text: str) -> str:
    for wide, narrow in _OFTEN_WIDE.items():
        text = text.replace(wide, narrow)
    return unicodedata.normalize("NFKC", text).casefold()


def _words(wide: str) -> str:
    return _CLUTTER.sub("", "".join(wide.split()))


def text_digest(title: str, text: str) -> str | None:
    """32 hex digits for the exact step, equal where only layout differs; None for an empty text.

    The title counts only for texts under `SHORT_TEXT` characters: reprints change it.
    """
    return _digest_of(title, _words(_wide(text)))


def _digest_of(title: str, body: str) -> str | None:
    if not body:
        return None
    known_by = f"{_words(_wide(title))}\n{body}" if len(body) < SHORT_TEXT else body
    return blake2b(known_by.encode("utf-8", "replace"), digest_size=16).hexdigest()


class _Tokens(NamedTuple):
    """The tokens of a text as codes, in their order: of the character, or of the word or number that it stands for."""

    codes: NDArray[np.uint64]
    is_word: NDArray[np.bool_]  #: neither number nor percent sign


def _tokens(wide: str) -> _Tokens:
    """All that findall of _TOKEN would find; of a text without spaces most tokens are characters, read at once."""
    longer: list[str] = []

    def keep(match: re.Match[str]) -> str:
        longer.append(match[0])
        return _LONGER

    points = np.frombuffer(_OTHER_TOKEN.sub(keep, wide.replace(_LONGER, " ")).encode("utf-32-le", "replace"), np.uint32)
    kinds = _KINDS[points]
    points, kinds = points[kinds > 0], kinds[kinds > 0]
    codes, is_word, places = points.astype(np.uint64), kinds == _WORD, points == ord(_LONGER)
    codes[places] = [_code(token) for token in longer]
    is_word[places] = [token[0].isalpha() for token in longer]
    return _Tokens(codes, is_word)


def _without_formulas(wide: str) -> str:
    section = _SECTION.search(wide, max(SHORTEST_STORY, len(wide) // 6))
    kept = _NOTE.sub("", wide[: section.start()] if section else wide)
    if not _FORMULA.search(kept):
        return kept
    sentences = _SENTENCE_END.split(kept)
    return "".join(one for one in sentences if len(one) > LONGEST_SENTENCE or not _FORMULA.search(one))


def holds_text(text: str, other: str) -> bool:
    """Whether a text has every sentence of another, whatever their layout; each medium's imprint does not count."""
    words = _words(_wide(text))
    return all(_words(sentence) in words for sentence in _SENTENCE_END.split(_IMPRINT.sub("", _wide(other))))


@dataclass(frozen=True)
class Sketch:
    """All that is kept of a text to judge later ones by; at most 650 bytes when packed."""

    length: int  #: tokens
    shingles: tuple[int, ...]  #: smallest hashes of the words, ascending, 32 bits
    places: tuple[int, ...]  #: where in the text each of them stands first, in 256ths
    numbers: tuple[int, ...]  #: 16 bits of where a number stands, 16 bits of the number; the smallest, ascending
    lead: tuple[int, ...]  #: smallest hashes of the first words, ascending, 16 bits
    keys: tuple[int, ...]  #: what the index looks for, 32 bits with sign (an SQL integer)
    number_length: int = 0  #: characters of a number, on average: an edit spares all or it is another
    part: str = ""  #: kind and number of a series' part, from the title
    correction: bool = False  #: the text says that it corrects another
    credit: str = ""  #: the medium the text says it was taken from

    def pack(self) -> bytes:
        """Little-endian, whatever the machine."""
        part, credit = self.part.encode(), self.credit.encode()
        hashes = self.shingles, self.numbers, self.keys, self.lead
        sizes = *map(len, hashes), len(part), len(credit)
        header = _HEADER.pack(_VERSION, self.correction, self.length, self.number_length, *sizes)
        return header + struct.pack(_layout(*sizes), *chain(*hashes), *self.places) + part + credit

    @classmethod
    def unpack(cls, packed: bytes) -> Sketch | None:
        """None where another version packed it: the two cannot be compared."""
        if packed[0] != _VERSION:
            return None
        _, correction, length, number_length, *sizes = _HEADER.unpack_from(packed)
        values = iter(struct.unpack_from(_layout(*sizes), packed, _HEADER.size))
        shingles, numbers, keys, lead, places = (tuple(islice(values, size)) for size in (*sizes[:4], sizes[0]))
        words = packed[len(packed) - sum(sizes[4:]) :]
        part, credit = words[: sizes[4]].decode(), words[sizes[4] :].decode()
        return cls(length, shingles, places, numbers, lead, keys, number_length, part, bool(correction), credit)


def may_be_alike(ours: frozenset[int], packed: bytes) -> bool:
    """Whether a packed sketch shares enough of these shingles to be unpacked and compared; not one of another version.

    Of two full sketches the shared ones are all judged: an excerpt must have SHORTEST_EXCERPT of them, and share
    SAME_CONTAINMENT of those. Shorter texts have 40 or more (SHORT_TEXT).
    """
    if packed[0] != _VERSION:
        return False
    number = _HEADER.unpack_from(packed)[4]
    theirs = struct.unpack_from(f"<{number}I", packed, _HEADER.size)
    judged = SHINGLES if len(ours) == number == SHINGLES else 40
    return len(ours.intersection(theirs)) >= int(judged * SHORTEST_EXCERPT * SAME_CONTAINMENT)


def _layout(shingles: int, numbers: int, keys: int, lead: int, *_: int) -> str:
    return f"<{shingles + numbers}I{keys}i{lead}H{shingles}B"


@lru_cache(maxsize=1 << 14)  # texts share their words
def _code(token: str) -> int:
    token = token.replace(",", "")
    return ord(token) if len(token) == 1 else zlib.crc32(token.encode()) + 0x110000


def _hashes(points: NDArray[np.uint64], size: int) -> NDArray[np.uint64]:
    """The hashes of all runs of `size` tokens, in their order; the same on every machine and numpy."""
    count = max(0, len(points) - size + 1)
    mixed = np.zeros(count, np.uint64)
    for start in range(size):
        mixed += points[start : start + count]
        mixed *= np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(32)
    return mixed


def _smallest(hashes: NDArray[np.uint64], count: int, bits: int = 0) -> NDArray[np.uint64]:
    """The smallest of them that differ, ascending; of those that agree but for their last `bits` the smallest."""
    ordered = np.sort(hashes)
    kept = np.ones(len(ordered), np.bool_)
    kept[1:] = ordered[1:] >> np.uint64(bits) != ordered[:-1] >> np.uint64(bits)
    return ordered[kept][:count]


@lru_cache(maxsize=1 << 14)
def _hash16(text: str) -> int:
    return zlib.crc32(text.encode("utf-8", "replace")) & 0xFFFF


def _numbers(wide: str) -> list[tuple[str, str]]:
    """Where each number stands, and the number. Where a text is cut inside one, it stands elsewhere."""
    parts = _NUMBER.split(_IMPRINT.sub("", wide))
    # All that stands before the first number is its place; so it is in the sketches that catalogues hold.
    last = [_TOKEN.findall(parts[0]), *map(_last_tokens, parts[2::2])]
    befores = accumulate(last, lambda before, part: (before + part)[-CONTEXT:])
    firsts = ([first[0]] if (first := _TOKEN.search(part)) else [] for part in parts[2::2])
    found = zip(befores, parts[1::2], firsts, strict=False)
    return [(" ".join(before + after), number.replace(",", "")) for before, number, after in found]


def _last_tokens(part: str) -> list[str]:
    """The last of a stretch of text, CONTEXT of them where it has so many; mostly its last few characters tell."""
    found = _TOKEN.findall(part[-4 * CONTEXT :])
    if len(found) <= CONTEXT:  # the first may be the end of a longer one
        found = _TOKEN.findall(part)
    return found[-CONTEXT:]


def _part(title: str) -> str:
    heading = _wide(_CIRCLED.sub(r"(\g<0>)", title)).strip().translate(_CHINESE_DIGITS)
    found = ((kind, pattern.search(heading)) for kind, pattern in enumerate(_PARTS))
    return next((f"{kind}{match[1]}" for kind, match in found if match), "")


def _corrects(text: str) -> bool:
    return any(word in text for word in _CORRECTING) and _CORRECTION.search(text) is not None


def sketch(title: str, text: str) -> Sketch | None:
    """The sketch of an article; None where the text is too short (a flash) or has too few words to be judged."""
    return _sketch_of(title, _wide(text))


def _sketch_of(title: str, whole: str) -> Sketch | None:
    if len("".join(whole.split())) < SHORTEST_STORY:
        return None
    for wide in (_without_formulas(whole), whole):
        tokens, is_word = _tokens(wide)
        words = tokens[is_word]
        if len(words) >= SHORT_TEXT:
            break
    else:
        return None
    numbers, credit = _numbers(wide), _CREDIT.search(whole)
    runs = _hashes(words, SHINGLE_LENGTH) >> np.uint64(32)
    half = np.uint64(32)
    placed = _smallest(runs << half | np.arange(len(runs), dtype=np.uint64), SHINGLES, bits=32)
    lead = _smallest(runs[: LEAD - SHINGLE_LENGTH + 1] >> np.uint64(16), LEAD_HASHES)
    keys = _smallest(_hashes(tokens, KEY_LENGTH), KEYS).astype(np.uint32).astype(np.int32)
    return Sketch(
        length=len(tokens),
        shingles=tuple((placed >> half).tolist()),
        places=tuple(((placed & np.uint64(0xFFFFFFFF)) * np.uint64(256) // np.uint64(len(runs))).tolist()),
        numbers=tuple(sorted({_hash16(place) << 16 | _hash16(number) for place, number in numbers})[:NUMBERS]),
        lead=tuple(lead.tolist()),
        keys=tuple(sorted(set(keys.tolist()))),
        number_length=min(255, round(sum(len(number) for _, number in numbers) / max(1, len(numbers)))),
        part=_part(title),
        correction=_corrects(f"{_wide(title).strip()}\n{whole}"),
        credit=(credit[1] or credit[2]) if credit else "",
    )


@dataclass(frozen=True)
class Likeness:
    """What the comparison of two sketches says; both shares are estimates from 64 hashes (± 0.05)."""

    similarity: float  #: of the words they have together, the share that both have
    containment: float  #: of the shorter one's words, the share that the longer one has
    same_story: bool
    reason: str  #: text, excerpt; or why not: other words, own parts, other numbers, other part, correction
    longer: Literal["new", "old"] | None  #: the one that is longer by a tenth or more


def _comparable(new: Sketch, old: Sketch, others: Collection[int]) -> tuple[set[int], set[int]]:
    """The hashes of the new and of the old up to the value below which both are complete, without those of others.

    Where too little is left without them the two are texts of one form, and the form is all there is to compare.
    """
    limit = min(hashes[-1] if len(hashes) >= SHINGLES else 1 << 32 for hashes in (new.shingles, old.shingles))
    ours, theirs = ({value for value in one.shingles if value <= limit} for one in (new, old))
    left = ours.difference(others), theirs.difference(others)
    return left if min(map(len, left)) >= LEAST_LEFT else (ours, theirs)


def _own_part(sketch: Sketch, judged: set[int], shared: set[int]) -> int:
    """How many of the judged shingles lie in the longest piece of the text that is hardly anywhere in the other one."""
    longest = here = 0
    for _, value in sorted(zip(sketch.places, sketch.shingles, strict=True)):
        if value in judged:
            here = max(0, here + (-2 if value in shared else 1))
            longest = max(longest, here)
    return longest


def _own_parts(new: Sketch, old: Sketch, ours: set[int], theirs: set[int]) -> bool:
    """Whether each has a long piece of its own: edits are everywhere or short, this is what the text is about."""
    seen = [_own_part(new, ours, ours & theirs), _own_part(old, theirs, ours & theirs)]
    shares = seen[0] / len(ours), seen[1] / len(theirs)
    tokens = min(share * sketch.length for share, sketch in zip(shares, (new, old), strict=True))
    if tokens >= OWN_PART and min(shares) >= OWN_SHARE:
        return True
    return tokens >= OWN_LEAD and min(seen) >= OWN_SEEN and not {*new.lead} & {*old.lead}


def _common_places(new: tuple[int, ...], old: tuple[int, ...]) -> tuple[int, int]:
    """How many numbers stand in the same words in both, and how many of those differ."""
    limit = min(numbers[-1] >> 16 if len(numbers) >= NUMBERS else 1 << 16 for numbers in (new, old))
    ours, theirs = (Counter(number >> 16 for number in numbers if number >> 16 <= limit) for numbers in (new, old))
    same = sum(number >> 16 <= limit for number in {*new} & {*old})
    return (ours & theirs).total(), (ours & theirs).total() - same


def _other_numbers(new: Sketch, old: Sketch, kept: float, words: int, edited: bool) -> bool:
    """Whether more numbers differ, in words that do not, than an edit that `kept` so many of the words explains.

    Each character survives an edit for itself, so a long number is lost more often than a run of three words.
    """
    count, differ = _common_places(new.numbers, old.numbers)
    kept, length = max(kept, WORST_EDIT), max(new.number_length, old.number_length) / SHINGLE_LENGTH
    lost = max(1 - kept**length, LOST_ANYWAY)
    error = length * kept ** (length - 1) * (kept * (1 - kept) / words) ** 0.5  # of `lost`, from that of `kept`
    deviation = (count * lost * (1 - lost) + (count * error) ** 2) ** 0.5
    replaced = 1 if edited and count >= 16 else 0  # a sentence by another of the same form
    return bool(differ > count * lost + replaced + 1.5 * deviation)


def _reason(new: Sketch, old: Sketch, ours: set[int], theirs: set[int]) -> str:
    shared = ours & theirs
    fewer, more = sorted((len(ours), len(theirs)))
    alike = len(shared) >= SAME_SIMILARITY * len(ours | theirs)
    if not alike and not (len(shared) >= SAME_CONTAINMENT * fewer and fewer >= SHORTEST_EXCERPT * more):
        return "other words"
    if new.correction != old.correction:
        return "correction"
    if new.part[:1] == old.part[:1] and new.part != old.part:
        return "other part"
    if _own_parts(new, old, ours, theirs):
        return "own parts"
    if _other_numbers(new, old, len(shared) / fewer, fewer, edited=len(shared) < more):
        return "other numbers"
    return "text" if alike else "excerpt"


def compare(new: Sketch, old: Sketch, others: Collection[int] = ()) -> Likeness:
    """Judge a pair; the same whichever comes first, but for `longer`.

    `others`: shingles that other stories have too; the pair is judged without them.
    """
    ours, theirs = _comparable(new, old, others)
    shared = len(ours & theirs)
    reason = _reason(new, old, ours, theirs) if shared else "other words"
    longer: Literal["new", "old"] | None = None
    if abs(new.length - old.length) * 10 >= max(new.length, old.length):
        longer = "new" if new.length > old.length else "old"
    same = reason in ("text", "excerpt")
    fewer = min(len(ours), len(theirs))
    return Likeness(shared / max(1, len(ours | theirs)), shared / max(1, fewer), same, reason, longer)


def better_copy(
    new: Sketch, old: Sketch, likeness: Likeness, new_media: str | None, old_media: str | None
) -> str | None:
    """Why the later of two copies may take the first one's place, or None.

    complete: the first was cut; the later one has nearly all its words and a sixth or more besides.
    original: the first names the later one's medium as its source, and the later one is not shorter by a tenth.
    Only the place changes hands: the caller keeps the first as a copy of the later one.
    """
    if not likeness.same_story:
        return None
    if likeness.longer == "new" and likeness.containment >= 0.9 and new.length * 6 >= old.length * 7:
        return "complete"
    named = bool(new_media) and new_media != old_media and (new_media or "").casefold() == old.credit
    return "original" if named and likeness.longer != "old" else None


class Fingerprint(NamedTuple):
    """All that says which story an article tells."""

    text_digest: str | None
    sketch: Sketch | None


def fingerprint_of(item: ArticleItem) -> Fingerprint:
    """Of a cleaned item. A row of the live feed has no sketch: two flashes differ by a word."""
    wide = _wide(item.body_text)
    return Fingerprint(
        _digest_of(item.title, _words(wide)), _sketch_of(item.title, wide) if item.kind != "live" else None
    )
