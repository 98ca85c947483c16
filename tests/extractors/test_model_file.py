"""Models of one's own: their embeddings against NumPy, and what becomes of wrong ones."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from audiotl_cli.errors import AudiotlError, UsageError, WeightsError
from audiotl_cli.extractors import audioset
from audiotl_cli.extractors.model_settings import Settings, read_settings
from audiotl_cli.extractors.registry import load_extractor
from tests.conftest import Run
from tests.extractors.own_models import (
    SETTINGS,
    WINDOW,
    WRITERS,
    Own,
    module,
    statistics,
    write_settings,
    write_tflite,
)

Array = npt.NDArray[np.float32]
Write = Callable[..., str]

RATE = 16_000


@pytest.fixture(params=WRITERS)
def write(request: pytest.FixtureRequest) -> Write:
    """Return a function that writes a network in one of the three forms."""
    return WRITERS[request.param]


def noise(n_samples: int) -> Array:
    return np.random.default_rng(0).normal(0, 0.1, n_samples).astype(np.float32)


def windows(waveform: Array, hop: int = WINDOW) -> Array:
    n = 1 + max(0, -(-(len(waveform) - WINDOW) // hop))
    padded = np.pad(waveform, (0, max(0, (n - 1) * hop + WINDOW - len(waveform))))
    return np.stack([padded[i * hop : i * hop + WINDOW] for i in range(n)])


@pytest.mark.parametrize(
    "shape",
    [[WINDOW], [1, WINDOW], [3, WINDOW], [None, WINDOW], [None, None], [None], [None, WINDOW, 1]],
    ids=str,
)
def test_waveforms_of_any_shape(tmp_path: Path, write: Write, shape: list[int | None]) -> None:
    extractor = load_extractor(write(tmp_path / "own", Own(shape), **SETTINGS))
    waveform = noise(10 * WINDOW + 17)

    embeddings = extractor.embed(waveform, RATE)

    assert extractor.dim == 3
    assert (extractor.window_s, extractor.hop_s) == (0.25, 0.25)
    expected = statistics(windows(waveform))
    np.testing.assert_allclose(embeddings.frames, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(embeddings.times, 0.25 * np.arange(11))


def test_hops(tmp_path: Path, write: Write) -> None:
    name = write(tmp_path / "own", Own([None, WINDOW]), **SETTINGS, hop_s=0.125)
    waveform = noise(3 * WINDOW)

    for hop_s, hop in ((None, 2000), (0.1, 1600), (0.3, 4800)):
        frames = load_extractor(name, hop_s=hop_s).embed(waveform, RATE).frames
        expected = statistics(windows(waveform, hop))
        np.testing.assert_allclose(frames, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [[96, 64], [None, 96, 64], [1, 96, 64, 1]], ids=str)
def test_log_mel_patches(tmp_path: Path, write: Write, shape: list[int | None]) -> None:
    settings = {"input": "log_mel", "log_offset": 0.001}
    extractor = load_extractor(write(tmp_path / "own", Own(shape), **settings))
    waveform = noise(2 * RATE)

    frames = extractor.embed(waveform, RATE).frames

    padded = np.pad(waveform, (0, RATE))
    log_mel = audioset.log_mel(padded, *audioset.tables(), 0.001)
    patches = np.stack([log_mel[first : first + 96].reshape(-1) for first in (0, 96, 192)])
    np.testing.assert_allclose(frames, statistics(patches), rtol=1e-4)
    assert extractor.window_s == 0.96
    assert extractor.describe().details == settings


def test_one_of_several_outputs(tmp_path: Path, write: Write) -> None:
    name = write(tmp_path / "own", Own([1, WINDOW], several=True), **SETTINGS)
    waveform = noise(2 * WINDOW)
    expected = statistics(windows(waveform))

    with pytest.raises(UsageError, match="its outputs are 'levels', 'statistics'"):
        load_extractor(name).prepare()
    np.testing.assert_allclose(
        load_extractor(name, layer="statistics").embed(waveform, RATE).frames, expected, rtol=1e-5,
        atol=1e-6,
    )  # fmt: skip
    write_settings(tmp_path / "own", **SETTINGS, output="levels")
    frames = load_extractor(name).embed(waveform, RATE).frames
    np.testing.assert_allclose(frames, expected[:, 2:], rtol=1e-5)


def test_the_fingerprint_covers_the_model_and_not_its_place(tmp_path: Path, write: Write) -> None:
    name = write(tmp_path / "own", Own([1, WINDOW]), **SETTINGS)
    described = load_extractor(name).describe()
    (tmp_path / "else").mkdir()
    for path in tmp_path.glob("own*"):
        copy = shutil.copytree if path.is_dir() else shutil.copy
        copy(path, tmp_path / "else" / path.name)
    moved = load_extractor(name.replace("own", "else/own")).describe()

    assert described.weights == "unverified:own"
    assert described == moved
    shutil.rmtree(tmp_path / "else")
    (tmp_path / "else").mkdir()
    other = write(tmp_path / "else" / "own", Own([1, WINDOW], several=True), **SETTINGS)
    assert load_extractor(other).describe().weights_sha256 != described.weights_sha256
    write_settings(tmp_path / "own", sample_rate=8000, window_s=0.5)
    assert load_extractor(name).describe() != described


def test_from_recordings_to_predictions(
    tmp_path: Path, project: Path, sounds: Path, run: Run, write: Write
) -> None:
    (project / "models").mkdir()
    write(project / "models" / "own", Own([None, WINDOW]), **SETTINGS)
    kind = next(kind for kind, writer in WRITERS.items() if writer is write)
    name = f"{kind}:models/own"
    run("index", sounds, "--test-size", 0.25)

    extracted = run("extract", "--extractor", name, "--workers", 1, "--json")

    assert extracted.code == 0, extracted.err
    folder = Path(extracted.json["store"])
    assert folder.name == f"{kind}_models_own-{extracted.json['fingerprint']}"
    assert folder.parent == Path("data/features")
    assert run("extract", "--extractor", name, "--json").json["n_skipped"] == 24
    trained = run("train", "--extractor", name, "--json")
    assert trained.code == 0, trained.err
    assert trained.json["extractors"] == [name]
    assert run("evaluate", "--json").json["n_clips"] == 6
    recording = next(sounds.rglob("*.wav"))
    assert run("predict", recording, "--json").json[0]["label"]


WRONG: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "length": ({"shape": [1, 123]}, SETTINGS, r"takes float32 \(1, 123\)"),
    "rank": ({"shape": [1, 2, 3, 4]}, SETTINGS, r"takes float32 \(1, 2, 3, 4\)"),
    "dtype": ({"shape": [1, WINDOW], "dtype": "int32"}, SETTINGS, "takes int32"),
    "patch": ({"shape": [1, 96, 64]}, SETTINGS, r"takes float32 \(1, 96, 64\)"),
    "output": ({"shape": [1, WINDOW]}, {**SETTINGS, "output": "no"}, "none of them is 'no'"),
    "settings": (
        {"shape": [1, WINDOW]},
        {"window": 1},
        "no setting 'window'.*some of input, sample_rate",
    ),
    "rate": ({"shape": [1, WINDOW]}, {"sample_rate": "16k"}, "sample_rate is '16k'"),
    "bool": ({"shape": [1, WINDOW]}, {"sample_rate": True}, "sample_rate is True"),
    "sign": ({"shape": [1, WINDOW]}, {"window_s": -1}, "window_s is -1"),
    "input": ({"shape": [1, WINDOW]}, {"input": "mel"}, "input is 'mel'"),
    "mel rate": ({"shape": [1, 96, 64]}, {"input": "log_mel", "sample_rate": 8000}, "is 8000"),
}


@pytest.mark.parametrize("case", WRONG)
def test_models_that_do_not_fit(tmp_path: Path, write: Write, case: str) -> None:
    arguments, settings, message = WRONG[case]
    name = write(tmp_path / "own", Own(**arguments), **settings)

    with pytest.raises(UsageError, match=message) as error:
        load_extractor(name).embed(noise(WINDOW), RATE)
    assert "own.json" in str(error.value)


@pytest.mark.parametrize("name", ["onnx:no", "onnx:.", "savedmodel:no", "savedmodel:."])
def test_no_such_model(project: Path, name: str) -> None:
    with pytest.raises(WeightsError, match="expected a folder" if "saved" in name else "no such"):
        load_extractor(name)


@pytest.mark.parametrize("name", ["tflite", "tflite:", "onnx", "pytorch:own.pt"])
def test_no_such_kind_says_what_there_is(name: str) -> None:
    with pytest.raises(UsageError, match="onnx:FILE, tflite:FILE, savedmodel:FOLDER"):
        load_extractor(name)


def test_damaged_models(tmp_path: Path, project: Path, sounds: Path, run: Run) -> None:
    whole = tmp_path / "whole"
    write_tflite(whole, Own([1, WINDOW]))
    content = whole.read_bytes()
    run("index", sounds)
    cuts = [content[:n] for n in (0, 3, 10, 100, len(content) // 2, len(content) - 200)]
    for damaged in (*cuts, content[:-4], b"text " * 500):
        (project / "cut").write_bytes(damaged)
        finished = run("extract", "--extractor", "tflite:cut")
        assert finished.code == 4, finished.err
        assert "cannot be read as tflite" in finished.err
        assert "Traceback" not in finished.err
    (project / "folder").mkdir()
    (project / "folder" / "saved_model.pb").write_bytes(b"no model" * 10)
    finished = run("extract", "--extractor", "savedmodel:folder")
    assert finished.code == 4
    assert "cannot be read as savedmodel" in finished.err


def test_a_savedmodel_without_signature(tmp_path: Path) -> None:
    from audiotl_cli.extractors.runtime import tensorflow

    tensorflow().saved_model.save(module(Own([1, WINDOW])), str(tmp_path / "own"), signatures={})

    with pytest.raises(WeightsError, match="expected serving_default"):
        load_extractor(f"savedmodel:{tmp_path / 'own'}").prepare()


def test_settings_that_are_no_json(tmp_path: Path) -> None:
    path = tmp_path / "own.json"
    assert read_settings(path) == Settings(window_s=0.975, hop_s=0.975)
    for content in (b"{", b"[]", b"\xff"):
        path.write_bytes(content)
        with pytest.raises(AudiotlError, match=r"own\.json"):
            read_settings(path)


def test_it_takes_no_other_weights(tmp_path: Path) -> None:
    (tmp_path / "own").touch()
    with pytest.raises(UsageError, match="not accept other weights"):
        load_extractor(f"tflite:{tmp_path / 'own'}", weights=tmp_path / "other")
