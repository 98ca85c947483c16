"""VGGish: the network behind AudioSet's released embeddings.

Hershey et al., *CNN Architectures for Large-Scale Audio Classification*, ICASSP 2017
(arXiv:1609.09430): VGG's configuration A with one group of layers less, trained to tag
YouTube's sound tracks. The graph is built anew from that definition with tf-slim, under
the variable names of the published TensorFlow 1 checkpoint.
"""

from __future__ import annotations

import warnings
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audiotl_cli.audio.framing import Framing
from audiotl_cli.audio.types import Waveform
from audiotl_cli.errors import WeightsError
from audiotl_cli.extractors.audioset import (
    N_MELS,
    PATCH_FRAMES,
    cut_patches,
    log_mel,
    patch_framing,
    tables,
)
from audiotl_cli.extractors.base import Extractor, Layer, Patches
from audiotl_cli.extractors.checks import Check
from audiotl_cli.extractors.engines import NCNN, TENSORFLOW, load
from audiotl_cli.extractors.engines.operations import (
    Activation,
    Array,
    Forward,
    Network,
    Operations,
)
from audiotl_cli.extractors.engines.tensorflow import TensorflowOperations
from audiotl_cli.extractors.runtime import limit_threads, session_config, tensorflow
from audiotl_cli.extractors.weights import (
    PUBLISHED,
    UNVERIFIED,
    FoundWeights,
    PublishedFile,
    WeightSource,
    find,
    locate,
)

DIM = 128
LOG_OFFSET = 0.01
# of each layer's kernel, in order, under the published checkpoint's names
SHAPES = {
    "conv1": (3, 3, 1, 64),
    "conv2": (3, 3, 64, 128),
    "conv3/conv3_1": (3, 3, 128, 256),
    "conv3/conv3_2": (3, 3, 256, 256),
    "conv4/conv4_1": (3, 3, 256, 512),
    "conv4/conv4_2": (3, 3, 512, 512),
    "fc1/fc1_1": (6 * 4 * 512, 4096),
    "fc1/fc1_2": (4096, 4096),
    "fc2": (4096, DIM),
}
POOL_AFTER = ("conv1", "conv2", "conv3/conv3_2", "conv4/conv4_2")
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


class VggishExtractor(Extractor):
    """VGGish embeddings: one frame of 128 values every 0.96 s.

    ``embedding`` is taken after the last layer's ReLU, ``embedding_pre_relu`` before it, as
    the publisher does since 2023. ``postprocessed`` is the latter after AudioSet's PCA,
    whitening and quantisation: whole numbers 0 to 255, which need a second, small file.

    Parameters
    ----------
    weights : Path or None
        A user's own TensorFlow 1 checkpoint (one file) with VGGish's variables; None is the
        published one.
    layer, hop_s, resampler, engine
        See `Extractor`; hops are multiples of 10 ms.

    Notes
    -----
    An incomplete last window is left out, as published. The published front end gives
    nothing at all for recordings under 0.975 s; here they are filled up with zeros to one
    window, as YAMNet's front end does.
    """

    engines = (TENSORFLOW, NCNN)
    name = "vggish"
    version = "1"
    summary = "general sounds (YouTube, AudioSet's forerunner); 128 values, slow"
    sample_rate = 16_000
    window_s = 0.96
    default_hop_s = 0.96
    default_layer = "embedding"
    batch_size = 32

    def __init__(
        self,
        *,
        weights: Path | None = None,
        layer: str | None = None,
        hop_s: float | None = None,
        resampler: str = "soxr",
        engine: str | None = None,
    ) -> None:
        super().__init__(layer=layer, hop_s=hop_s, resampler=resampler, engine=engine)
        self.weights = weights

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
        names = [one.label.removeprefix(UNVERIFIED) for one in found if one.label != PUBLISHED]
        return self._found.identity, UNVERIFIED + "+".join(names) if names else PUBLISHED

    def details(self) -> dict[str, Any]:
        if self.layer != "postprocessed":
            return {}
        return {"pca_sha256": self._pca_found.identity, "pca": self._pca_found.label}

    def use_threads(self, n_threads: int) -> None:
        limit_threads(n_threads)

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
        extractor = VggishExtractor(weights=self.weights, layer="embedding_pre_relu")
        extractor.batch_size = self.batch_size
        frames = extractor.embed(sine, self.sample_rate).frames
        checks = _statistics_checks("embedding_pre_relu", frames, 0.000657, 0.343)
        pca = find(PCA_WEIGHTS)
        if pca is None:
            found = f"not installed: audiotl models fetch {PCA_WEIGHTS.name}"
            what = "1 kHz sine, mean and deviation of postprocessed"
            return [*checks, Check(what, "126, 89.3", found, passed=None, missing=True)]
        quantised = postprocess(frames, *read_pca(pca.path))
        return checks + _statistics_checks("postprocessed", quantised, 126.0, 89.3)

    @cached_property
    def _found(self) -> FoundWeights:
        return locate(WEIGHTS, self.weights)

    @cached_property
    def _pca_found(self) -> FoundWeights:
        return locate(PCA_WEIGHTS)

    @property
    def _network(self) -> Forward:
        checkpoint, identity = self._found.path, self._found.identity
        if self.engine == TENSORFLOW:
            return _session(checkpoint, identity, self.batch_size)
        shape, read = (PATCH_FRAMES, N_MELS), partial(read_weights, checkpoint)
        return load(Network(self.name, identity, shape, _build, read), self.engine, self.batch_size)

    @cached_property
    def _pca(self) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        return read_pca(self._pca_found.path)


def _statistics_checks(
    layer: str, frames: npt.NDArray[np.float32], mean: float, deviation: float
) -> list[Check]:
    checks = []
    for quantity, expected, found in (
        ("mean", mean, float(frames.mean())),
        ("deviation", deviation, float(frames.std())),
    ):
        near = abs(found - expected) <= 0.1 * expected
        what = f"1 kHz sine, {quantity} of {layer}"
        checks.append(Check(what, f"{expected:.3g}", f"{found:.3g}", near))
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
        with np.load(path, allow_pickle=False) as file:
            matrix, means = file["pca_eigen_vectors"], file["pca_means"].reshape(-1)
    except (OSError, ValueError, KeyError) as error:
        raise WeightsError(f"{path} does not hold VGGish's PCA ({error})") from error
    if matrix.shape != (DIM, DIM) or means.shape != (DIM,):
        raise WeightsError(f"{path}: a PCA of {matrix.shape}, expected ({DIM}, {DIM})")
    return matrix, means


@lru_cache(maxsize=1)  # its weights are 289 MB, and layers are told apart behind it
def _session(checkpoint: Path, identity: str, batch_size: int) -> Forward:
    """Return VGGish up to the last ReLU, by tf-slim, for batches (batch_size, 96, 64)."""
    tf = tensorflow()
    with tf.Graph().as_default():
        patches = tf.compat.v1.placeholder(tf.float32, [batch_size, PATCH_FRAMES, N_MELS])
        with warnings.catch_warnings(), tf.compat.v1.variable_scope("vggish"):
            warnings.simplefilter("ignore")  # tf-slim calls what TensorFlow calls old
            embedding = _build(_SlimOperations(), patches[..., None])
        session = tf.compat.v1.Session(config=session_config())
        try:
            tf.compat.v1.train.Saver().restore(session, str(checkpoint))
        except (tf.errors.OpError, ValueError) as error:
            raise _not_vggish(checkpoint, error) from error
        run: Forward = session.make_callable(embedding, [patches])
    return run


def _not_vggish(checkpoint: Path, error: Exception) -> WeightsError:
    reason = str(error).splitlines()[0]
    return WeightsError(
        f"{checkpoint} does not hold VGGish's weights as a TensorFlow checkpoint ({reason})"
    )


def read_weights(checkpoint: Path) -> dict[str, Array]:
    """Return ``LAYER/kernel`` and ``LAYER/bias`` of each layer from a TensorFlow 1 checkpoint.

    Raises
    ------
    WeightsError
        It is none, or lacks one of VGGish's variables.
    """
    tf = tensorflow()
    variables = {}
    try:
        reader = tf.compat.v1.train.NewCheckpointReader(str(checkpoint))
        shapes = reader.get_variable_to_shape_map()
        for layer, shape in SHAPES.items():
            for ours, theirs, size in (
                ("kernel", "weights", shape),
                ("bias", "biases", shape[-1:]),
            ):
                name = f"vggish/{layer}/{theirs}"
                if tuple(shapes.get(name, ())) != size:
                    raise ValueError(f"{name} has the shape {shapes.get(name)}, expected {size}")
                variables[f"{layer}/{ours}"] = reader.get_tensor(name)
    except (tf.errors.OpError, ValueError, RuntimeError) as error:
        raise _not_vggish(checkpoint, error) from error
    return variables


def _build(ops: Operations, patches: Any) -> Any:
    """Describe the network; (96, 64, 1) in, 128 values out, before the last ReLU."""
    x = patches
    for layer in SHAPES:
        if layer.startswith("conv"):
            x = ops.convolve(x, layer)
            if layer in POOL_AFTER:
                x = ops.max_pool(x, (2, 2))
    x = ops.flatten(x)
    x = ops.dense(x, "fc1/fc1_1", activation="relu")
    x = ops.dense(x, "fc1/fc1_2", activation="relu")
    return ops.dense(x, "fc2", activation="")


class _SlimOperations(TensorflowOperations):
    """Operations that make the published graph's own variables, by tf-slim."""

    def __init__(self) -> None:
        import tf_slim

        super().__init__({})
        self.slim = tf_slim

    def convolve(self, x: Any, layer: str, *, stride: int = 1, relu: bool = True) -> Any:
        return self.slim.conv2d(x, SHAPES[layer][-1], 3, stride, scope=layer, trainable=False)

    def max_pool(self, x: Any, size: tuple[int, int]) -> Any:
        return self.slim.max_pool2d(x, size, stride=size, padding="SAME")

    def dense(self, x: Any, layer: str, *, activation: Activation) -> Any:
        activate = getattr(self.tf.nn, activation) if activation else None
        width = SHAPES[layer][-1]
        return self.slim.fully_connected(x, width, activate, scope=layer, trainable=False)
