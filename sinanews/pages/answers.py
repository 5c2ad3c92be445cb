"""What the answer to an article's request means, and when it is believed. Pure.

An answer is the article; a statement about the article (a Refused: gone, no article, unreadable …); a page that may be
cut (CutPage); or nothing that concerns the article (NoAnswer: a wall before us, an error, an empty body). Only a
statement decides an article's fate, and only once several runs, hours apart, were told the same.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sinanews.exceptions import AnotherArticle, CutPage, NoAnswer, Refused, Wall
from sinanews.pages.page import Page, read_page
from sinanews.urls import article_id, is_login_host

RUNS = 3  #: that must be told the same before it is believed
APART = timedelta(hours=3)  #: answers closer to each other count once: one bad hour is one answer
CUT_RUNS = 4  #: the first and three later ones that must get the same bytes of a page without an end

#: What may follow a page's end, closed or cut off itself; and what must not be taken for its end.
_HIDDEN = re.compile(rb"<!--.*?(?:-->|\Z)|<(script|style)\b.*?(?:</\1\s*>|\Z)", re.S | re.I)
_COMOS = re.compile(r"i[a-z]{2,}[a-z0-9]*\d{4,}")  #: ids of Sina's publishing system, in addresses and in publishid
_END = re.compile(rb"</html\s*>|</body\s*>\s*\Z", re.I)


class Said(NamedTuple):
    """What an article's page answered last; the columns of the catalogue that keep it."""

    answer: str | None = None
    answers: int = 0  #: runs that were answered just so, those that followed each other within hours counted once
    answered_at: datetime | None = None  #: when the last that counts was


def told(before: Said, answer: str, now: datetime, apart: timedelta = APART) -> Said:
    """What is known after one more answer.

    >>> first = told(Said(), 'gone', datetime(2026, 1, 1, 8))
    >>> told(first, 'gone', datetime(2026, 1, 1, 9)).answers, told(first, 'gone', datetime(2026, 1, 1, 11)).answers
    (1, 2)
    >>> told(first, 'empty', datetime(2026, 1, 1, 11)).answers
    1
    """
    if before.answer != answer or before.answered_at is None:
        return Said(answer, 1, now)
    if now - before.answered_at < apart:
        return before
    return Said(answer, before.answers + 1, now)


def read_answer(
    status: int, body: bytes, url: str, *, answered_by: str, content_type: str | None = None, confirmed: bool = True
) -> Page:
    """The page of an article, from a response that is no HTTP error.

    ``answered_by`` is the URL that answered in the end, ``confirmed`` whether the transport says that the body is
    whole. Raises Refused, NoAnswer (Wall) or CutPage.
    """
    if status != 200:
        raise NoAnswer.named(f"http_{status}", f"HTTP status {status}, which has no page: {url}")
    if is_login_host(answered_by):
        raise Wall.named("login", f"{url} leads to {answered_by}")
    if confirmed or has_end(body):
        return _page_asked_for(read_page(body, url, content_type), url, answered_by)
    digest = hashlib.sha256(body).hexdigest()
    words = f"the page ends without its end after {len(body)} bytes: {url}"
    try:
        raise CutPage(words, digest, _page_asked_for(read_page(body, url, content_type), url, answered_by))
    except Refused as refusal:  # what is left of it may look like anything
        raise CutPage(words, digest, refusal) from None


def _page_asked_for(page: Page, *asked: str) -> Page:
    """Raises AnotherArticle where a page's own ids are all others; those of another kind cannot be compared."""
    wanted = {one for url in asked if (one := article_id(url)) and _COMOS.fullmatch(one)}
    own = {one for one in page.own_ids if _COMOS.fullmatch(one)}
    if wanted and own and not wanted & own:
        raise AnotherArticle(f"the page of {', '.join(sorted(own))} in place of {asked[0]}")
    return page


def has_end(body: bytes) -> bool:
    """Whether a page shows its own end: ``</html>``, or ``</body>`` before nothing but white space and hidden things.

    >>> has_end(b'<p>x</p></body>\\n<script>1</script>'), has_end(b'<p>x</p><!-- </html> -->')
    (True, False)
    """
    return _END.search(_HIDDEN.sub(b"", body)) is not None


@dataclass
class Walls:
    """How often a run stood before a wall: a login, a captcha, a firewall's page with status 200."""

    limit: int  #: so many in a row are a ban
    FEWEST = 3  #: so many at least say something of a whole run
    walls: int = 0
    answers: int = 0
    in_a_row: int = 0

    def met(self, wall: bool) -> None:
        """Count an answer. One that says nothing at all is none."""
        self.answers += 1
        self.walls += wall
        self.in_a_row = self.in_a_row + 1 if wall else 0

    def are_a_ban(self, *, over: bool = False) -> bool:
        """Whether a host refuses us; ``over``: the run has no more to ask."""
        most = self.walls * 2 > self.answers
        return self.in_a_row >= self.limit or (most and self.walls >= (self.FEWEST if over else self.limit))
