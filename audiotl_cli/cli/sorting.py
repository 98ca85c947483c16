"""Where ``audiotl predict`` puts recordings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiotl_cli.cli import output
from audiotl_cli.errors import UsageError

if TYPE_CHECKING:
    from audiotl_cli.prediction.sorting import How
    from audiotl_cli.workflows.predict import Prediction

DONE = {"copy": "copied", "move": "moved", "link": "linked"}


@dataclass
class Sorter:
    """Puts recordings into a folder a label.

    Recordings that cannot be used, and those that are none of the labels, stay where they are.

    Parameters
    ----------
    folder : Path
    how : {"copy", "move", "link"}
    dry_run : bool
        Whether to tell where they would go, and leave everything as it is.
    """

    folder: Path
    how: How
    dry_run: bool = False
    names: dict[str, str] = field(default_factory=dict)
    failures: list[tuple[str, str]] = field(default_factory=list)
    n_sorted: int = 0

    def know(self, labels: Sequence[str]) -> None:
        """Take the labels there are."""
        from audiotl_cli.prediction.sorting import folder_names

        self.names = folder_names(labels)

    def sort(self, prediction: Prediction, record: dict[str, Any]) -> None:
        """Put a recording where it belongs, and say so in its record, as ``sorted_to``."""
        from audiotl_cli.prediction.sorting import place, plan

        told = prediction.labels
        if told is None:
            told = [] if prediction.label is None else [prediction.label]
        if prediction.error is not None or not told:
            return
        folder = self.folder / ";".join(self.names[label] for label in told)
        path = Path(prediction.path)
        try:
            target = plan(path, folder) if self.dry_run else place(path, folder, self.how)
        except OSError as error:
            self.failures.append((prediction.path, f"not {DONE[self.how]}: {error.strerror}"))
            return
        self.n_sorted += target != path
        record["sorted_to"] = str(target)
        if target != path:
            would = "would be " if self.dry_run else ""
            output.note(f"{path} {would}{DONE[self.how]} to {target}", style=None)

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
