"""An article's raw body -> a clean one: Sina's clutter out, structure and text kept, safe to publish."""

from __future__ import annotations

from dataclasses import dataclass, field

import nh3

from sinanews.cleaning.blocks import Block, body_lines, serialise, to_blocks
from sinanews.cleaning.facts import Facts
from sinanews.cleaning.html_rules import HTML_RULES, NEUTRAL_RULES
from sinanews.cleaning.limits import check_limits, strip_hidden
from sinanews.cleaning.text_rules import TEXT_RULES
from sinanews.cleaning.tree import parse_body

#: What a clean body may hold; nh3 removes everything else, whatever our rules thought of it.
ALLOWED_TAGS = set(
    "p br hr h1 h2 h3 h4 h5 h6 strong b em i u s sub sup a img figure figcaption blockquote pre code "
    "ul ol li dl dt dd table caption thead tbody tfoot tr th td".split()
)
ALLOWED_ATTRIBUTES: dict[str, set[str]] = {
    "*": set(),  # nh3's own default would leave title and lang everywhere
    "a": {"href", "title"},
    "img": {"src", "alt", "title", "width", "height", "referrerpolicy"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
}
_CLEANER = nh3.Cleaner(tags=ALLOWED_TAGS, attributes=ALLOWED_ATTRIBUTES, url_schemes={"http", "https"}, link_rel=None)


@dataclass
class CleanBody(Facts):
    """A clean body and what its raw form said besides the text."""

    html: str = ""  #: one block a line, no blank line, no comment; two leading full-width spaces kept
    text: str = ""  #: one paragraph, caption or table row a line; no leading full-width spaces
    images: list[str] = field(default_factory=list)  #: URLs of the content's pictures; relative only in a post


def clean_body(raw_html: str, base_url: str | None = None, *, sinas: bool = True) -> CleanBody:
    """Clean a body; without ``sinas`` only by what holds for any site. Idempotent.

    Raises PageTooLarge before anything slow sees a hostile input.
    """
    body = CleanBody(base_url)
    markup = strip_hidden(raw_html, body)
    check_limits(markup.encode("utf-8", "ignore"))
    body.html, blocks = _settle(markup, body, sinas)
    body.text = "\n".join(body_lines(blocks))
    body.images = [
        source
        for block in blocks
        if len(block.element)
        for image in block.element.iter("img")
        if (source := image.get("src"))
    ]
    body.stocks = list(dict.fromkeys(body.stocks))
    body.removed = +body.removed
    return body


def _settle(html: str, found: Facts, sinas: bool) -> tuple[str, list[Block]]:
    """Rules and nh3, until nh3 finds nothing to change: it may see other elements than libxml2 did."""
    for _ in range(5):
        root = parse_body(html)
        held = list(root.iter())  # lxml makes its elements anew for each look at them, unless somebody holds them
        for rule in HTML_RULES if sinas else NEUTRAL_RULES:
            found.removed[rule.__name__] += rule(root, found)
        blocks = to_blocks(root)
        for rule in TEXT_RULES if sinas else ():
            found.removed[rule.__name__] += rule(blocks, found)
        markup = serialise(blocks)
        html = _CLEANER.clean(markup)
        held.clear()
        if html == markup:
            break
    return html, blocks


__all__ = ["ALLOWED_ATTRIBUTES", "ALLOWED_TAGS", "HTML_RULES", "TEXT_RULES", "CleanBody", "clean_body"]
