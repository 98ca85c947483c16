"""Same seed, same bytes: on another run, and with another number of cores."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.conftest import Run

WAYS = {
    "train": ("train", "--calibrate", "temperature", "--reject", 0.1, "--out", "made/m.joblib"),
    "search": ("train", "--search", 12, "--seed", 3, "--out", "made/m.joblib"),
    "tune": ("tune", "--search", 12, "--combine", "average", "--out", "made/m.joblib"),
    "cv": ("evaluate", "--cv", 3, "--search", 5, "--report", "made"),
}


@pytest.fixture
def extracted(project: Path, sounds: Path, run: Run) -> Path:
    assert run("index", sounds).code == 0
    assert run("extract", "--extractor", "mfcc").code == 0
    assert run("extract", "--extractor", "mfcc", "--hop-s", "0.5").code == 0
    return project


@pytest.mark.parametrize("way", WAYS)
def test_the_same_seed_gives_the_same_bytes(
    extracted: Path, run: Run, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    made = []
    for n_cores in (1, 2):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _, n=n_cores: set(range(n)))
        assert run(*WAYS[way]).code == 0
        made.append({path.name: path.read_bytes() for path in Path("made").iterdir()})
        for path in Path("made").iterdir():
            path.unlink()
    first, again = made
    assert {"m.joblib"} <= first.keys() or {"report.json", "report.html"} <= first.keys()
    assert first == again
