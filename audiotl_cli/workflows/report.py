"""Bring what was measured into one evaluation, and write it down."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from audiotl_cli.dataset.index import Index
from audiotl_cli.evaluation.duplicates import DuplicatePair, find_duplicates
from audiotl_cli.evaluation.embedding_map import EmbeddingMap, map_clips
from audiotl_cli.evaluation.evaluation import Evaluation
from audiotl_cli.evaluation.report.write import write_evaluation
from audiotl_cli.experiments.features import LabelledFeatures, evaluated
from audiotl_cli.experiments.fitting import pool_rows
from audiotl_cli.storage.paths import AnyPath

logger = logging.getLogger(__name__)

POOLING = "mean+std"
"""How clips become the vectors that are compared and drawn."""


@dataclass(frozen=True)
class EvaluateReport:
    """An evaluation that has been written down.

    Parameters
    ----------
    evaluation : Evaluation
    folder : Path
        Where its files are.
    root : Path, RemotePath or None
        The folder that paths of clips are relative to; None where there are no recordings.
    """

    evaluation: Evaluation
    folder: Path
    root: AnyPath | None = None

    @cached_property
    def result(self) -> dict[str, Any]:
        """The evaluation as JSON."""
        return self.evaluation.to_dict()


def write_report(evaluation: Evaluation, folder: Path, root: AnyPath | None) -> EvaluateReport:
    """Write an evaluation into a folder; its page comes last, see `write_pages`."""
    write_evaluation(evaluation, folder)
    return EvaluateReport(evaluation, folder, root)


def duplicates(
    data: LabelledFeatures, rows: Sequence[int], parts: Sequence[str], tested: Sequence[bool]
) -> list[DuplicatePair]:
    """Return nearly equal clips in different parts; see `find_duplicates`.

    Parameters
    ----------
    data : LabelledFeatures
    rows : sequence of int
        Positions of the clips to compare.
    parts, tested : sequence
        Of each of these.
    """
    keys = [data.keys[i] for i in rows]
    pairs = find_duplicates(pool_rows(data, rows, POOLING), keys, parts, tested)
    return [
        DuplicatePair(
            evaluated(data.clips[rows[pair.clip]]),
            evaluated(data.clips[rows[pair.other]]),
            pair.similarity,
        )
        for pair in pairs
    ]


def embedding_map(data: LabelledFeatures, rows: Sequence[int]) -> EmbeddingMap | None:
    """Return the map of these clips' pooled features, if there is one."""
    return map_clips(pool_rows(data, rows, POOLING))


def recordings(index: Index, data: LabelledFeatures) -> AnyPath | None:
    """Return the folder of the recordings; None for features that came from elsewhere."""
    return None if any(spec.imported for spec in data.extractors) else index.audio_root


def index_name(index: Index) -> str:
    """Return the file name of an index; empty for one that is in no file."""
    return index.path.name if index.path else ""


def warn_trained_on(n_trained_on: int | None, n_clips: int) -> None:
    """Warn if some of the clips evaluated were trained on."""
    if n_trained_on:
        logger.warning(
            "%d of the %d clips evaluated were trained on, so the score is too good",
            n_trained_on,
            n_clips,
        )


def weights_warnings(data: LabelledFeatures) -> list[str]:
    """Return what readers must know of the weights that the features were made with."""
    return [spec.warning for spec in data.extractors if spec.warning]
