from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audiotl_cli.errors import UsageError, WeightsError
from audiotl_cli.extractors.musicnn import WEIGHTS, MusicnnExtractor
from audiotl_cli.extractors.weights import fetch

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.fixture(scope="module", autouse=True)
def weights() -> None:
    """Have the published weights, or skip."""
    try:
        fetch(WEIGHTS)
    except WeightsError as error:
        pytest.skip(f"the published weights cannot be had: {error}")


@cache
def scene(name: str) -> tuple[Any, int]:
    with np.load(GOLDEN / "scenes.npz") as scenes:
        rates = dict(zip(scenes["names"], scenes["sample_rates"], strict=True))
        return scenes[name], int(rates[name])


ENGINES = MusicnnExtractor.engines


@cache
def extractor(layer: str, engine: str = "onnx") -> MusicnnExtractor:
    return MusicnnExtractor(layer=layer, engine=engine)


def golden(model: str, scene_name: str, layer: str) -> Any:
    with np.load(GOLDEN / f"musicnn_{model}_{scene_name}.npz") as arrays:
        return arrays[layer]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("layer", ["max_pool", "mean_pool", "taggram", "penultimate"])
def test_equals_the_published_package_at_its_own_rate(layer: str, engine: str) -> None:
    expected = golden("MSD_musicnn", "scene16k", layer)
    if layer == "penultimate":  # the package repeats the first window's for all others
        assert (expected == expected[0]).all()
        expected = expected[:1]

    frames = extractor(layer, engine).embed(*scene("scene16k")).frames

    np.testing.assert_allclose(frames[: len(expected)], expected, rtol=0, atol=1e-3)
    assert len(frames) == 3


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("model", "scene_name", "layer"),
    [
        *(
            ("MSD_musicnn", name, layer)
            for name in ("scene44k", "stereo22k", "scene48k")
            for layer in ("max_pool", "mean_pool", "taggram", "penultimate")
        ),
        ("MTT_musicnn", "scene44k", "max_pool"),
        ("MTT_musicnn", "scene44k", "mean_pool"),
        ("MTT_musicnn", "scene44k", "taggram"),
        ("MTT_musicnn", "scene44k", "penultimate"),
        ("MSD_vgg", "scene44k", "pool5"),
        ("MSD_vgg", "scene44k", "taggram"),
    ],
)
def test_equals_the_published_package_at_other_rates(
    model: str, scene_name: str, layer: str, engine: str
) -> None:
    expected = golden(model, scene_name, layer)
    if layer == "penultimate":
        expected = expected[:1]
    name = layer if model == "MSD_musicnn" else f"{model}/{layer}"

    frames = extractor(name, engine).embed(*scene(scene_name)).frames[: len(expected)]

    assert frames.shape == expected.shape
    cosine = (frames * expected).sum(axis=1)
    cosine /= np.linalg.norm(frames, axis=1) * np.linalg.norm(expected, axis=1)
    assert cosine.min() >= 0.9999
    np.testing.assert_allclose(frames, expected, rtol=0, atol=2e-3)


def test_penultimate_of_every_window_explains_its_tags() -> None:
    from audiotl_cli.extractors.runtime import tensorflow

    tf = tensorflow()
    checkpoint = tf.compat.v1.train.NewCheckpointReader(str(WEIGHTS.folder / "MSD_musicnn"))
    kernel, bias = (checkpoint.get_tensor(f"dense_1/{part}") for part in ("kernel", "bias"))

    penultimate = extractor("penultimate").embed(*scene("scene16k")).frames

    tags = 1 / (1 + np.exp(-(penultimate @ kernel + bias)))
    np.testing.assert_allclose(tags, golden("MSD_musicnn", "scene16k", "taggram"), atol=1e-5)


@pytest.mark.parametrize("layer", sorted(MusicnnExtractor.layers()))
def test_every_layer_has_the_shape_it_says(layer: str) -> None:
    network = MusicnnExtractor(layer=layer)

    found = network.embed(np.random.default_rng(0).normal(0, 0.1, 4 * 16_000), 16_000)

    shape = MusicnnExtractor.layers()[layer]
    assert found.frames.shape == (2 * shape.rows, shape.dim)
    assert found.frames.dtype == np.float32
    assert np.isfinite(found.frames).all()
    assert (np.diff(found.times[: shape.rows]) > 0).all()
    assert found.times[shape.rows] == network.hop_s


def test_a_window_does_not_depend_on_its_neighbours() -> None:
    waveform, _ = scene("scene16k")
    network = extractor("max_pool")
    patches = np.concatenate(list(network.patches([waveform])))
    alone = network.run(patches[1:2])
    among = network.run(np.concatenate([patches[::-1], np.repeat(patches, 9, axis=0)]))

    np.testing.assert_array_equal(alone[0], among[1])


def test_windows_are_where_the_published_package_puts_them() -> None:
    network = MusicnnExtractor()

    assert network.hop_s == 61 * 256 / 16_000
    assert MusicnnExtractor(hop_s=network.hop_s).framing == network.framing
    assert MusicnnExtractor(hop_s=1.0).framing == network.framing
    assert MusicnnExtractor(hop_s=3.0).framing.hop == 186 * 256


def test_loud_sounds_stay_finite() -> None:
    sine = np.sin(2 * np.pi * 1000 / 16_000 * np.arange(4 * 16_000))

    assert np.isfinite(extractor("max_pool").embed(sine, 16_000).frames).all()


def test_short_recordings_are_repeated() -> None:
    second = np.random.default_rng(1).normal(0, 0.1, 16_000)

    short = extractor("max_pool").embed(second, 16_000).frames
    filled = np.resize(second, 186 * 256)  # what 187 centred STFT frames need

    assert short.shape == (1, 753)
    np.testing.assert_array_equal(short, extractor("max_pool").embed(filled, 16_000).frames)


def test_unknown_layers_list_the_choices() -> None:
    with pytest.raises(UsageError, match="choose from max_pool, mean_pool"):
        MusicnnExtractor(layer="loudness")
