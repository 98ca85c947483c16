"""Indexes and feature stores with made features, and no audio."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from audiotl_cli.dataset.index import Clip, Index
from audiotl_cli.store.shard import Features, write_shard
from audiotl_cli.store.store import FeatureStore


def sha256_of(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def made_index(folder: Path, labels: Sequence[str], n_test: int = 0) -> Index:
    """Write an index of clips whose recordings are not there; the last ones are to test on."""
    n_train = len(labels) - n_test
    clips = [
        Clip(
            f"{i:06d}.wav",
            label,
            "train" if i < n_train else "test",
            fold=str(i % 4),
            sha256=sha256_of(f"{i:06d}.wav"),
        )
        for i, label in enumerate(labels)
    ]
    return Index(clips, folder / "audio").write(folder / "data" / "index" / "made.csv")


def made_store(
    folder: Path,
    index: Index,
    frames: Sequence[npt.NDArray[np.float32]],
    *,
    name: str = "made",
    per_shard: int = 10,
) -> FeatureStore:
    """Write the frames of an index's clips, in shards of some clips."""
    store = FeatureStore.create(
        folder / "data" / "features", name, frames[0].shape[1], {"imported": name}
    )
    names = [clip.path for clip in index.clips]
    for first in range(0, len(frames), per_shard):
        part = slice(first, first + per_shard)
        write_shard(
            store.folder,
            {
                sha256_of(path): Features(rows, np.arange(len(rows), dtype=np.float64))
                for path, rows in zip(names[part], frames[part], strict=True)
            },
        )
    return store
