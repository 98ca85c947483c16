"""The operations of MusiCNN's networks in TensorFlow, the reference."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from audiotl_cli.extractors.musicnn_network import FloatArray, MapOperations

FRAMES_AT_ONCE = 4  # the fastest of 4, 8, 16, 24 and 32
BANDS_AT_ONCE = 16  # as fast as all bands at once; fewer are slower


class TensorflowMapOperations(MapOperations):
    """Operations on tensors with the channels last: (batch, time, frequency, channels)."""

    def __init__(self, tf: Any) -> None:
        self.tf = tf

    def match(self, x: Any, kernel: FloatArray, around: tuple[int, int]) -> Any:
        if kernel.shape[1] == 1:
            return match_along_time(self.tf, x, kernel)
        return _match(self.tf, x, kernel, 1, [[0, 0], [*around], [0, 0], [0, 0]])

    def convolve_time(self, x: Any, kernel: FloatArray) -> Any:
        return self.tf.nn.conv2d(x[:, :, None], kernel, 1, "SAME")[:, :, 0]

    def convolve_and_pool(
        self, x: Any, kernel: FloatArray, size: tuple[int, int], stride: tuple[int, int]
    ) -> Any:
        return self.tf.nn.max_pool2d(self.tf.nn.conv2d(x, kernel, 1, "SAME"), size, stride, "VALID")

    def relu(self, x: Any) -> Any:
        return self.tf.nn.relu(x)

    def affine(self, x: Any, scale: FloatArray, shift: FloatArray) -> Any:
        return x * scale + shift

    def mix(self, x: Any, matrix: FloatArray) -> Any:
        return self.tf.tensordot(x, matrix, 1)

    def with_ones(self, x: Any) -> Any:
        return self.tf.concat([x, self.tf.ones([*x.shape[:-1], 1])], axis=-1)

    def join(self, parts: list[Any]) -> Any:
        return self.tf.concat(parts, axis=-1)

    def add(self, a: Any, b: Any) -> Any:
        return a + b

    def largest(self, x: Any) -> Any:
        return self.tf.reduce_max(x, axis=1)

    def mean(self, x: Any) -> Any:
        return self.tf.reduce_mean(x, axis=1)

    def interleave(self, a: Any, b: Any) -> Any:
        return self.flatten(self.tf.stack([a, b], axis=2))

    def flatten(self, x: Any) -> Any:
        return self.tf.reshape(x, [x.shape[0], int(np.prod(x.shape[1:]))])

    def sigmoid(self, x: Any) -> Any:
        return self.tf.sigmoid(x)


def match_along_time(tf: Any, x: Any, kernel: FloatArray) -> Any:
    """Return the maximum over frequency of filters of up to 128 frames and one band.

    TensorFlow is slow for such filters over one channel. So each filter becomes `FRAMES_AT_ONCE`
    filters, each shifted by a frame, and the stride of the convolution is that many frames.

    Parameters
    ----------
    tf : module
    x : tensor (batch, n_frames, n_bands, 1)
    kernel : float32 (height, 1, 1, n_filters)

    Returns
    -------
    matches : tensor (batch, n_frames, n_filters)
        As many frames as in `x`, which is padded with zeros.
    """
    batch, n_frames, *_ = x.shape
    height, step = len(kernel), FRAMES_AT_ONCE
    shifted = [np.pad(kernel, ((late, step - 1 - late), *[(0, 0)] * 3)) for late in range(step)]
    n_steps = -(-n_frames // step)
    before = (height - 1) // 2  # as TensorFlow's "SAME"
    after = n_steps * step + height - 1 - before - n_frames
    around = [[0, 0], [before, after], [0, 0], [0, 0]]
    matches = _match(tf, x, np.concatenate(shifted, axis=3), [1, step, 1, 1], around)
    return tf.reshape(matches, [batch, n_steps * step, -1])[:, :n_frames]


def _match(tf: Any, x: Any, kernel: FloatArray, strides: Any, around: list[list[int]]) -> Any:
    """Convolve, and return the maximum over frequency.

    The result of the whole convolution would take by far the most memory, so it is computed for a
    few bands at a time.

    Parameters
    ----------
    x : tensor (batch, n_frames, n_bands, n_in)
    kernel : float32 (height, width, n_in, n_filters)
    strides, around
        Strides and padding as in TensorFlow's `conv2d`; 1 and 0 along frequency.

    Returns
    -------
    matches : tensor (batch, n_steps, n_filters)
    """
    width = kernel.shape[1]
    matches = [
        tf.reduce_max(tf.nn.conv2d(x[:, :, first:last], kernel, strides, around), axis=2)
        for first, last in _stretches(x.shape[2], width)
    ]
    return functools.reduce(tf.maximum, matches)


def _stretches(n_bands: int, width: int) -> list[tuple[int, int]]:
    """Return ranges of bands in each of which a filter has `BANDS_AT_ONCE` positions."""
    n_positions = n_bands - width + 1
    firsts = range(0, n_positions, BANDS_AT_ONCE)
    return [(first, min(first + BANDS_AT_ONCE, n_positions) + width - 1) for first in firsts]
