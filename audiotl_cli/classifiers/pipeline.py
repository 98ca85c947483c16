"""A fitted pipeline: steps that prepare features, and a classifier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from audiotl_cli.classifiers.average import Average
from audiotl_cli.classifiers.checks import DamagedError, expect_names, whole
from audiotl_cli.classifiers.one_versus_rest import Constant, OneVersusRest
from audiotl_cli.classifiers.parts import Array, Head, Outputs, Part, State, Step
from audiotl_cli.classifiers.recipe import Recipe
from audiotl_cli.classifiers.registry import registered
from audiotl_cli.classifiers.scoring import row_labels
from audiotl_cli.classifiers.steps.sqrt_scaling import SqrtScaling
from audiotl_cli.classifiers.steps.standardise import Standardise
from audiotl_cli.classifiers.steps.whitening import Whitening
from audiotl_cli.graph import Graph

STEPS = {kind.kind: kind for kind in (Standardise, SqrtScaling, Whitening)}
MOST_FEATURES = 1_000_000


@dataclass(frozen=True)
class Fitted:
    """A fitted classifier of two or more labels.

    Parameters
    ----------
    recipe : Recipe
    state : State
    """

    recipe: Recipe
    state: State

    def to_part(self) -> Part:
        """Return the part to save."""
        return Part(self.recipe.name, self.state)

    def outputs(self, X: Array) -> Outputs[Array]:
        """Return its outputs for rows."""
        return self.recipe.outputs(self.state, X)

    def add_outputs(self, graph: Graph, x: str) -> Outputs[str]:
        """Add the ONNX nodes of `outputs`."""
        return self.recipe.add_outputs(graph, self.state, x)

    def typical(self, n_features: int) -> tuple[Array, Array]:
        """Return the approximate centre and spread of the features."""
        return self.recipe.typical(self.state, n_features)


@dataclass(frozen=True)
class Pipeline:
    """Steps, followed by a classifier.

    Parameters
    ----------
    steps : sequence of Step
    head : Head
    n_features : int
        Width of the rows.
    """

    kind: ClassVar[str] = "pipeline"
    steps: Sequence[Step]
    head: Head
    n_features: int

    @property
    def named_steps(self) -> Mapping[str, Step]:
        """The steps by their kind."""
        return {step.kind: step for step in self.steps}

    def to_part(self) -> Part:
        """Return the part to save."""
        steps = [Part(step.kind, step.to_state()) for step in self.steps]
        return Part(
            self.kind, State(params={"n_features": self.n_features}), [*steps, self.head.to_part()]
        )

    def transform(self, X: Array) -> Array:
        """Return rows (n_rows, n_features) as inputs of the classifier."""
        for step in self.steps:
            X = step.apply(X)
        return X

    def outputs(self, X: Array) -> Outputs[Array]:
        """Return the outputs of the classifier for rows (n_rows, n_features)."""
        with np.errstate(all="ignore"):  # scores are checked to be finite
            return self.head.outputs(self.transform(X))

    def predict(self, X: Array) -> npt.NDArray[np.intp]:
        """Return the number of the label of every row."""
        return row_labels(self.outputs(X))

    def predict_proba(self, X: Array) -> Array:
        """Return probabilities (n_rows, n_labels); raise `AttributeError` if there are none."""
        probabilities = self.outputs(X).probabilities
        if probabilities is None:
            raise AttributeError(
                "this classifier gives margins, not probabilities; use decision_function"
            )
        return probabilities

    def decision_function(self, X: Array) -> Array:
        """Return margins (n_rows, n_labels), or (n_rows,) of two labels.

        Raises
        ------
        AttributeError
            There are none.
        """
        margins = self.outputs(X).margins
        if margins is None:
            raise AttributeError(
                "this classifier gives probabilities, not margins; use predict_proba"
            )
        return margins[:, 0] if margins.shape[1] == 1 else margins

    def add_outputs(self, graph: Graph, x: str) -> Outputs[str]:
        """Add the ONNX nodes of `outputs`; `x` is float32 (n_rows, n_features)."""
        for step in self.steps:
            x = step.add_to(graph, x)
        return self.head.add_outputs(graph, x)

    def typical(self, n_features: int) -> tuple[Array, Array]:
        """Return the approximate centre and spread of the features."""
        return self.steps[0].typical() if self.steps else self.head.typical(n_features)


def is_scaled(pipeline: Pipeline) -> bool:
    """Return whether features are scaled first; of an average, whether its members' are."""
    if isinstance(pipeline.head, Average):
        members = pipeline.head.members
        return all(isinstance(member, Pipeline) and is_scaled(member) for member in members)
    return any(isinstance(step, Standardise | SqrtScaling) for step in pipeline.steps)


def read_pipeline(
    part: Part, n_labels: int, *, multi_label: bool = False, average: bool = True
) -> Pipeline:
    """Return the saved pipeline.

    Parameters
    ----------
    part : Part
    n_labels : int
    multi_label : bool
        Whether rows may have several labels.
    average : bool
        Whether it may be an average of pipelines.

    Raises
    ------
    DamagedError
        The part is not a valid pipeline.
    """
    if part.kind != Pipeline.kind or not 1 <= len(part.parts) <= len(STEPS) + 1:
        raise DamagedError(f"it is a {part.kind} of {len(part.parts)} parts, expected a pipeline")
    expect_names(part.state, [], ["n_features"])
    n_features = width = whole(part.state, "n_features", 1, MOST_FEATURES)
    steps: list[Step] = []
    for inner in part.parts[:-1]:
        if inner.kind not in STEPS or inner.parts:
            raise DamagedError(f"it has the step {inner.kind!r}")
        step: Step = STEPS[inner.kind].from_state(inner.state, width)
        steps.append(step)
        width = step.n_outputs
    last = part.parts[-1]
    if last.kind == Average.kind and average and not steps:
        head = _read_average(last, width, n_labels, multi_label=multi_label)
    elif multi_label:
        head = _read_one_versus_rest(last, width, n_labels)
    else:
        head = _read_fitted(last, width, n_labels)
    return Pipeline(steps, head, n_features)


def _read_average(part: Part, n_features: int, n_labels: int, *, multi_label: bool) -> Head:
    expect_names(part.state, [], ["widths"])
    members = [
        read_pipeline(inner, n_labels, multi_label=multi_label, average=False)
        for inner in part.parts
    ]
    widths: Any = part.state.params["widths"]
    expected = [member.n_features for member in members]
    if widths != expected or sum(widths) != n_features or not members:
        raise DamagedError(f"its averaged classifiers do not take {n_features} features in total")
    return Average(members, widths, n_labels, multi_label)


def _read_one_versus_rest(part: Part, n_features: int, n_labels: int) -> Head:
    expect_names(part.state, [])
    if part.kind != OneVersusRest.kind or len(part.parts) != n_labels:
        raise DamagedError(
            f"it has a {part.kind} of {len(part.parts)} parts, expected one for each of "
            f"{n_labels} labels"
        )
    members: list[Head] = []
    for inner in part.parts:
        if inner.kind == Constant.kind and not inner.parts:
            expect_names(inner.state, [], ["value"])
            members.append(Constant(whole(inner.state, "value", 0, 1)))
        else:
            members.append(_read_fitted(inner, n_features, 2))
    return OneVersusRest(members)


def _read_fitted(part: Part, n_features: int, n_labels: int) -> Fitted:
    recipe = registered().get(part.kind)
    if recipe is None or part.parts:
        raise DamagedError(
            f"it has the classifier {part.kind!r}, which is not installed; available "
            f"classifiers: {', '.join(registered())}"
        )
    recipe.check(part.state, n_features, n_labels)
    return Fitted(recipe, part.state)
