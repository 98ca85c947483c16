"""Scores that a network gives itself: nothing was fitted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from audiotl_cli.classifiers.parts import Array, Outputs, Part, State
from audiotl_cli.graph import Graph


@dataclass(frozen=True)
class GivenScores:
    """A head that takes some columns of the features as the scores of its labels.

    Parameters
    ----------
    columns : int64 (n_labels,)
    """

    kind: ClassVar[str] = "given_scores"
    columns: npt.NDArray[np.int64]

    def to_part(self) -> Part:
        """Return the part to save."""
        return Part(self.kind, State({"columns": self.columns}))

    def outputs(self, X: Array) -> Outputs[Array]:
        """Return the columns, (n_rows, n_labels); means may be rounded beyond 1."""
        return Outputs(probabilities=np.clip(X[:, self.columns].astype(np.float64), 0, 1))

    def add_outputs(self, graph: Graph, x: str) -> Outputs[str]:
        """Add the ONNX nodes of `outputs`."""
        taken = graph.cast(graph.add("Gather", x, self.columns, axis=1), np.float64)
        return Outputs(probabilities=graph.add("Clip", taken, np.float64(0), np.float64(1)))

    def typical(self, n_features: int) -> tuple[Array, Array]:
        """Return the approximate centre and spread of the features."""
        return np.full(n_features, 0.5), np.full(n_features, 0.5)
