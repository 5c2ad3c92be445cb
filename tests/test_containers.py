"""Dockerfile and compose.yaml: what can be said of them without an engine."""

from __future__ import annotations

import re

import yaml

from sinanews.config import KNOWN
from tests.conftest import PROJECT


def test_compose_names_what_there_is() -> None:
    services = yaml.safe_load((PROJECT / "compose.yaml").read_text("utf-8"))["services"]
    worker, database = services["worker"], services["database"]
    assert set(worker["environment"]) <= KNOWN
    assert worker["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert database["healthcheck"]["test"] and worker["deploy"]["replicas"] == 3
    assert re.fullmatch(r"postgres:\d+\.\d+-\w+", database["image"]), "pinned"


def test_the_image_is_pinned_and_not_roots() -> None:
    lines = (PROJECT / "Dockerfile").read_text("utf-8").splitlines()
    assert re.match(r"FROM python:\d+\.\d+\.\d+-", next(line for line in lines if line.startswith("FROM")))
    assert lines.index("USER sinanews") < next(n for n, line in enumerate(lines) if line.startswith("CMD"))
    copied = " ".join(line for line in lines if line.startswith("COPY")).split()
    assert all((PROJECT / name).exists() for name in copied if name[0] not in "./C")
    assert any(line.startswith("HEALTHCHECK") for line in lines)
