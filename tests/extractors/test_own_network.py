"""A stranger's ONNX file, from a look into it to a prediction, by the commands of OWN_MODEL.md.

``tests/golden/cnn.onnx`` is a network of three convolutions that PyTorch 2.14's exporter wrote, and
``cnn`` in ``tests/golden/front_ends.npz`` what PyTorch and torchaudio 2.11 gave for a scene.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiotl_cli import load_extractor
from audiotl_cli.dataset.demo_sounds import synthesise
from audiotl_cli.dataset.synthesis import SAMPLE_RATE
from audiotl_cli.extractors.model_settings import parse_settings
from tests.conftest import REPOSITORY, Run
from tests.extractors.golden import FOLDER, scene
from tests.extractors.own_models import Own, write_onnx

DOCUMENT = (REPOSITORY / "docs" / "OWN_MODEL.md").read_text(encoding="utf-8")
STORY = DOCUMENT.partition("## From a file to a prediction")[2].partition("\n## ")[0]
COMMANDS = [line.split()[1:] for line in STORY.splitlines() if line.startswith("audiotl ")]
SETTINGS = re.findall(r"```json\n(.*?)```", STORY, re.DOTALL)[0]


def test_the_commands_of_the_document(project: Path, sounds: Path, run: Run) -> None:
    shutil.copy(FOLDER / "cnn.onnx", project)
    shutil.copytree(sounds, project / "sounds")
    soundfile.write(project / "new.wav", synthesise("rain", 50), SAMPLE_RATE)
    look, *others = COMMANDS
    assert [command[0] for command in COMMANDS] == [
        *("model", "index", "extract", "train", "evaluate", "predict")
    ]

    looked = run(*look)

    assert looked.code == 0, looked.err
    for line in ("input     mel  float32 (any, 1, 64, 101)", "gives 64 values every 1 s"):
        assert line in looked.out
        assert line in STORY
    guessed = json.loads(Path("cnn.onnx.json").read_text())
    asked = json.loads(SETTINGS)
    assert guessed.items() <= asked.items()
    assert asked.keys() - guessed.keys() == {"top_db", "mean", "std"}
    Path("cnn.onnx.json").write_text(SETTINGS)
    for command in others:
        finished = run(*command)
        assert finished.code == 0, finished.err
    predicted = run("predict", "new.wav", "--json").json
    assert predicted[0]["label"] == "rain"


def test_embeddings_equal_those_of_pytorch(tmp_path: Path) -> None:
    shutil.copy(FOLDER / "cnn.onnx", tmp_path)
    (tmp_path / "cnn.onnx.json").write_text(SETTINGS)
    with np.load(FOLDER / "front_ends.npz") as file:
        expected = file["cnn"]

    found = load_extractor(f"onnx:{tmp_path / 'cnn.onnx'}").embed(*scene("scene16k")).frames

    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-5)


def test_settings_are_never_overwritten(project: Path, run: Run) -> None:
    shutil.copy(FOLDER / "cnn.onnx", project)
    Path("cnn.onnx.json").write_text('{"mean": 3}')

    refused = run("model", "inspect", "cnn.onnx", "--sidecar")
    looked = run("model", "inspect", "cnn.onnx", "--json")

    assert refused.code == 2
    assert "cnn.onnx.json exists" in refused.err
    assert Path("cnn.onnx.json").read_text() == '{"mean": 3}'
    assert looked.code == 1
    assert "does not fit a window" in looked.json["problem"]
    assert not looked.json["written"]


def test_what_json_says(project: Path, run: Run) -> None:
    shutil.copy(FOLDER / "cnn.onnx", project)

    looked = run("model", "inspect", "cnn.onnx", "--json")

    assert looked.code == 0
    file = looked.json["file"]
    assert (file["kind"], file["size"]) == ("onnx", (FOLDER / "cnn.onnx").stat().st_size)
    assert file["inputs"] == [
        {"name": "mel", "dtype": "float32", "shape": [None, 1, 64, 101], "note": "",
         "average_over": []}
    ]  # fmt: skip
    assert [tensor["name"] for tensor in file["candidates"]][:2] == ["mean", "classes"]
    assert file["candidates"][2]["average_over"] == [2, 3]
    assert file["opsets"] == {"ai.onnx": 20}
    assert file["metadata"] == {"producer": "pytorch"}
    assert looked.json["settings"]["layout"] == "batch 1 mel time"
    assert not Path("cnn.onnx.json").exists()


def test_the_recipes_are_settings() -> None:
    """Every JSON of RECIPES.md is understood, and gives windows of the shape that it says."""
    text = (REPOSITORY / "docs" / "RECIPES.md").read_text(encoding="utf-8")
    found = [
        parse_settings(json.loads(part)) for part in re.findall(r"```json\n(.*?)```", text, re.S)
    ]

    shapes = []
    for settings in found:
        source = settings.front_end
        features = source.compute(np.zeros(source.window(settings.window_s), np.float32))
        shapes.append((settings.n_frames or len(features), *features.shape[1:]))
    assert shapes == [(160_000,), (1001, 64), (1024, 128), (998, 128), (320_000,)]


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ([1, 144_000], {"input": "waveform", "sample_rate": 48_000, "window_s": 3.0}),
        ([None, 15_600], {"input": "waveform", "sample_rate": 16_000, "window_s": 0.975}),
        ([None, None], {"input": "waveform", "window_s": 5.0, "layout": "batch time"}),
        ([None, 1, 32_000], {"input": "waveform", "layout": "batch 1 time"}),
        ([1, 96, 64], {"input": "log_mel", "window_s": 0.96, "layout": "batch time mel"}),
        ([1, 80, 3000], {"input": "whisper", "n_mels": 80, "layout": "batch mel time"}),
        ([None, 1024, 128], {"input": "kaldi_fbank", "n_mels": 128, "n_frames": 1024}),
        ([None, 64, None], {"input": "mel_db", "n_mels": 64, "layout": "batch mel time"}),
    ],
    ids=str,
)
def test_guesses_fit_the_file(
    project: Path, run: Run, shape: list[int | None], expected: dict[str, object]
) -> None:
    write_onnx(Path("own.onnx"), Own(shape))

    looked = run("model", "inspect", "own.onnx", "--sidecar", "--json")

    assert looked.code == 0, looked.json
    assert expected.items() <= json.loads(Path("own.onnx.json").read_text()).items()
    assert looked.json["works"].startswith("3 values")
    assert looked.json["checks"]


def test_files_that_cannot_be_used(project: Path, run: Run) -> None:
    Path("text.onnx").write_text("no network")
    Path("text.tflite").write_text("no network")
    Path("model.joblib").write_text("no model")

    for name in ("text.onnx", "text.tflite"):
        looked = run("model", "inspect", name, "--sidecar")
        assert looked.code == 4
        assert f"{name} cannot be read as" in looked.err
        assert not Path(f"{name}.json").exists()
    assert run("model", "inspect", "none.onnx").code == 3
    assert run("model", "inspect", "model.joblib", "--sidecar").code == 2


def test_a_tflite_file_is_described_without_being_run(project: Path, run: Run) -> None:
    from tests.extractors.own_models import write_tflite

    write_tflite(Path("own.tflite"), Own([1, 4000], several=True))

    looked = run("model", "inspect", "own.tflite", "--sidecar", "--json").json

    assert looked["file"]["inputs"][0]["shape"] == [1, 4000]
    assert looked["file"]["candidates"][0]["shape"] == [1, 3]
    assert looked["works"] == ""
    assert looked["settings"]["window_s"] == 0.25
    inner = looked["file"]["inner"]
    extractor = load_extractor("tflite:own.tflite", layer=inner[0]["name"])
    assert extractor.describe().layer == inner[0]["name"]
