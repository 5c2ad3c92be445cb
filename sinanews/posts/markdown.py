"""A post's text as HTML: Markdown rendered as Hexo would, the predecessor's raw HTML left alone. Pure.

What is which: a body is raw HTML where it stands in the seed's ``<div>`` frame, or where it begins with a block's
tag and no line of it is Markdown. Everything else is Markdown, in which HTML may stand.

Hexo's own tags: ``raw`` and the like go and leave what they hold, ``codeblock`` is a code block, ``img`` and
``asset_img`` are pictures, links are their words; any other ``{% tag %}`` or ``{{ value }}`` is text, and is shown.
A tag that HTML does not have, or that shows nothing (``List<Object>``, ``<select>``), is text too: Hexo would lose it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from html import escape

from markdown_it import MarkdownIt
from markdown_it.token import Token

from sinanews.exceptions import PageTooLarge

MAX_TEXT = 2 * 1024 * 1024  #: characters
MAX_SIGNS = 200_000  #: characters that may mean something in Markdown; each costs its time
MAX_BRACKETS = 10_000  #: in one paragraph; their cost grows with their square, and so do all paragraphs' together
_BLOCK_TAG = re.compile(
    r"\s*(?:<!--.*?-->\s*)*</?(?:div|p|table|section|article|center|figure|ul|ol|dl|h[1-6]|blockquote|pre|font|img|video|"
    r"iframe|header|main|style)\b",
    re.I | re.S,
)
_MARKDOWN_LINE = re.compile(
    r"^ {0,3}(?:#{1,6}[ \t]|```|~~~|>[ \t]|[-*+][ \t]+\S|\d{1,9}[.)][ \t]+\S|\|?[ \t]*:?-{2,}:?[ \t]*\|"
    r"|\[[^\]\n]+\]:[ \t])"
    r"|!?\[[^\]\n]*\]\([^)\s]+[^)\n]*\)|\*\*\S[^*\n]*\*\*|(?<!`)`[^`\n<>]+`(?!`)",
    re.M,
)
_PREFORMATTED = re.compile(r"<(pre|code|script|style)\b.*?</\1\s*>", re.I | re.S)
_FOOTNOTE = re.compile(r"^( {0,3})\[\^(?=[^\]\n]+\]:)")  # to CommonMark the definition of a link, which shows nothing
_FENCE = re.compile(r" {0,3}(?:[-*+>] +)*(`{3,}|~{3,})")

#: Tags that mean what they say; everything else between < and > is the author's text.
_MARKUP = frozenset(
    "p br hr h1 h2 h3 h4 h5 h6 strong b em i u s sub sup a img figure figcaption blockquote pre code ul ol li dl dt dd "
    "table caption thead tbody tfoot tr th td colgroup col div span font center small big kbd mark del ins strike tt "
    "var samp cite q abbr section article header footer main aside nav details summary picture source label address "
    "wbr ruby rt rp bdi bdo time dfn".split()
)
#: Tags whose content no reader sees: markup only where they are closed, and hold no more than the like of themselves.
_UNSEEN = frozenset("script style iframe video audio object embed svg math canvas noscript form".split())
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9-]*)\b[^<>]*>")
_HEXO_TAG = re.compile(
    r"(?P<code>(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`))"
    r"|\{%-?[ \t]*(?P<name>\w+)[ \t]*(?P<rest>[^{}%\n]*?)[ \t]*-?%\}"
)
_LEAVES_CONTENT = frozenset(
    "raw endraw note endnote blockquote endblockquote quote endquote centerquote endcenterquote pullquote endpullquote "
    "endcodeblock endcode endhighlight cq endcq fold endfold tabs endtabs".split()
)
_OPENS_CODE = {"codeblock": "endcodeblock", "code": "endcode", "highlight": "endhighlight"}


def to_html(body: str, *, framed: bool) -> str:
    """The body as HTML. Raises PageTooLarge for a text too long to be rendered."""
    return body if framed or is_html(body) else render(body)


def is_html(body: str) -> bool:
    """Whether a body outside of the seed's frame is raw HTML all the same; see above."""
    return bool(_BLOCK_TAG.match(body)) and not _MARKDOWN_LINE.search(_PREFORMATTED.sub("", body))


def render(text: str) -> str:
    """Markdown → HTML. Code lines end in ``<br>``: a blank line would end raw HTML in Hexo."""
    _check_bounds(text)
    parser = _parser()
    tokens = parser.parse("\n".join(_without_hexo_tags(text.split("\n"))))
    for token in tokens:
        if token.type == "html_block":
            token.content = _shown(token.content)
        for child in token.children or ():
            if child.type == "html_inline":
                child.content = _shown_inline(child, token.children or ())
    return str(parser.renderer.render(tokens, parser.options, {}))


def _check_bounds(text: str) -> None:
    """Raise PageTooLarge for what would keep the parser busy."""
    if len(text) > MAX_TEXT:
        raise PageTooLarge(f"{len(text)} characters of Markdown, at most {MAX_TEXT}")
    if (signs := sum(map(text.count, "[]()*_`~<&!|\\"))) > MAX_SIGNS:
        raise PageTooLarge(f"{signs} signs of Markdown, at most {MAX_SIGNS}")
    if sum(paragraph.count("[") ** 2 for paragraph in re.split(r"\n[ \t]*\n", text)) > MAX_BRACKETS**2:
        raise PageTooLarge(f"more than {MAX_BRACKETS} brackets of links")


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": True, "breaks": True, "maxNesting": 100})
    parser.enable(["table", "strikethrough"])
    parser.add_render_rule("fence", _code)
    parser.add_render_rule("code_block", _code)
    return parser


def _code(self: object, tokens: Sequence[Token], idx: int, options: object, env: object) -> str:
    lines = tokens[idx].content.rstrip("\n").split("\n")
    return f"<pre><code>{'<br>'.join(escape(line, quote=False) for line in lines)}</code></pre>\n"


def _shown(markup: str) -> str:
    """A block of raw HTML in which only real tags are tags; an unclosed comment or script is text."""
    if markup.lstrip().startswith("<!--") and "-->" not in markup:
        return escape(markup, quote=False)
    closed = {name for name in _UNSEEN if f"</{name}" in markup.lower()}
    return _TAG.sub(lambda tag: tag[0] if tag[2].lower() in _MARKUP | closed else escape(tag[0], quote=False), markup)


def _shown_inline(token: Token, line: Sequence[Token]) -> str:
    tag = _TAG.fullmatch(token.content)
    if tag is None or tag[2].lower() in _MARKUP:  # None: a comment, or a declaration
        return token.content if tag or token.content.startswith("<!--") else escape(token.content, quote=False)
    if tag[2].lower() in _UNSEEN and _holds_nothing(tag[2].lower(), line):
        return token.content
    return escape(token.content, quote=False)


def _holds_nothing(name: str, line: Sequence[Token]) -> bool:
    """Whether a player stands in a line of its own, without words inside."""
    words = any(token.type != "html_inline" and token.content.strip() for token in line)
    return not words and any(token.content.lower().startswith(f"</{name}") for token in line)


def _without_hexo_tags(lines: Sequence[str]) -> Iterator[str]:
    """The lines with Hexo's tags as Markdown; code is not touched."""
    fence = closing = ""
    for line in lines:
        if closing:
            if re.search(rf"\{{%-?\s*{closing}\s*-?%\}}", line):
                closing, line = "", _CODE_FENCE
            yield line
            continue
        mark = _FENCE.match(line)
        if mark and not fence:
            fence = mark[1]
        elif mark and fence and mark[1][0] == fence[0] and len(mark[1]) >= len(fence):
            fence = ""
        opened = None if fence or mark else re.match(r"\s*\{%-?\s*(codeblock|code|highlight)\b[^%]*%\}\s*$", line)
        if opened:
            closing = _OPENS_CODE[opened[1]]
            yield ""
            yield _CODE_FENCE
            continue
        if fence or mark:
            yield line
            continue
        line = _FOOTNOTE.sub(r"\1\\[^", line)
        yield _HEXO_TAG.sub(_hexo_tag, line) if "{%" in line else line
    if closing:
        yield _CODE_FENCE


_CODE_FENCE = "`" * 12  # longer than any that a code block of Hexo's own holds


def _hexo_tag(match: re.Match[str]) -> str:
    if match["code"] is not None:
        return match["code"]
    name, words = match["name"], _words(match["rest"])
    if name in _LEAVES_CONTENT:
        return " ".join(words) if name in ("note", "fold", "tabs") and len(words) > 1 else ""
    if name in ("img", "asset_img", "image", "qnimg") and words:
        source = next((word for word in words if "." in word or "/" in word), None)
        titles = [word for word in words[words.index(source) + 1 :] if not word.isdigit()] if source else []
        return f'<img src="{escape(source)}" alt="{escape(" ".join(titles))}">' if source else match[0]
    if name in ("post_link", "asset_link", "link", "asset_path", "post_path") and words:
        return " ".join(words[1:]) or words[0]
    return match[0]


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()
