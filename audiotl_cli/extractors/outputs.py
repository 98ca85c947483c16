"""What an extractor gives: layers, embeddings, and the description of how they are made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Embeddings:
    """The embeddings of a recording.

    Parameters
    ----------
    frames : float32 (n_frames, dim)
    times : float64 (n_frames,)
        Start of each frame, in seconds from the start of the recording; for a network that
        centres its windows (OpenL3), the middle.
    """

    frames: npt.NDArray[np.float32]
    times: npt.NDArray[np.float64]

    def __repr__(self) -> str:
        return f"Embeddings({len(self.frames)} frames of {self.frames.shape[-1]} values)"


@dataclass(frozen=True)
class Layer:
    """An output of a network.

    Parameters
    ----------
    dim : int
        Width of a frame.
    rows : int
        Frames per window: 1 for embeddings, more for feature maps that keep the time axis.
    """

    dim: int
    rows: int = 1


@dataclass(frozen=True)
class Classes:
    """Classes that a network was trained to recognise, each with a score of its own from 0 to 1.

    Parameters
    ----------
    layer : str
        The layer whose values are the scores.
    names : callable
        Returns the name of every class, in the order of the scores; may read the weights.
    over : {"mean", "max"}
        How the scores of windows become those of a recording: as the publisher does it.
    at_place : callable or None
        Takes latitude and longitude in degrees and a week, 1 to 48 or -1 for the whole year, and
        returns the probability that each class occurs there, float32 (n_classes,).
    """

    layer: str
    names: Callable[[], Sequence[str]]
    over: Literal["mean", "max"] = "mean"
    at_place: Callable[[float, float, int], npt.NDArray[np.float32]] | None = None


@dataclass(frozen=True)
class Description:
    """Everything that changes the values of embeddings; fingerprints cover it."""

    extractor: str
    version: str
    layer: str
    sample_rate: int
    window: int
    hop: int
    resampler: str
    weights_sha256: str = ""
    weights: str = "published"
    details: dict[str, Any] = field(default_factory=dict)
