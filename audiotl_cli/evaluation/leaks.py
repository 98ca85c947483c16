"""Clips that are tested although the model knows their sound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from audiotl_cli.evaluation.clips import EvaluatedClip

TRAINED_ON = "trained_on"


@dataclass(frozen=True)
class Leak:
    """A tested clip whose sound is also on another side of the evaluation.

    Parameters
    ----------
    clip : EvaluatedClip
    other : EvaluatedClip or None
        A clip of that sound on another side; None where the index does not say which.
    kind : str
        ``trained_on`` (the same file or stretch), ``duplicate`` (the same samples),
        ``near_duplicate``, or ``split_leak`` (by the index alone).
    """

    clip: EvaluatedClip
    other: EvaluatedClip | None
    kind: str

    def to_dict(self) -> dict[str, Any]:
        """Return the leak as JSON."""
        return {
            "path": self.clip.path,
            **self.clip.bounds(),
            "other": self.other.path if self.other else "",
            **(self.other.bounds("other_") if self.other else {}),
            "kind": self.kind,
        }
