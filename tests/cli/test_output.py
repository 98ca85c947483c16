from __future__ import annotations

import io
import re

import numpy as np
import pytest
from rich.console import Console

from audiotl_cli.cli import output, show_evaluation
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
    assert re.search(r"Embedd.* 9999/10000 clips .*\d+x.* [-\d]:[-\d]{2}:[-\d]{2}$", lines[-1]), (
        lines[-1]
    )


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
