"""An article's raw body -> a clean one, safe to publish; and the item's fields that only the body shows."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape

import nh3

from sinanews.cleaning.blocks import serialise, text_lines, to_blocks
from sinanews.cleaning.facts import Facts
from sinanews.cleaning.html_rules import HTML_RULES, NEUTRAL_RULES
from sinanews.cleaning.limits import check_limits, strip_hidden
from sinanews.cleaning.lines import BodyText
from sinanews.cleaning.text_rules import TEXT_RULES
from sinanews.cleaning.tree import parse_body
from sinanews.exceptions import EmptyArticle
from sinanews.items import ArticleItem

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

_SOURCE = re.compile(r'<img src="([^"]*)"')


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
    root = parse_body(markup)
    for rule in HTML_RULES if sinas else NEUTRAL_RULES:
        body.removed[rule.__name__] += rule(root, body)
        root.merge_text_nodes()
    text = BodyText(to_blocks(root))
    for text_rule in TEXT_RULES if sinas else ():
        body.removed[text_rule.__name__] += text_rule(text, body)
    body.html = _CLEANER.clean(serialise(text.blocks))
    body.text = "\n".join(text_lines(body.html))
    body.images = [unescape(source) for source in _SOURCE.findall(body.html)]
    body.stocks = list(dict.fromkeys(body.stocks))
    body.removed = +body.removed
    return body


VIDEO_HEADLINE = "视频"
_SPACES = re.compile(r"[ \t\r\n\f\v\x85\u2028\u2029]+")


def tidy_title(text: str) -> str:
    """One line, white space at the ends gone; full-width spaces inside are the headline's own.

    >>> tidy_title(' 央行：\\n 降准　0.5个百分点 ')
    '央行： 降准　0.5个百分点'
    """
    return _SPACES.sub(" ", text).strip(" \u3000")


def clean_item(item: ArticleItem, *, verbatim: bool = False, sinas: bool = True) -> ArticleItem:
    """Fill body_text and what the body tells (editor, stocks, pictures …); the body becomes the clean one.

    Without ``sinas`` only what holds for any site is done. With ``verbatim`` the body stays as it came, and so does a
    seed's own lead image.
    Raises PageTooLarge for a body over the bounds, EmptyArticle for an article without text and pictures.
    """
    clean = clean_body(item.body_html, item.url, sinas=sinas)
    if not (verbatim and item.layout == "seed"):
        item.title = tidy_title(item.title)
    item.original_title = item.original_title or clean.original_title
    item.editor = item.editor or clean.editor
    item.author = item.author or clean.author
    item.media = item.media or clean.media
    item.stocks = list(dict.fromkeys([*item.stocks, *clean.stocks]))
    item.images = list(dict.fromkeys([*item.images, *clean.images]))
    item.body_text = clean.text
    if item.kind == "article" and item.title.startswith(VIDEO_HEADLINE) and clean.poster:
        item.kind = "video"
    if not verbatim or item.layout != "seed":
        poster = (item.lead_image or clean.poster) if item.kind == "video" else None
        item.lead_image = item.images[0] if item.images else poster
    if not verbatim:
        item.body_html = clean.html
    if item.kind == "article" and not item.body_text and not item.images:
        raise EmptyArticle(f"no text and no picture in {item.url or item.id}")
    return item
