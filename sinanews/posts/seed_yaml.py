"""How the seed format spells a value: YAML that PyYAML and js-yaml read alike, always on one line."""

from __future__ import annotations

import re

import yaml

# What no parser may meet unescaped: YAML's non-printables and line breaks, a byte-order mark,
# and the text of an escaped brace, which reading would take for a brace.
_UNPRINTABLE = "\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff"
_MUST_ESCAPE = re.compile(f"[{_UNPRINTABLE}]|&(?=#12[35];)")
_ESCAPABLE = re.compile(f'[{_UNPRINTABLE}{{}}"\\\\]|&(?=#12[35];)')
_SURROGATES = re.compile("[\ud800-\udfff]")

# Starts with a letter, so it is no number, date or YAML sign; nothing in it can end it.
_PLAIN = re.compile(r"[^\W\d_](?:[\w－·.&/+-]|[ ](?=\w))*")
_TEXT_TAG = "tag:yaml.org,2002:str"
_INDICATORS = tuple("-?:,[]{}#&*!|>'\"%@`")
_WORDS = {"true", "false", "yes", "no", "on", "off", "null", "y", "n", "nan", "inf"}
#: Numbers to js-yaml, which Hexo uses, though PyYAML may read them as texts.
_JS_NUMBER = re.compile(
    r"(?i)[-+]?(?:0b[01_]+|0o[0-7_]+|0x[\da-f_]+|(?:\d[\d_]*(?:\.[\d_]*)?|\.[\d_]+)(?:e[-+]?\d+)?|\.inf|\.nan)",
    re.ASCII,
)


def quoted(text: str, *, keep_braces: bool = False) -> str:
    """Quote as the seed does: single quotes; double ones where the text has ``'``; escapes where it must.

    With ``keep_braces`` braces stay for the writer to turn into ``&#123;``. Lone surrogates become U+FFFD.
    """
    text = without_surrogates(text)
    single, other = "'" in text, '"' in text or "\\" in text
    has_braces = not keep_braces and ("{" in text or "}" in text)
    if has_braces or (single and other) or _MUST_ESCAPE.search(text):
        return f'"{_ESCAPABLE.sub(_escape, text)}"'
    return f'"{text}"' if single else f"'{text}'"


def bare(text: str, *, keep_braces: bool = False) -> str:
    """The text without quotes where both parsers read it as that very string, else quoted.

    With ``keep_braces`` as the predecessor wrote it: without quotes wherever both read those very characters as text.
    """
    is_plain = _PLAIN.fullmatch(text) and text.lower() not in _WORDS
    return text if is_plain or (keep_braces and _reads_as_is(text)) else quoted(text, keep_braces=keep_braces)


def _reads_as_is(text: str) -> bool:
    """Whether YAML reads one line without quotes as a text of these very characters: no number, date or null."""
    if len(text) > 200 or text != text.strip() or text.startswith(_INDICATORS) or _MUST_ESCAPE.search(text):
        return False
    if text.lower() in _WORDS or _JS_NUMBER.fullmatch(text):
        return False
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return False
    return isinstance(node, yaml.ScalarNode) and node.tag == _TEXT_TAG and node.value == text


def without_surrogates(text: str) -> str:
    """Lone surrogates cannot be written as UTF-8: U+FFFD instead."""
    return _SURROGATES.sub("\ufffd", text)


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    if char in '"\\':
        return "\\" + char
    return f"\\x{ord(char):02X}" if ord(char) < 0x100 else f"\\u{ord(char):04X}"
