"""A network small enough to compute by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from audiotl_cli.audio.framing import Framing
from audiotl_cli.audio.types import Waveform
from audiotl_cli.extractor_config import ExtractorConfig
from audiotl_cli.extractors.base import Extractor, Layer, Patches


class FakeExtractor(Extractor):
    """Windows of 100 samples at 1 kHz; a frame holds their mean, largest and last sample.

    Every batch the network was given is recorded in `batches`.
    """

    name = "fake"
    version = "1"
    summary = "for tests"
    sample_rate = 1000
    window_s = 0.1
    default_hop_s = 0.1
    default_layer = "plain"
    batch_size = 8

    def __init__(self, config: ExtractorConfig | None = None, **settings: Any) -> None:
        super().__init__(config, **settings)
        self.batches: list[Patches] = []

    @classmethod
    def layers(cls) -> dict[str, Layer]:
        return {"plain": Layer(dim=3), "halves": Layer(dim=1, rows=2)}

    def frame(self, hop_s: float) -> Framing:
        return Framing(window=100, hop=round(hop_s * 1000), tail="pad")

    def front_end(self, segment: Waveform) -> Patches:
        windows = np.lib.stride_tricks.sliding_window_view(segment, self.framing.window)
        return np.ascontiguousarray(windows[:: self.framing.hop])

    def forward(self, patches: Patches) -> npt.NDArray[np.float32]:
        self.batches.append(patches.copy())
        if self.layer == "halves":
            halves: Patches = patches.reshape(len(patches), 2, 50).max(axis=2, keepdims=True)
            return halves
        columns = [patches.mean(axis=1), patches.max(axis=1), patches[:, -1]]
        return np.stack(columns, axis=1)[:, None, :]


def expected_frames(waveform: Waveform, hop: int = 100) -> npt.NDArray[np.float32]:
    """Compute what the extractor should give for a waveform, window by window."""
    rows = []
    start = 0
    while start == 0 or start < min(len(waveform), len(waveform) - 100 + hop):
        window = np.zeros(100, np.float32)
        part = waveform[start : start + 100]
        window[: len(part)] = part
        rows.append([window.mean(), window.max(), window[-1]])
        start += hop
    return np.array(rows, np.float32)
