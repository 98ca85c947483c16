"""Check the arrays and values of a saved model before anything is computed with them."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

import numpy as np

from audiotl_cli.classifiers.parts import Array, State

BLOCK = 1 << 20  # values checked at once, because a mask of all would take too much memory


class DamagedError(Exception):
    """A saved model is invalid; the message says what was found."""


def expect_names(state: State, arrays: Collection[str], params: Collection[str] = ()) -> None:
    """Raise `DamagedError` unless a state has exactly these arrays and values."""
    for kind, found, expected in (
        ("arrays", state.arrays, set(arrays)),
        ("values", state.params, set(params)),
    ):
        if set(found) != expected:
            raise DamagedError(f"it has the {kind} {sorted(found)}, expected {sorted(expected)}")


def floats(state: State, name: str, *shape: int | None) -> Array:
    """Return an array of finite floating-point numbers of a shape; None is any length."""
    array = shaped(state, name, shape, ("f4", "f8"))
    flat = array.reshape(-1)
    if not all(np.isfinite(flat[i : i + BLOCK]).all() for i in range(0, len(flat), BLOCK)):
        raise DamagedError(f"{name} has values that are not finite")
    return array


def integers(state: State, name: str, *shape: int | None, low: int, high: int) -> Array:
    """Return an array of whole numbers from `low` to `high`."""
    array = shaped(state, name, shape, ("i4", "i8"))
    if array.min() < low or array.max() > high:
        raise DamagedError(
            f"{name} has values from {array.min()} to {array.max()}, expected {low} to {high}"
        )
    return array


def shaped(state: State, name: str, shape: tuple[int | None, ...], types: tuple[str, ...]) -> Array:
    """Return a non-empty array of the given shape and one of the given types."""
    array = state.arrays[name]
    if array.dtype.str[1:] not in types or not array.dtype.isnative:
        raise DamagedError(f"{name} has the type {array.dtype}, expected {' or '.join(types)}")
    fits = array.ndim == len(shape) and all(
        length in (None, found) for length, found in zip(shape, array.shape, strict=True)
    )
    if not fits or array.size == 0:
        expected = tuple("any" if length is None else length for length in shape)
        raise DamagedError(f"{name} has the shape {array.shape}, expected {expected}")
    return array


def number(state: State, name: str, low: float = -math.inf, high: float = math.inf) -> float:
    """Return a finite number between bounds."""
    value = state.params[name]
    if type(value) not in (int, float) or not (math.isfinite(value) and low <= value <= high):
        raise DamagedError(f"{name} is {_shown(value)}, expected a number from {low} to {high}")
    return float(value)


def whole(state: State, name: str, low: int, high: int) -> int:
    """Return a whole number between bounds."""
    value = state.params[name]
    if type(value) is not int or not low <= value <= high:
        raise DamagedError(f"{name} is {_shown(value)}, expected a whole number {low} to {high}")
    return value


def choice(state: State, name: str, choices: Collection[str]) -> str:
    """Return a text that is one of the choices."""
    value = state.params[name]
    if type(value) is not str or value not in choices:
        raise DamagedError(f"{name} is {_shown(value)}, expected one of {', '.join(choices)}")
    return value


def flag(state: State, name: str) -> bool:
    """Return a Boolean value."""
    value = state.params[name]
    if type(value) is not bool:
        raise DamagedError(f"{name} is {_shown(value)}, expected true or false")
    return value


def _shown(value: Any) -> str:
    return ascii(value)[:60]
