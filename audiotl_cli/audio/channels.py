"""Which channel of a recording is used: the mean of all, or one of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from audiotl_cli.audio.types import Samples, Waveform
from audiotl_cli.errors import AudioError, UsageError
from audiotl_cli.extractor_config import CHANNELS, LEFT, LOUDEST, RIGHT

MAX_SAMPLE = 1e6
"""Larger samples are damage; their squares would overflow in the front ends."""

EQUALLY_LOUD = 1e-9
"""Relative difference of powers that may be rounding: the first of such channels is taken."""


def check_channel(channel: str) -> None:
    """Raise `UsageError` unless `channel` is known."""
    if channel not in CHANNELS:
        raise UsageError(f"unknown channel {channel!r}; choose from {', '.join(CHANNELS)}")


def place_of(channel: str) -> int | None:
    """Return the place of the left or right channel, None for the mean of all."""
    return {LEFT: 0, RIGHT: 1}.get(channel)


def loudest(blocks: Iterable[Samples]) -> int:
    """Return the place of the channel with the most power around its mean over all blocks.

    So a constant offset counts for nothing. Of channels that are equally loud, it is the first.
    """
    n_samples, sums, squares = 0, np.zeros(1), np.zeros(1)
    for block in blocks:
        n_samples += len(block)
        sums = sums + block.sum(axis=0, dtype=np.float64)
        squares = squares + np.einsum("ij,ij->j", block, block, dtype=np.float64)
    power = squares - sums**2 / max(1, n_samples)
    power[~np.isfinite(power)] = np.inf  # a damaged channel is not passed over
    return int(np.argmax(power >= power.max() * (1 - EQUALLY_LOUD)))


def pick(samples: Any, channel: str) -> Any:
    """Return one waveform of samples (n_samples, n_channels), (n_samples,)."""
    return _pick(samples, loudest([samples]) if channel == LOUDEST else place_of(channel))


def mix_down(block: Any, place: int | None = None) -> Waveform:
    """Return one channel, or the mean of all, of samples (n_samples, n_channels).

    Parameters
    ----------
    block : float (n_samples, n_channels)
    place : int or None
        The channel, the last where there are fewer; None for the mean.

    Returns
    -------
    waveform : float32 (n_samples,)

    Raises
    ------
    AudioError
        A sample is no finite number, or beyond `MAX_SAMPLE`.
    """
    mono: Waveform = _pick(block, place)
    if not np.isfinite(mono).all():
        raise AudioError("holds samples that are not finite numbers", code="not_finite")
    if np.abs(mono).max(initial=0.0) > MAX_SAMPLE:
        raise AudioError(
            f"holds samples beyond {MAX_SAMPLE:g}; expected -1 to 1, or thereabouts",
            code="not_finite",
        )
    return np.ascontiguousarray(mono, dtype=np.float32)


def _pick(samples: Any, place: int | None) -> Any:
    n_channels = samples.shape[1]
    if place is not None and n_channels:
        return samples[:, min(place, n_channels - 1)]
    return samples[:, 0] if n_channels == 1 else samples.mean(axis=1, dtype=np.float32)
