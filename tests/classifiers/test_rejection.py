from __future__ import annotations

import numpy as np
import pytest

from audiotl_cli.classifiers.rejection import (
    N_DIRECTIONS,
    Rejection,
    acceptance,
    fit_label_distances,
    pooled,
)
from tests.classifiers.problems import made_clips


def test_nearness_is_mahalanobis_distance_of_the_nearest_label() -> None:
    clips, truth = made_clips(dim=4)
    around = fit_label_distances(clips, truth)
    rows = pooled(clips)
    rows = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    labels = sorted(set(truth))
    number = np.array([labels.index(label) for label in truth])
    means = np.stack([rows[number == i].mean(axis=0) for i in range(len(labels))])
    inner = rows - means[number]
    spread = inner.T @ inner / len(rows)
    blended = 0.5 * spread + 0.5 * np.trace(spread) / len(spread) * np.eye(len(spread))
    inverse = np.linalg.inv(blended)
    expected = [min((row - mean) @ inverse @ (row - mean) for mean in means) for row in rows]
    np.testing.assert_allclose(around.scores(clips), -np.array(expected), rtol=1e-3)


@pytest.mark.parametrize("dim", [3, 200])
def test_what_lies_elsewhere_is_farther(dim: int) -> None:
    clips, truth = made_clips(dim=dim)
    around = fit_label_distances(clips, truth)
    elsewhere = [[frames + 3] for (frames,) in clips]
    assert around.scores(elsewhere).max() < around.scores(clips).min()
    assert len(around.directions) <= N_DIRECTIONS


def test_features_that_never_change() -> None:
    clips, truth = made_clips()
    flat = [[np.hstack([frames, np.ones((len(frames), 2), np.float32)])] for (frames,) in clips]
    assert np.isfinite(fit_label_distances(flat, truth).scores(flat)).all()


def test_both_signs_count_alike() -> None:
    known = np.arange(10.0)
    low, high = np.array([-1.0]), np.array([99.0])
    last, first = 1 / 22, 21 / 22  # a rank of ten, with one more clip to come
    assert acceptance(low, low, known, known) == pytest.approx(last)
    assert acceptance(low, high, known, known) == pytest.approx((last * first) ** 0.5)
    assert acceptance(high, low, known, known) == pytest.approx((last * first) ** 0.5)
    assert acceptance(high, high, known, known) == pytest.approx(first)


def test_a_clip_of_another_label_looks_less_familiar() -> None:
    clips, truth = made_clips(n_each=30, labels=["a", "b", "c", "d"])
    known = [i for i, label in enumerate(truth) if label != "d"]
    around = fit_label_distances([clips[i] for i in known], [truth[i] for i in known])
    near = np.sort(around.scores([clips[i] for i in known]))
    rejection = Rejection(around, np.full(len(known), 0.5), near, 0.3)
    looks = rejection.acceptance(clips, np.full((len(clips), 3), 0.5))
    is_new = np.array([label == "d" for label in truth])
    assert looks[is_new].max() < looks[~is_new].mean()
