"""The seed format: read a post, write a post. Pure.

Files pass through python-frontmatter with a handler of our own (``SeedHandler``), because its
YAML handler loads bombs, changes values' types, folds titles and sorts keys.
"""

from __future__ import annotations

from sinanews.posts.reading import MAX_FILE, MAX_HEADER, read_post
from sinanews.posts.seed import SEED_KEYS, Post, SeedHandler
from sinanews.posts.writing import write_post

__all__ = ["MAX_FILE", "MAX_HEADER", "SEED_KEYS", "Post", "SeedHandler", "read_post", "write_post"]
