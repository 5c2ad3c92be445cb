"""JSON as scripts write it: names without quotes, single quotes, a call or an assignment around it. Pure."""

from __future__ import annotations

import json
import re
from typing import Any

from sinanews.exceptions import ListingError
from sinanews.listing.roll import JSONP, load_json

_COMMENT = re.compile(r"^\s*/\*.*?\*/", re.S)
_TOKEN = re.compile(
    r'"((?:[^"\\]|\\.)*)"' r"|'((?:[^'\\]|\\.)*)'" r"|([A-Za-z_$][\w$]*)(?=\s*:)" r"|,(?=\s*[}\]])|\bundefined\b", re.S
)
_ESCAPE = re.compile(r'\\(x[0-9a-fA-F]{2}|.)|"', re.S)


def load_loose(text: str) -> tuple[Any, bool]:
    """What an answer says, and whether it was strict JSON (or JSONP). Raises ListingError as load_json does.

    >>> load_loose("/*<script></script>*/var list = {data: [{title:'“白酒”\\\\'s', id: 7,}]};")
    ({'data': [{'title': "“白酒”'s", 'id': 7}]}, False)
    """
    try:
        return load_json(text.encode("utf-8", "replace")), True
    except ListingError as error:
        if error.reason != "not_json":
            raise
    text = _COMMENT.sub("", text)
    if call := JSONP.match(text):
        text = call[1]
    begins = [at for bracket in "{[" if (at := text.find(bracket)) >= 0]
    body = text[min(begins, default=0) : max(text.rfind("}"), text.rfind("]")) + 1]
    try:
        return json.loads(_TOKEN.sub(_strict, body), strict=False), False
    except (ValueError, RecursionError):
        raise ListingError(f"no JSON, not even a script's: {text[:60]!r}", "not_json") from None


def _strict(token: re.Match[str]) -> str:
    words = next((group for group in token.groups() if group is not None), None)
    if words is None:
        return "null" if token[0] == "undefined" else ""
    return '"' + _ESCAPE.sub(_escaped, words) + '"'


def _escaped(found: re.Match[str]) -> str:
    if found[0] == '"':
        return '\\"'
    if found[1][0] == "x" and len(found[1]) == 3:
        return f"\\u00{found[1][1:]}"
    return found[0] if found[1] in '"\\/bfnrtu' else found[1]
