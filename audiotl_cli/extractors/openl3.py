"""OpenL3: embeddings learnt from which sounds and pictures of videos belong together.

The networks are those of the package ``openl3`` 0.4.2 (Cramer, Wu, Salamon and Bello, *Look,
Listen, and Learn More: Design Choices for Deep Audio Embeddings*, ICASSP 2019) with its
default front end, built here anew from their published definition and run with their
published weights. `openl3_weights` reads those.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from audiotl_cli.audio.framing import Framing
from audiotl_cli.extractors.base import Extractor, Layer, Patches
from audiotl_cli.extractors.checks import Check
from audiotl_cli.extractors.openl3_weights import (
    WEIGHTS,
    Parameters,
    find_weights,
    read_parameters,
)
from audiotl_cli.extractors.runtime import limit_threads, tensorflow
from audiotl_cli.extractors.spectrogram import mel_filters

if TYPE_CHECKING:
    from audiotl_cli.audio.types import Waveform
    from audiotl_cli.extractors.weights import FoundWeights, WeightSource

SAMPLE_RATE = 48_000  # Hz
WINDOW = SAMPLE_RATE  # samples: 1 s
STFT_HOP = 242  # samples
FLOOR = 1e-10  # magnitude
DYNAMIC_RANGE_DB = 80.0

CONTENTS = ("music", "env")
POOLED = {512: (1, 1), 6144: (4, 3)}  # embedding size: bands and steps of time that are kept
POOL_AFTER = (1, 3, 5)  # convolutions followed by a pooling that halves bands and time


@dataclass(frozen=True)
class Representation:
    """A spectrogram the networks come for.

    Parameters
    ----------
    n_fft : int
        Samples; also the length of the periodic Hann window.
    n_mels : int
        Mel bands (Slaney's, equal area, 0-24 kHz), or 0 for the spectrum itself.
    pad_end : bool
        Whether the last STFT frames reach into zeros beyond the window, so that one begins
        at every hop, or an incomplete frame is left out.
    """

    n_fft: int
    n_mels: int
    pad_end: bool

    @property
    def n_bands(self) -> int:
        return self.n_mels or self.n_fft // 2 + 1


REPRESENTATIONS = {
    "mel128": Representation(n_fft=2048, n_mels=128, pad_end=True),  # 128 bands, 199 frames
    "mel256": Representation(n_fft=2048, n_mels=256, pad_end=True),  # 256 bands, 199 frames
    "linear": Representation(n_fft=512, n_mels=0, pad_end=False),  # 257 bands, 197 frames
}


class OpenL3Extractor(Extractor):
    """OpenL3 embeddings: one frame a window of 1 s, every 0.1 s.

    Layers are named ``{representation}_{content}_{size}``: the spectrogram the network
    hears (``mel128``, ``mel256``, ``linear``), the AudioSet videos it was trained on
    (``music``: people playing music; ``env``: animals, machines, nature) and the width of a
    frame (512, 6144).

    Parameters
    ----------
    weights : Path, optional
        Another file than the published one, ``.h5`` or ``.h5.gz``. Without it, the cached
        file is used, or that of an installed ``openl3`` package (its code is not), or else
        the published one is fetched.

    Notes
    -----
    As published with ``center=True``: half a second of zeros precedes the recording, so the
    time of a frame is the *middle* of its window. Zeros fill the last window, so that no
    sample is left out; a recording of half a second or less gives one frame, its window
    filled with zeros. The hop is cut to whole samples, and `hop_s` and the times are those
    of the windows as they lie.

    The spectrogram is decibel relative to each window's maximum, which the loudest bin of a
    silent window is too: digital silence looks like white noise, as published.
    """

    name = "openl3"
    version = "1"
    summary = "music or environmental sound, learnt from video without labels"
    sample_rate = SAMPLE_RATE
    window_s = 1.0
    default_hop_s = 0.1
    default_layer = "mel128_music_512"
    # as fast as larger batches, 1 is slower, and little is lost on the last one of a clip
    batch_size = 2

    def __init__(
        self,
        *,
        weights: Path | None = None,
        layer: str | None = None,
        hop_s: float | None = None,
        resampler: str = "soxr",
    ) -> None:
        super().__init__(layer=layer, hop_s=hop_s, resampler=resampler)
        self.weights = weights
        self.representation, self.content, _ = self.layer.split("_")

    @classmethod
    def layers(cls) -> dict[str, Layer]:
        return {
            f"{representation}_{content}_{size}": Layer(size)
            for representation in REPRESENTATIONS
            for content in CONTENTS
            for size in POOLED
        }

    def frame(self, hop_s: float) -> Framing:
        # cut, as published; the margin is for `hop_s` itself, a quotient that may fall short
        hop = max(1, int(hop_s * SAMPLE_RATE + 1e-6))
        return Framing(window=WINDOW, hop=hop, pad_start=WINDOW // 2, tail="pad")

    @classmethod
    def weights_files(cls, layer: str | None = None) -> tuple[WeightSource, ...]:
        return tuple(WEIGHTS.values()) if layer is None else (WEIGHTS[layer.rpartition("_")[0]],)

    def weights_id(self) -> tuple[str, str]:
        return self._found.identity, self._found.label

    def use_threads(self, n_threads: int) -> None:
        limit_threads(n_threads)

    def prepare(self) -> None:
        self._network()

    def front_end(self, segment: Waveform) -> Patches:
        """Cut a segment into its windows, (n, 48000), without copying them.

        The spectrogram is part of the network's graph. There it uses all cores, and its
        rounding is the published one, which the result shows: 80 dB below the maximum of a
        magnitude is a factor of 1e-8, where float32 spectra are rounding noise.
        """
        windows: Patches = np.lib.stride_tricks.sliding_window_view(segment, WINDOW)
        return windows[:: self.framing.hop]

    def forward(self, patches: Patches) -> npt.NDArray[np.float32]:
        frames: npt.NDArray[np.float32] = self._network()(patches).numpy()
        return frames[:, None, :]

    def published_checks(self) -> list[Check]:
        """Say that there is nothing to compare with: the publisher documents no values."""
        found = "no published values to check against with these weights"
        return [Check(f"embeddings of {self.layer}", "", found, passed=None)]

    @cached_property
    def _found(self) -> FoundWeights:
        return find_weights(self.representation, self.content, self.weights)

    def _network(self) -> Any:
        found = self._found
        return _built(found.path, found.identity, self.representation, self.dim, self.batch_size)


@lru_cache(maxsize=4)
def _built(path: Path, identity: str, representation: str, size: int, batch_size: int) -> Any:
    """Return a network as a function from windows (batch_size, 48000) to embeddings.

    It is kept outside the extractors: equal ones share it, and they can be pickled.
    """
    tf = tensorflow()
    parameters = read_parameters(path)
    heard = REPRESENTATIONS[representation]

    def network(windows: Any) -> Any:
        return embedding(tf, spectrogram(tf, windows, heard), parameters, POOLED[size])

    signature = [tf.TensorSpec([batch_size, WINDOW], tf.float32)]
    return tf.function(network, input_signature=signature).get_concrete_function()


def spectrogram(tf: Any, windows: Any, representation: Representation) -> Any:
    """Return what the network hears of each window.

    Parameters
    ----------
    windows : float32 tensor (n, 48000)

    Returns
    -------
    decibel : float32 tensor (n, n_bands, n_stft_frames)
        ``10 log10`` of the magnitude, 0 at the maximum of a window, at least -80.
    """
    n_fft = representation.n_fft
    stft = tf.signal.stft(windows, n_fft, STFT_HOP, n_fft, pad_end=representation.pad_end)
    magnitude = tf.abs(stft)
    if representation.n_mels:
        filters = mel_filters(
            SAMPLE_RATE,
            n_fft,
            representation.n_mels,
            0.0,
            SAMPLE_RATE / 2,
            scale="slaney",
            area_norm=True,
        )
        magnitude = tf.tensordot(magnitude, filters, 1)
    level = 10.0 * (tf.math.log(tf.maximum(magnitude, FLOOR)) / tf.math.log(10.0))
    level -= tf.reduce_max(level, axis=(1, 2), keepdims=True)
    return tf.transpose(tf.maximum(level, -DYNAMIC_RANGE_DB), (0, 2, 1))


def embedding(tf: Any, decibel: Any, parameters: Parameters, kept: tuple[int, int]) -> Any:
    """Run the convolutions on spectrograms and pool what they find.

    Parameters
    ----------
    decibel : float32 tensor (n, n_bands, n_stft_frames)
    parameters : Parameters
    kept : tuple of int
        Bands and steps of time that pooling leaves.

    Returns
    -------
    embeddings : float32 tensor (n, bands * steps * 512)
    """
    maps = decibel[..., None] * parameters.scale + parameters.shift
    last = len(parameters.convolutions) - 1
    for number, (kernel, bias) in enumerate(parameters.convolutions):
        maps = tf.nn.bias_add(tf.nn.conv2d(maps, kernel, 1, "SAME"), bias)
        if number < last:
            maps = tf.nn.relu(maps)
        if number in POOL_AFTER:
            maps = tf.nn.max_pool2d(maps, 2, 2, "VALID")
    pool = [maps.shape[1] // kept[0], maps.shape[2] // kept[1]]
    pooled = tf.nn.max_pool2d(maps, pool, pool, "VALID")
    return tf.reshape(pooled, [pooled.shape[0], -1])
