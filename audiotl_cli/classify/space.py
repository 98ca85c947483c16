"""The settings worth a try, the simple ones first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from audiotl_cli.classify.classifier import ClassifierOptions
from audiotl_cli.errors import UsageError

Learner = tuple[str, str, tuple[float, ...]]
"""A classifier, the parameter to vary, and its values."""

LEARNERS: tuple[Learner, ...] = (
    ("logreg", "C", (0.01, 0.03, 0.1, 0.3, 1.0)),
    ("linear-svm", "C", (0.001, 0.003, 0.01, 0.03, 0.1)),
    ("svm", "C", (1.0, 3.0, 10.0)),
)
_ON_FRAMES: tuple[Learner, ...] = (
    ("linear-svm", "C", (0.001, 0.01, 0.1)),
    ("mlp", "max_iter", (600,)),
)
_WHITENED: tuple[Learner, ...] = (
    ("logreg", "C", (0.01, 0.1)),
    ("linear-svm", "C", (0.01, 0.1)),
    ("svm", "C", (1.0, 3.0)),
)
_UNSCALED: tuple[Learner, ...] = (("svm", "C", (1.0, 10.0)),)
_POOLINGS = ("mean+std", "mean", "mean+max")
_ALSO = {"linear-svm": {"intercept_scaling": 10, "max_iter": 10_000}}
"""LinearSVC shrinks its intercepts with its weights, which costs accuracy where one label stands
against many others; ten times the scale is a hundredth of that."""
_N_WHITE = 64  # dimensions of the PCA that is tried

_KINDS = (("logreg", "linear-svm", "perceptron"), ("mlp",), ("svm",), ("knn",))


@dataclass(frozen=True)
class Setting:
    """What to fit, and on whose features.

    Parameters
    ----------
    options : ClassifierOptions
    parts : tuple of int
        Positions of the extractors whose features are put side by side.
    """

    options: ClassifierOptions
    parts: tuple[int, ...] = (0,)

    @property
    def complexity(self) -> tuple[int, int]:
        """How easily it fits whatever it is shown: by kind of classifier, then extractors.

        Linear ones draw one plane a label, a small network bends it, kernels and neighbours
        can follow single clips.
        """
        name = self.options.classifier
        kind = next((i for i, kind in enumerate(_KINDS) if name in kind), len(_KINDS))
        return kind, len(self.parts)


def settings(
    n: int,
    base: ClassifierOptions,
    subsets: Sequence[tuple[int, ...]] = ((0,),),
    *,
    voting: Sequence[tuple[int, ...]] = (),
    n_features: int = 0,
) -> list[Setting]:
    """Return settings worth a try: the one asked for, then draws from all there are.

    Those drawn are listed simple ones first, which decides between equals. The seed is that
    asked for, and so is a PCA.

    Parameters
    ----------
    n : int
        How many, at least 1; fewer where there are not as many.
    base : ClassifierOptions
        Tried on the first subset.
    subsets : sequence of tuple of int
        Extractors whose features may be put side by side.
    voting : sequence of tuple of int
        Those of them whose frames may vote.
    n_features : int
        The least that a PCA would be fitted on, clips or values; few allow none.

    Raises
    ------
    UsageError
        `n` is below 1.
    """
    if n < 1:
        raise UsageError(f"--search is {n}, expected a number of settings from 1")
    space = []
    for parts in subsets:
        found = _draw(LEARNERS, _POOLINGS, base)
        found += [replace(one, root=True) for one in found]
        if parts in voting:
            found += _draw(_ON_FRAMES, ("vote",), base)
        if base.pca is None and n_features > _N_WHITE:
            found += _draw(_WHITENED, _POOLINGS[:2], replace(base, pca=_N_WHITE))
        if base.scale is None and len(parts) == 1:
            found += [replace(one, scale=False) for one in _draw(_UNSCALED, _POOLINGS[:2], base)]
        space += [Setting(options, parts) for options in found]
    order = np.random.default_rng(base.seed).permutation(len(space))
    drawn = [space[i] for i in sorted(order[: n - 1])]
    return [Setting(base, subsets[0]), *sorted(drawn, key=lambda one: one.complexity)]


def _draw(
    learners: Sequence[Learner], poolings: Sequence[str], base: ClassifierOptions
) -> list[ClassifierOptions]:
    plain = replace(base, scale=True, root=False)
    return [
        replace(plain, classifier=name, pooling=pooling, params={key: value, **_ALSO.get(name, {})})
        for name, key, values in learners
        for value in values
        for pooling in poolings
    ]
