"""What a blog's theme makes of a body, and what is written so that it reads well there. Pure."""

from __future__ import annotations

import re

_SCROLLS = '<table style="display:block;overflow-x:auto">'
_CAPTIONED = re.compile(r'(<figure><img [^>]*?\balt=")[^"]*("[^>]*><figcaption>)')


def fit_for_themes(body: str) -> str:
    """A clean body for a post: Hexo's default theme shows ``alt`` as a caption too, and lets wide tables run out.

    >>> fit_for_themes('<figure><img src="a" alt="x"><figcaption>图</figcaption></figure>')
    '<figure><img src="a" alt=""><figcaption>图</figcaption></figure>'
    """
    return _CAPTIONED.sub(r"\1\2", body).replace("<table>", _SCROLLS)


def without_themes(body: str) -> str:
    """The body of a post as it was before, but for what ``alt`` said."""
    return body.replace(_SCROLLS, "<table>")
