"""Scale the square roots of features, with one factor per extractor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from audiotl_cli.classifiers.checks import expect_names, floats
from audiotl_cli.classifiers.parts import Array, State
from audiotl_cli.classifiers.steps.standardise import Standardise
from audiotl_cli.graph import Graph


class SqrtScaler:
    """Take square roots, keeping signs; centre every feature; scale all of them alike.

    The root tames features of a network that are nearly always small and at times very large
    (Perronnin, F. et al. (2010). Improving the Fisher kernel for large-scale image
    classification. ECCV). With one factor, a feature that hardly moves stays small, where
    standardising would make it as large as the others.

    Parameters
    ----------
    widths : sequence of int
        How many columns belong to each extractor; each has a factor of its own, after which its
        features have a variance of 1 on average. Empty for one extractor.
    """

    def __init__(self, widths: Sequence[int] = ()) -> None:
        self.widths = tuple(widths)
        self._moments: Any = None

    def fit(self, X: Array, y: Any = None) -> Self:
        """Learn means and factors."""
        self._moments = None
        return self.partial_fit(X)

    def partial_fit(self, X: Array, y: Any = None) -> Self:
        """Learn means and factors from some more rows."""
        from sklearn.preprocessing import StandardScaler

        self._moments = self._moments or StandardScaler()
        self._moments.partial_fit(signed_sqrt(X))
        self.mean_, self.var_ = self._moments.mean_, self._moments.var_
        widths = self.widths or (X.shape[1],)
        parts = np.split(self.var_, np.cumsum(widths)[:-1])
        factors = np.sqrt([part.mean() for part in parts])
        self.scale_ = np.repeat(np.where(factors > 0, factors, 1.0), widths)
        return self

    def transform(self, X: Array, copy: bool | None = None) -> Array:
        """Return rows (n_rows, n_features), scaled; `copy` as for scikit-learn's scaler."""
        return SqrtScaling.of(self).apply(X)

    def fit_transform(self, X: Array, y: Any = None) -> Array:
        """Learn from rows, and return them scaled."""
        return self.fit(X).transform(X)


@dataclass(frozen=True)
class SqrtScaling:
    """A fitted `SqrtScaler`.

    Parameters
    ----------
    mean, scale : (n_features,)
        Of the square roots.
    deviation : (n_features,)
        Of each feature's square roots.
    """

    kind: ClassVar[str] = "sqrt-scaling"
    mean: Array
    scale: Array
    deviation: Array

    @classmethod
    def of(cls, scaler: SqrtScaler) -> Self:
        """Return the step of a fitted scaler."""
        return cls(np.asarray(scaler.mean_), np.asarray(scaler.scale_), np.sqrt(scaler.var_))

    @classmethod
    def from_state(cls, state: State, n_features: int) -> Self:
        """Return the saved step; raise `DamagedError` if it is invalid."""
        expect_names(state, ["mean", "scale", "deviation"])
        arrays = {name: state.arrays[name] for name in ("mean", "scale")}
        inner = Standardise.from_state(State(arrays), n_features)
        return cls(inner.mean, inner.scale, floats(state, "deviation", n_features))

    @property
    def n_outputs(self) -> int:
        """Number of features it returns."""
        return len(self.mean)

    def to_state(self) -> State:
        """Return the part to save."""
        return State({"mean": self.mean, "scale": self.scale, "deviation": self.deviation})

    def apply(self, X: Array) -> Array:
        """Return scaled rows, in the precision of the input."""
        return Standardise(self.mean, self.scale).apply(signed_sqrt(X))

    def add_to(self, graph: Graph, x: str) -> str:
        """Add the ONNX nodes of `apply`."""
        rooted = graph.add("Mul", graph.add("Sign", x), graph.add("Sqrt", graph.add("Abs", x)))
        return Standardise(self.mean, self.scale).add_to(graph, rooted)

    def typical(self) -> tuple[Array, Array]:
        """Return the approximate centre and spread of the features."""
        centre = np.sign(self.mean) * self.mean**2
        return centre, self.deviation * (2 * np.abs(self.mean) + self.deviation)


def signed_sqrt(X: Array) -> Array:
    """Return square roots that keep their signs."""
    rooted: Array = np.sign(X) * np.sqrt(np.abs(X))
    return rooted
