"""Write what goes beside ``report.json``: figures, tables and the page."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from audiotl_cli.evaluation.figures import draw_calibration, draw_learning_curve
from audiotl_cli.evaluation.report import tables
from audiotl_cli.evaluation.report.page import render
from audiotl_cli.storage.paths import AnyPath
from audiotl_cli.written import claim, write_output

logger = logging.getLogger(__name__)

PAGE = "report.html"
COMPARISON = "comparison.json"
FIGURES: dict[str, tuple[str, Callable[[Mapping[str, Any], Path], None]]] = {
    "calibration.png": ("calibration", draw_calibration),
    "learning_curve.png": ("learning_curve", draw_learning_curve),
}


def claim_report(folder: Path, *, overwrite: bool) -> None:
    """Make sure that a report may be written, before any work is done for it.

    Raises
    ------
    UsageError
        A file of a report's is there that somebody made or edited, unless `overwrite`.
    """
    names = ("report.json", "confusion.png", PAGE, *FIGURES, *tables.NAMES)
    claim([folder / name for name in names], overwrite=overwrite)


def write_beside(result: Mapping[str, Any], folder: Path) -> None:
    """Write every figure and table that an evaluation has numbers for.

    What cannot be made is warned of, and costs nothing else. Files of an evaluation before,
    in the same folder, go, and so does its page.

    Parameters
    ----------
    result : mapping
        What ``report.json`` holds.
    folder : Path
        Where ``report.json`` is.
    """
    for name in (PAGE, *FIGURES, *tables.NAMES):
        (folder / name).unlink(missing_ok=True)
    for name, (key, draw) in FIGURES.items():
        if key in result:
            _attempt(folder / name, partial(draw, result[key], folder / name))
    _attempt(folder / "*.csv", lambda: _write_tables(result, folder))


def write_page(result: Mapping[str, Any], title: str, folder: Path, root: AnyPath | None) -> None:
    """Write the page of an evaluation, last of all: it names what lies beside it.

    Parameters
    ----------
    result : mapping
        What ``report.json`` holds, and how it compares with others, if it was compared.
    title : str
    folder : Path
        Where ``report.json`` and ``confusion.png`` are.
    root : Path, RemotePath or None
        The folder that paths of clips are relative to; None where there are no recordings.
    """
    names = ("report.json", "confusion.png", *FIGURES, *tables.NAMES)
    beside = [name for name in names if (folder / name).is_file()]

    def write() -> None:
        page = render(result, title, root=root, folder=folder, beside=beside)
        write_output(folder / PAGE, page.encode("utf-8", "backslashreplace"))

    _attempt(folder / PAGE, write)


def _write_tables(result: Mapping[str, Any], folder: Path) -> None:
    for name, text in tables.tables(result):
        write_output(folder / name, text.encode("utf-8", "surrogateescape"))


def _attempt(path: Path, make: Callable[[], None]) -> None:
    try:
        make()
    except Exception as error:  # whatever it meets, the scores are worth more
        logger.warning("%s could not be written (%r)", path, error)
