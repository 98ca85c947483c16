"""What ``audiotl predict`` and ``audiotl listen`` were asked for, whatever the sound comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from audiotl_cli.cli import output
from audiotl_cli.cli.sorting import Sorter
from audiotl_cli.errors import UsageError

if TYPE_CHECKING:
    from audiotl_cli.prediction.events import EventOptions
    from audiotl_cli.workflows.predict import Model


@dataclass(frozen=True)
class Order:
    """How to predict.

    Parameters
    ----------
    model : Path or None
        The newest in data/models unless given.
    trust : sequence of str
    form : str
        How to write.
    to : Path or None
        Where to write, if not to stdout.
    sorter : Sorter or None
    events : EventOptions or None
        None unless events are asked for.
    top_k, workers : int or None
    json : bool
    """

    model: Path | None
    trust: Sequence[str] = ()
    form: str = "table"
    to: Path | None = None
    sorter: Sorter | None = None
    events: EventOptions | None = None
    top_k: int | None = None
    workers: int | None = None
    json: bool = False

    def find_model(self) -> Path:
        """Return the model's file, and say which it is."""
        from audiotl_cli.workflows.project import newest_model

        path = self.model or newest_model()
        output.note(f"Model {path}")
        return path

    def load(self, path: Path) -> Model:
        """Load the model, and say what one must know of it."""
        from audiotl_cli.workflows.predict import load_model

        loaded = load_model(path, self.trust)
        for warning in {spec.warning for spec in loaded.card.extractors} - {""}:
            output.warn(warning)
        if self.events is not None:
            output.note(
                f"Judging {loaded.context_s:g} s around every step; a label is heard from a score "
                f"of {self.events.threshold:g}"
            )
        if self.sorter is not None:
            self.sorter.know(loaded.labels)
        return loaded


def choose_events(threshold: float | None, *, segments: bool) -> EventOptions | None:
    """Return what events to look for, if any, or raise `UsageError`."""
    from audiotl_cli.prediction.events import EventOptions

    if threshold is not None and not (segments and 0 < threshold <= 1):
        raise UsageError(
            f"--threshold is {threshold:g}; expected a score above 0, at most 1"
            if segments
            else "--threshold needs --segments"
        )
    if not segments:
        return None
    return EventOptions() if threshold is None else EventOptions(threshold)
