"""Evaluations that were written before, read back, and held against others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from audiotl_cli.errors import DataError
from audiotl_cli.evaluation.comparison import Comparison, compare
from audiotl_cli.evaluation.intervals import number_units
from audiotl_cli.json_files import read_json_object
from audiotl_cli.labels import canonical, clip_weights

MAX_REPORT_BYTES = 512 << 20
"""Fifty thousand clips with the scores of hundreds of labels."""

Result = Mapping[str, Any]
"""What `report.json` holds."""

Identity = tuple[str, float, float, str]
"""What makes a clip the same in two evaluations: recording, bounds in seconds, labels."""


def compare_results(names: Sequence[str], results: Sequence[Result], seed: int) -> list[Comparison]:
    """Compare every result with the first.

    Parameters
    ----------
    names : sequence of str
    results : sequence of dict
        At least two.
    seed : int
        Of the bootstrap.

    Returns
    -------
    comparisons : list of Comparison
        One for each result after the first.

    Raises
    ------
    DataError
        They are not of the same clips with the same labels.
    """
    tables = [_by_clip(name, result) for name, result in zip(names, results, strict=True)]
    first = tables[0]
    for name, table in zip(names[1:], tables[1:], strict=True):
        if differ := set(table) ^ set(first):
            raise DataError(
                f"{names[0]} and {name} cannot be compared: {len(differ)} clips or their labels "
                f"differ, such as {min(differ)[0]}; evaluate both on the same index and split"
            )
    right = [np.array([_is_right(table[clip]) for clip in first], bool) for table in tables]
    units = number_units([_unit(row) for row in first.values()])
    labels = [canonical(row["label"]) for row in first.values()]
    several = any(result.get("multi_label") for result in results)
    weights = None if several else np.array(clip_weights(labels))
    return compare(_distinct(names), right, units, seed, weights)


def read_result(path: Path) -> dict[str, Any]:
    """Read a ``report.json``.

    Raises
    ------
    DataError
        It is none.
    """
    try:
        result = read_json_object(path, max_bytes=MAX_REPORT_BYTES, finite=False)
        for prediction in result["predictions"]:
            _identity(prediction), _is_right(prediction), _unit(prediction)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror})") from error
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(f"{path} is no report.json of audiotl evaluate ({error!r})") from error
    except DataError as error:
        raise DataError(f"{path} is no report.json of audiotl evaluate ({error})") from error
    return dict(result)


def _by_clip(name: str, result: Result) -> dict[Identity, Result]:
    """Return the predictions of a result by clip."""
    table = {_identity(prediction): prediction for prediction in result["predictions"]}
    if n_more := len(result["predictions"]) - len(table):
        raise DataError(
            f"{name} cannot be compared: {n_more} of its {len(result['predictions'])} predictions "
            "are of clips that it has already, so it is not known which is which; an earlier "
            "version did not write the bounds of stretches of recordings: evaluate it again"
        )
    return table


def _identity(prediction: Result) -> Identity:
    end = prediction.get("end_s")
    return (
        str(prediction["path"]),
        float(prediction.get("start_s") or 0),
        float("inf") if end is None else float(end),
        canonical(prediction["label"]),
    )


def _unit(prediction: Result) -> tuple[str, str]:
    """Return what the clip is right or wrong together with; see `EvaluatedClip.unit`."""
    group = prediction.get("group")
    return ("group", str(group)) if group else ("path", str(prediction["path"]))


def _is_right(prediction: Result) -> bool:
    return canonical(prediction["predicted"]) == canonical(prediction["label"])


def _distinct(names: Sequence[str]) -> list[str]:
    """Return the names, numbered where the same name comes twice."""
    if len(set(names)) == len(names):
        return list(names)
    return [f"{name} ({i + 1})" for i, name in enumerate(names)]
