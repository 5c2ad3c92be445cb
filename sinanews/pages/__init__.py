"""Step 2: read it.

In: the bytes that answered an article's address. Out: the article as its page shows it, its body still raw; or why
there is none. Pure. Start reading at page.py; answers.py says which answers are believed.
"""

from sinanews.pages.base import Layout, Source
from sinanews.pages.decoding import Decoded, decode
from sinanews.pages.page import LAYOUTS, Page, is_sinas, read_page
from sinanews.pages.pagination import join_bodies, next_pages

__all__ = [
    "LAYOUTS", "Decoded", "Layout", "Page", "Source", "decode", "is_sinas", "join_bodies", "next_pages", "read_page",
]  # fmt: skip
