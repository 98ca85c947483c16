"""What a format is: a writer of predictions.

A new format is a subclass of `Writer` in a file of its own in this folder. `--format` offers it,
`--output` knows its suffix, and no other module names it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from audiotl_cli.inference.events import Event
    from audiotl_cli.inference.prediction import Prediction


@dataclass(frozen=True)
class WriterOptions:
    """What is known of all predictions before the first one comes.

    Parameters
    ----------
    labels : sequence of str
        The model's, in its order.
    multi_label : bool
        Whether the model predicts any number of labels.
    segments : bool
        Whether events along recordings were asked for.
    sorts : bool
        Whether recordings are put into a folder a label.
    band_hz : tuple of float
        The lowest and the highest frequency that the model's networks take in.
    top_k : int or None
        How many scores to write; None is all, or what a table has room for.
    ranked : bool
        Whether there are too many labels for a column each: tables then have the best `top_k`
        with their scores.
    """

    labels: Sequence[str] = ()
    multi_label: bool = False
    segments: bool = False
    sorts: bool = False
    band_hz: tuple[float, float] = (0.0, 0.0)
    top_k: int | None = None
    ranked: bool = False


class Writer:
    """Writes predictions as text: `begin`, then `add` or `add_event` any number of times, `end`.

    Parameters
    ----------
    write : callable
        Takes the text, or bytes of a `binary` format, piece by piece.
    options : WriterOptions

    Attributes
    ----------
    name : str
        What ``--format`` calls it.
    suffix : str
        How the names of its files end. With `file_each`, it is added to a recording's name.
    streams : bool
        Whether what was written is of use before `end`, and events can be written one by one.
    file_each : bool
        Whether each recording has a file of its own.
    binary : bool
        Whether it writes bytes instead of text, which a terminal cannot show. It needs a file.
    complete : bool
        Whether it holds whatever is known of a recording: why it failed, where it was put.
    rank : int
        Where it stands in lists: lower first, then by name.
    """

    name: ClassVar[str]
    suffix: ClassVar[str] = ""
    streams: ClassVar[bool] = True
    file_each: ClassVar[bool] = False
    binary: ClassVar[bool] = False
    complete: ClassVar[bool] = False
    rank: ClassVar[int] = 100

    def __init__(self, write: Callable[[Any], object], options: WriterOptions) -> None:
        self.write = write
        self.options = options

    @classmethod
    def check(cls) -> None:
        """Raise `UsageError` if a package that the format needs is not installed."""

    def begin(self) -> None:
        """Write what comes before all predictions."""

    def add(self, prediction: Prediction) -> None:
        """Write a recording; one that failed, too, where the format has room for that."""
        raise NotImplementedError

    def add_event(self, path: str, event: Event) -> None:
        """Write an event of a recording that has not ended; only where `streams`."""
        raise NotImplementedError(f"{self.name} does not stream")

    def end(self) -> None:
        """Write what comes after all predictions."""
