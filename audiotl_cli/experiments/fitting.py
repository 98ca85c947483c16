"""Fit and apply classifiers, whether features are in memory or stay in their stores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from audiotl_cli.classifiers.classifier import ClipClassifier, Clips
from audiotl_cli.classifiers.options import ClassifierOptions
from audiotl_cli.classifiers.pooling import FloatArray, pool_clip
from audiotl_cli.classifiers.registry import classifier_name
from audiotl_cli.classifiers.streaming import fit_streamed, streamed_classifiers
from audiotl_cli.classifiers.training import fit_classifier
from audiotl_cli.errors import UsageError
from audiotl_cli.experiments.features import LabelledFeatures
from audiotl_cli.experiments.stored import StoredFrames


def is_streamed(data: LabelledFeatures) -> bool:
    """Return whether the features stay in their stores: they are too many for the memory."""
    return isinstance(data.frames, StoredFrames)


def fit_alone(
    data: LabelledFeatures, rows: Sequence[int], options: ClassifierOptions
) -> ClipClassifier:
    """Fit a classifier on some of the clips, and nothing else.

    Raises
    ------
    DataError
        There is only one label.
    UsageError
        Parameters that the classifier or the data do not allow; or the features do not fit
        into memory, and there is no way to fit this classifier without.
    """
    labels = [data.labels[i] for i in rows]
    if not isinstance(data.frames, StoredFrames):
        return fit_classifier([data.frames[i] for i in rows], labels, options)
    frames = data.frames
    n_bytes = sum(store.size_of(data.keys[i] for i in rows) for store in data.stores)
    if classifier_name(options.classifier) not in streamed_classifiers() or options.pca is not None:
        raise UsageError(
            f"the {n_bytes / 1e9:.3g} GB of frames to train on do not fit into memory with "
            f"{options.classifier}{' and --pca' if options.pca else ''}; take --classifier "
            f"{' or '.join(streamed_classifiers())} without --pca, or a pooling that makes one row "
            "a clip, such as mean+std; --memory-mb says what may be used"
        )

    place = {row: i for i, row in enumerate(rows)}

    def blocks(rng: np.random.Generator) -> Iterator[tuple[Clips, list[str]]]:
        for some, clips in frames.blocks(rows, rng):
            yield clips, [labels[place[i]] for i in some]

    return fit_streamed(blocks, labels, [store.dim for store in data.stores], options)


def score_rows(
    classifier: ClipClassifier, data: LabelledFeatures, rows: Sequence[int]
) -> npt.NDArray[np.float64]:
    """Return the scores (n_rows, n_labels) of some of the clips."""
    if not isinstance(data.frames, StoredFrames):
        return classifier.scores([data.frames[i] for i in rows])
    place = {row: i for i, row in enumerate(rows)}
    matrix = np.empty((len(rows), len(classifier.labels)))
    for some, clips in data.frames.blocks(rows):
        matrix[[place[i] for i in some]] = classifier.scores(clips)
    return matrix


def pool_rows(data: LabelledFeatures, rows: Sequence[int], pooling: str) -> FloatArray:
    """Return one vector for each of some clips; `pooling` is any but ``vote``."""
    if not isinstance(data.frames, StoredFrames):
        return np.concatenate([pool_clip(data.frames[i], pooling) for i in rows])
    pooled = {
        i: pool_clip(clip, pooling)
        for some, clips in data.frames.blocks(rows)
        for i, clip in zip(some, clips, strict=True)
    }
    return np.concatenate([pooled[i] for i in rows])
