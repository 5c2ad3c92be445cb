"""Characters that are no text: controls, invisible marks, surrogates, non-characters; written out or as references."""

from __future__ import annotations

import re

_WRITTEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028\u2029\u202a-\u202e\u2060\ufeff\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)
_NO_ASTRAL = re.compile("[" + "".join(f"\\U{plane:04x}fffe\\U{plane:04x}ffff" for plane in range(1, 17)) + "]")
_REFERENCE = re.compile(r"&#(?:[xX](?P<hex>[0-9a-fA-F]+)|(?P<decimal>[0-9]+));?|&(?:zwn?j|[lr]rm);")
_UNFINISHED = re.compile(r"&#?[A-Za-z]{0,4}$")  # together with what follows a reference that goes they could make one


def without_non_text(markup: str) -> str:
    """The markup without such characters; line ends are ``\\n``.

    >>> without_non_text('央\\x08行\\r\\n降\\u200b准')
    '央行\\n降准'
    """
    text = markup.replace("\r\n", "\n").replace("\r", "\n") if "\r" in markup else markup
    if _WRITTEN.search(text):
        text = _WRITTEN.sub("", text)
    beyond = len(text.encode("utf-16-le")) > 2 * len(text)  # few texts have such, and a set of sixteen planes is slow
    return _NO_ASTRAL.sub("", text) if beyond else text


def without_non_text_references(markup: str) -> str:
    """The markup without numeric references to such characters: a parser makes characters of them that no tree takes.

    As in a browser, 128 to 159 mean Windows' characters. What is left ends in a semicolon.

    >>> without_non_text_references('央行&#8;降准&#x5E74;&#150;&#xFFFE;&#0;&#xD800;&#99999999999;')
    '央行降准&#x5E74;–'
    """
    return _REFERENCE.sub(_text_or_nothing, markup) if "&" in markup else markup


def _text_or_nothing(reference: re.Match[str]) -> str:
    number, base = (reference["hex"], 16) if reference["hex"] else (reference["decimal"] or "0", 10)
    number = number.lstrip("0")
    code = int(number or "0", base) if len(number) < 8 else 0
    if 0x80 <= code <= 0x9F and (shown := bytes([code]).decode("cp1252", "ignore")):
        return shown
    if code in (11, 12, 13):
        return "\n"
    if 0 < code <= 0x10FFFF and without_non_text(chr(code)):
        return reference[0].rstrip(";") + ";"
    at = reference.start()
    return " " if _UNFINISHED.search(reference.string[max(0, at - 6) : at]) else ""
