"""Faults on request: which of them strikes which request."""

from __future__ import annotations

import threading
import zlib
from base64 import b64decode
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache

from sinanews.samplesite.entries import chance

_OF_ARTICLES = (
    "404 403 500 429 ban slow cut drip garbage deleted oversize gzip_bomb brotli_bomb redirect_private redirect_login "
    "login captcha firewall busy bad_gateway stub not_found_200 empty 204 cut_close cut_gzip close"
).split()
_OF_LISTS = ("html_for_json", "bad_status")
#: kind -> the requests it strikes unless told otherwise
KINDS = dict.fromkeys(_OF_ARTICLES, "article") | dict.fromkeys(_OF_LISTS, "listing") | {"robots_500": "robots"}
BOMB_SIZE = 128 << 20  #: bytes that a bomb unpacks to
#: BOMB_SIZE spaces, made once by brotli at its best quality: 106 bytes
BROTLI_BOMB = b64decode(
    "z///f/glQOKxQCD3/p/////wSwDEYQGA7v0/////4ZcAiMMiAN37f/7//8MvARCHBQC69//8//+HXwIgDgsAdO//+f//D78EQBwWAOje//P//x9+"
    "CYA4LADQvf/n//8//BIAcVgAoHv/Pw=="
)
#: What stands, with status 200, where an article was: walls, errors of servers between, and nothing at all.
SOFT_ERRORS = {
    "login": "<html><title>用户登录</title><body><form><input name=u><input type=password></form></body></html>",
    "captcha": "<html><head><title>安全验证</title></head><body><p>请输入图片中的验证码后继续访问</p></body></html>",
    "firewall": "<html><body><h1>Access Denied</h1><p>Request blocked by the firewall. ID 7f3a</p></body></html>",
    "busy": "<html><head><title>提示</title></head><body><p>系统繁忙，请稍后再试！</p></body></html>",
    "bad_gateway": "<html><head><title>502 Bad Gateway</title></head><body><center>nginx</center></body></html>",
    "stub": "<html><head><script>window.location.href='/?t=1';</script></head><body></body></html>",
    "not_found_200": "<html><head><title>页面没有找到</title></head><body><p>您访问的页面不存在</p></body></html>",
    "empty": "",
}
OVERSIZE = 50 << 20  #: bytes of an oversized page
Aim = float | frozenset[str]


class Faults:
    """May be changed while the site runs. An article's key is its id, a listing's its query, robots.txt's its host.

    Whether a share strikes a key depends on the key only, so a retry meets the same fault again,
    unless ``times`` says how often each key is struck.
    """

    def __init__(self, shares: Mapping[str, float | Iterable[str]] | None = None) -> None:
        self.slow_seconds = 5.0
        self.retry_after = 1  #: seconds, sent with 429
        self._lock = threading.Lock()
        self._rows: dict[tuple[str, str], tuple[Aim, int | None]] = {}
        self._struck: Counter[tuple[str, str]] = Counter()
        for kind, aim in (shares or {}).items():
            self.set(kind, aim)

    def set(self, kind: str, aim: float | Iterable[str], *, where: str | None = None, times: int | None = None) -> None:
        """Strikes a share of the keys, or just those given. Raises ValueError.

        ``where``: article, listing, live, cursor or robots.
        """
        if kind not in KINDS:
            raise ValueError(f"unknown fault {kind!r}; one of {', '.join(KINDS)}")
        keys = float(aim) if isinstance(aim, (int, float)) else frozenset(aim)
        with self._lock:
            self._rows[kind, where or KINDS[kind]] = keys, times

    def clear(self, kind: str | None = None) -> None:
        """Takes away one kind, or all."""
        with self._lock:
            self._rows = {row: aim for row, aim in self._rows.items() if kind not in (None, row[0])}
            self._struck.clear()

    def strike(self, where: str, key: str) -> str | None:
        """The fault for this request, if any; counts it."""
        with self._lock:
            for (kind, place), (aim, times) in self._rows.items():
                hit = place == where and (chance(kind, key) < aim if isinstance(aim, float) else key in aim)
                if hit and (times is None or self._struck[kind, key] < times):
                    self._struck[kind, key] += 1
                    return kind
        return None


@cache
def gzip_bomb() -> bytes:
    packer, block = zlib.compressobj(9, wbits=31), b" " * (1 << 20)
    packed = [packer.compress(block) for _ in range(BOMB_SIZE >> 20)]
    return b"".join([*packed, packer.flush()])
