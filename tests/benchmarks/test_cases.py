"""The benchmark measures every network in every engine, and counts operations by their shapes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from audiotl_cli.extractors.registry import BUILT_IN, extractor_class
from audiotl_cli.graph import Graph
from benchmarks import weights
from benchmarks.cases import NETWORKS, engines
from benchmarks.operations import count, measure


def test_every_network_is_measured_in_every_engine() -> None:
    assert set(NETWORKS) == set(BUILT_IN)
    for network in NETWORKS:
        offered = extractor_class(network).engines
        assert sorted(engines(network)) == sorted(offered or ("",))


def test_the_default_engine_comes_first() -> None:
    assert engines("yamnet")[0] == extractor_class("yamnet")().engine
    assert engines("mfcc") == ("",)


def test_operations_by_hand() -> None:
    """A convolution, a matrix of weights, and a product of two values."""
    graph = Graph()
    x = graph.input("x", np.float32, ["n", 1, 4, 6])
    kernel = np.ones((5, 1, 3, 3), np.float32)
    maps = graph.add("Conv", x, kernel, strides=[1, 2])  # (n, 5, 2, 2)
    flat = graph.add("Flatten", maps)  # (n, 20)
    vectors = graph.add("Gemm", flat, np.ones((7, 20), np.float32), transB=1)
    product = graph.add("MatMul", graph.add("Transpose", vectors, perm=[1, 0]), vectors)
    graph.output("y", graph.add("Relu", product), np.float32, [7, 7])

    found = count(graph.model({}), np.zeros((1, 1, 4, 6), np.float32))

    assert found == 2 * (5 * 2 * 2 * 9 + 20 * 7 + 7 * 7)


def test_operations_of_a_grouped_convolution() -> None:
    graph = Graph()
    x = graph.input("x", np.float32, ["n", 4, 6])
    kernel = np.ones((4, 1, 3), np.float32)
    graph.output("y", graph.add("Conv", x, kernel, group=4), np.float32, ["n", 4, 4])

    assert count(graph.model({}), np.zeros((1, 4, 6), np.float32)) == 2 * 4 * 4 * 3


@pytest.mark.parametrize(("network", "gflop"), [("musicnn", 2.8), ("mfcc", 0.0)])
def test_operations_that_are_known(network: str, gflop: float) -> None:
    assert measure(network) == pytest.approx(gflop, rel=0.01)


@pytest.mark.parametrize(("network", "gflop"), [("yamnet", 0.138), ("ced-tiny", 3.22)])
def test_operations_of_a_window(
    network: str, gflop: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Random weights in the published layout are read, and the arithmetic is the published one."""
    monkeypatch.setenv("AUDIOTL_CACHE", str(tmp_path / "cache"))
    weights.measure(network, str(tmp_path / weights.RANDOM))

    assert measure(network) == pytest.approx(gflop, rel=0.01)
    assert extractor_class(network)().weights_id()[1] == weights.LABEL
