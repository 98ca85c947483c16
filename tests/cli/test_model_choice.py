"""Which model and which index a command takes, and which model a new one replaces."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.conftest import Run, run_in

RATE = 16_000


def write(path: Path, seed: int, hz: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).normal(0, 0.02, RATE)
    tone = 0.3 * np.sin(2 * np.pi * hz * np.arange(RATE) / RATE)
    soundfile.write(path, (tone + noise).astype(np.float32), RATE)


def write_sounds(folder: Path, labels: dict[str, float], first: int = 0) -> Path:
    for label, hz in labels.items():
        for i in range(first, first + 8):
            write(folder / label / f"{label}{i}.wav", i, hz)
    return folder


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("two") / "project"
    folder.mkdir()
    write_sounds(folder / "birds", {"owl": 300, "wren": 4000})
    run_in(
        folder,
        ["index", "birds"],
        ["extract", "--extractor", "mfcc"],
        ["train", "--classifier", "linear-svm"],
        ["train", "--classifier", "svm"],
    )
    return folder


@pytest.fixture
def two(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project, the current folder, with an index and two models, the svm the newer."""
    folder = tmp_path / "project"
    shutil.copytree(template, folder)
    monkeypatch.chdir(folder)
    return folder


def taken(err: str) -> str:
    (line,) = [line for line in err.splitlines() if line.startswith("Model ")]
    return line


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("svm", "-svm-mean+std.joblib"),
        ("SVM", "-svm-mean+std.joblib"),
        ("linear", "-linear-svm-mean+std.joblib"),
        ("birds-mfcc-statistics-linear-svm-mean+std", "-linear-svm-mean+std.joblib"),
        ("birds-mfcc-statistics-linear-svm-mean+std.joblib", "-linear-svm-mean+std.joblib"),
        ("birds-mfcc-statistics-s", "-svm-mean+std.joblib"),
        ("data/models/birds-mfcc-statistics-svm-mean+std", "-svm-mean+std.joblib"),
    ],
)
def test_a_model_is_found_by_a_part_of_its_name(two: Path, run: Run, name: str, found: str) -> None:
    finished = run("predict", "birds/owl/owl0.wav", "--model", name)

    assert finished.code == 0
    assert taken(finished.err) == f"Model data/models/birds-mfcc-statistics{found}"


def test_a_name_of_several_models_or_of_none_is_an_error(two: Path, run: Run) -> None:
    several = run("predict", "birds/owl/owl0.wav", "--model", "birds")
    nearly = run("predict", "birds/owl/owl0.wav", "--model", "linaer-svm")
    path = run("predict", "birds/owl/owl0.wav", "--model", "elsewhere/svm.joblib")

    assert (several.code, nearly.code, path.code) == (3, 3, 3)
    assert "'birds' could be any of 2 models: birds-mfcc-statistics-linear-svm" in several.err
    assert "did you mean birds-mfcc-statistics-linear-svm-mean+std" in nearly.err
    assert "elsewhere/svm.joblib does not exist" in path.err


def test_an_index_is_found_by_a_part_of_its_name(two: Path, run: Run) -> None:
    assert "Index data/index/birds.csv" in run("train", "--index", "bir").err
    nearly = run("train", "--index", "brids")
    assert nearly.code == 3
    assert "did you mean birds?" in nearly.err


def test_the_newest_model_is_taken_and_a_better_one_is_named(two: Path, run: Run) -> None:
    linear, svm = (
        f"data/models/birds-mfcc-statistics-{name}-mean+std" for name in ("linear-svm", "svm")
    )
    assert taken(run("predict", "birds/owl/owl0.wav").err).startswith(
        f"Model {svm}.joblib (newest of 2; choose with --model"
    )
    for path, score in ((linear, "0.9"), (svm, "0.7")):
        assert run("evaluate", path.rpartition("/")[2]).code == 0
        noted = Path(f"{path}.evaluation.json")
        text = noted.read_text()
        assert '"balanced_accuracy": 1.0' in text
        noted.write_text(text.replace('"balanced_accuracy": 1.0', f'"balanced_accuracy": {score}'))

    assert taken(run("predict", "birds/owl/owl0.wav").err) == (
        f"Model {svm}.joblib (newest of 2; the best by balanced accuracy was "
        f"{Path(linear).name}: --model {Path(linear).name})"
    )
    rows = run("model", "list", "--json").json
    assert [row["balanced_accuracy"] for row in rows] == [0.9, 0.7]
    assert rows[0]["model"] == f"{linear}.joblib"
    assert rows[0]["measured_on"] == {"index": "birds.csv", "split": "test", "n_clips": 4}
    shown = run("model", "list").out
    assert "linear-svm on mfcc" in shown
    assert "newest" in shown


def test_scores_of_an_earlier_model_do_not_count(two: Path, run: Run) -> None:
    run("evaluate", "svm")
    run("train", "--classifier", "svm", "--seed", 0, "--balance")
    model = Path("data/models/birds-mfcc-statistics-svm-mean+std.joblib")
    model.write_bytes(next(Path("data/models").glob("*svm*balance.joblib")).read_bytes())

    rows = {Path(row["model"]).name: row for row in run("model", "list", "--json").json}

    assert rows[model.name]["balanced_accuracy"] is None
    assert rows[model.name]["accuracy"] == 1.0


def test_files_that_are_no_models_are_named(two: Path, run: Run) -> None:
    Path("data/models/junk.joblib").write_text("junk")
    Path("data/models/gone.joblib").symlink_to("nowhere")

    finished = run("model", "list")

    assert finished.code == 1
    assert "svm on mfcc" in finished.out
    assert "The newest model, junk, is damaged: name another, or delete it." in finished.out
    assert "failed data/models/junk.joblib" in finished.err
    assert "gone" not in finished.err


def test_a_project_without_models_says_how_to_make_one(project: Path, run: Run) -> None:
    assert "create one with: audiotl train" in run("model", "list").out
    assert run("model", "list", "--json").json == []


def test_a_model_and_an_index_of_other_labels_do_not_go_together(two: Path, run: Run) -> None:
    write_sounds(Path("rooms"), {"hall": 500, "kitchen": 2500}, first=20)
    run("index", "rooms")
    assert run("extract", "--extractor", "mfcc").code == 0

    finished = run("evaluate")

    assert finished.code == 3
    assert "data/index/rooms.csv has hall, kitchen, the model has owl, wren" in finished.err
    assert run("evaluate", "--index", "birds").code == 0


def test_labels_that_the_model_does_not_know_are_named(two: Path, run: Run) -> None:
    write_sounds(Path("birds"), {"finch": 1500}, first=40)
    run("index", "birds")
    run("extract", "--extractor", "mfcc")

    finished = run("evaluate", "svm")

    assert finished.code == 0
    assert "have labels that the model does not know" in finished.err
    assert "finch" in finished.err


def test_training_on_other_data_keeps_the_model_of_the_same_name(two: Path, run: Run) -> None:
    first = Path("data/models/birds-mfcc-statistics-svm-mean+std.joblib")
    before = first.read_bytes()
    shutil.rmtree("birds")
    write_sounds(Path("birds"), {"owl": 700, "wren": 2000}, first=50)
    run("index", "birds")
    run("extract", "--extractor", "mfcc")

    finished = run("train", "--classifier", "svm")
    again = run("train", "--classifier", "svm", "--json")
    refused = run("train", "--classifier", "svm", "--out", first)

    assert "is a model of other data (0 of the 12 clips" in finished.err
    assert again.json["model"] == str(
        first.with_name("birds-mfcc-statistics-svm-mean+std-2.joblib")
    )
    assert len(list(Path("data/models").glob("*-svm-*.joblib"))) == 3
    assert refused.code == 2
    assert "give another --out, or replace it with --overwrite" in refused.err
    assert first.read_bytes() == before
    assert run("train", "--classifier", "svm", "--out", first, "--overwrite").code == 0
    assert first.read_bytes() != before


def test_training_again_after_more_labels_replaces_the_model(two: Path, run: Run) -> None:
    write_sounds(Path("birds"), {"owl": 300, "finch": 1500}, first=60)
    run("index", "birds")
    run("extract", "--extractor", "mfcc")

    assert run("train", "--classifier", "svm", "--json").json["labels"] == ["finch", "owl", "wren"]
    assert len(list(Path("data/models").glob("*.joblib"))) == 2
