"""Predict the labels of recordings with a saved model."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audiotl_cli.audio.decode import find_recordings
from audiotl_cli.audio.types import AudioSource
from audiotl_cli.classify.artifact import ExtractorSpec, ModelCard, load_model_file
from audiotl_cli.classify.classifier import ClipClassifier
from audiotl_cli.errors import ArtifactError, AudioError, DataError, UsageError
from audiotl_cli.extractors.base import Extractor
from audiotl_cli.extractors.engine import Embedded, embed_sources
from audiotl_cli.extractors.registry import load_extractor
from audiotl_cli.store.store import fingerprint


@dataclass(frozen=True)
class Prediction:
    """What a model says of one recording.

    Parameters
    ----------
    path : str
    scores : dict
        Score of every label, the highest first; empty if the recording cannot be used.
    audio_s : float
        Seconds of audio.
    error : AudioError or None
    """

    path: str
    scores: dict[str, float]
    audio_s: float = 0.0
    error: AudioError | None = None

    @property
    def label(self) -> str | None:
        """The most likely label."""
        return next(iter(self.scores), None)

    @property
    def score(self) -> float | None:
        """The score of that label."""
        return next(iter(self.scores.values()), None)


class Model:
    """A saved model with the extractors it needs.

    Parameters
    ----------
    classifier : ClipClassifier
    card : ModelCard
        How it was made.
    extractors : list of Extractor
    """

    def __init__(
        self, classifier: ClipClassifier, card: ModelCard, extractors: list[Extractor]
    ) -> None:
        self.classifier = classifier
        self.card = card
        self.extractors = extractors

    @property
    def labels(self) -> list[str]:
        """The labels it tells apart, in the order of scores."""
        return self.classifier.labels

    def predict(
        self, paths: Iterable[str | Path], *, workers: int | None = None
    ) -> list[Prediction]:
        """Predict recordings; see `stream`."""
        return list(self.stream([Path(path) for path in paths], workers=workers))

    def stream(self, paths: Sequence[Path], *, workers: int | None = None) -> Iterator[Prediction]:
        """Predict recordings one after the other, decoding ahead.

        Parameters
        ----------
        paths : sequence of Path
        workers : int or None
            Threads; None is one a core.

        Yields
        ------
        Prediction
            In the order of `paths`. A recording that cannot be used has `error` set.
        """
        workers = workers or os.cpu_count() or 1
        sources = [AudioSource(path) for path in paths]
        with ExitStack() as closing:
            streams = []
            for extractor in self.extractors:
                extractor.use_threads(workers)
                stream = embed_sources(extractor, sources, workers=workers)
                closing.callback(stream.close)
                streams.append(stream)
            for path, results in zip(paths, zip(*streams, strict=True), strict=True):
                yield self._predict_one(path, results)

    def _predict_one(self, path: Path, results: Sequence[Embedded]) -> Prediction:
        audio_s = results[0].audio_s
        frames = []
        for result in results:
            if result.error is not None or result.embeddings is None:
                return Prediction(str(path), {}, audio_s, result.error)
            frames.append(result.embeddings.frames)
        row = self.classifier.scores([frames])[0]
        order = np.argsort(-row, kind="stable")
        return Prediction(str(path), {self.labels[i]: float(row[i]) for i in order}, audio_s)


def load_model(path: str | Path) -> Model:
    """Load a saved model.

    Loading runs code from the file if its maker put some there: load only models from
    people you trust.

    Raises
    ------
    ArtifactError
        The file is missing, is no model, or was made with other versions or weights.
    """
    path = Path(path)
    classifier, card = load_model_file(path)
    return Model(classifier, card, [_extractor(spec, path) for spec in card.extractors])


def list_inputs(inputs: Sequence[Path]) -> list[Path]:
    """Return the files to predict: files as they are, folders as the recordings in them.

    Raises
    ------
    DataError
        A folder holds no recordings.
    """
    paths: list[Path] = []
    for given in inputs:
        if not given.is_dir():
            paths.append(given)
            continue
        found = find_recordings(given)
        if not found:
            raise DataError(
                f"{given} holds no recordings (files ending in .wav, .flac, .ogg, .mp3, ...)"
            )
        paths += found
    return paths


def _extractor(spec: ExtractorSpec, path: Path) -> Extractor:
    from dataclasses import asdict

    if spec.imported:
        raise ArtifactError(
            f"{path} was trained on imported features ({spec.name}); it can be evaluated on "
            "such features, but there is no network to embed recordings for it"
        )
    try:
        extractor = load_extractor(
            spec.name,
            layer=spec.layer,
            hop_s=spec.hop_s,
            resampler=spec.resampler,
            engine=spec.engine or None,
        )
    except UsageError as error:
        raise ArtifactError(f"{path} needs what is not here: {error}") from error
    found = fingerprint(asdict(extractor.describe()))
    if found != spec.fingerprint:
        raise ArtifactError(
            f"{path} was trained on features of {spec.name} with the fingerprint "
            f"{spec.fingerprint}; this installation makes {found}: its weights or version differ. "
            "Train the model again"
        )
    return extractor
