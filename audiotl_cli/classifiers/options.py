"""Options of a classifier."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DEFAULT_CLASSIFIER = "logreg"
DEFAULT_POOLING = "mean+std"

COMBINATIONS = ("concat", "average")
"""How to combine several extractors: one classifier of concatenated features, or one classifier per
extractor and the mean of their scores."""


@dataclass(frozen=True)
class ClassifierOptions:
    """Options of a classifier.

    Parameters
    ----------
    classifier : str
        A name or alias of a recipe.
    pooling : str
    pca : int or None
        Dimensions of a whitening PCA.
    scale : bool or None
        Whether to standardise features. None means the classifier's default, but True for
        concatenated features of several extractors, because the extractor with the largest values
        would dominate otherwise.
    sqrt : bool
        Whether features are scaled by `SqrtScaler` where they are scaled.
    params : mapping
        Parameters of the estimator.
    seed : int
    combine : str
        One of `COMBINATIONS`.
    balance : bool or None
        Whether every label counts the same, however many clips it has; see `Recipe.balances`.
        None leaves it to whoever trains, see `audiotl_cli.experiments.balance`, and where
        nobody decides, it is no.
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
    balance: bool | None = None
    multi_label: bool = False
