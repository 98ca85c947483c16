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

import abc
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
Float64Array = npt.NDArray[np.float64]

BATCH_NORM_EPSILON = 1e-3
NEGLIGIBLE = 1e-7  # the resolution of float32 near 1
WIDTH = 753  # channels of all feature maps of MusiCNN together


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


class MapOperations(abc.ABC):
    """The operations that both networks are made of; an engine implements them.

    A handle is whatever the engine uses for an array: feature maps over time, over time and
    frequency, or vectors, each of any number of windows.
    """

    @abc.abstractmethod
    def match(self, x: Any, kernel: FloatArray, around: tuple[int, int]) -> Any:
        """Return the maximum over frequency of filters over one channel: maps over time.

        Parameters
        ----------
        x : handle of maps over time and frequency
        kernel : float32 (height, width, 1, n_filters)
        around : tuple of int
            Zeros before and after the maps in time.
        """

    @abc.abstractmethod
    def convolve_time(self, x: Any, kernel: FloatArray) -> Any:
        """Convolve maps over time, padded so that they keep their length."""

    @abc.abstractmethod
    def convolve_and_pool(
        self, x: Any, kernel: FloatArray, size: tuple[int, int], stride: tuple[int, int]
    ) -> Any:
        """Convolve maps over time and frequency, keeping their size; take the maxima of tiles."""

    @abc.abstractmethod
    def relu(self, x: Any) -> Any:
        """Return what is above 0, and else 0."""

    @abc.abstractmethod
    def affine(self, x: Any, scale: FloatArray, shift: FloatArray) -> Any:
        """Multiply each channel, and add to it."""

    @abc.abstractmethod
    def mix(self, x: Any, matrix: FloatArray) -> Any:
        """Return channels that are sums of channels, by a matrix (n_in, n_out)."""

    @abc.abstractmethod
    def with_ones(self, x: Any) -> Any:
        """Append a channel of ones."""

    @abc.abstractmethod
    def join(self, parts: list[Any]) -> Any:
        """Concatenate channels."""

    @abc.abstractmethod
    def add(self, a: Any, b: Any) -> Any:
        """Add maps with the same channels."""

    @abc.abstractmethod
    def largest(self, x: Any) -> Any:
        """Return the maximum over time: vectors."""

    @abc.abstractmethod
    def mean(self, x: Any) -> Any:
        """Return the mean over time: vectors."""

    @abc.abstractmethod
    def interleave(self, a: Any, b: Any) -> Any:
        """Return vectors of the first of both, the second of both, and so on."""

    @abc.abstractmethod
    def flatten(self, x: Any) -> Any:
        """Flatten maps to vectors; the channels are the innermost axis."""

    @abc.abstractmethod
    def sigmoid(self, x: Any) -> Any:
        """Return the logistic function."""


@dataclass(frozen=True)
class Maps:
    """Feature maps that store only the channels that are not constant.

    Parameters
    ----------
    live : handle
        The channels that are not constant, and a channel of ones.
    spread : float32 (n_live, n_channels)
        The matrix that gives all channels.
    low, high : float64 (n_channels,)
        Bounds of every channel, for any sound.
    """

    live: Any
    spread: FloatArray
    low: Float64Array
    high: Float64Array


def build(
    ops: MapOperations, variables: Variables, spectrogram: Any, loudest: float, *, model: str
) -> dict[str, Callable[[], Any]]:
    """Build a network of the package.

    Parameters
    ----------
    ops : MapOperations
    variables : Variables
    spectrogram : handle of maps over time and frequency, one channel
    loudest : float
        The highest value in spectrograms; the lowest is 0.
    model : str

    Returns
    -------
    layers : dict of callable
        What returns the handle of each layer, by its name.
    """
    network = vgg if model.endswith("vgg") else musicnn
    scale, shift = variables.batch_norm(0)
    low, high = np.sort([shift, scale * loudest + shift], axis=0).astype(np.float64)
    normalised = ops.affine(spectrogram, scale, shift)
    return network(ops, variables, Maps(normalised, np.ones((1, 1), np.float32), low, high))


def musicnn(
    ops: MapOperations, variables: Variables, spectrogram: Maps
) -> dict[str, Callable[[], Any]]:
    """Build MusiCNN; see `build`."""

    def front(number: int) -> Maps:
        """Return the maximum over frequency of a bank of filters over time and frequency."""
        name = f"conv2d_{number}" if number else "conv2d"
        kernel, bias = variables.kernel_and_bias(name)
        height, width, *_ = kernel.shape
        around = (3, 3) if width > 1 else ((height - 1) // 2, height // 2)

        def convolve(x: Any, kernel: FloatArray) -> Any:
            return ops.match(x, kernel, around)

        return layer(ops, spectrogram, kernel, bias, variables.batch_norm(number + 1), convolve)

    def middle(maps: Maps, number: int) -> Maps:
        """Return a layer of filters over time and all channels."""
        kernel, bias = variables.kernel_and_bias(f"conv2d_{number}")
        kernel = kernel.swapaxes(1, 2)  # the package stores channels along the frequency axis
        norm = variables.batch_norm(number + 1)
        return layer(ops, maps, kernel, bias, norm, ops.convolve_time)

    timbral = _join(ops, [front(number) for number in (0, 1)])
    temporal = _join(ops, [front(number) for number in (2, 3, 4)])
    features = _join(ops, [timbral, temporal])
    cnn1 = middle(features, 5)
    cnn2 = _add(ops, middle(cnn1, 6), cnn1)
    cnn3 = _add(ops, middle(cnn2, 7), cnn2)
    stacked = _join(ops, [features, cnn1, cnn2, cnn3])

    def pooled(pool: Callable[[Any], Any]) -> Any:
        return ops.mix(pool(stacked.live), stacked.spread)

    def penultimate() -> Any:
        both = ops.interleave(pooled(ops.largest), pooled(ops.mean))
        dense = _dense(ops, ops.affine(both, *variables.batch_norm(9)), variables, "dense")
        return ops.affine(ops.relu(dense), *variables.batch_norm(10))

    maps = {"timbral": timbral, "temporal": temporal, "cnn1": cnn1, "cnn2": cnn2, "cnn3": cnn3}
    return {
        **{name: partial(_whole, ops, found) for name, found in maps.items()},
        "max_pool": lambda: pooled(ops.largest),
        "mean_pool": lambda: pooled(ops.mean),
        "penultimate": penultimate,
        "taggram": lambda: ops.sigmoid(_dense(ops, penultimate(), variables, "dense_1")),
    }


def vgg(
    ops: MapOperations, variables: Variables, spectrogram: Maps
) -> dict[str, Callable[[], Any]]:
    """Build the VGG network; see `build`."""
    tiles = {1: ((4, 1), (2, 2)), 5: ((4, 4), (4, 4))}  # size and stride
    maps = spectrogram
    layers: dict[str, Callable[[], Any]] = {}
    for number in range(1, 6):
        size, stride = tiles.get(number, ((2, 2), (2, 2)))
        convolve = partial(ops.convolve_and_pool, size=size, stride=stride)
        kernel, bias = variables.kernel_and_bias(f"{number}CNN")
        maps = layer(ops, maps, kernel, bias, variables.batch_norm(number), convolve)
        layers[f"pool{number}"] = partial(_whole, ops, maps)

    def taggram() -> Any:
        return ops.sigmoid(_dense(ops, ops.flatten(_whole(ops, maps)), variables, "dense"))

    return {**layers, "taggram": taggram}


def layer(
    ops: MapOperations,
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
    matches = ops.affine(convolve(maps.live, on_live * sign), sign, bias[changes])
    live = ops.affine(ops.relu(matches), scale[changes], shift[changes])
    constants = np.where(changes, 0, (low + high) / 2)
    spread = np.concatenate([np.eye(len(changes))[changes], constants[None]])
    return Maps(ops.with_ones(live), spread.astype(np.float32), low, high)


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


def _whole(ops: MapOperations, maps: Maps) -> Any:
    """Return all channels of maps."""
    return ops.mix(maps.live, maps.spread)


def _dense(ops: MapOperations, x: Any, variables: Variables, name: str) -> Any:
    kernel, bias = variables.kernel_and_bias(name)
    return ops.affine(ops.mix(x, kernel), np.ones(1, np.float32), bias)


def _join(ops: MapOperations, parts: list[Maps]) -> Maps:
    """Concatenate the channels of maps."""
    low = np.concatenate([maps.low for maps in parts])
    high = np.concatenate([maps.high for maps in parts])
    spread = np.zeros((sum(len(maps.spread) for maps in parts), len(low)), np.float32)
    row = column = 0
    for maps in parts:
        n_rows, n_columns = maps.spread.shape
        spread[row : row + n_rows, column : column + n_columns] = maps.spread
        row, column = row + n_rows, column + n_columns
    return Maps(ops.join([maps.live for maps in parts]), spread, low, high)


def _add(ops: MapOperations, a: Maps, b: Maps) -> Maps:
    """Add maps with the same number of channels."""
    spread = np.eye(len(a.low), dtype=np.float32)
    return Maps(ops.add(_whole(ops, a), _whole(ops, b)), spread, a.low + b.low, a.high + b.high)
