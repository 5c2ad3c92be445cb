"""Codes of shares listed in mainland China, as Sina writes them: ``sh600519``. Pure."""

from __future__ import annotations

import re

_CODE = re.compile(r"(?:(sh|sz|bj)\.?)?([0-9]{6})(?:\.(sh|sz|bj))?", re.I)
#: How the numbers of each exchange's shares begin; those of funds, bonds and indices are of no company.
_EXCHANGES = (("sh", ("6", "90")), ("sz", ("0", "2", "3")), ("bj", ("4", "8", "92")))


def share_code(text: str) -> str | None:
    """The whole code of a share, or None for what is none, or is of another exchange than it says.

    >>> share_code("600519"), share_code("SZ000001"), share_code("830799"), share_code("000001.SZ")
    ('sh600519', 'sz000001', 'bj830799', 'sz000001')
    >>> share_code("sh000001"), share_code("700"), share_code("hk00700"), share_code("510300")
    (None, None, None, None)
    """
    found = _CODE.fullmatch(text.strip())
    if found is None:
        return None
    before, number, behind = found.groups()
    exchange = next((name for name, beginnings in _EXCHANGES if number.startswith(beginnings)), None)
    said = {named.lower() for named in (before, behind) if named}
    return f"{exchange}{number}" if exchange and said <= {exchange} else None
