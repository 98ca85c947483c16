"""Clips for the tests of the store."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from audiotl_cli.storage.paths import AnyPath
from audiotl_cli.store.shard import Features


def key_of(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def features_of(number: int, dim: int = 4) -> Features:
    rng = np.random.default_rng(number)
    n_frames = 1 + number % 3
    frames = rng.normal(size=(n_frames, dim)).astype(np.float32)
    return Features(frames, np.arange(n_frames, dtype=np.float64) / 2)


def clips_of(*numbers: int) -> dict[str, Features]:
    return {key_of(number): features_of(number) for number in numbers}


def on_disk(path: AnyPath) -> Path:
    """Return the path of a store or shard, which must be one of a disk."""
    assert isinstance(path, Path)
    return path


def same(a: Features, b: Features) -> bool:
    return (
        a.frames.dtype == b.frames.dtype
        and a.frames.shape == b.frames.shape
        and a.frames.tobytes() == b.frames.tobytes()
        and a.times.tobytes() == b.times.tobytes()
    )
