"""Numbers of the published implementations, and where real weights may lie."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tests" / "golden"
SHARED = Path(os.environ.get("AUDIOTL_SHARED", ROOT.parent / "shared"))

Array = npt.NDArray[np.floating[Any]]


def scene(name: str) -> tuple[Array, int]:
    """Return a synthetic waveform and its sample rate."""
    with np.load(FOLDER / "scenes.npz") as file:
        return file[name], int(file["sample_rates"][list(file["names"]).index(name)])


def golden(network: str, scene_name: str) -> dict[str, Array]:
    with np.load(FOLDER / f"{network}_{scene_name}.npz") as file:
        return dict(file)


def shared_weights(name: str) -> Path:
    path = SHARED / "weights" / name
    if not path.is_file():
        pytest.skip(f"{path} is not at hand: the golden values are of its weights")
    return path


def cosine(frames: Array, reference: Array) -> float:
    """Return the cosine of the two frames that differ most."""
    a, b = frames.astype(np.float64), reference.astype(np.float64)
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float(((a * b).sum(axis=1) / norms).min())


def relative_error(frames: Array, reference: Array) -> float:
    return float(np.abs(frames - reference).max() / np.abs(reference).max())
