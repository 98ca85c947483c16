"""Which engine is taken, and that each gives what the description says."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from audiotl_cli.errors import UsageError
from audiotl_cli.extractors import engines
from audiotl_cli.extractors.engines.operations import Network, Operations, Variables
from audiotl_cli.extractors.registry import load_extractor
from tests.extractors.golden import ENGINES, need_engine

Array = npt.NDArray[np.float32]

FAST_FIRST = ("ncnn", "onnx", "tensorflow")


@pytest.mark.parametrize(
    ("asked", "offered", "installed", "chosen"),
    [
        ("tensorflow", FAST_FIRST, True, "tensorflow"),
        ("tensorflow", (), True, None),
        ("onnx", FAST_FIRST, True, "onnx"),
        ("ncnn", FAST_FIRST, True, "ncnn"),
        ("auto", FAST_FIRST, True, "ncnn"),
        ("auto", FAST_FIRST, False, "onnx"),
        ("auto", (), True, None),
    ],
)
def test_the_engine_taken(
    asked: str,
    offered: tuple[str, ...],
    installed: bool,
    chosen: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engines, "is_installed", lambda name: installed or name != "ncnn")

    assert engines.choose(asked, offered, "some-network") == chosen


@pytest.mark.parametrize(
    ("asked", "offered", "message"),
    [
        ("ncnn", FAST_FIRST, r"not installed: pip install 'audiotl\[fast\]'"),
        ("ncnn", (), "some-network does not run in ncnn; omit --engine"),
        ("onxn", FAST_FIRST, "no engine 'onxn'; choose from auto, onnx, tensorflow, ncnn"),
    ],
)
def test_what_cannot_be_taken_is_said(
    asked: str, offered: tuple[str, ...], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "is_installed", lambda name: name != "ncnn")

    with pytest.raises(UsageError, match=message):
        engines.choose(asked, offered, "some-network")


def test_extractors_without_a_choice_of_engines() -> None:
    for engine in (None, "auto", "tensorflow"):
        assert load_extractor("mfcc", engine=engine).engine == ""
    with pytest.raises(UsageError, match="mfcc does not run in ncnn"):
        load_extractor("mfcc", engine="ncnn")
    with pytest.raises(UsageError, match="tflite:model does not run in ncnn"):
        load_extractor("tflite:model", engine="ncnn")


VARIABLES: Variables = {
    "scale/kernel": np.array([0.5], np.float32),
    "scale/bias": np.array([-1], np.float32),
    **{
        name: np.random.default_rng(number).normal(0, 0.5, shape).astype(np.float32)
        for number, (name, shape) in enumerate(
            {
                "first/kernel": (3, 3, 1, 5),
                "first/bias": (5,),
                "each/kernel": (3, 3, 5, 1),
                "each/bias": (5,),
                "wide/kernel": (1, 1, 5, 4),
                "wide/bias": (4,),
                "flat/kernel": (12, 3),
                "flat/bias": (3,),
                "mean/kernel": (4, 3),
                "mean/bias": (3,),
            }.items()
        )
    },
}


def describe(ops: Operations, x: Any, *, vector: str, activation: Any, stride: int) -> Any:
    x = ops.convolve(ops.affine(x, "scale"), "first", stride=stride, relu=stride == 1)
    x = ops.convolve(ops.depthwise(x, "each", stride=stride), "wide")
    if vector == "mean":
        return ops.dense(ops.mean(x), "mean", activation=activation)
    x = ops.max_pool(x, (3, 2) if stride == 2 else (6, 12))
    return ops.dense(ops.flatten(x), "flat", activation=activation)


def expected(patch: Array, *, vector: str, activation: str, stride: int) -> npt.NDArray[Any]:
    """Compute the network of one patch by its definition, in double precision."""
    values = {name: value.astype(np.float64) for name, value in VARIABLES.items()}
    x = (patch * values["scale/kernel"] + values["scale/bias"])[..., None]

    def padded(x: Any) -> Any:
        pads = []
        for size in x.shape[:2]:
            total = max(0, (-(-size // stride) - 1) * stride + 3 - size)
            pads.append((total // 2, total - total // 2))
        return np.pad(x, (*pads, (0, 0)))

    def slide(x: Any, kernel: Any, sums: str) -> Any:
        windows = np.lib.stride_tricks.sliding_window_view(padded(x), (3, 3), axis=(0, 1))
        return np.einsum(sums, windows[::stride, ::stride], kernel)

    x = slide(x, values["first/kernel"], "hwcij,ijcd->hwd") + values["first/bias"]
    x = np.maximum(x, 0) if stride == 1 else x
    x = slide(x, values["each/kernel"][..., 0], "hwcij,ijc->hwc") + values["each/bias"]
    x = np.maximum(x, 0) @ values["wide/kernel"][0, 0] + values["wide/bias"]
    x = np.maximum(x, 0)
    if vector == "mean":
        x = x.mean(axis=(0, 1)) @ values["mean/kernel"] + values["mean/bias"]
    else:
        height, width = (3, 2) if stride == 2 else (6, 12)
        n, m = x.shape[0] // height, x.shape[1] // width
        tiles = x[: n * height, : m * width].reshape(n, height, m, width, -1).max(axis=(1, 3))
        x = tiles.reshape(-1) @ values["flat/kernel"] + values["flat/bias"]
    if activation == "sigmoid":
        x = 1 / (1 + np.exp(-x))
    elif activation == "relu":
        x = np.maximum(x, 0)
    return np.asarray(x)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(
    ("vector", "activation"), [("mean", ""), ("flatten", "relu"), ("mean", "sigmoid")]
)
def test_operations_are_what_they_say(
    engine: str, stride: int, vector: str, activation: str
) -> None:
    shape = (9, 8) if vector == "mean" else (13, 24) if stride == 2 else (6, 37)
    options: dict[str, Any] = {"vector": vector, "activation": activation, "stride": stride}
    network = Network(
        name="-".join(map(str, options.values())),
        weights="sha256:0",
        shape=shape,
        build=lambda ops, x: describe(ops, x, **options),
        read=lambda: VARIABLES,
    )
    patches = np.random.default_rng(9).normal(0, 2, (3, *shape)).astype(np.float32)
    before = patches.copy()

    found = engines.load(network, need_engine(engine), 3)(patches)

    np.testing.assert_array_equal(patches, before)
    assert found.dtype == np.float32
    for vector_found, patch in zip(found, patches, strict=True):
        np.testing.assert_allclose(vector_found, expected(patch, **options), rtol=1e-4, atol=1e-5)
