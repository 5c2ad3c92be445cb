"""``scrapy demo``: the whole way, on this machine only, with invented articles."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from datetime import datetime

from scrapy.commands import ScrapyCommand

from sinanews.catalogue import Catalogue
from sinanews.catalogue.place import catalogue_url
from sinanews.catalogue.queries import figures, numbers_of_refusals, numbers_of_states
from sinanews.config import exports_folder, project_folder
from sinanews.dates import BEIJING
from sinanews.terminal.output import lasting_output
from sinanews.watch.outcomes import counted

ARTICLES = 60
NEWEST = datetime(2026, 11, 20, 18, 0, tzinfo=BEIJING)  #: the same articles at every run
EXPORTS = "exports/demo"


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
        with SampleSite(articles=ARTICLES, newest=NEWEST, reprints=0.05) as site:
            codes.append(crawl("sina_finance", SINANEWS_MIRROR=site.url))
            print("A company of that site: its news, announcements and research reports …", flush=True)
            codes.append(crawl("sina_company", "-a", f"stocks={site.companies.codes[0]}", SINANEWS_MIRROR=site.url))
            asked = [(host, path) for _, host, path, _ in site.requests]
        lists = ("/api/", "getMemordlist", "vCB_AllNewsStock", "vCB_AllBulletin/", "vCB_AllBulletin.", "vReport_List")
        pages = sum(path != "/robots.txt" and not any(name in path for name in lists) for _, path in asked)
        tell_results(pages)
        self.exitcode = max(codes)


def crawl(spider: str, *words: str, **environment: str) -> int:
    """Run a spider as a user would, without the delay that the real site deserves; returns its exit code."""
    command = [sys.executable, "-m", "sinanews", "crawl", spider, *words, "-L", "WARNING"]
    command += ["-s", "DOWNLOAD_DELAY=0", "-s", "AUTOTHROTTLE_ENABLED=0", "-s", "CONCURRENT_REQUESTS_PER_DOMAIN=4"]
    command += ["-s", "SINANEWS_STALE=0"]  # the invented articles never get younger
    settings = {"SINANEWS_EXPORTS": EXPORTS, "SINANEWS_DATABASE": "", "SINANEWS_MIRROR": "", **environment}
    return subprocess.run(command, cwd=project_folder(), env={**os.environ, **settings}, check=False).returncode


def tell_results(pages: int) -> None:
    """What there is now, and what to do next."""
    catalogue = Catalogue(catalogue_url("", exports_folder(EXPORTS)))
    found = figures(catalogue)
    catalogue.close()
    numbers = numbers_of_states(found)
    refusals = ", ".join(f"{reason} {number}" for reason, number in sorted(numbers_of_refusals(found).items()))
    folder = exports_folder(EXPORTS)
    example = next(iter(sorted(folder.glob("*/*/*/*/*/*.md"))), None)
    print()
    print(f"Articles    {numbers['exported']} in the archive ({counted(pages, 'page')} downloaded this time)")
    print(f"Duplicates  {numbers['duplicate']}")
    print(f"Refused     {numbers['refused']}" + (f" ({refusals})" if refusals else ""))
    print(f"Files       {folder}")
    if example is not None:
        print(f"For example {example.relative_to(folder)}")
    print()
    print("Run it again: nothing is fetched twice. The live site: .venv/bin/scrapy crawl sina_finance -a limit=20")
