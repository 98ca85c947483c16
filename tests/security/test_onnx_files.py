"""A stranger's ONNX file computes and does nothing else; what would do more is refused."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from audiotl_cli.dataset.demo_sounds import synthesise
from audiotl_cli.dataset.synthesis import SAMPLE_RATE
from audiotl_cli.errors import WeightsError
from audiotl_cli.extractors import model_onnx
from audiotl_cli.extractors.registry import load_extractor
from audiotl_cli.extractors.trusted import find_program
from audiotl_cli.graph import Graph
from audiotl_cli.protobuf import packed
from tests.conftest import Run
from tests.extractors.own_models import SETTINGS, WINDOW, Own, write_onnx, write_settings


def foreign_node() -> bytes:
    return packed(2, "y") + packed(4, "RunProgram") + packed(7, "evil.domain")


def in_graph(depth: int, node: bytes) -> bytes:
    """Return a node whose attribute holds a graph, and so on, with a node in the innermost."""
    for _ in range(depth):
        branch = packed(1, "then_branch") + packed(6, packed(1, node)) + packed(20, 5)
        node = packed(1, "c") + packed(2, "y") + packed(4, "If") + packed(5, branch)
    return node


def external(name: str, location: str) -> bytes:
    """Return a constant whose values are in another file."""
    entry = packed(1, "location") + packed(2, location)
    return packed(1, 2) + packed(2, 1) + packed(8, name) + packed(13, entry) + packed(14, 1)


def constant_node(tensor: bytes) -> bytes:
    return (
        packed(2, "y") + packed(4, "Constant") + packed(5, packed(1, "value") + packed(5, tensor))
    )


def function(node: bytes) -> bytes:
    return packed(1, "F") + packed(7, node) + packed(10, "own.domain")


SECRET = external("weights", "/etc/passwd")
HARMFUL: dict[str, tuple[bytes, str]] = {
    "operator": (packed(7, packed(1, foreign_node())), r"evil\.domain\.RunProgram.*never loaded"),
    "in a branch": (packed(7, packed(1, in_graph(3, foreign_node()))), r"evil\.domain"),
    "in a function": (packed(25, function(foreign_node())), r"evil\.domain"),
    "file": (packed(7, packed(5, SECRET)), "1 constants are in another file, such as 'weights'"),
    "file of a node": (packed(7, packed(1, constant_node(SECRET))), "are in another file"),
    "file in a branch": (
        packed(7, packed(1, in_graph(2, constant_node(SECRET)))),
        "are in another file",
    ),
    "sparse file": (packed(7, packed(15, packed(1, SECRET))), "are in another file"),
    "depth": (packed(7, packed(1, in_graph(40, foreign_node()))), "more than 32 deep"),
    "endless": (packed(7, packed(1, in_graph(3000, b""))), "more than 32 deep"),
}


@pytest.mark.parametrize("case", HARMFUL)
def test_what_would_do_more_than_compute_is_refused(tmp_path: Path, case: str) -> None:
    addition, message = HARMFUL[case]
    path = tmp_path / "own.onnx"
    write_onnx(path, Own([1, WINDOW]), **SETTINGS)
    path.write_bytes(path.read_bytes() + addition)  # messages that follow each other are one

    with pytest.raises(WeightsError, match=message):
        load_extractor(f"onnx:{path}").prepare()


def test_functions_of_the_file_itself_are_no_programs(tmp_path: Path) -> None:
    path = tmp_path / "own.onnx"
    write_onnx(path, Own([1, WINDOW]), **SETTINGS)
    inner = packed(1, "a") + packed(2, "b") + packed(4, "Relu")
    known = packed(1, "F") + packed(4, "a") + packed(5, "b") + packed(7, inner)
    known += packed(9, packed(2, 18)) + packed(10, "own.domain")
    used = packed(1, "x") + packed(2, "y") + packed(4, "F") + packed(7, "own.domain")
    opset = packed(1, "own.domain") + packed(2, 1)
    content = packed(25, known) + packed(7, packed(1, used)) + packed(8, opset)
    path.write_bytes(path.read_bytes() + content)

    assert load_extractor(f"onnx:{path}").dim == 3


def test_a_file_beyond_all_measure_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = write_onnx(tmp_path / "own.onnx", Own([1, WINDOW]), **SETTINGS)
    monkeypatch.setattr(model_onnx, "MAX_BYTES", 100)

    with pytest.raises(WeightsError, match="expected at most 100"):
        load_extractor(name).prepare()


@pytest.mark.parametrize("content", [b"[" * 100_000, b'{"window_s": 1e999}', b'{"mean": NaN}'])
def test_hostile_settings(tmp_path: Path, content: bytes, run: Run, sounds: Path) -> None:
    write_onnx(tmp_path / "own.onnx", Own([1, WINDOW]))
    (tmp_path / "own.onnx.json").write_bytes(content)
    run("index", sounds)

    finished = run("extract", "--extractor", f"onnx:{tmp_path / 'own.onnx'}")

    assert finished.code == 2
    assert "own.onnx.json" in finished.err
    assert "Traceback" not in finished.err


def test_a_model_that_names_an_onnx_file_needs_no_trust(
    project: Path, sounds: Path, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    name = write_onnx(project / "net.onnx", Own([None, WINDOW]), **SETTINGS)
    run("index", sounds, "--no-audit")
    assert run("extract", "--extractor", "onnx:net.onnx").code == 0
    assert run("train", "--out", "bird.joblib").code == 0
    monkeypatch.setenv("AUDIOTL_STATE", str(tmp_path / "stranger"))
    soundfile.write(project / "new.wav", synthesise("rain", 50), SAMPLE_RATE)

    predicted = run("predict", "new.wav", "--model", "bird.joblib", "--json")
    inspected = run("model", "inspect", "bird.joblib", "--json").json

    assert find_program(name) is None
    assert predicted.code == 0, predicted.err
    assert inspected["programs"] == []


def test_a_model_does_not_predict_with_another_file(project: Path, sounds: Path, run: Run) -> None:
    path = project / "net.onnx"
    write_onnx(path, Own([None, WINDOW]), **SETTINGS)
    run("index", sounds, "--no-audit")
    run("extract", "--extractor", "onnx:net.onnx")
    run("train", "--out", "bird.joblib")
    soundfile.write(project / "new.wav", synthesise("rain", 50), SAMPLE_RATE)
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    graph = Graph()
    x = graph.input("x", np.float32, ["n", WINDOW])
    first = graph.add("Slice", x, np.array([0]), np.array([3]), np.array([1]))
    graph.output("statistics", first, np.float32, ["n", 3])
    path.write_bytes(graph.model({}))
    changed: dict[str, Any] = SETTINGS | {"mean": 5.0}

    replaced = run("predict", "new.wav", "--model", "bird.joblib")
    write_onnx(path, Own([None, WINDOW]))
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before
    write_settings(path, **changed)
    other_settings = run("predict", "new.wav", "--model", "bird.joblib")

    assert replaced.code == other_settings.code == 5, replaced.err + other_settings.err
