"""The networks without what never changes, against the same networks written plainly."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiotl_cli.extractors import musicnn_network
from audiotl_cli.extractors.musicnn import LOUDEST, N_MELS, WINDOW_FRAMES, log_mel
from audiotl_cli.extractors.musicnn_network import Maps, Variables, build
from audiotl_cli.extractors.musicnn_onnx import OnnxMapOperations
from audiotl_cli.extractors.musicnn_tensorflow import TensorflowMapOperations, match_along_time
from audiotl_cli.extractors.runtime import tensorflow
from audiotl_cli.graph import Graph, open_session

Array = npt.NDArray[np.float32]
TIME_SAME = [[0, 0], [3, 3], [0, 0], [0, 0]]

MUSICNN_KERNELS = {
    "conv2d": (7, 38, 1, 204),
    "conv2d_1": (7, 67, 1, 204),
    "conv2d_2": (128, 1, 1, 51),
    "conv2d_3": (64, 1, 1, 51),
    "conv2d_4": (32, 1, 1, 51),
    "conv2d_5": (7, 561, 1, 64),
    "conv2d_6": (7, 64, 1, 64),
    "conv2d_7": (7, 64, 1, 64),
}
VGG_KERNELS = {f"{n}CNN": (3, 3, 1 if n == 1 else 128, 128) for n in range(1, 6)}


class Checkpoint(dict[str, Array]):
    """Stands in for TensorFlow's reader."""

    def get_tensor(self, name: str) -> Array:
        return self[name]


def made_up(kernels: dict[str, tuple[int, ...]], dense: dict[str, tuple[int, int]]) -> Checkpoint:
    """Return random weights in which, as in the published ones, many filters do nothing."""
    rng = np.random.default_rng(0)
    found = Checkpoint()

    def normalisation(number: int, n: int) -> Array:
        name = f"batch_normalization_{number}" if number else "batch_normalization"
        gamma = rng.uniform(-1.5, 1.5, n).astype(np.float32)  # half of them negative
        found[f"{name}/gamma"] = gamma
        found[f"{name}/beta"] = rng.normal(0, 0.5, n).astype(np.float32)
        found[f"{name}/moving_mean"] = rng.normal(0, 0.5, n).astype(np.float32)
        found[f"{name}/moving_variance"] = rng.uniform(0.5, 2, n).astype(np.float32)
        return gamma

    normalisation(0, 1)
    for number, (name, shape) in enumerate(kernels.items(), 1):
        kernel = rng.normal(0, np.prod(shape[:3]) ** -0.5, shape).astype(np.float32)
        bias = rng.normal(0, 0.5, shape[3]).astype(np.float32)
        gamma = normalisation(number, shape[3])
        kernel[..., 0::5] *= np.float32(1e-31)  # nothing but a bias, and a ReLU
        gamma[1::5] *= np.float32(1e-20)
        bias[2::5] = -1e4  # never through the ReLU
        found[f"{name}/kernel"], found[f"{name}/bias"] = kernel, bias
    for name, dense_shape in dense.items():
        found[f"{name}/kernel"] = rng.normal(0, 0.05, dense_shape).astype(np.float32)
        found[f"{name}/bias"] = rng.normal(0, 0.5, dense_shape[1]).astype(np.float32)
    normalisation(9, 1506)
    normalisation(10, 200)
    return found


def normalise(x: Any, variables: Variables, number: int) -> Any:
    scale, shift = variables.batch_norm(number)
    return x * scale + shift


def layer(x: Any, variables: Variables, name: str, number: int, padding: Any) -> Any:
    tf = tensorflow()
    kernel, bias = variables.kernel_and_bias(name)
    return normalise(tf.nn.relu(tf.nn.conv2d(x, kernel, 1, padding) + bias), variables, number)


def plain_musicnn(variables: Variables, patches: Array) -> dict[str, Any]:
    tf = tensorflow()
    x = normalise(patches[..., None], variables, 0)
    banks = [
        tf.reduce_max(layer(x, variables, name, number, padding), axis=2)
        for number, (name, padding) in enumerate(
            zip(list(MUSICNN_KERNELS)[:5], [TIME_SAME] * 2 + ["SAME"] * 3, strict=True), 1
        )
    ]
    found = {"timbral": tf.concat(banks[:2], 2), "temporal": tf.concat(banks[2:], 2)}
    features = tf.concat(banks, 2)
    x = features[..., None]
    for number in (1, 2, 3):
        y = layer(x, variables, f"conv2d_{number + 4}", number + 5, TIME_SAME)
        y = tf.transpose(y, [0, 1, 3, 2])
        x = y + x if number > 1 else y
        found[f"cnn{number}"] = x[..., 0]
    stacked = tf.concat([features, *(found[f"cnn{number}"] for number in (1, 2, 3))], 2)
    found["max_pool"] = tf.reduce_max(stacked, 1)
    found["mean_pool"] = tf.reduce_mean(stacked, 1)
    pooled = tf.stack([found["max_pool"], found["mean_pool"]], 2)
    flat = normalise(tf.reshape(pooled, [len(patches), -1]), variables, 9)
    kernel, bias = variables.kernel_and_bias("dense")
    found["penultimate"] = normalise(tf.nn.relu(flat @ kernel + bias), variables, 10)
    kernel, bias = variables.kernel_and_bias("dense_1")
    return found | {"taggram": tf.sigmoid(found["penultimate"] @ kernel + bias)}


def plain_vgg(variables: Variables, patches: Array) -> dict[str, Any]:
    tf = tensorflow()
    x = normalise(patches[..., None], variables, 0)
    found = {}
    for number in range(1, 6):
        size = {1: [4, 1], 5: 4}.get(number, 2)
        stride = 4 if number == 5 else 2
        x = layer(x, variables, f"{number}CNN", number, "SAME")
        found[f"pool{number}"] = x = tf.nn.max_pool2d(x, size, stride, "VALID")
    kernel, bias = variables.kernel_and_bias("dense")
    flat = tf.reshape(x, [len(patches), -1])
    return found | {"taggram": tf.sigmoid(flat @ kernel + bias)}


def in_tensorflow(variables: Variables, model: str, patches: Array) -> dict[str, Any]:
    ops = TensorflowMapOperations(tensorflow())
    layers = build(ops, variables, patches[..., None], LOUDEST, model=model)
    return {name: layer().numpy() for name, layer in layers.items()}


def in_onnx(variables: Variables, model: str, patches: Array) -> dict[str, Any]:
    graph = Graph()
    ops = OnnxMapOperations(graph, WINDOW_FRAMES, N_MELS)
    source = graph.input("patches", np.float32, ["n", WINDOW_FRAMES, N_MELS])
    layers = build(ops, variables, ops.spectrogram(source), LOUDEST, model=model)
    for name, layer in layers.items():
        handle = layer()
        axes = ["n", *"abc"[: handle.n_axes + 1]]
        graph.output(name, ops.result(handle), np.float32, axes)
    found = open_session(graph.model({})).run(list(layers), {"patches": patches})
    return dict(zip(layers, found, strict=True))


@pytest.mark.parametrize("run", [in_tensorflow, in_onnx])
@pytest.mark.parametrize(
    ("plain", "model", "kernels", "dense"),
    [
        (plain_musicnn, "musicnn", MUSICNN_KERNELS, {"dense": (1506, 200), "dense_1": (200, 50)}),
        (plain_vgg, "vgg", VGG_KERNELS, {"dense": (256, 50)}),
    ],
)
def test_equals_the_network_written_plainly(
    run: Any,
    plain: Any,
    model: str,
    kernels: dict[str, tuple[int, ...]],
    dense: dict[str, tuple[int, int]],
) -> None:
    variables = Variables(made_up(kernels, dense))
    shape = (2, WINDOW_FRAMES, N_MELS)
    patches = np.random.default_rng(1).uniform(0, LOUDEST, shape).astype(np.float32)

    expected = plain(variables, patches)
    found = run(variables, model, patches)

    assert found.keys() == expected.keys()
    for name, values in expected.items():
        atol = 1e-5 * np.abs(values).max()
        np.testing.assert_allclose(found[name], values, rtol=0, atol=atol, err_msg=name)


def test_channels_that_never_change_are_not_computed() -> None:
    ops = TensorflowMapOperations(tensorflow())
    checkpoint = made_up({"conv2d": (3, 3, 1, 10)}, {})
    variables = Variables(checkpoint)
    x, spread = np.zeros((1, 8, 8, 1), np.float32), np.ones((1, 1), np.float32)

    def convolve(x: Any, kernel: Array) -> Any:
        return ops.tf.nn.conv2d(x, kernel, 1, "SAME")

    maps = Maps(x, spread, np.zeros(1), np.ones(1))
    kernel, bias = variables.kernel_and_bias("conv2d")

    found = musicnn_network.layer(ops, maps, kernel, bias, variables.batch_norm(1), convolve)

    assert found.live.shape[-1] == 4 + 1  # of every five filters two do something; and the ones
    assert (found.high - found.low > 1e-7).sum() == 4


@settings(deadline=None, max_examples=30)
@given(
    height=st.integers(1, 40),
    n_frames=st.integers(1, 60),
    n_bands=st.integers(1, 3),
    n_filters=st.integers(1, 4),
    seed=st.integers(0, 2**32 - 1),
)
def test_matches_along_time_equal_a_plain_convolution(
    height: int, n_frames: int, n_bands: int, n_filters: int, seed: int
) -> None:
    tf = tensorflow()
    rng = np.random.default_rng(seed)
    x = tf.constant(rng.normal(size=(2, n_frames, n_bands, 1)).astype(np.float32))
    kernel = rng.normal(size=(height, 1, 1, n_filters)).astype(np.float32)

    found = match_along_time(tf, x, kernel)

    expected = tf.reduce_max(tf.nn.conv2d(x, kernel, 1, "SAME"), axis=2)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**32 - 1))
def test_no_sound_leaves_a_layers_range(seed: int) -> None:
    """Some reach its ends: those that follow the signs of a filter."""
    tf = tensorflow()
    rng = np.random.default_rng(seed)
    kernel = rng.normal(size=(3, 3, 2, 4)).astype(np.float32)
    bias, scale, shift = rng.normal(size=(3, 4)).astype(np.float32)
    low, high = np.array([-1.0, 0.5]), np.array([2.0, 3.0])
    maps = Maps(None, np.eye(2, dtype=np.float32), low, high)

    least, most = musicnn_network.bounds(maps, kernel, bias, scale, shift)

    loud = np.where(kernel > 0, high[:, None], np.minimum(low, 0)[:, None]).transpose(3, 0, 1, 2)
    soft = np.where(kernel < 0, high[:, None], np.minimum(low, 0)[:, None]).transpose(3, 0, 1, 2)
    x = np.concatenate([loud, soft, rng.uniform(low, high, (20, 3, 3, 2))]).astype(np.float32)
    values = tf.nn.relu(tf.nn.conv2d(x, kernel, 1, "VALID") + bias).numpy()[:, 0, 0]
    values = values * scale + shift
    np.testing.assert_allclose(values.max(axis=0), most, rtol=0, atol=1e-4)
    np.testing.assert_allclose(values.min(axis=0), least, rtol=0, atol=1e-4)


def test_no_sound_is_louder_than_the_loudest() -> None:
    noise = np.random.default_rng(0).normal(size=4096).astype(np.float32)
    frames = np.stack([log_mel(noise * np.float32(level)) for level in (0, 1e-6, 1, 1e6)])

    assert frames.min() >= 0
    assert LOUDEST - 1e-5 < frames.max() <= LOUDEST + 1e-5


@settings(deadline=None, max_examples=30)
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 12),
    n_frames=st.integers(1, 60),
    n_bands=st.integers(12, 20),
    n_filters=st.integers(1, 4),
    seed=st.integers(0, 2**32 - 1),
)
def test_matches_in_onnx_equal_a_plain_convolution(
    height: int, width: int, n_frames: int, n_bands: int, n_filters: int, seed: int
) -> None:
    tf = tensorflow()
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(2, n_frames, n_bands)).astype(np.float32)
    kernel = rng.normal(size=(height, width, 1, n_filters)).astype(np.float32)
    around = ((height - 1) // 2, height // 2)
    graph = Graph()
    ops = OnnxMapOperations(graph, n_frames, n_bands)
    source = ops.spectrogram(graph.input("x", np.float32, ["n", n_frames, n_bands]))
    graph.output("y", ops.result(ops.match(source, kernel, around)), np.float32, ["n", "a", "b"])

    (found,) = open_session(graph.model({})).run(None, {"x": x})

    pads = [[0, 0], [*around], [0, 0], [0, 0]]
    expected = tf.reduce_max(tf.nn.conv2d(x[..., None], kernel, 1, pads), axis=2)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)
