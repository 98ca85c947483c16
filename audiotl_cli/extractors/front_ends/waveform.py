"""The samples of a window, for networks that have their front end inside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from audiotl_cli.audio.types import Waveform
from audiotl_cli.extractors.front_ends.base import Features, FrontEnd


@dataclass(frozen=True)
class Samples(FrontEnd):
    """Samples from -1 to 1.

    Parameters
    ----------
    peak : float
        Unless it is 0, the mean of every window is subtracted, and the largest sample becomes this.
    """

    name: ClassVar[str] = "waveform"
    axes: ClassVar[tuple[str, ...]] = ("time",)
    default_window_s: ClassVar[float] = 0.975  # the 15600 samples of YAMNet's TFLite file

    peak: float = 0.0

    def parameters(self) -> dict[str, Any]:
        return {"peak": self.peak} if self.peak else {}  # as before there was any

    def compute(self, waveform: Waveform) -> Features:
        if not self.peak:
            return waveform
        centred = waveform - waveform.mean()
        loudest = np.abs(centred).max()
        scaled: Features = centred * np.float32(self.peak / loudest) if loudest else centred
        return scaled
