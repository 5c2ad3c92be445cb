"""``python -m sinanews.samplesite``: serves until interrupted."""

from __future__ import annotations

import argparse
import contextlib
import signal
import threading
from collections.abc import Sequence
from datetime import datetime

from sinanews.dates import BEIJING
from sinanews.samplesite.faults import Faults
from sinanews.samplesite.server import SampleSite


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sinanews.samplesite", description=__doc__)
    parser.add_argument("--port", type=int, default=8900, help="0: any free one (default %(default)s)")
    parser.add_argument("--articles", type=int, default=40, help="how many (default %(default)s)")
    parser.add_argument("--days", type=float, default=2, help="spread over so many days (default %(default)s)")
    parser.add_argument("--newest", type=_time, help="the newest's time: ISO 8601 (Beijing if without a zone), or now")
    parser.add_argument("--seed", type=int, default=1, help="another number, other texts (default %(default)s)")
    parser.add_argument("--fault", action="append", default=[], metavar="KIND=SHARE", help="such as 500=0.1")
    options = parser.parse_args(argv)
    try:
        pairs = (fault.partition("=") for fault in options.fault)
        options.faults = Faults({kind: float(share) for kind, _, share in pairs})
    except ValueError as error:
        parser.error(f"--fault: {error}")
    return options


def _time(text: str) -> datetime:
    moment = datetime.now(BEIJING) if text == "now" else datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=BEIJING)


def main() -> None:
    options = arguments()
    site = SampleSite(options.articles, options.days, options.newest, options.seed, options.faults, port=options.port)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with site, contextlib.suppress(KeyboardInterrupt):
        print(site.url, flush=True)
        while not stop.wait(1):
            pass


if __name__ == "__main__":
    main()
