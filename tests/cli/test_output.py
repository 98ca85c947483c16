from __future__ import annotations

import io
import re

import numpy as np
import pytest
from rich.console import Console

from audiotl_cli.cli import output, show_evaluation
from audiotl_cli.cli.pace import Pace
from tests.evaluation.scored import scored


@pytest.mark.parametrize("width", [50, 60, 80, 120])
def test_a_progress_line_is_one_line(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    text = io.StringIO()
    screen = Console(file=text, width=width, force_terminal=True, color_system=None)
    monkeypatch.setitem(output.consoles, True, screen)
    monkeypatch.setattr(output, "state", output.State())

    with output.progress("Embedding with tflite:models/some/bird.tflite") as update:
        update(9_999, 10_000, 0.25)

    drawn = re.sub(r"\x1b\[[^A-Za-z]*[A-Za-z]", "", text.getvalue())
    lines = [line.rstrip() for line in re.split(r"[\r\n]+", drawn) if line.strip()]
    assert max(map(len, lines)) <= width
    assert re.search(r"Embedd.* 9999/10000 clips .* [-\d]:[-\d]{2}:[-\d]{2}$", lines[-1]), lines[-1]


@pytest.mark.parametrize(
    ("width", "n"), [(60, 3), (60, 10), (80, 10), (60, 12), (60, 20), (200, 20)]
)
def test_a_confusion_matrix_fits_or_is_left_to_the_figure(
    monkeypatch: pytest.MonkeyPatch, width: int, n: int
) -> None:
    text = io.StringIO()
    monkeypatch.setitem(output.consoles, False, Console(file=text, width=width))
    labels = [f"{i:02d} a label with a long name" for i in range(n)]
    truth = [label for label in labels for _ in range(150)]

    show_evaluation.show_confusion(scored(truth, truth, labels))

    lines = text.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    if width - 4 * n < 10:
        assert lines == ["confusion matrix too wide to show; see the figure"]
    else:
        assert sum("150" in line for line in lines) == n  # a row a label, none folded
        assert np.all([len(line.split("150")) == 2 for line in lines if "150" in line])


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_pace_is_told_once_it_is_known() -> None:
    clock = Clock()
    pace = Pace(clock)

    def at(second: float, done: int, audio_s: float) -> list[str]:
        clock.now = second
        pace.add(done, 1000, audio_s)
        return [*pace.words, pace.left]

    assert at(0, 0, 0.0) == [""]
    assert at(40, 1, 1.0) == ["1.0 s of audio", ""]  # a network was loaded
    assert at(41, 3, 3.0) == ["3.0 s of audio", ""]
    assert at(60, 201, 201.0) == ["3 min 21 s of audio", "3.4x real time", "1 min 20 s left"]
    assert at(140, 1000, 1000.0) == ["16 min 40 s of audio", "7.1x real time", ""]


def test_the_end_is_told_however_soon_it_comes() -> None:
    clock = Clock()
    pace = Pace(clock)
    clock.now = 0.5

    pace.add(3, 3, 12.0)

    assert pace.words == ["12.0 s of audio", "24x real time"]
    assert pace.left == ""


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_tables_fit_the_width_they_get(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr(output, "consoles", {})
    grid = output.table(
        "model", "balanced accuracy", "clips", "index", numbers=("balanced accuracy", "clips"),
        optional=("index", "clips"),
    )  # fmt: skip
    grid.add_row("a-long-name-of-a-model-that-says-what-it-is", "0.912", "1000000", "x" * 30)

    output.show(grid)

    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= width
    assert "0.912" in shown
    assert ("1000000" in shown) == (width >= 80)
    assert ("x" * 30 in shown) == (width >= 200)
