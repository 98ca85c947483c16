"""Arrays that are no waveform are refused with a reason, never read as another sound."""

from __future__ import annotations

import numpy as np
import pytest

from audiotl_cli.audio.waveform import mono_waveform
from audiotl_cli.errors import AudioError


@pytest.mark.parametrize("shape", [(2, 16000), (1, 16000)])
def test_channels_first_is_refused_with_the_expected_order(shape: tuple[int, int]) -> None:
    with pytest.raises(AudioError, match="transpose"):
        mono_waveform(np.ones(shape), 16000)


def test_complex_numbers_are_refused() -> None:
    with pytest.raises(AudioError, match="complex"):
        mono_waveform(np.ones(16000) * 1j, 16000)


def test_channels_last_are_averaged() -> None:
    stereo = np.stack([np.full(100, 0.5), np.zeros(100)], axis=1)
    assert mono_waveform(stereo, 16000) == pytest.approx(np.full(100, 0.25))
