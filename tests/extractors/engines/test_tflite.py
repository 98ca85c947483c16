"""Reading and converting TFLite files: the same values as TensorFlow, and damaged files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audiotl_cli.errors import WeightsError
from audiotl_cli.extractors.engines.tflite_file import read_tflite
from audiotl_cli.extractors.engines.tflite_onnx import convert
from audiotl_cli.extractors.runtime import tensorflow
from audiotl_cli.graph import Graph, open_session

SHAPE = (1, 9, 8, 2)


def network(tf: Any, x: Any) -> Any:
    """Return a small network with every operator that can be converted."""
    rng = np.random.default_rng(0)

    def kernel(*shape: int) -> Any:
        return tf.constant(rng.normal(0, 0.3, shape).astype(np.float32))

    x = tf.nn.relu(tf.nn.conv2d(x, kernel(3, 3, 2, 4), 1, "SAME") + kernel(4))
    x = tf.nn.leaky_relu(tf.nn.depthwise_conv2d(x, kernel(3, 3, 4, 1), [1, 1, 1, 1], "SAME"), 0.2)
    x = tf.maximum(x, -0.4)
    x = tf.pad(x, [[0, 0], [1, 0], [2, 0], [0, 0]])
    x = tf.concat([tf.nn.max_pool2d(x, 2, 2, "VALID"), tf.nn.avg_pool2d(x, 2, 2, "VALID")], 3)
    gate = tf.sigmoid(tf.reduce_mean(x, [1, 2], keepdims=True))
    x = tf.nn.conv2d(x * gate - kernel(8), kernel(2, 2, 8, 5), 2, "VALID")
    return tf.matmul(tf.reduce_mean(x, [1, 2]), kernel(5, 3)) + kernel(3)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tf = tensorflow()
    signature = [tf.TensorSpec(SHAPE, tf.float32)]
    function = tf.function(lambda x: network(tf, x), input_signature=signature)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()])
    path = tmp_path_factory.mktemp("tflite") / "network.tflite"
    path.write_bytes(converter.convert())
    return path


def test_converted_networks_give_the_same(file: Path) -> None:
    tf = tensorflow()
    batch = np.random.default_rng(1).normal(0, 1, (3, *SHAPE[1:])).astype(np.float32)
    model = read_tflite(file)
    graph = Graph()
    x = graph.input("x", np.float32, ["n", *SHAPE[1:]])
    maps = graph.add("Transpose", x, perm=[0, 3, 1, 2])
    (y,) = convert(graph, model, {model.inputs[0]: maps}, model.outputs)
    graph.output("y", y, np.float32, ["n", 3])

    found = open_session(graph.model({})).run(None, {"x": batch})[0]

    expected = np.concatenate([network(tf, sample[None]).numpy() for sample in batch])
    np.testing.assert_allclose(found, expected, atol=1e-5)


def vectors(tf: Any, x: Any) -> Any:
    """Return a small network of numbers, as those that encode a place and a week."""
    kernel = np.random.default_rng(0).normal(0, 0.3, (6, 4)).astype(np.float32)
    waves = [
        tf.sin(tf.expand_dims(x[:, column] * 0.7, 1) + tf.constant([0.1, 0.2, 0.3]))
        for column in (0, 1)
    ]
    week = x[:, 2]
    known = tf.where(week > 0.0, 1.0, 0.0) * tf.where(week < 1.0, 1.0, 0.0)
    return tf.sigmoid(tf.matmul(tf.concat(waves, 1), kernel) * tf.expand_dims(known, 1))


@pytest.mark.parametrize("half", [False, True], ids=["single", "half precision"])
def test_slices_and_choices_give_the_same(tmp_path: Path, half: bool) -> None:
    tf = tensorflow()
    function = tf.function(
        lambda x: vectors(tf, x), input_signature=[tf.TensorSpec((1, 3), tf.float32)]
    )
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()])
    if half:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
    path = tmp_path / "vectors.tflite"
    path.write_bytes(converter.convert())
    model = read_tflite(path)
    graph = Graph()
    x = graph.input("x", np.float32, ["n", 3])
    (y,) = convert(graph, model, {model.inputs[0]: x}, model.outputs)
    graph.output("y", y, np.float32, ["n", 4])
    session = open_session(graph.model({}))

    for row in np.array([[[1, 2, 0.5]], [[-3, 0.1, -1]], [[9, 8, 7]]], np.float32):
        found = session.run(None, {"x": row})[0]

        np.testing.assert_allclose(found, vectors(tf, row).numpy(), atol=1e-3 if half else 1e-6)


def test_damaged_files_are_refused_or_read(file: Path, tmp_path: Path) -> None:
    """No byte of the structure, whatever it becomes, leads out of the file."""
    content = file.read_bytes()
    damaged = tmp_path / "damaged.tflite"
    rng = np.random.default_rng(2)
    for _ in range(300):
        wrong = bytearray(content)
        for place in rng.integers(0, len(content), 4):
            wrong[place] = rng.integers(256)
        damaged.write_bytes(bytes(wrong))
        try:
            model = read_tflite(damaged)
            convert(Graph(), model, {model.inputs[0]: "x"}, model.outputs)
        except (WeightsError, ValueError, LookupError):
            continue


@pytest.mark.parametrize("content", [b"", b"TFL3", b"\x1c\0\0\0TFL3", b"PK\x03\x04" * 99])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.tflite"
    path.write_bytes(content)

    with pytest.raises(WeightsError, match=r"other\.tflite is not a TFLite file"):
        read_tflite(path)
