"""Standardise features to mean 0 and standard deviation 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from audiotl_cli.classifiers.checks import DamagedError, expect_names, floats
from audiotl_cli.classifiers.parts import Array, State
from audiotl_cli.graph import Graph


@dataclass(frozen=True)
class Standardise:
    """``(X - mean) / scale``, both (n_features,)."""

    kind: ClassVar[str] = "standardise"
    mean: Array
    scale: Array

    @classmethod
    def of(cls, scaler: Any) -> Self:
        """Return the step of a fitted scikit-learn scaler."""
        return cls(np.asarray(scaler.mean_), np.asarray(scaler.scale_))

    @classmethod
    def from_state(cls, state: State, n_features: int) -> Self:
        """Return the saved step; raise `DamagedError` if it is invalid."""
        expect_names(state, ["mean", "scale"])
        mean, scale = (floats(state, name, n_features) for name in ("mean", "scale"))
        if not (scale > 0).all():
            raise DamagedError("scale has values that are not positive")
        return cls(mean, scale)

    @property
    def n_outputs(self) -> int:
        """Number of features it returns."""
        return len(self.mean)

    def to_state(self) -> State:
        """Return the part to save."""
        return State({"mean": self.mean, "scale": self.scale})

    def apply(self, X: Array) -> Array:
        """Return scaled rows, in the precision of the input."""
        rows: Array = X - self.mean.astype(X.dtype)
        rows /= self.scale.astype(X.dtype)
        return rows

    def add_to(self, graph: Graph, x: str) -> str:
        """Add the ONNX nodes of `apply`, with the same rounding to single precision."""
        wide = graph.cast(x, np.float64)
        centred = graph.cast(graph.add("Sub", wide, self.mean.astype(np.float64)), np.float32)
        scaled = graph.add("Div", graph.cast(centred, np.float64), self.scale.astype(np.float64))
        return graph.cast(scaled, np.float32)

    def typical(self) -> tuple[Array, Array]:
        """Return the approximate centre and spread of the features."""
        return self.mean, self.scale
