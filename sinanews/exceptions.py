"""Everything this project raises. One root; one DropItem subclass for each reason to drop.

A refusal's ``reason`` is its name in the catalogue and in the stats (``sinanews/refused/<reason>``).
"""

from __future__ import annotations

from typing import Any

from scrapy.exceptions import DropItem, IgnoreRequest


class SinanewsError(Exception):
    """Root of all errors of the project."""


class ArgumentError(SinanewsError):
    """A spider argument or a setting that cannot be used; says what is allowed. One line."""


class CatalogueError(SinanewsError):
    """The catalogue cannot be opened, read or written; wraps the driver's error."""


class CatalogueLost(CatalogueError):
    """The connection broke in the middle of a transaction; nobody knows whether it was committed."""


class StillAtWork(CatalogueError):
    """Tables cannot be brought up to date while workers of an older sinanews use them."""


class ExportError(SinanewsError):
    """A post cannot be written to disk (full, read-only, not ours to write)."""


class BadPicture(SinanewsError):
    """Bytes that are no picture to lie beside posts; its text is the reason in stats, pictures/failed/<reason>."""


class RunLocked(SinanewsError):
    """Another run of the same spider is writing to the same catalogue."""


class NotNow(IgnoreRequest):
    """A request that is not to be made, or not by this run. No failure of its article."""


class ClaimedElsewhere(NotNow):
    """Another worker has the article, or had it meanwhile."""


class RunStopping(NotNow):
    """A request that was under way or waiting when its run began to stop. No failure: the next run asks again."""

    def __init__(self) -> None:
        super().__init__("the run is stopping")


class HostRefuses(IgnoreRequest):
    """A host refuses us, and what the request was for can be had elsewhere."""


class Banned(SinanewsError):
    """A host refuses this client, or did so lately and its cool-down is not over."""


class ListingError(SinanewsError):
    """A list API's answer is not what it should be; ``reason`` is its name in the stats, listing/failed/<reason>."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class Refused(SinanewsError):
    """An input that cannot become an article; ``reason`` is its name in the catalogue and the stats."""

    reason: str = "refused"

    @classmethod
    def named(cls, reason: str, message: str) -> Refused:
        """A refusal whose reason comes from a table (what a listing row links to)."""
        refusal = cls(message)
        refusal.reason = reason
        return refusal


class UnknownLayout(Refused):
    """No layout knows the page; it is recorded rather than guessed at."""

    reason = "unknown_layout"


class AmbiguousLayout(Refused):
    """More than one layout claims the page: a bug in the table of layouts."""

    reason = "ambiguous_layout"


class PageGone(Refused):
    """The page says that the article was deleted, or is an empty shell of one."""

    reason = "gone"


class NotAnArticlePage(Refused):
    """A page that is no article: a login page, an index page, a redirect stub."""

    reason = "not_an_article"


class NoAnswer(SinanewsError):
    """A response that says something of this client, or nothing at all; it never decides an article's fate.

    ``reason`` is its name in the catalogue and the stats (``sinanews/failed/<reason>``).
    """

    reason: str = "no_answer"

    @classmethod
    def named(cls, reason: str, message: str) -> NoAnswer:
        answer = cls(message)
        answer.reason = reason
        return answer


class Wall(NoAnswer):
    """A page that stands between this client and the site: login, captcha, firewall, ban. Many of them are a ban."""

    reason = "wall"


class CutPage(SinanewsError):
    """A page that may be cut: the transport did not confirm its end, and it does not show it itself.

    ``digest`` is of its bytes, ``found`` the Page that was read of it, or the refusal that it would be.
    """

    def __init__(self, message: str, digest: str, found: Any) -> None:
        super().__init__(message)
        self.digest = digest
        self.found = found


class AnotherArticle(Refused):
    """The page of another article than the one asked for: a cache or a server has mixed them up."""

    reason = "another_article"


class PageTooLarge(Refused):
    """A page or body over the size, depth or attribute bounds of cleaning."""

    reason = "too_large"


class UndecodablePage(Refused):
    """The bytes are no text in any encoding Sina uses; exporting them would be mojibake."""

    reason = "undecodable"


class EmptyArticle(Refused):
    """An article page whose body has no text and no picture."""

    reason = "empty"


class BadPost(Refused):
    """A seed that cannot be read as a front-matter post; the message says why."""

    reason = "bad_post"


class BadItem(Refused):
    """What a spider yielded is no article: a field is missing, or has no fit value; the message names it."""

    reason = "bad_item"


class DuplicateArticle(DropItem):
    """The archive has this story already (SINANEWS_DUPLICATES=drop)."""


class UnchangedArticle(DropItem):
    """The same article, fetched again, with the same content."""


class RefusedArticle(DropItem):
    """The item was refused by a pipeline; the catalogue has the reason."""
