"""Find the background that a model of events learns, and hear it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from audiotl_cli.audio.isolated import Decoders
from audiotl_cli.audio.listing import list_folder
from audiotl_cli.audio.types import AudioSource, Waveform
from audiotl_cli.dataset.index import Clip, Index
from audiotl_cli.errors import AudioError, DataError, UsageError
from audiotl_cli.experiments.features import LabelledFeatures
from audiotl_cli.extractors.base import Extractor
from audiotl_cli.labels import BACKGROUND_NAMES, is_background, split_labels
from audiotl_cli.spelling import did_you_mean
from audiotl_cli.text import counted

MOST_S = 1200.0
"""Seconds of background that are heard at most, spread evenly over all there is."""

PIECE_S = 10.0
"""Seconds that are taken from one place."""

LEAST_S = 1.0
"""Seconds of an unlabelled stretch that are worth hearing."""

MARGIN_S = 0.25
"""Seconds beside an annotation that are not taken for background."""


@dataclass(frozen=True)
class Background:
    """Which background a model of events learns.

    Parameters
    ----------
    label : str
        What it is called.
    sources : sequence of AudioSource
        Where it is heard; empty where it is the quiet parts of the clips.
    origin : str
        The same in words.
    """

    label: str
    sources: Sequence[AudioSource]
    origin: str


def find_background(
    given: str | None, data: LabelledFeatures, rows: Sequence[int], index: Index
) -> Background:
    """Return which background to learn.

    Parameters
    ----------
    given : str or None
        A label, or a folder of recordings; None takes clips with a label that `is_background`,
        else what lies between the annotations, else the quiet parts of the clips.
    data : LabelledFeatures
    rows : sequence of int
        Positions of the clips to train on.
    index : Index

    Raises
    ------
    UsageError
        What is given is neither.
    DataError
        The folder has no recordings.
    """
    labels = sorted({label for i in rows for label in split_labels(data.labels[i])})
    usual = next((name for name in BACKGROUND_NAMES if name not in labels), BACKGROUND_NAMES[0])
    if given is not None and given not in labels:
        if not Path(given).is_dir():
            raise UsageError(
                f"--background is {given!r}, which is neither a label of the clips to train on "
                f"({', '.join(labels[:10])}) nor a folder of recordings"
                f"{did_you_mean(given, labels)}"
            )
        found = list_folder(Path(given))
        if not found.recordings:
            raise DataError(f"--background is {given}, which {found.nothing_found()}")
        sources = [AudioSource(path) for path in found.recordings]
        origin = f"{counted(len(sources), 'recording')} in {given}"
        return Background(usual, sources, origin)
    label = given or next(filter(is_background, _by_name(labels)), None)
    if label is not None:
        clips = [data.clips[i] for i in rows if label in split_labels(data.labels[i])]
        sources = [index.source(clip) for clip in clips]
        return Background(label, sources, f"{counted(len(clips), 'clip')} labelled {label!r}")
    clips = [data.clips[i] for i in rows]
    between = between_annotations(clips, index)
    if between:
        n = len({source.path for source in between})
        origin = f"the unlabelled stretches of {counted(n, 'annotated recording')}"
        return Background(usual, between, origin)
    return Background(usual, [], "the quiet parts of the clips")


def _by_name(labels: Sequence[str]) -> list[str]:
    """Return labels so that the most usual name of background comes first."""
    names = list(BACKGROUND_NAMES)
    return sorted(
        labels, key=lambda label: names.index(label.casefold()) if label.casefold() in names else 9
    )


def between_annotations(clips: Sequence[Clip], index: Index) -> list[AudioSource]:
    """Return the stretches between clips, and before the first, of recordings with several.

    Clips of the whole index count as annotated, so that the event of another split is not taken
    for background. What lies behind the last clip is not taken: where the recording ends, and
    whether anybody listened that far, is not known.
    """
    paths = {clip.path for clip in clips if clip.end_s is not None}
    spans = defaultdict[str, list[tuple[float, float]]](list)
    for clip in index.clips:
        if clip.path in paths:
            end_s = np.inf if clip.end_s is None else clip.end_s
            spans[clip.path].append((clip.start_s or 0.0, end_s))
    found = []
    for path, annotated in sorted(spans.items()):
        at_s = 0.0
        for start_s, end_s in sorted(annotated):
            if start_s - MARGIN_S - at_s >= LEAST_S:
                source = index.source(Clip(path, start_s=at_s, end_s=start_s - MARGIN_S))
                found.append(source)
            at_s = max(at_s, end_s + MARGIN_S)
    return found


def hear(
    background: Background, extractor: Extractor, decoders: Decoders
) -> tuple[list[Waveform], list[str]]:
    """Decode background: all of it, or pieces that are spread over all of it.

    Parameters
    ----------
    background : Background
    extractor : Extractor
        Whose sample rate the waveforms have.
    decoders : Decoders

    Returns
    -------
    waveforms : list of float32 (n_samples,)
    failures : list of str
        What could not be read, and why.

    Raises
    ------
    DataError
        None of it can be read.
    """
    waveforms, failures = [], list[str]()
    sources = _spread(background.sources, [LEAST_S] * len(background.sources))
    spans: list[AudioSource] = []
    for source in sources:
        try:
            spans += _pieces(source, MOST_S / len(sources), decoders)
        except AudioError as error:
            failures.append(f"{source.path}: {error}")
    for source in _spread(spans, [(s.end_s or 0.0) - (s.start_s or 0.0) for s in spans]):
        try:
            waveforms.append(read_samples(source, extractor, decoders))
        except AudioError as error:
            failures.append(f"{source.path}: {error}")
    if background.sources and not waveforms:
        raise DataError(f"no background can be read: {failures[0]}")
    return waveforms, failures


def _spread(sources: Sequence[AudioSource], seconds: Sequence[float]) -> Sequence[AudioSource]:
    """Return every source, or every so many that together they last about `MOST_S`."""
    return sources[:: max(1, math.ceil(sum(seconds) / MOST_S))]


def _pieces(source: AudioSource, budget_s: float, decoders: Decoders) -> list[AudioSource]:
    """Return stretches of a source that are together no longer than the budget, or one piece."""
    first_s, last_s = source.start_s or 0.0, source.end_s
    if last_s is None:
        last_s = decoders.duration_s(source)
    if not np.isfinite(last_s):  # the header does not say how long it is
        return [replace(source, end_s=first_s + max(budget_s, PIECE_S))]
    if last_s - first_s <= max(budget_s, PIECE_S):
        return [replace(source, start_s=first_s, end_s=last_s)]
    n = max(1, int(budget_s // PIECE_S))
    starts = first_s + (np.arange(n) + 0.5) * ((last_s - first_s) / n) - PIECE_S / 2
    return [
        replace(source, start_s=float(start), end_s=float(start) + PIECE_S)
        for start in np.clip(starts, first_s, last_s - PIECE_S)
    ]


def read_samples(source: AudioSource, extractor: Extractor, decoders: Decoders) -> Waveform:
    """Decode a source at the rate, and to the channel, of an extractor."""
    source = replace(source, channel=extractor.config.channel)
    blocks = decoders.read_blocks_at(source, extractor.sample_rate, extractor.config.resampler)
    return np.concatenate(list(blocks))
