from __future__ import annotations

from pathlib import Path

import pytest

from audiotl_cli.dataset.index import Clip
from audiotl_cli.dataset.layouts.filename import FILE_NAME_LABEL
from audiotl_cli.dataset.layouts.folder import clips_from_folder
from audiotl_cli.dataset.path_patterns import Pattern, search_paths
from audiotl_cli.errors import DataError, UsageError
from tests.dataset.folders import touch

# --- folders -------------------------------------------------------------------------


def test_first_folder_is_the_label(tmp_path: Path) -> None:
    touch(tmp_path, "dog/a.wav", "dog/puppy/b.flac", "cat/c.ogg", "d.mp3", "dog/notes.txt")
    assert clips_from_folder(tmp_path, labelled=True) == [
        Clip("cat/c.ogg", label="cat"),
        Clip("d.mp3"),
        Clip("dog/a.wav", label="dog"),
        Clip("dog/puppy/b.flac", label="dog"),
    ]


def test_folders_called_like_splits_are_splits(tmp_path: Path) -> None:
    touch(tmp_path, "Train/dog/a.wav", "val/dog/b.wav", "testing/cat/deep/c.wav", "eval/d.wav")
    assert clips_from_folder(tmp_path, labelled=True) == [
        Clip("Train/dog/a.wav", label="dog", split="train"),
        Clip("eval/d.wav", label="", split="test"),
        Clip("testing/cat/deep/c.wav", label="cat", split="test"),
        Clip("val/dog/b.wav", label="dog", split="valid"),
    ]


def test_a_label_called_test_among_others_is_a_label(tmp_path: Path) -> None:
    touch(tmp_path, "test/a.wav", "dog/b.wav")
    clips = clips_from_folder(tmp_path, labelled=True)
    assert [(clip.label, clip.split) for clip in clips] == [("dog", ""), ("test", "")]


def test_without_labels_only_paths_are_taken(tmp_path: Path) -> None:
    touch(tmp_path, "train/dog/a.wav")
    assert clips_from_folder(tmp_path, labelled=False) == [Clip("train/dog/a.wav")]


def test_folder_without_recordings(tmp_path: Path) -> None:
    touch(tmp_path, "a.txt")
    with pytest.raises(DataError, match="holds no recordings"):
        clips_from_folder(tmp_path, labelled=True)
    with pytest.raises(DataError, match="no such folder"):
        clips_from_folder(tmp_path / "no", labelled=True)
    with pytest.raises(DataError, match="no such folder"):
        clips_from_folder(tmp_path / "a.txt", labelled=True)


# --- expressions ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("dog.wav", "dog"),
        ("dog1.wav", "dog"),
        ("dog-01.wav", "dog"),
        ("dog_01.wav", "dog"),
        ("dog 3.wav", "dog"),
        ("x/y/dog.02.flac", "dog"),
        ("dog-12-outside.wav", "dog"),
        ("123.wav", ""),
    ],
)
def test_label_in_a_file_name(path: str, label: str) -> None:
    clips = [Clip(path), Clip("other.wav")]
    pattern = Pattern("--labels-from filename", FILE_NAME_LABEL)
    assert [clip.label for clip in search_paths(clips, "label", pattern)] == [label, "other"]


def test_first_group_is_searched_in_the_whole_path() -> None:
    clips = [Clip("s1/yes_anna_3.wav"), Clip("s2/no_ben_4.wav", group="kept"), Clip("odd.wav")]
    labelled = search_paths(clips, "label", Pattern("--label-regex", r"/([a-z]+)_"))
    assert [clip.label for clip in labelled] == ["yes", "no", ""]
    grouped = search_paths(clips, "group", Pattern("--group-regex", r"_(anna)_"))
    assert [clip.group for clip in grouped] == ["anna", "kept", ""]
    folded = search_paths(clips, "fold", Pattern("--fold-regex", r"^s(\d)"))
    assert [clip.fold for clip in folded] == ["1", "2", ""]


def test_group_that_took_no_part_in_the_match_fills_nothing() -> None:
    found = search_paths([Clip("a.wav", label="old")], "label", Pattern("--label-regex", "(x)?a"))
    assert found == [Clip("a.wav", label="old")]


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("(", r"--label-regex '\(' is not valid: missing \)"),
        ("abc", "--label-regex 'abc' has no group"),
        ("(z)", r"--label-regex '\(z\)' matches no path, for example 'a.wav'"),
    ],
)
def test_expressions_that_do_not_work(expression: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        search_paths([Clip("a.wav")], "label", Pattern("--label-regex", expression))
