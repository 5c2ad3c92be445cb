"""Small tools on lxml's tree of a body."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

from lxml import etree  # type: ignore[import-untyped]  # its stubs are a package that nothing else here needs

HtmlElement: TypeAlias = Any  #: an element of lxml, which has no types of its own

#: lxml.html's own element classes would be handier and cost as much time again.
_PARSER = etree.HTMLParser(remove_comments=True, remove_pis=True, encoding="utf-8")
SPACES = re.compile(r"[ \t\n\r\f\v\xa0]+")


def parse_body(markup: str) -> HtmlElement:
    """The body element of a document that holds the markup."""
    page = f"<html><body><div>{markup}</div></body></html>".encode("utf-8", "ignore")
    body = etree.fromstring(page, parser=_PARSER).find("body")
    unwrap(body[0])
    return body


def new_element(tag: str) -> HtmlElement:
    return etree.Element(tag)


def to_markup(element: HtmlElement) -> str:
    return str(etree.tostring(element, encoding="unicode", method="html", with_tail=False))


def elements(root: HtmlElement, *tags: str) -> list[HtmlElement]:
    """All descendants, as a list, so that a rule may remove what it sees."""
    return list(root.iterdescendants(*tags))


def walk(element: HtmlElement) -> Iterator[tuple[bool, HtmlElement]]:
    """Every element twice: as it begins (True), and behind all that it holds."""
    for event, inner in etree.iterwalk(element, events=("start", "end")):
        yield event == "start", inner


def drop(element: HtmlElement) -> bool:
    """Remove an element with its text; what follows it stays. False where it is gone already."""
    if (parent := element.getparent()) is None:
        return False
    if element.tail:
        _add_before(element, element.tail)
    element.tail = None
    parent.remove(element)
    return True


def unwrap(element: HtmlElement) -> None:
    """Put what an element holds in its place."""
    parent = element.getparent()
    if parent is None:
        return
    if element.text:
        _add_before(element, element.text)
    if len(element) and element.tail:
        element[-1].tail = (element[-1].tail or "") + element.tail
        element.tail = None
    at = parent.index(element)
    children = list(element)
    drop(element)
    parent[at:at] = children


#: What an element is called that ``strip`` takes away.
GONE = "sina-gone"


def strip(root: HtmlElement, unwrapped: Iterable[HtmlElement] = (), dropped: Iterable[HtmlElement] = ()) -> int:
    """Unwrap and drop many elements at once: ``unwrap`` and ``drop`` copy the text before each of them."""
    count = 0
    for element in dropped:
        element.clear(keep_tail=True)
        element.tag = GONE
        count += 1
    for element in unwrapped:
        element.tag = GONE
        count += 1
    if count:
        etree.strip_tags(root, GONE)
    return count


def strip_tags(root: HtmlElement, tag: str) -> None:
    etree.strip_tags(root, tag)


def _add_before(element: HtmlElement, text: str) -> None:
    before, parent = element.getprevious(), element.getparent()
    if before is not None:
        before.tail = (before.tail or "") + text
    else:
        parent.text = (parent.text or "") + text


def last_words(element: HtmlElement) -> str:
    """The end of the text, without a look at all of it."""
    words = ""
    for inner in element.iterchildren(reversed=True):
        words = last_words(inner) + (inner.tail or "")[-50:] + words
        if len(words.strip(" \t\r\n\xa0\u3000")) > 10:
            return words
    return (element.text or "")[-50:] + words


def text_of(element: HtmlElement) -> str:
    """The text as a reader sees it: white space collapsed, ends stripped of full-width spaces too."""
    text = "".join(element.itertext()) if len(element) else element.text or ""
    return SPACES.sub(" ", text).strip(" \u3000")


def _link_text(element: HtmlElement) -> str:
    return "".join(text_of(link) for link in element.iter("a")) if len(element) else ""


def text_without_links(element: HtmlElement) -> str:
    words, links = [], 0
    for begins, inner in walk(element):
        if inner.tag == "a":
            links += 1 if begins else -1
        if not links and (begins or inner is not element):
            words.append((inner.text if begins else inner.tail) or "")
    return SPACES.sub(" ", "".join(words)).strip(" \u3000")


def is_only_links(element: HtmlElement) -> bool:
    """True where all text but brackets, arrows and the like stands in links."""
    linked = re.sub(r"\W", "", _link_text(element))
    return bool(linked) and linked == re.sub(r"\W", "", text_of(element))


def classes(element: HtmlElement) -> list[str]:
    return str(element.get("class", "")).split()
