"""Builds posts with a real Hexo. Installed once from npm into ``.cache/hexo`` of the project, pinned."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

HARNESS = Path(__file__).parent / "harness"
CACHE = Path(__file__).parents[2] / ".cache" / "hexo"


class HexoUnavailable(Exception):
    """node or npm is missing, or the installation failed; says which."""


def install() -> Path:
    """The node_modules folder. Raises HexoUnavailable."""
    if not (shutil.which("node") and shutil.which("npm")):
        raise HexoUnavailable("node and npm are not installed")
    manifest = (HARNESS / "package.json").read_text()
    done = CACHE / "installed.json"  # written last: an interrupted installation starts again
    if not done.exists() or done.read_text() != manifest:
        CACHE.mkdir(parents=True, exist_ok=True)
        (CACHE / "package.json").write_text(manifest)
        _run(["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"], CACHE)
        done.write_text(manifest)
    return CACHE / "node_modules"


def build_site(posts_dir: Path, site: Path) -> Path:
    """``hexo generate`` over a copy of ``posts_dir``; returns the folder of pages, ``NAME/index.html`` each."""
    modules = install()
    shutil.copytree(HARNESS, site)
    (site / "node_modules").symlink_to(modules)
    shutil.copytree(posts_dir, site / "source" / "_posts")
    command = ["node", "node_modules/hexo-cli/bin/hexo", "generate"]
    done = subprocess.run(command, cwd=site, check=True, env=_env(), timeout=120, capture_output=True, text=True)
    told = done.stdout + done.stderr
    assert not re.search(r"^(ERROR|FATAL)", told, re.MULTILINE), told  # it tells what fails, and ends with 0
    return site / "public" / "posts"


def read_with_js_yaml(texts: list[str]) -> list[Any]:
    """What the js-yaml that Hexo uses reads in each text."""
    env = {**_env(), "NODE_PATH": str(install())}
    command = ["node", str(HARNESS / "read_yaml.js")]
    given = json.dumps(texts).encode()
    done = subprocess.run(command, input=given, env=env, check=True, capture_output=True, timeout=60)
    result: list[Any] = json.loads(done.stdout)
    return result


def _run(command: list[str], folder: Path) -> None:
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=300)
    except (OSError, subprocess.SubprocessError) as error:
        raise HexoUnavailable(f"{command[0]} {command[1]} failed: {error}") from error


def _env() -> dict[str, str]:
    return {**os.environ, "TZ": "UTC"}
