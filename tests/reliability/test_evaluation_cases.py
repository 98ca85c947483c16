"""Evaluations of many clips, many labels, several labels a clip and stretches of recordings."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audiotl_cli.dataset.index import Clip, Index
from audiotl_cli.evaluation.predictions import MOST_COMPLETE, N_BEST
from audiotl_cli.store.memo import clip_key
from audiotl_cli.store.shard import Features
from audiotl_cli.store.store import FeatureStore
from tests.conftest import Run
from tests.experiments.stores import sha256_of

CV = ("evaluate", "--cv", "fold", "--classifier", "knn", "--pooling", "mean")
KINDS = {"a": "ant", "b": "bee; ant", "c": "cat;bee"}
"""Labels as a person may write them, in any order."""


def write_project(clips: Sequence[Clip], rows: np.ndarray[Any, Any], name: str = "made") -> None:
    """Write an index of clips without recordings, and a store of a frame for each."""
    clips = [replace(clip, sha256=clip.sha256 or sha256_of(clip.path)) for clip in clips]
    Index(clips, Path("audio").absolute()).write(Path(f"data/index/{name}.csv"))
    store = FeatureStore.create(Path("data/features"), "made", rows.shape[1], {"imported": "made"})
    with store.writer() as writer:
        for clip, row in zip(clips, rows, strict=True):
            key = clip_key(clip.sha256, clip.start_s, clip.end_s)
            writer.add(key, Features(row[None].astype(np.float32), np.zeros(1)))


def many_labels(n_labels: int, n_folds: int = 3) -> None:
    """Write a project of one clip a label and fold, many of them alike."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(n_labels, 8))
    clips, rows = [], []
    for fold in range(n_folds):
        for number in range(n_labels):
            clips.append(Clip(f"{fold}/{number}.wav", f"label {number:04}", fold=str(fold)))
            rows.append(centres[number] + rng.normal(0, 0.3, 8))
    write_project(clips, np.array(rows))


def multi_label_clips(n_recordings: int = 12, *, stretches: int = 2) -> list[Clip]:
    """Return stretches of recordings with several labels each; a recording is one group."""
    kinds = list(KINDS.values())
    return [
        Clip(
            f"{recording:02}.wav",
            kinds[(recording + part) % 3],
            "test" if recording % 3 == 2 else "train",
            str(recording % 3),
            f"site {recording // 2}",
            float(part),
            float(part + 1),
        )
        for recording in range(n_recordings)
        for part in range(stretches)
    ]


def multi_label_rows(clips: Sequence[Clip], noise: float = 0.3) -> np.ndarray[Any, Any]:
    rng = np.random.default_rng(1)
    names = ("ant", "bee", "cat")
    has = np.array([[float(name in clip.label) for name in names] for clip in clips])
    return np.asarray(4 * has + rng.normal(0, noise, has.shape))


@pytest.fixture
def several(project: Path) -> list[Clip]:
    """Return the clips of a project whose clips have several labels."""
    clips = multi_label_clips()
    write_project(clips, multi_label_rows(clips, noise=1.5))
    return clips


def test_what_is_written_of_many_labels_is_bounded(project: Path, run: Run) -> None:
    many_labels(300)

    finished = run(*CV, "--report", "r", "--json")

    value = finished.json
    assert value["n_scores"] == N_BEST
    assert {len(prediction["scores"]) for prediction in value["predictions"]} == {N_BEST}
    assert json.loads(Path("r/report.json").read_text()) == value
    per_clip = (len(finished.out) - 300 * 300 * 3) / 900
    assert per_clip < 700
    assert Path("r/report.json").stat().st_size < 1.2 * len(finished.out)
    with Path("r/predictions.csv").open() as file:
        assert len(next(csv.reader(file))) == 4 + 2 * N_BEST
    page = Path("r/report.html").read_text("utf-8")
    assert page.count("data-column=") <= 40 * 40
    assert "40 of 300 labels are shown: those most often confused" in page


def test_all_scores_are_beside_the_report_as_plain_arrays(project: Path, run: Run) -> None:
    many_labels(40)

    value = run(*CV, "--report", "r", "--json").json

    with np.load("r/scores.npz", allow_pickle=False) as arrays:
        assert arrays["scores"].shape == (120, 40)
        assert arrays["labels"].tolist() == value["labels"]
        assert arrays["path"].tolist() == [
            prediction["path"] for prediction in value["predictions"]
        ]
        assert arrays["predicted"].tolist() == [
            prediction["predicted"] for prediction in value["predictions"]
        ]
        for row, prediction in zip(arrays["scores"], value["predictions"], strict=True):
            best = np.sort(row)[::-1][:N_BEST]
            assert list(prediction["scores"].values()) == pytest.approx(best, abs=1e-6)


def test_all_scores_of_few_labels_are_in_the_report(project: Path, run: Run) -> None:
    many_labels(MOST_COMPLETE)

    value = run(*CV, "--json").json

    assert value["n_scores"] == MOST_COMPLETE
    assert all(list(prediction["scores"]) == value["labels"] for prediction in value["predictions"])


def test_a_figure_of_many_labels_stays_small(project: Path, run: Run) -> None:
    from matplotlib.image import imread

    many_labels(300)
    run(*CV, "--report", "r")
    height, width = imread("r/confusion.png").shape[:2]
    assert max(height, width) < 3000


def test_labels_on_the_screen_are_the_hardest_of_many(project: Path, run: Run) -> None:
    many_labels(100)
    shown = run(*CV).out
    assert "20 of 100 labels, with the lowest F1:" in shown
    assert shown.count("label 00") < 60


def test_several_labels_have_a_page_and_tables(several: list[Clip], run: Run) -> None:
    value = run(*CV, "--report", "r", "--json").json

    written = {path.name for path in Path("r").iterdir()}
    assert written >= {
        "report.html", "scores.npz", "scores.csv", "confusion.csv", "per_label.csv",
        "predictions.csv",
    }  # fmt: skip
    page = Path("r/report.html").read_text("utf-8")
    for section in ("confusion", "clips", "labels", "map", "rounds"):
        assert f'<h2 id="{section}">' in page
    assert "mean average precision" in page
    with Path("r/per_label.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["label"] for row in rows] == ["ant", "bee", "cat"]
    assert {float(row["average_precision"]) for row in rows} == {
        row["average_precision"] for row in value["per_label"].values()
    }


def test_several_labels_know_groups_and_stretches(several: list[Clip], run: Run) -> None:
    value = run(*CV, "--json").json

    assert value["interval_over"] == "groups"
    for prediction, clip in zip(value["predictions"], several, strict=True):
        assert (prediction["path"], prediction["start_s"], prediction["end_s"]) == (
            clip.path,
            clip.start_s,
            clip.end_s,
        )
        assert (prediction["group"], prediction["fold"]) == (clip.group, clip.fold)


def test_a_set_of_labels_has_one_name(several: list[Clip], run: Run) -> None:
    value = run(*CV, "--json").json

    assert {prediction["label"] for prediction in value["predictions"]} == {
        "ant",
        "ant;bee",
        "bee;cat",
    }
    right = [prediction["label"] == prediction["predicted"] for prediction in value["predictions"]]
    assert value["accuracy"] == sum(right) / len(right)


def test_several_labels_are_predicted_again_and_again(several: list[Clip], run: Run) -> None:
    value = run("evaluate", "--cv", "2x3", "--classifier", "knn", "--json").json

    assert value["n_repeats"] == len(value["repeats"]) == 3
    assert value["accuracy"] == pytest.approx(sum(value["repeats"]) / 3)
    assert sum(row["n_clips"] for row in value["per_label"].values()) == 40


def test_models_of_several_labels_are_compared(several: list[Clip], run: Run) -> None:
    models = [
        run("train", "--classifier", name, "--pooling", "mean", "--json").json["model"]
        for name in ("logreg", "knn")
    ]
    run("evaluate", models[0], "--report", "before")
    clips = Index.read("data/index/made.csv").clips
    shuffled = [replace(clip, label=other_order(clip.label)) for clip in clips]
    Index(shuffled, Path("audio").absolute()).write(Path("other.csv"))

    value = run("evaluate", "before/report.json", models[1], "--index", "other.csv", "--json").json

    found = value[2]["comparison"]
    assert found["n_clips"] == 8  # two stretches of each of four recordings
    assert found["test"] == "exact sign flips of groups"
    assert found["difference"] == pytest.approx(value[1]["accuracy"] - value[0]["accuracy"])


def test_reports_that_mix_up_stretches_are_not_compared(several: list[Clip], run: Run) -> None:
    run(*CV, "--report", "a")
    old = json.loads(Path("a/report.json").read_text())
    for prediction in old["predictions"]:
        del prediction["start_s"], prediction["end_s"]
        prediction["label"] = "ant"
    Path("a/report.json").write_text(json.dumps(old))

    finished = run("evaluate", "a/report.json", "a/report.json")

    assert finished.code == 3
    assert "12 of its 24 predictions are of clips that it has already" in finished.err


def test_clips_with_several_labels_may_be_mislabelled(project: Path, run: Run) -> None:
    clips = multi_label_clips(18)
    rows = multi_label_rows(clips, noise=0.1)
    clips[5] = replace(clips[5], label="cat")
    write_project(clips, rows)

    finished = run("evaluate", "--cv", "fold", "--pooling", "mean", "--json")

    first = finished.json["label_errors"][0]
    assert (first["path"], first["start_s"]) == (clips[5].path, clips[5].start_s)
    assert first["label"] == "cat"
    assert "ant" in first["suggested"].split(";")


def test_unknown_labels_are_refused_before_anything_is_fitted(
    several: list[Clip], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise AssertionError("fitted")

    monkeypatch.setattr("audiotl_cli.experiments.rounds.fit_rows", fail)
    finished = run("evaluate", "--cv", "fold", "--open-set")
    assert finished.code == 2
    assert "--open-set leaves out one label at a time" in finished.err


def test_a_leaking_stretch_leaves_the_others_of_its_recording(project: Path, run: Run) -> None:
    clips = [
        Clip(f"{i}.wav", "ab"[i // 2], fold=str(i % 2), start_s=float(part), end_s=part + 1.0)
        for i in range(4)
        for part in range(3)
    ]
    # a copy of the recording has one of its stretches in the other fold: the others do not leak
    clips.append(replace(clips[0], path="copy.wav", fold="1", sha256=sha256_of("0.wav")))
    rows = np.random.default_rng(0).normal(size=(len(clips), 4))
    rows[-1] = rows[0]
    write_project(clips, rows)

    value = run(*CV, "--json").json

    leaks = [(leak["path"], leak["start_s"], leak["other"]) for leak in value["leaks"]]
    assert leaks == [("0.wav", 0.0, "copy.wav"), ("copy.wav", 0.0, "0.wav")]
    leaking = {leak[:2] for leak in leaks}
    clean = [
        prediction
        for prediction in value["predictions"]
        if (prediction["path"], prediction["start_s"]) not in leaking
    ]
    assert len(clean) == 11
    right = [prediction["label"] == prediction["predicted"] for prediction in clean]
    assert value["accuracy_without_leaks"] == pytest.approx(sum(right) / 11)


def test_many_copies_do_not_fill_the_report(project: Path, run: Run) -> None:
    clips = [Clip(f"{i}.wav", "ab"[i % 2], fold=str(i % 3)) for i in range(600)]
    write_project(clips, np.tile(np.eye(4)[:1], (600, 1)) + np.eye(4)[np.arange(600) // 599])

    value = run(*CV, "--json").json

    assert len(value["duplicates"]) <= 10_000
    assert value["n_clips"] == 600


def other_order(label: str) -> str:
    """Return the same labels in another order."""
    parts = label.split(";")
    random.Random(0).shuffle(parts)
    return ";".join(reversed(parts))


@pytest.mark.parametrize(
    "prediction",
    [
        {},
        [],
        {"path": "a", "label": 3, "predicted": "x"},
        {"path": "a", "label": "x", "predicted": None},
        {"path": "a", "label": "x", "predicted": "x", "start_s": "soon"},
        {"path": "a", "label": "x", "predicted": "x", "start_s": [0]},
    ],
)
def test_reports_that_are_damaged_are_refused(project: Path, run: Run, prediction: object) -> None:
    Path("a.json").write_text(json.dumps({"predictions": [prediction]}))
    finished = run("evaluate", "a.json", "a.json")
    assert finished.code == 3
    assert "a.json is no report.json of audiotl evaluate" in finished.err


def test_an_unusual_group_is_still_a_group(project: Path, run: Run) -> None:
    row = {"label": "x", "predicted": "x", "group": [1, {"b": 2}]}
    Path("a.json").write_text(json.dumps({"predictions": [row | {"path": p} for p in "ab"]}))
    assert run("evaluate", "a.json", "a.json").code == 0


def test_a_report_that_is_too_deep_is_refused(project: Path, run: Run) -> None:
    Path("a.json").write_text('{"predictions": ' + "[" * 100_000 + "]" * 100_000 + "}")
    finished = run("evaluate", "a.json", "a.json")
    assert finished.code == 3
    assert "a.json is no report.json of audiotl evaluate" in finished.err
