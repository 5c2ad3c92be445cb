"""Where the catalogue is: in the exports folder; one of 1.0.0 that lies elsewhere is never silently left."""

from __future__ import annotations

import logging
import shutil
import sqlite3
from pathlib import Path

import pytest

from sinanews.catalogue import Catalogue, place
from sinanews.catalogue.place import catalogue_url
from sinanews.exceptions import ArgumentError
from tests.conftest import TemporaryArchive
from tests.test_catalogue import OLD


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder without exports."""
    folder = tmp_path / "project"
    (folder / "exports").mkdir(parents=True)
    monkeypatch.setattr(place, "project_folder", lambda: folder)
    return folder


def make_old(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.executescript((OLD / "catalogue.sql").read_text("utf-8"))


def test_it_lies_in_the_exports_folder(project: Path, tmp_path: Path) -> None:
    assert catalogue_url("", project / "exports") == f"sqlite:///{project}/exports/.catalogue.db"
    assert catalogue_url("", tmp_path / "elsewhere") == f"sqlite:///{tmp_path}/elsewhere/.catalogue.db"
    assert catalogue_url("sqlite:////data/c.db", tmp_path) == "sqlite:////data/c.db"


def test_a_catalogue_of_1_0_0_that_names_these_posts_is_used(
    project: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    old, elsewhere = project / "exports" / ".catalogue.db", tmp_path / "elsewhere"
    make_old(old)
    shutil.copytree(OLD / "金融", elsewhere / "金融")
    with caplog.at_level(logging.WARNING):
        assert catalogue_url("", elsewhere) == f"sqlite:///{old}"
    assert str(old) in caplog.text and str(elsewhere) in caplog.text
    Catalogue(f"sqlite:///{old}").close()  # brings it up to date
    assert catalogue_url("", elsewhere) == f"sqlite:///{old}", "still, after it was upgraded"


def test_a_catalogue_of_1_0_0_that_names_other_posts_stops_the_run(project: Path, tmp_path: Path) -> None:
    old, elsewhere = project / "exports" / ".catalogue.db", tmp_path / "elsewhere"
    make_old(old)
    with pytest.raises(ArgumentError) as caught:
        catalogue_url("", elsewhere)
    assert str(old) in str(caught.value) and str(elsewhere) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_another_folder_beside_an_archive_of_today_is_another_archive(project: Path, tmp_path: Path) -> None:
    old, elsewhere = project / "exports" / ".catalogue.db", tmp_path / "elsewhere"
    make_old(old)
    shutil.copytree(OLD / "金融", project / "exports" / "金融")
    Catalogue(f"sqlite:///{old}").close()
    assert catalogue_url("", elsewhere) == f"sqlite:///{elsewhere}/.catalogue.db"


def test_exports_set_alone_bring_their_own_catalogue(archive: TemporaryArchive, tmp_path: Path) -> None:
    for name in ("one", "two"):
        exports = tmp_path / name
        done = archive.crawl("seeds", SINANEWS_EXPORTS=str(exports), SINANEWS_DATABASE="")
        assert "1 article exported" in done.stdout
        assert (exports / ".catalogue.db").exists()
