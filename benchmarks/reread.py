"""Keeping pages as they came, and reading them again: ``.venv/bin/python benchmarks/reread.py [--pages DIR]``.

Pages of 150 KB, built like Sina's, a second of processor time: of a reading that changes nothing, and of one in which
every article is another one. And what is kept of 150 KB of the pages in DIR, in KB; DIR as in pages.py.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import urlsplit

PROJECT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(PROJECT), str(Path(__file__).parent)]

from crawl import SIZE, filled  # noqa: E402
from pages import PAGES  # noqa: E402

from sinanews.archive.keeping import Keeper  # noqa: E402
from sinanews.archive.reading import Reading  # noqa: E402
from sinanews.archive.rereading import REASON, Rereader  # noqa: E402
from sinanews.archive.storing import Store  # noqa: E402
from sinanews.catalogue import Catalogue  # noqa: E402
from sinanews.catalogue.originals import as_listed  # noqa: E402
from sinanews.cleaning import item as cleaning  # noqa: E402
from sinanews.cleaning.item import clean_item  # noqa: E402
from sinanews.duplicates.fingerprint import fingerprint_of  # noqa: E402
from sinanews.items import Fetch  # noqa: E402
from sinanews.listing.roll import Listing  # noqa: E402
from sinanews.originals.capture import Capture, response_record  # noqa: E402
from sinanews.pages.answers import read_answer  # noqa: E402
from sinanews.posts.exporter import PostRenderer  # noqa: E402
from sinanews.posts.folder import ExportFolder  # noqa: E402
from sinanews.samplesite import SampleSite  # noqa: E402
from sinanews.samplesite.server import Request  # noqa: E402
from sinanews.urls import canonical_url  # noqa: E402

NUMBER = 600  #: articles
AT = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)


def keep(catalogue: Catalogue, store: Store, keeper: Keeper) -> None:
    """Keep and store articles, each with a story of its own and a page of SIZE bytes built like Sina's."""
    site = SampleSite(NUMBER, days=2, reprints=0, live=1, shares={"news": 0.12, "old": 0.08})
    for entry in site.entries:
        row = Listing(entry.id, canonical_url(entry.url), "", AT)
        parts = urlsplit(entry.url)
        body = filled(site.answer(Request("GET", parts.netloc, parts.path, ""))[0].body, SIZE)
        page = read_answer(200, body, row.url, answered_by=row.url)
        item = clean_item(Reading(row, None, Fetch(row.key), AT, [page]).finished())
        item.fingerprint = fingerprint_of(item)
        with catalogue.together():
            keeper(Capture(row.url, AT, 200, (("Content-Type", "text/html"),), body), row.key, row.url, as_listed(row))
            store(item)
    keeper.sync()


def kb_of_150(folder: Path) -> float:
    """What is kept of 150 KB of the pages of a folder."""
    bodies = [path.read_bytes() for path in sorted(folder.glob("*.html"))]
    records = [response_record(Capture("https://finance.sina.com.cn/", AT, 200, (), body)) for body in bodies]
    return 150 * sum(map(len, records)) / sum(map(len, bodies))


def timed(reader: Rereader) -> tuple[Counter[str], float]:
    """What became of them, and how many were read in a second of the processor."""
    began = time.process_time()
    done = Counter(one.what for one in reader.all())
    return done, done.total() / (time.process_time() - began)


def summary(full: bool, pages: Path = PAGES) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as place:
        folder = ExportFolder(Path(place))
        catalogue = Catalogue(f"sqlite:///{place}/.catalogue.db")
        now = lambda: datetime.now(timezone.utc)  # noqa: E731
        store = Store(catalogue, folder, PostRenderer(), "drop", now)
        keeper = Keeper(catalogue, folder, "bench")
        keep(catalogue, store, keeper)
        keeper.close()
        reader = Rereader(catalogue, Store(catalogue, folder, PostRenderer(), "drop", now, why=REASON))
        done, unchanged = timed(reader)
        assert set(done) == {"as they were"}, done
        tidy, cleaning.tidy_title = cleaning.tidy_title, lambda text: "新" + tidy(text)
        done, revised = timed(reader)
        cleaning.tidy_title = tidy
        assert done["revised"] == NUMBER, done
        catalogue.close()
    return {"pages_a_second": unchanged, "revised_a_second": revised, "kb_of_150": kb_of_150(pages)}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pages", type=Path, default=PAGES)
    for name, value in summary(False, parser.parse_args().pages).items():
        print(f"{name:20}{value:>10,.1f}")


if __name__ == "__main__":
    main()
