"""Predict the labels of recordings with a saved model."""

from __future__ import annotations

import glob
import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audiotl_cli.audio.decode import find_recordings
from audiotl_cli.audio.types import AudioSource
from audiotl_cli.classify.card import ModelCard
from audiotl_cli.classify.classifier import ClipClassifier
from audiotl_cli.classify.model_file import load_model_file
from audiotl_cli.errors import AudioError, DataError
from audiotl_cli.extractors.base import Extractor
from audiotl_cli.extractors.pipeline import Part, embed_parts
from audiotl_cli.labels import split_labels
from audiotl_cli.prediction.events import Event, EventOptions, in_order
from audiotl_cli.prediction.timeline import choose_context
from audiotl_cli.processors import n_processors
from audiotl_cli.storage.paths import AnyPath, any_path
from audiotl_cli.storage.remote import RemotePath
from audiotl_cli.trust import parse_trust
from audiotl_cli.workflows.hearing import Hearing, furthest_behind
from audiotl_cli.workflows.same_extractor import extractor_of_model


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
    def highest_hz(self) -> float:
        """The highest frequency it hears."""
        return max(one.sample_rate for one in self.extractors) / 2

    @property
    def context_s(self) -> float:
        """Seconds that are judged together in a timeline; see `choose_context`."""
        return max(choose_context(one.window_s, one.hop_s) for one in self.extractors)

    def predict(
        self,
        paths: str | AnyPath | Iterable[str | AnyPath],
        *,
        workers: int | None = None,
        events: EventOptions | None = None,
    ) -> list[Prediction]:
        """Predict one recording or several; see `stream`."""
        if isinstance(paths, str | Path | RemotePath):
            paths = [paths]
        return list(self.stream([any_path(path) for path in paths], workers=workers, events=events))

    def stream(
        self,
        paths: Sequence[AnyPath | Prediction],
        *,
        workers: int | None = None,
        events: EventOptions | None = None,
    ) -> Iterator[Prediction]:
        """Predict recordings one after the other, decoding ahead.

        Parameters
        ----------
        paths : sequence of Path or RemotePath
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
        workers = workers or n_processors()
        sources = [AudioSource(path) for path in paths if not isinstance(path, Prediction)]
        with ExitStack() as closing:
            streams = []
            for extractor in self.extractors:
                extractor.use_threads(workers)
                stream = embed_parts(extractor, sources, workers=workers)
                closing.callback(stream.close)
                streams.append(stream)
            for path in paths:
                if isinstance(path, Prediction):
                    yield path
                else:
                    yield self._predict_one(path, streams, events)

    def _predict_one(
        self, path: AnyPath, streams: Sequence[Iterator[Part]], options: EventOptions | None
    ) -> Prediction:
        hearing = Hearing(self, options)
        found: list[Event] = []
        going = list(range(len(streams)))
        ends = []
        while going:
            number = furthest_behind(hearing, going)
            part = next(streams[number])
            if part.embeddings is None:
                going.remove(number)
                ends.append(part)
            else:
                found += hearing.add(number, part.embeddings)
        for end in ends:
            if end.error is not None:
                return Prediction(str(path), {}, end.audio_s, end.error)
        found += hearing.finish(ends[0].audio_s)
        return self.conclude(str(path), hearing, ends[0].audio_s, found, options)

    def conclude(
        self,
        path: str,
        hearing: Hearing,
        audio_s: float,
        found: list[Event],
        options: EventOptions | None,
    ) -> Prediction:
        """Return what a recording is, all of which has been heard.

        Parameters
        ----------
        path : str
        hearing : Hearing
        audio_s : float
            Its length, seconds.
        found : list of Event
            The events that `hearing` has told, those at its end among them.
        options : EventOptions or None
            As `hearing` was given.
        """
        row, rejected = hearing.scores()
        order = np.argsort(-row, kind="stable")
        predicted = self.classifier.label_of(row)
        return Prediction(
            path,
            {self.labels[i]: float(row[i]) for i in order},
            audio_s,
            labels=split_labels(predicted) if self.classifier.multi_label else None,
            rejected=rejected,
            segments=None if options is None else in_order(found),
        )


def load_model(path: str | Path, trust: str | Sequence[str] = ()) -> Model:
    """Load a saved model; no code in the file runs.

    Parameters
    ----------
    path : str or Path
    trust : str or sequence of str
        ``sha256:`` and 64 hexadecimal digits, of a program that the model's extractor is, such
        as a SavedModel of somebody's own. The model file itself holds numbers and text alone,
        and needs no trust.

    Raises
    ------
    DataError
        There is no such file.
    ArtifactError
        The file is no model, was saved by an earlier version of audiotl, is damaged, or was made
        with other weights; or its extractor is a program that the user does not trust.
    UsageError
        `trust` is no such text.

    Examples
    --------
    >>> model = load_model("sounds.joblib")
    >>> model.labels
    ['chirp', 'drum', 'rain']
    >>> model.predict(["new.wav"])[0].label
    'rain'
    """
    path = Path(path)
    trusted = parse_trust(trust)
    classifier, card = load_model_file(path)
    extractors = [extractor_of_model(spec, path, trusted) for spec in card.extractors]
    return Model(classifier, card, extractors)


def list_inputs(inputs: Sequence[AnyPath]) -> list[AnyPath | Prediction]:
    """Return the files to predict: files as they are, folders as the recordings in them.

    A name that is no file's and holds ``*``, ``?`` or ``[`` is a pattern, ``**`` any folders; it
    stands for the files and folders that fit it, each recording once. A folder without
    recordings, a pattern that nothing fits, or a name that no file can have, becomes a
    `Prediction` that has failed.

    Raises
    ------
    DataError
        The only input is a folder without recordings, or a pattern that nothing fits.
    """
    paths: list[AnyPath | Prediction] = []
    for given in inputs:
        try:
            found = _look_for(given)
        except OSError as error:
            paths.append(_failed(given, f"cannot be opened ({error.strerror})"))
            continue
        if found:
            paths += [
                _failed(path, "no name of a file") if "\0" in str(path) else path for path in found
            ]
            continue
        message = "holds no recordings (files ending in .wav, .flac, .ogg, .mp3, ...)"
        if not given.is_dir():
            message = "is a pattern that nothing fits"
        if len(inputs) == 1:
            raise DataError(f"{given} {message}")
        paths.append(_failed(given, message, code="empty"))
    return paths


def _look_for(given: AnyPath) -> Sequence[AnyPath]:
    if isinstance(given, RemotePath):
        return _look_for_objects(given)
    if given.is_dir():
        return find_recordings(given)
    if "\0" in str(given) or not glob.has_magic(str(given)) or os.path.lexists(given):
        return [given]
    fitting = map(Path, sorted(glob.glob(str(given), recursive=True)))  # noqa: PTH207
    found = (find_recordings(path) if path.is_dir() else [path] for path in fitting)
    paths = list(dict.fromkeys(itertools.chain.from_iterable(found)))
    # brackets are seen in names: where nothing fits, such a one is a file that is missing
    return paths or ([] if set("*?") & set(str(given)) else [given])


def _look_for_objects(given: RemotePath) -> list[RemotePath]:
    if given.is_dir():
        return find_recordings(given)
    if not glob.has_magic(given.url) or given.exists():
        return [given]
    found = (find_recordings(path) if path.is_dir() else [path] for path in given.expand())
    return list(dict.fromkeys(itertools.chain.from_iterable(found)))


def _failed(path: AnyPath, message: str, *, code: str = "unreadable") -> Prediction:
    return Prediction(str(path), {}, error=AudioError(message, code=code, stage="open"))
