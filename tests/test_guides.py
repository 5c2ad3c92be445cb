"""What docs/ tells a reader to type works, word for word."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PROJECT, TemporaryArchive

GUIDE = (PROJECT / "docs" / "adding-a-source.md").read_text("utf-8")
EXAMPLE = PROJECT / "examples" / "harbour"


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", GUIDE, re.M | re.S)


@pytest.mark.skipif(os.name != "posix", reason="the commands are for a shell")
def test_the_guides_commands_make_a_second_source(tmp_path: Path) -> None:
    checkout = tmp_path / "sinanews"
    (checkout / ".venv" / "bin").mkdir(parents=True)
    (checkout / "examples").symlink_to(PROJECT / "examples")
    for name in ("scrapy", "python"):
        words = "-m scrapy " if name == "scrapy" else ""
        script = checkout / ".venv" / "bin" / name
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" {words}"$@"\n')
        script.chmod(0o755)
    environment = {k: v for k, v in TemporaryArchive(tmp_path).environment.items() if not k.startswith("SINANEWS_")}
    done = subprocess.run(
        ["sh", "-eu", "-c", "\n".join(blocks("sh"))],
        cwd=checkout, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (promised,) = re.findall(r"`(sinanews: 2 articles .*?)`", GUIDE)
    assert promised in done.stdout.splitlines()
    assert "1 passed" in done.stdout
    assert "less polite" not in done.stderr
    posts = sorted((tmp_path / "harbour" / "exports").rglob("*.md"))
    assert [post.parts[-4:-1] for post in posts] == [("Harbour News", "2026", "11")] * 2
    crane = posts[0].read_text("utf-8")
    assert 'src="https://harbour.example/pictures/crane.jpg"' in crane and "track" not in crane


@pytest.mark.parametrize("block", blocks("python"), ids=lambda block: block.split("\n")[0][:40])
def test_the_code_that_the_guide_shows_is_the_examples(block: str) -> None:
    assert any(block in path.read_text("utf-8") for path in EXAMPLE.rglob("*.py"))
