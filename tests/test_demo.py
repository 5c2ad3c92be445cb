"""``scrapy demo``: the whole way in one command, and what it says to do next works as it is printed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import TemporaryArchive


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
    assert "(0 pages downloaded this time)" in shell("sinanews demo")
