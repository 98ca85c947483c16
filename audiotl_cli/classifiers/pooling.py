"""Pool the frames of a clip into the rows of a classifier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audiotl_cli.errors import UsageError
from audiotl_cli.graph import Graph
from audiotl_cli.spelling import did_you_mean

FloatArray = npt.NDArray[np.float32]

POOLINGS = ("vote", "mean", "mean+std", "mean+max")
"""``vote`` makes every frame a row; the others make one row per clip."""


@dataclass(frozen=True)
class Pooled:
    """The frames of one clip, pooled already: the frames themselves need not be kept.

    Parameters
    ----------
    rows : mapping
        The result of `pool` for each pooling.
    """

    rows: Mapping[str, FloatArray]


Frames = FloatArray | Pooled
"""The frames (n_frames, dim) of one clip by one extractor, as they are or pooled already."""


def check_pooling(pooling: str) -> None:
    """Raise `UsageError` unless `pooling` is known."""
    if pooling not in POOLINGS:
        raise UsageError(
            f"unknown pooling {pooling!r}; choose from {', '.join(POOLINGS)}"
            f"{did_you_mean(pooling, POOLINGS)}"
        )


def n_pooled(pooling: str) -> int:
    """Return the ratio of the width of a pooled row to that of a frame."""
    return 1 if pooling in ("mean", "vote") else 2


def pool(frames: Frames, pooling: str) -> FloatArray:
    """Return the rows of one clip.

    Parameters
    ----------
    frames : float32 (n_frames, dim), at least one frame; or Pooled
    pooling : str
        One of `POOLINGS`.

    Returns
    -------
    rows : float32 (n_frames, dim) for ``vote``, (1, dim) for ``mean``, else (1, 2 * dim)
    """
    check_pooling(pooling)
    if isinstance(frames, Pooled):
        return frames.rows[pooling]
    if pooling == "vote":
        return frames
    # summed in double precision, so that the order of frames does not matter
    parts = [frames.mean(axis=0, dtype=np.float64)]
    if pooling == "mean+std":
        parts.append(frames.std(axis=0, dtype=np.float64))
    elif pooling == "mean+max":
        parts.append(frames.max(axis=0))
    return np.concatenate(parts).astype(np.float32)[None, :]


def pool_clip(parts: Sequence[Frames], pooling: str) -> FloatArray:
    """Return the rows of one clip from the frames of one or several extractors.

    Parameters
    ----------
    parts : sequence of float32 (n_frames, dim), or of Pooled
        One per extractor; their rows are concatenated.
    pooling : str

    Raises
    ------
    UsageError
        ``vote`` was requested for extractors with different numbers of frames.
    """
    rows = [pool(frames, pooling) for frames in parts]
    if len({len(part) for part in rows}) > 1:
        raise UsageError(
            "--pooling vote cannot combine these extractors, because their hops differ; choose "
            "another pooling, such as mean+std"
        )
    return rows[0] if len(rows) == 1 else np.concatenate(rows, axis=1)


def add_pooled_clip(graph: Graph, parts: Sequence[str], pooling: str) -> str:
    """Add the ONNX nodes of `pool_clip`, which return float32 rows."""
    rows = [_add_pooled(graph, frames, pooling) for frames in parts]
    return rows[0] if len(rows) == 1 else graph.add("Concat", *rows, axis=1)


def _add_pooled(graph: Graph, frames: str, pooling: str) -> str:
    if pooling == "vote":
        return frames
    wide = graph.cast(frames, np.float64)
    mean = graph.reduce("Mean", wide, 0)
    pooled = [mean]
    if pooling == "mean+std":
        away = graph.add("Sub", wide, mean)
        pooled.append(graph.add("Sqrt", graph.reduce("Mean", graph.add("Mul", away, away), 0)))
    elif pooling == "mean+max":
        pooled.append(graph.reduce("Max", wide, 0))
    return graph.cast(graph.add("Concat", *pooled, axis=1), np.float32)
