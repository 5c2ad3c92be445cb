"""``scrapy demo``: the whole way in one command, and what it says to do next works as it is printed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from sinanews.dates import BEIJING
from sinanews.samplesite import SampleSite
from tests.conftest import FAST, PROJECT, TemporaryArchive

FASTER = " ".join(f"-s {name}={value}" for name, value in FAST.items())


@pytest.mark.skipif(os.name != "posix", reason="the commands are for a shell")
def test_the_demo_reads_all_kinds_and_its_commands_work_as_printed(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin" / "sinanews"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m sinanews "$@"\n')
    script.chmod(0o755)
    environment = {k: v for k, v in TemporaryArchive(tmp_path).environment.items() if not k.startswith("SINANEWS_")}
    environment |= {
        "PATH": f"{script.parent}:{os.environ['PATH']}",
        "SINANEWS_DATABASE": f"sqlite:///{tmp_path}/mine.db",
    }

    def shell(command: str) -> str:
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    told = shell("sinanews demo")
    assert "scrapy" not in told
    (page,) = re.findall(r"^Report +file://(\S+)$", told, re.M)
    assert "<html" in Path(page).read_text("utf-8")
    commands = re.findall(r"^  (SINANEWS_.*)$", told, re.M)
    status, report, search = map(shell, commands)
    assert re.search(r"^\S*sina_live .*ok", status, re.M) and re.search(r"^sh\d+ ", status, re.M)
    assert report.strip() == page
    assert len(re.findall(r"^2026-", search, re.M)) > 3
    assert not (tmp_path / "mine.db").exists()


def commands_of(guide: str) -> list[str]:
    """The lines of its blocks for a shell, without comments."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", (PROJECT / guide).read_text("utf-8"), re.M | re.S)
    return [line.partition("  #")[0].strip() for block in blocks for line in block.splitlines() if line[:1] not in "#"]


@pytest.mark.parametrize("name", ["unattended", "machines"])
def test_the_guides_have_the_same_commands_in_both_languages(name: str) -> None:
    assert commands_of(f"docs/zh/{name}.md") == commands_of(f"docs/{name}.md")


@pytest.mark.skipif(os.name != "posix", reason="the commands are for a shell")
def test_what_people_do_works_as_the_readme_prints_it(archive: TemporaryArchive, tmp_path: Path) -> None:
    lines = commands_of("README.md")
    assert commands_of("README.zh-CN.md") == lines
    (tmp_path / "scrapy").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m scrapy "$@"\n')
    (tmp_path / "scrapy").chmod(0o755)
    (tmp_path / "scrapy.cfg").write_text("[settings]\ndefault = sinanews.settings\n")
    environment = archive.environment | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "SINANEWS_STALE": "0"}
    with SampleSite(articles=8, newest=datetime(2019, 9, 20, 18, tzinfo=BEIJING)) as site:
        for line in [line for line in lines if line.startswith("scrapy ")]:
            done = subprocess.run(
                ["sh", "-c", f"{line} {FASTER if ' crawl ' in line else ''}"],
                cwd=tmp_path, env=environment | {"SINANEWS_MIRROR": site.url},
                capture_output=True, text=True, timeout=120, check=False,
            )  # fmt: skip
            assert done.returncode in ((0, 1) if " search " in line else (0,)), line + done.stdout + done.stderr
