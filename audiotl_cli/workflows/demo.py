"""Make the recordings of the demonstration."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from audiotl_cli.project import Project

N_TAKES = 24

NETWORK = "musicnn"
"""Its weights come from where audiotl's requirements come from, so that the demonstration is the
same on every machine."""


@dataclass(frozen=True)
class DemoSounds:
    """Where the recordings are.

    Parameters
    ----------
    sounds : Path
        Ten folders, one a label, to learn from.
    unseen : Path
        One more recording a label, to predict.
    n_written : int
        Files made now; those that were there already are not counted.
    """

    sounds: Path
    unseen: Path
    n_written: int


def make_demo_sounds(project: Project) -> DemoSounds:
    """Synthesise the recordings that are not there yet."""
    from audiotl_cli.dataset.demo_sounds import write_demo_sounds

    sounds, unseen = project.audio_dir / "demo", project.audio_dir / "demo-unseen"
    n_written = write_demo_sounds(sounds, range(N_TAKES))
    n_written += write_demo_sounds(unseen, [N_TAKES])
    return DemoSounds(sounds, unseen, n_written)
