"""The one thing that flows through the project: an article."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Fetch:
    """How an article was had: what the catalogue keeps for the next look at it."""

    listed_as: str  #: the key its pending row has
    listed_mtime: datetime | None = None
    etag: str | None = None
    last_modified: str | None = None
    missing_pages: frozenset[str] = frozenset()  #: URLs of pages that could not be had

    def validators(self) -> dict[str, Any]:
        """The columns that a later look at the same article uses; one that lacks pages is asked for unconditionally."""
        if self.missing_pages:
            return {"listed_mtime": self.listed_mtime, "missing_pages": "\n".join(sorted(self.missing_pages))}
        validators = {"etag": self.etag, "last_modified": self.last_modified}
        return {"listed_mtime": self.listed_mtime, "missing_pages": None, **validators}


@dataclass
class ArticleItem:
    """An article of Sina Finance, or a post of the same kind read from disk.

    Every datetime is aware and carries Beijing's offset (+08:00). A value that the
    source does not show is ``None`` or empty, never a guess.
    """

    # Which article: set by whoever meets it first (listing row, page, seed).
    id: str  #: document id as in the URL (``imizmscv8626000``); ``seed-`` + digest for a seed
    url: str | None  #: canonical, https; None for a seed, which names no URL

    # What the page shows: set by its layout (pages/), or read from a post (posts/).
    title: str
    original_title: str | None = None  #: from a 原标题 line
    summary: str | None = None
    published_at: datetime | None = None  #: the visible time
    updated_at: datetime | None = None
    media: str | None = None  #: the medium it came from, 来源
    author: str | None = None  #: byline
    editor: str | None = None  #: 责任编辑, without the staff code
    keywords: list[str] = field(default_factory=list)
    stocks: list[str] = field(default_factory=list)  #: codes: ``sh600519``, ``JPM``
    images: list[str] = field(default_factory=list)  #: absolute https URLs, in order, of the content
    lead_image: str | None = None  #: the first content image; the poster of a video page
    #: as it came until CleanPipeline has seen it; clean (or still verbatim) after
    body_html: str = ""
    body_text: str = ""  #: paragraphs, one a line; always of the clean body
    attachments: list[str] = field(default_factory=list)  #: URLs of the documents that an announcement is
    layout: str = ""  #: name of the page layout, or ``seed``
    kind: str = "article"  #: article, video, gallery, live, announcement, research

    # Where it was found: set by the spider.
    channel: str | None = None  #: slug of the first channel that listed it
    categories: list[str] = field(default_factory=list)  #: 金融, 新浪财经, 新浪财经－国內
    fetched_at: datetime | None = None

    refers_to: str | None = None  #: of a row of the live feed: id of the article that it announces

    incomplete: bool = False  #: a page of it, or the end of one, could not be had; later runs ask again

    # Kept so that a seed can be written back byte for byte (SINANEWS_BODY=verbatim).
    date_as_written: str | None = None  #: only when a seed's date is not RFC 1123

    # Set when it is stored and found to be a copy.
    duplicate_of: str | None = None  #: id of the copy that the archive keeps

    @property
    def is_paper(self) -> bool:
        """Whether it is a company's announcement or a report on one. They have words in common, and are no copies."""
        return self.kind in ("announcement", "research")

    def __post_init__(self) -> None:
        # What is known of the article beside it travels with it; these are no fields, so no exporter shows them.
        self.fetch: Fetch | None = None  #: None for what was not fetched
        # Set by DedupPipeline, and when it is stored; see duplicates/.
        self.fingerprint: Any = None
        self.known: Any = None
        self.copies: dict[str, str] = {}  #: of its pictures: where they came from → where a post finds them


#: Fields whose absence is recorded; monitors compare it with what is usual.
RATED_FIELDS: tuple[str, ...] = (
    "title",
    "published_at",
    "media",
    "author",
    "editor",
    "keywords",
    "stocks",
    "images",
    "body_text",
)
