"""What an evaluation says of the features of its clips."""

from __future__ import annotations

from collections.abc import Sequence

from audiotl_cli.dataset.index import Index
from audiotl_cli.evaluation.duplicates import DuplicatePair, find_duplicates
from audiotl_cli.evaluation.embedding_map import EmbeddingMap, map_clips
from audiotl_cli.experiments.features import LabelledFeatures, evaluated, pool_rows
from audiotl_cli.storage.paths import AnyPath

POOLING = "mean+std"
"""How clips become the vectors that are compared and drawn."""


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


def weights_warnings(data: LabelledFeatures) -> list[str]:
    """Return what readers must know of the weights that the features were made with."""
    return [spec.warning for spec in data.extractors if spec.warning]
