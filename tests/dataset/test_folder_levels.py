"""Which level of folders is what is decided by most of the recordings."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from audiotl_cli.dataset.folder_levels import split_name
from audiotl_cli.dataset.layouts.folder import clips_from_folder
from audiotl_cli.errors import UsageError
from audiotl_cli.left_out import LeftOutCounter
from tests.dataset.folders import touch

Seen = list[tuple[str, str, str]]


def labelled(root: Path, names: str, level: int | None = None) -> tuple[Seen, LeftOutCounter]:
    """Return the label, split and fold of each recording, each once, and what is left out."""
    left_out = LeftOutCounter()
    touch(root, *(f"{name}/{i}.wav" for name in names.split() for i in range(3)))
    clips = clips_from_folder(root, labelled=True, label_level=level, left_out=left_out)
    return sorted({(clip.label, clip.split, clip.fold) for clip in clips}), left_out


@pytest.mark.parametrize(
    "names",
    [
        "train/cat train/dog test/cat test/dog",
        "Training/cat Training/dog Testing/cat Testing/dog",
        "train_set/cat train_set/dog audio_test/cat audio_test/dog",
        "sounds/train/cat sounds/train/dog sounds/test/cat sounds/test/dog",
        "cat/train dog/train cat/test dog/test",
        "train/cat/near train/cat/far train/dog test/cat/near test/dog",
    ],
)
def test_splits(tmp_path: Path, names: str) -> None:
    found, _ = labelled(tmp_path, names)
    assert found == [
        ("cat", "test", ""), ("cat", "train", ""), ("dog", "test", ""), ("dog", "train", ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("more", "n"),
    [("demo.wav", 1), ("holdout/cat/1.wav", 1), ("unlabelled/1.wav", 1), ("docs/read.me", 0)],
)
def test_something_beside_splits(tmp_path: Path, more: str, n: int) -> None:
    touch(tmp_path, more)
    found, left_out = labelled(tmp_path, "train/cat train/dog test/cat test/dog")
    assert {label for label, _, _ in found} == {"cat", "dog"}
    assert {split for _, split, _ in found} == {"train", "test"}
    assert [(group.n, group.examples) for group in left_out.found()] == [(1, (more,))] * n


def test_one_split_with_a_file_beside_it(tmp_path: Path) -> None:
    touch(tmp_path, "demo.wav")
    found, left_out = labelled(tmp_path, "train/cat train/dog")
    assert found == [("cat", "train", ""), ("dog", "train", "")]
    assert [group.examples for group in left_out.found()] == [("demo.wav",)]


def test_labels_that_are_called_like_splits(tmp_path: Path) -> None:
    found, _ = labelled(tmp_path, "train/steam train/diesel car/van bus/old tram/new")
    assert [label for label, _, _ in found] == ["bus", "car", "train", "tram"]


def test_folds(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    found, _ = labelled(tmp_path, "fold1/cat fold1/dog fold02/cat fold02/dog fold10/dog")
    assert found == [
        ("cat", "", "1"), ("cat", "", "2"), ("dog", "", "1"), ("dog", "", "10"), ("dog", "", "2"),
    ]  # fmt: skip
    assert "the folders fold02, fold1, fold10 are folds" in caplog.text


@pytest.mark.parametrize(
    "names",
    [
        "site1/cat site1/dog site2/cat site2/dog",
        "site_a/cat site_a/dog site_b/dog",
        "siteA/cat siteA/dog siteB/cat siteB/dog",
        "2023-05-01/cat 2023-05-02/cat 2023-05-02/dog",
        "original/cat original/dog segmented/cat segmented/dog",
        "rec/S01/cat rec/S01/dog rec/S02/cat rec/S02/dog",
    ],
)
def test_sites_and_the_like_above_labels(
    tmp_path: Path, names: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    found, _ = labelled(tmp_path, names)
    assert found == [("cat", "", ""), ("dog", "", "")]
    assert "as with --label-level" in caplog.text


def test_labels_may_be_the_second_level(tmp_path: Path) -> None:
    names = "north/cat north/dog south/cat south/dog"
    assert [label for label, _, _ in labelled(tmp_path, names)[0]] == ["north", "south"]
    warnings: list[str] = []
    clips_from_folder(tmp_path, labelled=True, warnings=warnings)
    assert "labels could be the second level of folders: --label-level 2" in warnings[0]
    assert labelled(tmp_path, names, 2)[0] == [("cat", "", ""), ("dog", "", "")]


@pytest.mark.parametrize(
    "names",
    [
        "cat/s1 cat/s2 dog/s1 dog/s2",
        "cat/day cat/near dog",
        "class1/s1 class1/s2 class2/s1 class2/s2",
        "cat cat/more dog",
    ],
)
def test_speakers_and_the_like_below_labels(
    tmp_path: Path, names: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    found, _ = labelled(tmp_path, names)
    assert found in ([("cat", "", ""), ("dog", "", "")], [("class1", "", ""), ("class2", "", "")])
    assert caplog.text == ""


@pytest.mark.parametrize("names", ["a/cat a/dog", "a/b/c/cat a/b/c/dog"])
def test_folders_that_everything_is_in(
    tmp_path: Path, names: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    touch(tmp_path, "demo.wav")
    assert labelled(tmp_path, names)[0] == [("", "", ""), ("cat", "", ""), ("dog", "", "")]
    assert f"as with --label-level {names.split()[0].count('/') + 1}" in caplog.text


def test_a_level_with_splits_above_it(tmp_path: Path) -> None:
    found, _ = labelled(tmp_path, "train/a/cat train/b/dog test/a/cat test/b/dog", 3)
    assert found == [
        ("cat", "test", ""), ("cat", "train", ""), ("dog", "test", ""), ("dog", "train", ""),
    ]  # fmt: skip


def test_a_level_that_is_too_deep(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--label-level is 3, but no recording"):
        labelled(tmp_path, "cat/x dog/x", 3)


@pytest.mark.parametrize(
    ("folder", "split"),
    [
        ("train", "train"), ("TRAIN", "train"), ("Training Set", "train"), ("val", "valid"),
        ("dev", "valid"), ("eval_audio", "test"), ("test1", "test"), ("trains", ""),
        ("test tube", ""), ("éval", ""), ("", ""), ("data", ""),
    ],
)  # fmt: skip
def test_names_of_splits(folder: str, split: str) -> None:
    assert split_name(folder) == split
