"""VGGish's graph and its weights.

The reference graph is built by tf-slim, under the variable names of the published
TensorFlow 1 checkpoint; other engines read the variables by those names.
"""

from __future__ import annotations

import warnings
from functools import lru_cache
from pathlib import Path
from typing import Any

from audiotl_cli.errors import WeightsError
from audiotl_cli.extractors.audioset import N_MELS, PATCH_FRAMES
from audiotl_cli.extractors.engines.operations import Activation, Array, Forward, Operations
from audiotl_cli.extractors.engines.tensorflow import TensorflowOperations
from audiotl_cli.extractors.runtime import session_config, tensorflow
from audiotl_cli.extractors.weights import FoundWeights

DIM = 128
# of the kernels, in the order of layers, by the names of the published checkpoint
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


@lru_cache(maxsize=1)  # its weights take 289 MB, and all layers share it
def session(weights: FoundWeights, batch_size: int) -> Forward:
    """Return VGGish up to the last ReLU, by tf-slim, for batches (batch_size, 96, 64)."""
    tf = tensorflow()
    with tf.Graph().as_default():
        patches = tf.compat.v1.placeholder(tf.float32, [batch_size, PATCH_FRAMES, N_MELS])
        with warnings.catch_warnings(), tf.compat.v1.variable_scope("vggish"):
            warnings.simplefilter("ignore")  # tf-slim uses deprecated functions of TensorFlow
            embedding = build(_SlimOperations(), patches[..., None])
        session = tf.compat.v1.Session(config=session_config())
        try:
            weights.read(lambda path: tf.compat.v1.train.Saver().restore(session, str(path)))
        except (tf.errors.OpError, ValueError) as error:
            raise _not_vggish(weights.path, error) from error
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
        The file is not a checkpoint, or lacks one of VGGish's variables.
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


def build(ops: Operations, patches: Any) -> Any:
    """Build the network from a patch (96, 64, 1) to 128 values, before the last ReLU."""
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
    """Operations by tf-slim, which create the variables of the published graph."""

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
