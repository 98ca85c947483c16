from __future__ import annotations

import pytest

from audiotl_cli.errors import UsageError
from audiotl_cli.review.choosing import Choice, choose_in_turn, choose_per_label
from audiotl_cli.review.detections import Detection

OWLS = [Detection("a.wav", float(i), i + 1.0, "owl", i / 100) for i in range(100)]
RARE = [Detection("b.wav", float(i), i + 1.0, "fox", 0.5) for i in range(2)]


def test_more_at_random_add_to_those_that_were_chosen() -> None:
    few, many = (choose_per_label(OWLS, n, Choice())["owl"] for n in (5, 20))
    later = choose_per_label([*OWLS, *RARE], 5, Choice())["owl"]

    assert few == many[:5] == later
    assert few != choose_per_label(OWLS, 5, Choice(seed=1))["owl"]
    assert choose_per_label(OWLS[::-1], 5, Choice())["owl"] == few


def test_labels_come_in_turn_and_rare_ones_leave_their_place() -> None:
    chosen = choose_in_turn([*OWLS, *RARE], 10, Choice())

    labels = [detection.label for detection in chosen]
    assert labels[:4] == ["fox", "owl", "fox", "owl"]
    assert labels.count("owl") == 8


@pytest.mark.parametrize("select", ["best", "uncertain", "even"])
def test_detections_without_a_score_come_last(select: str) -> None:
    without = [Detection("c.wav", 0.0, 1.0, "owl")]

    chosen = choose_in_turn([*without, *OWLS[:3]], None, Choice(select))  # type: ignore[arg-type]

    assert chosen[-1:] == without
    with pytest.raises(UsageError, match="--select random"):
        choose_in_turn(without, 1, Choice(select))  # type: ignore[arg-type]
