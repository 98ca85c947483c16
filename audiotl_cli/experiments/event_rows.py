"""The rows that a model of events is trained on: frames of clips, mixed copies, background."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audiotl_cli.audio.isolated import Decoders
from audiotl_cli.classifiers.frame_training import FrameRows
from audiotl_cli.classifiers.labels import label_numbers
from audiotl_cli.dataset.index import Index
from audiotl_cli.errors import DataError
from audiotl_cli.experiments.background import Background, hear
from audiotl_cli.experiments.event_clips import ClipFrames, Frames, embed, read_clips
from audiotl_cli.experiments.features import LabelledFeatures
from audiotl_cli.experiments.mixing import Mixer
from audiotl_cli.extractors.base import Extractor
from audiotl_cli.extractors.runtime import one_blas_thread
from audiotl_cli.labels import join_labels, split_labels

QUIET_SHARE = 0.2
"""Share of the frames of clips that is taken for background where none is given."""

QUIET_DB = -20.0
"""How far below the loudest part of its clip such a frame is at least, decibels."""

PLAIN, MIXED, BACKGROUND = range(3)
"""Where a row comes from."""

MOST_FAILED = 0.5
"""Share of clips that may be unreadable."""


@dataclass(frozen=True)
class EventRows:
    """The rows to train on.

    Parameters
    ----------
    rows : FrameRows
    labels : list of str
    clips : int64 (n_rows,)
        Position of the clip of each row, -1 for background that is no clip's.
    kinds : int64 (n_rows,)
        `PLAIN`, `MIXED` or `BACKGROUND`.
    background_s : float
        Seconds of background that were heard.
    n_mixed : int
        Clips with a mixed copy.
    failures : list of str
        Recordings that could not be read, and why.
    """

    rows: FrameRows
    labels: list[str]
    clips: npt.NDArray[np.int64]
    kinds: npt.NDArray[np.int64]
    background_s: float
    n_mixed: int
    failures: list[str]


def gather_rows(
    data: LabelledFeatures,
    rows: Sequence[int],
    index: Index,
    background: Background,
    extractor: Extractor,
    *,
    seed: int,
    workers: int,
    on_clip: Callable[[int, int], None],
) -> EventRows:
    """Read the clips to train on and their background, and return the frames to learn.

    Parameters
    ----------
    data : LabelledFeatures
        Of one extractor.
    rows : sequence of int
        Positions of the clips to train on.
    index : Index
    background : Background
    extractor : Extractor
        As the features were made.
    seed : int
        Of what is mixed.
    workers : int
        Threads.
    on_clip : callable
        Called with the number of clips that have been read, and of how many.

    Raises
    ------
    DataError
        The recordings, or the background, cannot be read.
    """
    extractor.use_threads(workers)
    heard = [i for i in rows if background.label not in split_labels(data.labels[i])]
    with Decoders(workers) as decoders, one_blas_thread():
        extractor.prepare()
        waveforms, failures = hear(background, extractor, decoders)
        behind = [embed([waveform], extractor)[0] for waveform in waveforms]
        mixer = Mixer(waveforms, seed) if waveforms else None
        clips: list[ClipFrames] = []
        for found in read_clips(data, heard, index, extractor, decoders, mixer, workers):
            clips += [clip for clip in found if isinstance(clip, ClipFrames)]
            failures += [text for text in found if isinstance(text, str)]
            on_clip(len(clips), len(heard))
    if len(clips) < (1 - MOST_FAILED) * len(heard) or not clips:
        raise DataError(
            f"a model of events is trained on the recordings themselves, and {len(failures)} of "
            f"them cannot be read, such as {failures[0]}; if they were moved, give --audio-root"
            if failures
            else "no clip has a label other than the background"
        )
    audio_s = sum(map(len, waveforms)) / extractor.sample_rate
    return _assemble(data, clips, behind, background, audio_s, failures)


def _assemble(
    data: LabelledFeatures,
    clips: Sequence[ClipFrames],
    behind: Sequence[Frames],
    background: Background,
    audio_s: float,
    failures: list[str],
) -> EventRows:
    parts = [(clip.row, PLAIN, clip.plain[clip.active]) for clip in clips]
    parts += [
        (clip.row, MIXED, clip.mixed[clip.active_mixed]) for clip in clips if clip.mixed is not None
    ]
    n_mixed = len(parts) - len(clips)
    behind = behind or _quiet_frames(clips)
    parts = [part for part in parts if len(part[2])]
    n_rows = [len(frames) for _, _, frames in parts]
    n_behind = sum(map(len, behind))
    weights = [*np.repeat([1 / n for n in n_rows], n_rows), *[len(parts) / n_behind] * n_behind]
    labels, numbers = _numbers(data, [row for row, _, _ in parts], background.label)
    none = np.zeros((n_behind, *numbers.shape[1:]), np.int64)
    if not data.multi_label:
        none += labels.index(background.label)
    return EventRows(
        FrameRows(
            np.concatenate([*(frames for _, _, frames in parts), *behind]),
            np.concatenate([np.repeat(numbers, n_rows, axis=0), none]),
            np.array(weights),
        ),
        labels,
        np.concatenate([np.repeat([row for row, _, _ in parts], n_rows), np.full(n_behind, -1)]),
        np.concatenate(
            [np.repeat([kind for _, kind, _ in parts], n_rows), np.full(n_behind, BACKGROUND)]
        ),
        audio_s,
        n_mixed,
        failures,
    )


def _numbers(
    data: LabelledFeatures, rows: Sequence[int], background: str
) -> tuple[list[str], npt.NDArray[np.int64]]:
    """Return the labels, and the number of the label of each clip; see `label_numbers`.

    Where clips may have several labels, the background is to have none of the others.
    """
    several = data.multi_label
    texts = [data.labels[i] for i in rows]
    found = {label for text in texts for label in split_labels(text)} - {background}
    labels = sorted(found if several else found | {background})
    if len(labels) < 2:
        raise DataError(
            f"all clips have the label {', '.join(labels)}: a model of events of several labels "
            "at once needs at least two"
        )
    kept = [join_labels(set(split_labels(text)) - {background}) for text in texts]
    return labels, label_numbers(kept, labels, multi_label=several)


def _quiet_frames(clips: Sequence[ClipFrames]) -> list[Frames]:
    """Return the quietest frames of clips, but for digital silence.

    Raises
    ------
    DataError
        No clip has a quiet part.
    """
    levels = np.concatenate([clip.relative_db for clip in clips])
    sounding = levels[np.isfinite(levels)]
    most_db = min(QUIET_DB, float(np.quantile(sounding, QUIET_SHARE))) if len(sounding) else 0.0
    quiet = [
        clip.plain[np.isfinite(clip.relative_db) & (clip.relative_db <= most_db)] for clip in clips
    ]
    if not any(map(len, quiet)):
        raise DataError(
            "there is no background to learn: no clip has a quiet part. Name a label of the index "
            "or a folder of recordings in which there is nothing to find with --background"
        )
    return quiet
