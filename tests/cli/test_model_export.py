from __future__ import annotations

import json
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import soundfile
import soxr

from audiotl_cli import load_model
from audiotl_cli.classifiers import onnx_form as clips
from audiotl_cli.dataset.demo_sounds import synthesise
from audiotl_cli.dataset.synthesis import SAMPLE_RATE
from audiotl_cli.errors import UsageError
from audiotl_cli.extractors.registry import load_extractor
from audiotl_cli.extractors.weights import install
from audiotl_cli.extractors.yamnet import WEIGHTS
from audiotl_cli.graph import Graph
from audiotl_cli.inference import onnx_export
from audiotl_cli.protobuf import packed
from tests.conftest import REPOSITORY, Run
from tests.extractors.test_yamnet import write_weights


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


@pytest.mark.parametrize("has_soxr", [True, False])
def test_the_example_labels_any_file(model: Path, new: Path, run: Run, has_soxr: bool) -> None:
    run("model", "export", model, "--whole")
    (ours,) = load_model(model).predict(new / "rain.wav")
    samples, rate = soundfile.read(new / "rain.wav")
    stereo = np.stack([samples, samples], axis=1)
    soundfile.write("other.flac", soxr.resample(stereo, rate, 48_000), 48_000)
    hide = "" if has_soxr else "import sys; sys.modules['soxr'] = None; "
    script = REPOSITORY / "examples" / "predict_onnx.py"
    code = f"{hide}import runpy; runpy.run_path({str(script)!r}, run_name='__main__')"

    words = [sys.executable, "-c", code, "sounds-whole.onnx", str(new / "rain.wav"), "other.flac"]
    lines = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()

    assert [line.split()[1:-1] for line in lines] == [["0", "s", "rain"]] * 2
    for line, tolerance in zip(lines, (1e-3, 0.02), strict=True):
        assert float(line.split()[-1]) == pytest.approx(ours.score, abs=tolerance)


def test_predict_takes_an_exported_model(model: Path, new: Path, run: Run) -> None:
    soundfile.write(new / "silent.wav", np.zeros(22_050), 22_050)
    run("model", "export", model, "--whole")

    expected = run("predict", "-m", model, new, "--json").json
    found = run("predict", "-m", "sounds-whole.onnx", new, "--json").json

    assert [(row["path"], row["label"], row.get("note")) for row in found] == [
        (row["path"], row["label"], row.get("note")) for row in expected
    ]
    for ours, theirs in zip(expected, found, strict=True):
        assert theirs["scores"] == pytest.approx(ours["scores"], abs=1e-3)
    table = run("predict", "-m", "sounds-whole.onnx", new / "rain.wav", "--format", "csv").out
    assert table.splitlines()[0].startswith("path,label,score,score:chirp")


def test_exported_models_hear_the_channel_of_the_model(
    sounds: Path, project: Path, run: Run
) -> None:
    run("index", sounds, "--test-size", "0")
    run("extract", "--extractor", "mfcc", "--channel", "left")
    run("train", "--out", "left.joblib")
    assert run("model", "export", "left.joblib", "--whole").code == 0
    rain, drum = synthesise("rain", 50), 3 * synthesise("drum", 50)
    both = np.stack([rain, np.resize(drum, len(rain))], axis=1)
    soundfile.write("both.wav", both / np.abs(both).max(), SAMPLE_RATE)

    for model in ("left.joblib", "left-whole.onnx"):
        assert run("predict", "-m", model, "both.wav", "--json").json[0]["label"] == "rain"
    script = REPOSITORY / "examples" / "predict_onnx.py"
    words = [sys.executable, str(script), "left-whole.onnx", "both.wav"]
    told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert told.split()[3] == "rain"


def test_networks_of_different_channels_have_no_common_waveform(model: Path) -> None:
    loaded = load_model(model)
    networks = [load_extractor("mfcc", channel=channel) for channel in ("left", "right")]
    with pytest.raises(UsageError, match="given different channels: left, right"):
        onnx_export.export_whole(loaded.classifier, loaded.card, networks)


def test_a_sample_that_resampling_leaves_nothing_of_ends_no_run(
    model: Path, new: Path, run: Run
) -> None:
    soundfile.write(new / "a.wav", np.full(1, 0.5), 192_000)
    run("model", "export", model, "--whole")

    found = run("predict", "-m", "sounds-whole.onnx", new, "--json").json

    assert [Path(row["path"]).name for row in found] == sorted(path.name for path in new.iterdir())
    assert found[-1]["label"] == "rain"


def test_a_long_recording_is_scored_in_parts(model: Path, new: Path, run: Run) -> None:
    run("model", "export", model, "--whole")
    samples, rate = soundfile.read(new / "rain.wav")
    drum, _ = soundfile.read(new / "drum.wav")
    minute = np.resize(samples, 60 * rate)
    soundfile.write("long.wav", np.concatenate([minute, np.resize(drum, 61 * rate)]), rate)

    (found,) = load_model("sounds-whole.onnx").predict("long.wav")

    (rain,) = load_model("sounds-whole.onnx").predict(minute, sample_rate=rate)
    assert 0.3 < found.scores["rain"] < 0.7 < rain.scores["rain"]
    assert found.scores["drum"] > 0.3
    said = run("predict", "-m", "sounds-whole.onnx", "long.wav").err
    assert "by their average; the model that was exported shows, by --segments," in said


@pytest.mark.parametrize(
    ("file", "code", "message"),
    [
        ("sounds.onnx", 5, "holds a classifier alone; write it with the networks"),
        ("other.onnx", 5, "is not from audiotl model export (it takes x)"),
        ("junk.onnx", 5, "junk.onnx is no ONNX file that can be used"),
        ("gone.onnx", 3, "gone.onnx: No such file"),
    ],
)
def test_other_onnx_files_are_refused(
    model: Path, new: Path, run: Run, file: str, code: int, message: str
) -> None:
    run("model", "export", model)
    graph = Graph()
    graph.output("y", graph.add("Neg", graph.input("x", np.float32, ["n"])), np.float32, ["n"])
    Path("other.onnx").write_bytes(graph.model({}))
    Path("junk.onnx").write_bytes(b"junk")

    refused = run("predict", "-m", file, new / "rain.wav")

    assert refused.code == code
    assert message in refused.err


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("labels", "[]"),
        ("labels", "{"),
        ("labels", '["rain", "rain", "drum"]'),
        ("labels", '["rain", "drum"]'),
        ("sample_rate", "0"),
        ("hop_s", "[]"),
        ("band_hz", "[9, 3]"),
        ("card", "[]"),
        ("card", '{"classifier": "logreg", "extractors": []}'),
    ],
)
def test_a_damaged_description_is_refused(
    model: Path, new: Path, run: Run, name: str, value: str
) -> None:
    run("model", "export", model, "--whole")
    content = Path("sounds-whole.onnx").read_bytes()
    again = packed(14, packed(1, name) + packed(2, value))  # the later of two counts
    Path("sounds-whole.onnx").write_bytes(content + again)

    refused = run("predict", "-m", "sounds-whole.onnx", new / "rain.wav")

    assert refused.code == 5
    assert "sounds-whole.onnx is damaged: " in refused.err
    assert "Traceback" not in refused.err


@pytest.mark.parametrize("command", ["evaluate", "model export"])
def test_other_commands_ask_for_the_model_file(
    model: Path, sounds: Path, run: Run, command: str
) -> None:
    run("index", sounds)
    run("model", "export", model)

    refused = run(*command.split(), "sounds.onnx")

    assert refused.code == 5
    assert "name the model file (.joblib) that it was exported from" in refused.err


def test_an_exported_model_finds_no_events(model: Path, new: Path, run: Run) -> None:
    run("model", "export", model, "--whole")

    refused = run("predict", "-m", "sounds-whole.onnx", new / "rain.wav", "--segments")

    assert refused.code == 2
    assert "name the model file that it was exported from" in refused.err


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


@pytest.fixture
def yamnet_model(
    project: Path, sounds: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Return a model on YAMNet of random weights, in a project with its index."""
    monkeypatch.setenv("AUDIOTL_CACHE", str(tmp_path / "cache"))
    install(WEIGHTS, write_weights(tmp_path / "random.h5"))
    run("index", sounds)
    run("extract", "--extractor", "yamnet")
    return Path(run("train", "--json").json["model"])


def test_weights_in_8_bits_and_what_they_cost(yamnet_model: Path, sounds: Path, run: Run) -> None:
    full = run("model", "export", yamnet_model, "--whole", "--json").json
    report = run("model", "export", yamnet_model, "--whole", "--quantise", "--json").json

    assert report["path"] == full["path"].replace("-whole", "-whole-int8")
    assert report["size"] < 0.4 * full["size"]
    cost = report["quantised"]
    assert (cost["split"], cost["n_clips"], cost["n_failed"]) == ("test", 6, 0)
    assert cost["accuracy_before"] == run("evaluate", yamnet_model, "--json").json["accuracy"]
    assert cost["accuracy"] == pytest.approx(cost["accuracy_before"], abs=0.2)
    assert cost["agreement"] >= 0.8
    shown = run("model", "export", yamnet_model, "--whole", "--quantise").out
    assert "on 6 clips of the split test" in shown
    path = next(sounds.rglob("*.wav"))
    ours, theirs = (
        run("predict", "-m", name, path, "--json").json[0]["scores"]
        for name in (full["path"], report["path"])
    )
    assert theirs == pytest.approx(ours, abs=0.2)
    assert theirs != ours


def test_a_cost_that_cannot_be_measured_is_said(yamnet_model: Path, run: Run) -> None:
    Path("data/index/sounds.csv").unlink()

    finished = run("model", "export", yamnet_model, "--whole", "--quantise")

    assert finished.code == 0
    assert "what 8 bits cost was not measured: the index of its training clips" in finished.err


@pytest.mark.parametrize(
    ("options", "message"),
    [([], "needs --whole"), (["--whole"], "mfcc has no weights that could be kept in 8 bits")],
)
def test_what_cannot_be_quantised_is_said(
    model: Path, run: Run, options: list[str], message: str
) -> None:
    refused = run("model", "export", model, "--quantise", *options)

    assert refused.code == 2
    assert message in refused.err
    assert not list(Path().glob("*.onnx"))


def test_the_example_gives_several_labels_and_none_to_silence(
    model: Path, new: Path, run: Run
) -> None:
    script = REPOSITORY / "examples" / "predict_onnx.py"
    example = runpy.run_path(str(script))
    about = {"labels": '["a", "b", "c"]', "multi_label": "true", "threshold": "0.5"}
    assert example["name"](np.array([0.5, 0.2, 0.9]), False, about) == "a;c"
    assert example["name"](np.array([0.1, 0.2, 0.4]), False, about) == "no label"
    assert example["name"](np.array([0.5, 0.2, 0.9]), True, about) == "none of these"
    run("model", "export", model, "--whole")
    soundfile.write("silent.wav", np.zeros(22_050), 22_050)

    done = subprocess.run(
        [sys.executable, script, "sounds-whole.onnx", "silent.wav"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "silent.wav  0 s  silent\n"
