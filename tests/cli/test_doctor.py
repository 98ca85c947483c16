from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from audiotl_cli.doctor import decoding
from tests.conftest import Run


def states(value: Any) -> dict[str, str]:
    return {finding["about"]: finding["state"] for finding in value}


def test_a_fresh_project_is_well(project: Path, offline: None, run: Run) -> None:
    finished = run("doctor", "--json")
    assert finished.code == 0
    found = states(finished.json)
    assert found["decoding"] == found["tensorflow"] == found["cache"] == found["mfcc"] == "good"
    assert found["musicnn"] == "absent"
    assert "WAV, FLAC, OGG, MP3, M4A" in next(
        finding["found"] for finding in finished.json if finding["about"] == "decoding"
    )
    advice = {finding["about"]: finding["advice"] for finding in finished.json}
    assert advice["musicnn"] == "audiotl models fetch musicnn"


def test_what_is_broken_is_named(
    project: Path, run: Run, mfcc_model: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "cache").write_text("a file where a folder should be")
    monkeypatch.setenv("AUDIOTL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(decoding.FORMATS, "FLAC", "VORBIS")
    for name, content in (("index/broken.csv", b"label\nant\n"), ("models/broken.joblib", b"no")):
        path = project / "data" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
    (project / "data/models/good.joblib").write_bytes(mfcc_model.read_bytes())
    finished = run("doctor", "--json")
    assert finished.code == 3
    bad = {name for name, state in states(finished.json).items() if state == "bad"}
    assert bad == {"cache", "decoding", "data/index/broken.csv", "data/models/broken.joblib"}
    assert states(finished.json)["data/models/good.joblib"] == "good"
    assert "4 of" in run("doctor").out


def test_another_sound_than_was_written_is_noticed(
    project: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(tone: Any) -> None:
        written(tone[::-1] * 0 + 1)

    written = decoding.check_tone
    monkeypatch.setattr(decoding, "check_tone", wrong)
    assert [finding.state for finding in decoding.check_decoding()] == ["bad"]
