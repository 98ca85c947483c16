"""A classifier of clips: pooling and a scikit-learn pipeline, fitted together."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from audiotl_cli.classify.pooling import FloatArray, Frames, pool_clip
from audiotl_cli.classify.table import DEFAULT, build_classifier, standardises
from audiotl_cli.errors import DataError, UsageError

logger = logging.getLogger(__name__)

Clips = Sequence[Sequence[Frames]]
"""Clips, each with the frames (n_frames, dim) of one or several extractors."""

DEFAULT_POOLING = "mean+std"


@dataclass(frozen=True)
class ClassifierOptions:
    """What kind of classifier to fit.

    Parameters
    ----------
    classifier : str
        A name or alias from the table.
    pooling : str
    pca : int or None
        Dimensions of a whitening PCA.
    scale : bool or None
        Whether to standardise features; None is the classifier's own habit, and yes where
        several extractors' features stand side by side: unscaled, the one with the largest
        numbers would drown the others.
    params : mapping
        Parameters of the estimator.
    seed : int
    """

    classifier: str = DEFAULT
    pooling: str = DEFAULT_POOLING
    pca: int | None = None
    scale: bool | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0


@dataclass(frozen=True)
class ClipClassifier:
    """A fitted classifier.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        Fitted on label numbers.
    labels : list of str
        Sorted; the order of every score.
    pooling : str
    """

    pipeline: Any
    labels: list[str]
    pooling: str

    def scores(self, clips: Clips) -> npt.NDArray[np.float64]:
        """Return the score of every label for every clip.

        Parameters
        ----------
        clips : sequence of sequences of float32 (n_frames, dim)

        Returns
        -------
        scores : float64 (n_clips, n_labels)
            Rows add up to 1. They are probabilities where the classifier gives some,
            shares of votes under ``vote``, and otherwise margins put through a softmax:
            fit to rank labels, not calibrated.
        """
        rows = [pool_clip(parts, self.pooling) for parts in clips]
        X = np.concatenate(rows)
        expected = self.pipeline.n_features_in_
        if X.shape[1] != expected:
            raise DataError(
                f"the features have {X.shape[1]} values a clip, the model expects {expected}"
            )
        if self.pooling != "vote":
            return _row_scores(self.pipeline, X, len(self.labels))
        votes = np.eye(len(self.labels))[self.pipeline.predict(X)]
        lengths = np.array([len(part) for part in rows])
        starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        shares: npt.NDArray[np.float64] = np.add.reduceat(votes, starts) / lengths[:, None]
        return shares

    def predict(self, clips: Clips) -> list[str]:
        """Return the label of every clip: the highest score, the first of equals."""
        return [self.labels[best] for best in self.scores(clips).argmax(axis=1)]


def fit_classifier(
    clips: Clips, labels: Sequence[str], options: ClassifierOptions
) -> ClipClassifier:
    """Fit a classifier on clips, and log what scikit-learn warns of.

    Parameters
    ----------
    clips : sequence of sequences of float32 (n_frames, dim)
    labels : sequence of str
        One a clip; at least two different ones.
    options : ClassifierOptions

    Raises
    ------
    DataError
        There is only one label.
    UsageError
        Parameters that the classifier or the data do not allow.
    """
    from threadpoolctl import threadpool_limits

    # how many threads a matrix product has shows in the last bit of a model
    with threadpool_limits(1, "blas"), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        classifier = fit_quietly(clips, labels, options)
    for text in sorted({str(warning.message).splitlines()[0] for warning in caught}):
        logger.warning("%s: %s", options.classifier, text)
    return classifier


def fit_quietly(clips: Clips, labels: Sequence[str], options: ClassifierOptions) -> ClipClassifier:
    """Fit a classifier on clips; as `fit_classifier`, but fit for several threads at once."""
    names = sorted(set(labels))
    if len(names) < 2:
        raise DataError(
            f"all {len(labels)} clips to train on have the same label, {names[0]!r}; "
            "a classifier needs at least two"
        )
    rows = [pool_clip(parts, options.pooling) for parts in clips]
    X = np.concatenate(rows)
    if options.pca is not None and not 1 <= options.pca <= min(X.shape):
        raise UsageError(
            f"--pca is {options.pca}, but {X.shape[0]} rows of {X.shape[1]} features allow "
            f"1 to {min(X.shape)}"
        )
    number = {name: i for i, name in enumerate(names)}
    y = np.repeat([number[label] for label in labels], [len(part) for part in rows])
    scale = options.scale
    if scale is None:
        scale = standardises(options.classifier, n_extractors=len(clips[0]))
    pipeline = build_classifier(
        options.classifier,
        options.params,
        scale=scale,
        pca=options.pca,
        seed=options.seed,
    )
    classifier = ClipClassifier(pipeline, names, options.pooling)
    try:
        pipeline.fit(X, y)
        classifier.scores(clips[:1])  # some parameters only fail when something is predicted
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        reason = (str(error).splitlines() or [repr(error)])[0]
        raise UsageError(
            f"{options.classifier} cannot be fitted to {len(clips)} clips: {reason}"
        ) from error
    return classifier


def _row_scores(pipeline: Any, X: FloatArray, n_labels: int) -> npt.NDArray[np.float64]:
    if hasattr(pipeline, "predict_proba"):
        probabilities: npt.NDArray[np.float64] = np.asarray(pipeline.predict_proba(X), np.float64)
        return probabilities
    margins = np.asarray(pipeline.decision_function(X), np.float64)
    if n_labels == 2:
        margins = np.stack([-margins, margins], axis=1) / 2
    margins -= margins.max(axis=1, keepdims=True)
    powers = np.exp(margins)
    scores: npt.NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return scores
