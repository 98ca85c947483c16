"""Which channel of a recording is used."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from audiotl_cli import load_extractor
from audiotl_cli.audio import decode
from audiotl_cli.audio.decode import read
from audiotl_cli.audio.raw import RawFormat, read_raw
from audiotl_cli.audio.types import AudioSource, Waveform
from audiotl_cli.errors import AudioError, UsageError
from tests.sounds import noise, write_wav

QUIET, LOUD = noise(600_000, seed=1, peak=0.1), noise(600_000, seed=2, peak=0.5)
OFFSET = np.full(600_000, 0.9, np.float32)


def used(folder: Path, channel: str, *channels: Waveform) -> Waveform:
    path = write_wav(folder / "x.wav", np.stack(channels, axis=1), 8000)
    return read(AudioSource(path, channel=channel))[0]


@pytest.mark.parametrize(
    ("channel", "expected"),
    [("mix", (QUIET + LOUD) / 2), ("left", QUIET), ("right", LOUD), ("loudest", LOUD)],
)
def test_one_channel_is_used(tmp_path: Path, channel: str, expected: Waveform) -> None:
    np.testing.assert_array_equal(used(tmp_path, channel, QUIET, LOUD), expected)


@pytest.mark.parametrize("channel", ["mix", "left", "right", "loudest"])
def test_a_recording_with_one_channel_is_used_as_it_is(tmp_path: Path, channel: str) -> None:
    np.testing.assert_array_equal(used(tmp_path, channel, QUIET), QUIET)


def test_the_loudest_is_not_the_one_with_an_offset_and_the_first_of_equals(tmp_path: Path) -> None:
    loud = used(tmp_path, "loudest", OFFSET, QUIET, LOUD, QUIET)
    np.testing.assert_array_equal(loud, LOUD)
    np.testing.assert_array_equal(used(tmp_path, "loudest", LOUD, -LOUD), LOUD)
    np.testing.assert_array_equal(used(tmp_path, "loudest", -LOUD, LOUD), -LOUD)
    np.testing.assert_array_equal(used(tmp_path, "loudest", 0 * LOUD, 0 * LOUD), 0 * LOUD)


def test_the_loudest_is_that_of_the_stretch(tmp_path: Path) -> None:
    left, right = QUIET.copy(), LOUD.copy()
    left[400_000:], right[400_000:] = LOUD[400_000:], QUIET[400_000:]
    path = write_wav(tmp_path / "x.wav", np.stack([left, right], axis=1), 8000)
    for start_s, end_s, expected in ((None, None, right), (0, 50, right), (51, 60, left)):
        stretch, _ = read(AudioSource(path, start_s, end_s, channel="loudest"))
        first, last = round((start_s or 0) * 8000), round((end_s or 75) * 8000)
        np.testing.assert_array_equal(stretch, expected[first:last])


@pytest.mark.parametrize("n_block", [1, 999, 1 << 20])
def test_the_size_of_blocks_decides_nothing(
    tmp_path: Path, n_block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decode, "BLOCK_SAMPLES", n_block)
    short = [samples[:3000] for samples in (QUIET, -LOUD, LOUD)]
    np.testing.assert_array_equal(used(tmp_path, "loudest", *short), short[1])


def test_a_channel_that_is_not_used_may_hold_anything_but_the_loudest_looks_at_all(
    tmp_path: Path,
) -> None:
    broken = QUIET.copy()
    broken[5] = np.nan
    np.testing.assert_array_equal(used(tmp_path, "left", LOUD, broken), LOUD)
    for channel in ("mix", "right", "loudest"):
        with pytest.raises(AudioError) as caught:
            used(tmp_path, channel, LOUD, broken)
        assert caught.value.code == "not_finite"


def test_extractors_use_it_for_files_and_arrays_alike(tmp_path: Path) -> None:
    stereo = np.stack([QUIET, LOUD], axis=1)[:40_000]
    mono = load_extractor("mfcc").embed(LOUD[:40_000], 8000).frames
    for channel in ("right", "loudest"):
        extractor = load_extractor("mfcc", channel=channel)
        np.testing.assert_array_equal(extractor.embed(stereo, 8000).frames, mono)
    with pytest.raises(UsageError, match="unknown channel 'up'; choose from mix, left, right"):
        load_extractor("mfcc", channel="up")


def test_samples_without_a_header(tmp_path: Path) -> None:
    stereo = np.stack([QUIET, LOUD], axis=1)[:100]
    for channel, expected in (("left", QUIET), ("right", LOUD)):
        form = RawFormat(8000, "f32le", 2, channel)
        heard = np.concatenate(list(read_raw(io.BytesIO(stereo.tobytes()), form)))
        np.testing.assert_array_equal(heard, expected[:100])
    with pytest.raises(UsageError, match="not known before its end"):
        RawFormat(8000, "f32le", 2, "loudest")
