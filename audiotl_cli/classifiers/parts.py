"""The fitted parts of a model, whose state is arrays and plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from audiotl_cli.graph import Graph

Array = npt.NDArray[Any]
Value = TypeVar("Value")


@dataclass(frozen=True)
class State:
    """The state of a fitted part.

    Parameters
    ----------
    arrays : mapping
        Numeric arrays by name.
    params : mapping
        Plain values (text, numbers, booleans, lists of these) by name.
    """

    arrays: Mapping[str, Array] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """A fitted part of a model as it is saved: its kind, its state and the parts within it.

    Parameters
    ----------
    kind : str
        The name of a recipe, or of another kind of part.
    state : State
    parts : sequence of Part
    """

    kind: str
    state: State = State()
    parts: Sequence[Part] = ()

    def settled(self) -> Part:
        """Return a copy whose arrays have the same memory layout as after loading.

        Products of arrays in another layout differ in the last bit.
        """
        arrays = {name: _saved(array) for name, array in self.state.arrays.items()}
        state = State(arrays, self.state.params)
        return Part(self.kind, state, [part.settled() for part in self.parts])

    def to_dict(self) -> dict[str, Any]:
        """Return the part as plain dictionaries, lists and arrays."""
        return {
            "kind": self.kind,
            "params": dict(self.state.params),
            "arrays": {name: _saved(array) for name, array in self.state.arrays.items()},
            "parts": [part.to_dict() for part in self.parts],
        }


def _saved(array: Array) -> Array:
    """Return a copy in C order and native byte order."""
    little = array.dtype.newbyteorder("<")
    return np.array(array, dtype=little, order="C")


@dataclass(frozen=True)
class Outputs(Generic[Value]):
    """The outputs of a classifier for rows, as arrays or as names of values in a graph.

    Parameters
    ----------
    probabilities : (n_rows, n_labels), optional
    margins : (n_rows, n_labels), or (n_rows, 1) of two labels, optional
        Exactly one of the two is present.
    votes : (n_rows, n_labels), optional
        What the predicted label is the highest of, where that is neither margins nor
        probabilities.
    """

    probabilities: Value | None = None
    margins: Value | None = None
    votes: Value | None = None


class Step(Protocol):
    """A fitted step before the classifier, such as a standardisation."""

    @property
    def kind(self) -> str:
        """Its name in a file."""

    @property
    def n_outputs(self) -> int:
        """Number of features it returns."""

    def to_state(self) -> State:
        """Return the part to save."""

    def apply(self, X: Array) -> Array:
        """Return rows (n_rows, n_outputs)."""

    def add_to(self, graph: Graph, x: str) -> str:
        """Add the ONNX nodes of `apply` to a graph."""

    def typical(self) -> tuple[Array, Array]:
        """Return the approximate centre and spread of the features that it was fitted on."""


class Head(Protocol):
    """A fitted classifier of rows."""

    def to_part(self) -> Part:
        """Return the part to save."""

    def outputs(self, X: Array) -> Outputs[Array]:
        """Return its outputs for rows (n_rows, n_features)."""

    def add_outputs(self, graph: Graph, x: str) -> Outputs[str]:
        """Add the ONNX nodes of `outputs` to a graph."""

    def typical(self, n_features: int) -> tuple[Array, Array]:
        """Return the approximate centre and spread of the features that it was fitted on."""
