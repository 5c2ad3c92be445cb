"""A machine that writes no posts (SINANEWS_POSTS=0): others write them from the catalogue."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sinanews.posts.folder import ExportFolder


class NoFolder(ExportFolder):
    """In the place of the exports folder: nothing is in it, and nothing is done to what may lie there."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def has(self, path: str) -> bool:
        return False

    def read(self, path: str) -> bytes | None:
        return None

    def write(self, path: str, data: bytes) -> None:
        pass

    def sync(self) -> None:
        pass

    def set_aside(self, path: str) -> None:
        pass

    def keep_copy(self, path: str) -> None:
        pass

    def finish_moves(self, paths: Iterable[str]) -> None:
        pass
