"""OpenL3: embeddings learnt from which sounds and pictures of videos belong together.

The networks are those of the package ``openl3`` 0.4.2 (Cramer, Wu, Salamon and Bello, *Look,
Listen, and Learn More: Design Choices for Deep Audio Embeddings*, ICASSP 2019) with its
default front end, built here anew from their published definition and run with their
published weights. `openl3_weights` reads those.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from audiotl_cli.audio.framing import Framing
from audiotl_cli.audio.spectrogram import hann, mel_filters, transform
from audiotl_cli.extractor_config import ExtractorConfig
from audiotl_cli.extractors.base import Layer, Patches
from audiotl_cli.extractors.checks import Check
from audiotl_cli.extractors.engines import NCNN, TENSORFLOW, load
from audiotl_cli.extractors.engines.operations import Array, Forward, Network, Operations
from audiotl_cli.extractors.engines.tensorflow import TensorflowOperations
from audiotl_cli.extractors.openl3_weights import (
    CHANNELS,
    WEIGHTS,
    find_weights,
    read_parameters,
)
from audiotl_cli.extractors.runtime import tensorflow
from audiotl_cli.extractors.weighted import WeightedExtractor

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

    @property
    def n_stft_frames(self) -> int:
        if self.pad_end:
            return -(-WINDOW // STFT_HOP)
        return (WINDOW - self.n_fft) // STFT_HOP + 1


REPRESENTATIONS = {
    "mel128": Representation(n_fft=2048, n_mels=128, pad_end=True),  # 128 bands, 199 frames
    "mel256": Representation(n_fft=2048, n_mels=256, pad_end=True),  # 256 bands, 199 frames
    "linear": Representation(n_fft=512, n_mels=0, pad_end=False),  # 257 bands, 197 frames
}


class OpenL3Extractor(WeightedExtractor):
    """OpenL3 embeddings: one frame a window of 1 s, every 0.1 s.

    Layers are named ``{representation}_{content}_{size}``: the spectrogram the network
    hears (``mel128``, ``mel256``, ``linear``), the AudioSet videos it was trained on
    (``music``: people playing music; ``env``: animals, machines, nature) and the width of a
    frame (512, 6144).

    The setting `weights` may be another file than the published one, ``.h5`` or ``.h5.gz``.
    Without it, the cached file is used, or that of an installed ``openl3`` package (its code is
    not), or else the published one is fetched.

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

    engines = (TENSORFLOW, NCNN)

    name = "openl3"
    version = "1"
    summary = "music or environmental sound, learnt from video without labels"
    sample_rate = SAMPLE_RATE
    window_s = 1.0
    default_hop_s = 0.1
    default_layer = "mel128_music_512"
    # of two, some processors give the second other last bits, so that its place stays empty
    batch_size = 1

    def __init__(self, config: ExtractorConfig | None = None, **settings: Any) -> None:
        super().__init__(config, **settings)
        self.representation, self.content, _ = self.layer.split("_")
        if self.engine == NCNN:
            self.batch_size = 16  # shared out among threads; a small one keeps some waiting

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

    def prepare(self) -> None:
        self._network()

    def front_end(self, segment: Waveform) -> Patches:
        """Cut a segment into its windows, (n, 48000), without copying them.

        In TensorFlow the spectrogram is part of the network's graph. There it uses all
        cores, and its rounding is the published one, which the result shows: 80 dB below the
        maximum of a magnitude is a factor of 1e-8, where float32 spectra are rounding noise.
        For ncnn it is computed here, (n, n_bands, n_stft_frames).
        """
        windows: Patches = np.lib.stride_tricks.sliding_window_view(segment, WINDOW)
        windows = windows[:: self.framing.hop]
        if self.engine == TENSORFLOW:
            return windows
        return np.stack(
            [decibel(window, REPRESENTATIONS[self.representation]) for window in windows]
        )

    def forward(self, patches: Patches) -> Array:
        return self._network()(patches)[:, None, :]

    def published_checks(self) -> list[Check]:
        """Say that there is nothing to compare with: the publisher documents no values."""
        found = "no published values to check against with these weights"
        return [Check(f"embeddings of {self.layer}", "", found, passed=None)]

    @cached_property
    def _found(self) -> FoundWeights:
        return find_weights(self.representation, self.content, self.config.weights)

    def _network(self) -> Forward:
        found = self._found
        heard = REPRESENTATIONS[self.representation]
        network = Network(
            name=f"openl3-{self.layer}",
            weights=found.identity,
            shape=(heard.n_bands, heard.n_stft_frames),
            build=partial(_build, heard=heard, kept=POOLED[self.dim]),
            read=partial(found.read, _read),
        )
        if self.engine == TENSORFLOW:
            return _from_waveforms(network, self.representation, self.batch_size)
        return load(network, self.engine, self.batch_size)


@lru_cache(maxsize=4)
def _from_waveforms(network: Network, representation: str, batch_size: int) -> Forward:
    """Return a network as a function from windows (batch_size, 48000) to embeddings."""
    tf = tensorflow()
    operations = TensorflowOperations(network.read())

    def build(windows: Any) -> Any:
        decibel = spectrogram(tf, windows, REPRESENTATIONS[representation])
        return network.build(operations, decibel[..., None])

    signature = [tf.TensorSpec([batch_size, WINDOW], tf.float32)]
    run = tf.function(build, input_signature=signature).get_concrete_function()

    def forward(windows: Array) -> Array:
        frames: Array = run(windows).numpy()
        return frames

    return forward


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
        magnitude = tf.tensordot(magnitude, _mel_bands(representation), 1)
    level = 10.0 * (tf.math.log(tf.maximum(magnitude, FLOOR)) / tf.math.log(10.0))
    level -= tf.reduce_max(level, axis=(1, 2), keepdims=True)
    return tf.transpose(tf.maximum(level, -DYNAMIC_RANGE_DB), (0, 2, 1))


def decibel(window: Waveform, representation: Representation) -> Array:
    """Return what `spectrogram` does, of one window (48000,), without TensorFlow."""
    n_fft, n_frames = representation.n_fft, representation.n_stft_frames
    n_missing = (n_frames - 1) * STFT_HOP + n_fft - WINDOW
    samples = np.pad(window, (0, max(0, n_missing)))
    frames = np.lib.stride_tricks.sliding_window_view(samples, n_fft)[::STFT_HOP][:n_frames]
    magnitude = np.abs(transform(frames, hann(n_fft), n_fft)).T
    if representation.n_mels:
        magnitude = _sparse_mel_bands(representation) @ magnitude
    level = np.float32(10) * np.log10(np.maximum(magnitude, np.float32(FLOOR)))
    level -= level.max()
    return np.ascontiguousarray(np.maximum(level, np.float32(-DYNAMIC_RANGE_DB)))


@cache
def _sparse_mel_bands(representation: Representation) -> Any:
    """Return `_mel_bands` turned, without its zeros: of 1025 bins a band has about 16."""
    import scipy.sparse

    return scipy.sparse.csr_array(_mel_bands(representation).T)


def _mel_bands(representation: Representation) -> Array:
    n_fft, n_mels, top_hz = representation.n_fft, representation.n_mels, SAMPLE_RATE / 2
    return mel_filters(SAMPLE_RATE, n_fft, n_mels, 0.0, top_hz, scale="slaney", area_norm=True)


def _read(path: Path) -> dict[str, Array]:
    """Return the variables that `_build` names."""
    parameters = read_parameters(path)
    variables = {
        "input/kernel": np.array([parameters.scale], np.float32),
        "input/bias": np.array([parameters.shift], np.float32),
    }
    for number, (kernel, bias) in enumerate(parameters.convolutions):
        variables |= {f"conv{number}/kernel": kernel, f"conv{number}/bias": bias}
    return variables


def _build(ops: Operations, decibel: Any, *, heard: Representation, kept: tuple[int, int]) -> Any:
    """Describe the network; (n_bands, n_stft_frames, 1) in, an embedding out.

    Parameters
    ----------
    kept : tuple of int
        Bands and steps of time that the last pooling leaves.
    """
    height, width = heard.n_bands, heard.n_stft_frames
    maps = ops.affine(decibel, "input")
    n_convolutions = len(CHANNELS) - 1
    for number in range(n_convolutions):
        maps = ops.convolve(maps, f"conv{number}", relu=number < n_convolutions - 1)
        if number in POOL_AFTER:
            maps = ops.max_pool(maps, (2, 2))
            height, width = height // 2, width // 2
    return ops.flatten(ops.max_pool(maps, (height // kept[0], width // kept[1])))
