"""The operations that networks are made of; every engine implements them.

A network is a function that takes the `Operations` of an engine and a handle of its input, and
returns a handle of its output. A handle is whatever the engine uses for an array.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
Variables = Mapping[str, Array]
"""``LAYER/kernel`` and ``LAYER/bias`` of each layer with parameters."""

Activation = Literal["", "relu", "sigmoid"]
Forward = Callable[[Array], Array]
"""A built network: patches (n, height, width) in, vectors (n, dim) out."""


class Operations(abc.ABC):
    """Operations on maps of (height, width, channels) and on vectors; padding is as in TensorFlow.

    Parameters
    ----------
    variables : Variables
        Kernels and biases by the names of layers.
    """

    def __init__(self, variables: Variables) -> None:
        self.variables = variables

    def parameters(self, layer: str) -> tuple[Array, Array]:
        """Return kernel and bias of a layer."""
        return self.variables[f"{layer}/kernel"], self.variables[f"{layer}/bias"]

    @abc.abstractmethod
    def convolve(self, x: Any, layer: str, *, stride: int = 1, relu: bool = True) -> Any:
        """Convolve maps, padded so that their size stays; kernel (height, width, n_in, n_out)."""

    @abc.abstractmethod
    def depthwise(self, x: Any, layer: str, *, stride: int = 1) -> Any:
        """Convolve each channel separately, then apply ReLU; kernel (height, width, n, 1)."""

    @abc.abstractmethod
    def affine(self, x: Any, layer: str) -> Any:
        """Multiply a single channel by the kernel (1,) and add the bias (1,)."""

    @abc.abstractmethod
    def max_pool(self, x: Any, size: tuple[int, int]) -> Any:
        """Return the maximum of each tile; incomplete tiles at the edges are left out."""

    @abc.abstractmethod
    def flatten(self, x: Any) -> Any:
        """Flatten maps to vectors; the channels are the innermost axis."""

    @abc.abstractmethod
    def mean(self, x: Any) -> Any:
        """Average maps over height and width, which gives vectors."""

    @abc.abstractmethod
    def dense(self, x: Any, layer: str, *, activation: Activation) -> Any:
        """Multiply vectors by the kernel (n_in, n_out), add the bias, and apply the activation."""


@dataclass(frozen=True)
class Network:
    """A network that any engine can build.

    Parameters
    ----------
    name : str
        Unique for a network and layer; can be part of a file name.
    weights : str
        ``sha256:`` and the SHA-256 of the weights.
    shape : tuple of int
        Height and width of a patch.
    build : callable
        Takes `Operations` and the input, and returns the output.
    read : callable
        Reads and returns the weights.
    """

    name: str
    weights: str
    shape: tuple[int, int]
    build: Callable[[Operations, Any], Any] = field(compare=False)
    read: Callable[[], Variables] = field(compare=False)
