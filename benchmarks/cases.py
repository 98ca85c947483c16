"""The extractors to measure, and the number of operations of their networks.

Layers are listed as (values out a channel, taps, channels in, channels out): a convolution
of `taps` weights a pair of channels takes ``2 * values * taps * n_in * n_out`` operations.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from audiotl_cli.extractors.openl3_weights import CHANNELS
from audiotl_cli.extractors.yamnet import LAYERS

Layer = tuple[int, int, int, int]


@dataclass(frozen=True)
class Case:
    """An extractor to measure.

    Parameters
    ----------
    extractor : str
    layer : str or None
    gflop : float
        Operations a window, 1e9; 0 where there is no network.
    """

    extractor: str
    layer: str | None
    gflop: float

    @property
    def name(self) -> str:
        """The extractor, and its input where it has several."""
        return f"{self.extractor} {self.layer.split('_')[0]}" if self.layer else self.extractor


def operations(layers: Iterable[Layer]) -> float:
    """Return the operations of layers, 1e9, convolved directly."""
    return sum(2 * values * taps * n_in * n_out for values, taps, n_in, n_out in layers) / 1e9


def vggish_layers() -> list[Layer]:
    """Return VGGish's: 96 frames of 64 bands, halved four times, three dense layers."""
    widths = [(0, 1, 64), (1, 64, 128), (2, 128, 256), (2, 256, 256), (3, 256, 512), (3, 512, 512)]
    convolutions = [(96 * 64 >> 2 * halved, 9, n_in, n_out) for halved, n_in, n_out in widths]
    return [*convolutions, *((1, 1, *sizes) for sizes in pairwise((12288, 4096, 4096, 128)))]


def yamnet_layers() -> list[Layer]:
    """Return YAMNet's: one convolution, then a depthwise and a pointwise one a layer."""
    stride, width = LAYERS[0]
    size = 96 * 64 // stride**2
    layers: list[Layer] = [(size, 9, 1, width)]
    for stride, n_out in LAYERS[1:]:
        size //= stride**2
        layers += [(size, 9, 1, width), (size, 1, width, n_out)]
        width = n_out
    return layers


def openl3_layers(n_bands: int) -> list[Layer]:
    """Return OpenL3's: eight convolutions over 199 frames, a halving after each two."""
    return [
        ((n_bands >> number // 2) * (199 >> number // 2), 9, n_in, n_out)
        for number, (n_in, n_out) in enumerate(pairwise(CHANNELS))
    ]


def musicnn_layers() -> list[Layer]:
    """Return MusiCNN's: banks over 187 frames of 96 bands, three layers over time, two dense."""
    timbral = [(187 * (96 - bands + 1), 7 * bands, 1, 204) for bands in (38, 67)]
    temporal = [(187 * 96, frames, 1, 51) for frames in (32, 64, 128)]
    middle = [(187, 7, n_in, 64) for n_in in (561, 64, 64)]
    return [*timbral, *temporal, *middle, (1, 1, 2 * 753, 200), (1, 1, 200, 50)]


CASES = (
    Case("musicnn", None, operations(musicnn_layers())),
    Case("mfcc", None, 0.0),
    Case("yamnet", None, operations(yamnet_layers())),
    Case("vggish", None, operations(vggish_layers())),
    Case("openl3", "mel128_music_512", operations(openl3_layers(128))),
    Case("openl3", "mel256_music_512", operations(openl3_layers(256))),
)
