"""A stored body as a page of ours may show it: text and tables, nothing that a browser would load."""

from __future__ import annotations

import re

import nh3

_TAGS = set(
    "p br h2 h3 h4 h5 h6 strong b em i u s sub sup figure figcaption blockquote pre ul ol li dl dt dd "
    "table caption thead tbody tr th td a".split()
)
_ATTRIBUTES = {"*": set[str](), "a": {"href"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}}
_CLEANER = nh3.Cleaner(tags=_TAGS, attributes=_ATTRIBUTES, url_schemes={"http", "https"}, link_rel="noreferrer")
_PICTURE = re.compile(r'<img\b[^>]*?\bsrc="(https?://[^"]*)"[^>]*>')


def readable(html: str, picture: str) -> str:
    """A body without what a browser would load: pictures are links.

    >>> readable('<p onclick="x()">甲<img src="https://n.sinaimg.cn/a.jpg" alt=""></p><script>1</script>', "[picture]")
    '<p>甲<a href="https://n.sinaimg.cn/a.jpg" rel="noreferrer">[picture]</a></p>'
    """
    return _CLEANER.clean(_PICTURE.sub(rf'<a href="\1">{picture}</a>', html))
