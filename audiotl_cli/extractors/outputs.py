"""What an extractor gives: layers, embeddings, and the description of how they are made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

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
