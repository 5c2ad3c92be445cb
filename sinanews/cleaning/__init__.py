"""Step 3: clean it.

In: an article's raw body, and where it stood. Out: its text and structure without Sina's clutter, safe to publish, and
what the body says of editor, medium, stocks and pictures. Pure. Start reading at item.py; the rules are lists of
functions in html_rules.py and text_rules.py.
"""

from sinanews.cleaning.html_rules import HTML_RULES
from sinanews.cleaning.item import ALLOWED_ATTRIBUTES, ALLOWED_TAGS, CleanBody, clean_body, clean_item
from sinanews.cleaning.text_rules import TEXT_RULES

__all__ = ["ALLOWED_ATTRIBUTES", "ALLOWED_TAGS", "HTML_RULES", "TEXT_RULES", "CleanBody", "clean_body", "clean_item"]
