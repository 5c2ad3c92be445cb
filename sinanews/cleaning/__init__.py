"""An article's raw body -> a clean one: Sina's clutter out, structure and text kept, safe to publish."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import nh3

from sinanews.cleaning.blocks import Block, body_lines, serialise, to_blocks
from sinanews.cleaning.bounds import check_bounds, strip_hidden
from sinanews.cleaning.html_rules import HTML_RULES, Found
from sinanews.cleaning.text_rules import TEXT_RULES
from sinanews.cleaning.tree import parse_body

#: What a clean body may hold; nh3 removes everything else, whatever our rules thought of it.
ALLOWED_TAGS = set(
    "p br hr h1 h2 h3 h4 h5 h6 strong b em i u s sub sup a img figure figcaption blockquote pre code "
    "ul ol li dl dt dd table caption thead tbody tfoot tr th td".split()
)
ALLOWED_ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title", "width", "height", "referrerpolicy"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
}


@dataclass
class CleanBody:
    """A clean body and what its raw form said besides the text."""

    html: str  #: one block a line, no blank line, no comment; two leading full-width spaces kept
    text: str  #: one paragraph, caption or table row a line; no leading full-width spaces
    images: list[str] = field(default_factory=list)  #: absolute https URLs of the content's pictures
    stocks: list[str] = field(default_factory=list)  #: codes in order of appearance
    editor: str | None = None  #: 责任编辑 without the staff code
    original_title: str | None = None  #: of a first line 原标题：…
    author: str | None = None  #: of a line of its own such as 文/… or 作者：…
    poster: str | None = None  #: the picture a video player shows; not one of ``images``
    removed: Counter[str] = field(default_factory=Counter)  #: how often each rule removed something


def clean_body(raw_html: str, base_url: str | None = None) -> CleanBody:
    """Clean a body. Idempotent. Raises PageTooLarge before anything slow sees a hostile input."""
    found = Found(base_url=base_url)
    markup = strip_hidden(raw_html, found)
    check_bounds(markup.encode("utf-8", "ignore"))
    html, blocks = _settle(markup, found)
    return CleanBody(
        html=html,
        text="\n".join(body_lines(blocks)),
        images=[source for block in blocks for image in block.element.iter("img") if (source := image.get("src"))],
        stocks=list(dict.fromkeys(found.stocks)),
        editor=found.editor,
        original_title=found.original_title,
        author=found.author,
        poster=found.poster,
        removed=+found.removed,
    )


def _settle(html: str, found: Found) -> tuple[str, list[Block]]:
    """Rules and nh3, until nh3 finds nothing to change: it may see other elements than libxml2 did."""
    for _ in range(5):
        root = parse_body(html)
        held = list(root.iter())  # lxml makes its elements anew for each look at them, unless somebody holds them
        for rule in HTML_RULES:
            found.removed[rule.__name__] += rule(root, found)
        blocks = to_blocks(root)
        for rule in TEXT_RULES:
            found.removed[rule.__name__] += rule(blocks, found)
        markup = serialise(blocks)
        html = nh3.clean(markup, tags=ALLOWED_TAGS, attributes=ALLOWED_ATTRIBUTES, url_schemes={"https"}, link_rel=None)
        held.clear()
        if html == markup:
            break
    return html, blocks


__all__ = ["ALLOWED_ATTRIBUTES", "ALLOWED_TAGS", "HTML_RULES", "TEXT_RULES", "CleanBody", "clean_body"]
