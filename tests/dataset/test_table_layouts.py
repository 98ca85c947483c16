from __future__ import annotations

import sys
from pathlib import Path

import pytest

from audiotl_cli.dataset.columns import column_by_path
from audiotl_cli.dataset.finder import Finder
from audiotl_cli.dataset.index import Clip, Index
from audiotl_cli.dataset.layouts.audiofolder import audiofolder_tables, read_audiofolder
from audiotl_cli.dataset.layouts.table import read_table
from audiotl_cli.dataset.options import IndexOptions
from audiotl_cli.errors import DataError, UsageError
from audiotl_cli.left_out import LeftOutCounter
from tests.dataset.folders import table, touch


def clips_from_table(path: Path, root: Path, **options: str) -> list[Clip]:
    return read_table(path, Finder(root), IndexOptions(**options), LeftOutCounter()).clips  # type: ignore[arg-type]


def clips_from_audiofolder(root: Path, tables: list[Path]) -> list[Clip]:
    return read_audiofolder(root, tables, IndexOptions(), LeftOutCounter()).clips


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
        ("", r"meta.csv has the columns \(none\); expected one with the paths"),
        ("name,label\na,b\n", "meta.csv has the columns name, label; expected one with the paths"),
        ("path,label\n", "meta.csv lists no recordings"),
        ("path,label\na.wav,x\n,y\n", "meta.csv, line 3: the path is empty"),
        ("# c\npath,start_s\na.wav,x\n", "meta.csv, line 3: start_s is 'x', expected a number"),
        ("path,end_s\na.wav,inf\n", "meta.csv, line 2: end_s is 'inf', expected a number of sec"),
        ("path,start_s,end_s\na.wav,3,2\n", "meta.csv, line 2: a clip from 3.0 s to 2.0 s ends"),
        ("path,start_s\na.wav,-1\n", "meta.csv, line 2: start_s is '-1', expected 0 or more"),
        ("path\na.wav\n" + "x" * 140_000, "meta.csv, line 3: field larger than field limit"),
    ],
)
def test_tables_that_do_not_work(tmp_path: Path, text: str, message: str) -> None:
    path = table(tmp_path, text)
    with pytest.raises(DataError, match=message):
        clips_from_table(path, tmp_path)


def test_named_column_that_is_not_there(tmp_path: Path) -> None:
    path = table(tmp_path, "path,label\na,b\n")
    with pytest.raises(DataError, match=r"expected who \(--group-column\)"):
        clips_from_table(path, tmp_path, group_column="who")
    with pytest.raises(DataError, match=r"expected part \(--fold-column\)"):
        clips_from_table(path, tmp_path, fold_column="part")


def test_missing_table(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no\.csv cannot be read \(No such file"):
        clips_from_table(tmp_path / "no.csv", tmp_path)


def test_what_a_table_gives_can_be_written_and_read(tmp_path: Path) -> None:
    path = table(tmp_path, "path,label,start_s,end_s\na.wav,dog,1000.25,1000.750001\n")
    clips = clips_from_table(path, tmp_path)
    Index(clips, tmp_path).write(tmp_path / "x.csv")
    assert list(Index.read(tmp_path / "x.csv").clips) == clips


# --- other forms and columns ---------------------------------------------------------


def test_json_lines_with_several_labels_a_clip(tmp_path: Path) -> None:
    path = table(
        tmp_path,
        '{"file_name": "a.wav", "labels": ["rain", "wind"], "speaker": 7}\n\n'
        '{"file_name": "b.wav", "labels": [], "onset": 1.5, "offset": null}\n',
        "meta.jsonl",
    )
    assert clips_from_table(path, tmp_path) == [
        Clip("a.wav", label="rain;wind", group="7"),
        Clip("b.wav", start_s=1.5),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"path": "a.wav"}\nnonsense\n', "meta.jsonl, line 2 is not JSON"),
        ('["a.wav"]\n', r"meta.jsonl, line 1 is .* expected an object a line"),
        ('{"label": "x"}\n', "has the columns label; expected one with the paths"),
        ("", r"has the columns \(none\)"),
    ],
)
def test_json_lines_that_do_not_work(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        clips_from_table(table(tmp_path, text, "meta.jsonl"), tmp_path)


def test_parquet_with_lists_and_gaps(tmp_path: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    columns = {
        "path": ["a.wav", "b.wav"],
        "audio": [{"bytes": b"RIFF", "path": None}, None],
        "category": [["rain", "wind"], None],
        "fold": pyarrow.array([1.0, None], pyarrow.float64()),
    }
    parquet.write_table(pyarrow.table(columns), tmp_path / "meta.parquet")
    assert clips_from_table(tmp_path / "meta.parquet", tmp_path) == [
        Clip("a.wav", label="rain;wind", fold="1"),
        Clip("b.wav"),
    ]


def test_damaged_parquet_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"meta\.parquet is not a Parquet file"):
        clips_from_table(table(tmp_path, "PAR1 no PAR1", "meta.parquet"), tmp_path)
    with pytest.raises(DataError, match="cannot be read"):
        clips_from_table(tmp_path / "no.parquet", tmp_path)


def test_parquet_without_pyarrow_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UsageError, match=r"pip install 'audiotl\[parquet\]'"):
        clips_from_table(table(tmp_path, "PAR1", "meta.parquet"), tmp_path)


def test_columns_are_guessed_whatever_their_case(tmp_path: Path) -> None:
    path = table(tmp_path, "Recording,Species,Start,End,Subset,Site\na.wav,owl,1,2,Dev,north\n")
    assert clips_from_table(path, tmp_path) == [Clip("a.wav", "owl", "valid", "", "north", 1, 2)]


def test_named_columns_of_paths_labels_and_splits(tmp_path: Path) -> None:
    path = table(tmp_path, "path,label,x,y,z\nno.wav,no,a.wav,yes,test\n")
    columns = {"path_column": "x", "label_column": "y", "split_column": "z"}
    assert clips_from_table(path, tmp_path, **columns) == [Clip("a.wav", "yes", "test")]
    with pytest.raises(DataError, match=r"expected q \(--label-column\)"):
        clips_from_table(path, tmp_path, label_column="q")
    assert column_by_path(path, tmp_path, "z", {}) == {"no.wav": "test"}
    with pytest.raises(DataError, match="expected 'when'"):
        column_by_path(path, tmp_path, "when", {})


# --- audiofolder ---------------------------------------------------------------------


def test_audiofolder_with_one_table_and_folders_as_splits(tmp_path: Path) -> None:
    touch(tmp_path, "train/1.wav", "test/1.wav")
    table(tmp_path, "file_name,label\ntrain/1.wav,a\ntest/1.wav,b\n", "metadata.csv")
    tables = audiofolder_tables(tmp_path)
    assert tables == [tmp_path / "metadata.csv"]
    assert clips_from_audiofolder(tmp_path, tables) == [
        Clip("train/1.wav", "a", "train"),
        Clip("test/1.wav", "b", "test"),
    ]


def test_audiofolder_with_a_table_a_split(tmp_path: Path) -> None:
    touch(tmp_path, "train/x/1.wav", "validation/1.wav", "other/2.wav")
    table(tmp_path / "train", '{"file_name": "x/1.wav", "label": "a"}\n', "metadata.jsonl")
    table(tmp_path / "validation", "file_name,label\n1.wav,b\n", "metadata.csv")
    table(tmp_path / "other", "file_name,label\n2.wav,b\n", "metadata.csv")
    assert clips_from_audiofolder(tmp_path, audiofolder_tables(tmp_path)) == [
        Clip("train/x/1.wav", "a", "train"),
        Clip("validation/1.wav", "b", "valid"),
    ]


def test_labels_called_like_splits_stay_labels_where_not_all_are(tmp_path: Path) -> None:
    touch(tmp_path, "test/1.wav", "dog/1.wav")
    path = table(tmp_path, "file_name,label\ntest/1.wav,a\ndog/1.wav,b\n", "metadata.csv")
    assert {clip.split for clip in clips_from_audiofolder(tmp_path, [path])} == {""}


def test_other_tables_called_metadata_are_not_audiofolders(tmp_path: Path) -> None:
    table(tmp_path, "key,value\nmade,today\n", "metadata.csv")
    assert audiofolder_tables(tmp_path) == []
    assert audiofolder_tables(tmp_path / "nothing") == []
