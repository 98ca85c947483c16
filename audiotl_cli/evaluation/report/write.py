"""Write what goes beside ``report.json``: the page, figures and tables."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from audiotl_cli.evaluation.figures import draw_calibration, draw_learning_curve
from audiotl_cli.evaluation.report import tables
from audiotl_cli.evaluation.report.page import render
from audiotl_cli.files import write_whole
from audiotl_cli.storage.paths import AnyPath

logger = logging.getLogger(__name__)

PAGE = "report.html"
FIGURES: dict[str, tuple[str, Callable[[Mapping[str, Any], Path], None]]] = {
    "calibration.png": ("calibration", draw_calibration),
    "learning_curve.png": ("learning_curve", draw_learning_curve),
}


def write_beside(result: Mapping[str, Any], title: str, folder: Path, root: AnyPath | None) -> None:
    """Write the page of an evaluation, and every figure and table it has numbers for.

    What cannot be made is warned of, and costs nothing else. Files of an evaluation before,
    in the same folder, go.

    Parameters
    ----------
    result : mapping
        What ``report.json`` holds.
    title : str
    folder : Path
        Where ``report.json`` and ``confusion.png`` are.
    root : Path, RemotePath or None
        The folder that paths of clips are relative to; None where there are no recordings.
    """
    for name in (PAGE, *FIGURES, *tables.NAMES):
        (folder / name).unlink(missing_ok=True)
    for name, (key, draw) in FIGURES.items():
        if key in result:
            _attempt(folder / name, partial(draw, result[key], folder / name))
    _attempt(folder / "*.csv", lambda: _write_tables(result, folder))
    write_page(result, title, folder, root)


def write_page(result: Mapping[str, Any], title: str, folder: Path, root: AnyPath | None) -> None:
    """Write the page alone, over the one that is there; see `write_beside`."""
    names = ("report.json", "confusion.png", *FIGURES, *tables.NAMES)
    beside = [name for name in names if (folder / name).is_file()]

    def write() -> None:
        page = render(result, title, root=root, folder=folder, beside=beside)
        write_whole(folder / PAGE, page.encode("utf-8", "backslashreplace"))

    _attempt(folder / PAGE, write)


def _write_tables(result: Mapping[str, Any], folder: Path) -> None:
    for name, text in tables.tables(result):
        write_whole(folder / name, text.encode("utf-8", "surrogateescape"))


def _attempt(path: Path, make: Callable[[], None]) -> None:
    try:
        make()
    except Exception as error:  # whatever it meets, the scores are worth more
        logger.warning("%s could not be written (%r)", path, error)
