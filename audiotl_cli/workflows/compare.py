"""Compare evaluations of the same clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from audiotl_cli.evaluation.comparison import Comparison
from audiotl_cli.evaluation.report.write import COMPARISON, write_json, write_page
from audiotl_cli.evaluation.results import Result, compare_results
from audiotl_cli.workflows.report import EvaluateReport


def compare_evaluations(
    names: Sequence[str], results: Sequence[Result], folder: Path, seed: int
) -> list[Comparison]:
    """Compare every result with the first, and write it down as ``comparison.json``.

    Parameters
    ----------
    names, results, seed
        See `compare_results`.
    folder : Path

    Raises
    ------
    DataError
        They are not of the same clips with the same labels.
    """
    found = compare_results(names, results, seed)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / COMPARISON, {"comparisons": [comparison.to_dict() for comparison in found]})
    return found


def write_pages(
    reports: Sequence[EvaluateReport | None], comparisons: Sequence[Comparison] = ()
) -> None:
    """Write the pages of evaluations, once it is known how they compare.

    Parameters
    ----------
    reports : sequence of EvaluateReport or None
        In the order in which they were compared; None for an evaluation made before, whose
        page stays as it is.
    comparisons : sequence of Comparison
        Of every report after the first with the first; none without a comparison.
    """
    for number, report in enumerate(reports):
        if report is None:
            continue
        own = comparisons[number - 1 : number] if number else comparisons
        write_page(replace(report.evaluation, comparisons=own), report.folder, report.root)
