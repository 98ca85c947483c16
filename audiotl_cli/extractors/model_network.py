"""A network file of the user as a network that returns one vector per window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from audiotl_cli.errors import is_out_of_memory
from audiotl_cli.extractors.model_layout import Layout, Shape, guess_layout, shape_text

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class OpenModel:
    """A model that was loaded.

    Parameters
    ----------
    inputs : list of (shape, dtype)
        None for sizes that may vary.
    outputs : list of str
    call : callable
        Takes the name of an output and an array of the input's shape, and returns the output.
    hint : str
        What to do where the wanted output is none of `outputs`.
    """

    inputs: list[tuple[Shape, str]]
    outputs: list[str]
    call: Callable[[str, Array], Any]
    hint: str = ""


@dataclass(frozen=True)
class Wanted:
    """What is given to a network, and what is wanted of it.

    Parameters
    ----------
    axes, window : tuple
        The names and sizes of the axes of a window.
    output : str
        Empty for the only one.
    layout : Layout or None
        None for that of the network's input.
    average_over : tuple of int
        The axes of the output that are averaged.
    """

    axes: tuple[str, ...]
    window: tuple[int, ...]
    output: str = ""
    layout: Layout | None = None
    average_over: tuple[int, ...] = ()


class VectorNetwork:
    """A model that turns batches of windows into one vector per window.

    Raises
    ------
    ValueError
        The inputs or outputs of the model do not fit.
    """

    def __init__(self, opened: OpenModel, wanted: Wanted) -> None:
        if len(opened.inputs) != 1 or opened.inputs[0][1] != "float32":
            found = ", ".join(f"{dtype} {shape_text(shape)}" for shape, dtype in opened.inputs)
            raise ValueError(f"it takes {found or 'nothing'}, expected one float32 array")
        shape = opened.inputs[0][0]
        self.layout = wanted.layout or guess_layout(shape, wanted.axes)
        self.layout.check(shape, wanted.window)
        self.batch = self.layout.size(shape, "batch") if self.layout.batched else 1
        self.average_over = wanted.average_over
        output = wanted.output
        if not output and len(opened.outputs) == 1:
            output = opened.outputs[0]
        if output not in opened.outputs:
            missing = f", none of them is {output!r}" if output else ""
            raise ValueError(
                f"its outputs are {', '.join(map(repr, opened.outputs))}{missing}; choose one "
                f'with --layer or as "output"{opened.hint}'
            )
        self.output, self.call = output, opened.call
        zeros = np.zeros((self.batch or 1, *wanted.window), np.float32)
        self.dim: int = self._vectors(zeros).shape[1]

    def run(self, windows: Array) -> Array:
        """Return the vectors, (n, dim), of windows (n, ...); ValueError if the model fails."""
        size = self.batch or len(windows)
        parts = []
        for first in range(0, len(windows), size):
            part = windows[first : first + size]
            n_real = len(part)
            if n_real < size:
                filler = np.zeros((size - n_real, *windows.shape[1:]), np.float32)
                part = np.concatenate([part, filler])
            parts.append(self._vectors(part)[:n_real])
        return np.concatenate(parts)

    def _vectors(self, windows: Array) -> Array:
        n = len(windows)
        tensor = self.layout.arrange(windows)
        try:
            found = np.asarray(self.call(self.output, tensor))
        except Exception as error:  # the type depends on the model
            if is_out_of_memory(error):
                raise
            raise ValueError(
                f"it fails on an array of the shape {shape_text(tensor.shape)} "
                f"({first_line(error)})"
            ) from error
        values = self._averaged(found)
        if n == 1 and values.shape[:1] != (1,):
            values = values.reshape(1, *values.shape)
        is_vector = values.shape[:1] == (n,) and sum(size > 1 for size in values.shape[1:]) <= 1
        if not is_vector or not np.issubdtype(values.dtype, np.floating):
            raise ValueError(
                f"for a batch of {n}, {self.output!r} gives {found.dtype} "
                f"{shape_text(found.shape)}, expected floats, one vector per window; choose "
                "another output, or average over axes of this one, such as "
                '"average_over": [1] or [2, 3]'
            )
        return values.reshape(n, -1).astype(np.float32, copy=False)

    def _averaged(self, found: npt.NDArray[Any]) -> npt.NDArray[Any]:
        if not self.average_over:
            return found
        if max(self.average_over) >= found.ndim:
            raise ValueError(
                f"average_over is {list(self.average_over)}, but {self.output!r} gives "
                f"{shape_text(found.shape)}"
            )
        averaged: npt.NDArray[Any] = found.mean(axis=self.average_over)
        return averaged


def first_line(error: Exception) -> str:
    """Return the first line of a message, because those of TensorFlow may take pages."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:300]
