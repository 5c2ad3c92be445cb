"""``scrapy demo``: the whole way, on this machine only, with invented articles."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from scrapy.commands import ScrapyCommand

from sinanews.catalogue import Catalogue
from sinanews.catalogue.place import catalogue_url
from sinanews.catalogue.queries import figures, numbers_of_refusals, numbers_of_states
from sinanews.config import PROGRAM, exports_folder, program, project_folder
from sinanews.dates import BEIJING
from sinanews.terminal.output import lasting_output
from sinanews.watch.outcomes import counted

ARTICLES, ROWS = 60, 20
NEWEST = datetime(2026, 11, 20, 18, 0, tzinfo=BEIJING)  #: the same articles at every run
EXPORTS = "exports/demo"
#: Whatever the user's are; what is empty need not be said.
OURS = {"SINANEWS_EXPORTS": EXPORTS, "SINANEWS_DATABASE": ""}
NEVER_YOUNGER = {"SINANEWS_STALE": "0", "SINANEWS_MIRROR": ""}  #: the invented articles
WORD = "瓷砖"  #: that many of the articles have
LISTS = ("/api/", "getMemordlist", "vCB_AllNewsStock", "vCB_AllBulletin/", "vCB_AllBulletin.", "vReport_List")


class Command(ScrapyCommand):
    """Crawls the seeds and a sample site into ``exports/demo``, with a catalogue of its own."""

    requires_project = True
    requires_crawler_process = False

    def short_desc(self) -> str:
        return "Crawl the seeds and a sample site on this machine into exports/demo"

    @lasting_output
    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        from sinanews.samplesite import SampleSite  # Scrapy imports every command on every start

        codes = []
        if (project_folder() / "seeds").is_dir():
            print("The seed documents in seeds/ …", flush=True)
            codes.append(crawl("seeds"))
        print(f"A sample site on this machine, {ARTICLES} invented articles over real HTTP …", flush=True)
        with SampleSite(articles=ARTICLES, newest=NEWEST, reprints=0.05, live=ROWS) as site:
            codes.append(crawl("sina_finance", SINANEWS_MIRROR=site.url))
            print("Its live feed …", flush=True)
            codes.append(crawl("sina_live", SINANEWS_MIRROR=site.url))
            print("A company: its news, announcements and research reports …", flush=True)
            codes.append(crawl("sina_company", "-a", f"stocks={site.companies.codes[0]}", SINANEWS_MIRROR=site.url))
            asked = [(host, path) for _, host, path, _ in site.requests]
        pages = sum(path != "/robots.txt" and not any(name in path for name in LISTS) for _, path in asked)
        print("A page about all of it …", flush=True)
        codes.append(start("report", quiet=True))
        tell_results(pages)
        tell_what_next()
        self.exitcode = max(codes)


def crawl(spider: str, *words: str, **environment: str) -> int:
    """Run a spider as a user would, without the delay that the real site deserves; returns its exit code."""
    words += ("-L", "WARNING", "-s", "DOWNLOAD_DELAY=0", "-s", "AUTOTHROTTLE_ENABLED=0")
    return start("crawl", spider, *words, "-s", "CONCURRENT_REQUESTS_PER_DOMAIN=4", environment=environment)


def start(*words: str, quiet: bool = False, environment: Mapping[str, str] | None = None) -> int:
    command = [sys.executable, "-m", "sinanews", *words]
    output = subprocess.DEVNULL if quiet else None
    whole = {**os.environ, PROGRAM: program(), **OURS, **NEVER_YOUNGER, **(environment or {})}
    return subprocess.run(command, cwd=project_folder(), env=whole, stdout=output, check=False).returncode


def tell_results(pages: int) -> None:
    """What there is now."""
    catalogue = Catalogue(catalogue_url("", exports_folder(EXPORTS)))
    found = figures(catalogue)
    catalogue.close()
    numbers = numbers_of_states(found)
    refusals = ", ".join(f"{reason} {number}" for reason, number in sorted(numbers_of_refusals(found).items()))
    folder = exports_folder(EXPORTS)
    example = next(iter(sorted(folder.glob("*/*/*国內/*/*/*.md"))), None)
    print()
    print(f"Articles    {numbers['exported']} in the archive ({counted(pages, 'page')} downloaded this time)")
    print(f"Duplicates  {numbers['duplicate']}")
    print(f"Refused     {numbers['refused']}" + (f" ({refusals})" if refusals else ""))
    print(f"Files       {folder}")
    if example is not None:
        print(f"For example {example.relative_to(folder)}")
    print(f"Report      {(folder / 'report.html').as_uri()}")


def tell_what_next() -> None:
    """Commands for a shell, in the folder where this one was called."""
    settings = " ".join(f"{name}={value}" for name, value in OURS.items() if value or os.environ.get(name))
    print()
    print("Look at it:")
    print(f"  {settings} SINANEWS_STALE=0 {caller()} status")
    print(f"  {settings} SINANEWS_STALE=0 {caller()} report")
    print(f"  {settings} {caller()} search {WORD}")
    print()
    print("Run it again: nothing is fetched twice. The live site, the newest 20 articles:")
    print(f"  {caller()} crawl sina_finance -a limit=20")


def caller() -> str:
    """The program, as it can be called from the current folder."""
    if program() != "scrapy":
        return program() if shutil.which(program()) else f"{shlex.quote(sys.executable)} -m sinanews"
    script = Path(sys.executable).parent / "scrapy"
    if not script.is_file():
        return "scrapy"
    return shlex.quote(str(script.relative_to(Path.cwd()) if script.is_relative_to(Path.cwd()) else script))
