"""How an index is to be made: where labels, groups and folds come from, and how to split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from audiotl_cli.errors import UsageError

COLUMN_OPTIONS = ("path", "label", "group", "fold", "split", "start", "end", "duration")
"""Fields of a clip whose column in a table an option can name."""


@dataclass(frozen=True)
class IndexOptions:
    """How to read labels, groups and folds, and how to split.

    Parameters
    ----------
    labels_from : str or None
        The name of a layout, such as ``folder``, or ``module:function``; None takes the first
        layout that fits, see `layouts.registry`.
    label_level : int or None
        The level of folders that are labels, counted from 1.
    label_regex, group_regex, fold_regex : str or None
        Searched in the path below the source; the first group counts.
    metadata : Path or None
        A table with a header, or annotations.
    path_column, label_column, group_column, fold_column, split_column : str or None
        Columns of the table, if not called as usual; ``none`` for no column.
    start_column, end_column, duration_column : str or None
        Likewise for the times of clips.
    label_separator : str or None
        What separates the labels in a cell of the table.
    point_width_s : float or None
        Length of clips around annotations that begin where they end, seconds.
    dataset : str or None
        A data set known by name.
    test_size : float
        Share of the clips for the test split.
    folds : int, "group" or None
        Number of folds to deal the clips into, or one for every group.
    by_time : str or None
        Newest clips into the test: by a date in the ``name``, by when the file was
        ``modified``, or by a column of the table.
    seed : int
    audit : bool
        Whether to measure every clip.
    fix : bool
        Whether to leave out clips that cannot be used, and keep near-duplicates together.
    workers : int or None
        Processes that measure; None is one a core.
    """

    labels_from: str | None = None
    label_level: int | None = None
    label_regex: str | None = None
    metadata: Path | None = None
    group_regex: str | None = None
    path_column: str | None = None
    label_column: str | None = None
    group_column: str | None = None
    fold_regex: str | None = None
    fold_column: str | None = None
    split_column: str | None = None
    start_column: str | None = None
    end_column: str | None = None
    duration_column: str | None = None
    label_separator: str | None = None
    point_width_s: float | None = None
    dataset: str | None = None
    test_size: float = 0.25
    folds: int | Literal["group"] | None = None
    by_time: str | None = None
    seed: int = 0
    audit: bool = True
    fix: bool = False
    workers: int | None = None

    def check(self, source: str, *, is_file: bool) -> None:
        """Raise `UsageError` if one option would make another have no effect.

        Parameters
        ----------
        source : str
        is_file : bool
            Whether the source is a file: a table or annotations.
        """
        layout, regex, metadata = self.labels_from, self.label_regex, self.metadata
        if layout == "csv" and not (metadata or is_file):
            raise UsageError("--labels-from csv needs the table: --metadata FILE.csv")
        by_path = layout in ("folder", "filename")
        dataset = f"--dataset {self.dataset}, whose labels are known,"
        conflicts = {
            f"SOURCE {source}, itself a table, and --metadata": is_file and metadata,
            f"--labels-from {layout} and --metadata": by_path and metadata,
            f"--labels-from {layout} and --label-level": self.label_level
            and layout not in (None, "folder"),
            "--label-level and --label-regex": self.label_level and regex,
            "--label-level and --metadata": self.label_level and metadata,
            "--label-level and a table as SOURCE": self.label_level and is_file,
            f"{dataset} and --label-level": self.dataset and self.label_level,
            "--no-audit and --fix": self.fix and not self.audit,
            f"--labels-from {layout} and a table as SOURCE": by_path and is_file,
            f"--labels-from {layout} and --label-regex": layout and layout != "filename" and regex,
            "--group-regex and --group-column": self.group_regex and self.group_column,
            "--fold-regex and --fold-column": self.fold_regex and self.fold_column,
            "--folds, which deals new ones, and --fold-regex": self.folds and self.fold_regex,
            "--folds, which deals new ones, and --fold-column": self.folds and self.fold_column,
            f"{dataset} and --labels-from": self.dataset and layout,
            f"{dataset} and --label-regex": self.dataset and regex,
            f"{dataset} and --metadata": self.dataset and metadata,
            f"{dataset} and a file as SOURCE": self.dataset and is_file,
        }
        for options, are_given in conflicts.items():
            if are_given:
                raise UsageError(f"{options} do not fit together; give one of them")

    def check_no_columns(self) -> None:
        """Raise `UsageError` if an option is about a table or annotations, and there are none."""
        named = self._named_columns(COLUMN_OPTIONS)
        named += ["--label-separator"] if self.label_separator is not None else []
        if named:
            verb = "needs" if len(named) == 1 else "need"
            raise UsageError(f"{' and '.join(named)} {verb} the table: --metadata FILE.csv")
        if self.point_width_s is not None:
            raise UsageError("--point-width-s needs annotations or a table with times")

    def check_annotations(self) -> None:
        """Raise `UsageError` if a column is named that annotations do not have."""
        if named := self._named_columns(("group", "fold", "split")):
            raise UsageError(f"{' and '.join(named)} need a table of clips, and no annotations")

    def _named_columns(self, names: Sequence[str]) -> list[str]:
        return [f"--{name}-column" for name in names if getattr(self, f"{name}_column")]
