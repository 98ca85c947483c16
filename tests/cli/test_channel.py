"""``audiotl extract --channel``: from the option to a model that predicts as it was trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.conftest import Run
from tests.sounds import noise, sine

RATE = 22_050


@pytest.fixture
def stereo(tmp_path: Path) -> Path:
    """Return recordings whose left channel has the label and whose right one cancels it."""
    for label in ("high", "low"):
        for take in range(6):
            left = sine(3000 if label == "high" else 300, RATE, RATE) + 0.01 * noise(RATE, take)
            path = tmp_path / "audio" / label / f"{take}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, np.stack([left, -left], axis=1), RATE)
    return tmp_path / "audio"


def test_a_channel_is_a_setting_of_features_and_models(
    project: Path, stereo: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("index", stereo)
    mix, same, left, loudest = (
        run("extract", "--extractor", "mfcc", *args, "--json").json
        for args in ([], ["--channel", "mix"], ["--channel", "left"], ["--channel", "loudest"])
    )
    assert (same["fingerprint"], same["n_added"]) == (mix["fingerprint"], 0)
    assert len({mix["fingerprint"], left["fingerprint"], loudest["fingerprint"]}) == 3
    run("train", "--store", left["store"], "--out", "left.joblib")
    card = run("model", "inspect", "left.joblib", "--json").json["card"]
    assert card["extractors"][0]["channel"] == "left"
    predicted = run("predict", stereo, "--model", "left.joblib", "--json").json
    assert [clip["label"] for clip in predicted] == ["high"] * 6 + ["low"] * 6
    silent = np.stack([np.zeros(RATE), sine(3000, RATE, RATE)], axis=1)
    soundfile.write("right.wav", silent, RATE)
    (heard,) = run("predict", "right.wav", "--model", "left.joblib", "--json").json
    assert heard["note"] == "silent"


def test_a_channel_that_does_not_exist_is_refused(project: Path, stereo: Path, run: Run) -> None:
    run("index", stereo)
    refused = run("extract", "--extractor", "mfcc", "--channel", "middle", "--json")
    assert refused.code == 2
    assert "loudest" in refused.json["error"]["message"]
