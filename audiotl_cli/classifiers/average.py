"""A classifier for every extractor, and the mean of their scores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from audiotl_cli.classifiers.parts import Array, Head, Outputs, Part, State
from audiotl_cli.classifiers.scoring import add_row_scores, row_scores
from audiotl_cli.graph import Graph


@dataclass(frozen=True)
class Average:
    """The mean of the scores of several classifiers, one per extractor.

    Parameters
    ----------
    members : sequence of Head
    widths : sequence of int
        Number of columns of each member.
    n_labels : int
    multi_label : bool
        Whether a row may have several labels.
    """

    kind: ClassVar[str] = "average"
    members: Sequence[Head]
    widths: Sequence[int]
    n_labels: int
    multi_label: bool = False

    def to_part(self) -> Part:
        """Return the part to save."""
        state = State(params={"widths": list(self.widths)})
        return Part(self.kind, state, [member.to_part() for member in self.members])

    def outputs(self, X: Array) -> Outputs[Array]:
        """Return the mean of the members' scores (n_rows, n_labels)."""
        scores = [
            row_scores(member.outputs(X[:, columns]), self.n_labels, multi_label=self.multi_label)
            for member, columns in zip(self.members, self.columns(), strict=True)
        ]
        return Outputs(np.mean(scores, axis=0))

    def add_outputs(self, graph: Graph, x: str) -> Outputs[str]:
        """Add the ONNX nodes that compute `outputs`."""
        total = ""
        for member, columns in zip(self.members, self.columns(), strict=True):
            part = graph.add("Gather", x, np.arange(columns.start, columns.stop), axis=1)
            outputs = member.add_outputs(graph, part)
            scores = add_row_scores(graph, outputs, self.n_labels, multi_label=self.multi_label)
            total = graph.add("Add", total, scores) if total else scores
        return Outputs(graph.add("Div", total, np.float64(len(self.members))))

    def typical(self, n_features: int) -> tuple[Array, Array]:
        """Return the approximate centre and spread of the features of all extractors."""
        known = [
            member.typical(width) for member, width in zip(self.members, self.widths, strict=True)
        ]
        centres, spreads = zip(*known, strict=True)
        return np.concatenate(centres), np.concatenate(spreads)

    def columns(self) -> Iterator[slice]:
        """Yield the columns of each member."""
        ends = np.cumsum(self.widths).tolist()
        for first, last in zip([0, *ends[:-1]], ends, strict=True):
            yield slice(first, last)
