"""The speech embedding against values of the published files, whose weights are fetched."""

from __future__ import annotations

import numpy as np
import pytest

from audiotl_cli.errors import UsageError, WeightsError
from audiotl_cli.extractors.registry import load_extractor
from audiotl_cli.extractors.speech import WEIGHTS, SpeechExtractor, decibel
from audiotl_cli.extractors.weights import fetch
from tests.extractors.golden import golden, scene

SCENES = ["scene16k", "sine1k", "scene44k", "stereo22k", "scene48k"]


@pytest.fixture(scope="module", autouse=True)
def weights() -> None:
    """Have the published weights, or skip."""
    try:
        fetch(WEIGHTS)
    except WeightsError as error:
        pytest.skip(f"the published weights cannot be had: {error}")


@pytest.mark.parametrize("name", SCENES)
def test_equals_the_published_files(name: str) -> None:
    expected = golden("speech", name)

    found = SpeechExtractor(padding_s=0).embed(*scene(name))

    np.testing.assert_allclose(found.frames, expected["embedding"], rtol=0, atol=3e-4)
    np.testing.assert_allclose(found.times, expected["times"], atol=1e-6)


def test_levels_equal_the_published_ones() -> None:
    waveform, _ = scene("scene16k")

    levels = decibel(waveform.astype(np.float32))

    expected = golden("speech", "scene16k")["mel_db"]
    np.testing.assert_allclose(np.maximum(levels, levels.max() - 80), expected, rtol=0, atol=1e-3)


def test_the_loudest_of_the_whole_recording_counts() -> None:
    """A quiet beginning has the same frames whether it is in one block or in many."""
    rng = np.random.default_rng(0)
    quiet, loud = rng.normal(0, 1e-4, 48_000), rng.normal(0, 0.3, 8_000)
    recording = np.concatenate([quiet, loud]).astype(np.float32)
    network = SpeechExtractor()

    whole = np.concatenate(list(network.patches([recording])))
    blocks = np.concatenate(list(network.patches(np.array_split(recording, 37))))
    heard = np.concatenate(list(network.patches(np.array_split(recording, 37), eager=True)))

    np.testing.assert_array_equal(blocks, whole)
    assert heard.shape == whole.shape
    np.testing.assert_array_equal(heard[-1], whole[-1])
    assert np.abs(heard[10] - whole[10]).max() > 0.1  # the loud part was not heard yet
    assert len(whole) == network.framing.n_windows(len(recording))


def test_long_recordings_wait_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    recording = np.random.default_rng(0).normal(0, 0.1, 40_000).astype(np.float32)
    network = SpeechExtractor()
    in_memory = np.concatenate(list(network.patches([recording])))

    monkeypatch.setattr("audiotl_cli.extractors.speech.MAX_HELD_BYTES", 1000)

    np.testing.assert_array_equal(np.concatenate(list(network.patches([recording]))), in_memory)


def test_half_a_second_of_silence_is_around_a_recording() -> None:
    word = np.random.default_rng(1).normal(0, 0.1, 6_000)
    around = np.pad(word, 8_000)

    padded = load_extractor("speech").embed(word, 16_000)
    by_hand = SpeechExtractor(padding_s=0).embed(around, 16_000)

    assert padded.frames.shape == (1 + (22_000 - 12_512) // 1280, 96)
    np.testing.assert_array_equal(padded.frames, by_hand.frames)
    assert load_extractor("speech").describe().details == {"padding_s": 0.5}
    assert SpeechExtractor(padding_s=0.5).describe() == SpeechExtractor().describe()
    assert SpeechExtractor(padding_s=0).describe() != SpeechExtractor().describe()


def test_a_short_recording_without_padding_fills_one_window() -> None:
    assert SpeechExtractor(padding_s=0).embed(np.ones(1000) * 0.1, 16_000).frames.shape == (1, 96)


@pytest.mark.parametrize("padding_s", [-1, 61, float("nan")])
def test_padding_has_limits(padding_s: float) -> None:
    with pytest.raises(UsageError, match="--padding-s is"):
        SpeechExtractor(padding_s=padding_s)


def test_other_networks_take_no_padding() -> None:
    from audiotl_cli.extractors.mfcc import MfccExtractor

    with pytest.raises(UsageError, match="mfcc takes no --padding-s"):
        MfccExtractor(padding_s=1.0)
