"""Makes ``docs/picture.svg``, what README shows: commands that are run on an invented site, and what they say.

``.venv/bin/python docs/picture.py``; nothing comes from the network, fonts neither.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from datetime import datetime, timedelta
from html import unescape
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from sinanews.dates import BEIJING
from sinanews.samplesite import SampleSite

WIDTH = 92
FORMAT = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.S).replace(
    "Fira Code", "DejaVu Sans Mono, Menlo, Consolas"
)
CELL = 12.2  #: rich's width of a character, in the picture
COMMANDS = (
    "scrapy crawl sina_finance",
    "scrapy crawl sina_live",
    "scrapy search 瓷砖 OR 合同 --limit 2",
    "scrapy status",
)


def said(command: str, mirror: str, folder: Path) -> str:
    """What a command prints on a terminal, with its colours."""
    fast = ["-L", "ERROR", "-s", "DOWNLOAD_DELAY=0", "-s", "AUTOTHROTTLE_ENABLED=0"] if " crawl " in command else []
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SINANEWS_")}
    environment |= {"COLUMNS": str(WIDTH), "FORCE_COLOR": "1", "SINANEWS_MIRROR": mirror, "LANG": "C.UTF-8"}
    done = subprocess.run(
        [sys.executable, "-m", *shlex.split(command), *fast],
        cwd=folder, env=environment | {"SCRAPY_SETTINGS_MODULE": "sinanews.settings"},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    return done.stdout.replace(str(folder), "/srv/news")


def draw(file: Path) -> None:
    console = Console(record=True, width=WIDTH, file=StringIO(), force_terminal=True, color_system="truecolor")
    newest = datetime.now(BEIJING) - timedelta(minutes=20)
    with TemporaryDirectory() as folder, SampleSite(articles=60, reprints=0.05, live=20, newest=newest) as site:
        for command in COMMANDS:
            console.print(Text(f"$ {command}", "bold green"))
            console.print(Text.from_ansi(said(command, site.url, Path(folder)).rstrip("\n")))
            console.print()
    drawn = console.export_svg(title="sinanews", code_format=FORMAT, unique_id="sinanews")
    file.write_text(re.sub(r'textLength="[^"]*"([^>]*)>([^<]*)<', widened, drawn), "utf-8")


def widened(match: re.Match[str]) -> str:
    """A text as wide as its characters are on a terminal; rich takes all for narrow."""
    return f'textLength="{cell_len(unescape(match[2])) * CELL:g}"{match[1]}>{match[2]}<'


if __name__ == "__main__":
    draw(Path(__file__).with_name("picture.svg"))
