"""Front ends for network files against the published implementations.

``tests/golden/front_ends.npz`` holds every fourth to 32nd frame of what these give for the scenes:
torchaudio 2.11, kaldi-native-fbank 1.23, librosa 0.11, openai-whisper and the feature extractors
of transformers 5.24; `CASES` has their arguments in audiotl's words.
"""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from audiotl_cli.extractors.front_ends import FrontEnd, find_front_ends
from tests.extractors.golden import FOLDER, golden, scene

Array = npt.NDArray[np.float32]
LIBROSA: dict[str, Any] = {"sample_rate": 48_000, "n_fft": 1024, "frame_hop": 480, "n_mels": 64,
           "high_hz": 14_000.0, "mel_scale": "slaney", "norm": "slaney"}  # fmt: skip
PLAIN: dict[str, Any] = {"preemphasis": 0.0, "remove_dc": False, "taper": "hann", "low_hz": 0.0,
         "snip_edges": False, "n_mels": 64, "frame_length": 512}  # fmt: skip


def front_end(name: str, **parameters: Any) -> FrontEnd:
    return find_front_ends()[name](**parameters)


@cache
def published() -> dict[str, Array]:
    with np.load(FOLDER / "front_ends.npz") as file:
        return dict(file)


def sound(name: str, seconds: float | None = None) -> Array:
    """Return a scene, repeated or cut to a length."""
    waveform, rate = scene(name)
    n_samples = len(waveform) if seconds is None else round(seconds * rate)
    repeated = np.tile(waveform, -(-n_samples // len(waveform)))
    return repeated[:n_samples].astype(np.float32)


CASES: dict[str, tuple[str, dict[str, Any], str, float | None, int]] = {
    # the front end, its parameters, a scene, its seconds, and the distance of frames
    "kaldi_povey": ("kaldi_fbank", {}, "scene16k", 1, 4),
    "native_16_bits": (
        "kaldi_fbank",
        {"scale": 32_768.0, "snip_edges": False, "taper": "hamming", "high_hz": 7600.0},
        "scene16k",
        1,
        4,
    ),
    "native_hann": ("kaldi_fbank", PLAIN | {"power": False}, "scene16k", 1, 4),
    "mel_db_default": ("mel_db", {"sample_rate": 48_000, "top_db": 80.0}, "scene48k", 1, 8),
    "mel_db_magnitude": (
        "mel_db",
        {"n_fft": 512, "frame_length": 400, "frame_hop": 160, "low_hz": 50.0, "high_hz": 7600.0,
         "n_mels": 40, "power": 1.0, "centre": False},
        "scene16k",
        1,
        4,
    ),
    "mel_db_librosa": ("mel_db", LIBROSA | {"low_hz": 50.0}, "scene48k", None, 16),
    "clap": ("mel_db", LIBROSA, "scene48k", 10, 32),
    "whisper_128": ("whisper", {"n_mels": 128}, "scene16k", None, 16),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_equals_the_published_implementation(case: str) -> None:
    name, parameters, scene_name, seconds, step = CASES[case]
    expected = published()[case]

    found = front_end(name, **parameters).compute(sound(scene_name, seconds))[::step]

    assert found.dtype == np.float32
    # the published ones transform in single precision, whose noise fills bands 70 dB below the peak
    quiet = {"kaldi_fbank": 8, "mel_db": 70, "whisper": np.inf}[name]
    heard = expected > expected.max() - quiet
    np.testing.assert_allclose(found[heard], expected[heard], rtol=0, atol=1e-3)
    assert np.abs(found - expected).mean() < 0.03


def test_whisper_in_a_window_of_30_s() -> None:
    frames = front_end("whisper").compute(
        np.pad(sound("scene16k"), (0, 480_000 - len(sound("scene16k"))))
    )

    assert frames.shape == (3000, 80)
    np.testing.assert_allclose(frames[:640:8], published()["whisper"], rtol=0, atol=1e-4)
    np.testing.assert_array_equal(frames[-1:], published()["whisper_last"])


def test_the_input_of_ast() -> None:
    waveform = sound("scene16k")

    frames = front_end("kaldi_fbank", n_mels=128, taper="hanning").compute(waveform)

    whole = np.pad(frames, ((0, 1024 - len(frames)), (0, 0)))
    scaled = (whole + 4.2677393) / (2 * 4.5689974)
    np.testing.assert_allclose(scaled[::16], published()["ast"], rtol=0, atol=1e-3)


def test_samples_may_be_scaled_to_a_peak() -> None:
    scaled = front_end("waveform", peak=0.25)
    waveform = sound("scene16k")

    found = scaled.compute(waveform)

    centred = waveform - waveform.mean()
    np.testing.assert_allclose(found, 0.25 * centred / np.abs(centred).max(), rtol=1e-5, atol=1e-7)
    assert not scaled.compute(np.full(9, 0.5, np.float32)).any()
    assert front_end("waveform").parameters() == {}


def test_the_input_of_ced() -> None:
    """Both front ends that its publishers use."""
    expected = golden("ced_tiny", "scene16k")
    waveform = sound("scene16k")
    torch = front_end("mel_db", n_fft=512, frame_hop=160, n_mels=64, top_db=120.0)
    kaldi = front_end("kaldi_fbank", **PLAIN, log=False)

    levels = 10 * np.log10(np.maximum(kaldi.compute(waveform), 1e-10))
    found = {"ta_mel_db": torch.compute(waveform), "kd_mel_db": levels}

    for name, values in found.items():
        heard = expected[name] > expected[name].max() - 70
        np.testing.assert_allclose(values.T[heard], expected[name][heard], rtol=0, atol=1e-3)
        assert np.abs(np.maximum(values, values.max() - 120).T - expected[name]).max() < 0.2


@pytest.mark.parametrize("name", find_front_ends())
def test_the_shortest_window_has_a_frame(name: str) -> None:
    source = front_end(name)

    found = source.compute(np.zeros(source.min_samples, np.float32))

    assert len(found) >= 1
    assert found.ndim == len(source.axes)
    assert np.isfinite(found).all()
    assert source.compute(np.zeros(source.window(1.0), np.float32)).shape[1:] == found.shape[1:]


WRONG: dict[str, tuple[str, dict[str, Any]]] = {
    "n_mels is 0": ("kaldi_fbank", {"n_mels": 0}),
    "n_mels is 2000": ("whisper", {"n_mels": 2000}),
    "low_hz is 9000.0, expected 0 or more, below 8000": ("mel_db", {"low_hz": 9000.0}),
    "high_hz is 9000.0, expected at most 8000": ("mel_db", {"high_hz": 9000.0}),
    "n_fft is 1000000": ("mel_db", {"n_fft": 1_000_000}),
    "frame_length is 401, expected at most 400": ("mel_db", {"frame_length": 401}),
    "frame_hop is 0": ("kaldi_fbank", {"frame_hop": 0}),
    "taper is 'blackman', expected one of povey": ("kaldi_fbank", {"taper": "blackman"}),
    "sample_rate is 8000, expected 16000": ("whisper", {"sample_rate": 8000}),
    "mel_scale is 'mel'": ("mel_db", {"mel_scale": "mel"}),
}


@pytest.mark.parametrize("message", WRONG)
def test_impossible_parameters(message: str) -> None:
    name, parameters = WRONG[message]

    with pytest.raises(ValueError, match=message):
        front_end(name, **parameters)


def test_every_front_end_is_described() -> None:
    """Every parameter is in the docstring that people look for it in."""
    for kind in find_front_ends().values():
        for own in fields(kind):
            assert own.name == "sample_rate" or own.name in (kind.__doc__ or ""), (kind, own.name)
