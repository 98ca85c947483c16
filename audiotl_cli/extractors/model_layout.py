"""How the windows of a front end lie in the tensor that a network file takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
Shape = tuple[int | None, ...]
BATCH, UNIT = "batch", "1"


@dataclass(frozen=True)
class Layout:
    """The axes of a tensor, in their order.

    Parameters
    ----------
    axes : tuple of str
        ``batch``, ``time``, ``mel``, or ``1`` for an axis of length 1. Without ``batch``, the
        network takes one window at a time.
    """

    axes: tuple[str, ...]

    @property
    def batched(self) -> bool:
        return BATCH in self.axes

    def arrange(self, windows: Array) -> Array:
        """Return the tensor of windows (n, time) or (n, time, mel); n is 1 without a batch axis."""
        sizes = dict(zip((BATCH, "time", "mel"), windows.shape, strict=False))
        order = [list(sizes).index(axis) for axis in self.axes if axis != UNIT]
        found = windows if self.batched else windows[0]
        turned = found.transpose(order if self.batched else [place - 1 for place in order])
        shape = [1 if axis == UNIT else sizes[axis] for axis in self.axes]
        return np.ascontiguousarray(turned.reshape(shape))

    def check(self, shape: Shape, window: Sequence[int]) -> None:
        """Raise ValueError if windows of a shape do not fit a tensor of a shape."""
        sizes = {"time": window[0], UNIT: 1} | ({"mel": window[1]} if len(window) > 1 else {})
        wanted = [sizes.get(axis) for axis in self.axes]  # None for any number of windows
        fits = len(shape) == len(wanted) and all(
            a is None or b is None or a == b for a, b in zip(shape, wanted, strict=True)
        )
        if not fits:
            raise ValueError(
                f"it takes float32 {shape_text(shape)}, which does not fit a window of "
                f"{shape_text(tuple(window))} as {' '.join(self.axes)}"
            )

    def size(self, shape: Shape, axis: str) -> int | None:
        """Return the length of an axis in a tensor of a shape; None if it may vary."""
        return shape[self.axes.index(axis)]


def parse_layout(text: str, axes: Sequence[str]) -> Layout:
    """Read axes separated by spaces; ValueError unless every axis of a front end is there once."""
    found = tuple(text.split())
    named = [axis for axis in found if axis != UNIT]
    needed = [BATCH, *axes] if BATCH in named else [*axes]
    if sorted(named) != sorted(needed) or len(found) > 8:
        raise ValueError(
            f"layout is {text!r}, expected the axes {', '.join(axes)} once each, with or without "
            f"'{BATCH}', and '{UNIT}' for an axis of length 1, such as '{BATCH} {' '.join(axes)}'"
        )
    return Layout(found)


def guess_layout(shape: Shape, axes: Sequence[str]) -> Layout:
    """Return the layout of a tensor of a shape: windows, their axes, then axes of length 1."""
    n_more = len(shape) - len(axes)
    batch = (BATCH,) if n_more > 0 else ()
    return Layout((*batch, *axes, *(UNIT,) * (n_more - 1)))


def shape_of(sizes: Sequence[Any]) -> Shape:
    """Return a shape, with None for sizes that may vary: names, None or negative numbers."""
    return tuple(int(size) if _is_size(size) else None for size in sizes)


def _is_size(size: Any) -> bool:
    return isinstance(size, int | np.integer) and int(size) >= 0


def shape_text(shape: Sequence[int | None]) -> str:
    """Return a shape for people."""
    return "(" + ", ".join("any" if size is None else str(size) for size in shape) + ")"
