from __future__ import annotations

import numpy as np

from audiotl_cli.review.similarity import SimilarityScale


def test_units_are_centred_weighted_and_of_length_one() -> None:
    vectors = np.array([[0, 0, 5], [2, 200, 5], [4, 0, 5]], np.float32)

    likeness = SimilarityScale.measure(vectors)
    units = likeness.units(vectors)

    spread = vectors.std(axis=0)
    expected = (vectors - vectors.mean(axis=0))[:, :2] / np.sqrt(spread[:2])
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(units[:, :2], expected, rtol=1e-6)
    assert (units[:, 2] == 0).all()


def test_a_rounding_error_does_not_count() -> None:
    vectors = np.full((4, 2), 1 / 3, np.float32)
    vectors[:, 1] = [0, 1, 2, 3]

    units = SimilarityScale.measure(vectors).units(vectors)

    np.testing.assert_array_equal(units[:, 0], 0)


def test_the_middle_is_like_nothing() -> None:
    vectors = np.array([[-1.0], [0.0], [1.0]], np.float32)

    np.testing.assert_array_equal(SimilarityScale.measure(vectors).units(vectors)[:, 0], [-1, 0, 1])
