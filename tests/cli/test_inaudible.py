"""What networks hear nothing of is said by index and extract, and train does not learn from it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Run
from tests.faults import Sound, chirps, scene, write

RATE = 192_000


def inverted(seed: int) -> Sound:
    return np.asarray(scene(seed, 0.6)[:, None] * [1, -1])


def bat(seed: int) -> Sound:
    return chirps(45_000, seed, RATE)[: RATE // 2]


def fill(project: Path, n_inverted: int, n_clean: int = 0) -> None:
    for i in range(n_inverted + n_clean):
        sound = inverted(i) if i < n_inverted else scene(i, 0.6)
        write(project / f"sounds/{'ab'[i % 2]}/{i}.wav", sound)


def test_channels_that_cancel_teach_nothing(project: Path, run: Run) -> None:
    fill(project, 8)

    indexed = run("index", "sounds", "--json")
    extracted = run("extract", "--extractor", "mfcc", "--json")
    trained = run("train")

    assert len(indexed.json["problems"]["cancelling_channels"]) == 8
    assert len(extracted.json["inaudible"]["cancelling_channels"]) == 8
    assert (
        "8 of 8 clips are silent to mfcc, such as a/0.wav: their channels cancel" in extracted.err
    )
    assert trained.code == 3
    assert "there is nothing to learn from: 6 of 6 clips are silent to mfcc" in trained.err
    assert not list(Path().glob("data/models/*.joblib"))


def test_one_of_the_channels_is_enough(project: Path, run: Run) -> None:
    fill(project, 8)
    run("index", "sounds")

    extracted = run("extract", "--extractor", "mfcc", "--channel", "left", "--json")

    assert extracted.json["inaudible"] == {}
    assert run("train").code == 0


def test_a_channel_that_is_silent_is_not_learnt_from(project: Path, run: Run) -> None:
    for i in range(8):
        write(project / f"sounds/{'ab'[i % 2]}/{i}.wav", scene(i, 0.6)[:, None] * [0, 1])
    run("index", "sounds")

    extracted = run("extract", "--extractor", "mfcc", "--channel", "left")

    assert "8 of 8 clips are silent to mfcc, such as a/0.wav: the channel that is used" in (
        extracted.err
    )
    assert run("train").code == 3


def test_some_such_clips_are_warned_of(project: Path, run: Run) -> None:
    fill(project, 2, 10)
    run("index", "sounds", "--test-size", "0")
    run("extract", "--extractor", "mfcc")

    trained = run("train")

    assert trained.code == 0
    assert "2 of 12 clips are silent to mfcc" in trained.err


def test_nothing_is_left_of_bats(project: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    for i in range(4):
        write(project / f"sounds/{'ab'[i % 2]}/{i}.wav", bat(i), RATE)

    indexed = run("index", "sounds")
    extracted = run("extract", "--extractor", "mfcc")

    assert "4 of 4 clips have a sample rate above 96 kHz: networks hear only up to 8 kHz" in (
        indexed.err
    )
    assert "ultrasonic" in indexed.out
    assert "nearly all of their sound is above 11 kHz, where it hears nothing" in extracted.err


def test_a_silent_microphone_is_mentioned_and_does_no_harm(project: Path, run: Run) -> None:
    for i in range(8):
        write(project / f"sounds/{'ab'[i % 2]}/{i}.wav", scene(i, 0.6)[:, None] * [0, 1])

    indexed = run("index", "sounds", "--json")
    extracted = run("extract", "--extractor", "mfcc", "--json")

    assert list(indexed.json["problems"]) == ["silent_channel"]
    assert extracted.json["inaudible"] == {}
    assert run("train").code == 0
