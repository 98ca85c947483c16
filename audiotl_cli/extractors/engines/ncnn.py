"""The fast engine, ncnn, whose Winograd convolutions need fewer multiplications.

ncnn computes a window on one thread, and several windows at a time: this is faster than to share a
convolution among threads, which wait for each other. So the embedding of a window does not depend
on its neighbours. Dense layers spend most of their time reading weights; NumPy computes them for
many windows at once.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from audiotl_cli.extractor_config import NCNN
from audiotl_cli.extractors.engines.built import Built, built
from audiotl_cli.extractors.engines.operations import (
    Activation,
    Array,
    Forward,
    Network,
    Operations,
    Variables,
)
from audiotl_cli.extractors.runtime import thread_count

ROWS = 32
"""Windows in every batch of dense layers, because other numbers of rows round differently."""

COLUMNS = 4
"""Parts of a dense layer for threads, a fixed number for the same reason."""

_SAME = -233  # ncnn's number for the padding of TensorFlow
_RELU = 1
_MAX, _VALID = 0, 1


class NcnnOperations(Operations):
    """Write operations in the format of ncnn's two files, and collect the dense layers.

    A handle is the name of a blob; the handle of a vector is not used.
    """

    def __init__(self, variables: Variables) -> None:
        super().__init__(variables)
        self.layers = ["Input x 0 1 x"]
        self.weights: list[bytes] = []
        self.to_vector = ""
        self.dense_layers: list[dict[str, Any]] = []
        self.matrices: list[bytes] = []

    def convolve(self, x: str, layer: str, *, stride: int = 1, relu: bool = True) -> str:
        kernel, bias = self.parameters(layer)
        self._add_weights(kernel.transpose(3, 2, 0, 1), bias)
        return self._convolution("Convolution", x, kernel, kernel.shape[3], stride, relu)

    def depthwise(self, x: str, layer: str, *, stride: int = 1) -> str:
        kernel, bias = self.parameters(layer)
        self._add_weights(kernel.transpose(2, 3, 0, 1), bias)
        n = kernel.shape[2]
        return self._convolution("ConvolutionDepthWise", x, kernel, n, stride, True, {7: n})

    def affine(self, x: str, layer: str) -> str:
        self.weights += [values.tobytes() for values in self.parameters(layer)]
        return self._add("Scale", x, {0: 1, 1: 1})

    def max_pool(self, x: str, size: tuple[int, int]) -> str:
        height, width = size
        options = {0: _MAX, 1: width, 11: height, 2: width, 12: height, 5: _VALID}
        return self._add("Pooling", x, options)

    def flatten(self, x: str) -> str:
        self.to_vector = "flatten"
        return x

    def mean(self, x: str) -> str:
        self.to_vector = "mean"
        return x

    def dense(self, x: str, layer: str, *, activation: Activation) -> str:
        kernel, bias = self.parameters(layer)
        self.dense_layers.append({"shape": kernel.shape, "activation": activation})
        self.matrices += [kernel.tobytes(), bias.tobytes()]
        return x

    def result(self) -> Built:
        """Return ncnn's two files, followed by the arrays of the dense layers."""
        n = len(self.layers)
        param = "\n".join(["7767517", f"{n} {n}", *self.layers, ""])  # a magic number comes first
        weights = b"".join(self.weights)
        header = {
            "param": param,
            "output": self.layers[-1].split()[1],
            "to_vector": self.to_vector,
            "dense": self.dense_layers,
            "matrices_at": len(weights),
        }
        return Built(header, b"".join([weights, *self.matrices]))

    def _convolution(
        self,
        kind: str,
        x: str,
        kernel: Array,
        n_out: int,
        stride: int,
        relu: bool,
        more: dict[int, int] | None = None,
    ) -> str:
        height, width = kernel.shape[:2]
        options = {0: n_out, 1: width, 11: height, 3: stride, 4: _SAME, 5: 1, 6: kernel.size}
        return self._add(kind, x, options | {9: _RELU * relu} | (more or {}))

    def _add(self, kind: str, x: str, options: dict[int, int]) -> str:
        name = f"{kind}{len(self.layers)}"
        values = " ".join(f"{number}={value}" for number, value in options.items())
        self.layers.append(f"{kind} {name} 1 1 {x} {name} {values}")
        return name

    def _add_weights(self, kernel: Array, bias: Array) -> None:
        single_precision = bytes(4)  # the flag of uncompressed float32
        self.weights += [single_precision, np.ascontiguousarray(kernel).tobytes(), bias.tobytes()]


@lru_cache(maxsize=4)
def load(network: Network) -> Forward:
    """Build a network for any number of patches (n, height, width).

    The network is built once. Later, its file in the cache is used, and the weights are not read.

    Raises
    ------
    WeightsError
        The weights cannot be read, or the cache cannot be written.
    """

    def build() -> Built:
        operations = NcnnOperations(network.read())
        network.build(operations, "x")
        return operations.result()

    path, model = built(network, NCNN, build)
    body = _body(path, model.header)
    dense = _dense(model)

    def forward(patches: Array) -> Array:
        vectors = np.stack(list(_pool(thread_count()).map(body, patches)))
        return dense(vectors) if dense else vectors

    return forward


@cache
def _pool(n_threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(n_threads, thread_name_prefix="ncnn")


def _body(path: Path, header: dict[str, Any]) -> Callable[[Array], Array]:
    """Return the convolutions as a function from a patch to a vector."""
    import ncnn

    net = ncnn.Net()
    net.opt.num_threads = 1
    for narrow in ("fp16", "bf16"):  # single precision throughout
        for use in ("packed", "storage"):
            setattr(net.opt, f"use_{narrow}_{use}", False)
    net.opt.use_fp16_arithmetic = False
    # from the file, because ncnn would keep pointers into memory that it does not own
    if net.load_param_mem(header["param"]) or net.load_model(str(path)):
        raise RuntimeError(f"ncnn cannot load {path}")
    flatten, output = header["to_vector"] == "flatten", header["output"]

    def body(patch: Array) -> Array:
        extractor = net.create_extractor()
        # a copy, because some layers overwrite their input and need it aligned
        extractor.input("x", ncnn.Mat(np.ascontiguousarray(patch[None])).clone())
        failed, found = extractor.extract(output)
        if failed:
            raise RuntimeError(f"ncnn fails with the error {failed}")
        maps = np.array(found)  # (channels, height, width)
        vector: Array = maps.transpose(1, 2, 0).reshape(-1) if flatten else maps.mean(axis=(1, 2))
        return vector

    return body


def _dense(model: Built) -> Forward | None:
    """Return the dense layers as a function of vectors; None if there are none."""
    layers = []
    start = model.header["matrices_at"]
    for layer in model.header["dense"]:
        n_in, n_out = layer["shape"]
        kernel = np.frombuffer(model.data, np.float32, n_in * n_out, start).reshape(n_in, n_out)
        bias = np.frombuffer(model.data, np.float32, n_out, start + kernel.nbytes)
        start += kernel.nbytes + bias.nbytes
        layers.append((np.array_split(kernel, COLUMNS, axis=1), bias, layer["activation"]))
    if not layers:
        return None

    def run_batch(vectors: Array) -> Array:
        n_real = len(vectors)
        if n_real < ROWS:
            vectors = np.pad(vectors, ((0, ROWS - n_real), (0, 0)))
        for kernels, bias, activation in layers:
            products = _pool(thread_count()).map(partial(np.matmul, vectors), kernels)
            vectors = _activate(np.concatenate(list(products), axis=1) + bias, activation)
        return vectors[:n_real]

    def dense(vectors: Array) -> Array:
        parts = [run_batch(vectors[first : first + ROWS]) for first in range(0, len(vectors), ROWS)]
        return np.concatenate(parts)

    return dense


def _activate(x: Array, activation: Activation) -> Array:
    if activation == "relu":
        return np.maximum(x, np.float32(0))
    if activation == "sigmoid":
        with np.errstate(over="ignore"):  # the result is 0, which is right
            return np.float32(1) / (np.float32(1) + np.exp(-x))
    return x
