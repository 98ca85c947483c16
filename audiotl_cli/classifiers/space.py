"""The settings of a search, from simple to complex."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from audiotl_cli.classifiers.options import ClassifierOptions
from audiotl_cli.classifiers.recipe import Params
from audiotl_cli.classifiers.registry import find_recipe, registered
from audiotl_cli.errors import UsageError

_POOLINGS = ("mean+std", "mean", "mean+max")
_N_WHITE = 64  # dimensions of the PCA that is tried

Candidates = Sequence[tuple[str, Params]]
"""Classifiers and their parameters."""


@dataclass(frozen=True)
class Setting:
    """A classifier's options and the extractors whose features it uses.

    Parameters
    ----------
    options : ClassifierOptions
    parts : tuple of int
        Positions of the extractors whose features are combined.
    """

    options: ClassifierOptions
    parts: tuple[int, ...] = (0,)

    @property
    def complexity(self) -> tuple[int, int]:
        """Complexity of the recipe, then the number of extractors."""
        return find_recipe(self.options.classifier).complexity, len(self.parts)


def settings(
    n: int,
    base: ClassifierOptions,
    subsets: Sequence[tuple[int, ...]] = ((0,),),
    *,
    voting: Sequence[tuple[int, ...]] = (),
    n_features: int = 0,
) -> list[Setting]:
    """Return settings to try: the requested one, then a random sample of all.

    The sample is sorted from simple to complex, which decides ties. The seed and the PCA are the
    requested ones.

    Parameters
    ----------
    n : int
        Number of settings, at least 1; there may be fewer.
    base : ClassifierOptions
        Tried on the first subset.
    subsets : sequence of tuple of int
        Extractors whose features may be combined.
    voting : sequence of tuple of int
        Subsets whose frames may vote.
    n_features : int
        The smaller of the numbers of clips and features, which limits the PCA.

    Raises
    ------
    UsageError
        `n` is below 1.
    """
    if n < 1:
        raise UsageError(f"--search is {n}, expected at least 1 setting")
    spaces = [(recipe.name, recipe.space) for recipe in registered().values()]
    scaled, frames, whitened, unscaled = (
        [(name, params) for name, space in spaces for params in getattr(space, how)]
        for how in ("scaled", "frames", "whitened", "unscaled")
    )
    found: list[Setting] = []
    for parts in subsets:
        options = _combine(scaled, _POOLINGS, base)
        options += [replace(option, sqrt=True) for option in options]
        if parts in voting:
            options += _combine(frames, ("vote",), base)
        if base.pca is None and n_features > _N_WHITE:
            options += _combine(whitened, _POOLINGS[:2], replace(base, pca=_N_WHITE))
        if base.scale is None and len(parts) == 1:
            plain = _combine(unscaled, _POOLINGS[:2], base)
            options += [replace(option, scale=False) for option in plain]
        found += [Setting(option, parts) for option in options]
    order = np.random.default_rng(base.seed).permutation(len(found))
    drawn = [found[i] for i in sorted(order[: n - 1])]
    return [Setting(base, subsets[0]), *sorted(drawn, key=lambda setting: setting.complexity)]


def _combine(
    candidates: Candidates, poolings: Sequence[str], base: ClassifierOptions
) -> list[ClassifierOptions]:
    plain = replace(base, scale=True, sqrt=False)
    return [
        replace(plain, classifier=name, pooling=pooling, params=params)
        for name, params in candidates
        for pooling in poolings
    ]
