from __future__ import annotations

import numpy as np

from audiotl_cli.classifiers.steps.sqrt_scaling import SqrtScaler


def test_signs_stay_and_features_keep_their_proportions() -> None:
    X = np.array([[4.0, 0.01], [-4.0, -0.01], [4.0, 0.01], [-4.0, -0.01]])
    Z = SqrtScaler().fit_transform(X)
    assert (np.sign(Z) == np.sign(X)).all()
    np.testing.assert_allclose(Z[:, 0] / Z[:, 1], 20.0)  # roots of 4 and 0.01
    np.testing.assert_allclose((Z**2).mean(), 1.0)


def test_every_extractor_has_a_factor_of_its_own() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 5)) * [1e6, 1e6, 1, 1, 1]
    Z = SqrtScaler((2, 3)).fit_transform(X)
    np.testing.assert_allclose(Z.mean(axis=0), 0.0, atol=1e-9)
    for part in (Z[:, :2], Z[:, 2:]):
        np.testing.assert_allclose((part**2).mean(), 1.0)


def test_learnt_in_parts_or_anew_it_is_the_same() -> None:
    X = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
    whole = SqrtScaler().fit(X)
    parts = SqrtScaler().fit(X[:7]).fit(X[:20]).partial_fit(X[20:])
    np.testing.assert_allclose(parts.transform(X), whole.transform(X), rtol=1e-5, atol=1e-6)
    assert whole.widths == ()


def test_features_that_never_move_become_zero() -> None:
    assert not SqrtScaler().fit_transform(np.full((5, 3), 7.0)).any()
