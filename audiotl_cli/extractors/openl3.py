"""OpenL3: embeddings learnt by matching the sound and the pictures of videos.

The networks are those of the package ``openl3`` 0.4.2 (Cramer, Wu, Salamon and Bello, *Look,
Listen, and Learn More: Design Choices for Deep Audio Embeddings*, ICASSP 2019) with its
default front end, rebuilt here from their published definition and run with their
published weights, which `openl3_weights` reads.
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
from audiotl_cli.extractors.engines import NCNN, ONNX, TENSORFLOW, load
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
    """A kind of spectrogram; there are networks for each.

    Parameters
    ----------
    n_fft : int
        Samples; also the length of the periodic Hann window.
    n_mels : int
        Mel bands (Slaney's, equal area, 0-24 kHz), or 0 for the spectrum itself.
    pad_end : bool
        Whether the window is filled up with zeros, so that an STFT frame begins at every hop;
        otherwise incomplete frames are left out.
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
    """OpenL3 embeddings: one frame per window of 1 s, a window every 0.1 s.

    Layers are named ``{representation}_{content}_{size}``: the spectrogram that the network is
    given (``mel128``, ``mel256``, ``linear``), the AudioSet videos it was trained on
    (``music``: people playing music; ``env``: animals, machines, nature) and the width of a
    frame (512, 6144).

    The setting `weights` may be another file than the published one, ``.h5`` or ``.h5.gz``.
    Without it, the cached file is used, or that of an installed ``openl3`` package (its code is
    not), or else the published one is fetched.

    Notes
    -----
    As published with ``center=True``, half a second of zeros precedes the recording, so the time
    of a frame is the *middle* of its window. The last window is filled up with zeros, so that no
    sample is left out; a recording of half a second or less gives one frame. The hop is rounded
    down to whole samples, and `hop_s` and the times are those of the actual windows.

    As published, the spectrogram is in decibels relative to the maximum of each window, so that
    digital silence looks like white noise.
    """

    engines = (NCNN, ONNX, TENSORFLOW)

    name = "openl3"
    version = "1"
    summary = "music or environmental sound, learned from video without labels"
    sample_rate = SAMPLE_RATE
    window_s = 1.0
    default_hop_s = 0.1
    default_layer = "mel128_music_512"
    # with two, the second window has other last bits on some processors
    batch_size = 1

    def __init__(self, config: ExtractorConfig | None = None, **settings: Any) -> None:
        super().__init__(config, **settings)
        self.representation, self.content, _ = self.layer.split("_")
        if self.engine == NCNN:
            self.batch_size = 16  # divided among threads; smaller batches keep some of them waiting

    @classmethod
    def layers(cls) -> dict[str, Layer]:
        return {
            f"{representation}_{content}_{size}": Layer(size)
            for representation in REPRESENTATIONS
            for content in CONTENTS
            for size in POOLED
        }

    def frame(self, hop_s: float) -> Framing:
        # rounded down, as published; the margin allows for the rounding of `hop_s` itself
        hop = max(1, int(hop_s * SAMPLE_RATE + 1e-6))
        return Framing(window=WINDOW, hop=hop, pad_start=WINDOW // 2, tail="pad")

    @classmethod
    def weights_files(cls, layer: str | None = None) -> tuple[WeightSource, ...]:
        return tuple(WEIGHTS.values()) if layer is None else (WEIGHTS[layer.rpartition("_")[0]],)

    def prepare(self) -> None:
        self.built_network()

    def front_end(self, segment: Waveform) -> Patches:
        """Cut a segment into windows, or compute their spectrograms.

        For TensorFlow, return the windows, (n, 48000), without copying them: the spectrogram is a
        part of the graph, so that it uses all cores and rounds as the published code does. Rounding
        matters, because 80 dB below the maximum float32 spectra are mostly rounding noise. For
        the others, return the spectrograms, (n, n_bands, n_stft_frames).
        """
        windows: Patches = np.lib.stride_tricks.sliding_window_view(segment, WINDOW)
        windows = windows[:: self.framing.hop]
        if self.engine == TENSORFLOW:
            return windows
        return np.stack(
            [decibel(window, REPRESENTATIONS[self.representation]) for window in windows]
        )

    def forward(self, patches: Patches) -> Array:
        return self.built_network()(patches)[:, None, :]

    def published_checks(self) -> list[Check]:
        """Report that the publisher documents no values to compare with."""
        found = "no published values to check against with these weights"
        return [Check(f"embeddings of {self.layer}", "", found, passed=None)]

    @cached_property
    def _found(self) -> FoundWeights:
        return find_weights(self.representation, self.content, self.config.weights)

    @property
    def network(self) -> Network:
        """The network from spectrograms on, for any engine."""
        found = self._found
        kind = REPRESENTATIONS[self.representation]
        return Network(
            name=f"openl3-{self.layer}",
            weights=found.identity,
            shape=(kind.n_bands, kind.n_stft_frames),
            build=partial(_build, kind=kind, kept=POOLED[self.dim]),
            read=partial(found.read, _read),
        )

    def built_network(self) -> Forward:
        if self.engine == TENSORFLOW:
            return _from_waveforms(self.network, self.representation, self.batch_size)
        return load(self.network, self.engine, self.batch_size)


@lru_cache(maxsize=4)
def _from_waveforms(network: Network, representation: str, batch_size: int) -> Forward:
    """Return a network that takes windows (batch_size, 48000), in TensorFlow."""
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
    """Return the input of the network for each window.

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
        magnitude = tf.tensordot(magnitude, mel_bands(representation), 1)
    level = 10.0 * (tf.math.log(tf.maximum(magnitude, FLOOR)) / tf.math.log(10.0))
    level -= tf.reduce_max(level, axis=(1, 2), keepdims=True)
    return tf.transpose(tf.maximum(level, -DYNAMIC_RANGE_DB), (0, 2, 1))


def decibel(window: Waveform, representation: Representation) -> Array:
    """Compute the `spectrogram` of a window (48000,) without TensorFlow."""
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
    """Return the transpose of `mel_bands` as a sparse matrix: a band has about 16 of 1025 bins."""
    import scipy.sparse

    return scipy.sparse.csr_array(mel_bands(representation).T)


def mel_bands(representation: Representation) -> Array:
    """Return the mel bands of a representation that has some, float32 (n_bins, n_mels)."""
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


def _build(ops: Operations, decibel: Any, *, kind: Representation, kept: tuple[int, int]) -> Any:
    """Build the network from a spectrogram (n_bands, n_stft_frames, 1) to an embedding.

    Parameters
    ----------
    kept : tuple of int
        Numbers of bands and time steps that the last pooling keeps.
    """
    height, width = kind.n_bands, kind.n_stft_frames
    maps = ops.affine(decibel, "input")
    n_convolutions = len(CHANNELS) - 1
    for number in range(n_convolutions):
        maps = ops.convolve(maps, f"conv{number}", relu=number < n_convolutions - 1)
        if number in POOL_AFTER:
            maps = ops.max_pool(maps, (2, 2))
            height, width = height // 2, width // 2
    return ops.flatten(ops.max_pool(maps, (height // kept[0], width // kept[1])))
