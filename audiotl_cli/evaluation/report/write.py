"""Write an evaluation: ``report.json``, all scores, figures, tables and the page."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from audiotl_cli.errors import OUT_OF_MEMORY, is_out_of_memory
from audiotl_cli.evaluation.evaluation import Evaluation
from audiotl_cli.evaluation.metrics.registry import METRICS
from audiotl_cli.evaluation.report import figures, page, tables
from audiotl_cli.storage.paths import AnyPath
from audiotl_cli.written import WrittenFiles, claim, write_output

logger = logging.getLogger(__name__)

REPORT, SCORES, PAGE = "report.json", "scores.npz", "report.html"
CONFUSION, CALIBRATION, CURVE = "confusion.png", "calibration.png", "learning_curve.png"
FIGURES = (CONFUSION, CALIBRATION, CURVE)
COMPARISON = "comparison.json"


def claim_report(folder: Path, *, overwrite: bool) -> None:
    """Make sure that a report may be written, before any work is done for it.

    Raises
    ------
    UsageError
        A file of a report's is there that somebody made or edited, unless `overwrite`.
    """
    names = (REPORT, SCORES, PAGE, *FIGURES, *tables.NAMES)
    claim([folder / name for name in names], overwrite=overwrite)


def write_evaluation(evaluation: Evaluation, folder: Path) -> None:
    """Write everything but the page, which comes last; see `write_page`.

    A figure or table that cannot be made is warned of, and the rest is written. Files of an
    earlier evaluation in the same folder are deleted.

    Parameters
    ----------
    evaluation : Evaluation
    folder : Path
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = WrittenFiles()
    for name in (PAGE, *FIGURES, *tables.NAMES):
        written.remove(folder / name)
    write_json(folder / REPORT, evaluation.to_dict())
    scores = io.BytesIO()
    np.savez(scores, **evaluation.predictions.to_arrays())
    write_output(folder / SCORES, scores.getbuffer())
    for name, draw in _drawings(evaluation).items():
        _attempt(folder / name, partial(draw, folder / name))
    _attempt(folder / "*.csv", lambda: _write_tables(evaluation, folder))


def write_page(evaluation: Evaluation, folder: Path, root: AnyPath | None) -> None:
    """Write the page of an evaluation: it names the files beside it, so it comes last.

    Parameters
    ----------
    evaluation : Evaluation
        With its comparisons, if it was compared.
    folder : Path
        Where `write_evaluation` wrote to.
    root : Path, RemotePath or None
        The folder that paths of clips are relative to; None where there are no recordings.
    """
    names = (REPORT, SCORES, *FIGURES, *tables.NAMES)
    beside = [name for name in names if (folder / name).is_file()]

    def write() -> None:
        text = page.render(evaluation, root=root, folder=folder, beside=beside)
        write_output(folder / PAGE, text.encode("utf-8", "backslashreplace"))

    _attempt(folder / PAGE, write)


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a mapping as JSON: a line a key, and a line an element of longer values."""
    items = (f" {json.dumps(key)}: {_lines(item)}" for key, item in value.items())
    write_output(path, ("{\n" + ",\n".join(items) + "\n}\n").encode())


def _lines(value: Any) -> str:
    # one line an element: the standard library's indentation takes one a number
    if isinstance(value, Mapping) and value:
        items = (f"  {json.dumps(key)}: {json.dumps(item)}" for key, item in value.items())
        return "{\n" + ",\n".join(items) + "\n }"
    if isinstance(value, (list, tuple)) and value and isinstance(value[0], (dict, list, tuple)):
        return "[\n  " + ",\n  ".join(map(json.dumps, value)) + "\n ]"
    return json.dumps(value)


def _drawings(evaluation: Evaluation) -> dict[str, Callable[[Path], None]]:
    """Return what draws each figure that the evaluation has numbers for."""
    title = _figure_title(evaluation)
    found: dict[str, Callable[[Path], None]] = {
        CONFUSION: lambda path: figures.draw_confusion(evaluation.scores, title, path)
    }
    if calibration := evaluation.calibration:
        found[CALIBRATION] = lambda path: figures.draw_calibration(calibration, path)
    if curve := evaluation.learning_curve:
        found[CURVE] = lambda path: figures.draw_learning_curve(curve, path)
    return found


def _figure_title(evaluation: Evaluation) -> str:
    value, (low, high) = evaluation.scores.lead
    heading = f"{METRICS[evaluation.scores.leading].title} {value:.3f} [{low:.3f}, {high:.3f}]"
    if n_trained_on := evaluation.source.n_trained_on:
        heading += f", {n_trained_on} of {evaluation.n_clips} clips were trained on"
    return "\n".join([evaluation.title, heading, *evaluation.source.warnings])


def _write_tables(evaluation: Evaluation, folder: Path) -> None:
    for name, text in tables.tables(evaluation):
        write_output(folder / name, text.encode("utf-8", "surrogateescape"))


def _attempt(path: Path, make: Callable[[], None]) -> None:
    try:
        make()
    except Exception as error:  # whatever it meets, the scores are worth more
        reason = OUT_OF_MEMORY if is_out_of_memory(error) else repr(error)
        logger.warning("%s could not be written (%s)", path, reason)
