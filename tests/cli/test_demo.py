from __future__ import annotations

from pathlib import Path

import pytest

from audiotl_cli.workflows import demo
from tests.conftest import Run


def test_the_demonstration_runs_and_reuses_what_is_there(
    project: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "N_TAKES", 4)
    monkeypatch.setattr(demo, "NETWORK", "mfcc")

    first = run("demo")
    second = run("demo")

    assert first.code == second.code == 0
    for command in ("index data/audio/demo", "extract", "train", "evaluate", "predict"):
        assert f"$ audiotl {command}" in first.out
    assert "50 recordings written" in first.out
    assert "40 clips added" in first.out
    assert "the recordings in data/audio/demo already exist" in second.out
    assert "0 clips added, 40 already there" in second.out
