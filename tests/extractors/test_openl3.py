"""OpenL3 against what the published package gives, and against its definition."""

from __future__ import annotations

import gzip
import os
import pickle
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pytest

from audiotl_cli.audio.spectrogram import mel_filters
from audiotl_cli.errors import UsageError, WeightsError
from audiotl_cli.extractors.openl3 import REPRESENTATIONS, OpenL3Extractor, spectrogram
from audiotl_cli.extractors.openl3_weights import CHANNELS, WEIGHTS, find_weights, read_parameters
from audiotl_cli.extractors.registry import load_extractor
from audiotl_cli.extractors.runtime import tensorflow
from tests.extractors.golden import ENGINES, need_engine

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"
SHARED = Path(os.environ.get("AUDIOTL_SHARED", ROOT.parent / "shared"))
RATE = 48_000

CASES = [
    ("linear_music_512", "scene48k"),
    ("linear_music_6144", "scene48k"),
    ("mel128_env_512", "scene48k"),
    ("mel128_env_6144", "scene48k"),
    ("mel256_music_512", "scene48k"),
    ("mel256_music_6144", "scene48k"),
    ("linear_music_512", "scene44k"),
    ("mel128_env_512", "scene44k"),
    ("mel256_music_512", "scene44k"),
]


def scene(name: str) -> npt.NDArray[np.float32]:
    with np.load(GOLDEN / "scenes.npz") as scenes:
        waveform: npt.NDArray[np.float32] = scenes[name]
    return waveform


def golden(layer: str, name: str) -> dict[str, Any]:
    with np.load(GOLDEN / f"openl3_{layer}_{name}.npz") as file:
        return dict(file)


def seeded_weights(layer: str) -> Path:
    path = SHARED / "weights" / f"openl3_audio_{layer.rpartition('_')[0]}-seeded.h5.gz"
    if not path.is_file():
        pytest.skip(f"{path} is not at hand: the golden values are of its weights")
    return path


def write_weights(path: Path, seed: int = 0, **changed: tuple[int, ...]) -> Path:
    """Write random weights in the published layout; `changed` gives arrays another shape."""
    rng = np.random.default_rng(seed)
    with h5py.File(path, "w") as file:
        names = []

        def add(name: str, **arrays: npt.NDArray[np.floating[Any]]) -> None:
            names.append(name)
            for key, values in arrays.items():
                values = np.resize(values, changed.get(f"{name}_{key}", values.shape))
                file[f"{name}/{name}/{key}:0"] = values.astype(np.float32)

        def add_norm(number: int) -> None:
            width = CHANNELS[number]
            add(
                f"batch_normalization_{number + 48}",
                gamma=rng.uniform(0.5, 1.5, width),
                beta=rng.normal(0, 0.1, width),
                moving_mean=rng.normal(0, 0.1, width),
                moving_variance=rng.uniform(0.5, 1.5, width),
            )

        add("input_7")
        add("melspectrogram")
        add_norm(0)
        for number, (n_in, n_out) in enumerate(pairwise(CHANNELS)):
            last = number == len(CHANNELS) - 2
            kernel = rng.standard_normal((3, 3, n_in, n_out), np.float32)
            kernel *= np.float32(np.sqrt(2 / (9 * n_in)))
            name = "audio_embedding_layer" if last else f"conv2d_{number + 42}"
            add(name, kernel=kernel, bias=rng.normal(0, 0.1, n_out))
            if not last:
                add_norm(number + 1)
                add(f"activation_{number + 42}")
        for name in names:
            file.require_group(name)
        file.attrs["layer_names"] = names
    return path


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_weights(tmp_path_factory.mktemp("openl3") / "random.h5")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("layer", "name"), CASES)
def test_equals_the_published_package(layer: str, name: str, engine: str) -> None:
    expected = golden(layer, name)
    extractor = load_extractor(
        "openl3",
        weights=seeded_weights(layer),
        layer=layer,
        hop_s=0.5,
        resampler="resampy",
        engine=need_engine(engine),
    )
    found = extractor.embed(scene(name), int(expected["sample_rate"]))
    ours, theirs = found.frames.astype(np.float64), expected["embedding"].astype(np.float64)
    assert ours.shape == theirs.shape
    size = np.linalg.norm(theirs, axis=1)
    cosine = (ours * theirs).sum(axis=1) / np.linalg.norm(ours, axis=1) / size
    assert cosine.min() >= 0.9999
    assert (np.linalg.norm(ours - theirs, axis=1) / size).max() <= 1e-2
    assert np.abs(ours - theirs).max() <= 1e-2 * np.abs(theirs).max()
    np.testing.assert_array_equal(found.times, expected["timestamps"])


@pytest.mark.parametrize("name", ["scene48k", "scene44k"])
def test_frames_lie_where_the_published_package_puts_them(name: str) -> None:
    expected = golden("linear_music_512", name)
    extractor = OpenL3Extractor(hop_s=0.5)
    n_samples = round(len(scene(name)) * RATE / int(expected["sample_rate"]))
    n_windows = extractor.framing.n_windows(n_samples)
    times = extractor.assemble(np.zeros((n_windows, 1, 512), np.float32)).times
    np.testing.assert_array_equal(times, expected["timestamps"])


@pytest.mark.parametrize(
    ("n_samples", "n_windows"),
    [(1, 1), (24_000, 1), (24_001, 2), (28_800, 2), (28_801, 3), (48_000, 6), (240_000, 46)],
)
def test_no_sample_is_left_out(n_samples: int, n_windows: int) -> None:
    extractor = OpenL3Extractor(engine="tensorflow")  # whose patches are the windows themselves
    waveform = np.arange(1, n_samples + 1, dtype=np.float32)
    windows = np.concatenate(list(extractor.patches([waveform])))
    assert windows.shape == (n_windows, RATE)
    padded = np.zeros(24_000 + n_samples + RATE, np.float32)
    padded[24_000 : 24_000 + n_samples] = waveform
    for number, window in enumerate(windows):
        np.testing.assert_array_equal(window, padded[number * 4800 : number * 4800 + RATE])
    assert waveform[-1] in windows[-1]


def test_the_hop_is_whole_samples() -> None:
    assert OpenL3Extractor().hop_s == 0.1
    assert OpenL3Extractor(hop_s=1 / 7).framing.hop == 6857
    assert OpenL3Extractor(hop_s=1 / 7).hop_s == 6857 / RATE
    assert OpenL3Extractor(hop_s=1e-9).framing.hop == 1


def test_layers_are_named_by_representation_content_and_size() -> None:
    layers = OpenL3Extractor.layers()
    assert len(layers) == 12
    for name, layer in layers.items():
        assert OpenL3Extractor(layer=name).dim == layer.dim == int(name.split("_")[2])
    assert OpenL3Extractor().layer == "mel128_music_512"
    with pytest.raises(UsageError, match="mel256_env_6144"):
        OpenL3Extractor(layer="mel64_music_512")


@pytest.mark.parametrize("name", list(REPRESENTATIONS))
def test_spectrogram_follows_its_definition(name: str) -> None:
    """Compare with the definition worked out in double precision, window by window."""
    representation = REPRESENTATIONS[name]
    n_fft = representation.n_fft
    windows = np.stack([scene("scene48k")[start : start + RATE] for start in (0, 72_000)])
    windows[1] *= 1e-3  # levels are relative to each window's own maximum
    tf = tensorflow()
    found = spectrogram(tf, tf.constant(windows), representation).numpy()

    padded = np.pad(windows.astype(np.float64), ((0, 0), (0, n_fft)))
    n_frames = 1 + (RATE - n_fft) // 242 if name == "linear" else -(-RATE // 242)
    frames = np.stack([padded[:, i * 242 : i * 242 + n_fft] for i in range(n_frames)], axis=1)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)
    magnitude = np.abs(np.fft.rfft(frames * hann))
    if name != "linear":
        n_mels = int(name.removeprefix("mel"))
        magnitude = magnitude @ mel_filters(
            RATE, n_fft, n_mels, 0.0, RATE / 2, scale="slaney", area_norm=True
        )
    level = 10 * np.log10(np.maximum(magnitude, 1e-10))
    level -= level.max(axis=(1, 2), keepdims=True)
    expected = np.maximum(level, -80).transpose(0, 2, 1)

    assert found.shape == expected.shape == (2, representation.n_bands, n_frames)
    assert found.max() == 0
    assert found.min() >= -80
    heard = expected > -40  # below, single precision shows
    np.testing.assert_allclose(found[heard], expected[heard], atol=0.01)
    assert np.abs(found - expected).mean() < 0.3


def test_silence_is_the_loudest_there_is() -> None:
    tf = tensorflow()
    silence = tf.zeros([1, RATE])
    assert not spectrogram(tf, silence, REPRESENTATIONS["mel128"]).numpy().any()


def test_batch_normalisation_is_worked_into_the_convolutions(weights: Path) -> None:
    parameters = read_parameters(weights)
    rng = np.random.default_rng(1)
    with h5py.File(weights) as file:

        def values(layer: str) -> dict[str, Any]:
            group = file[layer][layer]
            return {key.removesuffix(":0"): group[key][()].astype(np.float64) for key in group}

        def normalise(x: Any, layer: dict[str, Any]) -> Any:
            deviation = np.sqrt(layer["moving_variance"] + 1e-3)
            return (x - layer["moving_mean"]) / deviation * layer["gamma"] + layer["beta"]

        x = rng.uniform(-80, 0, 5)[:, None]
        expected = normalise(x, values("batch_normalization_48"))
        np.testing.assert_allclose(x * parameters.scale + parameters.shift, expected)

        x = rng.normal(0, 1, (5, 9 * 128))
        raw = values("conv2d_45")
        output = x @ raw["kernel"].reshape(9 * 128, 128) + raw["bias"]
        expected = normalise(output, values("batch_normalization_52"))
        kernel, bias = parameters.convolutions[3]
        np.testing.assert_allclose(x @ kernel.reshape(9 * 128, 128) + bias, expected, rtol=1e-4)

        kernel, bias = parameters.convolutions[7]
        np.testing.assert_array_equal(kernel, values("audio_embedding_layer")["kernel"])
        np.testing.assert_array_equal(bias, values("audio_embedding_layer")["bias"])


def test_a_frame_depends_on_its_window_alone(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waveform = scene("scene48k")[:96_000]
    extractor = OpenL3Extractor(weights=weights, hop_s=0.5)
    together = extractor.embed(waveform, RATE).frames
    assert together.shape == (4, 512)
    assert together.dtype == np.float32
    alone = extractor.run(extractor.front_end(waveform[24_000:72_000]))
    np.testing.assert_array_equal(alone[0, 0], together[2])
    monkeypatch.setattr("audiotl_cli.extractors.base.SEGMENT_WINDOWS", 1)
    np.testing.assert_array_equal(extractor.embed(waveform, RATE).frames, together)
    extractor.batch_size = 3
    others = extractor.embed(waveform, RATE).frames
    np.testing.assert_allclose(others, together, rtol=0, atol=1e-5 * np.abs(together).max())


def test_equal_extractors_share_a_network_and_travel(weights: Path) -> None:
    extractor = OpenL3Extractor(weights=weights, hop_s=0.5)
    extractor.prepare()
    copy = pickle.loads(pickle.dumps(extractor))
    assert copy.built_network() is extractor.built_network()
    assert OpenL3Extractor(weights=weights).built_network() is extractor.built_network()
    assert copy.describe() == extractor.describe()


def test_gzipped_or_not_is_the_same(weights: Path, tmp_path: Path) -> None:
    packed = tmp_path / "random.h5.gz"
    packed.write_bytes(gzip.compress(weights.read_bytes(), compresslevel=1))
    ours, theirs = read_parameters(weights), read_parameters(packed)
    assert (ours.scale, ours.shift) == (theirs.scale, theirs.shift)
    for (kernel, bias), (other_kernel, other_bias) in zip(
        ours.convolutions, theirs.convolutions, strict=True
    ):
        np.testing.assert_array_equal(kernel, other_kernel)
        np.testing.assert_array_equal(bias, other_bias)


def test_other_weights_than_the_published_are_named(weights: Path) -> None:
    identity, label = OpenL3Extractor(weights=weights).weights_id()
    assert identity.startswith("sha256:")
    assert label == "unverified:random.h5"


def test_missing_weights_are_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"nothing\.h5"):
        OpenL3Extractor(weights=tmp_path / "nothing.h5").prepare()


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>Not Found</html>", b"\x1f\x8b\x08 cut", b"\x89HDF\r\n\x1a\n" + bytes(100)],
)
def test_a_file_of_something_else_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "weights.h5"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"weights\.h5 does not hold the weights of an OpenL3"):
        read_parameters(path)


def test_the_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    path = write_weights(tmp_path / "other.h5", conv2d_43_kernel=(3, 3, 64, 32))
    with pytest.raises(WeightsError, match=r"shape \(3, 3, 64, 32\), expected \(3, 3, 64, 64\)"):
        read_parameters(path)
    with h5py.File(path, "a") as file:
        file.attrs["layer_names"] = ["conv2d_42"]
    with pytest.raises(WeightsError, match="0 batch normalisations and 1 convolutions"):
        read_parameters(path)
    by_name = tmp_path / "openl3_audio_mel256_env-v0_4_0.h5"
    with pytest.raises(WeightsError, match="choose a layer that begins with mel256_env"):
        OpenL3Extractor(weights=by_name).weights_id()


def test_an_array_that_claims_to_fill_the_memory_is_not_read(tmp_path: Path) -> None:
    path = write_weights(tmp_path / "huge.h5")
    with h5py.File(path, "a") as file:
        bias = "conv2d_42/conv2d_42/bias:0"
        del file[bias]
        file.create_dataset(bias, shape=(1 << 45,), dtype="f4", chunks=(1 << 20,))
    with pytest.raises(WeightsError, match="expected"):
        read_parameters(path)


def test_an_installed_package_gives_its_weights_not_its_code(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "openl3"
    package.mkdir()
    (package / "__init__.py").write_text("raise ImportError('its code is not needed')")
    installed = package / "openl3_audio_mel128_music.h5"
    installed.symlink_to(weights)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("AUDIOTL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("AUDIOTL_OFFLINE", "1")

    assert find_weights("mel128", "music").path == installed
    assert find_weights("mel128", "music", weights).path == weights
    with pytest.raises(WeightsError, match=WEIGHTS["mel256_env"].url):
        find_weights("mel256", "env")
    assert "openl3" not in sys.modules


def test_the_registry_knows_every_file() -> None:
    assert len(WEIGHTS) == 6
    for network, file in WEIGHTS.items():
        assert file.url.endswith(f"/raw/models/openl3_audio_{network}-v0_4_0.h5.gz")
        assert file.url.endswith(file.path.name)
        assert len(file.digest.removeprefix("gitblob:")) == 40
