"""The clips of a page: how each was predicted, which are worth hearing, where their sound is."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from audiotl_cli.audio.types import AudioSource
from audiotl_cli.evaluation.clips import EvaluatedClip, Place
from audiotl_cli.evaluation.evaluation import Evaluation
from audiotl_cli.evaluation.predictions import Predictions
from audiotl_cli.evaluation.report.charts import step_of_dots
from audiotl_cli.evaluation.report.media import excerpts
from audiotl_cli.storage.paths import AnyPath, join
from audiotl_cli.text import printable

N_LISTED = 5000
"""Predicted clips that a page lists, at most: those of `order` that come first."""

N_AUDIO, N_PICTURES = 32, 96
"""Clips that have their sound, and their spectrogram, inside a page: at most."""

N_SUSPECTS = 20
"""Likely label errors, and near-duplicates, that are shown: at most."""

MOST_BYTES = 8_000_000
"""Of sound inside a page."""

N_SCORES = 3
NOT_AT_HAND = "the recording is not at hand"


@dataclass(frozen=True)
class PageClips:
    """All clips that a page shows.

    Parameters
    ----------
    records : list of dict
        One a clip, as the page's script takes it: `name`, and as far as known `true`,
        `predicted`, `confidence`, `scores`, `link`, `audio`, `picture`, `length_s`, `note`.
    numbers : dict
        Position of a clip in `records`, by its place.
    n_listed : int
        How many of them are predicted clips.
    """

    records: list[dict[str, Any]]
    numbers: dict[Place, int] = field(default_factory=dict)
    n_listed: int = 0

    @property
    def n_embedded(self) -> int:
        """Clips whose sound is inside the page."""
        return sum("audio" in record for record in self.records)


def gather(evaluation: Evaluation, root: AnyPath | None, folder: Path) -> PageClips:
    """Collect the clips of an evaluation and embed those most worth hearing.

    Parameters
    ----------
    evaluation : Evaluation
    root : Path, RemotePath or None
        The folder that paths are relative to; None where there are no recordings.
    folder : Path
        Where the page will be; links are relative to it.
    """
    predictions = evaluation.predictions
    positions = _listed(evaluation)
    records = _records(predictions, positions)
    clips = [predictions.clips[i] for i in positions]
    numbers: dict[Place, int] = {}
    for number, clip in enumerate(clips):
        numbers.setdefault(clip.place, number)
    suspects = _suspects(evaluation)
    for clip in suspects:
        if clip.place not in numbers:
            numbers[clip.place] = len(clips)
            clips.append(clip)
            records.append({"name": printable(clip.name)})
    sources = [_source(clip, root) for clip in clips]
    for record, source in zip(records, sources, strict=True):
        if source is None:
            record["note"] = NOT_AT_HAND
        elif isinstance(source.path, Path):  # browsers cannot open object storage
            record["link"] = _link(source.path, source, folder)
    first = [numbers[clip.place] for clip in suspects]
    _embed(records, sources, _worth_hearing(predictions, positions, first))
    return PageClips(records, numbers, len(positions))


def order(predictions: Predictions) -> list[int]:
    """Return positions: the most confident mistakes first, then the least confident others."""
    key = np.where(predictions.right, predictions.confidence, -predictions.confidence)
    positions: list[int] = np.lexsort((key, predictions.right)).tolist()
    return positions


def _listed(evaluation: Evaluation) -> list[int]:
    """Return the positions of the clips to list, and of those that the map draws, sorted."""
    n_clips = evaluation.n_clips
    if n_clips <= N_LISTED:
        return list(range(n_clips))
    drawn = range(0, n_clips, step_of_dots(n_clips)) if evaluation.embedding_map else ()
    return sorted({*order(evaluation.predictions)[:N_LISTED], *drawn})


def _suspects(evaluation: Evaluation) -> list[EvaluatedClip]:
    """Return the clips of the label errors and near-duplicates that are shown."""
    errors = [error.clip for error in evaluation.label_errors[:N_SUSPECTS]]
    pairs = (evaluation.duplicates or ())[:N_SUSPECTS]
    return [*errors, *(clip for pair in pairs for clip in (pair.clip, pair.other))]


def _worth_hearing(
    predictions: Predictions, positions: Sequence[int], first: Sequence[int]
) -> list[int]:
    """Return numbers of records: `first`, then mistakes, then the least confident others."""
    number = {position: i for i, position in enumerate(positions)}
    ordered = [i for i in order(predictions) if i in number]
    mistakes = [number[i] for i in ordered if not predictions.right[i]]
    others = [number[i] for i in ordered if predictions.right[i]]
    chosen = list(dict.fromkeys([*first, *mistakes]))[:N_PICTURES]
    return list(dict.fromkeys([*chosen, *others]))[: max(len(chosen), N_AUDIO)]


def _records(predictions: Predictions, positions: Sequence[int]) -> list[dict[str, Any]]:
    labels = [printable(label) for label in predictions.labels]
    best = predictions.best(min(N_SCORES, len(labels)))
    records = []
    for i in positions:
        clip = predictions.clips[i]
        record: dict[str, Any] = {
            "name": printable(clip.name),
            "true": printable(clip.label),
            "predicted": printable(predictions.predicted[i]),
            "confidence": round(float(predictions.confidence[i]), 3),
            "scores": [[labels[j], round(float(predictions.scores[i, j]), 3)] for j in best[i]],
        }
        if predictions.rejected is not None and predictions.rejected[i]:
            record["rejected"] = True
        records.append(record)
    return records


def _embed(
    records: list[dict[str, Any]], sources: Sequence[AudioSource | None], chosen: Sequence[int]
) -> None:
    there = [(number, source) for number in chosen if (source := sources[number])]
    made = excerpts([source for _, source in there], N_AUDIO)
    n_bytes = 0
    for (number, _), excerpt in zip(there, made, strict=True):
        record = records[number]
        if excerpt.problem:
            record["note"] = printable(excerpt.problem)
            continue
        record["picture"] = excerpt.picture
        record["length_s"] = round(excerpt.length_s, 3)
        n_bytes += len(excerpt.audio)
        if excerpt.audio and n_bytes <= MOST_BYTES:
            record["audio"] = excerpt.audio


def _source(clip: EvaluatedClip, root: AnyPath | None) -> AudioSource | None:
    if root is None:
        return None
    found = join(root, clip.path)
    if not isinstance(found, Path):
        return AudioSource(found, clip.start_s, clip.end_s)
    path = Path(os.path.abspath(found))  # noqa: PTH100  (links stay as they are)
    try:
        there = path.is_file()
    except (OSError, ValueError):  # a name no file can have
        return None
    return AudioSource(path, clip.start_s, clip.end_s) if there else None


def _link(path: Path, source: AudioSource, folder: Path) -> str:
    """Return a recording's address as seen from a page in `folder`."""
    try:
        relative = os.path.relpath(path, os.path.abspath(folder))  # noqa: PTH100
        address = quote(os.fsencode(relative.replace(os.sep, "/")))
    except ValueError:  # another drive
        address = path.as_uri()
    if source.start_s is None and source.end_s is None:
        return address
    end = "" if source.end_s is None else f",{source.end_s:g}"
    return f"{address}#t={source.start_s or 0:g}{end}"
