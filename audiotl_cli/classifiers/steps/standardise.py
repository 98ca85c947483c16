"""Standardise features: a mean of 0 and a deviation of 1 each."""

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
        """Return what a fitted scaler of scikit-learn does."""
        return cls(np.asarray(scaler.mean_), np.asarray(scaler.scale_))

    @classmethod
    def from_state(cls, state: State, n_features: int) -> Self:
        """Return the step that was saved; `DamagedError` if it is none."""
        expect_names(state, ["mean", "scale"])
        mean, scale = (floats(state, name, n_features) for name in ("mean", "scale"))
        if not (scale > 0).all():
            raise DamagedError("scale has values that are not positive")
        return cls(mean, scale)

    @property
    def n_outputs(self) -> int:
        """How many features it gives."""
        return len(self.mean)

    def to_state(self) -> State:
        """Return what is saved."""
        return State({"mean": self.mean, "scale": self.scale})

    def apply(self, X: Array) -> Array:
        """Return rows scaled, in the precision they come in."""
        rows: Array = X - self.mean.astype(X.dtype)
        rows /= self.scale.astype(X.dtype)
        return rows

    def add_to(self, graph: Graph, x: str) -> str:
        """Write what `apply` does; rounded to single precision after each step, as there."""
        wide = graph.cast(x, np.float64)
        centred = graph.cast(graph.add("Sub", wide, self.mean.astype(np.float64)), np.float32)
        scaled = graph.add("Div", graph.cast(centred, np.float64), self.scale.astype(np.float64))
        return graph.cast(scaled, np.float32)

    def typical(self) -> tuple[Array, Array]:
        """Return about where the features lay: centre and spread."""
        return self.mean, self.scale
