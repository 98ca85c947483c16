"""Multi-label classification: one classifier per label, against all other clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from audiotl_cli.classifiers.parts import Array, Head, Outputs, Part, State
from audiotl_cli.classifiers.scoring import both
from audiotl_cli.graph import Graph


@dataclass(frozen=True)
class OneVersusRest:
    """One classifier per label.

    Parameters
    ----------
    members : sequence of Head
        Each has two labels: without and with the label.
    """

    kind: ClassVar[str] = "one-versus-rest"
    members: Sequence[Head]

    def to_part(self) -> Part:
        """Return the part to save."""
        return Part(self.kind, parts=[member.to_part() for member in self.members])

    def outputs(self, X: Array) -> Outputs[Array]:
        """Return probabilities if all members give them, else margins, (n_rows, n_labels)."""
        outputs = [member.outputs(X) for member in self.members]
        known = [output.probabilities for output in outputs]
        likely = [values[:, 1:] for values in known if values is not None]
        if len(likely) == len(outputs):
            return Outputs(np.concatenate(likely, axis=1))
        margins = [output.margins for output in outputs if output.margins is not None]
        return Outputs(margins=np.concatenate(margins, axis=1))

    def add_outputs(self, graph: Graph, x: str) -> Outputs[str]:
        """Add the ONNX nodes that compute `outputs`."""
        outputs = [member.add_outputs(graph, x) for member in self.members]
        likely = [
            graph.add("Gather", output.probabilities, np.array([1]), axis=1)
            for output in outputs
            if output.probabilities is not None
        ]
        if len(likely) == len(outputs):
            return Outputs(graph.add("Concat", *likely, axis=1))
        margins = [output.margins for output in outputs]
        return Outputs(margins=graph.add("Concat", *margins, axis=1))

    def typical(self, n_features: int) -> tuple[Array, Array]:
        """Return the centre and spread of features, from the first member that has them."""
        centre, spread = self.members[0].typical(n_features)
        for member in self.members[1:]:
            if centre.any():
                break
            centre, spread = member.typical(n_features)
        return centre, spread


@dataclass(frozen=True)
class Constant:
    """A classifier for a label that all clips have, or none.

    Parameters
    ----------
    value : int
        0 or 1.
    """

    kind: ClassVar[str] = "constant"
    value: int

    def to_part(self) -> Part:
        """Return the part to save."""
        return Part(self.kind, State(params={"value": self.value}))

    def outputs(self, X: Array) -> Outputs[Array]:
        """Return the same for every row."""
        margins = np.full((len(X), 1), float(self.value))
        return Outputs(both(margins), margins)

    def add_outputs(self, graph: Graph, x: str) -> Outputs[str]:
        """Add the ONNX nodes that compute `outputs`."""
        none = graph.add("Mul", graph.reduce("Sum", graph.cast(x, np.float64), 1), np.float64(0))
        margins = graph.add("Add", none, np.float64(self.value))
        other = graph.add("Sub", np.float64(1), margins)
        return Outputs(graph.add("Concat", other, margins, axis=1), margins)

    def typical(self, n_features: int) -> tuple[Array, Array]:
        """Return nothing that is known: zeros and ones."""
        return np.zeros(n_features), np.ones(n_features)
