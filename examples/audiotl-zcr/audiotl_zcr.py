"""An extractor in a package of its own: how often the sign changes, and how loud it is."""

import numpy as np

from audiotl_cli.audio.framing import Framing
from audiotl_cli.extractors.base import Extractor, Layer


class ZcrExtractor(Extractor):
    """Zero-crossing rate, 0 to 1, and root mean square, of every half second."""

    name = "zcr"  # as in pyproject.toml
    version = "1"  # raise it when the same audio gives other numbers
    summary = "zero-crossing rate and level; an example of a plug-in"
    sample_rate = 16_000
    window_s = 0.5
    default_hop_s = 0.5
    default_layer = "zcr+rms"

    @classmethod
    def layers(cls):
        return {"zcr+rms": Layer(dim=2)}

    def frame(self, hop_s):
        hop = max(1, round(hop_s * self.sample_rate))
        return Framing(window=self.sample_rate // 2, hop=hop, tail="pad")

    def front_end(self, segment):  # n overlapping windows end to end -> (n, window)
        windows = np.lib.stride_tricks.sliding_window_view(segment, self.framing.window)
        return windows[:: self.framing.hop]

    def forward(self, patches):  # (batch, window) -> (batch, 1 row, dim)
        crossings = np.mean(np.diff(np.signbit(patches), axis=1), axis=1)
        rms = np.sqrt(np.mean(patches**2, axis=1))
        return np.stack([crossings, rms], axis=1)[:, None, :].astype(np.float32)
