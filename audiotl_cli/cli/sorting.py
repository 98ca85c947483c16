"""Sort recordings into folders named after their predicted labels."""

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
    """Puts recordings into one folder per label: first `plan`, then, once that is saved, `place`.

    Unreadable and rejected recordings stay where they are.

    Parameters
    ----------
    folder : Path
    how : {"copy", "move", "link"}
    dry_run : bool
        Whether to report the targets without changing anything.
    """

    folder: Path
    how: How
    dry_run: bool = False
    names: dict[str, str] = field(default_factory=dict)
    n_sorted: int = 0

    def to_dict(self) -> dict[str, str]:
        """Return the options as JSON values."""
        return {"how": "dry run" if self.dry_run else self.how, "folder": str(self.folder)}

    def know(self, labels: Sequence[str]) -> None:
        """Set the labels that folders are named after."""
        from audiotl_cli.inference.sorting import folder_names

        self.names = folder_names(labels)

    def plan(self, prediction: Prediction) -> Prediction:
        """Return the prediction with the path that its recording is to be sorted to."""
        from audiotl_cli.inference.sorting import plan

        labels = prediction.labels
        if labels is None:
            labels = [] if prediction.label is None else [prediction.label]
        if prediction.error is not None or not labels:
            return prediction
        folder = self.folder / ";".join(self.names[label] for label in labels)
        return replace(prediction, sorted_to=str(plan(Path(prediction.path), folder)))

    def place(self, prediction: Prediction, *, on_record: bool = True) -> AudioError | None:
        """Put a recording where its prediction says; return the error if that fails.

        Parameters
        ----------
        prediction : Prediction
        on_record : bool
            Whether the target is already saved outside this process; otherwise it is printed to
            stderr first, even with ``--quiet``.
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
            output.say(f"{path} is being {DONE[self.how]} to {target}")
        try:
            place(path, target, self.how)
        except OSError as error:
            message = f"not {DONE[self.how]}: {error.strerror}"
            return AudioError(message, code="not_sorted", stage="sort")
        self.n_sorted += 1
        output.note(f"{path} {DONE[self.how]} to {target}", style=None)
        return None

    def resume(self, prediction: Prediction) -> AudioError | None:
        """Put a recording where an interrupted run planned to put it, unless that was done."""
        from audiotl_cli.inference.sorting import is_placed

        if prediction.sorted_to is None or self.dry_run:
            return None
        if is_placed(Path(prediction.path), Path(prediction.sorted_to)):
            return None
        return self.place(prediction)

    def summarize(self) -> None:
        """Print how many recordings were sorted."""
        would = "would be " if self.dry_run else ""
        output.note(f"{self.n_sorted} recordings {would}{DONE[self.how]} into {self.folder}")


def choose_sorter(
    copy_to: Path | None, move_to: Path | None, link_to: Path | None, *, dry_run: bool
) -> Sorter | None:
    """Return the sorter, if sorting was requested, or raise `UsageError`."""
    choices: list[tuple[How, Path | None]] = [
        ("copy", copy_to),
        ("move", move_to),
        ("link", link_to),
    ]
    chosen = [(how, folder) for how, folder in choices if folder is not None]
    if len(chosen) > 1:
        names = " and ".join(f"--{how}-to" for how, _ in chosen)
        raise UsageError(f"{names} cannot be combined; give only one of them")
    if not chosen:
        if dry_run:
            raise UsageError("--dry-run can only be used with --copy-to, --move-to or --link-to")
        return None
    how, folder = chosen[0]
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--{how}-to is {folder}, a file; expected a folder")
    return Sorter(folder, how, dry_run)
