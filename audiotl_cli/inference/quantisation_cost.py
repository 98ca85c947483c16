"""What it costs a model that its network is kept in 8 bits, on clips it was not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from audiotl_cli.audio.decode import read
from audiotl_cli.audio.resample import resample
from audiotl_cli.classifiers.classifier import ClipClassifier
from audiotl_cli.dataset.index import Clip, Index
from audiotl_cli.errors import AudioError
from audiotl_cli.extractors.base import Extractor
from audiotl_cli.graph import open_session
from audiotl_cli.labels import canonical

MOST_CLIPS = 400
HELD_OUT = ("test", "valid")
"""Splits that a model was not trained on, the first that there is."""


@dataclass(frozen=True)
class QuantisationCost:
    """How an exported file does before and after its weights were quantised.

    Parameters
    ----------
    split : str
        The split of the clips; empty where nothing was measured.
    n_clips : int
    n_failed : int
        Clips that cannot be read, and are not among these.
    accuracy_before, accuracy : float or None
    agreement : float or None
        Share of the clips to which both give the same labels.
    problem : str
        Why nothing was measured; else empty.
    """

    split: str = ""
    n_clips: int = 0
    n_failed: int = 0
    accuracy_before: float | None = None
    accuracy: float | None = None
    agreement: float | None = None
    problem: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the cost as plain values."""
        return asdict(self)


def measure_cost(
    graphs: tuple[bytes, bytes],
    classifier: ClipClassifier,
    extractor: Extractor,
    index: Index,
    *,
    seed: int = 0,
) -> QuantisationCost:
    """Label held-out clips by two exported files.

    Parameters
    ----------
    graphs : tuple of bytes
        Before and after.
    classifier : ClipClassifier
    extractor : Extractor
        Whose sample rate, resampler and channel recordings are given in.
    index : Index
        Of the training clips; its clips of the split ``test`` are taken, else those of ``valid``.
    seed : int
        Draws `MOST_CLIPS` of more clips.
    """
    split, clips = _held_out(index, seed)
    if not clips:
        return QuantisationCost(problem="the index has no labelled clips to test or validate with")
    sessions = [open_session(graph) for graph in graphs]
    right = np.zeros(2)
    n_same = n_failed = 0
    for clip in clips:
        try:
            source = replace(index.source(clip), channel=extractor.config.channel)
            waveform = resample(*read(source), extractor.sample_rate, extractor.config.resampler)
        except AudioError:
            n_failed += 1
            continue
        labels = [_label(session, classifier, waveform) for session in sessions]
        right += [label == canonical(clip.label) for label in labels]
        n_same += labels[0] == labels[1]
    n = len(clips) - n_failed
    if n == 0:
        return QuantisationCost(problem=f"none of {n_failed} held-out clips can be read")
    before, after = (right / n).tolist()
    return QuantisationCost(split, n, n_failed, before, after, n_same / n)


def _held_out(index: Index, seed: int) -> tuple[str, Sequence[Clip]]:
    for split in HELD_OUT:
        clips = [clip for clip in index.clips if clip.split == split and clip.label]
        if clips:
            chosen = np.random.default_rng(seed).permutation(len(clips))[:MOST_CLIPS]
            return split, [clips[i] for i in sorted(chosen)]
    return "", []


def _label(session: Any, classifier: ClipClassifier, waveform: Any) -> str:
    scores, _ = session.run(None, {"waveform": waveform.astype(np.float32)})
    return canonical(classifier.label_of(scores))
