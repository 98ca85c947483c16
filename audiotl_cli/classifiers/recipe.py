"""The interface of a classifier: a recipe."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from audiotl_cli.classifiers.parts import Array, Outputs, State
from audiotl_cli.graph import Graph

Params = Mapping[str, Any]


@dataclass(frozen=True)
class SearchSpace:
    """The parameters that a search tries, by how features are prepared for them.

    Parameters
    ----------
    scaled : tuple of dict
        On standardised clips, and on clips scaled by square roots.
    frames : tuple of dict
        On frames that vote.
    whitened : tuple of dict
        On the principal components of clips.
    unscaled : tuple of dict
        On clips as they are.
    """

    scaled: tuple[Params, ...] = ()
    frames: tuple[Params, ...] = ()
    whitened: tuple[Params, ...] = ()
    unscaled: tuple[Params, ...] = ()


def each(name: str, *values: float, **fixed: Any) -> tuple[Params, ...]:
    """Return parameters for each value of one of them."""
    return tuple({name: value, **fixed} for value in values)


class Recipe(ABC):
    """One classifier: how it is fitted, saved, checked, computed and written as ONNX.

    A file in the folder ``recipes`` (or an entry point of the group ``audiotl.classifiers``) has
    one, named ``RECIPE``. Its module imports no scikit-learn: only `build` and `build_streaming`
    do, so that a saved model predicts without.

    Attributes
    ----------
    name : str
        What ``--classifier`` takes.
    summary : str
        A description in one line.
    aliases : tuple of str
        Other names, in lower case.
    place : int
        Its position in lists; the lowest is the default.
    complexity : int
        How flexible it is, from 0: linear classifiers have one hyperplane per label, a small
        network bends it, and kernels and neighbours can follow single clips. Among statistically
        tied settings, the simplest is chosen.
    params : mapping
        The default parameters.
    scales : bool
        Whether features are standardised by default.
    seeded : bool
        Whether it takes ``random_state``.
    class_weights : bool
        Whether it takes ``class_weight``; by these, labels are balanced.
    equal_priors : bool
        Whether labels are balanced by `equalise` instead. What has neither is trained on rare
        labels' clips several times over.
    streams : bool
        Whether it can be fitted block by block; see `build_streaming`.
    thread_safe : bool
        Whether fitting in several threads at once gives the same results.
    quick : bool
        Whether a fit on a few hundred clips takes a fraction of a second.
    rotates : bool
        Whether it depends only on products and distances of rows, so that rows may be rotated
        into a smaller space before it is fitted.
    space : SearchSpace
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    place: ClassVar[int] = 1000
    complexity: ClassVar[int] = 4
    aliases: ClassVar[tuple[str, ...]] = ()
    params: ClassVar[Params] = {}
    scales: ClassVar[bool] = False
    seeded: ClassVar[bool] = True
    class_weights: ClassVar[bool] = True
    equal_priors: ClassVar[bool] = False
    streams: ClassVar[bool] = False
    thread_safe: ClassVar[bool] = True
    quick: ClassVar[bool] = False
    rotates: ClassVar[bool] = False
    space: ClassVar[SearchSpace] = SearchSpace()

    @abstractmethod
    def build(self, params: Params) -> Any:
        """Return an unfitted scikit-learn estimator; raise `TypeError` for unknown parameters."""

    def suited_params(self, n_rows: int) -> Params:
        """Return parameters that depend on how many rows it is fitted to."""
        return {}

    def equalise(self, estimator: Any, counts: Array) -> None:
        """Change a fitted estimator as if every label had had as many rows as the others.

        Parameters
        ----------
        estimator : object
        counts : float64 (n_labels,)
            Rows of each label that it was fitted on.
        """
        raise NotImplementedError

    def build_streaming(self, params: Params, seed: int, n_rows: int) -> Any:
        """Return an estimator with ``partial_fit``, for `n_rows` rows in all.

        Raises
        ------
        UsageError
            It cannot be fitted so with these parameters.
        """
        raise NotImplementedError

    @abstractmethod
    def to_state(self, estimator: Any) -> State:
        """Return the state of a fitted estimator, whose classes are 0 ... n_labels - 1.

        Raises
        ------
        UsageError
            It was fitted with an unsupported parameter.
        """

    @abstractmethod
    def check(self, state: State, n_features: int, n_labels: int) -> None:
        """Raise `DamagedError` unless a state is valid, even if it comes from an untrusted file.

        Checks shapes, types, finite values and ranges of indexes, so that evaluation ends.
        """

    @abstractmethod
    def outputs(self, state: State, X: Array) -> Outputs[Array]:
        """Return the outputs of the estimator for rows (n_rows, n_features), within 1e-6."""

    @abstractmethod
    def add_outputs(self, graph: Graph, state: State, x: str) -> Outputs[str]:
        """Add the ONNX nodes of `outputs` to a graph.

        Raises
        ------
        UsageError
            It has no ONNX form.
        """

    def typical(self, state: State, n_features: int) -> tuple[Array, Array]:
        """Return the approximate centre and spread (n_features,) of its training rows."""
        return np.zeros(n_features), np.ones(n_features)
