"""The request of ``audiotl predict`` or ``audiotl listen``, independent of the source of audio."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
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
    from audiotl_cli.inference.ready import ReadyModel, ReadyOptions


@dataclass(frozen=True)
class PredictRequest:
    """Options of a prediction.

    Parameters
    ----------
    model : Path or None
        None chooses the newest model in data/models.
    ready : ReadyOptions or None
        A network whose own classes are the labels, in the place of a model.
    accept_licence : bool
        Whether the user accepts the licence of that network.
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
    ready: ReadyOptions | None = None
    accept_licence: bool = False

    def find_model(self) -> Path | None:
        """Return the model file, and print its path as a note; None for a network's classes."""
        return None if self.ready is not None else options.choose_model(self.model)

    @cached_property
    def _network(self) -> ReadyModel:
        from audiotl_cli.inference.ready import ReadyOptions
        from audiotl_cli.workflows.tag import load_network

        return load_network(self.ready or ReadyOptions(), accept=self.accept_licence)

    @property
    def averages(self) -> bool:
        """Whether the label of a whole recording is one by the average over it."""
        return self.events is None and (self.ready is None or self._network.over == "mean")

    def load(self, path: Path | None) -> Model:
        """Load the model or the network, and print its warnings and notes."""
        if path is None:
            from audiotl_cli.cli.ready import tell

            loaded = self._network.model
            tell(self._network)
        else:
            from audiotl_cli.workflows.predict import load_model

            loaded = load_model(path, self.trust)
            if self.events is not None:
                loaded.scorer(self.events)  # an exported model has no events
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
            ranked=self.ready is not None,
        )

    def made_with(self, model: Path | None) -> dict[str, Any]:
        """Return, as JSON values, everything except the recordings that predictions depend on.

        Raises
        ------
        DataError, OSError
            The model cannot be read.
        """
        from audiotl_cli import __version__
        from audiotl_cli.files import digest

        made_by: dict[str, Any] = (
            self._network.described
            if model is None
            else {"model": f"sha256:{digest(model, 'sha256')}"}
        )
        return {
            "audiotl": __version__,
            **made_by,
            "events": None if self.events is None else asdict(self.events),
            "sorted": None if self.sorter is None else self.sorter.to_dict(),
        }


def ready_events(ready: ReadyOptions, *, segments: bool) -> EventOptions | None:
    """Return the options of event detection with a network's own classes, or None."""
    from audiotl_cli.inference.events import EventOptions

    return EventOptions(ready.threshold) if segments else None
