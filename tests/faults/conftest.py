"""A place where the scenes of scenes.py are played."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sinanews.samplesite import SampleSite
from tests.conftest import TemporaryArchive
from tests.faults.scenes import Place


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with SampleSite(articles=7, reprints=0, shares={"old": 0.2, "long": 0.2, "offsite": 0.1}) as site:
        yield Place(TemporaryArchive(tmp_path / "before"), site, tmp_path / "posts")
