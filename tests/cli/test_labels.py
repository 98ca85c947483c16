"""Labels are compared with each other, with the splits, and with those of the last training."""

from __future__ import annotations

import shutil
import unicodedata
from pathlib import Path

import pytest

from audiotl_cli.dataset.index import Index
from tests.conftest import Run
from tests.faults import scene, write

COMPOSED, DECOMPOSED = (unicodedata.normalize(form, "Café") for form in ("NFC", "NFD"))


def fill(counts: dict[str, int]) -> None:
    for k, (label, n) in enumerate(counts.items()):
        for i in range(n):
            write(Path("sounds") / label / f"{100 * k + i}.wav", scene(100 * k + i, 0.6))


def warnings(run: Run, *args: object) -> list[str]:
    finished = run("index", "sounds", "--no-audit", "--json", *args)
    assert finished.code == 0
    found: list[str] = finished.json["warnings"]
    return found


@pytest.mark.parametrize(
    ("first", "second", "difference"),
    [
        ("Dog", "dog", "in upper and lower case or blanks"),
        ("car horn", "car  horn", "in blanks"),
        ("car horn", "car\u00a0horn", "in blanks"),
        (COMPOSED, DECOMPOSED, "in how accents are encoded"),
        (COMPOSED, "cafe", "in accents"),
        ("car_horn", "car-horn", "in case, blanks, accents or signs between words"),
        ("car horn", "CarHorn", "in case, blanks, accents or signs between words"),
        ("1", "01", "as numbers are written"),
        ("wren", "wr\u200ben", "in blanks"),
    ],
)
def test_labels_that_look_alike(
    project: Path, run: Run, first: str, second: str, difference: str
) -> None:
    fill({first: 4, second: 4, "other": 4})

    (warning,) = warnings(run)

    assert warning.startswith(f"labels that differ only {difference}: ")
    assert warning.count("(4)") == 2
    assert "give them one name" in warning


@pytest.mark.parametrize(
    "labels",
    [
        ("C", "C#"),
        ("5", "-5"),
        ("1.0", "10"),
        ("class 1", "class 11"),
        ("cat", "cow"),
        ("1 2", "12"),
    ],
)
def test_labels_that_differ(project: Path, run: Run, labels: tuple[str, str]) -> None:
    fill(dict.fromkeys(labels, 4))
    assert warnings(run) == []


def test_blanks_around_a_label_do_not_count_and_that_is_said(project: Path, run: Run) -> None:
    fill({"dog": 3, "dog ": 3, "cat": 3})
    (warning,) = warnings(run)
    assert (
        warning
        == "blanks around labels do not count, so these are one: 'dog' (3), 'dog ' (3) clips"
    )
    assert Index.read("data/index/sounds.csv").labels() == ["cat", "dog"]


@pytest.mark.parametrize(
    ("rare", "often", "is_slip"),
    [
        ("sparow", "sparrow", True),
        ("sparrwo", "sparrow", True),
        ("sparrows", "sparrow", False),
        ("barrow", "sparrow", False),
        ("tapping", "rapping", False),
        ("speaker1", "speaker2", False),
        ("cat", "bat", False),
    ],
)
def test_a_rare_label_may_be_a_slip(
    project: Path, run: Run, rare: str, often: str, is_slip: bool
) -> None:
    fill({rare: 2, often: 10, "other": 3})
    assert any("differ only in one letter" in warning for warning in warnings(run)) is is_slip


def test_the_name_of_a_folder_is_one_label(project: Path, run: Run) -> None:
    fill({"rain; heavy": 3, "rain; light": 3, "dry": 3})

    (warning,) = warnings(run)

    assert "'rain; heavy', 'rain; light'" in warning
    assert Index.read("data/index/sounds.csv").labels() == ["dry", "rain, heavy", "rain, light"]
    warnings(run, "--labels-from", "filename", "--label-regex", "^([^/]+)/")
    assert Index.read("data/index/sounds.csv").labels() == ["dry", "rain, heavy", "rain, light"]


def test_tables_beside_recordings_without_labels_are_pointed_out(project: Path, run: Run) -> None:
    write(Path("sounds/0.wav"), scene(0, 0.6))
    Path("sounds/results.csv").write_text("File,Common name\n0.wav,Wren\n")

    assert "results.csv beside the recordings may hold labels: --metadata" in warnings(run)[1]


def test_labels_that_cannot_be_learnt_or_tested_are_named(project: Path, run: Run) -> None:
    write(Path("sounds/0.wav"), scene(0, 0.6))
    assert warnings(run)[0].startswith("no clip has a label")
    fill({"a": 3})
    assert "all clips with a label have the same, 'a'" in warnings(run)[0]
    fill({"a": 6, "b": 1, "c": 3})
    assert any("1 of 3 labels have no clip in the test split: b" in text for text in warnings(run))
    assert any(
        "1 label (b) has a single clip, which" in text for text in warnings(run, "--test-size", 0)
    )
    folds = warnings(run, "--folds", 5)
    assert "2 labels (b, c) are in some but not all of the 5 folds" in folds


def test_labels_of_a_single_clip_each(project: Path, run: Run) -> None:
    fill({"a": 1, "b": 1})
    assert warnings(run)[0].startswith("2 labels (a, b) each have a single clip, which cannot be")


def test_splits_without_clips_to_test_are_said(project: Path, run: Run) -> None:
    for i in range(4):
        write(Path("sounds/train") / "ab"[i % 2] / f"{i}.wav", scene(i, 0.6))
    assert warnings(run)[0].startswith("no clip is in the test split, so audiotl evaluate needs")


def test_a_label_that_is_gone_is_said_by_train(project: Path, run: Run) -> None:
    fill({"frog": 4, "toad": 4, "newt": 4})
    run("index", "sounds")
    run("extract", "--extractor", "mfcc")
    assert "any more" not in run("train").err

    shutil.rmtree("sounds/frog")
    Path("sounds/toad").rename("sounds/toads")
    run("index", "sounds")
    run("extract", "--extractor", "mfcc")
    trained = run("train")

    assert "2 labels of sounds-mfcc" in trained.err
    assert "have no clip to train on any more: frog, toad" in trained.err


def test_slips_in_what_is_typed_are_answered_with_what_is_near(project: Path, run: Run) -> None:
    fill({"frog": 4, "toad": 4})
    run("index", "sounds", "--no-audit")
    run("extract", "--extractor", "mfcc")

    assert "did you mean folder?" in run("index", "sounds", "--labels-from", "foldr").err
    wrong = run("train", "--classifier", "svm", "--param", "gama=1")
    assert wrong.code == 2
    assert "does not take the parameters gama" in wrong.err
    assert "did you mean gamma" in wrong.err
    assert run("train").code == 0
    assert "did you mean test?" in run("evaluate", "--split", "tset").err
    labelled = run("label", "--set", "sounds/frog/0.wav=frogg")
    assert "'frogg' is a new label; did you mean frog?" in labelled.err
