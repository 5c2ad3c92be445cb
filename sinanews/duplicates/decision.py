"""What becomes of an article: one decision, from what is known of it and of others like it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from sinanews.duplicates.fingerprint import Fingerprint, Likeness, Sketch, better_copy
from sinanews.items import ArticleItem


@dataclass(frozen=True)
class Alike:
    """The known article of the same story that is most alike."""

    id: str
    likeness: Likeness
    sketch: Sketch
    media: str | None = None


@dataclass(frozen=True)
class Known:
    """What the catalogue knows, read at once: of the article itself, and of other exported ones like it."""

    exported: bool = False
    path: str | None = None  #: of its post, also where that was set aside
    file_digest: str | None = None
    content_digest: str | None = None
    missing_pages: frozenset[str] = field(default_factory=frozenset)
    attempts: int = 0
    revision: int = 0
    same_url: str | None = None  #: id of another with its address
    same_text: str | None = None
    same_story: Alike | None = None


class Decision:
    """What becomes of an article."""


@dataclass(frozen=True)
class New(Decision):
    """It is exported for the first time."""


@dataclass(frozen=True)
class Revision(Decision):
    """It replaces what the archive has of it, unless its post turns out to be identical."""


@dataclass(frozen=True)
class HasMore(Decision):
    """What the archive has of it stays: it has pages that this one lacks."""


@dataclass(frozen=True)
class CopyOf(Decision):
    """It is a copy of another: recorded only, or exported and marked."""

    winner: str
    reason: str  #: url, text or story
    similarity: float = 1.0
    exported: bool = False


@dataclass(frozen=True)
class TakesOver(Decision):
    """It is the better copy, and takes the place of the first."""

    first: str
    why: str  #: complete, original
    similarity: float = 1.0

    def beside(self) -> CopyOf:
        """Both are exported, where the first has something that the better one lacks."""
        return CopyOf(self.first, "story", self.similarity, exported=True)


def decide(known: Known, item: ArticleItem, fingerprint: Fingerprint, policy: str) -> Decision:
    """``policy`` is SINANEWS_DUPLICATES: what becomes of copies. Rows of the live feed are copies of nothing.

    An article that has a post keeps it, whatever an edit makes of it: it is exported as a copy, not dropped.
    """
    marks = policy == "mark" or known.exported
    if known.exported and item.fetch is not None and not item.fetch.missing_pages <= known.missing_pages:
        return HasMore()
    if policy != "keep" and item.kind != "live":
        for winner, reason in ((known.same_url, "url"), (known.same_text, "text")):
            if winner is not None:
                return CopyOf(winner, reason, exported=marks)
        if known.same_story is not None and fingerprint.sketch is not None:
            return _of_the_story(known.same_story, item, fingerprint.sketch, policy, marks)
    return Revision() if known.exported else New()


def _of_the_story(first: Alike, item: ArticleItem, sketch: Sketch, policy: str, marks: bool) -> Decision:
    similarity = max(first.likeness.similarity, first.likeness.containment)
    if policy == "drop" and (why := better_copy(sketch, first.sketch, first.likeness, item.media, first.media)):
        return TakesOver(first.id, why, similarity)
    return CopyOf(first.id, "story", similarity, exported=marks)
