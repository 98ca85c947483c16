from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from matplotlib.axes import Axes

from audiotl_cli.evaluation.report.figures import draw_confusion
from tests.evaluation.scored import scored


@pytest.mark.parametrize(
    "label",
    [
        "$x",
        "$x$ $\\frac$",
        "\\$",
        "broken\udcff",
        "\u732b",
        "bell\x07\n",
        "long " * 3000,
        "",
        "#%_^{}~",
    ],
)
def test_any_label_can_be_drawn(tmp_path: Path, label: str) -> None:
    scores = scored([label, "b"], ["b", "b"], [label, "b"])

    draw_confusion(scores, f"{label} as title\nof two lines", tmp_path / "f.png")

    assert (tmp_path / "f.png").read_bytes().startswith(b"\x89PNG")


def test_a_figure_names_the_labels_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[str] = []
    set_yticks = Axes.set_yticks

    def spy(axes: Axes, at: Sequence[int], names: list[str]) -> None:
        drawn.extend(names)
        set_yticks(axes, at, names)

    monkeypatch.setattr(Axes, "set_yticks", spy)
    labels = ["plain", "$5$", "broken\udcff", "x" * 50]

    draw_confusion(scored(labels, labels, labels), "t", tmp_path / "f.png")

    assert drawn == ["plain", r"\$5\$", r"broken\xff", "x" * 26 + "…" + "x" * 13]
