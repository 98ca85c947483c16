"""A saved model with the extractors it needs, at work on recordings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np

from audiotl_cli.audio.levels import Levels
from audiotl_cli.audio.types import AudioSource
from audiotl_cli.classifiers.card import ModelCard
from audiotl_cli.classifiers.classifier import ClipClassifier
from audiotl_cli.extractors.base import Extractor
from audiotl_cli.extractors.pipeline import Part, embed_parts
from audiotl_cli.inference.context import choose_context
from audiotl_cli.inference.events import Event, EventOptions, in_order, outside
from audiotl_cli.inference.prediction import Prediction
from audiotl_cli.inference.scorer import Scorer, furthest_behind
from audiotl_cli.labels import split_labels
from audiotl_cli.processors import n_processors
from audiotl_cli.storage.paths import AnyPath, any_path
from audiotl_cli.storage.remote import RemotePath


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
        """The labels that it predicts, in the order of scores."""
        return self.classifier.labels

    @property
    def highest_hz(self) -> float:
        """The highest frequency it hears."""
        return max(extractor.sample_rate for extractor in self.extractors) / 2

    @property
    def context_s(self) -> float:
        """Seconds that are judged together in a timeline; see `choose_context`."""
        return max(
            choose_context(extractor.window_s, extractor.hop_s) for extractor in self.extractors
        )

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
                stream = embed_parts(extractor, sources, workers=workers, measured=True)
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
        scorer = Scorer(self.classifier, self.extractors, self.context_s, options)
        found: list[Event] = []
        going = list(range(len(streams)))
        ends = []
        while going:
            number = furthest_behind(scorer, going)
            part = next(streams[number])
            if part.embeddings is None:
                going.remove(number)
                ends.append(part)
            else:
                found += scorer.add(number, part.embeddings)
        for end in ends:
            if end.error is not None:
                return Prediction(str(path), {}, end.audio_s, end.error)
        found += scorer.finish(ends[0].audio_s)
        levels = [end.levels for end in ends if end.levels is not None]
        heard = replace(levels[0], in_band=max(level.in_band for level in levels))
        return self.conclude(str(path), scorer, ends[0].audio_s, found, heard, options)

    def conclude(
        self,
        path: str,
        scorer: Scorer,
        audio_s: float,
        found: list[Event],
        levels: Levels,
        options: EventOptions | None,
    ) -> Prediction:
        """Return what a recording is, all of which has been heard.

        Parameters
        ----------
        path : str
        scorer : Scorer
        audio_s : float
            Its length, seconds.
        found : list of Event
            All events that `scorer` has found, including those that it found last.
        levels : Levels
            What there was to hear in it.
        options : EventOptions or None
            As `scorer` was given.
        """
        row, rejected = scorer.scores()
        order = np.argsort(-row, kind="stable")
        note = self._note(levels)
        labels = None
        if self.classifier.multi_label:
            labels = [] if note else split_labels(self.classifier.label_of(row))
        return Prediction(
            path,
            {self.labels[i]: float(row[i]) for i in order},
            audio_s,
            labels=labels,
            rejected=rejected,
            segments=None
            if options is None
            else in_order([] if note else outside(found, levels.silences)),
            note=note,
            silences=[] if options is None else levels.silences,
        )

    def _note(self, levels: Levels) -> str:
        """Return why a recording has no label; empty if there is something to hear in it."""
        if levels.cancels:
            return "silent: the channels cancel each other out"
        if levels.is_silent:
            return "silent"
        if levels.is_out_of_band:
            return f"beyond {self.highest_hz / 1000:.3g} kHz, which this model cannot hear"
        return ""
