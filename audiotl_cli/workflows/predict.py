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
from audiotl_cli.classify.artifact import ModelCard, load_model_file
from audiotl_cli.classify.classifier import ClipClassifier
from audiotl_cli.classify.labels import split_labels
from audiotl_cli.errors import AudioError, DataError
from audiotl_cli.extractors.base import Extractor
from audiotl_cli.extractors.pipeline import Embedded, embed_sources
from audiotl_cli.prediction.timeline import (
    Event,
    EventOptions,
    choose_context,
    find_events,
    smooth,
    step_edges,
)
from audiotl_cli.workflows.same_extractor import extractor_of_model
from audiotl_cli.workflows.timeline import follow


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
    labels : list of str or None
        All labels it is said to have, maybe none; None where the model tells one label a clip.
    rejected : bool
        Whether the model takes it for none of its labels; the scores are there all the same.
    segments : list of Event or None
        Where labels are heard; None where that was not asked for.
    """

    path: str
    scores: dict[str, float]
    audio_s: float = 0.0
    error: AudioError | None = None
    labels: list[str] | None = None
    rejected: bool = False
    segments: list[Event] | None = None

    @property
    def label(self) -> str | None:
        """The most likely label; None for none of them."""
        return None if self.rejected else next(iter(self.scores), None)

    @property
    def score(self) -> float | None:
        """The highest score."""
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

    @property
    def context_s(self) -> float:
        """Seconds that are judged together in a timeline; see `choose_context`."""
        return max(choose_context(one.window_s, one.hop_s) for one in self.extractors)

    def predict(
        self,
        paths: str | Path | Iterable[str | Path],
        *,
        workers: int | None = None,
        events: EventOptions | None = None,
    ) -> list[Prediction]:
        """Predict one recording or several; see `stream`."""
        if isinstance(paths, str | Path):
            paths = [paths]
        return list(self.stream([Path(path) for path in paths], workers=workers, events=events))

    def stream(
        self,
        paths: Sequence[Path | Prediction],
        *,
        workers: int | None = None,
        events: EventOptions | None = None,
    ) -> Iterator[Prediction]:
        """Predict recordings one after the other, decoding ahead.

        Parameters
        ----------
        paths : sequence of Path
            What has failed already, as a `Prediction` with its error, is passed on.
        workers : int or None
            Threads; None is one a core.
        events : EventOptions or None
            What to look for along each recording; None looks for nothing.

        Yields
        ------
        Prediction
            In the order of `paths`. A recording that cannot be used has `error` set.
        """
        workers = workers or os.cpu_count() or 1
        sources = [AudioSource(path) for path in paths if isinstance(path, Path)]
        with ExitStack() as closing:
            streams = []
            for extractor in self.extractors:
                extractor.use_threads(workers)
                stream = embed_sources(extractor, sources, workers=workers)
                closing.callback(stream.close)
                streams.append(stream)
            told = zip(*streams, strict=True)
            for path in paths:
                if isinstance(path, Prediction):
                    yield path
                else:
                    yield self._predict_one(path, next(told), events)

    def _predict_one(
        self, path: Path, results: Sequence[Embedded], options: EventOptions | None
    ) -> Prediction:
        audio_s = results[0].audio_s
        embedded = []
        for result in results:
            if result.error is not None or result.embeddings is None:
                return Prediction(str(path), {}, audio_s, result.error)
            embedded.append(result.embeddings)
        frames = [one.frames for one in embedded]
        rows = self.classifier.scores([frames])
        rejected = bool(self.classifier.rejects([frames], rows)[0])
        order = np.argsort(-rows[0], kind="stable")
        scores = {self.labels[i]: float(rows[0, i]) for i in order}
        several = self.classifier.multi_label
        labels = split_labels(self.classifier.told(rows[0])) if several else None
        segments = None
        if options is not None:
            steps = follow(self.classifier, self.extractors, embedded, self.context_s)
            edges = step_edges(steps.centres, audio_s)
            segments = find_events(
                smooth(steps.scores), edges, self.labels, options, several=several
            )
        return Prediction(
            str(path), scores, audio_s, labels=labels, rejected=rejected, segments=segments
        )


def load_model(path: str | Path, trust: str | Sequence[str] = ()) -> Model:
    """Load a saved model; no code in the file runs.

    Parameters
    ----------
    path : str or Path
    trust : str or sequence of str
        ``sha256:`` and the 64 hexadecimal digits of a file that holds more than the models that
        are made here, and is loaded all the same: then its maker's code may run.

    Raises
    ------
    DataError
        There is no such file.
    ArtifactError
        The file is no model, holds what models do not hold, or was made with other versions
        or weights.
    UsageError
        `trust` is no such text.
    """
    path = Path(path)
    classifier, card = load_model_file(path, trust)
    return Model(classifier, card, [extractor_of_model(spec, path) for spec in card.extractors])


def list_inputs(inputs: Sequence[Path]) -> list[Path | Prediction]:
    """Return the files to predict: files as they are, folders as the recordings in them.

    A folder without recordings, or a name that no file can have, becomes a `Prediction` that
    has failed.

    Raises
    ------
    DataError
        The only input is a folder without recordings.
    """
    paths: list[Path | Prediction] = []
    for given in inputs:
        try:
            found = find_recordings(given) if given.is_dir() else [given]
        except OSError as error:
            paths.append(_failed(given, f"cannot be opened ({error.strerror})"))
            continue
        if found:
            paths += [
                _failed(path, "no name of a file") if "\0" in str(path) else path for path in found
            ]
            continue
        message = "holds no recordings (files ending in .wav, .flac, .ogg, .mp3, ...)"
        if len(inputs) == 1:
            raise DataError(f"{given} {message}")
        paths.append(_failed(given, message, code="empty"))
    return paths


def _failed(path: Path, message: str, *, code: str = "unreadable") -> Prediction:
    return Prediction(str(path), {}, error=AudioError(message, code=code, stage="open"))
