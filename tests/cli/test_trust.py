"""Numbers that can be trusted: comparison, calibration, rejection, repeats, curves, doubts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from audiotl_cli import Index
from tests.conftest import LABELS, Run


@pytest.fixture
def extracted(project: Path, sounds: Path, run: Run) -> Path:
    groups = r"([a-z]+-0[0-9])"
    assert run("index", sounds, "--fold-regex", r"(\d)\.wav", "--group-regex", groups).code == 0
    assert run("extract", "--extractor", "mfcc").code == 0
    return project


def test_repeats_predict_every_clip_so_often(extracted: Path, run: Run) -> None:
    value = run("evaluate", "--cv", "3x4", "--json").json

    assert value["n_clips"] == len(value["predictions"]) == 24
    assert value["n_repeats"] == len(value["repeats"]) == 4
    assert list(value["rounds"])[:4] == ["1.1", "1.2", "1.3", "2.1"]
    assert value["accuracy"] == pytest.approx(sum(value["repeats"]) / 4)
    assert sum(map(sum, value["confusion_matrix"])) == 24 * 4
    assert sum(measured["n_clips"] for measured in value["per_label"].values()) == 24
    low, high = value["confidence_interval"]
    assert low <= value["accuracy"] <= high
    assert "accuracy by repeat" in run("evaluate", "--cv", "3x4").out


def test_clips_of_one_group_are_drawn_together(project: Path, sounds: Path, run: Run) -> None:
    run("index", sounds, "--group-regex", r"([a-z]+-0[0-3])\d?")
    run("extract", "--extractor", "mfcc")
    by_clip = run("evaluate", "--cv", "4", "--json").json
    assert by_clip["interval_over"] == "clips"

    run("index", sounds, "--out", "g.csv", "--group-regex", r"([a-z]+)-0[0-7]", "--test-size", 0)
    by_group = run("evaluate", "--cv", "3", "--index", "g.csv", "--json").json
    assert by_group["interval_over"] == "groups"
    shown = run("evaluate", "--cv", "3", "--index", "g.csv").out
    assert "over groups, 24 clips" in shown


def test_predictions_say_where_a_clip_belongs(extracted: Path, run: Run) -> None:
    first = run("evaluate", "--cv", "fold", "--json").json["predictions"][0]
    assert first["fold"] == "0"
    assert first["group"] == "chirp-00"
    assert "start_s" not in first


def test_two_models_are_compared(extracted: Path, run: Run) -> None:
    a = run("train", "--json").json["model"]
    b = run("train", "--classifier", "knn", "--json").json["model"]

    value = run("evaluate", a, b, "--json").json
    shown = run("evaluate", a, b)

    assert [result["n_clips"] for result in value[:2]] == [6, 6]
    found = value[2]["comparison"]
    assert found.keys() >= {
        "a", "b", "n_clips", "difference", "interval", "p_value", "test", "verdict"
    }  # fmt: skip
    assert found["difference"] == pytest.approx(value[1]["accuracy"] - value[0]["accuracy"])
    assert found["verdict"].startswith("no difference shown")
    assert "no difference shown: of 6 clips" in shown.out
    written = json.loads(Path("data/experiments/comparison/comparison.json").read_text())
    assert written == {"comparisons": [found]}
    for model in (a, b):
        page = Path(f"data/experiments/{Path(model).stem}-test/report.html").read_text()
        assert f"<b>{found['verdict']}.</b>" in page
        low, high = found["interval"]
        assert f"{found['difference']:+.3f} (95 % interval {low:+.3f} to {high:+.3f})" in page


def test_every_page_shows_its_own_comparisons(extracted: Path, run: Run) -> None:
    names = ("logreg", "knn", "svm")
    models = [run("train", "--classifier", name, "--json").json["model"] for name in names]
    run("evaluate", models[0], "--report", "before")
    before = Path("before/report.html").read_bytes()

    run("evaluate", *models, "--report", "all")
    run("evaluate", "before/report.json", models[1], "--report", "after")

    pages = [Path("all", Path(model).stem, "report.html").read_text() for model in models]
    assert [page.count("Accuracy of ") for page in pages] == [2, 1, 1]
    assert Path(models[2]).stem not in pages[1]
    assert Path("before/report.html").read_bytes() == before
    (after,) = Path("after").rglob("report.html")
    assert "less that of before" in after.read_text()


def test_earlier_evaluations_are_compared(extracted: Path, run: Run) -> None:
    for name in ("logreg", "knn", "svm"):
        run("evaluate", "--cv", "fold", "--classifier", name, "--report", name)

    reports = [f"{name}/report.json" for name in ("logreg", "knn", "svm")]
    value = run("evaluate", *reports, "--json").json

    assert len(value) == 5
    assert [result["comparison"]["b"] for result in value[3:]] == ["knn", "svm"]
    assert "corrected for multiple comparisons" in run("evaluate", *reports).out
    alone = run("evaluate", reports[0])
    assert alone.code == 2
    assert "name another to compare it with" in alone.err


def test_other_clips_are_not_compared(extracted: Path, run: Run) -> None:
    run("evaluate", "--cv", "fold", "--report", "a")
    clips = Index.read("data/index/sounds.csv")
    Index(clips.clips[1:], clips.audio_root).write("fewer.csv")
    run("evaluate", "--cv", "fold", "--report", "b", "--index", "fewer.csv")

    finished = run("evaluate", "a/report.json", "b/report.json")

    assert finished.code == 3
    assert "1 clips or their labels differ, such as chirp/chirp-00.wav" in finished.err
    Path("a/report.json").write_text("{}")
    broken = run("evaluate", "a/report.json", "b/report.json")
    assert broken.code == 3
    assert "a/report.json is no report.json of audiotl evaluate" in broken.err


@pytest.mark.parametrize("how", ["temperature", "sigmoid", "isotonic"])
def test_a_calibrated_model_is_one_file(extracted: Path, run: Run, how: str) -> None:
    plain = run("train", "--json").json["model"]
    model = run("train", "--calibrate", how, "--json").json["model"]
    assert model == plain.replace(".joblib", f"-{how}.joblib")
    before, after = (run("evaluate", file, "--json").json for file in (plain, model))

    assert after["card"]["calibration"]["method"] == how
    assert after["card"]["calibration"]["n_clips"] == 18
    assert {"ece", "brier", "bins"} == after["calibration"].keys()
    first = after["predictions"][0]["scores"]
    assert first != before["predictions"][0]["scores"]
    assert sum(first.values()) == pytest.approx(1, abs=1e-5)
    (said,) = run("predict", Path(str(Index.read("data/index/sounds.csv").audio_root), after[
        "predictions"][0]["path"]), "--model", model, "--json").json  # fmt: skip
    assert said["scores"] == pytest.approx(first, abs=1e-4)


def test_a_model_may_say_none_of_these(extracted: Path, sounds: Path, run: Run) -> None:
    clips = Index.read("data/index/sounds.csv")
    Index([c for c in clips.clips if c.label != "rain"], clips.audio_root).write("two.csv")
    model = run("train", "--index", "two.csv", "--reject", 0.9, "--json").json["model"]
    assert model.endswith("-reject0.9.joblib")

    said = run("predict", sounds, "--model", model, "--json").json
    shown = run("predict", sounds, "--model", model)

    none = next(line for line in said if "rejected" in line)
    assert none["rejected"] is True
    assert none["label"] is None
    assert none["score"] == max(none["scores"].values())
    assert "(none of these)" in shown.out
    evaluated = run("evaluate", model, "--index", "two.csv", "--json").json
    assert evaluated["rejection"].keys() == {"n_rejected", "accuracy_of_the_rest"}


def test_labels_left_out_are_noticed(extracted: Path, run: Run) -> None:
    finished = run("evaluate", "--cv", "4", "--open-set", "--json")
    found = finished.json["open_set"]
    assert found["per_label"].keys() == set(LABELS)
    assert 0 < found["auroc"] <= 1
    mean = sum(measured["auroc"] for measured in found["per_label"].values()) / 3
    assert found["auroc"] == pytest.approx(mean)
    assert "recognised as unknown with AUROC" in run("evaluate", "--cv", "4", "--open-set").out


def test_a_learning_curve_ends_with_a_guess(extracted: Path, run: Run) -> None:
    curve = run("evaluate", "--cv", "4", "--learning-curve", "--json").json["learning_curve"]
    counts = [point["n_clips"] for point in curve["points"]]
    assert counts == sorted(set(counts))
    assert counts[-1] == 18
    assert curve["twice"]["n_clips"] == 36
    for point in [*curve["points"], curve["twice"]]:
        low, high = point["interval"]
        assert low <= high
    assert "extrapolated" in run("evaluate", "--cv", "4", "--learning-curve").out


def test_planted_errors_and_copies_are_listed(project: Path, sounds: Path, run: Run) -> None:
    folder = project / "planted"
    for label in LABELS:
        (folder / label).mkdir(parents=True)
        for take in range(8):
            content = (sounds / label / f"{label}-0{take}.wav").read_bytes()
            (folder / label / f"{label}-{take}.wav").write_bytes(content)
    (folder / "chirp/chirp-3.wav").rename(folder / "rain/moved-3.wav")
    copied = (folder / "drum/drum-1.wav").read_bytes()
    (folder / "drum/copy-2.wav").write_bytes(copied)
    run("index", folder, "--fold-regex", r"(\d)\.wav")
    run("extract", "--extractor", "mfcc")

    value = run("evaluate", "--cv", "fold", "--json").json
    shown = run("evaluate", "--cv", "fold").out

    assert value["label_errors"][0]["path"] == "rain/moved-3.wav"
    assert value["label_errors"][0]["suggested"] == "chirp"
    assert "rain/moved-3.wav: labelled rain, the model says chirp" in shown
    (pair,) = [pair for pair in value["duplicates"] if pair["similarity"] == 1]
    assert {pair["path"], pair["other"]} == {"drum/copy-2.wav", "drum/drum-1.wav"}
    assert "of training and test clips" in shown


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["train", "--calibrate", "magic"], 2, "expected one of temperature, sigmoid, isotonic"),
        (["train", "--reject", "1.5"], 2, "expected a share between 0 and 1"),
        (["evaluate", "--calibrate", "sigmoid"], 2, "--calibrate without --cv"),
        (["evaluate", "--open-set"], 2, "--open-set without --cv"),
        (["evaluate", "--cv", "3", "--search", "2", "--open-set"], 2, "--open-set with --search"),
        (["evaluate", "--cv", "5x0"], 2, "times repeats, such as 5x10"),
    ],
)
def test_what_cannot_be_done_is_explained(
    extracted: Path, run: Run, args: list[str], code: int, message: str
) -> None:
    finished = run(*args)
    assert finished.code == code
    assert message in finished.err


def test_same_seed_same_bytes_whatever_the_workers(project: Path, sounds: Path, run: Run) -> None:
    run("index", sounds, "--fold-regex", r"(\d)\.wav")
    texts = []
    for workers in (1, 2):
        store = f"features{workers}/one"
        run("extract", "--extractor", "mfcc", "--workers", workers, "--store", store)
        asked = ["--store", store, "--calibrate", "sigmoid", "--reject", 0.1, "--seed", 3]
        run("train", *asked, "--out", "model.joblib")
        extras = ["--open-set", "--learning-curve"]
        run("evaluate", "--cv", "3x2", *asked, *extras, "--report", f"cv{workers}")
        run("evaluate", "model.joblib", "--store", store, "--report", f"saved{workers}")
        files = ["model.joblib", f"cv{workers}/report.json", f"saved{workers}/report.json"]
        texts.append([Path(file).read_bytes() for file in files])
    assert texts[0] == texts[1]


def test_stretches_of_a_recording_are_told_apart(project: Path, sounds: Path, run: Run) -> None:
    run("index", sounds)
    index = Index.read("data/index/sounds.csv")
    halves = [(0.0, 0.5, "0"), (0.5, None, "1")]
    clips = [
        replace(clip, start_s=start, end_s=end, split="", fold=fold)
        for clip in index.clips
        for start, end, fold in halves
    ]
    clips[0] = replace(clips[0], label="rain")
    Index(clips, index.audio_root).write("halves.csv")
    run("extract", "--extractor", "mfcc", "--index", "halves.csv")

    finished = run("evaluate", "--cv", "fold", "--index", "halves.csv", "--json")
    shown = run("evaluate", "--cv", "fold", "--index", "halves.csv")

    suspect = finished.json["label_errors"][0]
    assert (suspect["path"], suspect["start_s"], suspect["end_s"]) == (clips[0].path, 0.0, 0.5)
    assert f"{clips[0].path} (0 s to 0.5 s): labelled rain, the model says" in shown.out
