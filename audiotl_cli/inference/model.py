"""A saved model with the extractors it needs, at work on recordings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from audiotl_cli.audio.levels import LevelMeter, Levels
from audiotl_cli.audio.resample import resample_blocks
from audiotl_cli.audio.types import AudioSource
from audiotl_cli.audio.waveform import mono_waveform
from audiotl_cli.classifiers.card import ModelCard
from audiotl_cli.classifiers.classifier import ClipClassifier
from audiotl_cli.errors import AudioError
from audiotl_cli.extractors.base import Extractor
from audiotl_cli.extractors.pipeline import Part, embed_parts
from audiotl_cli.inference.context import choose_context
from audiotl_cli.inference.events import Event, EventOptions, in_order, outside
from audiotl_cli.inference.prediction import Prediction, PredictionList
from audiotl_cli.inference.recordings import is_paths, listed
from audiotl_cli.inference.scorer import Scorer, furthest_behind
from audiotl_cli.inference.timeline import BLOCK
from audiotl_cli.labels import split_labels
from audiotl_cli.processors import n_processors
from audiotl_cli.storage.paths import AnyPath, any_path


class Model:
    """A saved model with the extractors it needs.

    Parameters
    ----------
    classifier : ClipClassifier
    card : ModelCard
        How it was made.
    extractors : list of Extractor
    top_k : int or None
        How many scores a prediction holds, the highest; None is all.
    rejects_unlabelled : bool
        Whether a recording without any score of at least the classifier's threshold is rejected.

    Attributes
    ----------
    finds_events : bool
        Whether it can say where in a recording a label is heard.
    """

    finds_events = True

    def __init__(
        self,
        classifier: ClipClassifier,
        card: ModelCard,
        extractors: list[Extractor],
        *,
        top_k: int | None = None,
        rejects_unlabelled: bool = False,
    ) -> None:
        self.classifier = classifier
        self.card = card
        self.extractors = extractors
        self.top_k = top_k
        self.rejects_unlabelled = rejects_unlabelled

    @property
    def labels(self) -> list[str]:
        """The labels that it predicts, in the order of scores."""
        return self.classifier.labels

    @property
    def highest_hz(self) -> float:
        """The highest frequency it hears."""
        return max(extractor.sample_rate for extractor in self.extractors) / 2

    @property
    def band_hz(self) -> tuple[float, float]:
        """The lowest and the highest frequency that one of its networks takes in."""
        bands = [extractor.band_hz for extractor in self.extractors]
        return min(low for low, _ in bands), max(high for _, high in bands)

    @property
    def context_s(self) -> float:
        """Seconds that are judged together in a timeline; see `choose_context`.

        A model of events judges single frames: 0.
        """
        if self.classifier.events is not None:
            return 0.0
        return max(
            choose_context(extractor.window_s, extractor.hop_s) for extractor in self.extractors
        )

    def __repr__(self) -> str:
        networks = " + ".join(extractor.name for extractor in self.extractors)
        return f"Model({self.card.classifier} on {networks}, labels={self.labels})"

    def predict(
        self,
        recordings: Any,
        *,
        sample_rate: int | None = None,
        workers: int | None = None,
        events: EventOptions | None = None,
    ) -> PredictionList:
        """Predict one recording or several, from files or as waveforms.

        Parameters
        ----------
        recordings : path, sequence of paths, array or sequence of arrays
            Files; or with `sample_rate` waveforms (n_samples,) or (n_samples, n_channels), floats
            from -1 to 1 or integers. One array is one waveform.
        sample_rate : int, optional
            Of the waveforms, Hz.
        workers, events
            See `stream`.

        Returns
        -------
        predictions : list of Prediction
            With `to_frame` for pandas. A recording that cannot be used has `error` set.

        Raises
        ------
        UsageError
            Waveforms without a sample rate, or files with one.
        """
        items = listed(recordings)
        if is_paths(items, sample_rate):
            paths = [any_path(path) for path in items]
            return PredictionList(self.stream(paths, workers=workers, events=events))
        for extractor in self.extractors:
            extractor.use_threads(workers or n_processors())
        return PredictionList(
            self._predict_waveform(f"waveform {number}", samples, sample_rate, events)
            for number, samples in enumerate(items)
        )

    def predict_proba(
        self, recordings: Any, *, sample_rate: int | None = None, workers: int | None = None
    ) -> npt.NDArray[np.float64]:
        """Return the score of every label, (n_recordings, n_labels), in the order of `labels`.

        Parameters are those of `predict`.

        Raises
        ------
        AudioError
            A recording cannot be used.
        """
        rows = []
        for found in self.predict(recordings, sample_rate=sample_rate, workers=workers):
            if found.error is not None:
                found.error.args = (f"{found.path}: {found.error}",)
                raise found.error
            rows.append([found.scores[label] for label in self.labels])
        return np.array(rows).reshape(-1, len(self.labels))

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

    def event_options(self, options: EventOptions) -> EventOptions:
        """Return options whose thresholds, where they are left open, are those of the model."""
        if options.threshold is not None:
            return options
        own = {label: float(found["threshold"]) for label, found in self.card.thresholds.items()}
        return replace(options, thresholds={**own, **options.thresholds})

    def scorer(self, options: EventOptions | None, *, block: int = BLOCK) -> Scorer:
        """Return what scores one recording; parameters are those of `Scorer`."""
        options = options and self.event_options(options)
        return Scorer(self.classifier, self.extractors, self.context_s, options, block=block)

    def _predict_one(
        self, path: AnyPath, streams: Sequence[Iterator[Part]], options: EventOptions | None
    ) -> Prediction:
        scorer = self.scorer(options)
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

    def _predict_waveform(
        self, name: str, samples: Any, sample_rate: int | None, options: EventOptions | None
    ) -> Prediction:
        scorer = self.scorer(options)
        meter = LevelMeter(round(2 * self.highest_hz))
        found: list[Event] = []
        try:
            mono = mono_waveform(samples, sample_rate, self.extractors[0].config.channel)
            rate = int(sample_rate or 0)
            measured = meter.before([(mono, rate)])
            list(meter.after(resample_blocks(measured, meter.to_rate, "soxr")))
            for number, extractor in enumerate(self.extractors):
                found += scorer.add(number, extractor.embed(samples, rate))
        except AudioError as error:
            return Prediction(name, {}, error=error)
        audio_s = len(mono) / rate
        found += scorer.finish(audio_s)
        return self.conclude(name, scorer, audio_s, found, meter.levels(), options)

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
            rejected = rejected or (self.rejects_unlabelled and not labels and not note)
        return Prediction(
            path,
            {self.labels[i]: float(row[i]) for i in order[: self.top_k]},
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
            how = "silent" if levels.is_silent else "nearly silent"
            return f"{how}: the channels cancel each other out"
        if levels.is_silent:
            return "silent"
        if levels.is_out_of_band:
            return f"beyond {self.highest_hz / 1000:.3g} kHz, which this model cannot hear"
        return ""
