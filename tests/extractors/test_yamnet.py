"""YAMNet against what the published graph gives for the same weights."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from audiotl_cli.audio.resample import resample
from audiotl_cli.errors import WeightsError
from audiotl_cli.extractors.audioset import log_mel
from audiotl_cli.extractors.registry import load_extractor
from audiotl_cli.extractors.runtime import tensorflow
from audiotl_cli.extractors.weights import install
from audiotl_cli.extractors.yamnet import (
    CLASS_NAMES,
    LAYERS,
    LOG_OFFSET,
    WEIGHTS,
    YamnetExtractor,
    published_tables,
    read_weights,
)
from tests.extractors.golden import ENGINES, cosine, golden, need_engine, scene, shared_weights

SCENES = ["scene16k", "scene44k", "stereo22k", "scene48k"]
RATE = 16_000
REAL = "yamnet_dequantized.h5.gz"


def write_weights(path: Path, *, without: str = "", n_classes: int = 521) -> Path:
    """Write random weights in the layout of ``yamnet.h5``."""
    rng = np.random.default_rng(0)
    with h5py.File(path, "w") as file:

        def add(layer: str, variable: str, *shape: int) -> None:
            if layer != without:
                spread = 0.3 if variable == "moving_variance" else 0.1
                values = np.abs(rng.normal(0, spread, shape)).astype(np.float32)
                file[f"{layer}/{layer}/{variable}:0"] = values

        def add_norm(layer: str, width: int) -> None:
            for variable in ("beta", "moving_mean", "moving_variance"):
                add(f"{layer}/bn", variable, width)

        channels = 1
        for number, (_, width) in enumerate(LAYERS, 1):
            if number == 1:
                add("layer1/conv", "kernel", 3, 3, 1, width)
                add_norm("layer1/conv", width)
            else:
                depthwise, pointwise = (
                    f"layer{number}/{kind}" for kind in ("depthwise_conv", "pointwise_conv")
                )
                add(depthwise, "depthwise_kernel", 3, 3, channels, 1)
                add_norm(depthwise, channels)
                add(pointwise, "kernel", 1, 1, channels, width)
                add_norm(pointwise, width)
            channels = width
        add("dense", "kernel", 1024, n_classes)
        add("dense", "bias", n_classes)
    return path


@pytest.fixture(scope="module")
def random_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_weights(tmp_path_factory.mktemp("yamnet") / "random.h5")


def test_tables_are_those_of_tensorflow() -> None:
    signal = tensorflow().signal
    window, filters = published_tables()

    np.testing.assert_array_equal(window, signal.hann_window(400).numpy())
    expected = signal.linear_to_mel_weight_matrix(64, 257, RATE, 125.0, 7500.0).numpy()
    np.testing.assert_array_equal(filters, expected)


@pytest.mark.parametrize("name", SCENES)
def test_front_end_is_the_published_one(name: str) -> None:
    waveform, rate = scene(name)
    mono = waveform.mean(axis=1) if waveform.ndim == 2 else waveform
    samples = resample(mono.astype(np.float32), rate, RATE, "resampy")
    reference = golden("yamnet", name)["log_mel"]
    padded = np.pad(samples, (0, 160 * len(reference) + 240 - len(samples)))
    frames = log_mel(padded, *published_tables(), LOG_OFFSET)
    assert frames.shape == reference.shape
    assert np.abs(frames - reference).max() <= 1e-3
    patches = np.concatenate(list(YamnetExtractor().patches([samples])))
    for number, patch in enumerate(patches):
        np.testing.assert_allclose(patch, frames[48 * number :][:96], atol=1e-5)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", SCENES)
def test_embeddings_and_scores_are_the_published_ones(name: str, engine: str) -> None:
    options: dict[str, Any] = {"resampler": "resampy", "engine": need_engine(engine)}
    weights = shared_weights(REAL)
    reference = golden("yamnet", name)
    waveform, rate = scene(name)
    extractor = load_extractor("yamnet", weights=weights, **options)
    embeddings = extractor.embed(waveform, rate)
    assert embeddings.frames.shape == reference["embedding"].shape
    assert embeddings.frames.dtype == np.float32
    assert cosine(embeddings.frames, reference["embedding"]) >= 0.9999
    np.testing.assert_allclose(embeddings.frames, reference["embedding"], atol=1e-3)
    np.testing.assert_allclose(embeddings.times, 0.48 * np.arange(len(embeddings.frames)))
    extractor = load_extractor("yamnet", weights, layer="scores", **options)
    scores = extractor.embed(waveform, rate)
    assert np.abs(scores.frames - reference["scores"]).max() <= 2e-3


@pytest.mark.parametrize("name", ["scene44k", "stereo22k", "scene48k"])
def test_soxr_comes_near(name: str) -> None:
    # 0.986 to 0.993 of the frame that differs most; VGGish's random weights come nearer
    embeddings = load_extractor("yamnet", weights=shared_weights(REAL)).embed(*scene(name))
    assert cosine(embeddings.frames, golden("yamnet", name)["embedding"]) >= 0.98


def test_published_checks_pass() -> None:
    checks = YamnetExtractor(weights=shared_weights(REAL)).published_checks()
    assert [check.expected for check in checks] == ["Silence", "White noise", "Sine wave"]
    assert all(check.passed for check in checks), checks


def test_published_checks_tell_random_weights(random_weights: Path) -> None:
    checks = YamnetExtractor(weights=random_weights).published_checks()
    assert not all(check.passed for check in checks)


def test_class_names() -> None:
    assert len(CLASS_NAMES) == len(set(CLASS_NAMES)) == 521
    # where the published map has them
    indices = {"Speech": 0, "Animal": 67, "Music": 132, "Wind": 277, "Vehicle": 294}
    indices |= {"Engine": 337, "Silence": 494, "White noise": 514, "Field recording": 520}
    assert {name: CLASS_NAMES.index(name) for name in indices} == indices


@pytest.mark.parametrize(
    ("n_samples", "n_windows"), [(1, 1), (15_600, 1), (15_601, 2), (23_280, 2), (23_281, 3)]
)
def test_the_end_is_filled_up(n_samples: int, n_windows: int) -> None:
    patches = np.concatenate(list(YamnetExtractor().patches([np.ones(n_samples, np.float32)])))
    assert patches.shape == (n_windows, 96, 64)
    silence = np.full(64, np.log(np.float32(0.001)))
    if n_samples != 15_600 and n_samples != 23_280:
        np.testing.assert_allclose(patches[-1, -1], silence, rtol=1e-6)


def test_windows_do_not_depend_on_their_neighbours(random_weights: Path) -> None:
    extractor = YamnetExtractor(weights=random_weights)
    waveform, rate = scene("scene16k")
    together = extractor.embed(waveform, rate).frames
    alone = extractor.embed(waveform[7680 : 7680 + 15600], rate).frames
    np.testing.assert_array_equal(alone[0], together[1])


def test_another_engine_has_another_fingerprint(random_weights: Path) -> None:
    described = {
        engine: YamnetExtractor(weights=random_weights, engine=engine).describe()
        for engine in (None, "onnx", "tensorflow", "ncnn")
    }
    # that of TensorFlow is what it was before there were others
    reference = described["tensorflow"]
    assert reference.details == {}
    assert described[None] == described["onnx"]
    assert described["onnx"] == replace(reference, details={"engine": "onnx"})
    assert described["ncnn"] == replace(reference, details={"engine": "ncnn"})


@pytest.mark.parametrize("engine", ["onnx", "ncnn"])
def test_other_engines_need_no_tensorflow(
    random_weights: Path, tmp_path: Path, engine: str
) -> None:
    need_engine(engine)
    script = (
        "import sys\n"
        "import numpy as np\n"
        "from audiotl_cli import load_extractor\n"
        f"extractor = load_extractor('yamnet', {str(random_weights)!r}, engine={engine!r})\n"
        "extractor.embed(np.zeros(16_000), 16_000)\n"
        "print({'tensorflow', 'keras', 'scipy', 'resampy', 'matplotlib'} & set(sys.modules))\n"
    )
    for _ in ("built", "from the cache"):
        done = subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "AUDIOTL_CACHE": str(tmp_path)},
        )
        assert (done.stdout.strip(), done.stderr) == ("set()", "")


def test_compressed_weights_give_the_same(random_weights: Path, tmp_path: Path) -> None:
    packed = tmp_path / "packed"  # told by its first bytes, not its name
    packed.write_bytes(gzip.compress(random_weights.read_bytes(), 1))
    plain = read_weights(random_weights)
    for name, values in read_weights(packed).items():
        np.testing.assert_array_equal(values, plain[name])


def test_batch_normalisation_is_folded(random_weights: Path) -> None:
    variables = read_weights(random_weights)
    with h5py.File(random_weights) as file:
        layer = file["layer2/depthwise_conv/layer2/depthwise_conv"]
        norm = file["layer2/depthwise_conv/bn/layer2/depthwise_conv/bn"]
        x = np.random.default_rng(1).normal(size=(3, 3, 32))
        raw = (x * layer["depthwise_kernel:0"][..., 0]).sum(axis=(0, 1))
        deviation = np.sqrt(norm["moving_variance:0"][()] + 1e-4)
        expected = (raw - norm["moving_mean:0"]) / deviation + norm["beta:0"]
    kernel = variables["layer2/depthwise_conv/kernel"][..., 0]
    found = (x * kernel).sum(axis=(0, 1)) + variables["layer2/depthwise_conv/bias"]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("fault", ["text", "cut", "cut gzip", "missing layer", "other shape"])
def test_wrong_weights_are_refused(random_weights: Path, tmp_path: Path, fault: str) -> None:
    path = tmp_path / "wrong.h5"
    if fault == "missing layer":
        write_weights(path, without="layer9/pointwise_conv")
    elif fault == "other shape":
        write_weights(path, n_classes=10)
    else:
        data = random_weights.read_bytes()
        half = data[: len(data) // 2]
        packed = gzip.compress(half, 1)[:-100]
        path.write_bytes({"text": b"not HDF5", "cut": half, "cut gzip": packed}[fault])
    with pytest.raises(WeightsError, match=r"wrong\.h5"):
        read_weights(path)


def test_weights_handed_over_are_marked(random_weights: Path, offline: None) -> None:
    with pytest.raises(WeightsError, match="audiotl models fetch yamnet --from FILE"):
        YamnetExtractor().describe()
    found = install(WEIGHTS, random_weights)
    description = YamnetExtractor(layer="scores").describe()
    assert description.weights == "unverified:random.h5"
    assert description.weights_sha256 == found.identity
    assert YamnetExtractor(layer="scores").embed(np.zeros(RATE), RATE).frames.shape == (2, 521)
