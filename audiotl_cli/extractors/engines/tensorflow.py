"""The reference engine, TensorFlow."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from audiotl_cli.extractors.engines.operations import (
    Activation,
    Array,
    Forward,
    Network,
    Operations,
    Variables,
)
from audiotl_cli.extractors.runtime import tensorflow


class TensorflowOperations(Operations):
    """Operations on tensors, (n, height, width, channels) or (n, dim)."""

    def __init__(self, variables: Variables) -> None:
        super().__init__(variables)
        self.tf = tensorflow()

    def convolve(self, x: Any, layer: str, *, stride: int = 1, relu: bool = True) -> Any:
        kernel, bias = self.parameters(layer)
        maps = self.tf.nn.bias_add(self.tf.nn.conv2d(x, kernel, stride, "SAME"), bias)
        return self.tf.nn.relu(maps) if relu else maps

    def depthwise(self, x: Any, layer: str, *, stride: int = 1) -> Any:
        kernel, bias = self.parameters(layer)
        maps = self.tf.nn.depthwise_conv2d(x, kernel, [1, stride, stride, 1], "SAME")
        return self.tf.nn.relu(maps + bias)

    def affine(self, x: Any, layer: str) -> Any:
        kernel, bias = self.parameters(layer)
        return x * kernel + bias

    def max_pool(self, x: Any, size: tuple[int, int]) -> Any:
        return self.tf.nn.max_pool2d(x, size, size, "VALID")

    def flatten(self, x: Any) -> Any:
        return self.tf.reshape(x, [x.shape[0], -1])

    def mean(self, x: Any) -> Any:
        return self.tf.reduce_mean(x, axis=[1, 2])

    def dense(self, x: Any, layer: str, *, activation: Activation) -> Any:
        kernel, bias = self.parameters(layer)
        y = x @ kernel + bias
        return getattr(self.tf.nn, activation)(y) if activation else y


@lru_cache(maxsize=4)  # not in extractors, so that equal extractors share it and can be pickled
def load(network: Network, batch_size: int) -> Forward:
    """Build a network for batches of one size, (batch_size, height, width).

    Raises
    ------
    WeightsError
        The weights cannot be read.
    """
    tf = tensorflow()
    operations = TensorflowOperations(network.read())

    def build(patches: Any) -> Any:
        return network.build(operations, patches[..., None])

    signature = [tf.TensorSpec([batch_size, *network.shape], tf.float32)]
    run = tf.function(build, input_signature=signature).get_concrete_function()

    def forward(patches: Array) -> Array:
        vectors: Array = run(patches).numpy()
        return vectors

    return forward
