"""What networks are made of: the operations that every engine knows.

A network is a function that takes an engine's `Operations` and a handle of its input, and
returns a handle of its output. What a handle is, is the engine's own business.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
Variables = Mapping[str, Array]
"""``LAYER/kernel`` and ``LAYER/bias`` of each layer with something learnt."""

Activation = Literal["", "relu", "sigmoid"]
Forward = Callable[[Array], Array]
"""A built network: patches (n, height, width) in, vectors (n, dim) out."""


class Operations(Protocol):
    """The operations, on maps of (height, width, channels) and on vectors.

    Layers are named; their kernels and biases are the `Variables`. Paddings are TensorFlow's.
    """

    def convolve(self, x: Any, layer: str, *, stride: int = 1, relu: bool = True) -> Any:
        """Convolve maps, padded to keep their size; kernels (height, width, n_in, n_out)."""

    def depthwise(self, x: Any, layer: str, *, stride: int = 1) -> Any:
        """Convolve each channel by itself, then ReLU; kernels (height, width, n, 1)."""

    def affine(self, x: Any, layer: str) -> Any:
        """Multiply a single channel by the kernel (1,) and add the bias (1,)."""

    def max_pool(self, x: Any, size: tuple[int, int]) -> Any:
        """Keep the largest of each tile; what fills none at the far edges is left out."""

    def flatten(self, x: Any) -> Any:
        """Lay maps out as vectors, channels innermost."""

    def mean(self, x: Any) -> Any:
        """Average maps over height and width, to vectors."""

    def dense(self, x: Any, layer: str, *, activation: Activation) -> Any:
        """Multiply vectors by the kernel (n_in, n_out), add the bias, and activate."""


@dataclass(frozen=True)
class Network:
    """A network as every engine can build it.

    Parameters
    ----------
    name : str
        Tells it from all other networks and layers; fit for a file's name.
    weights : str
        ``sha256:`` and the SHA-256 of its weights.
    shape : tuple of int
        Of a patch: height and width.
    build : callable
        The description: takes `Operations` and the input, returns the output.
    read : callable
        Reads the weights.
    """

    name: str
    weights: str
    shape: tuple[int, int]
    build: Callable[[Operations, Any], Any] = field(compare=False)
    read: Callable[[], Variables] = field(compare=False)
