"""The operations of MusiCNN's networks as nodes of an ONNX graph."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from audiotl_cli.extractors.musicnn_network import FloatArray, MapOperations
from audiotl_cli.graph import Graph

BANDS_AT_ONCE = 5  # positions of a filter: the fastest of 2 to 15 with both widths
FILTERS_AT_ONCE = 16
FRAMES_AT_ONCE = 8  # of a filter over time alone: as fast as 16, and faster than fewer


@dataclass(frozen=True)
class Handle:
    """A value of the graph: (n, channels), and axes of time and frequency after these."""

    name: str
    n_axes: int

    def shaped(self, values: FloatArray) -> FloatArray:
        """Return a value a channel, shaped so that it applies to whole maps."""
        return values.reshape(-1, *(1,) * self.n_axes)


class OnnxMapOperations(MapOperations):
    """Write operations into a graph.

    ONNX Runtime is slow with few filters over one channel. So each filter becomes several, each
    shifted by a step, and the stride of the convolution is that many steps.

    Parameters
    ----------
    graph : Graph
    n_frames, n_bands : int
        The size of spectrograms.
    """

    def __init__(self, graph: Graph, n_frames: int, n_bands: int) -> None:
        self.graph = graph
        self.n_frames = n_frames
        self.n_bands = n_bands

    def spectrogram(self, patches: str) -> Handle:
        """Return patches (n, n_frames, n_bands) as maps of one channel."""
        return Handle(self.graph.add("Unsqueeze", patches, np.array([1])), 2)

    def result(self, x: Handle) -> str:
        """Return maps with their channels last."""
        if x.n_axes == 0:
            return x.name
        return self.graph.add("Transpose", x.name, perm=[0, *range(2, 2 + x.n_axes), 1])

    def match(self, x: Handle, kernel: FloatArray, around: tuple[int, int]) -> Handle:
        along = self._match_along_frequency if kernel.shape[1] > 1 else self._match_along_time
        return Handle(along(x.name, kernel.transpose(3, 2, 0, 1), around), 1)

    def _match_along_frequency(self, x: str, kernel: FloatArray, around: tuple[int, int]) -> str:
        width = kernel.shape[3]
        n_positions = self.n_bands - width + 1
        n_rest = n_positions % BANDS_AT_ONCE
        found = []
        for step, first, last in (
            (BANDS_AT_ONCE, 0, self.n_bands - n_rest),
            (n_rest, n_positions - n_rest, self.n_bands),
        ):
            if step and last - first >= width:
                bands = self._slice(x, first, last, axis=3)
                n_steps = (last - first - width + 1) // step
                highest = self._highest(bands, kernel, (1, step), around, n_steps)
                by_shift = self.graph.reshape(highest, 0, step, len(kernel), self.n_frames)
                found.append(self.graph.reduce("Max", by_shift, 1, keep=False))
        return self.graph.add("Max", *found)

    def _match_along_time(self, x: str, kernel: FloatArray, around: tuple[int, int]) -> str:
        step = FRAMES_AT_ONCE
        n_steps = -(-self.n_frames // step)
        before, after = around
        around = (before, after + n_steps * step - self.n_frames)
        highest = self._highest(x, kernel, (step, 1), around, self.n_bands)
        by_shift = self.graph.reshape(highest, 0, step, len(kernel), n_steps)
        in_order = self.graph.add("Transpose", by_shift, perm=[0, 2, 3, 1])
        frames = self.graph.reshape(in_order, 0, len(kernel), n_steps * step)
        return self._slice(frames, 0, self.n_frames, axis=2)

    def _highest(
        self,
        x: str,
        kernel: FloatArray,
        steps: tuple[int, int],
        around: tuple[int, int],
        n_positions: int,
    ) -> str:
        """Return the maxima over frequency of shifted filters, (n, product of steps * n, frames).

        ONNX Runtime keeps the fast layout of a convolution for `MaxPool`, though not for
        `ReduceMax`, if the number of filters is a multiple of what the processor computes at once.
        """
        before, after = around
        filters = _shifted(kernel, steps)
        n_filters = len(filters)
        filters = np.pad(filters, ((0, -n_filters % FILTERS_AT_ONCE), *[(0, 0)] * 3))
        maps = self.graph.add("Conv", x, filters, pads=[before, 0, after, 0], strides=steps)
        highest = self.graph.add("MaxPool", maps, kernel_shape=(1, n_positions), strides=(1, 1))
        return self._slice(highest, 0, n_filters, axis=1)

    def _slice(self, x: str, first: int, last: int, axis: int) -> str:
        return self.graph.add("Slice", x, *(np.array([n]) for n in (first, last, axis)))

    def convolve_time(self, x: Handle, kernel: FloatArray) -> Handle:
        before, after = (len(kernel) - 1) // 2, len(kernel) // 2
        filters = kernel[:, 0].transpose(2, 1, 0)
        return Handle(self.graph.add("Conv", x.name, filters, pads=[before, after]), 1)

    def convolve_and_pool(
        self, x: Handle, kernel: FloatArray, size: tuple[int, int], stride: tuple[int, int]
    ) -> Handle:
        filters = kernel.transpose(3, 2, 0, 1)
        maps = self.graph.add("Conv", x.name, filters, auto_pad="SAME_UPPER")
        return Handle(self.graph.add("MaxPool", maps, kernel_shape=size, strides=stride), 2)

    def relu(self, x: Handle) -> Handle:
        return Handle(self.graph.add("Relu", x.name), x.n_axes)

    def affine(self, x: Handle, scale: FloatArray, shift: FloatArray) -> Handle:
        scaled = self.graph.add("Mul", x.name, x.shaped(scale))
        return Handle(self.graph.add("Add", scaled, x.shaped(shift)), x.n_axes)

    def mix(self, x: Handle, matrix: FloatArray) -> Handle:
        if x.n_axes == 0:
            return Handle(self.graph.add("MatMul", x.name, matrix), 0)
        filters = matrix.T.reshape(*matrix.T.shape, *(1,) * x.n_axes)
        return Handle(self.graph.add("Conv", x.name, filters), x.n_axes)

    def with_ones(self, x: Handle) -> Handle:
        n_axes = 2 + x.n_axes
        pads = np.zeros(2 * n_axes, np.int64)
        pads[n_axes + 1] = 1
        return Handle(self.graph.add("Pad", x.name, pads, np.float32(1)), x.n_axes)

    def join(self, parts: list[Handle]) -> Handle:
        names = (part.name for part in parts)
        return Handle(self.graph.add("Concat", *names, axis=1), parts[0].n_axes)

    def add(self, a: Handle, b: Handle) -> Handle:
        return Handle(self.graph.add("Add", a.name, b.name), a.n_axes)

    def largest(self, x: Handle) -> Handle:
        return Handle(self.graph.reduce("Max", x.name, 2, keep=False), 0)

    def mean(self, x: Handle) -> Handle:
        return Handle(self.graph.reduce("Mean", x.name, 2, keep=False), 0)

    def interleave(self, a: Handle, b: Handle) -> Handle:
        pairs = (self.graph.reshape(x.name, 0, -1, 1) for x in (a, b))
        return Handle(self.graph.add("Flatten", self.graph.add("Concat", *pairs, axis=2)), 0)

    def flatten(self, x: Handle) -> Handle:
        return Handle(self.graph.add("Flatten", self.result(x)), 0)

    def sigmoid(self, x: Handle) -> Handle:
        return Handle(self.graph.add("Sigmoid", x.name), x.n_axes)


def _shifted(kernel: FloatArray, steps: tuple[int, int]) -> FloatArray:
    """Return filters (step * n, ...), shifted along the axis of more steps by 0, 1, ... of them."""
    step, axis = max(steps), 2 + steps.index(max(steps))
    around = [[(0, 0)] * 4 for _ in range(step)]
    for late in range(step):
        around[late][axis] = (late, step - 1 - late)
    return np.concatenate([np.pad(kernel, pads) for pads in around])
