"""A model as an ONNX graph, and whether both predict the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audiotl_cli.audio.resample import resample
from audiotl_cli.classifiers.card import ModelCard
from audiotl_cli.classifiers.classifier import ClipClassifier
from audiotl_cli.classifiers.onnx_form import add_classifier
from audiotl_cli.classifiers.probes import made_probes
from audiotl_cli.classifiers.rejection import SAME
from audiotl_cli.dataset.demo_sounds import LABELS, synthesise
from audiotl_cli.dataset.synthesis import SAMPLE_RATE
from audiotl_cli.errors import ArtifactError, UsageError
from audiotl_cli.extractors.base import Extractor
from audiotl_cli.extractors.exported import add_extractor
from audiotl_cli.graph import Graph, open_session
from audiotl_cli.labels import THRESHOLD

TOLERANCE, WHOLE_TOLERANCE = 1e-4, 1e-3
"""How far a score of an export may be off: of frames, and of a waveform."""

LOOSER = {"birdnet": 1e-2}
"""How far with networks that raise what rounding makes of silence: birdnet, by powers near 0.2."""

Scores = npt.NDArray[np.floating[Any]]
Predicted = tuple[Scores, bool]
"""The scores of a clip, and whether it is none of the labels."""


@dataclass(frozen=True)
class Probed:
    """A graph, and what the model predicts for inputs that both are tried on.

    Parameters
    ----------
    graph : bytes
    inputs : list
        Of the graph, one list of arrays for each probe.
    predicted : list of (scores, bool)
        By the model.
    tolerance : float
        How far a score may be off.
    sample_rate : int or None
        Hz, of the waveforms it takes.
    quantised : bytes
        The graph with the weights of its networks in 8 bits; empty where that was not asked for.
    """

    graph: bytes
    inputs: list[Any]
    predicted: list[Predicted]
    tolerance: float
    sample_rate: int | None = None
    quantised: bytes = b""


def export_classifier(classifier: ClipClassifier, card: ModelCard) -> Probed:
    """Return a graph from the frames of each extractor to the scores."""
    probes = made_probes(classifier, [spec.dim for spec in card.extractors])
    graph = _classifier_graph(classifier, card)
    return Probed(graph, probes, _predict_all(classifier, probes), TOLERANCE)


def export_whole(
    classifier: ClipClassifier,
    card: ModelCard,
    extractors: Sequence[Extractor],
    *,
    quantise: bool = False,
) -> Probed:
    """Return a graph from a waveform to the scores."""
    rate = _rate_of(extractors)
    graph = _whole_graph(classifier, card, extractors)
    in_8_bits = _whole_graph(classifier, card, extractors, quantise=True) if quantise else b""
    sounds, predicted = _heard(classifier, extractors)
    tolerance = max(LOOSER.get(extractor.name, WHOLE_TOLERANCE) for extractor in extractors)
    return Probed(graph, sounds, predicted, tolerance, rate, in_8_bits)


def _classifier_graph(classifier: ClipClassifier, card: ModelCard) -> bytes:
    """Return a graph from the frames of each extractor to the scores."""
    graph = Graph()
    parts = [
        graph.input(name, np.float32, [f"n_{name}", spec.dim])
        for name, spec in zip(_names(len(card.extractors)), card.extractors, strict=True)
    ]
    add_classifier(graph, classifier, parts)
    return graph.model(_metadata(classifier, card))


def _whole_graph(
    classifier: ClipClassifier,
    card: ModelCard,
    extractors: Sequence[Extractor],
    *,
    quantise: bool = False,
) -> bytes:
    """Return a graph from a waveform to the scores."""
    sound = {
        "sample_rate": str(_rate_of(extractors)),
        "channel": _channel_of(extractors),
        "band_hz": json.dumps(_band_of(extractors)),
        "window_s": json.dumps([extractor.window_s for extractor in extractors]),
        "hop_s": json.dumps([extractor.hop_s for extractor in extractors]),
        "quantised": json.dumps(quantise),
    }
    graph = Graph(quantise=quantise)
    waveform = graph.input("waveform", np.float32, ["n_samples"])
    add_classifier(
        graph, classifier, [add_extractor(graph, extractor, waveform) for extractor in extractors]
    )
    if quantise and not graph.n_in_8_bits:
        names = " and ".join(extractor.name for extractor in extractors)
        raise UsageError(f"{names} has no weights that could be kept in 8 bits")
    return graph.model(_metadata(classifier, card) | sound)


def _metadata(classifier: ClipClassifier, card: ModelCard) -> dict[str, str]:
    described = card.to_dict()
    del described["trained_on"]
    return {
        "labels": json.dumps(classifier.labels),
        "multi_label": json.dumps(classifier.multi_label),
        "threshold": str(THRESHOLD),
        "card": json.dumps(described),
    }


def _rate_of(extractors: Sequence[Extractor]) -> int:
    rates = {extractor.sample_rate for extractor in extractors}
    if len(rates) > 1:
        names = ", ".join(
            f"{extractor.name} {extractor.sample_rate} Hz" for extractor in extractors
        )
        raise UsageError(f"--whole takes one waveform, but these networks hear different: {names}")
    return rates.pop()


def _channel_of(extractors: Sequence[Extractor]) -> str:
    channels = {extractor.config.channel for extractor in extractors}
    if len(channels) > 1:
        raise UsageError(
            "--whole takes one waveform, but these networks were given different channels: "
            f"{', '.join(sorted(channels))}"
        )
    return channels.pop()


def _band_of(extractors: Sequence[Extractor]) -> list[float]:
    lowest, highest = zip(*(extractor.band_hz for extractor in extractors), strict=True)
    return [min(lowest), max(highest)]


def _heard(
    classifier: ClipClassifier, extractors: Sequence[Extractor]
) -> tuple[list[list[Any]], list[Predicted]]:
    """Return made sounds, and what the model says of them."""
    rate = _rate_of(extractors)
    sounds = [
        resample(synthesise(label, 0), SAMPLE_RATE, rate, "soxr").astype(np.float32)
        for label in LABELS[::3]
    ]
    sounds.append(sounds[0][: rate // 10])  # shorter than a window
    clips = [[extractor.embed(sound, rate).frames for extractor in extractors] for sound in sounds]
    return [[sound] for sound in sounds], _predict_all(classifier, clips)


def _predict_all(classifier: ClipClassifier, clips: Sequence[Any]) -> list[Predicted]:
    return [_predictor(classifier)(clip) for clip in clips]


def _predictor(classifier: ClipClassifier) -> Callable[[Any], Predicted]:
    def ask(clip: Any) -> Predicted:
        scores = classifier.scores([clip])
        return scores[0], bool(classifier.rejects([clip], scores)[0])

    return ask


def _names(n_extractors: int) -> list[str]:
    """Return what the frames of each extractor are called in a graph."""
    return ["frames"] if n_extractors == 1 else [f"frames_{i}" for i in range(n_extractors)]


def _session(packed: bytes) -> Callable[[Any], Predicted]:
    """Return a graph, ready to be asked by ONNX Runtime."""
    session = open_session(packed)
    names = [value.name for value in session.get_inputs()]

    def ask(values: Any) -> Predicted:
        scores, rejected = session.run(None, dict(zip(names, values, strict=True)))
        return scores, bool(rejected)

    return ask


def largest_difference(classifier: ClipClassifier, probed: Probed, path: Path) -> float:
    """Return the largest difference of a score, if the graph may stand for the model.

    Parameters
    ----------
    classifier : ClipClassifier
    probed : Probed
    path : Path
        Where it is to be written, for messages.

    Raises
    ------
    ArtifactError
        The graph gives other labels or scores than the model.
    """
    predict = _session(probed.graph)
    theirs = [predict(values) for values in probed.inputs]
    return _compare(classifier, probed.predicted, theirs, probed.tolerance, path)


def _compare(
    classifier: ClipClassifier,
    ours: Sequence[Predicted],
    theirs: Sequence[Predicted],
    tolerance: float,
    path: Path,
) -> float:
    """Return the largest difference of a score, if the export may stand for the model."""
    difference = max(
        float(np.abs(scores - exported).max())
        for (scores, _), (exported, _) in zip(ours, theirs, strict=True)
    )
    several = classifier.multi_label
    n_other = sum(
        rejected != also or not same_labels(scores, exported, several=several)
        for (scores, rejected), (exported, also) in zip(ours, theirs, strict=True)
    )
    if n_other or not difference <= tolerance:
        raise ArtifactError(
            f"{path} is not written: of {len(ours)} probes, {n_other} got another label than by "
            f"the model, and scores were off by up to {difference:.2g} (at most {tolerance:g} "
            "would do)"
        )
    return difference


def same_labels(ours: Scores, theirs: Scores, *, several: bool) -> bool:
    """Return whether scores (n_labels,) give the same labels, but for what hangs on the last digit.

    Parameters
    ----------
    several : bool
        Whether every score of `THRESHOLD` or more is a label, and not the highest alone.
    """
    if several:
        sure = np.abs(ours - THRESHOLD) > SAME
        return bool(((ours >= THRESHOLD) == (theirs >= THRESHOLD))[sure].all())
    return bool(ours[theirs.argmax()] >= ours.max() - SAME)
