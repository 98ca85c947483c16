"""CED against the published network and front end, with random weights in its layout."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audiotl_cli.errors import WeightsError
from audiotl_cli.extractors.audioset_classes import CLASS_NAMES
from audiotl_cli.extractors.ced import CedBase, CedTiny, decibel
from audiotl_cli.extractors.engines.onnx_file import read_onnx
from audiotl_cli.extractors.registry import extractor_class, list_extractors
from audiotl_cli.graph import Graph
from tests.extractors.golden import golden, scene, shared_weights

SHORT = "ced_tiny_seeded_depth2_frames3000.onnx"


class OfTwoSeconds(CedTiny):
    window_s = 2.0


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the seeded network, unpacked."""
    packed = shared_weights("ced_tiny_seeded.onnx.gz")
    path = tmp_path_factory.mktemp("ced") / "ced_tiny_seeded.onnx"
    path.write_bytes(gzip.decompress(packed.read_bytes()))
    return path


def sound(name: str) -> tuple[Any, int]:
    if name == "scene16k_x4":
        return np.tile(scene("scene16k")[0], 4), 16_000
    return scene(name)


@pytest.mark.parametrize("name", ["scene16k", "scene16k_x4", "stereo22k", "sine1k"])
def test_equals_the_published_network(weights: Path, name: str) -> None:
    expected = golden("ced_tiny", name)

    frames = CedTiny(weights=weights).embed(*sound(name)).frames
    scores = CedTiny(weights=weights, layer="scores").embed(*sound(name)).frames

    np.testing.assert_allclose(frames, expected["ta_embedding"], rtol=0, atol=1e-4)
    np.testing.assert_allclose(scores, expected["ta_prob"], rtol=0, atol=3e-5)


def test_windows_that_overlap_equal_the_published_network(weights: Path) -> None:
    expected = golden("ced_tiny", "scene16k_x4")["ta2_embedding"]

    found = OfTwoSeconds(weights=weights, hop_s=1.0).embed(*sound("scene16k_x4"))

    np.testing.assert_allclose(found.frames[: len(expected)], expected, rtol=0, atol=2e-4)
    np.testing.assert_array_equal(found.times, np.arange(len(found.times)))


def test_levels_equal_the_published_ones() -> None:
    waveform, _ = scene("scene16k")

    levels = decibel(waveform.astype(np.float32))

    expected = golden("ced_tiny", "scene16k")["ta_mel_db"]
    loud = expected > expected.max() - 70
    assert np.abs(levels - expected)[loud].max() <= 1e-2
    assert np.abs(levels - expected).max() <= 0.2
    assert decibel(np.zeros(2400, np.float32)).tolist() == [[-100.0] * 16] * 64


def test_batches_may_hold_windows_of_different_lengths() -> None:
    rng = np.random.default_rng(0)
    recording = rng.normal(0, 0.1, 25 * 16_000).astype(np.float32)
    network = CedTiny(weights=shared_weights(SHORT))
    alone = network.embed(recording, 16_000)

    together = CedTiny(weights=shared_weights(SHORT))
    together.batch_size = 4

    np.testing.assert_array_equal(together.embed(recording, 16_000).frames, alone.frames)
    assert alone.times.tolist() == [0.0, 10.0, 20.0]
    last = network.embed(recording[20 * 16_000 :], 16_000).frames
    np.testing.assert_array_equal(last[0], alone.frames[2])


@pytest.mark.parametrize("n_samples", [160_001, 162_399])
def test_the_last_samples_are_in_a_window(n_samples: int) -> None:
    network = CedTiny(weights=shared_weights(SHORT))

    assert len(network.embed(np.ones(n_samples) * 0.1, 16_000).frames) == 2


def test_a_file_of_another_size_is_refused() -> None:
    with pytest.raises(
        WeightsError, match=r"is not the network ced-base.*192 values, expected 768"
    ):
        CedBase(weights=shared_weights(SHORT)).prepare()


def test_other_files_are_refused(tmp_path: Path) -> None:
    """Other networks, damaged files, and what is no ONNX file end in one line that says why."""
    graph = Graph()
    x = graph.input("feats", np.float32, ["n", 64, "t"])
    graph.output("prob", graph.add("Sigmoid", x), np.float32, ["n", 64, "t"])
    for content in (b"", b"\x08", b"PK\x03\x04", b"\x3a\x02\x0a\xff", graph.model({})):
        path = tmp_path / "other.onnx"
        path.write_bytes(content)
        with pytest.raises(WeightsError, match=r"other\.onnx"):
            CedTiny(weights=path).prepare()


def test_damaged_graphs_are_refused_or_read() -> None:
    content = shared_weights(SHORT).read_bytes()
    rng = np.random.default_rng(0)
    structure = content[:30_000]  # of the nodes, which come before the weights
    for _ in range(200):
        wrong = bytearray(structure)
        for place in rng.integers(0, len(wrong), 3):
            wrong[place] = rng.integers(256)
        try:
            read_onnx(bytes(wrong)).pooled()
        except ValueError:
            continue


def test_the_axes_of_a_mean_may_be_an_input() -> None:
    """As from opset 18 on; those of a normalisation are over the last axis."""
    graph = Graph()
    x = graph.input("x", np.float32, ["n", "t", 8])
    tokens = graph.reduce("Mean", x, 1, keep=False)
    normed = graph.add("Sub", tokens, graph.reduce("Mean", tokens, -1))
    graph.output("y", normed, np.float32, ["n", 8])

    assert read_onnx(graph.model({})).pooled() == tokens


def test_class_names() -> None:
    assert len(CLASS_NAMES) == len(set(CLASS_NAMES)) == CedTiny.layers()["scores"].dim == 527
    # where class_labels_indices.csv has them; YAMNet's 521 follow from the same list
    indices = {"Speech": 0, "Male speech, man speaking": 1, "Female speech, woman speaking": 2}
    indices |= {"Battle cry": 12, "Male singing": 32, "Female singing": 33, "Animal": 72}
    indices |= {"Roaring cats (lions, tigers)": 109, "Music": 137, "Funny music": 277}
    indices |= {"Wind": 283, "Vehicle": 300, "Engine": 343, "Dishes, pots, and pans": 364}
    indices |= {"Gunshot, gunfire": 427, "Silence": 500, "Field recording": 526}
    assert {name: CLASS_NAMES.index(name) for name in indices} == indices


def test_all_sizes_are_registered() -> None:
    names = [name for name in list_extractors() if name.startswith("ced-")]

    assert names == ["ced-tiny", "ced-mini", "ced-small", "ced-base"]
    assert [extractor_class(name).layers()["embedding"].dim for name in names] == [
        192,
        256,
        384,
        768,
    ]
    files = [source for name in names for source in extractor_class(name).weights_files()]
    assert len({source.name for source in files}) == 4


def test_the_file_is_told_by_its_hash() -> None:
    path = shared_weights(SHORT)

    described = CedTiny(weights=path).describe()

    assert described.weights == f"unverified:{SHORT}"
    assert described.weights_sha256 == f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
