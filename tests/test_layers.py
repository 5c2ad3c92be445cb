"""The layers of the house, read off the imports: a lower one never knows a higher one."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "sinanews"
#: Each module or package, by the layer it lives in.
LAYERS = {
    1: "items exceptions urls dates listings channels walks arguments pages cleaning fingerprints posts paths outcomes monitors jobs live settings checks output answers",
    2: "catalogue",
    3: "completeness downloads locks alerts progress shutdown interrupts scheduler middlewares extensions exporters files pipelines verification",
    4: "spiders commands samplesite overview report showing",
}
LAYER_OF = {name: layer for layer, names in LAYERS.items() for name in names.split()}
#: One owner for each library: who else needs it asks the owner.
OWNERS = {
    "lxml": {"cleaning"},
    "selectolax": {"pages"},
    "nh3": {"cleaning"},
    "frontmatter": {"posts"},
    "yaml": {"posts"},
    "markdown_it": {"posts"},
    "numpy": {"fingerprints"},
    "cronsim": {"jobs"},
}
NO_CRAWLER = {"twisted", "sqlalchemy", "scrapy"}
MODULES = sorted(p for p in PACKAGE.rglob("*.py") if p.name != "__init__.py" or p.parent != PACKAGE)


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


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_down(path: Path) -> None:
    layer = LAYER_OF[room(path)]
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "sinanews" and parts[1] in LAYER_OF:
            assert LAYER_OF[parts[1]] <= layer, f"{path.name} (layer {layer}) imports {name}"
        if layer == 1 and room(path) != "exceptions":
            assert parts[0] not in NO_CRAWLER, f"{path.name} is pure and imports {name}"
        assert room(path) in OWNERS.get(parts[0], {room(path)}), f"{path.name} imports {name}, which has another owner"


def test_every_room_has_a_layer() -> None:
    assert {room(path) for path in MODULES} <= set(LAYER_OF), "name the new module in LAYERS"
