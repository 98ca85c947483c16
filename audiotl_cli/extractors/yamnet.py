"""YAMNet: a small, fast tagger of 521 AudioSet classes.

Plakal and Ellis, *YAMNet*, 2019 (tensorflow/models, research/audioset/yamnet): MobileNet v1
(Howard et al., arXiv:1704.04861) on VGGish's kind of patches. Rebuilt here from that
definition; batch normalisation is folded into the convolutions.
"""

from __future__ import annotations

import io
import zlib
from functools import cache, cached_property, partial
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from audiotl_cli.audio.framing import Framing
from audiotl_cli.audio.spectrogram import hann
from audiotl_cli.audio.types import Waveform
from audiotl_cli.errors import WeightsError
from audiotl_cli.extractors import audioset_classes
from audiotl_cli.extractors.audioset import (
    HIGH_HZ,
    LOW_HZ,
    N_FFT,
    N_MELS,
    PATCH_FRAMES,
    STFT_WINDOW,
    cut_patches,
    log_mel,
    patch_framing,
    tables,
)
from audiotl_cli.extractors.base import Classes, Layer, Patches
from audiotl_cli.extractors.checks import Check
from audiotl_cli.extractors.engines import NCNN, ONNX, TENSORFLOW, load
from audiotl_cli.extractors.engines.operations import Array, Forward, Network, Operations
from audiotl_cli.extractors.hdf5 import member, open_hdf5, read_values
from audiotl_cli.extractors.weighted import WeightedExtractor
from audiotl_cli.extractors.weights import FoundWeights, PublishedFile, WeightSource, locate

LOG_OFFSET = 0.001
BATCH_NORM_EPSILON = 1e-4

# stride and width of each layer: the first is a full convolution, the others are separable
LAYERS = (
    *((2, 32), (1, 64), (2, 128), (1, 128), (2, 256), (1, 256), (2, 512)),
    *((1, 512), (1, 512), (1, 512), (1, 512), (1, 512), (2, 1024), (1, 1024)),
)
DIM = 1024
MAX_BYTES = 64 << 20  # four times the published file

# AudioSet's classes that the network does not have
LEFT_OUT = (
    *("Male speech, man speaking", "Female speech, woman speaking", "Battle cry"),
    *("Male singing", "Female singing", "Funny music"),
)
CLASS_NAMES = tuple(name for name in audioset_classes.CLASS_NAMES if name not in LEFT_OUT)
"""AudioSet's display names of the 521 classes, in the order of the scores."""

WEIGHTS = PublishedFile(
    name="yamnet",
    url="https://storage.googleapis.com/audioset/yamnet.h5",
    digest="",
    size=15_300_000,
    licence="Apache-2.0",
    citation="Plakal and Ellis, YAMNet, 2019",
)


class YamnetExtractor(WeightedExtractor):
    """YAMNet embeddings: one frame of 1024 values every 0.48 s.

    ``scores`` are those of the 521 classes in `CLASS_NAMES` instead, each from 0 to 1.

    Hops are multiples of 10 ms. The setting `weights` may be a user's own file in the layout
    of ``yamnet.h5``, uncompressed or compressed by gzip.

    Notes
    -----
    As published, the last window is filled up with zeros, so that every sample is in a window;
    so are recordings shorter than a window of 0.975 s.
    """

    engines = (ONNX, NCNN, TENSORFLOW)
    name = "yamnet"
    version = "1"
    summary = "general sounds (AudioSet); small, fast, also 521 class scores"
    sample_rate = 16_000
    window_s = 0.96
    default_hop_s = 0.48
    band_hz = LOW_HZ, HIGH_HZ
    default_layer = "embedding"
    batch_size = 16

    @classmethod
    def layers(cls) -> dict[str, Layer]:
        return {"embedding": Layer(DIM), "scores": Layer(len(CLASS_NAMES))}

    @classmethod
    def classes(cls) -> tuple[Classes, ...]:
        return (Classes("scores", lambda: CLASS_NAMES),)

    def frame(self, hop_s: float) -> Framing:
        return patch_framing(hop_s, pad_end=True)

    @classmethod
    def weights_files(cls, layer: str | None = None) -> tuple[WeightSource, ...]:
        return (WEIGHTS,)

    def prepare(self) -> None:
        _ = self._network

    def front_end(self, segment: Waveform) -> Patches:
        # features made in ncnn had other tables from the beginning
        window_and_bands = (
            (hann(STFT_WINDOW), tables()[1]) if self.engine == NCNN else published_tables()
        )
        frames = log_mel(segment, *window_and_bands, LOG_OFFSET)
        return cut_patches(frames, self.framing.hop)

    def forward(self, patches: Patches) -> Array:
        return self._network(patches)[:, None, :]

    def published_checks(self) -> list[Check]:
        """Run the publisher's test: the class of each of three sounds is among the 10 best."""
        n_samples = 3 * self.sample_rate
        noise = np.random.RandomState(51773)  # the published test's own noise
        sounds = {
            "Silence": np.zeros(n_samples),
            "White noise": noise.uniform(-1, 1, n_samples),
            "Sine wave": np.sin(2 * np.pi * 440 * np.arange(n_samples) / self.sample_rate),
        }
        extractor = YamnetExtractor(weights=self.config.weights, layer="scores")
        checks = []
        for expected, sound in sounds.items():
            scores = extractor.embed(sound, self.sample_rate).frames.mean(axis=0)
            best = [CLASS_NAMES[index] for index in np.argsort(scores)[::-1][:10]]
            subject = f"{expected} is among the 10 best classes of its own sound"
            checks.append(Check(subject, expected, ", ".join(best), expected in best))
        return checks

    @cached_property
    def _found(self) -> FoundWeights:
        return locate(WEIGHTS, self.config.weights)

    @property
    def network(self) -> Network:
        """The network, for any engine."""
        found = self._found
        return Network(
            name=f"yamnet-{self.layer}",
            weights=found.identity,
            shape=(PATCH_FRAMES, N_MELS),
            build=partial(_build, layer=self.layer),
            read=partial(found.read, read_weights),
        )

    @property
    def _network(self) -> Forward:
        return load(self.network, self.engine, self.batch_size)


@cache
def published_tables() -> tuple[Array, Array]:
    """Return the window (400,) and the mel bands (257, 64), rounded as in TensorFlow.

    YAMNet's front end uses single precision throughout, and rounding matters: next to a loud sound,
    an error in the last bit of the window changes quiet bands by 0.002. So the file holds what
    ``tf.signal.hann_window`` and ``tf.signal.linear_to_mel_weight_matrix`` return.
    """
    file = resources.files("audiotl_cli.extractors").joinpath("yamnet_tables.npz")
    with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as tables:
        filters = np.zeros((N_FFT // 2 + 1, N_MELS), np.float32)
        filters[tables["bins"], tables["bands"]] = tables["weights"]
        return tables["window"], filters


def read_weights(path: Path) -> dict[str, Array]:
    """Return kernels and biases from a file in the layout of ``yamnet.h5``.

    Parameters
    ----------
    path : Path
        HDF5, uncompressed or compressed by gzip.

    Returns
    -------
    variables : dict
        ``LAYER/kernel`` and ``LAYER/bias`` of each convolution and of ``dense``.

    Raises
    ------
    WeightsError
        The file is not HDF5, or lacks one of YAMNet's variables.
    """
    try:
        with open_hdf5(path, MAX_BYTES) as file:
            return _fold(file)
    except (OSError, EOFError, KeyError, ValueError, zlib.error) as error:
        raise WeightsError(f"{path} does not hold YAMNet's weights ({error})") from error


def _fold(file: Any) -> dict[str, Array]:
    """Read all layers, and fold batch normalisation into kernels and biases."""

    def read(layer: str, variable: str, *shape: int) -> Array:
        name = f"{layer}/{layer}/{variable}:0"  # Keras repeats the layer inside its group
        value: Array = read_values(member(file, name), shape).astype(np.float32, copy=False)
        return value

    def fold(layer: str, variable: str, *shape: int) -> None:
        width = shape[-2] if variable == "depthwise_kernel" else shape[-1]
        norm = f"{layer}/bn"
        variance = read(norm, "moving_variance", width)
        scale = 1 / np.sqrt(variance + np.float32(BATCH_NORM_EPSILON))
        shift = read(norm, "beta", width) - read(norm, "moving_mean", width) * scale
        scale = scale.reshape(shape[-2:]) if variable == "depthwise_kernel" else scale
        variables[f"{layer}/kernel"] = read(layer, variable, *shape) * scale
        variables[f"{layer}/bias"] = shift

    n_classes = len(CLASS_NAMES)
    variables = {
        "dense/kernel": read("dense", "kernel", DIM, n_classes),
        "dense/bias": read("dense", "bias", n_classes),
    }
    channels = LAYERS[0][1]
    fold("layer1/conv", "kernel", 3, 3, 1, channels)
    for number, (_, width) in enumerate(LAYERS[1:], 2):
        fold(f"layer{number}/depthwise_conv", "depthwise_kernel", 3, 3, channels, 1)
        fold(f"layer{number}/pointwise_conv", "kernel", 1, 1, channels, width)
        channels = width
    return variables


def _build(ops: Operations, patches: Any, *, layer: str) -> Any:
    """Build the network from a patch (96, 64, 1) to a layer."""
    x = ops.convolve(patches, "layer1/conv", stride=LAYERS[0][0])
    for number, (stride, _) in enumerate(LAYERS[1:], 2):
        x = ops.depthwise(x, f"layer{number}/depthwise_conv", stride=stride)
        x = ops.convolve(x, f"layer{number}/pointwise_conv")
    embedding = ops.mean(x)
    return (
        embedding if layer == "embedding" else ops.dense(embedding, "dense", activation="sigmoid")
    )
