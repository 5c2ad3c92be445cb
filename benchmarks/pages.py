"""What a page costs us, what it costs trafilatura, and what lxml needs to parse it, in the same run.

    python benchmarks/pages.py [--pages DIR] [--rounds N]

Ours is everything from bytes to a clean article: decoding, choosing the layout, title, time, medium and the
other fields, cleaning the body. trafilatura is asked for the same (text and metadata), and for the text alone; lxml
for no more than a tree of the same bytes. Milliseconds of CPU, the best of N rounds for each page. DIR defaults to
the real pages in ../shared/corpus/pages where they are, else tests/pages. Exit status 1 where ours is not at most a
tenth of the cheaper of trafilatura's two.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))

from sinanews.cleaning.item import clean_item  # noqa: E402
from sinanews.pages import read_page  # noqa: E402

REAL = PROJECT.parent / "shared" / "corpus"
PAGES = REAL / "pages" if REAL.is_dir() else PROJECT / "tests" / "pages"
ALLOWED = 0.1


def urls() -> dict[str, str]:
    """File name -> the page's URL, for the real pages and for our own."""
    known = {path.stem: json.loads(path.read_text("utf-8"))["url"] for path in (PROJECT / "tests/pages").glob("*.json")}
    if (REAL / "listing.json").is_file():
        known |= {Path(row["file"]).stem: row["url"] for row in json.loads((REAL / "listing.json").read_text("utf-8"))}
    return known


def ours(body: bytes, url: str) -> None:
    clean_item(read_page(body, url).item)


def best(work: Callable[[], object], rounds: int) -> float:
    """Milliseconds of CPU of the quickest round."""
    times = []
    for _ in range(rounds):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return min(times) * 1000


def measure(folder: Path, rounds: int) -> Iterator[tuple[str, int, list[float]]]:
    """Name, bytes and milliseconds of each page: ours, trafilatura's with metadata and its text alone, lxml's parse."""
    import lxml.html
    import trafilatura

    known = urls()
    for path in sorted(folder.glob("*.html")):
        body, url = path.read_bytes(), known.get(path.stem, f"https://finance.sina.com.cn/{path.name}")
        whole = partial(trafilatura.bare_extraction, url=url, with_metadata=True)
        work = (partial(ours, body, url), partial(whole, body), partial(trafilatura.extract, body, url=url),
                partial(lxml.html.fromstring, body))  # fmt: skip
        yield path.stem, len(body), [best(one, rounds) for one in work]


def summary(full: bool) -> dict[str, float]:
    rows = [row for _, _, row in measure(PAGES, 10 if full else 3)]
    mine, *others, parse = (sum(column) for column in zip(*rows, strict=True))
    return {
        "ms_a_page": mine / len(rows),
        "trafilatura_times_ours": min(others) / mine,
        "times_lxml_parse": mine / parse,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pages", type=Path, default=PAGES)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    pages, totals = 0, [0.0, 0.0, 0.0, 0.0]
    print(f"{'page':<28}{'KB':>6}{'ours ms':>10}{'trafilatura':>13}{'text only':>11}{'lxml parse':>12}")
    for name, size, row in measure(options.pages, options.rounds):
        totals = [total + value for total, value in zip(totals, row, strict=True)]
        print(f"{name:<28}{size / 1024:>6.0f}{row[0]:>10.2f}{row[1]:>13.2f}{row[2]:>11.2f}{row[3]:>12.2f}")
        pages += 1
    print(f"{'all':<34}{totals[0]:>10.2f}{totals[1]:>13.2f}{totals[2]:>11.2f}{totals[3]:>12.2f}")
    whole, text_only, parses = totals[1] / totals[0], totals[2] / totals[0], totals[0] / totals[3]
    print(f"ours is 1/{whole:.1f} of trafilatura with metadata, 1/{text_only:.1f} of its text alone")
    print(f"ours is {totals[0] / pages:.2f} ms a page, {parses:.1f} times lxml's bare parse of the same bytes")
    return 0 if min(whole, text_only) >= 1 / ALLOWED else 1


if __name__ == "__main__":
    sys.exit(main())
