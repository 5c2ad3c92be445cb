"""A small Sina look-alike, served locally: for the demo, the tests and the benchmarks."""

from __future__ import annotations

from sinanews.samplesite.entries import Entry
from sinanews.samplesite.faults import Faults
from sinanews.samplesite.server import Request, SampleSite

__all__ = ["Entry", "Faults", "Request", "SampleSite"]
