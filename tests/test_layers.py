"""The rooms of the house, read off the imports: they run one way, and each library has its owner."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "sinanews"
#: room → the rooms that it may know beside the words everybody uses; in the order of the data, then the sides.
WORDS = {"items", "exceptions", "urls", "dates", "settings", "soup", "stocks"}
KNOWS: dict[str, set[str]] = {
    "config": set(),
    "arguments": set(),
    "listing": set(),
    "cleaning": set(),
    "prepared": set(),
    "pages": {"cleaning"},
    "duplicates": {"prepared"},
    "posts": {"cleaning"},
    "originals": {"posts"},
    "catalogue": {"arguments", "config", "duplicates", "listing", "posts", "prepared"},
    "archive": {"catalogue", "cleaning", "duplicates", "listing", "originals", "pages", "posts"},
    "out": {"archive", "arguments", "catalogue", "cleaning", "config", "listing", "pages", "posts"},
    "watch": {"archive", "catalogue", "listing", "originals", "posts"},
    "run": {
        "archive",
        "catalogue",
        "config",
        "downloads",
        "duplicates",
        "originals",
        "out",
        "pages",
        "posts",
        "watch",
    },
    "downloads": {"config"},
    "scheduler": set(),
    "middlewares": {"catalogue", "downloads", "scheduler", "run"},
    "pipelines": {"archive", "catalogue", "cleaning", "duplicates", "pages", "posts", "run"},
    "terminal": {"catalogue", "config", "out", "run", "watch"},
    "report": {"catalogue", "cleaning", "listing", "posts", "terminal", "watch"},
    "samplesite": {"listing"},
    "jobs": set(),
    "__main__": {"commands", "config"},
    "pictures": {"archive", "catalogue", "middlewares", "posts", "run", "spiders"},
    "cluster": {"arguments", "catalogue", "config", "jobs", "run", "watch"},
    "addon": {"downloads", "run", "spiders"},
    "attachments": {"middlewares", "run", "spiders"},
    "spiders": {
        "archive",
        "arguments",
        "catalogue",
        "cleaning",
        "config",
        "listing",
        "middlewares",
        "originals",
        "pages",
        "posts",
        "run",
    },
    "commands": {
        "archive",
        "arguments",
        "catalogue",
        "cleaning",
        "cluster",
        "config",
        "duplicates",
        "jobs",
        "listing",
        "out",
        "originals",
        "pages",
        "posts",
        "report",
        "run",
        "samplesite",
        "spiders",
        "terminal",
        "watch",
    },
}
#: Rooms that know no crawler and no database, whatever they import; the index of duplicates lives in the catalogue's.
PURE = {
    "listing",
    "pages",
    "cleaning",
    "duplicates",
    "posts",
    "originals",
    "config",
    "arguments",
    "jobs",
    "items",
    "urls",
    "dates",
    "settings",
    "soup",
    "stocks",
}
CRAWLER_AND_DATABASE = {"twisted", "sqlalchemy", "scrapy"}
ALLOWED = {("duplicates", "index.py", "sqlalchemy"), ("posts", "exporter.py", "scrapy")}
#: One owner for each library: who else needs it asks the owner.
OWNERS = {
    "selectolax": {"pages", "cleaning", "soup"},
    "bs4": {"listing", "pages", "soup"},
    "nh3": {"cleaning"},
    "frontmatter": {"posts"},
    "yaml": {"posts"},
    "markdown_it": {"posts"},
    "numpy": {"duplicates"},
    "warcio": {"originals"},
    "cronsim": {"jobs"},
    "procrastinate": {"cluster"},
    "psycopg": {"cluster"},
    "datasette": {"out"},
    "pyarrow": {"out"},
}  # fmt: skip
FILES = sorted(p for p in PACKAGE.rglob("*.py") if p.parent != PACKAGE or p.name != "__init__.py")


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_run_one_way(path: Path) -> None:
    here = room(path)
    for name in imports(path):
        library, *parts = name.split(".")
        if library == "sinanews" and (PACKAGE / parts[0]).with_suffix(".py").exists() | (PACKAGE / parts[0]).is_dir():
            assert parts[0] in {here, *WORDS, *KNOWS.get(here, set())}, f"{here} imports {name}"
        elif library in CRAWLER_AND_DATABASE and here in PURE:
            assert (here, path.name, library) in ALLOWED, f"{path.name} is pure and imports {name}"
        assert here in OWNERS.get(library, {here}), f"{path.name} imports {name}, which has another owner"


def test_every_room_is_on_the_plan() -> None:
    assert {room(path) for path in FILES} <= {*KNOWS, *WORDS, "pipelines"}, "put the new room on the plan"


def test_a_name_means_one_thing() -> None:
    """Public names are defined in one place only, but those that Scrapy and Python want: Command, main."""
    where: dict[str, list[str]] = defaultdict(list)
    for path in FILES:
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and node.name not in (
                "Command",
                "main",
            ):
                where[node.name].append(str(path.relative_to(PACKAGE)))
    assert {name: files for name, files in where.items() if len(files) > 1 and not name.startswith("_")} == {}
