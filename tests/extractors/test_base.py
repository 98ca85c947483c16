from __future__ import annotations

import math
from dataclasses import asdict

import numpy as np
import numpy.typing as npt
import pytest

from audiotl_cli.errors import AudioError, UsageError
from audiotl_cli.extractors.base import Patches
from tests.extractors.fake import FakeExtractor, expected_frames
from tests.sounds import noise


@pytest.mark.parametrize("n_samples", [1, 99, 100, 101, 850, 7777])
@pytest.mark.parametrize("hop_s", [0.1, 0.05, 0.25])
def test_embeds_every_window(n_samples: int, hop_s: float) -> None:
    extractor = FakeExtractor(hop_s=hop_s)
    waveform = noise(n_samples)
    found = extractor.embed(waveform, 1000)
    np.testing.assert_array_equal(found.frames, expected_frames(waveform, round(hop_s * 1000)))
    np.testing.assert_allclose(found.times, np.arange(len(found.frames)) * hop_s)
    assert found.frames.dtype == np.float32
    assert found.times.dtype == np.float64


def test_network_sees_batches_of_one_size_filled_with_zeros() -> None:
    extractor = FakeExtractor()
    extractor.embed(np.ones(1050, np.float32), 1000)
    assert [batch.shape for batch in extractor.batches] == [(8, 100), (8, 100), (8, 100)]
    _tried, first, second = extractor.batches
    assert first.min() == 1
    assert second[3:].max() == 0
    assert second[2].sum() == 50


def test_places_that_give_other_numbers_are_left_empty() -> None:
    class Uneven(FakeExtractor):
        def forward(self, patches: Patches) -> npt.NDArray[np.float32]:
            frames = super().forward(patches)
            frames[6:] = np.nextafter(frames[6:], np.float32(9))
            return frames

    extractor = Uneven()
    waveform = np.random.default_rng(0).normal(size=2000).astype(np.float32)
    found = extractor.embed(waveform, 1000).frames
    assert extractor.usable_batch_size == 6
    np.testing.assert_array_equal(found, expected_frames(waveform))
    assert len(extractor.batches) == 1 + 4
    assert all(batch[6:].max() == 0 for batch in extractor.batches[1:])


def test_layers_with_several_rows_are_laid_end_to_end() -> None:
    extractor = FakeExtractor(layer="halves", hop_s=0.2)
    found = extractor.embed(np.arange(300, dtype=np.float32), 1000)
    assert found.frames.tolist() == [[49], [99], [249], [299]]
    assert found.times.tolist() == [0, 0.05, 0.2, 0.25]
    assert (extractor.dim, extractor.rows) == (1, 2)


def test_channels_are_averaged_and_integers_scaled_as_in_sound_files() -> None:
    extractor = FakeExtractor()
    stereo = extractor.embed(np.array([[1.0, 3.0]] * 200), 1000)
    np.testing.assert_array_equal(stereo.frames, np.full((2, 3), 2, np.float32))
    integers = extractor.embed(np.full(200, 1 << 14, np.int16), 1000)
    np.testing.assert_array_equal(integers.frames, np.full((2, 3), 0.5, np.float32))


def test_integers_that_no_sound_file_holds_are_refused() -> None:
    with pytest.raises(AudioError, match="the samples are int64; give int16 or int32"):
        FakeExtractor().embed(np.full(200, 1 << 14), 1000)


def test_other_rates_are_resampled() -> None:
    found = FakeExtractor().embed(np.full(8000, 0.5, np.float32), 8000)
    assert len(found.frames) == 10
    np.testing.assert_allclose(found.frames[3:7], 0.5, atol=1e-4)


@pytest.mark.parametrize(
    ("waveform", "code"),
    [
        ([], "empty"),
        (0.5, "empty"),
        (np.zeros((2, 2, 2)), "empty"),
        (np.zeros((0, 2)), "empty"),
        ([0.0, math.nan], "not_finite"),
        ([[0.0, 1.0], [math.inf, 0.0]], "not_finite"),
    ],
)
def test_waveforms_that_cannot_be_used(waveform: npt.ArrayLike, code: str) -> None:
    with pytest.raises(AudioError) as caught:
        FakeExtractor().embed(waveform, 1000)
    assert caught.value.code == code


def test_options_that_do_not_exist() -> None:
    with pytest.raises(UsageError, match="fake has no layer 'top'; choose from plain, halves"):
        FakeExtractor(layer="top")
    with pytest.raises(UsageError, match="unknown resampler"):
        FakeExtractor(resampler="no")
    for hop_s in (0, -1, 3601, math.nan, math.inf):
        with pytest.raises(UsageError, match=r"--hop-s is .*, expected seconds above 0"):
            FakeExtractor(hop_s=hop_s)


def test_description_covers_every_option() -> None:
    assert asdict(FakeExtractor().describe()) == {
        "extractor": "fake",
        "version": "1",
        "layer": "plain",
        "sample_rate": 1000,
        "window": 100,
        "hop": 100,
        "resampler": "soxr",
        "weights_sha256": "",
        "weights": "none",
        "details": {},
    }
    changed = [
        FakeExtractor(hop_s=0.05),
        FakeExtractor(layer="halves"),
        FakeExtractor(resampler="resampy"),
    ]
    assert all(other.describe() != FakeExtractor().describe() for other in changed)
    assert FakeExtractor(hop_s=0.05).hop_s == 0.05
