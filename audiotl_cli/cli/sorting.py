"""Where ``audiotl predict`` puts recordings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from audiotl_cli.cli import output
from audiotl_cli.errors import AudioError, UsageError

if TYPE_CHECKING:
    from audiotl_cli.inference.prediction import Prediction
    from audiotl_cli.inference.sorting import How

DONE = {"copy": "copied", "move": "moved", "link": "linked"}


@dataclass
class Sorter:
    """Puts recordings into a folder a label: first `plan`, then, once that is on record, `place`.

    Recordings that cannot be used, and those that are none of the labels, stay where they are.

    Parameters
    ----------
    folder : Path
    how : {"copy", "move", "link"}
    dry_run : bool
        Whether to say where they would go, and leave everything as it is.
    """

    folder: Path
    how: How
    dry_run: bool = False
    names: dict[str, str] = field(default_factory=dict)
    n_sorted: int = 0

    def to_dict(self) -> dict[str, str]:
        """Return what is done, as JSON has it."""
        return {"how": "dry run" if self.dry_run else self.how, "folder": str(self.folder)}

    def know(self, labels: Sequence[str]) -> None:
        """Take the labels there are."""
        from audiotl_cli.inference.sorting import folder_names

        self.names = folder_names(labels)

    def plan(self, prediction: Prediction) -> Prediction:
        """Return a prediction that says where its recording belongs."""
        from audiotl_cli.inference.sorting import plan

        labels = prediction.labels
        if labels is None:
            labels = [] if prediction.label is None else [prediction.label]
        if prediction.error is not None or not labels:
            return prediction
        folder = self.folder / ";".join(self.names[label] for label in labels)
        return replace(prediction, sorted_to=str(plan(Path(prediction.path), folder)))

    def place(self, prediction: Prediction, *, on_record: bool = True) -> AudioError | None:
        """Put a recording where its prediction says; return why not, if that fails.

        Parameters
        ----------
        prediction : Prediction
        on_record : bool
            Whether something that outlives this process says so already; else it is said first,
            on stderr, even with ``--quiet``.
        """
        from audiotl_cli.inference.sorting import place

        path = Path(prediction.path)
        if prediction.sorted_to is None or (target := Path(prediction.sorted_to)) == path:
            return None
        if self.dry_run:
            self.n_sorted += 1
            output.note(f"{path} would be {DONE[self.how]} to {target}", style=None)
            return None
        if not on_record:
            output.say(f"{path} is to be {DONE[self.how]} to {target}")
        try:
            place(path, target, self.how)
        except OSError as error:
            message = f"not {DONE[self.how]}: {error.strerror}"
            return AudioError(message, code="not_sorted", stage="sort")
        self.n_sorted += 1
        output.note(f"{path} {DONE[self.how]} to {target}", style=None)
        return None

    def resume(self, prediction: Prediction) -> AudioError | None:
        """Put a recording where an interrupted run was to put it, if it did not get that far."""
        from audiotl_cli.inference.sorting import is_placed

        if prediction.sorted_to is None or self.dry_run:
            return None
        if is_placed(Path(prediction.path), Path(prediction.sorted_to)):
            return None
        return self.place(prediction)

    def summarize(self) -> None:
        """Say how many recordings went somewhere."""
        would = "would be " if self.dry_run else ""
        output.note(f"{self.n_sorted} recordings {would}{DONE[self.how]} into {self.folder}")


def choose_sorter(
    copy_to: Path | None, move_to: Path | None, link_to: Path | None, *, dry_run: bool
) -> Sorter | None:
    """Return what sorts, if anything does, or raise `UsageError`."""
    given: list[tuple[How, Path | None]] = [("copy", copy_to), ("move", move_to), ("link", link_to)]
    asked = [(how, folder) for how, folder in given if folder is not None]
    if len(asked) > 1:
        names = " and ".join(f"--{how}-to" for how, _ in asked)
        raise UsageError(f"{names} are given; expected one of them")
    if not asked:
        if dry_run:
            raise UsageError("--dry-run needs --copy-to, --move-to or --link-to")
        return None
    how, folder = asked[0]
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--{how}-to is {folder}, a file; expected a folder")
    return Sorter(folder, how, dry_run)
