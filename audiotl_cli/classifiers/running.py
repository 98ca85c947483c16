"""Score a clip whose frames arrive in blocks, keeping few of them in memory."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import numpy.typing as npt

from audiotl_cli.classifiers.classifier import ClipClassifier
from audiotl_cli.classifiers.pooling import FloatArray, Pooled, pool
from audiotl_cli.classifiers.rejection import POOLING
from audiotl_cli.errors import UsageError


class Running:
    """Pools frames that arrive in blocks, keeping few of them in memory.

    For up to `BLOCK` frames, the result equals that of `pool`; for more, except for rounding.

    Parameters
    ----------
    poolings : collection of str
        Of `POOLINGS`, but not ``vote``.
    """

    BLOCK = 512

    def __init__(self, poolings: Collection[str]) -> None:
        self.poolings = set(poolings)
        self._held: list[FloatArray] = []
        self._n_held = 0
        self._n = 0
        self._mean: Any = 0.0
        self._squares: Any = 0.0  # sums of the squared differences from the mean
        self._max: Any = -np.inf

    def add(self, frames: FloatArray) -> None:
        """Add frames (n_frames, dim)."""
        self._held.append(frames)
        self._n_held += len(frames)
        if self._n + self._n_held > self.BLOCK:
            self._fold()

    def pooled(self) -> Pooled:
        """Return the pooled frames so far; there must be at least one."""
        if not self._n:
            frames = np.concatenate(self._held)
            return Pooled({name: pool(frames, name) for name in self.poolings})
        if self._n_held:
            self._fold()
        parts = {
            "mean": [self._mean],
            "mean+std": [self._mean, np.sqrt(self._squares / self._n)],
            "mean+max": [self._mean, self._max],
        }
        return Pooled(
            {
                name: np.concatenate(parts[name]).astype(np.float32)[None, :]
                for name in self.poolings
            }
        )

    def _fold(self) -> None:
        """Merge the held frames into the statistics (Chan, Golub and LeVeque, 1979)."""
        frames = np.concatenate(self._held)
        self._held, self._n_held = [], 0
        mean = frames.mean(axis=0, dtype=np.float64)
        n, n_more = self._n, len(frames)
        apart = mean - self._mean
        self._n = n + n_more
        self._mean = self._mean + apart * (n_more / self._n)
        self._squares = self._squares + ((frames - mean) ** 2).sum(axis=0)
        self._squares = self._squares + apart**2 * (n * n_more / self._n)
        self._max = np.maximum(self._max, frames.max(axis=0))


class RunningScores:
    """Scores of all frames of a clip so far.

    Parameters
    ----------
    classifier : ClipClassifier
    n_extractors : int
    """

    def __init__(self, classifier: ClipClassifier, n_extractors: int) -> None:
        self.classifier = classifier
        poolings = {classifier.pooling} - {"vote"}
        if classifier.rejection is not None:
            poolings.add(POOLING)
        self._pools = [Running(poolings) for _ in range(n_extractors)]
        self._voters: list[FloatArray] | None = None
        if classifier.pooling == "vote":
            self._voters = [np.empty((0, 0), np.float32)] * n_extractors
        self._frames = classifier.frame_scores() if classifier.events is not None else None
        self._votes: Any = 0.0
        self._n_votes = 0

    def add(self, number: int, frames: FloatArray) -> None:
        """Add the next frames (n_frames, dim) of an extractor."""
        if self._pools[number].poolings:
            self._pools[number].add(frames)
        if self._voters is not None:
            held = self._voters[number]
            self._voters[number] = np.concatenate([held, frames]) if len(held) else frames
            if min(map(len, self._voters)) >= Running.BLOCK:
                self._ask(self._voters)

    def scores(self) -> npt.NDArray[np.float64]:
        """Return the score of every label, (1, n_labels); there must be at least one frame.

        Raises
        ------
        UsageError
            ``vote`` was requested for extractors with different numbers of frames.
        """
        if self._voters is None:
            clip = [pool.pooled() for pool in self._pools]
            return self.classifier.scores([clip])
        if any(map(len, self._voters)):
            self._ask(self._voters)
        if any(map(len, self._voters)):
            raise UsageError(
                "--pooling vote cannot combine these extractors, because their "
                "numbers of frames differ"
            )
        if self._frames is not None:
            return self._frames.result()[None, :]
        return self.classifier.calibrated(self._votes[None, :] / self._n_votes)

    def rejected(self, scores: npt.NDArray[np.float64]) -> bool:
        """Return whether the clip is rejected, given its scores."""
        if self.classifier.rejection is None:
            return False
        return bool(self.classifier.rejects([[pool.pooled() for pool in self._pools]], scores)[0])

    def _ask(self, voters: list[FloatArray]) -> None:
        n = min(map(len, voters))
        if not n:
            return
        rows = np.concatenate([frames[:n] for frames in voters], axis=1)
        voters[:] = [frames[n:] for frames in voters]
        scores = self.classifier.row_scores(rows)
        if self._frames is not None:
            self._frames.add(scores)
        self._votes = self._votes + scores.sum(axis=0)
        self._n_votes += n
