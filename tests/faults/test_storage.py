"""Disks that are full and folders that are not ours to write: told as such, and made good by the next run."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from sinanews.samplesite import SampleSite
from tests.conftest import PROJECT, TemporaryArchive
from tests.faults.harness import (
    BOUND,
    as_root,
    assert_invariant,
    crawl,
    limit_file_size,
    mounted,
    offered,
    only_full,
)


def small_disk(folder: Path) -> tuple[Path, str, str, str, str]:
    folder.mkdir(parents=True, exist_ok=True)
    return folder, "-t", "tmpfs", "-o", "size=192k"


@only_full
@as_root
def test_the_disk_of_the_exports_is_full(archive: TemporaryArchive, tmp_path: Path) -> None:
    folder, *words = small_disk(archive.exports)
    with SampleSite(articles=120) as site, mounted(folder, *words, "tmpfs"):
        done = crawl(archive, site)
        assert done.returncode == 6, done.stderr
        assert "No space left" in done.stderr and str(archive.exports) in done.stderr
        assert 0 < len(archive.ids()) == len(archive.posts)
        subprocess.run(["mount", "-o", "remount,size=64m", str(folder)], check=True)
        assert crawl(archive, site).returncode == 0
        assert_invariant(archive, offered(site))


@only_full
@as_root
def test_the_disk_of_the_catalogue_is_full(archive: TemporaryArchive, tmp_path: Path) -> None:
    folder, *words = small_disk(archive.folder / "database")
    archive.database = folder / "catalogue.db"
    with SampleSite(articles=200) as site, mounted(folder, *words, "tmpfs"):
        subprocess.run(["mount", "-o", "remount,size=480k", str(folder)], check=True)
        done = crawl(archive, site)
        assert done.returncode == 6, done.stderr
        assert "catalogue" in done.stderr
        subprocess.run(["mount", "-o", "remount,size=64m", str(folder)], check=True)
        assert crawl(archive, site).returncode == 0
        assert_invariant(archive, offered(site))


def test_no_file_may_grow(archive: TemporaryArchive) -> None:
    """RLIMIT_FSIZE: what root cannot mount, anybody can have; the catalogue's files reach the limit first."""
    with SampleSite(articles=60) as site:
        command = archive.command("crawl", "sina_finance", mirror=site.url)
        done = subprocess.run(
            command, cwd=PROJECT, env=archive.environment, capture_output=True, text=True, timeout=BOUND,
            preexec_fn=limit_file_size(200_000), check=False,
        )  # fmt: skip
        assert done.returncode == 6, done.stderr
        assert "Traceback" not in done.stderr, done.stderr
        assert crawl(archive, site).returncode == 0
        assert_invariant(archive, offered(site))


@only_full
@as_root
@pytest.mark.parametrize("which", ["exports", "database"])
def test_a_read_only_folder(archive: TemporaryArchive, which: str) -> None:
    archive.database = archive.folder / "database" / "catalogue.db"
    with SampleSite(articles=30) as site:
        assert crawl(archive, site, CLOSESPIDER_ITEMCOUNT="5").returncode in (0, 3)
        site.publish(5)
        folder = archive.exports if which == "exports" else archive.database.parent
        with mounted(folder, "--bind", str(folder)):
            subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)
            done = crawl(archive, site)
            assert done.returncode == 6, done.stdout + done.stderr
            assert str(folder) in done.stderr
        assert crawl(archive, site).returncode == 0
        assert_invariant(archive, offered(site))
