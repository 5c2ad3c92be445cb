"""Sina's old pages as a tree of BeautifulSoup: few pages, tag soup, and what reads them has to be readable."""

from __future__ import annotations

from bs4 import BeautifulSoup
from selectolax.lexbor import LexborHTMLParser


def soup_of(text: str) -> BeautifulSoup:
    """The tree that browsers build: Python's own parser would put each cell that nobody closes into the one before.

    >>> [cell.get_text() for cell in soup_of("<table><tr><td>1<td>2").find_all("td")]
    ['1', '2']
    """
    return BeautifulSoup(LexborHTMLParser(text).html or "", "html.parser")
