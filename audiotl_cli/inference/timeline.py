"""What a model says along a recording, step by step, as its frames come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audiotl_cli.classifiers.classifier import ClipClassifier
from audiotl_cli.classifiers.pooling import FloatArray, Pooled
from audiotl_cli.classifiers.rejection import POOLING
from audiotl_cli.extractors.base import Embeddings, Extractor
from audiotl_cli.inference.context import context_slices, pool_slices

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


class Follower:
    """Judges a recording around every frame, as if what is around it were a clip.

    Of several extractors, the one whose frames lie farthest apart gives the steps. Frames are
    kept while they lie in a context that is still to be judged.

    Parameters
    ----------
    classifier : ClipClassifier
    extractors : sequence of Extractor
        In the classifier's order.
    context_s : float
        Seconds that are judged together; 0 for a model of events, which judges single frames.
    block : int
        Steps that are judged at once.
    """

    def __init__(
        self,
        classifier: ClipClassifier,
        extractors: Sequence[Extractor],
        context_s: float,
        *,
        block: int = BLOCK,
    ) -> None:
        self.classifier = classifier
        self.extractors = extractors
        self.context_s = context_s
        self.block = block
        self._held = [
            _Held(np.empty(0), np.empty((0, extractor.dim), np.float32)) for extractor in extractors
        ]
        self._lead = int(np.argmax([frame_distance_s(extractor) for extractor in extractors]))
        self._steps = np.empty(0)  # that are still to be judged

    def add(self, number: int, embedded: Embeddings) -> None:
        """Take the next frames of an extractor."""
        centres = frame_centres(self.extractors[number], embedded)
        self._held[number].add(centres, embedded.frames)
        if number == self._lead:
            self._steps = np.concatenate([self._steps, centres])

    def judged(self) -> Iterator[Steps]:
        """Judge the steps whose context has come, in whole blocks."""
        while len(self._steps) >= self.block:
            until = self._steps[self.block - 1] + self.context_s / 2
            if any(
                len(held.centres) == 0 or held.centres[-1] <= until + 1e-6 for held in self._held
            ):
                return
            yield self._judge()

    def rest(self) -> Iterator[Steps]:
        """Judge the steps that are left: no more frames come."""
        # a stream may break off before every extractor has had a window
        while len(self._steps) and all(len(held.centres) for held in self._held):
            yield self._judge()

    def _judge(self) -> Steps:
        steps, self._steps = self._steps[: self.block], self._steps[self.block :]
        slices = [context_slices(held.centres, steps, self.context_s) for held in self._held]
        frames = [held.frames for held in self._held]
        if self.classifier.events is not None:
            nearest = [part[starts] for part, (starts, _) in zip(frames, slices, strict=True)]
            raw = self.classifier.row_scores(np.concatenate(nearest, axis=1))
        elif self.classifier.pooling == "vote":
            raw = self._votes(frames, *slices[0])
        else:
            raw = self.classifier.row_scores(_pool(frames, slices, self.classifier.pooling))
        scores = self.classifier.calibrated(raw)
        if self.classifier.rejection is not None:
            clips = [[Pooled({POOLING: row[None]})] for row in _pool(frames, slices, POOLING)]
            scores[self.classifier.rejects(clips, scores)] = 0
        if len(self._steps):
            for held in self._held:
                held.drop_before(self._steps[0] - self.context_s / 2)
        return Steps(steps, scores)

    def _votes(
        self,
        frames: Sequence[FloatArray],
        starts: npt.NDArray[np.intp],
        stops: npt.NDArray[np.intp],
    ) -> Vector:
        # what a frame says does not depend on the context: each is asked once a block
        first, last = int(starts.min()), int(stops.max())
        rows = np.concatenate([part[first:last] for part in frames], axis=1)
        votes = self.classifier.row_scores(rows).astype(np.float32)
        return pool_slices(votes, starts - first, stops - first, "mean").astype(np.float64)


@dataclass
class _Held:
    """Frames of an extractor, (n_frames, dim), and their middles, seconds."""

    centres: Vector
    frames: FloatArray

    def add(self, centres: Vector, frames: FloatArray) -> None:
        self.centres = np.concatenate([self.centres, centres])
        self.frames = np.concatenate([self.frames, frames]) if len(self.frames) else frames

    def drop_before(self, until: float) -> None:
        """Let frames go, all but the last, that lie before some second."""
        n = min(int(np.searchsorted(self.centres, until - 1e-6)), len(self.centres)) - 1
        if n > 0:
            self.centres, self.frames = self.centres[n:], self.frames[n:].copy()


def frame_distance_s(extractor: Extractor) -> float:
    """Return how far apart the frames of an extractor lie, seconds."""
    return extractor.hop_s / extractor.rows


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
