"""The tables of the guides that come from the code; ``./run docs`` writes them between their marks.

``<!-- table: NAME -->`` begins one, ``<!-- end -->`` ends it.
"""

from __future__ import annotations

import pkgutil
import re
import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path

from scrapy.settings import Settings
from scrapy.spiderloader import SpiderLoader

from sinanews import commands, settings
from sinanews.arguments import Argument
from sinanews.listing.channels import CHANNELS
from sinanews.watch.outcomes import CODES

DOCS = Path(__file__).resolve().parent
GUIDES = tuple(sorted({*DOCS.parent.glob("README*.md"), *DOCS.rglob("*.md")}))
_MARKED = re.compile(r"(<!-- table: ([a-z-]+) -->\n).*?(\n<!-- end -->)", re.S)
_SETTING = re.compile(r"((?:^#: .*\n)+)^(SINANEWS_\w+)\b[^=\n]*= os\.environ\.get\(\"\2\", \"(.*)\"\)", re.M)
_READERS = re.compile(r"\s*Read by [^.]+\.$")


def table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    headings = list(headings)
    cells = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in cells)


def settings_of_ours() -> dict[str, tuple[str, str]]:
    """Default and meaning of each setting, as settings.py has them."""
    source = Path(settings.__file__).read_text("utf-8")
    found = {}
    for comment, name, default in _SETTING.findall(source):
        words = " ".join(line.removeprefix("#: ") for line in comment.splitlines())
        found[name] = (default, _READERS.sub("", words).rstrip("."))
    return found


def setting_rows() -> list[tuple[str, str, str]]:
    return [(f"`{n}`", f"`{default}`" if default else "", words) for n, (default, words) in settings_of_ours().items()]


def command_rows() -> list[tuple[str, str]]:
    names = sorted(module.name for module in pkgutil.iter_modules(commands.__path__))
    return [(f"`{n}`", import_module(f"{commands.__name__}.{n}").Command().short_desc()) for n in names]


def argument_rows() -> list[tuple[str, str, str]]:
    loader = SpiderLoader.from_settings(Settings({"SPIDER_MODULES": settings.SPIDER_MODULES}))
    rows = []
    for name in sorted(loader.list()):
        parsers: dict[str, Argument] = loader.load(name).ARGUMENTS  # type: ignore[attr-defined]
        rows += [(f"`{name}`", f"`{word}`", parser.meaning) for word, parser in parsers.items()]
    return rows


def channel_rows(dead: str) -> list[tuple[str, ...]]:
    return [(f"`{c.slug}`", c.title, f"`{c.group}`" if not c.dead else dead, str(c.lid)) for c in CHANNELS]


def exit_codes() -> list[tuple[str, str]]:
    return [(str(code), meaning) for code, meaning in CODES.items()]


TABLES: dict[str, Callable[[], str]] = {
    "commands": lambda: table(("command", "what it does"), command_rows()),
    "settings": lambda: table(("setting", "default", "meaning"), setting_rows()),
    "arguments": lambda: table(("spider", "argument", "meaning"), argument_rows()),
    "channels": lambda: table(("slug", "channel", "group", "number"), channel_rows("dead, in no group")),
    "channels-zh": lambda: table(("代号", "频道", "组", "编号"), channel_rows("已停更，不属任何组")),
    "exit-codes": lambda: table(("code", "meaning"), exit_codes()),
}


def renewed(text: str) -> str:
    """A guide with each table as the code has it today; raises KeyError for one that there is not."""
    return _MARKED.sub(lambda match: match[1] + TABLES[match[2]]() + match[3], text)


def main() -> None:
    for guide in GUIDES:
        before = guide.read_text("utf-8")
        after = renewed(before)
        if after != before:
            guide.write_text(after, "utf-8")
            print(guide.relative_to(DOCS.parent), file=sys.stderr)


if __name__ == "__main__":
    main()
