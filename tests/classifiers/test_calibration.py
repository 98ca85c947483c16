from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest

from audiotl_cli.classifiers.calibration import (
    METHODS,
    SMALLEST,
    Calibrator,
    FloatArray,
    fit_calibrator,
)
from audiotl_cli.errors import UsageError


def boastful(
    n: int, seed: int
) -> tuple[FloatArray, FloatArray, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Make probabilities that hold, scores three times too sure, and what was right."""
    rng = np.random.default_rng(seed)
    heights = rng.normal(0, 1.5, (n, 3))
    fair = np.exp(heights) / np.exp(heights).sum(axis=1, keepdims=True)
    loud = np.exp(3 * heights) / np.exp(3 * heights).sum(axis=1, keepdims=True)
    truth = (rng.random(n)[:, None] > fair.cumsum(axis=1)).sum(axis=1)
    return fair, loud, truth.clip(max=2)


@pytest.mark.parametrize("method", METHODS)
def test_what_is_too_sure_is_made_to_hold(method: str) -> None:
    _, loud, truth = boastful(3000, 0)
    fair, unseen, _ = boastful(2000, 1)
    told = fit_calibrator(method, loud, truth).apply(unseen)

    np.testing.assert_allclose(told.sum(axis=1), 1)
    assert told.min() >= 0
    assert np.abs(told - fair).mean() < 0.5 * np.abs(unseen - fair).mean()


def test_the_temperature_is_found() -> None:
    _, loud, truth = boastful(5000, 2)
    assert fit_calibrator("temperature", loud, truth).temperature == pytest.approx(3, rel=0.1)


@pytest.mark.parametrize("method", METHODS)
def test_a_calibrator_is_plain_numbers(method: str) -> None:
    _, loud, truth = boastful(200, 3)
    fitted = fit_calibrator(method, loud, truth)
    again = Calibrator(**json.loads(json.dumps(asdict(fitted))))
    np.testing.assert_array_equal(again.apply(loud), fitted.apply(loud))
    assert again.n_clips == 200


@pytest.mark.parametrize("method", METHODS)
def test_scores_of_zero_and_one_stay_finite(method: str) -> None:
    scores = np.eye(3)[[0, 1, 2, 0, 1, 2]]
    told = fit_calibrator(method, scores, np.array([0, 1, 2, 0, 1, 1])).apply(np.eye(3))
    assert np.isfinite(told).all()
    np.testing.assert_allclose(told.sum(axis=1), 1)
    assert SMALLEST > 0


def test_an_unknown_method_is_explained() -> None:
    with pytest.raises(UsageError, match="--calibrate is 'magic', expected one of temperature"):
        fit_calibrator("magic", np.eye(2), np.array([0, 1]))
