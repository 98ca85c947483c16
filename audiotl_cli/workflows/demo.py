"""Make the recordings of the demonstration."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from audiotl_cli.project import DATA

N_TAKES = 24
SOUNDS = DATA / "audio" / "demo"
UNSEEN = DATA / "audio" / "demo-unseen"


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


def make_demo_sounds() -> DemoSounds:
    """Synthesise the recordings that are not there yet."""
    from audiotl_cli.dataset.demo_sounds import write_demo_sounds

    n_written = write_demo_sounds(SOUNDS, range(N_TAKES))
    n_written += write_demo_sounds(UNSEEN, [N_TAKES])
    return DemoSounds(SOUNDS, UNSEEN, n_written)
