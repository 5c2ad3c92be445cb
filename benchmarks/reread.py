"""Keeping pages as they came, and reading them again: ``.venv/bin/python benchmarks/reread.py [--pages DIR]``.

Pages a second of processor time: of a reading that changes nothing, and of one in which every article is another one.
What is kept of a page of 150 KB, in KB, by what the pages at hand come to. DIR as in pages.py.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(PROJECT), str(Path(__file__).parent)]

from pages import PAGES, urls  # noqa: E402

from sinanews.archive.keeping import Keeper  # noqa: E402
from sinanews.archive.reading import Reading  # noqa: E402
from sinanews.archive.rereading import REASON, Rereader  # noqa: E402
from sinanews.archive.storing import Store  # noqa: E402
from sinanews.catalogue import Catalogue  # noqa: E402
from sinanews.catalogue.originals import as_listed  # noqa: E402
from sinanews.cleaning import item as cleaning  # noqa: E402
from sinanews.cleaning.item import clean_item  # noqa: E402
from sinanews.duplicates.fingerprint import fingerprint_of  # noqa: E402
from sinanews.exceptions import NoAnswer, Refused  # noqa: E402
from sinanews.items import Fetch  # noqa: E402
from sinanews.listing.roll import Listing  # noqa: E402
from sinanews.originals.capture import Capture  # noqa: E402
from sinanews.pages import is_sinas  # noqa: E402
from sinanews.pages.answers import read_answer  # noqa: E402
from sinanews.posts.exporter import PostRenderer  # noqa: E402
from sinanews.posts.folder import ExportFolder  # noqa: E402

NUMBER = 600  #: articles
AT = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)


def keep(catalogue: Catalogue, store: Store, keeper: Keeper, folder: Path) -> int:
    """Keep and store the pages of a folder in turn, until there are so many articles; the bytes of their pages."""
    known, pages, size = urls(), sorted(folder.glob("*.html")), 0
    for number in range(NUMBER):
        path = pages[number % len(pages)]
        url, body = known.get(path.stem, f"https://finance.sina.com.cn/{path.name}"), path.read_bytes()
        row = Listing(f"a{number:06}", url, "题", AT)
        try:
            page = read_answer(200, body, url, answered_by=url)
            reading = Reading(row, None, Fetch(row.key), AT, [page])
            item = clean_item(reading.finished(), sinas=is_sinas(page.item))
        except (Refused, NoAnswer):
            continue
        item.fetch, item.fingerprint, size = Fetch(row.key), fingerprint_of(item), size + len(body)
        with catalogue.together():
            keeper(Capture(url, AT, 200, (("Content-Type", "text/html"),), body), row.key, url, as_listed(row))
            store(item)
    keeper.sync()
    return size


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
        store = Store(catalogue, folder, PostRenderer(), "keep", now)
        keeper = Keeper(catalogue, folder, "bench")
        size = keep(catalogue, store, keeper, pages)
        keeper.close()
        reader = Rereader(catalogue, Store(catalogue, folder, PostRenderer(), "keep", now, REASON))
        done, unchanged = timed(reader)
        assert set(done) <= {"as they were", "no longer read"}, done
        tidy, cleaning.tidy_title = cleaning.tidy_title, lambda text: "新" + tidy(text)
        done, revised = timed(reader)
        cleaning.tidy_title = tidy
        assert done["revised"] > NUMBER / 2, done
        weight = catalogue.originals.weight()
        catalogue.close()
    return {
        "pages_a_second": unchanged,
        "revised_a_second": revised,
        "kb_of_150": 150 * weight.bytes / size,
        "mean_kb_of_a_page": size / weight.pages / 1024,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pages", type=Path, default=PAGES)
    for name, value in summary(False, parser.parse_args().pages).items():
        print(f"{name:20}{value:>10,.1f}")


if __name__ == "__main__":
    main()
