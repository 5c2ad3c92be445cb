"""The command ``sinanews``: ``scrapy`` with our settings, in any folder. ``python -m sinanews`` is the same."""

from __future__ import annotations

import io
import os
import pkgutil
import sys
from contextlib import redirect_stdout
from importlib import import_module

from scrapy.cmdline import execute

from sinanews import __version__, commands
from sinanews.config import PROGRAM

HELP = frozenset({"-h", "--help"})


def main() -> None:
    """Never returns: exits with the command's code."""
    os.environ["SCRAPY_SETTINGS_MODULE"] = "sinanews.settings"  # whatever project the current folder belongs to
    os.environ.setdefault(PROGRAM, "sinanews")
    words = sys.argv[1:]
    if not words or words[0] in (*HELP, "help"):
        print(overview())
    elif words == ["--version"]:
        print(f"sinanews {__version__}")
    elif HELP.intersection(words):
        print_help(words)
    else:
        execute(["sinanews", *words])


def overview() -> str:
    """Our own commands, a line each."""
    names = sorted(module.name for module in pkgutil.iter_modules(commands.__path__))
    lines = [f"sinanews {__version__}: an archive of Sina Finance's news", "", "sinanews COMMAND [options]", ""]
    for name in names:
        command = import_module(f"{commands.__name__}.{name}").Command()
        lines.append(f"  {name:<11} {command.short_desc()}")
    lines += ["", "sinanews COMMAND -h says more of one. Scrapy's own commands (shell, parse, fetch …) work too."]
    return "\n".join(lines)


def print_help(words: list[str]) -> None:
    """What Scrapy says of a command, under the name by which it was called here."""
    said, code = io.StringIO(), None
    with redirect_stdout(said):
        try:
            execute(["sinanews", *words])
        except SystemExit as end:
            code = end.code
    print(said.getvalue().replace("  scrapy ", "  sinanews "), end="")
    sys.exit(code)


if __name__ == "__main__":
    main()
