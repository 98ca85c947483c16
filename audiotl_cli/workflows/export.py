"""Write a model as an ONNX graph, and compare what both predict."""

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
from audiotl_cli.classifiers.model_file import load_model_file
from audiotl_cli.classifiers.onnx_form import add_classifier
from audiotl_cli.classifiers.probes import made_probes
from audiotl_cli.classifiers.rejection import SAME
from audiotl_cli.dataset.demo_sounds import LABELS, synthesise
from audiotl_cli.dataset.synthesis import SAMPLE_RATE
from audiotl_cli.errors import ArtifactError, DataError, UsageError
from audiotl_cli.extractors.base import Extractor
from audiotl_cli.extractors.exported import add_extractor
from audiotl_cli.graph import Graph
from audiotl_cli.inference.same_extractor import extractor_of_model
from audiotl_cli.labels import THRESHOLD
from audiotl_cli.trust import parse_trust
from audiotl_cli.written import claim, write_output

FORMATS = ("onnx",)
TOLERANCE, WHOLE_TOLERANCE = 1e-4, 1e-3
"""How far a score of an export may be off: of frames, and of a waveform."""

Scores = npt.NDArray[np.floating[Any]]
Predicted = tuple[Scores, bool]
"""The scores of a clip, and whether it is none of the labels."""


@dataclass(frozen=True)
class ExportReport:
    """What was exported, and how near it comes.

    Parameters
    ----------
    path : Path
    format : str
    whole : bool
        Whether it takes waveforms, and not frames.
    size : int
        Bytes.
    n_probes : int
        Clips, or sounds, that both were asked about; all labels were the same.
    largest_difference : float
        Of a score.
    sample_rate : int or None
        Hz, of the waveforms it takes.
    """

    path: Path
    format: str
    whole: bool
    size: int
    n_probes: int
    largest_difference: float
    sample_rate: int | None = None


def export_model(
    model: Path,
    form: str,
    output: Path | None = None,
    *,
    whole: bool = False,
    trust: str | Sequence[str] = (),
    overwrite: bool = False,
) -> ExportReport:
    """Write a model in another form, unless that would predict something else.

    Parameters
    ----------
    model : Path
    form : str
        One of `FORMATS`.
    output : Path or None
        Beside the model if None.
    whole : bool
        Whether the networks go into the file as well, from the samples on.
    trust : str or sequence of str
        As of `load_model`.
    overwrite : bool
        Whether a file of that name that somebody else made may be lost.

    Raises
    ------
    UsageError
        There is no such format, or something in the model cannot be written in it.
    DataError
        The folder to write to is not there.
    ArtifactError
        The export gives other labels or scores than the model.
    """
    if form not in FORMATS:
        raise UsageError(f"--format is {form!r}; choose from {', '.join(FORMATS)}")
    path = output or model.with_name(f"{model.stem}{'-whole' if whole else ''}.{form}")
    if path.suffix != f".{form}":
        raise UsageError(f"--output is {path}, expected a name that ends in .{form}")
    if not path.parent.is_dir():
        raise DataError(f"{path} cannot be written: there is no folder {path.parent}")
    claim([path], overwrite=overwrite)
    trusted = parse_trust(trust)
    classifier, card = load_model_file(model)
    sample_rate = None
    if whole:
        extractors = [extractor_of_model(spec, model, trusted) for spec in card.extractors]
        sample_rate = _rate_of(extractors)
        packed = _whole_graph(classifier, card, extractors)
        probes, ours = _heard(classifier, extractors)
    else:
        probes = made_probes(classifier, [spec.dim for spec in card.extractors])
        ours = _predict_all(classifier, probes)
        packed = _classifier_graph(classifier, card)
    theirs = _session(packed)
    tolerance = WHOLE_TOLERANCE if whole else TOLERANCE
    difference = _compare(classifier, ours, [theirs(one) for one in probes], tolerance, path)
    write_output(path, packed)
    return ExportReport(
        path, form, whole, len(packed), len(probes), difference, sample_rate=sample_rate
    )


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
    classifier: ClipClassifier, card: ModelCard, extractors: Sequence[Extractor]
) -> bytes:
    """Return a graph from a waveform to the scores."""
    graph = Graph()
    waveform = graph.input("waveform", np.float32, ["n_samples"])
    add_classifier(graph, classifier, [add_extractor(graph, one, waveform) for one in extractors])
    sound = {
        "sample_rate": str(_rate_of(extractors)),
        "window_s": json.dumps([one.window_s for one in extractors]),
        "hop_s": json.dumps([one.hop_s for one in extractors]),
    }
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
    rates = {one.sample_rate for one in extractors}
    if len(rates) > 1:
        names = ", ".join(f"{one.name} {one.sample_rate} Hz" for one in extractors)
        raise UsageError(f"--whole takes one waveform, but these networks hear different: {names}")
    return rates.pop()


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
    clips = [[one.embed(sound, rate).frames for one in extractors] for sound in sounds]
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
    try:
        import onnxruntime
    except ImportError as error:
        raise UsageError(
            "an ONNX file is compared with the model before it is written, by the package "
            "onnxruntime: pip install 'audiotl[export]'"
        ) from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors alone
    session = onnxruntime.InferenceSession(packed, options, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_inputs()]

    def ask(values: Any) -> Predicted:
        scores, rejected = session.run(None, dict(zip(names, values, strict=True)))
        return scores, bool(rejected)

    return ask


def _compare(
    classifier: ClipClassifier,
    ours: Sequence[Predicted],
    theirs: Sequence[Predicted],
    tolerance: float,
    path: Path,
) -> float:
    """Return the largest difference of a score, if the export may stand for the model."""
    difference = max(
        float(np.abs(one - other).max()) for (one, _), (other, _) in zip(ours, theirs, strict=True)
    )
    several = classifier.multi_label
    n_other = sum(
        rejected != also or not same_labels(one, other, several=several)
        for (one, rejected), (other, also) in zip(ours, theirs, strict=True)
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
