"""Linear support vector machine."""

from __future__ import annotations

from typing import Any, ClassVar

from audiotl_cli.classifiers.checks import expect_names
from audiotl_cli.classifiers.maths import linear
from audiotl_cli.classifiers.parts import Array, Outputs, State
from audiotl_cli.classifiers.recipe import Params, Recipe, SearchSpace, each
from audiotl_cli.errors import UsageError
from audiotl_cli.graph import Graph

# LinearSVC shrinks its intercepts with its weights, which costs accuracy where one label stands
# against many others; ten times the scale is a hundredth of that
_FREE_INTERCEPT = {"intercept_scaling": 10, "max_iter": 10_000}


class LinearSvmRecipe(Recipe):
    name = "linear-svm"
    aliases = ("linearsvm",)
    summary = "Linear support vector machine"
    place = 10
    quick = True
    complexity = 0
    params: ClassVar[Params] = {"C": 1.0}  # as in sklearn-audio-transfer-learning
    streams = True
    thread_safe = False  # liblinear draws its random numbers from one generator for the process
    rotates = True
    space = SearchSpace(
        scaled=each("C", 0.001, 0.003, 0.01, 0.03, 0.1, **_FREE_INTERCEPT),
        frames=each("C", 0.001, 0.01, 0.1, **_FREE_INTERCEPT),
        whitened=each("C", 0.01, 0.1, **_FREE_INTERCEPT),
    )

    def build(self, params: Params) -> Any:
        from sklearn.svm import LinearSVC

        return LinearSVC(**params)

    def build_streaming(self, params: Params, seed: int, n_rows: int) -> Any:
        """Return gradient descent on the hinge loss, averaged over its steps.

        The strength of regularisation is that of the same C: ``alpha = 1 / (C * n_rows)``.
        """
        from sklearn.linear_model import SGDClassifier

        if unknown := sorted(params.keys() - {"C", "max_iter"}):
            raise UsageError(
                "linear-svm, fitted block by block, takes only the parameters C and max_iter, "
                f"not {', '.join(unknown)}"
            )
        alpha = 1 / (params.get("C", 1.0) * n_rows)
        return SGDClassifier(
            loss="hinge", average=True, max_iter=600, random_state=seed, alpha=alpha
        )

    def to_state(self, estimator: Any) -> State:
        return State(linear.plane_arrays(estimator))

    def check(self, state: State, n_features: int, n_labels: int) -> None:
        expect_names(state, linear.ARRAYS)
        linear.check_planes(state, n_features, n_labels)

    def outputs(self, state: State, X: Array) -> Outputs[Array]:
        return Outputs(margins=linear.plane_margins(state, X))

    def add_outputs(self, graph: Graph, state: State, x: str) -> Outputs[str]:
        return Outputs(margins=linear.add_plane_margins(graph, state, x))


RECIPE = LinearSvmRecipe()
