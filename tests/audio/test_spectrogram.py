"""The transform of the front ends: single precision, and no number of SciPy's but the last bit."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import scipy.fft
from hypothesis import given
from hypothesis import strategies as st

from audiotl_cli.audio.spectrogram import hann, transform


@pytest.mark.parametrize("precision", [np.float32, np.float64])
@given(
    length=st.integers(1, 600),
    n=st.integers(0, 40),
    loudness=st.floats(1e-6, 1.0),
    seed=st.integers(0, 99),
)
def test_it_is_scipys_to_the_last_bit(
    precision: type[np.floating[Any]], length: int, n: int, loudness: float, seed: int
) -> None:
    n_fft = 1 << (length - 1).bit_length()
    noise = loudness * np.random.default_rng(seed).standard_normal((n, length))
    frames = noise.astype(np.float32)
    taper: npt.NDArray[np.floating[Any]] = hann(length).astype(precision)
    ours = transform(frames, taper, n_fft)
    assert ours.dtype == (np.complex64 if precision is np.float32 else np.complex128)
    if n:
        np.testing.assert_array_equal(ours, scipy.fft.rfft(frames * taper, n=n_fft, axis=1))


def test_frames_do_not_know_their_neighbours() -> None:
    frames = np.random.default_rng(0).standard_normal((37, 400)).astype(np.float32)
    together = transform(frames, hann(400), 512)
    alone = [transform(frames[i : i + 1], hann(400), 512)[0] for i in range(len(frames))]
    np.testing.assert_array_equal(together, alone)
