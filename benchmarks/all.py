"""Every benchmark, and one table of their figures beside the floors of floors.json.

    python benchmarks/all.py [--full] [--check] [NAME …]

Takes less than ten minutes; with --full, which measures what takes long (a million articles, long crawls), hours the
first time. --check: exit status 1, and each figure named, where one is not within its floor.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).resolve().parent
NAMES = ("pages", "dedup", "crawl", "archive", "seeds", "reread")
FLOORS: dict[str, dict[str, float]] = json.loads((HERE / "floors.json").read_text("utf-8"))


def is_within(name: str, value: float) -> bool:
    return FLOORS["least"].get(name, value) <= value <= FLOORS["most"].get(name, value)


def floor_of(name: str) -> str:
    for kind, sign in (("least", "≥"), ("most", "≤")):
        if name in FLOORS[kind]:
            return f"{sign} {FLOORS[kind][name]:,g}"
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; default: all")
    parser.add_argument("--full", action="store_true", help="what takes long, too")
    parser.add_argument("--check", action="store_true", help="exit with 1 where a figure is not within its floor")
    options = parser.parse_args()
    if unknown := set(options.names) - {*NAMES}:
        parser.error(f"no such benchmark: {', '.join(unknown)}")
    found: dict[str, float] = {}
    for name in options.names or NAMES:
        began = time.perf_counter()
        found |= {f"{name}/{figure}": value for figure, value in import_module(name).summary(options.full).items()}
        print(f"{name}: {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    print(f"{'':44}{'figure':>14}{'floor':>14}")
    for name, value in found.items():
        print(f"{name:44}{value:>14,.2f}{floor_of(name):>14}{'' if is_within(name, value) else '  <'}")
    beyond = [name for name, value in found.items() if not is_within(name, value)]
    if options.check and beyond:
        print(f"not within the floor: {', '.join(beyond)}", file=sys.stderr)
    return int(options.check and bool(beyond))


if __name__ == "__main__":
    sys.exit(main())
