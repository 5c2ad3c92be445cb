"""Small tools on lxml's tree of a body."""

from __future__ import annotations

import re
from collections.abc import Iterator

import lxml.html  # type: ignore[import-untyped]  # its stubs are a package that nothing else here needs
from lxml.html import HtmlElement as HtmlElement

_PARSER = lxml.html.HTMLParser(remove_comments=True, remove_pis=True, encoding="utf-8")
SPACES = re.compile(r"[ \t\n\r\f\v\xa0]+")


def parse_body(markup: str) -> HtmlElement:
    """The body element of a document that holds the markup."""
    page = f"<html><body><div>{markup}</div></body></html>".encode("utf-8", "ignore")
    body: HtmlElement = lxml.html.document_fromstring(page, parser=_PARSER).find("body")
    body[0].drop_tag()
    return body


def new_element(tag: str) -> HtmlElement:
    return lxml.html.Element(tag)


def to_markup(element: HtmlElement) -> str:
    return str(lxml.html.tostring(element, encoding="unicode"))


def elements(root: HtmlElement, *tags: str) -> list[HtmlElement]:
    """All descendants, as a list, so that a rule may remove what it sees."""
    return [element for element in root.iter(*tags) if element is not root]


def drop(element: HtmlElement) -> bool:
    """Remove an element with its text; what follows it stays. False where it is gone already."""
    if element.getparent() is None:
        return False
    element.drop_tree()
    return True


def text_of(element: HtmlElement) -> str:
    """The text as a reader sees it: white space collapsed, ends stripped of full-width spaces too."""
    text = "".join(element.itertext()) if len(element) else element.text or ""
    return SPACES.sub(" ", text).strip(" \u3000")


def link_text_of(element: HtmlElement) -> str:
    return "".join(text_of(link) for link in element.iter("a"))


def is_only_links(element: HtmlElement) -> bool:
    """True where all text but brackets, arrows and the like stands in links."""
    if not len(element):
        return False
    text = re.sub(r"\W", "", text_of(element))
    return bool(text) and text == re.sub(r"\W", "", link_text_of(element))


def classes(element: HtmlElement) -> Iterator[str]:
    yield from (element.get("class") or "").split()
