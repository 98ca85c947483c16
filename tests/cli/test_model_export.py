from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import onnxruntime
import pytest
import soundfile
import soxr

from audiotl_cli import load_model
from audiotl_cli.classifiers import onnx_form as clips
from audiotl_cli.inference import onnx_export
from tests.conftest import REPOSITORY, Run


@pytest.fixture
def model(project: Path, mfcc_model: Path) -> Path:
    shutil.copy(mfcc_model, "sounds.joblib")
    return Path("sounds.joblib")


def test_one_file_from_samples_to_label(model: Path, new: Path, run: Run) -> None:
    report = run("model", "export", model, "--whole", "--json").json
    assert report["path"] == "sounds-whole.onnx"
    assert report["sample_rate"] == 22_050
    assert report["largest_difference"] < 1e-3
    session = onnxruntime.InferenceSession("sounds-whole.onnx")
    about = session.get_modelmeta().custom_metadata_map
    assert json.loads(about["labels"]) == ["chirp", "drum", "rain"]
    assert json.loads(about["card"])["classifier"] == "logreg"
    assert json.loads(about["hop_s"]) == pytest.approx([0.25], abs=1e-4)
    for path in new.glob("*.wav"):
        (ours,) = load_model(model).predict(path)
        samples, _ = soundfile.read(path, dtype="float32")
        scores, _ = session.run(None, {"waveform": samples})
        assert scores == pytest.approx([ours.scores[label] for label in ("chirp", "drum", "rain")])


def test_the_example_tells_the_label(model: Path, new: Path, run: Run) -> None:
    script = REPOSITORY / "examples" / "predict_onnx.py"
    assert len(script.read_text().splitlines()) <= 20
    run("model", "export", model, "--whole")
    (ours,) = load_model(model).predict(new / "rain.wav")

    def told(path: Path) -> Any:
        words = [sys.executable, str(script), "sounds-whole.onnx", str(path)]
        return subprocess.run(words, capture_output=True, text=True, check=False)

    label, score = told(new / "rain.wav").stdout.split()
    assert label == "rain"
    assert float(score) == pytest.approx(ours.score, abs=1e-3)
    samples, rate = soundfile.read(new / "rain.wav")
    soundfile.write("other.wav", soxr.resample(samples, rate, 16_000), 16_000)
    assert "has 16000 Hz, resample it to 22050 Hz" in told(Path("other.wav")).stderr


def test_a_graph_that_tells_something_else_is_not_written(
    model: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = clips.add_classifier

    def wrong(graph: Any, classifier: Any, parts: Any) -> None:
        right(graph, classifier, [graph.add("Neg", part) for part in parts])

    monkeypatch.setattr(onnx_export, "add_classifier", wrong)
    done = run("model", "export", model)
    assert done.code == 5
    assert "sounds.onnx is not written: of 60 probes" in done.err
    assert "got another label than by the model, and scores were off by up to" in done.err
    assert not Path("sounds.onnx").exists()


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["--format", "pmml"], 2, "--format is 'pmml'; choose from onnx"),
        (["--format", "skops"], 2, "--format is 'skops'; choose from onnx"),
        (["--output", "m.joblib"], 2, "expected a name that ends in .onnx"),
        (["--output", "no/where.onnx"], 3, "no/where.onnx"),
    ],
)
def test_what_cannot_be_done_is_explained(
    model: Path, run: Run, args: list[str], code: int, message: str
) -> None:
    done = run("model", "export", model, *args)
    assert (done.code, message in done.err) == (code, True), done.err
    assert run("model", "export", "gone.joblib").code == 3
