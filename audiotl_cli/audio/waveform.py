"""Samples that somebody hands over, as the networks take them."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np
import numpy.typing as npt

from audiotl_cli.audio.channels import pick
from audiotl_cli.audio.types import Waveform
from audiotl_cli.errors import AudioError
from audiotl_cli.extractor_config import MIX


def mono_waveform(samples: npt.ArrayLike, sample_rate: Any, channel: str = MIX) -> Waveform:
    """Return the mean of the channels of samples, or one of them, float32 from -1 to 1.

    Parameters
    ----------
    samples : array (n_samples,) or (n_samples, n_channels)
        Floats from -1 to 1, or integers of 8, 16 or 32 bits, whose whole range becomes -1 to 1
        as in a sound file.
    sample_rate : int
        Hz.
    channel : str
        One of `extractor_config.CHANNELS`.

    Raises
    ------
    AudioError
        There is no sample, the shape or the type is another one (such as channels first), a
        value is not finite, or the sample rate is not a number of Hz.
    """
    array = np.asarray(samples)
    if np.iscomplexobj(array):
        raise AudioError("the samples are complex numbers; expected real ones", code="bad_samples")
    if array.ndim == 2 and 0 < len(array) < array.shape[1]:
        raise AudioError(
            f"a waveform of shape {array.shape} has more channels than samples; expected "
            "(n_samples, n_channels), so transpose an array that has its channels first",
            code="bad_samples",
        )
    if array.dtype.kind in "iu":
        if array.dtype.itemsize > 4:  # no sound file holds them, so what is full scale is unknown
            raise AudioError(
                f"the samples are {array.dtype}; give int16 or int32 as sound files hold them, or "
                "floats from -1 to 1",
                code="bad_samples",
            )
        limits = np.iinfo(array.dtype)
        middle = (float(limits.max) + float(limits.min) + 1) / 2  # 128 of 8 bits without a sign
        array = (array - middle) / (float(limits.max) + 1 - middle)
    mono = array.astype(np.float32)
    if mono.ndim == 2 and mono.size:
        mono = pick(mono, channel)
    if mono.ndim != 1 or len(mono) == 0:
        raise AudioError(
            f"a waveform of shape {np.shape(samples)}; expected (n_samples,) "
            "or (n_samples, n_channels) with at least one sample",
            code="empty",
        )
    if not np.isfinite(mono).all():
        raise AudioError("the waveform holds values that are not finite", code="not_finite")
    is_number = isinstance(sample_rate, numbers.Real)
    if not (is_number and 1 <= sample_rate < float("inf")):
        raise AudioError(f"the sample rate is {sample_rate!r}, expected Hz", code="bad_rate")
    return mono
