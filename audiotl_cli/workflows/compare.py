"""Compare evaluations of the same clips."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from audiotl_cli.errors import DataError
from audiotl_cli.evaluation.comparison import compare
from audiotl_cli.evaluation.intervals import number_units
from audiotl_cli.evaluation.report.write import COMPARISON, write_page
from audiotl_cli.workflows.report import EvaluateReport, write_json

Result = Mapping[str, Any]
"""What `report.json` holds."""


def compare_results(
    names: Sequence[str], results: Sequence[Result], folder: Path, seed: int
) -> list[dict[str, Any]]:
    """Compare every result with the first, and write it down as ``comparison.json``.

    Parameters
    ----------
    names : sequence of str
    results : sequence of dict
        At least two.
    folder : Path
    seed : int
        Of the bootstrap.

    Returns
    -------
    comparisons : list of dict
        One a result after the first.

    Raises
    ------
    DataError
        They are not of the same clips with the same labels.
    """
    rows = [{_clip(one): one for one in result["predictions"]} for result in results]
    for name, row in zip(names[1:], rows[1:], strict=True):
        if differ := set(row) ^ set(rows[0]):
            raise DataError(
                f"{names[0]} and {name} cannot be compared: {len(differ)} clips or their labels "
                f"differ, such as {min(differ)[0]}; evaluate both on the same index and split"
            )
    order = list(rows[0])
    right = [
        np.array([row[clip]["predicted"] == row[clip]["label"] for clip in order]) for row in rows
    ]
    units = number_units([rows[0][clip].get("group") or ("path", clip[0]) for clip in order])
    found = [
        {**asdict(one), "interval": list(one.interval)}
        for one in compare(_distinct(names), right, units, seed)
    ]
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / COMPARISON, {"comparisons": found})
    return found


def write_pages(
    reports: Sequence[EvaluateReport | None], comparisons: Sequence[dict[str, Any]] = ()
) -> None:
    """Write the pages of evaluations, once it is known how they compare.

    Parameters
    ----------
    reports : sequence of EvaluateReport or None
        In the order in which they were compared; None for an evaluation made before, whose
        page stays as it is. Clips of several labels have no page.
    comparisons : sequence of dict
        Of every report after the first with the first; none without a comparison.
    """
    for number, report in enumerate(reports):
        if report is None or report.result.get("multi_label"):
            continue
        own = comparisons[number - 1 : number] if number else comparisons
        result = {**report.result, "comparisons": own} if own else report.result
        write_page(result, report.title, report.folder, report.root)


def read_result(path: Path) -> dict[str, Any]:
    """Read a ``report.json``.

    Raises
    ------
    DataError
        It is none.
    """
    try:
        result = json.loads(path.read_bytes())
        for one in result["predictions"]:
            _clip(one), one["predicted"]
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror})") from error
    except (ValueError, LookupError, TypeError) as error:
        raise DataError(f"{path} is no report.json of audiotl evaluate ({error!r})") from error
    return dict(result)


def _clip(prediction: Result) -> tuple[str, float, float, str]:
    """Return what makes a clip the same in both: its place and its label."""
    end = prediction.get("end_s")
    start = float(prediction.get("start_s") or 0)
    return (
        str(prediction["path"]),
        start,
        float("inf") if end is None else float(end),
        str(prediction["label"]),
    )


def _distinct(names: Sequence[str]) -> list[str]:
    """Return the names, numbered where one stands there twice."""
    if len(set(names)) == len(names):
        return list(names)
    return [f"{name} ({i + 1})" for i, name in enumerate(names)]
