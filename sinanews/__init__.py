"""sinanews: collects Sina Finance's news into an archive of front-matter posts.

``from sinanews import Archive, Article, Filters`` reads that archive: docs/data.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sinanews.out.archive import Archive as Archive
    from sinanews.out.articles import Article as Article
    from sinanews.out.filters import Filters as Filters

__version__ = "1.0.0"
__all__ = ["Archive", "Article", "Filters", "user_agent"]
_HOMES = {"Archive": "archive", "Article": "articles", "Filters": "filters"}


def user_agent(contact: str) -> str:
    """How requests name themselves; ``contact`` is an address or URL at which their sender can be reached."""
    return f"sinanews/{__version__} (news archive; {contact or 'no contact given'})"


def __getattr__(name: str) -> Any:
    """The archive's names, imported when they are first asked for: settings.py imports this module on every start."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"sinanews.out.{_HOMES[name]}"), name)
