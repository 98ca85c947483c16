"""The request of ``audiotl predict`` or ``audiotl listen``, independent of the source of audio."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiotl_cli.cli import options, output
from audiotl_cli.cli.event_options import describe_events
from audiotl_cli.cli.sorting import Sorter
from audiotl_cli.cli.table_writer import TableWriter
from audiotl_cli.inference.formats.base import Writer, WriterOptions

if TYPE_CHECKING:
    from audiotl_cli.inference.events import EventOptions
    from audiotl_cli.inference.model import Model


@dataclass(frozen=True)
class PredictRequest:
    """Options of a prediction.

    Parameters
    ----------
    model : Path or None
        None chooses the newest model in data/models.
    trust : sequence of str
    kind : type of Writer
        Writes the predictions.
    to : Path or None
        The file or folder to write; None is stdout.
    overwrite : bool
        Whether files that audiotl did not write may be overwritten.
    sorter : Sorter or None
    events : EventOptions or None
        None predicts whole recordings instead of events.
    top_k, workers : int or None
    json : bool
    """

    model: Path | None
    trust: Sequence[str] = ()
    kind: type[Writer] = TableWriter
    to: Path | None = None
    overwrite: bool = False
    sorter: Sorter | None = None
    events: EventOptions | None = None
    top_k: int | None = None
    workers: int | None = None
    json: bool = False

    def find_model(self) -> Path:
        """Return the model file, and print its path as a note."""
        return options.choose_model(self.model)

    def load(self, path: Path) -> Model:
        """Load the model, and print its warnings and notes."""
        from audiotl_cli.workflows.predict import load_model

        loaded = load_model(path, self.trust)
        for warning in {spec.warning for spec in loaded.card.extractors} - {""}:
            output.warn(warning)
        if self.events is not None:
            describe_events(loaded, self.events)
        if self.sorter is not None:
            self.sorter.know(loaded.labels)
        return loaded

    def writer_options(self, model: Model) -> WriterOptions:
        """Return the options that a writer needs before the first prediction."""
        return WriterOptions(
            labels=model.labels,
            multi_label=model.classifier.multi_label,
            segments=self.events is not None,
            sorts=self.sorter is not None,
            band_hz=model.band_hz,
            top_k=self.top_k,
        )

    def made_with(self, model: Path) -> dict[str, Any]:
        """Return, as JSON values, everything except the recordings that predictions depend on.

        Raises
        ------
        DataError, OSError
            The model cannot be read.
        """
        from audiotl_cli import __version__
        from audiotl_cli.files import digest

        return {
            "audiotl": __version__,
            "model": f"sha256:{digest(model, 'sha256')}",
            "events": None if self.events is None else asdict(self.events),
            "sorted": None if self.sorter is None else self.sorter.to_dict(),
        }
