from __future__ import annotations

import numpy as np
import pytest

from audiotl_cli.classifiers.frame_scores import FrameScores


def score(frames: list[list[float]], background: int | None = 0) -> np.ndarray:
    scores = FrameScores(background)
    for row in frames:
        scores.add(np.array([row]))
    return scores.result()


def test_a_short_sound_in_a_long_background_is_what_is_heard() -> None:
    found = score([[0.9, 0.05, 0.05]] * 20 + [[0.1, 0.2, 0.7]])
    assert found.argmax() == 2
    assert found.sum() == pytest.approx(1)


def test_only_background_is_background() -> None:
    assert score([[0.9, 0.06, 0.04]] * 5).argmax() == 0
    assert score([[1.0, 0.0, 0.0]]).tolist() == [1.0, 0.0, 0.0]


def test_of_several_labels_each_is_heard_where_it_is_loudest() -> None:
    assert score([[0.1, 0.9], [0.8, 0.2]], None).tolist() == [0.8, 0.9]
