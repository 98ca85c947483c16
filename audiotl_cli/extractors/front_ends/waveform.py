"""The samples of a window, for networks that have their front end inside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from audiotl_cli.audio.types import Waveform
from audiotl_cli.extractors.front_ends.base import Features, FrontEnd


@dataclass(frozen=True)
class Samples(FrontEnd):
    """Samples from -1 to 1."""

    name: ClassVar[str] = "waveform"
    axes: ClassVar[tuple[str, ...]] = ("time",)
    default_window_s: ClassVar[float] = 0.975  # the 15600 samples of YAMNet's TFLite file

    def compute(self, waveform: Waveform) -> Features:
        return waveform
