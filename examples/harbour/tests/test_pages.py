"""Each saved page gives the item that was written down for it."""

import json
from pathlib import Path

import pytest
from harbour.pages import NewsPage

from sinanews.cleaning.item import clean_item

HERE = Path(__file__).parent
PAGES = HERE.parent / "site" / "harbour.example" / "news"


@pytest.mark.parametrize("name", sorted(path.stem for path in (HERE / "expected").iterdir()))
def test_the_page_gives_its_item(name: str) -> None:
    html = (PAGES / f"{name}.html").read_text("utf-8")
    item = NewsPage(html, f"https://harbour.example/news/{name}.html").item()
    clean_item(item, sinas=False)
    for field, value in json.loads((HERE / "expected" / f"{name}.json").read_text("utf-8")).items():
        found = getattr(item, field)
        assert (found.isoformat() if field == "published_at" else found) == value, field
