from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiotl_cli.dataset.index import Clip, Index
from tests.cluster.networks import POISON
from tests.cluster.processes import Machines, machines

RATE = 1000  # Hz, as the stubs have it
CLIP_S, STEP_S = 0.3, 0.01


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Machines]:
    """Return where to start a scheduler and workers; all end with the test."""
    with machines(tmp_path) as started:
        yield started


def made_index(folder: Path, n_clips: int, *, bad: int = 0, poison_at: int | None = None) -> Index:
    """Index stretches of one recording, some files that are none, and one that kills.

    Parameters
    ----------
    folder : Path
    n_clips : int
    bad : int
        Every so many clips, there is one more that cannot be decoded.
    poison_at : int or None
        The position of a clip with poison.
    """
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(0)
    samples = rng.uniform(-0.5, 0.5, round((n_clips * STEP_S + 1) * RATE)).astype(np.float32)
    soundfile.write(folder / "long.wav", samples, RATE, subtype="FLOAT")
    clips = []
    for number in range(n_clips):
        start_s = round(number * STEP_S, 6)
        clips.append(Clip("long.wav", start_s=start_s, end_s=start_s + CLIP_S))
        if bad and number % bad == bad - 1:
            (folder / f"bad-{number}.wav").write_text(f"no sound {number}")
            clips.append(Clip(f"bad-{number}.wav"))
    if poison_at is not None:
        soundfile.write(folder / "poison.wav", np.full(300, POISON), RATE, subtype="FLOAT")
        clips.insert(poison_at, Clip("poison.wav"))
    return Index(clips, folder)


def files_in(root: Path) -> dict[str, bytes]:
    """Return whatever a folder of stores holds."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and path.name not in (".lock", ".hashes", ".hashes.lock")
    }
