"""The wheel, installed into an environment of its own, away from the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from sinanews import __version__
from tests.conftest import PROJECT

pytestmark = pytest.mark.xdist_group("packaging")  # one process builds for all


def said(command: list[str | Path], folder: Path, code: int = 0) -> str:
    """What a command prints, both streams, in a bare environment."""
    env = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(folder)}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made of the sdist, as an index would serve it."""
    folder = tmp_path_factory.mktemp("dist")
    said([sys.executable, "-m", "build", "--outdir", folder, PROJECT], folder)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def bin_folder(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of an environment that has the wheel; what it depends on is taken from the environment of the tests."""
    folder = tmp_path_factory.mktemp("environment")
    said([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], folder)
    python = folder / "venv" / "bin" / "python"
    said([sys.executable, "-m", "pip", "--quiet", "--python", python, "install", "--no-deps", wheel], folder)
    packages = Path(said([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], folder).strip())
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python.parent


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    folder = tmp_path / "某处 of mine"
    folder.mkdir()
    return folder


def test_the_wheel_has_all_that_a_run_needs(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    files = {p.relative_to(PROJECT).as_posix() for p in (PROJECT / "sinanews").rglob("*") if p.is_file()}
    assert {name for name in files if "__pycache__" not in name} <= names
    assert not [name for name in names if name.startswith("tests")]
    assert wheel.name.startswith(f"sinanews-{__version__}-")


def test_sinanews_is_installed_and_not_the_checkout(bin_folder: Path, elsewhere: Path) -> None:
    place = said([bin_folder / "python", "-c", "import sinanews; print(sinanews.__file__)"], elsewhere)
    assert place.startswith(str(bin_folder.parent))
    assert said([bin_folder / "sinanews", "--version"], elsewhere) == f"sinanews {__version__}\n"


def test_the_commands_are_listed_under_their_own_name(bin_folder: Path, elsewhere: Path) -> None:
    for words in ([bin_folder / "sinanews"], [bin_folder / "python", "-m", "sinanews", "--help"]):
        text = said(words, elsewhere)
        assert "status" in text and "crawl" in text and "scrapy " not in text
    assert "sinanews crawl [options]" in said([bin_folder / "sinanews", "crawl", "-h"], elsewhere)


def test_a_crawl_writes_into_the_folder_it_is_called_in(bin_folder: Path, elsewhere: Path) -> None:
    (elsewhere / "seeds").mkdir()
    post = (PROJECT / "seeds" / "000_c05529d807c41e48.txt").read_bytes()
    (elsewhere / "seeds" / "one.md").write_bytes(post)
    said([bin_folder / "sinanews", "crawl", "seeds"], elsewhere)
    assert len(list((elsewhere / "exports").rglob("*.md"))) == 1
    assert '"exported": 1' in said([bin_folder / "sinanews", "status", "--json"], elsewhere)


def test_the_schedule_names_the_folder_absolutely(bin_folder: Path, elsewhere: Path) -> None:
    text = said([bin_folder / "sinanews", "schedule", "--crontab"], elsewhere)
    assert f"SINANEWS_EXPORTS={elsewhere / 'exports'}" in text
    assert str(bin_folder / "sinanews") + " run china" in text


def test_without_seeds_the_error_is_one_line(bin_folder: Path, elsewhere: Path) -> None:
    text = said([bin_folder / "sinanews", "crawl", "seeds"], elsewhere, code=2)
    assert str(elsewhere / "seeds") in text and "Traceback" not in text
