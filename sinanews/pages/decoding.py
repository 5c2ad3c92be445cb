"""Bytes -> text, whatever the header and the meta tag claim."""

from __future__ import annotations

import codecs
import re
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from sinanews.exceptions import UndecodablePage

_CHARSET = re.compile(rb"""charset\s*=\s*["']?\s*([\w-]{2,30})""", re.I)
#: Characters for private use: typesetting marks of newspapers, which nobody sees.
_PRIVATE = re.compile("[\ue000-\uf8ff\U000f0000-\U0010fffd]")
#: How they begin in UTF-8, the last of them with one of its second bytes; to look for bytes is far quicker.
_PRIVATE_LEADS = (b"\xee", b"\xf3", b"\xf4")
_PRIVATE_UTF8 = re.compile(rb"\xef[\x80-\xa3]")
_BINARY = bytes({*range(32)} - {*b"\t\n\v\f\r\x1b"})
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_HAN = re.compile("[\u3400-\u9fff]")
#: A tenth to a third of Chinese prose; text read in a wrong encoding has hardly any of them.
_COMMON = re.compile("[的一是在不了有和人这中大为上个国我以要他时来用们到地于出年会发可业市日新公网行月經發會國]")
_MANY = 30  #: Chinese characters; fewer say nothing of the text


@dataclass(frozen=True)
class Decoded:
    """A page's text. ``doubtful``: characters had to be replaced, or it hardly looks like Chinese."""

    text: str
    utf8: bytes  #: the same text, for parsers
    encoding: str
    doubtful: bool


def decode(body: bytes, content_type: str | None = None) -> Decoded:
    """Decode a page: valid UTF-8 wins over any declaration; gb2312 and gbk are read as gb18030.

    U+E5E5 (0xA3A0 in GBK) becomes a full-width space. Raises UndecodablePage where nothing fits.
    """
    body = body.removeprefix(codecs.BOM_UTF8)
    text, encoding, doubtful = _text_of(body, content_type)
    begin = text[:4000].encode("utf-8", "ignore")
    if len(begin) - len(begin.translate(None, _BINARY)) > 0.01 * min(len(text), 4000):
        raise UndecodablePage("binary data, not text")
    if is_garbled(text):
        raise UndecodablePage("text that was read in a wrong encoding and written so")
    utf8 = body if encoding == "utf-8" and not doubtful else text.encode("utf-8", "ignore")
    if any(lead in utf8 for lead in _PRIVATE_LEADS) or _PRIVATE_UTF8.search(utf8):
        text = _PRIVATE.sub("", text.replace("\ue5e5", "\u3000"))
        utf8 = text.encode("utf-8", "ignore")
    return Decoded(text, utf8, encoding, doubtful or "\ufffd" in text)


def _text_of(body: bytes, content_type: str | None) -> tuple[str, str, bool]:
    """(text, codec, whether that is doubtful)."""
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return body.decode("utf-16", "replace"), "utf-16", False
    with suppress(UnicodeDecodeError):
        return body.decode("utf-8"), "utf-8", False
    for encoding in [*_declared(body, content_type), "gb18030"]:
        with suppress(UnicodeDecodeError):
            if _plausible(text := body.decode(encoding)) is not False:
                return text, encoding, False
    tries = [(body.decode(encoding, "replace"), encoding) for encoding in ("utf-8", "gb18030")]
    text, encoding = min(tries, key=lambda pair: pair[0].count("\ufffd"))
    broken = text.count("\ufffd")
    if broken > 20 and broken > 0.05 * len(re.sub(r"[\x00-\x7f]", "", text)):
        raise UndecodablePage(f"{broken} characters fit no encoding that Sina uses")
    return text, encoding, True


def is_garbled(text: str) -> bool:
    """Whether a text is Chinese that a server decoded wrongly before it sent it: undone, it reads like Chinese.

    >>> is_garbled(("今天我们在这里说的是中国的经济。" * 9).encode().decode("latin-1")), is_garbled("déjà vu, 5 €")
    (True, False)
    """
    sample = text[: 1 << 16]
    if _reads_like_chinese(sample):
        return False
    if sample.count("\ufffd") > 20 and sample.count("\ufffd") > 0.05 * len(_NOT_ASCII.findall(sample)):
        return True
    if sample.count("?" * 8) > 8 and not _HAN.search(sample):
        return True
    undone = (
        sample.encode(wrong, "ignore").decode(right, "ignore")
        for wrong in ("latin-1", "cp1252", "gb18030")
        for right in ("utf-8", "gb18030")
        if wrong != right
    )
    return any(map(_reads_like_chinese, undone))


def _declared(body: bytes, content_type: str | None) -> list[str]:
    """Chinese codecs that header or meta name; the gb family is always gb18030, others claim nothing."""
    names = _CHARSET.findall((content_type or "").encode("latin-1", "ignore")) + _CHARSET.findall(body[:4096])
    found: list[str] = []
    for name in names:
        lowered = name.decode("ascii").lower().replace("_", "-")
        if lowered.startswith(("gb", "x-gb", "cp936", "euc-cn", "hz")):
            found.append("gb18030")
        elif lowered.startswith("big5"):
            found.append("big5hkscs")
    return list(dict.fromkeys(found))


def _plausible(text: str) -> bool | None:
    """Whether many Chinese characters, of which a few mostly tell, are common ones; None where there are not many."""
    for size, share in ((1_000, 0.1), (4_000, 0.02)):
        sample = text[:: max(1, len(text) // size)]
        han = len(_HAN.findall(sample))
        if han >= _MANY and len(_COMMON.findall(sample)) > share * han:
            return True
    return None if han < _MANY else False


def _reads_like_chinese(text: str) -> bool:
    plausible = _plausible(text)
    if plausible is None:  # of the characters it looked at
        return next(islice(_HAN.finditer(text), _MANY - 1, None), None) is not None
    return plausible
