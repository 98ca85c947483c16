"""MusiCNN and its VGG companions: music taggers trained on MSD and MagnaTagATune.

The networks are those of the package ``musicnn`` 0.1.0 (Pons and Serra, *musicnn:
Pre-trained convolutional neural networks for music audio tagging*, 2019), rebuilt here
from the published definition and run with the published weights.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, lru_cache, partial
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt

from audiotl_cli.audio.framing import Framing
from audiotl_cli.audio.spectrogram import mel_filters, spectra
from audiotl_cli.audio.types import Waveform
from audiotl_cli.extractors.base import Classes, Extractor, Layer, Patches
from audiotl_cli.extractors.checks import Check, compare, rising_tones
from audiotl_cli.extractors.engines import ONNX, TENSORFLOW
from audiotl_cli.extractors.engines.onnx import load_graph
from audiotl_cli.extractors.engines.operations import Forward
from audiotl_cli.extractors.musicnn_network import MapOperations, Variables, build
from audiotl_cli.extractors.musicnn_onnx import OnnxMapOperations
from audiotl_cli.extractors.musicnn_tensorflow import TensorflowMapOperations
from audiotl_cli.extractors.packages import opened
from audiotl_cli.extractors.runtime import limit_threads, tensorflow
from audiotl_cli.extractors.weights import (
    PUBLISHED,
    WeightFile,
    WeightPackage,
    WeightSource,
)
from audiotl_cli.graph import Graph

N_FFT, STFT_HOP, N_MELS = 512, 256, 96  # samples at 16 kHz, and bands
WINDOW_FRAMES = 187  # 3 s of STFT frames
LOUDEST = float(np.log10(10_000 * np.float64(np.finfo(np.float16).max) + 1))  # of log_mel

_DATA = ".data-00000-of-00001"
_CHECKPOINTS = {
    # model: (SHA-256 of the values, SHA-256 of the index)
    "MSD_musicnn": (
        "8579734ee6388f799ed0def4bbd0d1fdcbeaf213ef2a9dc860917bd76a303de6",
        "87f3e0f3550c8d3bafc840374003e5c8af5eeb5ecf6add61af09a7822d3282c8",
    ),
    "MTT_musicnn": (
        "041f3935e981a65cea739842d30c188d3a7d2adf4410955c8668eb3de4a5acab",
        "da2d7bb670b2b31e9bc441bb1bd75eca31b5b061f963cc1f9630c1aff3238f57",
    ),
    "MSD_vgg": (
        "9683d756b8311146534f333502ebf4a2a78a3e320c54ab0411dff6186d8375fc",
        "50e499238457558bba9f34f8b84d4afb8279afd43520cdf0a4fdf805a49c9ca3",
    ),
    "MTT_vgg": (
        "458f5c8bcecc086a3bba3dce83809df6da6e0a3560a59ddd84711bf3d5fd8303",
        "4b0d3d2d02bbe0919c063c1fb74bfa9018ac3517e362d681b07444d4207a5f5f",
    ),
}
DEFAULT_MODEL = "MSD_musicnn"

WEIGHTS = WeightPackage(
    package="musicnn",
    version="0.1.0",
    sha256="f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa",
    size=29_292_476,
    licence="ISC",
    citation="Pons and Serra, musicnn, ISMIR late-breaking demo 2019",
    files=tuple(
        # the prefix of a checkpoint in the package is its folder with an empty base name
        WeightFile(f"{model}{suffix}", f"musicnn/{model}/{suffix}", sha256)
        for model, hashes in _CHECKPOINTS.items()
        for suffix, sha256 in zip((_DATA, ".index"), hashes, strict=True)
    ),
)

_MUSICNN_LAYERS = {
    "max_pool": Layer(753),
    "mean_pool": Layer(753),
    "penultimate": Layer(200),
    "taggram": Layer(50),
    "timbral": Layer(408, rows=WINDOW_FRAMES),
    "temporal": Layer(153, rows=WINDOW_FRAMES),
    "cnn1": Layer(64, rows=WINDOW_FRAMES),
    "cnn2": Layer(64, rows=WINDOW_FRAMES),
    "cnn3": Layer(64, rows=WINDOW_FRAMES),
}
_VGG_LAYERS = {
    "pool1": Layer(48 * 128, rows=92),
    "pool2": Layer(24 * 128, rows=46),
    "pool3": Layer(12 * 128, rows=23),
    "pool4": Layer(6 * 128, rows=11),
    "pool5": Layer(128, rows=2),
    "taggram": Layer(50),
}


class MusicnnExtractor(Extractor):
    """MusiCNN embeddings: one frame per window of 3 s, a window every second.

    Layers of the default model, ``MSD_musicnn``, have plain names (``max_pool``, ``taggram``,
    ...); those of the other models are called ``MODEL/LAYER`` (``MTT_musicnn/max_pool``,
    ``MSD_vgg/pool5``). Feature maps that keep the time axis (``timbral``, ``cnn1``, ``pool1``,
    ...) give several frames per window.

    Notes
    -----
    The published package fails on recordings shorter than a window. Here they are repeated
    until they fill one, as the networks' own training did (``"pad_short": "repeat-pad"`` in
    the models' ``config.json``). An incomplete last window is left out, as published.

    The published package returns the first window's ``penultimate`` and ``cnn*`` for every
    window of a recording; here every window has its own.
    """

    engines = (ONNX, TENSORFLOW)
    name = "musicnn"
    version = "1"
    summary = "music tagger (MSD, MagnaTagATune); timbre and rhythm, general sounds too"
    sample_rate = 16_000
    window_s = 3.0
    default_hop_s = 1.0
    default_layer = "max_pool"
    batch_size = 8  # larger ones are no faster
    parallel = True

    @classmethod
    def layers(cls) -> dict[str, Layer]:
        named: dict[str, Layer] = {}
        for model in _CHECKPOINTS:
            prefix = "" if model == DEFAULT_MODEL else f"{model}/"
            family = _VGG_LAYERS if model.endswith("vgg") else _MUSICNN_LAYERS
            named |= {prefix + layer: shape for layer, shape in family.items()}
        return named

    @classmethod
    def classes(cls) -> tuple[Classes, ...]:
        layers = ("taggram", "MTT_musicnn/taggram", "MSD_vgg/taggram", "MTT_vgg/taggram")
        return tuple(
            Classes(layer, partial(tag_names, "mtt" if layer.startswith("MTT") else "msd"))
            for layer in layers
        )

    @property
    def model(self) -> str:
        """The network of the layer, by its name in the package."""
        return self.layer.split("/")[0] if "/" in self.layer else DEFAULT_MODEL

    def frame(self, hop_s: float) -> Framing:
        hop_frames = hop_s * self.sample_rate / STFT_HOP
        if abs(hop_frames - round(hop_frames)) > 1e-6:
            # the published package subtracts half an FFT and rounds down: 1 s is 61 frames
            hop_frames -= N_FFT / 2 / STFT_HOP
        hop_frames = max(1, math.floor(hop_frames + 1e-6))
        return Framing(
            window=(WINDOW_FRAMES - 1) * STFT_HOP + N_FFT,
            hop=hop_frames * STFT_HOP,
            pad_start=N_FFT // 2,
            pad_end=N_FFT // 2,
            short="repeat",
        )

    @classmethod
    def weights_files(cls, layer: str | None = None) -> tuple[WeightSource, ...]:
        return (WEIGHTS,)

    def weights_id(self) -> tuple[str, str]:
        return f"sha256:{_CHECKPOINTS[self.model][0]}", PUBLISHED

    def use_threads(self, n_threads: int) -> None:
        limit_threads(n_threads)

    def prepare(self) -> None:
        _ = self._network

    def front_end(self, segment: Waveform) -> Patches:
        frames = log_mel(segment)
        windows = np.lib.stride_tricks.sliding_window_view(frames, WINDOW_FRAMES, axis=0)
        hop_frames = self.framing.hop // STFT_HOP
        return np.ascontiguousarray(windows[::hop_frames].transpose(0, 2, 1))

    def forward(self, patches: Patches) -> npt.NDArray[np.float32]:
        return self._network(patches).reshape(len(patches), self.rows, self.dim)

    def published_checks(self) -> list[Check]:
        """Compare with values of a run that was tested to agree with the published package."""
        text = resources.files("audiotl_cli.extractors").joinpath("musicnn_values.json")
        sound = rising_tones(self.sample_rate)
        checks = []
        for layer, values in json.loads(text.read_text(encoding="utf-8")).items():
            frame = MusicnnExtractor(layer=layer).embed(sound, self.sample_rate).frames[0]
            columns, expected = zip(*values, strict=True)
            subject = f"two rising tones, largest of {layer}"
            checks.append(compare(subject, np.array(expected), frame[list(columns)], 1e-3))
        return checks

    @contextmanager
    def variables(self) -> Iterator[Variables]:
        """Give access to the published variables, whose files are checked before and after."""
        with opened(WEIGHTS, [f"{self.model}.index", f"{self.model}{_DATA}"]) as paths:
            values = str(paths[-1]).removesuffix(_DATA)
            yield Variables(tensorflow().compat.v1.train.NewCheckpointReader(values))

    def add_network(self, graph: Graph, patches: str) -> str:
        """Write the network up to the layer into a graph, from patches (n, 187, 96).

        Raises
        ------
        WeightsError
            The weights cannot be read.
        """
        ops = OnnxMapOperations(graph, WINDOW_FRAMES, N_MELS)
        return ops.result(self._build(ops, ops.spectrogram(patches)))

    @property
    def _network(self) -> Forward:
        """The network, as a function from a batch of patches to the output of the layer."""
        if self.engine == TENSORFLOW:
            return _in_tensorflow(self.layer, self.batch_size)
        return _in_onnx(self.layer)

    def _build(self, ops: MapOperations, spectrogram: Any) -> Any:
        with self.variables() as variables:
            layers = build(ops, variables, spectrogram, LOUDEST, model=self.model)
            return layers[self.layer.split("/")[-1]]()


@lru_cache(maxsize=4)  # not in extractors, so that equal extractors share it and can be pickled
def _in_tensorflow(layer: str, batch_size: int) -> Forward:
    """Return a network for batches of one size, (batch_size, 187, 96)."""
    tf = tensorflow()
    extractor, ops = MusicnnExtractor(layer=layer), TensorflowMapOperations(tf)
    run = tf.function(lambda patches: extractor._build(ops, patches[..., None]))
    shape = tf.TensorSpec([batch_size, WINDOW_FRAMES, N_MELS], tf.float32)
    run = run.get_concrete_function(shape)

    def forward(patches: Patches) -> npt.NDArray[np.float32]:
        frames: npt.NDArray[np.float32] = run(patches).numpy()
        return frames

    return forward


@lru_cache(maxsize=4)
def _in_onnx(layer: str) -> Forward:
    """Return a network for any number of patches (n, 187, 96)."""
    extractor = MusicnnExtractor(layer=layer)
    name = f"musicnn-{layer.replace('/', '-')}"
    shape = (WINDOW_FRAMES, N_MELS)
    return load_graph(name, extractor.weights_id()[0], shape, extractor.add_network)


@cache
def tag_names(collection: str) -> tuple[str, ...]:
    """Return the tags of a collection, in the order of the scores.

    As the configuration of the package lists them: the 50 most common tags.

    Parameters
    ----------
    collection : {"msd", "mtt"}
        The Million Song Dataset, with tags of Last.fm, or MagnaTagATune.
    """
    file = resources.files("audiotl_cli.extractors").joinpath(f"musicnn_{collection}_tags.txt")
    return tuple(file.read_text(encoding="utf-8").splitlines())


def log_mel(waveform: Waveform) -> Patches:
    """Return the log-mel spectrogram of MusiCNN.

    Parameters
    ----------
    waveform : float32 (n_samples,)
        At 16 kHz, with half an FFT of zeros at either end of the recording.

    Returns
    -------
    frames : float32 (n_frames, 96)
        ``log10(10000 x + 1)`` of the mel power ``x``, which is rounded to half precision
        first, as published. Powers beyond half precision are kept as they are.
    """
    power = spectra(waveform, window=N_FFT, hop=STFT_HOP, n_fft=N_FFT) ** 2
    filters = mel_filters(16_000, N_FFT, N_MELS, 0.0, 8000.0, scale="slaney", area_norm=True)
    mel = np.minimum(power @ filters, np.float32(np.finfo(np.float16).max))
    halved = mel.astype(np.float16).astype(np.float32)
    frames: Patches = np.log10(np.float32(10_000) * halved + np.float32(1))
    return frames
