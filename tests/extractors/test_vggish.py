"""VGGish against what the published graph gives for the same seeded weights."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from audiotl_cli.audio.resample import resample
from audiotl_cli.errors import UsageError, WeightsError
from audiotl_cli.extractors.registry import load_extractor
from audiotl_cli.extractors.vggish import (
    PCA_WEIGHTS,
    WEIGHTS,
    VggishExtractor,
    postprocess,
    read_pca,
)
from audiotl_cli.extractors.weights import install, locate
from tests.extractors.golden import ENGINES, cosine, golden, need_engine, relative_error, scene

SCENES = ["scene16k", "scene44k", "stereo22k", "scene48k", "sine1k"]
RATE = 16_000

Loader = Callable[..., VggishExtractor]


@pytest.fixture(scope="module")
def load(seeded_checkpoint: Path) -> Loader:
    @cache  # each one reads and hashes 289 MB
    def load_small(**options: object) -> VggishExtractor:
        extractor = VggishExtractor(weights=seeded_checkpoint, **options)  # type: ignore[arg-type]
        extractor.batch_size = 8  # scenes have no more windows
        return extractor

    return load_small


@pytest.mark.parametrize("name", SCENES)
def test_front_end_is_the_published_one(name: str) -> None:
    waveform, rate = scene(name)
    mono = waveform.mean(axis=1) if waveform.ndim == 2 else waveform
    samples = resample(mono.astype(np.float32), rate, RATE, "resampy")
    patches = np.concatenate(list(VggishExtractor().patches([samples])))
    reference = golden("vggish", name)["log_mel"]
    assert patches.shape == reference.shape
    assert np.abs(patches - reference).max() <= 1e-4


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("layer", ["embedding", "embedding_pre_relu"])
@pytest.mark.parametrize("name", SCENES)
def test_embeddings_are_the_published_ones(
    load: Loader, name: str, layer: str, engine: str
) -> None:
    extractor = load(layer=layer, resampler="resampy", engine=need_engine(engine))
    embeddings = extractor.embed(*scene(name))
    reference = golden("vggish", name)[layer]
    assert embeddings.frames.shape == reference.shape
    assert embeddings.frames.dtype == np.float32
    assert relative_error(embeddings.frames, reference) <= 1e-3
    np.testing.assert_allclose(embeddings.times, 0.96 * np.arange(len(reference)))


@pytest.mark.parametrize("name", ["scene44k", "stereo22k", "scene48k"])
def test_soxr_comes_near(load: Loader, name: str) -> None:
    embeddings = load().embed(*scene(name))
    assert cosine(embeddings.frames, golden("vggish", name)["embedding"]) >= 0.9999


def test_windows_do_not_depend_on_their_neighbours(load: Loader) -> None:
    extractor = load(layer="embedding_pre_relu")
    waveform, rate = scene("scene16k")
    together = extractor.embed(waveform, rate).frames
    alone = extractor.embed(waveform[15360 : 15360 + 15600], rate).frames
    np.testing.assert_array_equal(alone[0], together[1])
    dense = load(layer="embedding_pre_relu", hop_s=0.48).embed(waveform, rate)
    np.testing.assert_allclose(dense.frames[::2], together, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(np.diff(dense.times), 0.48)


@pytest.mark.parametrize("n_samples", [1, 15_599, 15_600, 30_959])
def test_short_recordings_give_one_window(n_samples: int) -> None:
    extractor = VggishExtractor()
    patches = np.concatenate(list(extractor.patches([np.ones(n_samples, np.float32)])))
    assert patches.shape == (1, 96, 64)


def test_silence_is_the_offset() -> None:
    patches = VggishExtractor().front_end(np.zeros(15_600, np.float32))
    np.testing.assert_array_equal(patches, np.full((1, 96, 64), np.log(np.float32(0.01))))


def test_postprocessing_follows_its_definition() -> None:
    rng = np.random.default_rng(0)
    frames = rng.normal(size=(5, 128)).astype(np.float32)
    matrix, means = rng.normal(size=(128, 128)) / 6, rng.normal(size=128)
    quantised = postprocess(frames, matrix, means)
    for frame, levels in zip(frames, quantised, strict=True):
        whitened = np.array([row @ (frame - means) for row in matrix])
        expected = (np.clip(whitened, -2, 2) + 2) * 63.75
        np.testing.assert_array_equal(levels, expected.astype(np.uint8))
    assert quantised.dtype == np.float32
    assert quantised.min() == 0
    assert quantised.max() == 255


def test_postprocessed_layer(load: Loader, tmp_path: Path, offline: None) -> None:
    waveform, rate = scene("sine1k")
    extractor = load(layer="postprocessed")
    with pytest.raises(WeightsError, match="vggish_pca_params"):
        extractor.prepare()
    path = tmp_path / "pca.npz"
    matrix, means = np.eye(128) / 20, np.zeros((128, 1))
    np.savez(path, pca_eigen_vectors=matrix, pca_means=means)
    found = install(PCA_WEIGHTS, path)
    frames = extractor.embed(waveform, rate).frames
    raw = load(layer="embedding_pre_relu").embed(waveform, rate).frames
    np.testing.assert_array_equal(frames, postprocess(raw, *read_pca(path)))
    description = extractor.describe()
    assert description.weights == "unverified:seeded.ckpt+pca.npz"
    details = description.details
    assert details == {
        "pca_sha256": found.identity,
        "pca": "unverified:pca.npz",
        "engine": "onnx",
    }


@pytest.mark.parametrize("content", ["text", "other arrays", "other shape"])
def test_a_wrong_pca_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "pca.npz"
    if content == "text":
        path.write_text("PKnot an archive")
    else:
        matrix, means = np.eye(3), np.zeros(3)
        if content == "other arrays":
            np.savez(path, matrix=matrix, means=means)
        else:
            np.savez(path, pca_eigen_vectors=matrix, pca_means=means)
    with pytest.raises(WeightsError, match=r"pca\.npz"):
        read_pca(path)


def test_users_weights_are_marked(seeded_checkpoint: Path, load: Loader) -> None:
    identity, label = load().weights_id()
    assert label == "unverified:seeded.ckpt"
    assert identity == locate(WEIGHTS, seeded_checkpoint).identity
    assert load().describe().weights == "unverified:seeded.ckpt"


def test_a_wrong_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "wrong.ckpt"
    path.write_bytes(b"not a checkpoint" * 100)
    with pytest.raises(WeightsError, match=r"wrong\.ckpt"):
        VggishExtractor(weights=path).embed(np.zeros(RATE), RATE)


def test_without_weights_the_message_says_what_to_do(offline: None) -> None:
    with pytest.raises(WeightsError) as error:
        load_extractor("vggish").embed(np.zeros(RATE), RATE)
    for text in (WEIGHTS.url, WEIGHTS.digest, "audiotl models fetch vggish --from FILE"):
        assert text in str(error.value)
    assert error.value.exit_code == 4


def test_published_checks_tell_random_weights(load: Loader, offline: None) -> None:
    checks = load().published_checks()
    assert [check.passed for check in checks] == [False, False, None]
    assert checks[0].expected == "0.000657"
    assert checks[-1].missing
    assert "audiotl models fetch vggish-pca" in checks[-1].found


def test_unknown_layer() -> None:
    with pytest.raises(UsageError, match="embedding_pre_relu"):
        VggishExtractor(layer="fc3")
