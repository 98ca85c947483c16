"""Which frames of a clip hold its sound, and copies of clips with background under them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from audiotl_cli.audio.limits import INAUDIBLE_SWING
from audiotl_cli.audio.types import Waveform
from audiotl_cli.extractors.base import Extractor

GATE_DB = 35.0
"""How far below its loudest part the sound of a clip may be, decibels."""

PART_S = 0.02
"""Seconds over which loudness is measured."""

MIXED_DB = (-25.0, 5.0)
"""Levels of the background under a clip, relative to the clip's active part, decibels."""

Mask = npt.NDArray[np.bool_]


def loudness(samples: Waveform, rate: int) -> npt.NDArray[np.float64]:
    """Return the root mean square of every `PART_S` of a waveform, the last part filled up."""
    n = max(1, round(PART_S * rate))
    padded = np.pad(samples.astype(np.float64), (0, -len(samples) % n))
    means: npt.NDArray[np.float64] = np.sqrt((padded.reshape(-1, n) ** 2).mean(axis=1))
    return means


def active_parts(levels: npt.NDArray[np.float64]) -> Mask:
    """Return which parts are within `GATE_DB` of the loudest; none of digital silence."""
    loudest = levels.max(initial=0.0)
    active: Mask = (levels > 0) & (levels >= loudest * 10 ** (-GATE_DB / 20))
    return active


def frame_loudness(
    levels: npt.NDArray[np.float64], extractor: Extractor, n_frames: int
) -> npt.NDArray[np.float64]:
    """Return how loud the loudest part in every frame is, in decibels relative to the whole.

    Parameters
    ----------
    levels : float64 (n_parts,)
        The `loudness` of a clip.
    extractor : Extractor
    n_frames : int

    Returns
    -------
    relative_db : float64 (n_frames,)
        At most 0; minus infinity where there is nothing to hear.
    """
    n = max(1, round(PART_S * extractor.sample_rate))
    starts, length = _frame_samples(extractor, n_frames)
    first = np.clip(starts // n, 0, len(levels) - 1).astype(int)
    last = np.clip(-(-(starts + length) // n), first + 1, len(levels)).astype(int)
    highest = np.array([levels[i:j].max() for i, j in zip(first, last, strict=True)])
    with np.errstate(divide="ignore", invalid="ignore"):
        relative: npt.NDArray[np.float64] = 20 * np.log10(highest / levels.max())
    return np.where(highest > INAUDIBLE_SWING, relative, -np.inf)


def overlaps(
    start_s: float, end_s: float, extractor: Extractor, n_frames: int
) -> npt.NDArray[np.float64]:
    """Return how many seconds of a stretch every frame of a waveform holds, (n_frames,)."""
    starts, length = _frame_samples(extractor, n_frames)
    starts_s = starts / extractor.sample_rate
    ends_s = starts_s + length / extractor.sample_rate
    shared: npt.NDArray[np.float64] = np.minimum(ends_s, end_s) - np.maximum(starts_s, start_s)
    return np.maximum(shared, 0.0)


def _frame_samples(extractor: Extractor, n_frames: int) -> tuple[npt.NDArray[np.float64], float]:
    """Return the first sample of every frame of a waveform, and the samples that each covers."""
    framing = extractor.framing
    length = framing.window / extractor.rows
    number = np.arange(n_frames)
    starts = number // extractor.rows * framing.hop + number % extractor.rows * length
    return starts - framing.pad_start, length


class Mixer:
    """Mixes background under clips; the same clip always gets the same.

    Parameters
    ----------
    backgrounds : sequence of float32 (n_samples,)
        At the rate of the clips.
    seed : int
    """

    def __init__(self, backgrounds: Sequence[Waveform], seed: int) -> None:
        self.background = np.concatenate(backgrounds)
        self.seed = seed

    def mix(self, samples: Waveform, levels: npt.NDArray[np.float64], key: str) -> Waveform | None:
        """Return a clip with an excerpt of the background under it; None where that is silent.

        Parameters
        ----------
        samples : float32 (n_samples,)
        levels : float64 (n_parts,)
            Its `loudness`.
        key : str
            Of the clip: with the seed, it decides the excerpt and the level.
        """
        digest = hashlib.sha256(f"{self.seed} {key}".encode()).digest()
        rng = np.random.default_rng(int.from_bytes(digest[:8], "big"))
        start, level_db = rng.integers(len(self.background)), rng.uniform(*MIXED_DB)
        excerpt = np.take(self.background, np.arange(start, start + len(samples)), mode="wrap")
        power = np.sqrt(np.square(excerpt, dtype=np.float64).mean())
        active = np.sqrt(np.square(levels[active_parts(levels)]).mean()) if levels.any() else 0.0
        if power == 0 or active == 0:
            return None
        mixed: Waveform = samples + excerpt * np.float32(active / power * 10 ** (level_db / 20))
        return mixed
