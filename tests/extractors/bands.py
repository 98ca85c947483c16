"""A network with classes that needs no weights: how much of the power lies in which band."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest

from audiotl_cli.audio.framing import Framing
from audiotl_cli.audio.types import Waveform
from audiotl_cli.extractors import registry
from audiotl_cli.extractors.base import Classes, Extractor, Layer, Patches

NAMES = ("Bubo bubo_Eurasian Eagle-Owl", "Turdus merula_Eurasian Blackbird", "Hiss, noise")
EDGES_HZ = (0, 800, 2500, 8000)


def at_place(latitude: float, longitude: float, week: int) -> npt.NDArray[np.float32]:
    """Return that owls live in the north, and blackbirds too, but only in the first half year."""
    north = latitude > 0
    return np.array([north, north and week <= 24, 0], np.float32)


class BandsExtractor(Extractor):
    """Gives the share of the power below 800 Hz, up to 2500 Hz, and above."""

    name = "bands"
    version = "1"
    summary = "for tests"
    sample_rate = 16_000
    window_s = 1.0
    default_hop_s = 1.0
    default_layer = "embedding"

    @classmethod
    def layers(cls) -> dict[str, Layer]:
        return {"embedding": Layer(3), "scores": Layer(3), "loudest": Layer(3)}

    @classmethod
    def classes(cls) -> tuple[Classes, ...]:
        return (
            Classes("scores", lambda: NAMES, at_place=at_place),
            Classes("loudest", lambda: NAMES, over="max"),
        )

    def frame(self, hop_s: float) -> Framing:
        return Framing(window=16_000, hop=round(hop_s * 16_000), tail="pad")

    def front_end(self, segment: Waveform) -> Patches:
        windows = np.lib.stride_tricks.sliding_window_view(segment, self.framing.window)
        return np.ascontiguousarray(windows[:: self.framing.hop])

    def forward(self, patches: Patches) -> npt.NDArray[np.float32]:
        power = np.abs(np.fft.rfft(patches, axis=1)) ** 2
        shares = [power[:, a:b].sum(axis=1) for a, b in pairwise(EDGES_HZ)]
        scores = np.stack(shares, axis=1) / (power.sum(axis=1, keepdims=True) + 1e-9)
        frames: npt.NDArray[np.float32] = scores.astype(np.float32)[:, None, :]
        return frames


@pytest.fixture
def bands(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make the network known under its name."""
    monkeypatch.setitem(registry.BUILT_IN, "bands", f"{__name__}:BandsExtractor")
    registry.entries_by_name.cache_clear()
    yield
    registry.entries_by_name.cache_clear()
