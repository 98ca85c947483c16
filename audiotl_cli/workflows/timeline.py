"""What a model says along a recording, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audiotl_cli.classify.classifier import ClipClassifier
from audiotl_cli.classify.pooling import FloatArray, Pooled
from audiotl_cli.classify.rejection import POOLING
from audiotl_cli.extractors.base import Embeddings, Extractor
from audiotl_cli.prediction.timeline import context_slices, pool_slices

Vector = npt.NDArray[np.float64]

BLOCK = 128  # steps: bounds memory, and how far running sums go


@dataclass(frozen=True)
class Steps:
    """Scores along a recording.

    Parameters
    ----------
    centres : float64 (n_steps,)
        Seconds from its start.
    scores : float64 (n_steps, n_labels)
        What the model says of the context around each; all 0 where it rejects that.
    """

    centres: Vector
    scores: Vector


def follow(
    classifier: ClipClassifier,
    extractors: Sequence[Extractor],
    embedded: Sequence[Embeddings],
    context_s: float,
) -> Steps:
    """Judge a recording around every frame, as if what is around it were a clip.

    Of several extractors, the one with the fewest frames gives the steps.

    Parameters
    ----------
    classifier : ClipClassifier
    extractors, embedded : sequences of Extractor, of Embeddings
        One and the same order, the classifier's.
    context_s : float
        Seconds that are judged together.
    """
    centres = [frame_centres(*pair) for pair in zip(extractors, embedded, strict=True)]
    frames = [one.frames for one in embedded]
    steps = min(centres, key=len)
    if classifier.pooling == "vote":
        # what a frame says does not depend on the context: each is asked once
        votes = np.concatenate(
            [
                classifier.row_scores(np.concatenate([part[at : at + BLOCK] for part in frames], 1))
                for at in range(0, len(steps), BLOCK)
            ]
        )
    scores = np.empty((len(steps), len(classifier.labels)))
    for first in range(0, len(steps), BLOCK):
        here = slice(first, first + BLOCK)
        slices = [context_slices(times, steps[here], context_s) for times in centres]
        if classifier.pooling == "vote":
            told = pool_slices(votes.astype(np.float32), *slices[0], "mean").astype(np.float64)
        else:
            rows = _pool(frames, slices, classifier.pooling)
            told = classifier.row_scores(rows)
        scores[here] = classifier.calibrated(told)
        if classifier.rejection is not None:
            clips = [[Pooled({POOLING: row[None]})] for row in _pool(frames, slices, POOLING)]
            scores[here][classifier.rejects(clips, scores[here])] = 0
    return Steps(steps, scores)


def frame_centres(extractor: Extractor, embedded: Embeddings) -> Vector:
    """Return the middle of every frame, seconds from the start of the recording."""
    framing = extractor.framing
    window = (framing.window / 2 - framing.pad_start) / extractor.sample_rate
    row = (extractor.window_s / extractor.rows - extractor.window_s) / 2
    return embedded.times + window + row


def _pool(
    frames: Sequence[FloatArray],
    slices: Sequence[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]],
    pooling: str,
) -> FloatArray:
    parts = [pool_slices(part, *where, pooling) for part, where in zip(frames, slices, strict=True)]
    return np.concatenate(parts, axis=1)
