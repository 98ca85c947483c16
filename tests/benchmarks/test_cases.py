"""The networks' arithmetic, against the figures known from their publications."""

from __future__ import annotations

import pytest

from audiotl_cli.extractors.registry import extractor_class
from benchmarks.cases import CASES, operations


def test_one_layer_by_hand() -> None:
    """10 values by 3 taps, 2 channels in and 4 out: 10 * 4 sums of 3 * 2 products."""
    assert operations([(10, 3, 2, 4)]) == pytest.approx(2 * 10 * 4 * 3 * 2 / 1e9)


@pytest.mark.parametrize(
    ("name", "gflop"),
    [
        ("vggish", 1.728),
        ("yamnet", 0.138),
        ("openl3 mel128", 10.2),
        ("openl3 mel256", 20.4),
        ("musicnn", 2.8),
        ("mfcc", 0.0),
    ],
)
def test_operations_of_a_window(name: str, gflop: float) -> None:
    found = next(case for case in CASES if case.name == name)
    assert found.gflop == pytest.approx(gflop, rel=0.01)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_cases_exist(case) -> None:  # type: ignore[no-untyped-def]
    cls = extractor_class(case.extractor)
    assert case.layer is None or case.layer in cls.layers()
