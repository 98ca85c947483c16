"""Principal components, each scaled to a variance of 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from audiotl_cli.classifiers.checks import DamagedError, expect_names, floats
from audiotl_cli.classifiers.parts import Array, State
from audiotl_cli.graph import Graph


@dataclass(frozen=True)
class Whitening:
    """A whitening PCA: centred after the projection, as scikit-learn does.

    Parameters
    ----------
    components : (n_components, n_features)
    mean : (n_features,)
    deviation : (n_components,)
    """

    kind: ClassVar[str] = "whitening"
    components: Array
    mean: Array
    deviation: Array

    @classmethod
    def of(cls, pca: Any) -> Self:
        """Return the step of a fitted scikit-learn PCA."""
        variance = np.asarray(pca.explained_variance_)
        # directions without variance are not amplified
        deviation = np.maximum(np.sqrt(variance), np.finfo(variance.dtype).eps)
        return cls(np.asarray(pca.components_), np.asarray(pca.mean_), deviation)

    @classmethod
    def from_state(cls, state: State, n_features: int) -> Self:
        """Return the saved step; raise `DamagedError` if it is invalid."""
        expect_names(state, ["components", "mean", "deviation"])
        components = floats(state, "components", None, n_features)
        deviation = floats(state, "deviation", len(components))
        if not (deviation > 0).all():
            raise DamagedError("deviation has values that are not positive")
        return cls(components, floats(state, "mean", n_features), deviation)

    @property
    def n_outputs(self) -> int:
        """Number of features it returns."""
        return len(self.components)

    def to_state(self) -> State:
        """Return the part to save."""
        return State(
            {"components": self.components, "mean": self.mean, "deviation": self.deviation}
        )

    def apply(self, X: Array) -> Array:
        """Return rows of whitened components."""
        rows: Array = X @ self.components.T
        rows -= self.mean.reshape(1, -1) @ self.components.T
        rows /= self.deviation
        return rows

    def add_to(self, graph: Graph, x: str) -> str:
        """Add the ONNX nodes of `apply`."""
        scale = self.deviation[:, None].astype(np.float64)
        directions = (self.components / scale).T
        centred = graph.add("Sub", graph.cast(x, np.float64), self.mean.astype(np.float64))
        return graph.cast(graph.add("MatMul", centred, directions), np.float32)

    def typical(self) -> tuple[Array, Array]:
        """Return the approximate centre and spread of the features."""
        return self.mean, np.sqrt(self.deviation**2 @ self.components**2)
