"""ONNX files of one's own: front ends, order of axes, lengths and inner tensors."""

from __future__ import annotations

import contextlib
import gzip
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from audiotl_cli.errors import UsageError, WeightsError
from audiotl_cli.extractors.base import Extractor
from audiotl_cli.extractors.front_ends import find_front_ends
from audiotl_cli.extractors.registry import load_extractor
from audiotl_cli.graph import Graph
from tests.extractors.golden import golden, scene, shared_weights
from tests.extractors.own_models import SETTINGS, WINDOW, Own, write_onnx, write_settings

Array = npt.NDArray[np.float32]
RATE = 16_000


def noise(n_samples: int) -> Array:
    return np.random.default_rng(0).normal(0, 0.1, n_samples).astype(np.float32)


def write_bands(path: Path, shape: list[int | str], mel: int, **settings: Any) -> str:
    """Write a network that gives the mean of each band, from an input with its bands on an axis."""
    graph = Graph()
    x = graph.input("x", np.float32, shape)
    others = [axis for axis in range(len(shape)) if axis != mel and shape[axis] != "n"]
    means = graph.reduce("Mean", x, *others, keep=False)
    graph.output("bands", graph.add("Mul", means, np.float32(2)), np.float32, ["n", shape[mel]])
    path.write_bytes(graph.model({}))
    write_settings(path, **settings)
    return f"onnx:{path}"


def features(extractor: Extractor, waveform: Array) -> Array:
    name = str(extractor.details()["input"])
    kind: Any = find_front_ends()[name]
    found: Array = kind(n_mels=80).compute(waveform)
    return found


LAYOUTS: dict[str, tuple[list[int | str], int]] = {
    "batch time mel": (["n", "t", 80], 2),
    "batch 1 mel time": (["n", 1, 80, "t"], 2),
    "mel time": ([80, 98], 0),
    "1 time batch mel": ([1, 98, "n", 80], 3),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_axes_in_any_order(tmp_path: Path, layout: str) -> None:
    shape, mel = LAYOUTS[layout]
    settings = {"input": "kaldi_fbank", "window_s": 1.0, "layout": layout}
    extractor = load_extractor(write_bands(tmp_path / "own.onnx", shape, mel, **settings))
    waveform = noise(2 * RATE)

    frames = extractor.embed(waveform, RATE).frames

    halves = [features(extractor, waveform[:RATE]), features(extractor, waveform[RATE:])]
    expected = [2 * half.mean(axis=0) for half in halves]
    np.testing.assert_allclose(frames, expected, rtol=1e-5)


def test_frames_are_cut_off_or_filled_up_before_they_are_scaled(tmp_path: Path) -> None:
    """As transformers does for AST, whose published input has its own mean and deviation."""
    settings: dict[str, Any] = {"input": "kaldi_fbank", "window_s": 1.0, "mean": -4.0, "std": 9.0}
    waveform = noise(RATE + RATE // 2)
    for n_frames in (50, 100):
        name = write_bands(
            tmp_path / "own.onnx", ["n", n_frames, 80], 2, **settings, n_frames=n_frames
        )
        extractor = load_extractor(name)

        frames = extractor.embed(waveform, RATE).frames

        expected = []
        for part in (waveform[:RATE], waveform[RATE:]):  # the second has 48 frames alone
            found = features(extractor, part)[:n_frames]
            whole = np.pad(found, ((0, n_frames - len(found)), (0, 0)))
            expected.append(2 * ((whole + 4) / 9).mean(axis=0))
        np.testing.assert_allclose(frames, expected, rtol=1e-4)


@pytest.mark.parametrize("source", ["waveform", "whisper"])
def test_the_last_window_may_be_shorter(tmp_path: Path, source: str) -> None:
    settings = {"input": source, "sample_rate": RATE, "window_s": 1.0, "min_s": 0.25}
    if source == "waveform":
        name = write_onnx(tmp_path / "own.onnx", Own([None, None]), **settings)
    else:
        name = write_bands(tmp_path / "own.onnx", ["n", "t", 80], 2, **settings)
    extractor = load_extractor(name)
    recording = noise(round(2.6 * RATE))

    whole = extractor.embed(recording, RATE)
    alone = extractor.embed(recording[2 * RATE :], RATE).frames
    padded = extractor.embed(np.pad(recording[: RATE // 8], (0, RATE // 8)), RATE).frames
    short = extractor.embed(recording[: RATE // 8], RATE).frames

    assert whole.times.tolist() == [0.0, 1.0, 2.0]
    np.testing.assert_array_equal(whole.frames[2:], alone)
    np.testing.assert_array_equal(short, padded)
    write_settings(tmp_path / "own.onnx", **{**settings, "min_s": 0.0})
    filled = load_extractor(name).embed(recording, RATE).frames
    np.testing.assert_array_equal(filled[:2], whole.frames[:2])
    assert not np.array_equal(filled[2], whole.frames[2])


def network_with_tokens(path: Path) -> None:
    """Write windows -> tokens (n, 4, 1000) -> their mean and maximum -> 2 scores."""
    graph = Graph()
    x = graph.input("x", np.float32, ["n", WINDOW])
    tokens = graph.reshape(x, 0, 4, 1000)
    inner = graph.reduce("Max", tokens, 1, keep=False)
    matrix = np.eye(1000, 2, dtype=np.float32)
    graph.output("scores", graph.add("MatMul", inner, matrix), np.float32, ["n", 2])
    path.write_bytes(graph.model({}))


def test_an_inner_tensor(tmp_path: Path) -> None:
    path = tmp_path / "own.onnx"
    network_with_tokens(path)
    write_settings(path, **SETTINGS)
    waveform = noise(WINDOW)
    tokens = waveform.reshape(4, 1000)
    names = {}
    for node in ("Reshape", "ReduceMax"):
        with pytest.raises(UsageError, match="or an inner value of the graph"):
            load_extractor(f"onnx:{path}", layer=node).prepare()
        names[node] = next(
            f"{node}_{i}_0" for i in range(9) if f"{node}_{i}_0".encode() in path.read_bytes()
        )

    scores = load_extractor(f"onnx:{path}")
    inner = load_extractor(f"onnx:{path}", layer=names["ReduceMax"])

    assert (scores.dim, inner.dim) == (2, 1000)
    np.testing.assert_array_equal(inner.embed(waveform, RATE).frames[0], tokens.max(axis=0))
    assert inner.describe().layer == names["ReduceMax"]
    assert inner.describe() != scores.describe()
    with pytest.raises(UsageError, match=r"gives float32 \(1, 4, 1000\).*average_over"):
        load_extractor(f"onnx:{path}", layer=names["Reshape"]).prepare()
    write_settings(path, **SETTINGS, output=names["Reshape"], average_over=[1])
    averaged = load_extractor(f"onnx:{path}")
    np.testing.assert_allclose(
        averaged.embed(waveform, RATE).frames[0], tokens.mean(axis=0), rtol=1e-5, atol=1e-7
    )
    assert averaged.details()["average_over"] == [1]


def test_ced_by_its_settings_equals_the_published_network(tmp_path: Path) -> None:
    """A transformer of 10 s, whose last window is shorter, described by a JSON file alone."""
    path = tmp_path / "ced.onnx"
    path.write_bytes(gzip.decompress(shared_weights("ced_tiny_seeded.onnx.gz").read_bytes()))
    settings = {"input": "mel_db", "n_fft": 512, "frame_hop": 160, "n_mels": 64, "top_db": 120}
    more = {"window_s": 10, "min_s": 0.15, "layout": "batch mel time"}
    write_settings(path, **settings, **more, output="/ReduceMean_output_0")
    waveform = np.tile(scene("scene16k")[0], 4)

    found = load_extractor(f"onnx:{path}").embed(waveform, RATE).frames

    expected = golden("ced_tiny", "scene16k_x4")["ta_embedding"]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


def test_batches_do_not_change_values(tmp_path: Path) -> None:
    name = write_onnx(tmp_path / "own.onnx", Own([None, WINDOW]), **SETTINGS)
    waveform = noise(10 * WINDOW)
    alone = load_extractor(name)
    together = load_extractor(name)
    together.batch_size = 8

    np.testing.assert_array_equal(
        alone.embed(waveform, RATE).frames, together.embed(waveform, RATE).frames
    )


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "length": ({"window_s": 0.5}, r"takes float32 \(1, 4000\).*window of \(8000\)"),
    "short": ({"min_s": 0.1}, r"fails on an array|does not fit"),
    "layout": ({"layout": "batch mel"}, "layout is 'batch mel', expected the axes time once"),
    "axes": ({"layout": "1 batch time"}, r"takes float32 \(1, 4000\).*as 1 batch time"),
    "frames": ({"n_frames": 3}, "n_frames is for front ends with frames"),
    "deviation": ({"std": 0}, "std is 0"),
    "spelling": ({"windows_s": 1}, "no setting 'windows_s'.*window_s"),
    "front end": ({"input": "kaldi"}, "input is 'kaldi', expected one of 'waveform'"),
    "of another": ({"n_mels": 40}, "no setting 'n_mels'"),
    "memory": ({"window_s": 3600, "sample_rate": 500_000}, "expected at most 3600 s"),
    "text": ({"output": 3}, "output is 3, expected text"),
    "whole": ({"sample_rate": 16e3}, "sample_rate is 16000.0, expected a whole number"),
    "axis": ({"average_over": [0]}, "axis 0 is that of windows"),
    "no axis": ({"average_over": [3]}, r"average_over is \[3\], but 'statistics' gives"),
}


@pytest.mark.parametrize("case", WRONG)
def test_settings_that_do_not_fit(tmp_path: Path, case: str) -> None:
    settings, message = WRONG[case]
    name = write_onnx(tmp_path / "own.onnx", Own([1, WINDOW]), **{**SETTINGS, **settings})

    with pytest.raises(UsageError, match=message) as error:
        load_extractor(name).prepare()
    assert "own.onnx" in str(error.value)


def test_every_setting_of_values_is_in_the_fingerprint(tmp_path: Path) -> None:
    name = write_onnx(tmp_path / "own.onnx", Own([None, None]), **SETTINGS)
    described = [load_extractor(name).describe()]
    for changed in (
        {"mean": 1.0},
        {"std": 2.0},
        {"min_s": 0.1},
        {"layout": "batch time"},
        {"output": "statistics"},
        {"input": "whisper"},
        {"input": "whisper", "n_mels": 128},
        {"input": "whisper", "n_frames": 10},
        {"sample_rate": 8000, "window_s": 0.5},
    ):
        write_settings(tmp_path / "own.onnx", **{**SETTINGS, **changed})
        described.append(load_extractor(name).describe())

    write_settings(tmp_path / "own.onnx", **SETTINGS, mean=1)
    assert load_extractor(name).describe() == described[1]
    assert repr(load_extractor(name).details()) == repr(described[1].details)
    assert all(one != other for i, one in enumerate(described) for other in described[:i])
    assert described[0].details == {"input": "waveform"}


def test_damaged_files_are_refused_or_run(tmp_path: Path) -> None:
    path = tmp_path / "own.onnx"
    write_onnx(path, Own([1, WINDOW]), **SETTINGS)
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    for n in (*range(0, len(content), 40), len(content) - 1):
        path.write_bytes(content[:n])
        with pytest.raises(WeightsError, match="cannot be read as onnx"):
            load_extractor(f"onnx:{path}").prepare()
    for _ in range(100):
        wrong = bytearray(content)
        for place in rng.integers(0, len(wrong), 3):
            wrong[place] = rng.integers(256)
        path.write_bytes(wrong)
        with contextlib.suppress(WeightsError, UsageError):  # and no other exception
            load_extractor(f"onnx:{path}").prepare()


def test_a_file_without_its_kind_is_pointed_out() -> None:
    with pytest.raises(UsageError, match=r"is named as onnx:models/bird\.onnx"):
        load_extractor("models/bird.onnx")
