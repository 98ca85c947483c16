"""A TensorFlow model of the user as a network that returns one vector per window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from audiotl_cli.errors import is_out_of_memory

Array = npt.NDArray[np.float32]
Shape = tuple[int | None, ...]


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
    """

    inputs: list[tuple[Shape, str]]
    outputs: list[str]
    call: Callable[[str, Array], Any]


class VectorNetwork:
    """A model that turns batches of windows into one vector per window.

    Raises
    ------
    ValueError
        The inputs or outputs of the model do not fit.
    """

    def __init__(self, opened: OpenModel, output: str, window: tuple[int, ...]) -> None:
        if len(opened.inputs) != 1 or opened.inputs[0][1] != "float32":
            found = ", ".join(f"{dtype} {_text(shape)}" for shape, dtype in opened.inputs)
            raise ValueError(f"it takes {found or 'nothing'}, expected one float32 array")
        shape = opened.inputs[0][0]
        self.batched, self.batch = _batch(shape, window)
        self.n_unit_axes = max(0, len(shape) - len(window) - 1)  # such as a last axis of channels
        self.window = window
        if not output and len(opened.outputs) == 1:
            output = opened.outputs[0]
        if output not in opened.outputs:
            raise ValueError(
                f"its outputs are {', '.join(map(repr, opened.outputs))}, none of "
                f'them is {output!r}; choose an output with --layer or as "output"'
            )
        self.output, self.call = output, opened.call
        try:
            zeros = np.zeros((self.batch or 1, *window), np.float32)
            self.dim: int = self._vectors(zeros).shape[1]
        except ValueError:
            raise
        except Exception as error:  # the type depends on the model
            if is_out_of_memory(error):
                raise
            raise ValueError(f"it fails on a window of zeros ({first_line(error)})") from error

    def run(self, windows: Array) -> Array:
        """Return the vectors, (n, dim), of windows (n, ...)."""
        size = self.batch or len(windows)
        parts = []
        for first in range(0, len(windows), size):
            part = windows[first : first + size]
            n_real = len(part)
            if n_real < size:
                filler = np.zeros((size - n_real, *self.window), np.float32)
                part = np.concatenate([part, filler])
            parts.append(self._vectors(part)[:n_real])
        return np.concatenate(parts)

    def _vectors(self, windows: Array) -> Array:
        n = len(windows)
        shape = (n, *self.window, *(1,) * self.n_unit_axes) if self.batched else self.window
        found = np.asarray(self.call(self.output, np.ascontiguousarray(windows.reshape(shape))))
        values = found.reshape(1, *found.shape) if n == 1 and found.shape[:1] != (1,) else found
        is_vector = values.shape[:1] == (n,) and sum(size > 1 for size in values.shape[1:]) <= 1
        if not is_vector or not np.issubdtype(values.dtype, np.floating):
            raise ValueError(
                f"for {n} windows {self.output!r} gives {found.dtype} {_text(found.shape)}, "
                "expected floats, one vector per window"
            )
        return values.reshape(n, -1).astype(np.float32, copy=False)


def _batch(shape: Shape, window: tuple[int, ...]) -> tuple[bool, int]:
    """Return whether the first axis is that of windows, and its size, 0 if it may vary."""
    batched = len(shape) > len(window)
    inner = shape[1:] if batched else shape
    rest = inner[len(window) :]
    fits = all(size in (1, None) for size in rest) and len(inner) >= len(window)
    if not fits or any(a not in (b, None) for a, b in zip(inner, window, strict=False)):
        raise ValueError(
            f"it takes float32 {_text(shape)}, which does not fit a window of {_text(window)}"
        )
    return batched, (shape[0] or 0) if batched else 1


def shape_of(sizes: Sequence[Any]) -> Shape:
    return tuple(None if size is None or size < 0 else int(size) for size in sizes)


def _text(shape: Shape) -> str:
    return "(" + ", ".join("any" if size is None else str(size) for size in shape) + ")"


def first_line(error: Exception) -> str:
    """Return the first line of a message, because those of TensorFlow may take pages."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
