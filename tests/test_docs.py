"""README and guides, in both languages, say what is so: tables, links, and every name they mention."""

from __future__ import annotations

import argparse
import pkgutil
import re
import sys
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from scrapy.settings import Settings

from sinanews import commands
from sinanews.commands.reread import ARGUMENTS as REREAD
from sinanews.config import FOR_TESTS, KNOWN
from sinanews.out.filters import PARSERS
from sinanews.watch.outcomes import CODES, OUTCOMES
from tests.conftest import PROJECT

sys.path.append(str(PROJECT / "docs"))
import tables

TEXTS = (*tables.GUIDES, PROJECT / "CHANGELOG.md", PROJECT / "CONTRIBUTING.md", PROJECT / "SECURITY.md")
ours = pytest.mark.parametrize("guide", TEXTS, ids=lambda path: str(path.relative_to(PROJECT)))
SCRAPYS = set("bench check edit fetch genspider list parse settings shell startproject version".split())
ENQUEUE = {"channels", "since", "until", "recheck"}


@cache
def options() -> dict[str, set[str]]:
    """Of each command of ours, Scrapy's own options included."""
    found = {}
    ours_only = (
        Settings()
    )  # get_project_settings would tell the environment, and so other tests' processes, of our project
    ours_only.setmodule("sinanews.settings")
    for module in pkgutil.iter_modules(commands.__path__):
        command: Any = import_module(f"{commands.__name__}.{module.name}").Command()
        command.settings = ours_only
        parser = argparse.ArgumentParser(conflict_handler="resolve")
        command.add_options(parser)
        found[module.name] = {word for action in parser._actions for word in action.option_strings}
    return found


def arguments() -> set[str]:
    return {word.strip("`") for _, word, _ in tables.argument_rows()} | set(PARSERS) | set(REREAD) | ENQUEUE


def code_of(guide: Path) -> list[str]:
    """What stands in backticks, and the lines of blocks for a shell without their comments."""
    text = guide.read_text("utf-8")
    lines = [
        line.partition(" #")[0]
        for block in re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S)
        for line in block.splitlines()
    ]
    return lines + re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S))


def test_the_tables_are_the_codes() -> None:
    for guide in tables.GUIDES:
        text = guide.read_text("utf-8")
        assert tables.renewed(text) == text, f"{guide.name}: write its tables anew with ./run docs"


def test_every_setting_is_in_the_table() -> None:
    assert set(tables.settings_of_ours()) == KNOWN
    assert set(CODES) == {outcome.code for outcome in OUTCOMES}


@ours
def test_links_lead_somewhere(guide: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", guide.read_text("utf-8"))):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        file = (guide.parent / name).resolve() if name else guide
        assert file.exists(), target
        headings = re.findall(r"^#+ (.*)$", file.read_text("utf-8"), re.M) if anchor else []
        slugs = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]
        assert not anchor or anchor in slugs, target


@ours
def test_every_setting_named_exists(guide: Path) -> None:
    named = set(re.findall(r"SINANEWS_[A-Z_]*[A-Z]", guide.read_text("utf-8")))
    assert named <= KNOWN | FOR_TESTS


@ours
def test_every_command_option_and_argument_named_exists(guide: Path) -> None:
    for code in code_of(guide):
        for command, rest in re.findall(r"(?:^|/|(?<!from)(?<!http)\s)(?:scrapy|sinanews) ([a-z]+)\b([^|;&]*)", code):
            assert command in options() or command in SCRAPYS, code
            for option in re.findall(r"(?<=\s)--[a-z-]+", rest) if command in options() else ():
                assert option in options()[command], code
        if "docker" not in code and "pip" not in code and "scrapy" in code:
            assert set(re.findall(r" -a ([a-z]+)=", code)) <= arguments(), code


@pytest.mark.parametrize("name", ["settings", "crawling"])
def test_the_chinese_tables_have_every_row(name: str) -> None:
    """They say it in their own words; names and defaults are the code's."""
    text = (PROJECT / "docs" / "zh" / f"{name}.md").read_text("utf-8")
    english = (PROJECT / "docs" / f"{name}.md").read_text("utf-8")
    for table in ("settings", "commands") if name == "settings" else ("arguments", "exit-codes"):
        columns = 1 if table in ("commands", "exit-codes") else 2
        rows = english.split(f"<!-- table: {table} -->\n")[1].split("\n<!-- end -->")[0].splitlines()[2:]
        for row in rows:
            assert "\n" + "|".join(row.split("|")[: columns + 1]) + "|" in text


def test_the_picture_needs_no_network() -> None:
    picture = (PROJECT / "docs" / "picture.svg").read_text("utf-8")
    assert "scrapy status" in picture.replace("&#160;", " ")
    assert "@font-face" not in picture and "url(http" not in picture
