"""What kind of classifier to fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DEFAULT_CLASSIFIER = "logreg"
DEFAULT_POOLING = "mean+std"

COMBINATIONS = ("concat", "average")
"""What becomes of several extractors: one classifier of their features side by side, or one
classifier each and the mean of their scores."""


@dataclass(frozen=True)
class ClassifierOptions:
    """What kind of classifier to fit.

    Parameters
    ----------
    classifier : str
        A name or alias of a recipe.
    pooling : str
    pca : int or None
        Dimensions of a whitening PCA.
    scale : bool or None
        Whether to standardise features; None is the classifier's own habit, and yes where
        several extractors' features stand side by side: unscaled, the one with the largest
        numbers would drown the others.
    sqrt : bool
        Whether features are scaled by `SqrtScaler` where they are scaled.
    params : mapping
        Parameters of the estimator.
    seed : int
    combine : str
        One of `COMBINATIONS`.
    balance : bool
        Whether every label weighs the same, however many clips it has: by weights, or by
        drawing clips of rare labels again where the classifier takes no weights.
    multi_label : bool
        Whether a clip's label may be several joined by ``;``: then one classifier a label is
        fitted, against all other clips.
    """

    classifier: str = DEFAULT_CLASSIFIER
    pooling: str = DEFAULT_POOLING
    pca: int | None = None
    scale: bool | None = None
    sqrt: bool = False
    params: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    combine: str = "concat"
    balance: bool = False
    multi_label: bool = False
