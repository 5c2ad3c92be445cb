"""The exports folder's own upkeep: it never leaves the folder, and touches nothing that it did not make."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from sinanews.exceptions import ExportError
from sinanews.posts.folder import ExportFolder, aside_path, leftovers, posts_under, write_file
from tests.conftest import TemporaryArchive

LONG_AGO = time.time() - 90_000
OURS = ".0123456789abcdef.sinanews"
pytestmark = pytest.mark.skipif(os.name != "posix", reason="links and fsync of folders are POSIX")


def aged(path: Path, text: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    os.utime(path, (LONG_AGO, LONG_AGO))
    return path


def everything(folder: Path) -> dict[str, str]:
    return {p.relative_to(folder).as_posix(): p.read_text("utf-8") for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("name", [".tmp", ".superseded", "金融"])
def test_a_link_in_the_exports_is_not_followed(tmp_path: Path, name: str) -> None:
    exports, outside = tmp_path / "exports", tmp_path / "outside"
    for file in (OURS, "0123456789abcdef", "mine", "金融/a.md"):
        aged(outside / file)
    exports.mkdir()
    (exports / "a.md").write_text("a", "utf-8")
    (exports / name).symlink_to(outside, target_is_directory=True)
    before = everything(outside)
    with pytest.raises(ExportError, match=f"symbolic link is in the way: .*{name}"):
        folder = ExportFolder(exports)
        folder.set_aside("a.md")
        folder.write("金融/b.md", b"b")
    assert everything(outside) == before


def test_the_exports_themselves_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "exports").symlink_to(tmp_path / "disk", target_is_directory=True)
    ExportFolder(tmp_path / "exports").write("金融/a.md", b"a")
    assert (tmp_path / "disk" / "金融" / "a.md").read_bytes() == b"a"


def test_only_what_a_killed_run_of_ours_left_is_swept(tmp_path: Path) -> None:
    ours = [aged(tmp_path / ".tmp" / name) for name in (OURS, "0123456789abcdef")]
    others = [
        aged(tmp_path / ".tmp" / name) for name in ("notes.txt", "0123456789ABCDEF", f"{OURS}~", "folder/" + OURS)
    ]
    (tmp_path / ".tmp" / ("f" * 16)).mkdir()
    os.utime(tmp_path / ".tmp" / ("f" * 16), (LONG_AGO, LONG_AGO))
    link = tmp_path / ".tmp" / ".ffffffffffffffff.sinanews"
    link.symlink_to(others[0])
    os.utime(link, (LONG_AGO, LONG_AGO), follow_symlinks=False)
    young = tmp_path / ".tmp" / ".00000000000000ff.sinanews"
    young.write_text("x", "utf-8")
    assert list(leftovers(tmp_path, 60)) == ours
    ExportFolder(tmp_path).write("金融/a.md", b"a")
    assert not any(path.exists() for path in ours)
    assert all(path.exists() for path in (*others, link, young, tmp_path / ".tmp" / ("f" * 16)))


@pytest.mark.parametrize("path", ["../x.md", "金融/../../x.md", "/x.md"])
def test_no_path_leads_out(tmp_path: Path, path: str) -> None:
    with pytest.raises(ExportError, match="leads out"):
        ExportFolder(tmp_path / "exports").write(path, b"x")
    assert not list(tmp_path.rglob("*.md"))


def test_what_is_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", "utf-8")
    with pytest.raises(ExportError, match=r"cannot write to .*file: it is no folder"):
        ExportFolder(tmp_path / "file")
    (tmp_path / ".tmp").write_text("x", "utf-8")
    with pytest.raises(ExportError, match=r"no folder is in the way: .*\.tmp; move it"):
        ExportFolder(tmp_path)


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that are flushed to disk, in order."""
    paths: list[str] = []
    flush = os.fsync

    def fsync(descriptor: int) -> None:
        paths.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    return paths


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc to see what is flushed")
def test_new_folders_last_in_their_parents(tmp_path: Path, synced: list[str]) -> None:
    exports = tmp_path / "new" / "exports"
    folder = ExportFolder(exports)
    folder.write("金融/2026/11/a.md", b"a")
    folder.sync()
    names = ["", "new", "new/exports", "new/exports/金融", "new/exports/金融/2026", "new/exports/金融/2026/11"]
    assert {str((tmp_path / name).resolve()) for name in names} <= set(synced)
    synced.clear()
    folder.write("金融/2026/11/b.md", b"b")
    folder.write("金融/2026/11/c.md", b"c")
    folder.sync()
    assert len(synced) == 3, "two files and their folder, once: what lasts already costs nothing"


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc to see what is flushed")
def test_folders_that_a_killed_run_made_are_made_to_last_too(tmp_path: Path, synced: list[str]) -> None:
    (tmp_path / "金融" / "2026").mkdir(parents=True)
    ExportFolder(tmp_path).write("金融/2026/a.md", b"a")
    assert {str(tmp_path.resolve()), str((tmp_path / "金融").resolve())} <= set(synced)


def test_setting_aside_loses_nothing_however_often(tmp_path: Path) -> None:
    folder = ExportFolder(tmp_path)
    for text in (b"first", b"second", b"third"):
        folder.write("金融/a.md", text)
        folder.set_aside("金融/a.md")
    folder.write("金融/a.md", b"fourth")
    folder.keep_copy("金融/a.md")
    kept = {path.read_bytes() for path in (tmp_path / ".superseded" / "金融").iterdir()}
    assert kept == {b"first", b"second", b"third", b"fourth"}
    assert (tmp_path / aside_path("金融/a.md")).read_bytes() == b"fourth"
    assert folder.has("金融/a.md"), "a copy leaves the post where it is"


def test_a_file_elsewhere_is_written_without_touching_its_neighbours(tmp_path: Path) -> None:
    neighbour = aged(tmp_path / ".tmp" / OURS)
    write_file(tmp_path / "page.html", b"page")
    assert neighbour.exists() and (tmp_path / "page.html").read_bytes() == b"page"
    assert {path.name for path in tmp_path.iterdir()} == {".tmp", "page.html"}
    with pytest.raises(ExportError, match="it is a folder"):
        write_file(tmp_path / ".tmp", b"x")


def test_what_is_no_ordinary_file_keeps_its_place(tmp_path: Path) -> None:
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    for target in (pipe, link):
        reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        write_file(target, b"page")
        assert os.read(reading, 99) == b"page"
        os.close(reading)
    assert pipe.is_fifo() and link.is_symlink()
    ordinary, alias = tmp_path / "ordinary", tmp_path / "alias"
    ordinary.write_text("old", "utf-8")
    alias.symlink_to(ordinary)
    write_file(alias, b"new")
    assert ordinary.read_bytes() == b"new" and alias.is_symlink()


def test_the_report_leaves_nothing_but_itself(archive: TemporaryArchive, tmp_path: Path) -> None:
    archive.crawl("seeds")
    target = tmp_path / "web" / "page.html"
    neighbour = aged(target.parent / ".tmp" / "0123456789abcdef")
    assert archive.run("report", "-o", str(target)).returncode == 0
    assert {path.name for path in target.parent.iterdir()} == {".tmp", "page.html"}
    assert neighbour.exists()


def test_a_note_in_the_root_is_no_post(tmp_path: Path) -> None:
    for name, text in (("README.md", "# mine"), ("stray.md", "\n---\ntitle: x\n---\n"), ("金融/note.md", "# mine")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    os.mkfifo(tmp_path / "pipe.md")
    (tmp_path / "link.md").symlink_to(tmp_path / "stray.md")
    assert [path.name for path in posts_under(tmp_path)] == ["stray.md", "note.md"]
