"""VGGish: the network behind AudioSet's released embeddings.

Hershey et al., *CNN Architectures for Large-Scale Audio Classification*, ICASSP 2017
(arXiv:1609.09430): VGG's configuration A with one group of layers less, trained to tag
YouTube's sound tracks. `vggish_network` builds the graph anew from that definition.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audiotl_cli.audio.framing import Framing
from audiotl_cli.audio.types import Waveform
from audiotl_cli.errors import WeightsError
from audiotl_cli.extractors.audioset import (
    HIGH_HZ,
    LOW_HZ,
    N_MELS,
    PATCH_FRAMES,
    cut_patches,
    log_mel,
    patch_framing,
    tables,
)
from audiotl_cli.extractors.base import Layer, Patches
from audiotl_cli.extractors.checks import Check
from audiotl_cli.extractors.engines import NCNN, ONNX, TENSORFLOW, load
from audiotl_cli.extractors.engines.operations import Forward, Network
from audiotl_cli.extractors.vggish_network import DIM, build, read_weights, session
from audiotl_cli.extractors.weighted import WeightedExtractor
from audiotl_cli.extractors.weights import (
    PUBLISHED,
    UNVERIFIED,
    FoundWeights,
    PublishedFile,
    WeightSource,
    find,
    locate,
)
from audiotl_cli.files import open_regular

LOG_OFFSET = 0.01
MAX_PCA_BYTES = 1 << 20  # limit for an array of the PCA; the larger array has 64 KiB
QUANTISED_TO = 2.0  # whitened values are clipped to [-2, 2] before they become 0 ... 255

_CITATION = "Hershey et al., CNN Architectures for Large-Scale Audio Classification, ICASSP 2017"
WEIGHTS = PublishedFile(
    name="vggish",
    url="https://storage.googleapis.com/audioset/vggish_model.ckpt",
    digest="md5:d1c7011e6366aa34176bb05c705e31a8",
    size=289_000_000,
    licence="Apache-2.0",
    citation=_CITATION,
)
PCA_WEIGHTS = PublishedFile(
    name="vggish-pca",
    url="https://storage.googleapis.com/audioset/vggish_pca_params.npz",
    digest="md5:c80cae691033abe7c7ecd11ea39fc834",
    size=73_000,
    licence="Apache-2.0",
    citation=_CITATION,
)


class VggishExtractor(WeightedExtractor):
    """VGGish embeddings: one frame of 128 values every 0.96 s.

    ``embedding`` is taken after the ReLU of the last layer, ``embedding_pre_relu`` before it, as
    the publisher does since 2023. ``postprocessed`` is ``embedding_pre_relu`` after AudioSet's PCA,
    whitening and quantisation: whole numbers from 0 to 255. It needs a second, small file.

    Hops are multiples of 10 ms. The setting `weights` may be a user's own TensorFlow 1
    checkpoint (one file) with VGGish's variables.

    Notes
    -----
    An incomplete last window is left out, as published. The published front end gives no window
    for recordings shorter than 0.975 s; here they are filled up with zeros to one window, as in
    YAMNet's front end.
    """

    engines = (NCNN, ONNX, TENSORFLOW)
    name = "vggish"
    version = "1"
    summary = "general sounds (YouTube, AudioSet's forerunner); 128 dimensions, slow"
    sample_rate = 16_000
    window_s = 0.96
    default_hop_s = 0.96
    band_hz = LOW_HZ, HIGH_HZ
    default_layer = "embedding"
    batch_size = 48  # with 32, only 30 are usable on processors without AVX-512

    @classmethod
    def layers(cls) -> dict[str, Layer]:
        names = ("embedding", "embedding_pre_relu", "postprocessed")
        return {name: Layer(DIM) for name in names}

    def frame(self, hop_s: float) -> Framing:
        return patch_framing(hop_s, pad_end=False)

    @classmethod
    def weights_files(cls, layer: str | None = None) -> tuple[WeightSource, ...]:
        return (WEIGHTS, PCA_WEIGHTS) if layer in (None, "postprocessed") else (WEIGHTS,)

    def weights_id(self) -> tuple[str, str]:
        found = [self._found]
        if self.layer == "postprocessed":
            found.append(self._pca_found)
        labels = [weights.label for weights in found if weights.label != PUBLISHED]
        names = [label.removeprefix(UNVERIFIED) for label in labels]
        return self._found.identity, UNVERIFIED + "+".join(names) if names else PUBLISHED

    def details(self) -> dict[str, Any]:
        if self.layer != "postprocessed":
            return {}
        return {"pca_sha256": self._pca_found.identity, "pca": self._pca_found.label}

    def prepare(self) -> None:
        _ = self._network
        if self.layer == "postprocessed":
            _ = self._pca

    def front_end(self, segment: Waveform) -> Patches:
        frames = log_mel(segment, *tables(), LOG_OFFSET)
        return cut_patches(frames, self.framing.hop)

    def forward(self, patches: Patches) -> npt.NDArray[np.float32]:
        frames = self._network(patches)
        if self.layer == "embedding":
            frames = np.maximum(frames, np.float32(0))
        elif self.layer == "postprocessed":
            frames = postprocess(frames, *self._pca)
        return frames[:, None, :]

    def published_checks(self) -> list[Check]:
        """Run the publisher's smoke test: 3 s of a 1 kHz sine, within a tenth."""
        sine = np.sin(2 * np.pi * 1000 * np.arange(3 * self.sample_rate) / self.sample_rate)
        extractor = VggishExtractor(weights=self.config.weights, layer="embedding_pre_relu")
        extractor.batch_size = self.batch_size
        frames = extractor.embed(sine, self.sample_rate).frames
        checks = _statistics_checks("embedding_pre_relu", frames, 0.000657, 0.343)
        pca = find(PCA_WEIGHTS)
        if pca is None:
            found = f"not installed: audiotl models fetch {PCA_WEIGHTS.name}"
            subject = "1 kHz sine, mean and deviation of postprocessed"
            return [*checks, Check(subject, "126, 89.3", found, passed=None, missing=True)]
        quantised = postprocess(frames, *pca.read(read_pca))
        return checks + _statistics_checks("postprocessed", quantised, 126.0, 89.3)

    @cached_property
    def _found(self) -> FoundWeights:
        return locate(WEIGHTS, self.config.weights)

    @cached_property
    def _pca_found(self) -> FoundWeights:
        return locate(PCA_WEIGHTS)

    @property
    def network(self) -> Network:
        """The network up to the last ReLU, for engines other than TensorFlow."""
        shape, read = (PATCH_FRAMES, N_MELS), partial(self._found.read, read_weights)
        return Network(self.name, self._found.identity, shape, build, read)

    @property
    def _network(self) -> Forward:
        if self.engine == TENSORFLOW:
            return session(self._found, self.batch_size)
        return load(self.network, self.engine, self.batch_size)

    @cached_property
    def _pca(self) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        return self._pca_found.read(read_pca)


def _statistics_checks(
    layer: str, frames: npt.NDArray[np.float32], mean: float, deviation: float
) -> list[Check]:
    checks = []
    for quantity, expected, found in (
        ("mean", mean, float(frames.mean())),
        ("deviation", deviation, float(frames.std())),
    ):
        near = abs(found - expected) <= 0.1 * expected
        subject = f"1 kHz sine, {quantity} of {layer}"
        checks.append(Check(subject, f"{expected:.3g}", f"{found:.3g}", near))
    return checks


def postprocess(
    frames: npt.NDArray[np.float32], matrix: npt.NDArray[Any], means: npt.NDArray[Any]
) -> npt.NDArray[np.float32]:
    """Whiten and quantise embeddings as AudioSet's released ones were.

    Parameters
    ----------
    frames : float32 (n, 128)
        Embeddings before the last ReLU.
    matrix : (128, 128)
        Its rows are the principal directions, scaled to whiten.
    means : (128,)

    Returns
    -------
    frames : float32 (n, 128)
        Whole numbers from 0 to 255.
    """
    whitened = (matrix @ (frames.T - means[:, None])).T
    clipped = np.clip(whitened, -QUANTISED_TO, QUANTISED_TO)
    levels = (clipped + QUANTISED_TO) * (255 / (2 * QUANTISED_TO))
    quantised: npt.NDArray[np.float32] = np.floor(levels).astype(np.float32)
    return quantised


def read_pca(path: Path) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return the matrix (128, 128) and the means (128,) of `postprocess` from an npz file.

    Raises
    ------
    WeightsError
        It holds something else.
    """
    try:
        with open_regular(path) as raw, zipfile.ZipFile(raw) as file:
            matrix = _read_member(file, "pca_eigen_vectors.npy")
            means = _read_member(file, "pca_means.npy").reshape(-1)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise WeightsError(f"{path} does not hold VGGish's PCA ({error})") from error
    if matrix.shape != (DIM, DIM) or means.shape != (DIM,):
        raise WeightsError(f"{path}: a PCA of {matrix.shape}, expected ({DIM}, {DIM})")
    return matrix, means


def _read_member(file: zipfile.ZipFile, name: str) -> npt.NDArray[Any]:
    """Read an array of an npz file; no more memory is taken than the file has bytes."""
    with file.open(name) as stream:
        data = io.BytesIO(stream.read(MAX_PCA_BYTES + 1))
    if len(data.getbuffer()) > MAX_PCA_BYTES:
        raise ValueError(f"{name} is larger than {MAX_PCA_BYTES >> 20} MiB")
    np.lib.format.read_magic(data)
    shape, is_transposed, dtype = np.lib.format.read_array_header_1_0(data)
    if dtype.kind != "f":
        raise ValueError(f"{name} holds {dtype}, expected floating-point numbers")
    values = np.frombuffer(data.read(), dtype)
    return values.reshape(shape, order="F" if is_transposed else "C")
