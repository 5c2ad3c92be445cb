"""What a whole crawl costs beside bare Scrapy, which downloads the same pages from the same server and drops them.

    python benchmarks/crawl.py [--pages N] [--size BYTES] [--rounds N]

A server in a process of its own answers with the sample site's lists and articles, each page filled up to SIZE as real
ones are: with scripts, styles and links. Both crawls run in turns, sixteen requests at once and no delay, each in a
fresh process. Processor and wall time are those between the spider's opening and its closing; the best round counts.
Of a long crawl (--pages 20000 --size 20000 --rounds 1) the memory and the time of a page in its last quarter stand
beside those in its second.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))
SETTINGS: dict[str, Any] = {
    "CONCURRENT_REQUESTS": 16,
    "CONCURRENT_REQUESTS_PER_DOMAIN": 16,
    "DOWNLOAD_DELAY": 0,
    "AUTOTHROTTLE_ENABLED": False,
    "ROBOTSTXT_OBEY": False,
    "COOKIES_ENABLED": False,
    "TELNETCONSOLE_ENABLED": False,
    "LOG_LEVEL": "ERROR",
}
#: What Sina's pages hold beside the article: of 150 KB nearly half are scripts, a tenth comments; 7 elements a KB.
_BLOCK = (
    '<div class="blk" id="blk_{n}"><h3><span>相关专题</span></h3><ul class="list-{n}">\n'
    + '<li><a href="https://finance.sina.com.cn/roll/{n}.shtml" target="_blank">更多财经新闻与行情数据</a></li>\n' * 18
    + "</ul></div>\n<!-- "
    + "publish_helper name='广告位' p_id='31' t_id='{n}' d_id='1' " * 10
    + "-->\n<script>\n"
    + "(function (d, s, id) {{ var n = d.getElementsByTagName(s)[0]; if (d.getElementById(id)) {{ return; }} }});\n"
    * 26
    + "</script>\n"
)
SIZE = 150_000  #: bytes of a page
LAST_TIMES_SECOND = "_last_times_second"  #: ending of the figures of last_times_second


def filled(page: bytes, size: int) -> bytes:
    """The page with blocks before its end until it has ``size`` bytes, or a block more."""
    encoding = "gbk" if b"charset=gb" in page[:2000] else "utf-8"
    head, end, tail = page.rpartition(b"</body>")
    rest: list[bytes] = []
    while len(page) + sum(map(len, rest)) < size:
        rest.append(_BLOCK.format(n=len(rest)).encode(encoding))
    return b"".join((head, *rest, end, tail))


def serve(pages: int, size: int, ready: Any) -> None:
    """Runs in a process of its own: a server that does as little as a server can."""
    from sinanews.samplesite import SampleSite
    from sinanews.samplesite.server import Request

    shares = {"news": 0.12, "old": 0.08}
    site, answers = SampleSite(pages, days=2, reprints=0, live=1, shares=shares), {}

    def answer(target: str) -> bytes:
        if target not in answers:
            host, _, path = urlsplit(target).path.lstrip("/").partition("/")
            made, _ = site.answer(Request("GET", host, f"/{path}", urlsplit(target).query))
            body = filled(made.body, size) if b"</body>" in made.body else made.body
            head = f"HTTP/1.1 {made.status} OK\r\nContent-Type: {made.kind}\r\nContent-Length: {len(body)}\r\n\r\n"
            answers[target] = head.encode() + body
        return answers[target]

    class Connection(asyncio.Protocol):
        def connection_made(self, transport: Any) -> None:
            self.transport, self.rest = transport, b""

        def data_received(self, data: bytes) -> None:
            *requests, self.rest = (self.rest + data).split(b"\r\n\r\n")
            for request in requests:
                self.transport.write(answer(request.split(b" ", 2)[1].decode()))

    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        urls = [entry.url for entry in site.entries]
        for url in urls:
            parts = urlsplit(url)
            answer(f"/{parts.netloc}{parts.path}")
        ready.put((port, urls))
        await server.serve_forever()

    asyncio.run(run())


def crawl(kind: str, port: int, urls: list[str]) -> dict[str, float]:
    """One crawl in this process; its figures."""
    from scrapy import Request, Spider, signals
    from scrapy.crawler import CrawlerProcess
    from scrapy.utils.project import get_project_settings

    class Bare(Spider):
        name = "bare"

        async def start(self) -> Any:
            for url in urls:
                parts = urlsplit(url)
                yield Request(f"http://127.0.0.1:{port}/{parts.netloc}{parts.path}", dont_filter=True)

        def parse(self, response: Any) -> None:
            len(response.body)

    counted = "sinanews/articles/exported" if kind == "ours" else "response_received_count"
    marks: list[tuple[float, float]] = []
    looks: list[Look] = []

    def look() -> None:
        done = crawler.stats.get_value(counted, 0)
        looks.append(Look(done, memory_of_this_process(), time.perf_counter(), time.process_time()))

    def mark() -> None:
        marks.append((time.perf_counter(), time.process_time()))

    folder = tempfile.mkdtemp(dir=os.environ.get("BENCH_FOLDER"))  # deleted by ``measure``
    settings: Any = SETTINGS
    if kind == "ours":
        settings = get_project_settings()
        ours = {
            "SINANEWS_EXPORTS": f"{folder}/exports",
            "SINANEWS_DATABASE": f"sqlite:///{folder}/c.db",
            "SINANEWS_MIRROR": f"http://127.0.0.1:{port}",
            "SINANEWS_MAX_PAGES": "1000",
            "SINANEWS_PROGRESS": "0",
            "SINANEWS_STALE": "0",
        }
        settings.setdict({**SETTINGS, **ours}, priority="cmdline")
    process = CrawlerProcess(settings)
    crawler = process.create_crawler(Bare if kind == "bare" else "sina_finance")
    crawler.signals.connect(mark, signals.spider_opened)
    crawler.signals.connect(mark, signals.spider_closed)
    crawler.signals.connect(lambda: every_second(look), signals.spider_opened, weak=False)
    process.crawl(crawler)
    process.start()
    mark()
    done = crawler.stats.get_value(counted, 0)
    ended = {k: v for k, v in crawler.stats.get_stats().items() if k.startswith("sinanews/")}
    assert done == len(urls), f"{kind}: {done} of {len(urls)} pages: {ended}"
    (wall, processor), (wall_end, processor_end) = marks[0], marks[-1]
    return {"wall": wall_end - wall, "processor": processor_end - processor, **last_times_second(looks, len(urls))}


class Look(NamedTuple):
    """What is known of a crawl at one moment."""

    pages: int
    memory: int  #: KB
    wall: float
    processor: float


def last_times_second(looks: Sequence[Look], pages: int) -> dict[str, float]:
    """What the last quarter of the pages costs, times what the second does: a crawl that gets heavier shows here."""

    def quarter(number: int) -> dict[str, float]:
        first, last = (bisect_left(looks, pages * n / 4, key=lambda look: look.pages) for n in (number - 1, number))
        its = looks[min(first, len(looks) - 2) : last + 1]
        done = max(1, its[-1].pages - its[0].pages)
        memory = sum(look.memory for look in its) / len(its)
        wall, processor = its[-1].wall - its[0].wall, its[-1].processor - its[0].processor
        return {"memory": memory, "wall": wall / done, "processor": processor / done}

    second, last = quarter(2), quarter(4)
    return {f"{name}{LAST_TIMES_SECOND}": last[name] / second[name] for name in last if second[name]}


def every_second(do: Callable[[], None]) -> None:
    do()
    timer = threading.Timer(1, every_second, [do])
    timer.daemon = True
    timer.start()


def memory_of_this_process() -> int:
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


def measure(pages: int, size: int, rounds: int) -> dict[str, float]:
    """Processor milliseconds a page of both, pages a second of both, and the two ratios."""
    ready: Any = multiprocessing.Queue()
    server = multiprocessing.Process(target=serve, args=(pages, size, ready), daemon=True)
    server.start()
    port, urls = ready.get()
    found: dict[str, list[dict[str, float]]] = {"bare": [], "ours": []}
    # All rounds write into one folder, deleted at the end: some file systems (ext4 without a journal) pass over what
    # was deleted within the last minute whenever they make a file, which the next round would pay for.
    folder = tempfile.mkdtemp(dir=os.environ.get("BENCH_FOLDER"))
    try:
        for _ in range(rounds):
            for kind, figures in found.items():
                words = [sys.executable, __file__, "--one", kind, "--port", str(port)]
                its: dict[str, Any] = {"input": json.dumps(urls), "env": {**os.environ, "BENCH_FOLDER": folder}}
                run = subprocess.run(words, capture_output=True, text=True, check=False, **its)
                if run.returncode:
                    raise SystemExit(f"{kind} failed:\n{run.stdout}{run.stderr}")
                figures.append(json.loads(run.stdout.splitlines()[-1]))
    finally:
        server.terminate()
        shutil.rmtree(folder, ignore_errors=True)
    best = {kind: {name: min(one[name] for one in figures) for name in figures[0]} for kind, figures in found.items()}
    return {
        "bare_ms": best["bare"]["processor"] / pages * 1000,
        "ours_ms": best["ours"]["processor"] / pages * 1000,
        "bare_pages_a_second": pages / best["bare"]["wall"],
        "ours_pages_a_second": pages / best["ours"]["wall"],
        "processor_times_bare": best["ours"]["processor"] / best["bare"]["processor"],
        "share_of_bare": best["bare"]["wall"] / best["ours"]["wall"],
        **{name: value for name, value in best["ours"].items() if name.endswith(LAST_TIMES_SECOND)},
    }


def summary(full: bool) -> dict[str, float]:
    def lasting(found: dict[str, float]) -> dict[str, float]:
        return {name: value for name, value in found.items() if name.endswith(LAST_TIMES_SECOND)}

    found = measure(1000, SIZE, 3)
    short = {name: found[name] for name in found.keys() - lasting(found)}  # a short crawl is all warming up
    return {**short, **(lasting(measure(20_000, 20_000, 1)) if full else {})}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pages", type=int, default=1000)
    parser.add_argument("--size", type=int, default=SIZE, help="bytes of a page")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", choices=("bare", "ours"), help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(crawl(options.one, options.port, json.load(sys.stdin))))
        return
    found = measure(options.pages, options.size, options.rounds)
    for name, value in found.items():
        print(f"{name:30}{value:10.2f}")


if __name__ == "__main__":
    main()
