from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from audiotl_cli.dataset.build import (
    FILE_NAME_LABEL,
    Pattern,
    assign_folds,
    assign_splits,
    clips_from_folder,
    clips_from_table,
    search_paths,
)
from audiotl_cli.dataset.index import Clip, Index
from audiotl_cli.errors import DataError, UsageError


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def table(folder: Path, text: str, name: str = "meta.csv") -> Path:
    (folder / name).write_bytes(text.encode())
    return folder / name


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


# --- tables --------------------------------------------------------------------------


def test_esc50_style_table(tmp_path: Path) -> None:
    touch(tmp_path, "audio/1-100032-A-0.wav", "audio/1-100038-A-14.wav")
    path = table(
        tmp_path,
        "filename,fold,target,category,esc10,src_file,take\r\n"
        "1-100032-A-0.wav,1,0,dog,True,100032,A\r\n"
        "1-100038-A-14.wav,2,14,chirping_birds,False,100038,A\r\n",
    )
    assert clips_from_table(path, tmp_path, group_column="src_file") == [
        Clip("audio/1-100032-A-0.wav", label="dog", fold="1", group="100032"),
        Clip("audio/1-100038-A-14.wav", label="chirping_birds", fold="2", group="100038"),
    ]


def test_tab_separated_table_with_every_column(tmp_path: Path) -> None:
    path = table(
        tmp_path,
        "\ufefffile_name\tspecies\tsplit\tfold\tgroup\tstart_s\tend_s\tremark\n"
        "a.wav\towl, barn\tvalidation\t3\tsite 1\t0.5\t2\tx,y,z,1,2,3,4,5,6\n"
        "b.wav\tfox\tTEST\t\t\t\t\t\n",
        "meta.tsv",
    )
    assert clips_from_table(path, tmp_path) == [
        Clip("a.wav", "owl, barn", "valid", "3", "site 1", 0.5, 2.0),
        Clip("b.wav", "fox", "test"),
    ]


def test_semicolons_separate_too(tmp_path: Path) -> None:
    path = table(tmp_path, '"# mine; all";;\r\npath;label;group\r\na.wav;"x;y";1,5\r\n;;\r\n')
    assert clips_from_table(path, tmp_path) == [Clip("a.wav", label="x;y", group="1,5")]


def test_named_columns_replace_the_usual_ones(tmp_path: Path) -> None:
    path = table(tmp_path, "path,group,fold,speaker,part\na.wav,g,f,anna,7\n")
    (clip,) = clips_from_table(path, tmp_path, group_column="speaker", fold_column="part")
    assert (clip.group, clip.fold) == ("anna", "7")


def test_a_file_is_looked_for_by_name_only_where_that_is_certain(tmp_path: Path) -> None:
    touch(tmp_path, "x/one.wav", "x/two.wav", "y/two.wav", "y/here.wav")
    path = table(tmp_path, "path\none.wav\ntwo.wav\ny/here.wav\nz\\one.wav\nno.wav\n")
    assert [clip.path for clip in clips_from_table(path, tmp_path)] == [
        "x/one.wav",
        "two.wav",
        "y/here.wav",
        "x/one.wav",
        "no.wav",
    ]


def test_only_comments_before_the_header_are_left_out(tmp_path: Path) -> None:
    path = table(tmp_path, '# made by me\n# today\npath,label\n#1.wav,dog\n2.wav,"cat\n#3"\n')
    assert clips_from_table(path, tmp_path) == [
        Clip("#1.wav", label="dog"),
        Clip("2.wav", label="cat\n#3"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"meta.csv has the columns \(none\); expected one of path, file_name, filename"),
        ("name,label\na,b\n", "meta.csv has the columns name, label; expected one of path"),
        ("path,label\n", "meta.csv lists no recordings"),
        ("path,label\na.wav,x\n,y\n", "meta.csv, line 3: the path is empty"),
        ("# c\npath,start_s\na.wav,x\n", "meta.csv, line 3: 'x' is not a number of seconds"),
        ("path,end_s\na.wav,nan\n", "meta.csv, line 2: 'nan' is not a number of seconds"),
        ("path,start_s,end_s\na.wav,3,2\n", "meta.csv, line 2: a clip from 3.0 s to 2.0 s has"),
        ("path,start_s\na.wav,-1\n", "meta.csv, line 2: a clip from -1.0 s"),
        ("path\na.wav\n" + "x" * 140_000, "meta.csv, line 3: field larger than field limit"),
    ],
)
def test_tables_that_do_not_work(tmp_path: Path, text: str, message: str) -> None:
    path = table(tmp_path, text)
    with pytest.raises(DataError, match=message):
        clips_from_table(path, tmp_path)


def test_named_column_that_is_not_there(tmp_path: Path) -> None:
    path = table(tmp_path, "path,label\na,b\n")
    with pytest.raises(DataError, match=r"expected one of who \(--group-column\)"):
        clips_from_table(path, tmp_path, group_column="who")
    with pytest.raises(DataError, match=r"expected one of part \(--fold-column\)"):
        clips_from_table(path, tmp_path, fold_column="part")


def test_missing_table(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no\.csv cannot be read \(No such file"):
        clips_from_table(tmp_path / "no.csv", tmp_path)


def test_what_a_table_gives_can_be_written_and_read(tmp_path: Path) -> None:
    path = table(tmp_path, "path,label,start_s,end_s\na.wav,dog,1000.25,1000.750001\n")
    clips = clips_from_table(path, tmp_path)
    Index(clips, tmp_path).write(tmp_path / "x.csv")
    assert list(Index.read(tmp_path / "x.csv").clips) == clips


# --- splits and folds ----------------------------------------------------------------


def some_clips() -> list[Clip]:
    return [Clip(f"{label}{i}.wav", label=label) for label in "abc" for i in range(8)]


def test_splits_are_dealt_by_label() -> None:
    clips = assign_splits(some_clips(), 0.25, seed=1)
    assert Counter((clip.label, clip.split) for clip in clips) == {
        ("a", "train"): 6, ("b", "train"): 6, ("c", "train"): 6,
        ("a", "test"): 2, ("b", "test"): 2, ("c", "test"): 2,
    }  # fmt: skip
    assert [clip.path for clip in clips] == [clip.path for clip in some_clips()]
    assert assign_splits(some_clips(), 0.25, seed=1) == clips
    assert assign_splits(some_clips(), 0.25, seed=2) != clips


def test_splits_keep_groups_and_else_folds_and_else_recordings_together() -> None:
    clips = [
        replace(clip, group=f"g{i % 6}" if i < 12 else "", fold=f"f{i % 4}")
        for i, clip in enumerate(some_clips())
    ]
    parts: dict[str, set[str]] = {}
    for clip in assign_splits(clips, 0.3, seed=0):
        parts.setdefault(clip.group or clip.fold, set()).add(clip.split)
    assert len(parts) == 10
    assert all(len(splits) == 1 for splits in parts.values())

    stretches = [Clip(f"{i // 3}.wav", "a", start_s=float(i % 3)) for i in range(24)]
    of_path: dict[str, set[str]] = {}
    for clip in assign_splits(stretches, 0.25, seed=0):
        of_path.setdefault(clip.path, set()).add(clip.split)
    assert all(len(splits) == 1 for splits in of_path.values())


def test_splits_that_are_there_are_kept() -> None:
    clips = [Clip("a", split="train"), Clip("b", split="test"), Clip("c")]
    assert assign_splits(clips, 0.5, seed=0) == clips


def test_no_test_part_where_none_is_wanted() -> None:
    assert {clip.split for clip in assign_splits(some_clips(), 0, seed=0)} == {"train"}


@pytest.mark.parametrize("test_size", [-0.1, 1.0, 25])
def test_test_size_out_of_range(test_size: float) -> None:
    with pytest.raises(UsageError, match=r"--test-size is .* expected a share from 0 to below 1"):
        assign_splits(some_clips(), test_size, seed=0)


def test_folds_are_numbered_from_one_and_hold_every_label() -> None:
    clips = assign_folds([replace(clip, fold="old") for clip in some_clips()], 4, seed=0)
    expected = {(label, fold): 2 for label in "abc" for fold in "1234"}
    assert Counter((clip.label, clip.fold) for clip in clips) == expected


def test_folds_keep_groups_together() -> None:
    clips = [replace(clip, group=clip.path[1]) for clip in some_clips()]
    folds = {(clip.group, clip.fold) for clip in assign_folds(clips, 4, seed=0)}
    assert len(folds) == 8


@pytest.mark.parametrize("n_folds", [0, 1, 4])
def test_number_of_folds_out_of_range(n_folds: int) -> None:
    clips = [Clip(f"{i}.wav", "a", group=str(i % 3)) for i in range(9)]
    with pytest.raises(UsageError, match=r"--folds is .*; expected 2 to 3, the number of groups"):
        assign_folds(clips, n_folds, seed=0)
