"""MusiCNN's networks, without the channels that are constant.

Most filters of the published networks have no effect: of the 408 timbral filters of MSD_musicnn,
the outputs of 371 vary by less than 1e-8 for any sound. Bounds of each channel follow from the
weights (`bounds`). A channel whose bounds differ by less than `NEGLIGIBLE` is a constant. It is not
computed, but inserted where a layer is returned, and the filters of the next layer over all
constant channels are summed into one filter over a channel of ones.

The maximum over frequency is taken directly after the convolution, before bias, ReLU and batch
normalisation. These keep the order of values, or reverse it where the scale of the normalisation is
negative; there, the sign of the filter is reversed before the maximum and restored after it.

Both change values by no more than `NEGLIGIBLE` and the rounding of float32.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
Float64Array = npt.NDArray[np.float64]

BATCH_NORM_EPSILON = 1e-3
NEGLIGIBLE = 1e-7  # the resolution of float32 near 1
FRAMES_AT_ONCE = 4  # the fastest of 4, 8, 16, 24 and 32
BANDS_AT_ONCE = 16  # as fast as all bands at once; fewer are slower


class Variables:
    """Read the variables of a checkpoint by the numbers that TensorFlow gave them.

    Batch normalisation is returned as one multiplication and one addition.

    Parameters
    ----------
    checkpoint : object with ``get_tensor(name)``
    """

    def __init__(self, checkpoint: Any) -> None:
        self.checkpoint = checkpoint

    def get(self, name: str) -> FloatArray:
        value: FloatArray = self.checkpoint.get_tensor(name)
        return value

    def batch_norm(self, number: int) -> tuple[FloatArray, FloatArray]:
        name = f"batch_normalization_{number}" if number else "batch_normalization"
        deviation = np.sqrt(self.get(f"{name}/moving_variance") + BATCH_NORM_EPSILON)
        scale = self.get(f"{name}/gamma") / deviation
        return scale, self.get(f"{name}/beta") - self.get(f"{name}/moving_mean") * scale

    def kernel_and_bias(self, name: str) -> tuple[FloatArray, FloatArray]:
        return self.get(f"{name}/kernel"), self.get(f"{name}/bias")


@dataclass(frozen=True)
class Maps:
    """Feature maps that store only the channels that are not constant.

    Parameters
    ----------
    live : tensor (..., n_live)
        The channels that are not constant, and a channel of ones.
    spread : float32 (n_live, n_channels)
        ``live @ spread`` gives all channels.
    low, high : float64 (n_channels,)
        Bounds of every channel, for any sound.
    """

    live: Any
    spread: FloatArray
    low: Float64Array
    high: Float64Array

    def whole(self, tf: Any) -> Any:
        """Return all channels, (..., n_channels)."""
        return tf.tensordot(self.live, self.spread, 1)


def musicnn(tf: Any, variables: Variables, patches: Any, loudest: float) -> dict[str, Any]:
    """Build MusiCNN.

    Parameters
    ----------
    tf : module
    variables : Variables
    patches : tensor (batch, 187, 96)
    loudest : float
        The highest value in patches; the lowest is 0.

    Returns
    -------
    layers : dict of tensor (batch, ...)
        Every layer by its name.
    """

    def front(number: int, convolve: Callable[..., Any]) -> Maps:
        """Return the maximum over frequency of a bank of filters over time and frequency."""
        name = f"conv2d_{number}" if number else "conv2d"
        kernel, bias = variables.kernel_and_bias(name)
        return layer(tf, spectrogram, kernel, bias, variables.batch_norm(number + 1), convolve)

    def timbral_match(x: Any, kernel: FloatArray) -> Any:
        keeps_length = [[0, 0], [3, 3], [0, 0], [0, 0]]
        return _match(tf, x, kernel, 1, keeps_length)

    def temporal_match(x: Any, kernel: FloatArray) -> Any:
        return match_along_time(tf, x, kernel)

    def middle(maps: Maps, number: int) -> Maps:
        """Return a layer of filters over time and all channels."""
        kernel, bias = variables.kernel_and_bias(f"conv2d_{number}")
        kernel = kernel.swapaxes(1, 2)  # the package stores channels along the frequency axis
        return layer(tf, maps, kernel, bias, variables.batch_norm(number + 1), convolve_time)

    def convolve_time(x: Any, kernel: FloatArray) -> Any:
        return tf.nn.conv2d(x[:, :, None], kernel, 1, "SAME")[:, :, 0]

    spectrogram = _spectrogram(variables, patches, loudest)
    timbral = _concat(tf, [front(number, timbral_match) for number in (0, 1)])
    temporal = _concat(tf, [front(number, temporal_match) for number in (2, 3, 4)])
    features = _concat(tf, [timbral, temporal])
    cnn1 = middle(features, 5)
    cnn2 = _add(tf, middle(cnn1, 6), cnn1)
    cnn3 = _add(tf, middle(cnn2, 7), cnn2)

    stacked = _concat(tf, [features, cnn1, cnn2, cnn3])
    max_pool = tf.reduce_max(stacked.live, axis=1) @ stacked.spread
    mean_pool = tf.reduce_mean(stacked.live, axis=1) @ stacked.spread
    pooled = tf.stack([max_pool, mean_pool], axis=2)
    flat = _normalise(tf.reshape(pooled, [patches.shape[0], 2 * 753]), variables, 9)
    kernel, bias = variables.kernel_and_bias("dense")
    penultimate = _normalise(tf.nn.relu(flat @ kernel + bias), variables, 10)
    kernel, bias = variables.kernel_and_bias("dense_1")
    return {
        "timbral": timbral.whole(tf),
        "temporal": temporal.whole(tf),
        "cnn1": cnn1.whole(tf),
        "cnn2": cnn2.whole(tf),
        "cnn3": cnn3.whole(tf),
        "max_pool": max_pool,
        "mean_pool": mean_pool,
        "penultimate": penultimate,
        "taggram": tf.sigmoid(penultimate @ kernel + bias),
    }


def vgg(tf: Any, variables: Variables, patches: Any, loudest: float) -> dict[str, Any]:
    """Build the VGG network; parameters and result are those of `musicnn`."""
    maps = _spectrogram(variables, patches, loudest)
    pooling = {1: ([4, 1], 2), 2: (2, 2), 3: (2, 2), 4: (2, 2), 5: (4, 4)}  # size, stride
    layers = {}
    for number, (size, stride) in pooling.items():

        def match(x: Any, kernel: FloatArray, size: Any = size, stride: int = stride) -> Any:
            return tf.nn.max_pool2d(tf.nn.conv2d(x, kernel, 1, "SAME"), size, stride, "VALID")

        kernel, bias = variables.kernel_and_bias(f"{number}CNN")
        maps = layer(tf, maps, kernel, bias, variables.batch_norm(number), match)
        layers[f"pool{number}"] = maps.whole(tf)
    kernel, bias = variables.kernel_and_bias("dense")
    flat = tf.reshape(layers["pool5"], [patches.shape[0], 256])
    return {**layers, "taggram": tf.sigmoid(flat @ kernel + bias)}


def layer(
    tf: Any,
    maps: Maps,
    kernel: FloatArray,
    bias: FloatArray,
    batch_norm: tuple[FloatArray, FloatArray],
    convolve: Callable[[Any, FloatArray], Any],
) -> Maps:
    """Convolution, bias, ReLU, batch normalisation, and a maximum.

    Parameters
    ----------
    maps : Maps
    kernel : float32 (height, width, n_in, n_out)
    bias : float32 (n_out,)
    batch_norm : scale and shift, float32 (n_out,)
    convolve : callable
        Takes live channels and a kernel, and returns the maxima of the convolution with zero
        padding.
    """
    scale, shift = batch_norm
    low, high = bounds(maps, kernel, bias, scale, shift)
    changes = high - low > NEGLIGIBLE
    sign = np.where(scale < 0, -1, 1).astype(np.float32)[changes]
    on_live = np.einsum("hwio,li->hwlo", kernel[..., changes], maps.spread)
    matches = convolve(maps.live, on_live * sign) * sign
    live = tf.nn.relu(matches + bias[changes]) * scale[changes] + shift[changes]
    constants = np.where(changes, 0, (low + high) / 2)
    spread = np.concatenate([np.eye(len(changes))[changes], constants[None]])
    return Maps(_with_ones(tf, live), spread.astype(np.float32), low, high)


def bounds(
    maps: Maps, kernel: FloatArray, bias: FloatArray, scale: FloatArray, shift: FloatArray
) -> tuple[Float64Array, Float64Array]:
    """Return the bounds of the channels of a layer for any sound."""
    # the maps are padded with zeros
    low, high = np.minimum(maps.low, 0)[:, None], np.maximum(maps.high, 0)[:, None]
    least = np.minimum(kernel * low, kernel * high).sum(axis=(0, 1, 2)) + bias
    most = np.maximum(kernel * low, kernel * high).sum(axis=(0, 1, 2)) + bias
    ends = [np.maximum(end, 0) * scale.astype(np.float64) + shift for end in (least, most)]
    return np.minimum(*ends), np.maximum(*ends)


def match_along_time(tf: Any, x: Any, kernel: FloatArray) -> Any:
    """Return the maximum over frequency of filters of up to 128 frames and one band.

    TensorFlow is slow for such filters over one channel. So each filter becomes `FRAMES_AT_ONCE`
    filters, each shifted by a frame, and the stride of the convolution is that many frames.

    Parameters
    ----------
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


def _spectrogram(variables: Variables, patches: Any, loudest: float) -> Maps:
    """Return the normalised patches as maps of one channel."""
    scale, shift = variables.batch_norm(0)
    low, high = np.sort([shift, scale * loudest + shift], axis=0).astype(np.float64)
    return Maps(patches[..., None] * scale + shift, np.ones((1, 1), np.float32), low, high)


def _normalise(x: Any, variables: Variables, number: int) -> Any:
    scale, shift = variables.batch_norm(number)
    return x * scale + shift


def _with_ones(tf: Any, live: Any) -> Any:
    return tf.concat([live, tf.ones([*live.shape[:-1], 1])], axis=-1)


def _concat(tf: Any, parts: list[Maps]) -> Maps:
    """Concatenate the channels of maps."""
    low = np.concatenate([maps.low for maps in parts])
    high = np.concatenate([maps.high for maps in parts])
    spread = np.zeros((sum(len(maps.spread) for maps in parts), len(low)), np.float32)
    row = column = 0
    for maps in parts:
        n_rows, n_columns = maps.spread.shape
        spread[row : row + n_rows, column : column + n_columns] = maps.spread
        row, column = row + n_rows, column + n_columns
    return Maps(tf.concat([maps.live for maps in parts], axis=-1), spread, low, high)


def _add(tf: Any, a: Maps, b: Maps) -> Maps:
    """Add maps with the same number of channels."""
    spread = np.eye(len(a.low), dtype=np.float32)
    return Maps(a.whole(tf) + b.whole(tf), spread, a.low + b.low, a.high + b.high)
