"""The report of an evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from audiotl_cli.evaluation.evaluation import Evaluation
from audiotl_cli.evaluation.report.write import write_evaluation
from audiotl_cli.storage.paths import AnyPath


@dataclass(frozen=True)
class EvaluateReport:
    """An evaluation that has been written down.

    Parameters
    ----------
    evaluation : Evaluation
    folder : Path
        Where its files are.
    root : Path, RemotePath or None
        The folder that paths of clips are relative to; None where there are no recordings.
    """

    evaluation: Evaluation
    folder: Path
    root: AnyPath | None = None

    @cached_property
    def result(self) -> dict[str, Any]:
        """The evaluation as JSON."""
        return self.evaluation.to_dict()


def write_report(evaluation: Evaluation, folder: Path, root: AnyPath | None) -> EvaluateReport:
    """Write an evaluation into a folder; its page comes last, see `write_pages`."""
    write_evaluation(evaluation, folder)
    return EvaluateReport(evaluation, folder, root)
