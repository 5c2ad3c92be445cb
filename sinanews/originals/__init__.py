"""Raw pages as WARC files: written as they came, and read again, ours and anybody's. Knows no crawler, no database."""

from __future__ import annotations

import importlib.util

from sinanews.exceptions import ArgumentError

__all__ = ["check_warcio"]


def check_warcio(what: str) -> None:
    """Raises ArgumentError where the library that ``what`` needs is not installed."""
    if importlib.util.find_spec("warcio") is None:
        raise ArgumentError(f"{what} needs a library that is not installed: pip install 'sinanews[originals]'")
