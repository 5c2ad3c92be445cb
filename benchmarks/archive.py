"""What an archive's size costs: catalogues of 1,000, 100,000 and 1,000,000 articles, measured with the same questions.

    python benchmarks/archive.py [--sizes 1000,100000] [--full] [--folder DIR]

The catalogues are made through the project's own code and kept in DIR (default: sinanews-bench in the user's cache):
that of a million, which --full asks for, takes half an hour and 5 GB; their posts are empty files, a tenth as many
articles are unfinished, and one in 25 has a copy. Printed for each: a new article (files and commit included; the
sizes take turns), seconds from the start of a crawl to its first request, processor seconds and memory of the
commands that show the archive, searches (the slowest of SEARCHES, newest and best first), and bytes an article, those
of the full-text index apart.
"""

from __future__ import annotations

import argparse
import http.server
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))

from sinanews import Archive, Filters  # noqa: E402
from sinanews.archive.indexing import index_next  # noqa: E402
from sinanews.archive.storing import Store  # noqa: E402
from sinanews.catalogue import Catalogue  # noqa: E402
from sinanews.catalogue.queries import figures  # noqa: E402
from sinanews.catalogue.tables import article_channels, article_stocks, articles, contents, search_docs  # noqa: E402
from sinanews.duplicates import index  # noqa: E402
from sinanews.duplicates.fingerprint import Sketch, fingerprint_of  # noqa: E402
from sinanews.items import ArticleItem  # noqa: E402
from sinanews.listing.channels import CHANNELS  # noqa: E402
from sinanews.posts.exporter import PostRenderer  # noqa: E402
from sinanews.posts.folder import ExportFolder  # noqa: E402
from sinanews.posts.naming import post_path  # noqa: E402
from sinanews.samplesite import texts  # noqa: E402

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sinanews-bench"
NEWEST = datetime(2026, 11, 20, 10, tzinfo=timezone.utc)
TOGETHER = 2000  #: rows of one commit while a catalogue is made
STORIES = 2000  #: texts that its articles take turns with
ENOUGH = 200  #: new articles that are timed
SIZES, FULL = (1000, 100_000), (1000, 100_000, 1_000_000)
#: A common word, with filters too, a rare one, two words, a phrase, one character, a stock's news, a word left out;
#: media that have written much and nothing.
SEARCHES = (
    ("公司", Filters()),
    ("公司", Filters(channels=("china",), since=NEWEST - timedelta(days=365))),
    ("公司", Filters(media=(texts.story(0, 1).media,))),
    ("公司", Filters(media=("没有的媒体",))),
    ("没有这样的词", Filters()),
    ("公司 没有这样的词", Filters()),
    (f'"{texts.story(7, 1).paragraphs[0][:12]}"', Filters()),
    ("的", Filters()),
    ("9", Filters()),
    ("公司", Filters(stocks=(texts.story(0, 1).stock,))),
    ("公司 OR 市场 -银行", Filters()),
)
HARD = "公司 市场"  #: each of its characters is in many articles, the second word in none: all have to be looked at
INDEX = "('search_index_data', 'search_index_idx', 'search_index_docsize', 'search_docs', 'search_docs_article')"
SCRAPY = [sys.executable, "-m", "scrapy"]


def item_of(number: int, seed: str = "made") -> ArticleItem:
    """An article of about 1,500 characters; no two have the same id, title or time."""
    text = texts.story(number % STORIES, 1)
    paragraphs = (text.paragraphs * 9)[:14]
    channel = CHANNELS[number % 30 % len(CHANNELS)]
    key = f"im{seed[:4]}{number:09}"
    return ArticleItem(
        id=key,
        url=f"https://finance.sina.com.cn/china/2026-11-20/doc-{key}.shtml",
        title=f"{text.title}{number}",
        published_at=NEWEST - timedelta(minutes=2 * number),
        media=text.media,
        editor=text.editor,
        keywords=text.keywords,
        stocks=[text.stock],
        body_html="\n".join(f"<p>　　{one}</p>" for one in paragraphs),
        body_text="\n".join(paragraphs),
        layout="finance_2018",
        channel=channel.slug,
        categories=list(channel.categories),
    )


def sketch_of(rng: random.Random) -> Sketch:
    """One that is like no other: to make real ones of a million texts would take longer than all the rest."""
    words = sorted(rng.sample(range(1 << 30), 64))
    places = tuple(rng.randrange(256) for _ in words)
    numbers = tuple(sorted(rng.sample(range(1 << 32), 12)))
    keys = tuple(rng.randrange(-(1 << 31), 1 << 31) for _ in range(12))
    lead = tuple(sorted(rng.sample(range(1 << 16), 8)))
    return Sketch(900, tuple(words), places, numbers, lead, keys, 3)


def grow(catalogue: Catalogue, exports: Path, first: int, last: int) -> None:
    rng, made = random.Random(first), set()
    for start in range(first, last, TOGETHER):
        with catalogue.together():
            for number in range(start, min(start + TOGETHER, last)):
                item = item_of(number)
                path = post_path(item)
                if path.parent not in made:
                    (exports / path.parent).mkdir(parents=True, exist_ok=True)
                    made.add(path.parent)
                (exports / path).touch()
                catalogue.record(
                    item.id, item.published_at or NEWEST, state="exported", sketch=sketch_of(rng), content=item,
                    url=item.url, title=item.title, channel=item.channel, kind=item.kind, layout=item.layout,
                    media=item.media, published_at=item.published_at, path=path.as_posix(), revision=1,
                    file_digest=f"{number:064x}", content_digest=f"{number:064x}", text_digest=f"{number:032x}",
                    exported_at=item.published_at, missing="author,images",
                )  # fmt: skip
        print(f"\r{min(start + TOGETHER, last):>10,} articles", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)


def made(folder: Path, size: int) -> Path:
    """The archive of that size, made where it is not there: exports with the catalogue in it."""
    exports = folder / f"{size}"
    if (folder / f"{size}.done").exists():
        return exports
    exports.mkdir(parents=True, exist_ok=True)
    catalogue = Catalogue(url_of(exports))
    have = sum(one.articles for one in figures(catalogue))
    grow(catalogue, exports, have, size)
    copies(catalogue, size // 25)
    for start in range(0, size // 10, TOGETHER):
        unfinished(catalogue, range(start, min(start + TOGETHER, size // 10)))
    catalogue.close()
    (folder / f"{size}.done").touch()
    return exports


def indexed(exports: Path) -> Path:
    """The same, all of it in the full-text index: one that an older version made is not."""
    catalogue = Catalogue(url_of(exports))
    if catalogue.search.state() != "whole":
        print(f"putting {exports} into the full-text index", file=sys.stderr, flush=True)
        while index_next(catalogue, exports, TOGETHER) is not None:
            pass
    catalogue.close()
    return exports


def cost_of_search(exports: Path, size: int) -> dict[str, float]:
    """Milliseconds of a usual search for twenty articles, the slowest of SEARCHES, and of HARD; seconds of the best."""
    catalogue = Catalogue(url_of(exports))
    archive = Archive.of(catalogue, exports)
    newest = {
        (query, filters): _quickest(lambda q=query, f=filters: list(archive.search(q, f, limit=20)))  # type: ignore[misc]
        for query, filters in (*SEARCHES, (texts.story(7, 1).stock, Filters()))
    }
    best = [_quickest(lambda q=query, f=filters: list(archive.search(q, f, best=True, limit=20)), 1)  # type: ignore[misc]
            for query, filters in (*SEARCHES, (HARD, Filters()))]  # fmt: skip
    with catalogue.read() as connection:
        found = connection.exec_driver_sql(f"SELECT sum(pgsize) FROM dbstat WHERE aggregate = 1 AND name IN {INDEX}")
        pages = int(found.scalar() or 0)
    hard = _quickest(lambda: list(archive.search(HARD, limit=20)))
    catalogue.close()
    return {
        "search_ms": max(newest.values()) * 1000,
        "search_hard_ms": hard * 1000,
        "search_best_s": max(best),
        "search_bytes_an_article": pages / size,
    }


def _quickest(do: Callable[[], object], times: int = 3) -> float:
    """Processor seconds of the quickest: it reads what is in memory, and others may be at work."""
    took = []
    for _ in range(times):
        began = time.process_time()
        do()
        took.append(time.process_time() - began)
    return min(took)


def url_of(exports: Path) -> str:
    return f"sqlite:///{exports}/.catalogue.db"


def copies(catalogue: Catalogue, number: int) -> None:
    """Three copies of every 75th article."""
    with catalogue.together():
        for n in range(number):
            first, copy = item_of(n // 3 * 75), item_of(n, "copy")
            catalogue.record(
                copy.id, NEWEST, state="duplicate", reason="story", duplicate_of=first.id, similarity=0.9,
                url=copy.url, title=copy.title, channel=copy.channel, published_at=copy.published_at,
            )  # fmt: skip


def unfinished(catalogue: Catalogue, numbers: range) -> None:
    rows = [
        {"id": f"iwait{n:09}", "url": f"https://finance.sina.com.cn/china/2026-11-20/doc-iwait{n:09}.shtml",
         "title": "待取", "published_at": NEWEST - timedelta(seconds=n)} for n in numbers
    ]  # fmt: skip
    catalogue.listed(rows, "china", NEWEST)


class New:
    """New articles for one archive, from their fingerprint to the end of their commit; each by itself."""

    def __init__(self, exports: Path) -> None:
        self.catalogue, self.folder = Catalogue(url_of(exports)), ExportFolder(exports)
        self.store = Store(self.catalogue, self.folder, PostRenderer(), "drop", lambda: datetime.now(timezone.utc))
        self.walls: list[float] = []  #: milliseconds
        self.processors: list[float] = []
        self.ids: list[str] = []

    def one(self, item: ArticleItem) -> None:
        wall, processor = time.perf_counter(), time.process_time()
        with self.catalogue.together():
            stored = self.store(item)
            self.folder.sync()
        self.processors.append((time.process_time() - processor) * 1000)
        self.walls.append((time.perf_counter() - wall) * 1000)
        assert stored.what == "exported", stored
        self.ids.append(item.id)
        (self.folder.root / post_path(item)).unlink()

    def leave_no_trace(self) -> None:
        with self.catalogue.together() as connection:
            connection.execute(articles.delete().where(articles.c.id.in_(self.ids)))
            for table in (contents, article_channels, article_stocks):
                connection.execute(table.delete().where(table.c.article_id.in_(self.ids)))
            connection.execute(
                search_docs.update().where(search_docs.c.article_id.in_(self.ids)).values(article_id=None)
            )
            for article in self.ids:
                index.remove(connection, article)
        self.catalogue.close()


def cost_of_new(archives: Iterable[Path]) -> list[dict[str, float]]:
    """Milliseconds of a new article in each of the archives, which take turns."""
    seed, all_of_them = f"{random.randrange(16**4):04x}", [New(exports) for exports in archives]
    for number in range(ENOUGH):
        item = item_of(number, seed)
        item.body_text = "".join(random.sample(item.body_text, len(item.body_text)))  # a story of its own
        item.fingerprint = fingerprint_of(item)
        for new in all_of_them:
            new.one(item)
    for new in all_of_them:
        new.leave_no_trace()
    return [
        {"new_ms": statistics.median(new.walls), "new_processor_ms": statistics.median(new.processors)}
        for new in all_of_them
    ]


def start_up(exports: Path) -> float:
    """Seconds from the start of a crawl to its first request."""
    first = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            first.set()
            self.send_response(404)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environment = {**settings_of(exports), "SINANEWS_MIRROR": f"http://127.0.0.1:{server.server_port}"}
    began = time.perf_counter()
    words = [*SCRAPY, "crawl", "sina_finance", "-a", "channels=china", "--quiet"]
    crawl = subprocess.Popen(words, env=environment, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    asked = first.wait(120)
    took = time.perf_counter() - began
    crawl.kill()
    crawl.wait()
    server.shutdown()
    server.server_close()
    return took if asked else float("inf")


def settings_of(exports: Path) -> dict[str, str]:
    return {**os.environ, "SINANEWS_EXPORTS": str(exports), "SINANEWS_DATABASE": "", "SINANEWS_STALE": "0"}


def cost_of_command(exports: Path, *words: str) -> dict[str, float]:
    """Processor seconds, and MB of memory at most, of a command in a process of its own."""
    run = subprocess.Popen([*SCRAPY, *words], env=settings_of(exports), cwd=PROJECT, stdout=subprocess.DEVNULL)
    peak = 0.0
    while not (ended := os.wait4(run.pid, os.WNOHANG))[0]:
        peak = max(peak, peak_of(run.pid))  # that of the rusage is ours where ours is larger
        time.sleep(0.02)
    _, status, usage = ended
    run.returncode = os.waitstatus_to_exitcode(status)
    assert run.returncode in (0, 1), (words, run.returncode)
    return {"s": usage.ru_utime + usage.ru_stime, "mb": peak}


def peak_of(pid: int) -> float:
    """The most memory that a process had so far, in MB; 0 where it has ended, or the system does not say."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM")), 0)


def measure(exports: Path, size: int) -> dict[str, float]:
    found = {"start_s": start_up(exports)}
    with tempfile.TemporaryDirectory() as folder:
        for name, words in (
            ("status", ["status"]),
            ("channels", ["channels"]),
            ("duplicates", ["duplicates", "--json"]),
            ("report", ["report", "-o", f"{folder}/report.html"]),
            ("verify", ["verify", "--quick"]),
        ):
            found |= {f"{name}_{unit}": value for unit, value in cost_of_command(exports, *words).items()}
    found |= cost_of_search(exports, size)
    others = (exports / ".catalogue.db").stat().st_size / size - found["search_bytes_an_article"]
    return {**found, "bytes_an_article": others}


def measured(sizes: Sequence[int], folder: Path = CACHE) -> dict[int, dict[str, float]]:
    archives = {size: indexed(made(folder, size)) for size in sizes}
    new = dict(zip(sizes, cost_of_new(archives.values()), strict=True))
    return {size: {**new[size], **measure(exports, size)} for size, exports in archives.items()}


def summary(full: bool) -> dict[str, float]:
    """Name → figure, for all of them together."""
    (least, first), *others = measured(FULL if full else SIZES).items()
    found = {f"{least}/{name}": value for name, value in first.items()}
    for size, its in others:
        its[f"new_times_that_at_{least}"] = its["new_processor_ms"] / first["new_processor_ms"]
        found |= {f"{size}/{name}": value for name, value in its.items()}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--full", action="store_true", help="1,000, 100,000 and 1,000,000 articles")
    parser.add_argument("--folder", type=Path, default=CACHE)
    options = parser.parse_args()
    sizes = FULL if options.full else [int(size) for size in options.sizes.split(",")]
    found = measured(sizes, options.folder)
    print(f"{'':20}" + "".join(f"{size:>14,}" for size in sizes))
    for name in next(iter(found.values())):
        print(f"{name:20}" + "".join(f"{found[size][name]:>14,.2f}" for size in sizes))


if __name__ == "__main__":
    main()
