from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from audiotl_cli import Index
from tests.conftest import LABELS, Run


@pytest.fixture
def extracted(project: Path, sounds: Path, run: Run) -> Path:
    assert run("index", sounds, "--fold-regex", r"[02468]?([0-9])\.wav").code == 0
    assert run("extract", "--extractor", "mfcc").code == 0
    return project


def test_train_reports_and_saves(extracted: Path, run: Run) -> None:
    finished = run("train", "--json")

    assert finished.code == 0
    value = finished.json
    assert value["classifier"] == "logreg"
    assert value["extractors"] == ["mfcc"]
    assert value["pooling"] == "mean+std"
    assert value["labels"] == list(LABELS)
    assert value["n_clips"] == 18
    assert value["held_out"]["n_clips"] == 6
    assert Path(value["model"]).parent == Path("data/models")
    assert Path(value["model"]).stat().st_size > 0


@pytest.mark.parametrize(
    "classifier",
    ["linear-svm", "svm", "perceptron", "mlp", "knn", "logreg", "random-forest", "linearSVM", "SVM",
     "MLP", "kNN"],
)  # fmt: skip
def test_every_classifier_trains_and_evaluates(extracted: Path, run: Run, classifier: str) -> None:
    trained = run("train", "--classifier", classifier, "--pooling", "vote", "--json")
    assert trained.code == 0

    value = run("evaluate", "--json").json

    assert value["n_clips"] == 6
    assert value["accuracy"] == trained.json["held_out"]["accuracy"]


def test_a_label_without_test_clips_has_no_scores(extracted: Path, run: Run) -> None:
    run("train")
    index = Index.read(Path("data/index/sounds.csv"))
    kept = [clip for clip in index.clips if not (clip.label == LABELS[0] and clip.split == "test")]
    replace(index, clips=kept).write(Path("data/index/sounds.csv"))

    shown = run("evaluate").out

    (row,) = [line for line in shown.splitlines() if line.strip().startswith(f"{LABELS[0]}  ")]
    assert row.split() == [LABELS[0], "0"]


def test_evaluate_gives_everything_documented(extracted: Path, run: Run) -> None:
    run("train")

    value = run("evaluate", "--json").json

    assert 0.5 < value["accuracy"] <= 1
    low, high = value["confidence_interval"]
    assert 0 <= low <= value["accuracy"] <= high <= 1
    assert {"balanced_accuracy", "macro_f1", "per_label"} <= value.keys()
    assert value["labels"] == list(LABELS)
    assert sum(map(sum, value["confusion_matrix"])) == 6
    assert len(value["predictions"]) == 6
    first = value["predictions"][0]
    assert first.keys() >= {"path", "label", "predicted", "scores"}
    assert sum(first["scores"].values()) == pytest.approx(1, abs=1e-5)
    right = sum(
        prediction["label"] == prediction["predicted"] for prediction in value["predictions"]
    )
    assert value["accuracy"] == right / 6


def test_evaluate_writes_a_report_and_a_figure(extracted: Path, run: Run) -> None:
    run("train")

    finished = run("evaluate")

    assert "accuracy" in finished.out
    assert "95 % interval" in finished.out
    assert "true \\ predicted" in finished.out
    (folder,) = Path("data/experiments").iterdir()
    assert json.loads((folder / "report.json").read_text())["n_clips"] == 6
    assert (folder / "confusion.png").read_bytes().startswith(b"\x89PNG")
    page = (folder / "report.html").read_text("utf-8")
    assert page.count("data:audio/") == 6
    assert 'href="predictions.csv"' in page
    assert "report.html" in finished.out


def test_train_says_for_people_what_a_model_is(extracted: Path, run: Run) -> None:
    run("train", "--out", "mine.joblib")

    text = Path("mine.md").read_text("utf-8")

    assert "18 clips: train of sounds.csv" in text
    assert "- chirp" in text


@pytest.mark.parametrize("protocol", ["fold", "4"])
def test_cross_validation_predicts_every_clip_once(
    extracted: Path, run: Run, protocol: str
) -> None:
    finished = run("evaluate", "--cv", protocol, "--classifier", "linear-svm", "--json")

    assert finished.code == 0
    value = finished.json
    assert value["n_clips"] == 24
    assert len({prediction["path"] for prediction in value["predictions"]}) == 24
    assert len(value["rounds"]) == (8 if protocol == "fold" else 4)
    mean = sum(value["rounds"].values()) / len(value["rounds"])
    assert value["accuracy"] == pytest.approx(mean)


def test_same_seed_same_bytes(extracted: Path, run: Run) -> None:
    texts = []
    for name in ("a", "b"):
        run("train", "--classifier", "mlp", "--pca", 8, "--seed", 5, "--out", "model.joblib")
        run("evaluate", "model.joblib", "--report", name)
        files = [Path("model.joblib"), Path(name, "report.json"), Path(name, "confusion.png")]
        texts.append([path.read_bytes() for path in files])

    assert texts[0] == texts[1]


def test_a_model_says_how_it_was_made(extracted: Path, run: Run) -> None:
    from audiotl_cli import load_model

    path = run("train", "--classifier", "svm", "--param", "C=2", "--pca", 4, "--json").json["model"]
    card = load_model(path).card

    assert card.params["C"] == 2
    assert card.pca == 4
    assert card.extractors[0].name == "mfcc"
    assert len(card.extractors[0].fingerprint) == 12
    assert len(card.index_sha256) == 64
    assert card.index == "sounds.csv"
    assert card.versions.keys() >= {"audiotl", "python", "scikit-learn", "numpy"}
    assert card.held_out is not None


def test_several_extractors_are_put_side_by_side(extracted: Path, run: Run) -> None:
    second = run("extract", "--extractor", "mfcc", "--hop-s", 0.5, "--json").json
    first = next(p.name for p in Path("data/features").glob("mfcc-*") if p != Path(second["store"]))

    trained = run(
        "train", "--extractor", first, "--extractor", Path(second["store"]).name, "--json"
    )

    assert trained.code == 0
    assert trained.json["extractors"] == ["mfcc", "mfcc"]
    assert run("evaluate", "--json").json["n_clips"] == 6


def test_frames_that_do_not_fit_are_streamed_and_said_to_be(extracted: Path, run: Run) -> None:
    options = ("--pooling", "vote", "--classifier", "perceptron", "--memory-mb", 1)
    assert not run("train", *options, "--json").json["streamed"]  # 24 short recordings do fit
    assert "trained block by block" not in run("train", *options).out
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("audiotl_cli.experiments.stored.COPIES", 1e6)
        assert run("train", *options, "--json").json["streamed"]
        finished = run("train", *options)
    assert "trained block by block" in finished.out
    assert "Training perceptron on" in finished.err


def test_balance_and_combine_are_carried_and_named(extracted: Path, run: Run) -> None:
    second = run("extract", "--extractor", "mfcc", "--hop-s", 0.5, "--json").json
    first = next(p.name for p in Path("data/features").glob("mfcc-*") if p != Path(second["store"]))
    both = ("--extractor", first, "--extractor", Path(second["store"]).name)
    trained = run("train", *both, "--combine", "average", "--balance", "--json").json
    assert trained["model"].endswith("logreg-mean+std-average-balance.joblib")
    assert run("evaluate", "--json").json["accuracy"] == trained["held_out"]["accuracy"]
    finished = run("evaluate", "--cv", "3", *both, "--combine", "average", "--balance")
    assert "--combine average --balance" in finished.err


def test_an_index_with_several_labels(extracted: Path, run: Run) -> None:
    path = Path("data/index/sounds.csv")
    path.write_text(path.read_text().replace(",chirp,", ",chirp;high,").replace(",rain,", ",high,"))
    trained = run("train", "--json").json
    assert trained["labels"] == ["chirp", "drum", "high"]
    value = run("evaluate", "--json").json
    assert 0.5 < value["mean_average_precision"] <= 1
    assert value["n_clips"] == 6
    shown = run("evaluate").out
    assert "mean average precision" in shown
    recording = next(Path(str(Index.read(path).audio_root)).rglob("chirp-00.wav"))
    (told,) = run("predict", recording, "--json").json
    assert told["labels"] == sorted(name for name, value in told["scores"].items() if value >= 0.5)
    assert run("predict", recording).code == 0


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["train", "--classifier", "svn"], 2, "choose from logreg, linear-svm, svm"),
        (["train", "--pooling", "median"], 2, "choose from vote, mean, mean+std, mean+max"),
        (["train", "--param", "D=1"], 2, "logreg does not take the parameters D"),
        (["train", "--param", "C"], 2, "expected NAME=VALUE"),
        (["train", "--pca", "999"], 2, "--pca is 999"),
        (["train", "--split", "dev"], 3, "no clip with features is in the split 'dev'"),
        (["train", "--extractor", "vggish"], 3, "audiotl extract --extractor vggish"),
        (["train", "--index", "none.csv"], 3, "none.csv does not exist, and no index in"),
        (["evaluate"], 3, "audiotl train"),
        (["evaluate", "none.joblib"], 3, "does not exist; train a model with: audiotl train"),
        (["evaluate", "--classifier", "svm"], 2, "--classifier without --cv"),
        (["evaluate", "--pca", "3", "--param", "C=1"], 2, "--pca, --param without --cv"),
        (["evaluate", "x.joblib", "--cv", "fold"], 2, "--cv trains its own models"),
        (["evaluate", "--cv", "fold", "--split", "test"], 2, "cannot be combined with --split"),
        (["evaluate", "--cv", "999"], 2, "--cv is 999; expected 2 to 24"),
        (["evaluate", "--cv", "group"], 3, "no group in the index"),
        (["evaluate", "--cv", "1"], 2, "expected fold, group, or a number of folds"),
    ],
)
def test_what_cannot_be_done_is_explained(
    extracted: Path, run: Run, args: list[str], code: int, message: str
) -> None:
    finished = run(*args)

    assert finished.code == code
    assert message in finished.err
    assert "Traceback" not in finished.err


def test_groups_on_both_sides_of_a_fold_are_named(project: Path, sounds: Path, run: Run) -> None:
    run("index", sounds, "--fold-regex", r"(\d)\.wav", "--group-regex", r"([a-z]+)-0[0-3]")
    run("extract", "--extractor", "mfcc")

    finished = run("evaluate", "--cv", "fold")

    assert "groups stand on both sides of a fold" in finished.err


@pytest.mark.parametrize("again", [["--seed", 7], ["--no-audit"]], ids=["split", "name"])
def test_clips_that_were_trained_on_are_counted(
    extracted: Path, sounds: Path, run: Run, again: list[object]
) -> None:
    model = run("train", "--json").json["model"]
    trained = {
        clip.path for clip in Index.read("data/index/sounds.csv").clips if clip.split == "train"
    }
    assert run("index", sounds, "--out", "data/other.csv", *again).code == 0
    tested = {clip.path for clip in Index.read("data/other.csv").clips if clip.split == "test"}

    finished = run("evaluate", model, "--index", "data/other.csv", "--json")
    shown = run("evaluate", model, "--index", "data/other.csv")
    clean = run("evaluate", model, "--json")

    n_both = len(tested & trained)
    assert n_both > 0
    assert finished.json["n_trained_on"] == n_both
    assert f"{n_both} of the 6 clips evaluated were trained on" in finished.err
    assert f"6 clips, including {n_both} training clips)" in shown.out
    assert clean.json["n_trained_on"] == 0
    assert "trained on" not in clean.err
    assert "trained_on" not in clean.json["card"]


def test_copies_on_both_sides_of_a_fold_are_counted(project: Path, sounds: Path, run: Run) -> None:
    folder = project / "copies"
    for label in LABELS:
        (folder / label).mkdir(parents=True)
        for take in range(4):
            content = (sounds / label / f"{label}-0{take}.wav").read_bytes()
            (folder / label / f"{take}-1.wav").write_bytes(content)
            if take == 0:
                (folder / label / f"{take}-2.wav").write_bytes(content)
    run("index", folder, "--fold-regex", r"-(\d)\.wav")
    run("extract", "--extractor", "mfcc")

    finished = run("evaluate", "--cv", "fold", "--json")

    assert finished.json["n_trained_on"] == 6
    assert "6 of the 15 clips evaluated were trained on" in finished.err


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["knn", "n_neighbors=99"], "knn cannot be fitted to 18 clips: n_neighbors is"),
        (["svm", "decision_function_shape=ovo"], "expected 'ovr', which gives one score per label"),
        (["svm", "kernel=precomputed"], "svm cannot be fitted to 18 clips"),
        (["mlp", "hidden_layer_sizes=(0,)"], "mlp cannot be fitted to 18 clips"),
        (["logreg", "class_weight={7: 1}"], "logreg cannot be fitted to 18 clips"),
    ],
    ids=lambda value: value[1] if isinstance(value, list) else "",
)
def test_parameters_that_do_not_work_are_explained(
    extracted: Path, run: Run, args: list[str], message: str
) -> None:
    finished = run("train", "--classifier", args[0], "--param", args[1])

    assert finished.code == 2
    assert message in finished.err
    assert not Path("data/models").exists()


def test_scores_outlive_a_figure_that_cannot_be_drawn(
    extracted: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise RuntimeError("no ink")

    run("train")
    run("evaluate", "--report", "r")
    Path("r/report.json").unlink()
    monkeypatch.setattr("audiotl_cli.evaluation.report.figures.draw_confusion", fail)

    finished = run("evaluate", "--report", "r", "--json")

    assert finished.code == 0
    assert json.loads(Path("r/report.json").read_text()) == finished.json
    assert "r/confusion.png could not be written (RuntimeError('no ink'))" in finished.err
    assert not Path("r/confusion.png").exists()


def test_another_store_than_the_last_is_not_taken_in_silence(
    extracted: Path, sounds: Path, run: Run
) -> None:
    other = sounds / "rain"
    run("index", other, "--out", "o.csv", "--label-regex", "(rain)")
    last = run("extract", "--extractor", "mfcc", "--hop-s", 0.5, "--index", "o.csv", "--json").json
    for shard in Path(last["store"]).glob("*.npz"):
        shard.unlink()

    finished = run("train", "--index", "data/index/sounds.csv", "--quiet")

    assert finished.code == 0
    assert f"{last['store']} was used last, but has no features" in finished.err


def test_every_way_to_train_has_a_name_of_its_own(extracted: Path, run: Run) -> None:
    usual = "sounds-mfcc-statistics-linear-svm-mean+std"
    ways: dict[str, list[object]] = {
        "": [],
        "-C=2": ["--param", "C=2"],
        "-C=2-dual=False": ["--param", "dual=False", "--param", "C=2"],
        "-scale": ["--scale"],
        "-root": ["--root"],
        "-seed7": ["--seed", 7],
        "-on-test": ["--split", "test"],
        "-pca4": ["--pca", 4],
    }
    for suffix, args in ways.items():
        path = run("train", "--classifier", "linear-svm", *args, "--json").json["model"]
        assert path == f"data/models/{usual}{suffix}.joblib"
    for same in (["--param", "C=1.0"], ["--no-scale"], ["--seed", 0]):
        path = run("train", "--classifier", "linear-svm", *same, "--json").json["model"]
        assert path == f"data/models/{usual}.joblib"

    run("evaluate", "--cv", "2", "--classifier", "linear-svm", "--param", "C=2")
    run("evaluate", f"data/models/{usual}.joblib", "--seed", 3)

    reports = {path.name for path in Path("data/experiments").iterdir()}
    assert reports == {f"{usual}-C=2-cv-2", f"{usual}-test-seed3"}


def test_what_to_type_next_works_as_it_stands(project: Path, sounds: Path, run: Run) -> None:
    commands = [["index", str(sounds), "--out", "my index.csv"]]
    for _ in range(4):
        finished = run(*commands[-1], *(["--extractor", "mfcc"] if len(commands) == 2 else []))
        assert finished.code == 0, finished.err
        (line,) = [text for text in finished.err.splitlines() if text.startswith("Next: ")]
        command = shlex.split(line)[2:]
        extra = {"extract": ["--store", "some where"], "train": ["--out", "m.joblib"]}
        commands.append(command + extra.get(command[0], []))

    place = ["--index", "my index.csv", "--store", "some where"]
    assert commands[2] == ["train", *place, "--out", "m.joblib"]
    assert commands[3] == ["evaluate", "m.joblib", *place]
    assert commands[4] == ["predict", "FILE", "--model", "m.joblib"]


def test_after_cross_validation_the_same_is_trained(extracted: Path, run: Run) -> None:
    finished = run(
        "evaluate", "--cv", 2, "--classifier", "svm", "--param", "C=2", "--no-scale", "--seed", 3
    )

    last = finished.err.splitlines()[-1]
    assert last == "Next: audiotl train --classifier svm --no-scale --param C=2 --seed 3"


def test_search_chooses_among_the_training_clips(extracted: Path, run: Run) -> None:
    finished = run("train", "--search", "6", "--classifier", "knn", "--json")

    assert finished.code == 0
    board = finished.json["leaderboard"]
    assert len(board) == 6
    assert [trial["accuracy"] for trial in board] == sorted(
        (trial["accuracy"] for trial in board), reverse=True
    )
    (chosen,) = [trial for trial in board if trial["chosen"]]
    assert finished.json["classifier"] == chosen["classifier"]
    assert finished.json["pooling"] == chosen["pooling"]
    assert "search6" in finished.json["model"]
    shown = run("train", "--search", "2")
    assert "2 settings compared by cross-validation" in shown.out


def test_nested_search_says_what_every_round_chose(extracted: Path, run: Run) -> None:
    finished = run("evaluate", "--cv", "3", "--search", "4", "--json")

    assert finished.code == 0
    assert set(finished.json["chosen"]) == {"1", "2", "3"}
    assert {"classifier", "pooling", "params", "accuracy"} <= set(finished.json["chosen"]["1"])
    assert finished.json["n_clips"] == 24


def test_a_note_about_the_index_is_said_once(extracted: Path, run: Run) -> None:
    index = next(Path("data/index").glob("*.csv"))
    text = index.read_text("utf-8").replace("chirp,", "Zirpgeräusch,")
    index.write_text(text, "cp1252")
    assert run("train").code == 0

    assert run("evaluate").err.count("is not UTF-8") == 1
