from __future__ import annotations

import csv
import io
import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiotl_cli.audio.types import AudioSource
from audiotl_cli.dataset.index import Clip, Index, clip_labels
from audiotl_cli.errors import DataError

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
cells = texts.map(str.strip)
names = texts | st.binary(max_size=12).map(lambda name: os.fsdecode(name.replace(b"\0", b"")))
seconds = st.none() | st.floats(0, 1e6)


@st.composite
def clips(draw: st.DrawFn) -> Clip:
    start_s = draw(seconds)
    end_s = draw(st.none() | st.floats(1e-6, 1e6).map(lambda length: (start_s or 0) + length))
    if end_s is not None and end_s <= (start_s or 0):
        end_s = None
    return Clip(
        path=draw(names.filter(bool)),
        label=draw(cells),
        split=draw(st.sampled_from(["", "train", "valid", "test"])),
        fold=draw(cells),
        group=draw(cells),
        start_s=start_s,
        end_s=end_s,
        duration_s=draw(seconds),
        sample_rate=draw(st.none() | st.integers(1, 768_000)),
        channels=draw(st.none() | st.integers(1, 64)),
        sha256=draw(st.sampled_from(["", "ab" * 32])),
        problems=draw(st.sampled_from(["", "silent", "empty;duplicate"])),
    )


@settings(max_examples=80, deadline=None)
@given(rows=st.lists(clips(), min_size=1, max_size=5))
def test_round_trip(rows: list[Clip]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "data.csv")
        written = Index(rows, Path(folder, "audio")).write(path)
        found = Index.read(path)
        again = found.write(Path(folder, "again.csv"))
        assert path.read_bytes() == Path(folder, "again.csv").read_bytes()
    assert list(found.clips) == rows
    assert found.audio_root == Path(os.path.realpath(folder), "audio")
    assert written.sha256() == found.sha256() == again.sha256()


@pytest.mark.parametrize(
    "name",
    [
        "line\nbreak.wav",
        "carriage\rreturn.wav",
        "both\r\n.wav",
        'comma,"quoted".wav',
        "🐦.wav",
        "Cafe\u0301.wav",
        "-rf.wav",
        "#1.wav",
        "=1+1.wav",
        " space .wav",
        "[red]x[link=y].wav",
        os.fsdecode(b"\xff\xfe.wav"),
    ],
)
def test_odd_names_lead_to_their_files(tmp_path: Path, name: str) -> None:
    (tmp_path / "audio").mkdir()
    (tmp_path / "audio" / name).write_bytes(b"x")
    Index([Clip(name, label="a")], tmp_path / "audio").write(tmp_path / "data.csv")
    index = Index.read(tmp_path / "data.csv")
    assert index.clips[0].path == name
    assert index.source(index.clips[0]).path.read_bytes() == b"x"


def test_file_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [
        Clip("a, b.wav", "dog;cat", "train", "1", "g", 0.5, 12345.678901, 2.0, 44100, 2, "ff", ""),
        Clip("c.wav"),
    ]
    Index(rows, Path("sounds")).write("data/index/x.csv")
    assert Path("data/index/x.csv").read_text(encoding="utf-8").splitlines() == [
        "# audio_root: ../../sounds",
        "path,label,split,fold,group,start_s,end_s,duration_s,sample_rate,channels,sha256,problems",
        '"a, b.wav",dog;cat,train,1,g,0.5,12345.678901,2,44100,2,ff,',
        "c.wav,,,,,,,,,,,",
    ]


def test_root_within_the_project_moves_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "old").mkdir()
    monkeypatch.chdir(tmp_path / "old")
    Index([Clip("x.wav")], Path("sounds")).write("index/x.csv")
    (tmp_path / "old").rename(tmp_path / "new")
    assert Index.read(tmp_path / "new/index/x.csv").audio_root == tmp_path / "new/sounds"


def test_root_outside_the_project_is_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    Index([Clip("x.wav")], Path("../sounds")).write("x.csv")
    first = Path("x.csv").read_text(encoding="utf-8").splitlines()[0]
    assert first == f"# audio_root: {tmp_path / 'sounds'}"
    assert Index.read("x.csv").audio_root == tmp_path / "sounds"


@pytest.mark.parametrize(
    ("first", "root"),
    [
        ("", "."),
        ("# audio_root: sounds\n", "sounds"),
        ("# audio_root:sounds\n", "sounds"),
        ("# audio_root:   with space  \r\n", "with space"),
        ("# audio_root: ../../up\n", "../../up"),
        ("# made by hand\n", "."),
    ],
)
def test_root_is_relative_to_the_index(tmp_path: Path, first: str, root: str) -> None:
    path = tmp_path / "a" / "b" / "x.csv"
    path.parent.mkdir(parents=True)
    path.write_text(first + "path\nx.wav\n", encoding="utf-8", newline="")
    index = Index.read(path)
    assert index.audio_root == Path(os.path.normpath(path.parent / root))
    assert index.path == path


def test_written_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(b"\xef\xbb\xbflabel,path,notes\r\n dog ,a.wav,nice\r\n\r\n,b.wav,\r\n")
    assert list(Index.read(path).clips) == [Clip("a.wav", label="dog"), Clip("b.wav")]


def test_short_rows_leave_the_rest_empty(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("path,label,split\na.wav\nb.wav,dog\n", encoding="utf-8")
    assert list(Index.read(path).clips) == [Clip("a.wav"), Clip("b.wav", label="dog")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "x.csv: its header is empty; expected at least a column 'path'"),
        ("file,label\na,b\n", "x.csv: its header is file,label; expected at least a column 'p"),
        ("path,label\n", "x.csv lists no clips"),
        ("# audio_root: a\npath\n", "x.csv lists no clips"),
        ("path\na\nb,c\n", "x.csv, line 3: more cells than the header has columns"),
        ("# c\npath\na\nb,c\n", "x.csv, line 4: more cells than the header has columns"),
        ("path,label\na,b\n,c\n", "x.csv, line 3: the path is empty"),
        ("path,start_s\na,soon\n", "x.csv, line 2: start_s is 'soon', expected a number"),
        ("path,end_s\na,nan\n", "x.csv, line 2: end_s is 'nan', expected a finite number"),
        ("path,start_s\na,inf\n", "x.csv, line 2: start_s is 'inf', expected a finite number"),
        ("path,channels\na,2.5\n", "x.csv, line 2: channels is '2.5', expected a number"),
        ("path,start_s,end_s\na,2,2\n", "x.csv, line 2: a clip from 2.0 s to 2.0 s has no leng"),
        ("path,start_s\na,-1\n", "x.csv, line 2: a clip from -1.0 s to None s has no length"),
        ('path,label\na,b\n"c', "x.csv, line 3: unexpected end of data"),
        ('path,"label', "x.csv, line 1: unexpected end of data"),
        ("path\na\0b\n", "x.csv is not a CSV file: it holds binary data"),
    ],
)
def test_errors_name_file_and_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        Index.read(path)
    assert str(caught.value).startswith(f"{tmp_path}/{message}")


def test_missing_index(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no\.csv: no such index; make one with: audiotl index"):
        Index.read(tmp_path / "no.csv")
    with pytest.raises(DataError, match="cannot be read"):
        Index.read(tmp_path)


@given(st.binary(max_size=200))
def test_any_bytes_are_an_index_or_a_data_error(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x.csv")
        path.write_bytes(b"path,label,start_s\n" + content)
        try:
            index = Index.read(path)
        except DataError as error:
            assert "x.csv" in str(error)  # noqa: PT017
        else:
            assert all(clip.path for clip in index.clips)


def test_nothing_half_written_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.csv"
    Index([Clip("a.wav")], tmp_path).write(path)
    before = path.read_bytes()

    def fail(self: Path, target: Path) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        Index([Clip("b.wav")], tmp_path).write(path)
    assert path.read_bytes() == before


def test_labels_and_counts() -> None:
    index = Index(
        [Clip("1", "dog; cat", "test"), Clip("2", "ant", "train"), Clip("3", "", "train")], Path()
    )
    assert index.labels() == ["ant", "cat", "dog"]
    assert index.counts("split") == {"test": 1, "train": 2}
    assert index.counts("fold") == {}
    assert clip_labels(Clip("x", " a ;; b;")) == ["a", "b"]
    assert clip_labels(Clip("x")) == []


def test_source_has_the_bounds() -> None:
    index = Index([Clip("a/b.wav", start_s=1.5, end_s=2.5)], Path("/root"))
    assert index.source(index.clips[0]) == AudioSource(Path("/root/a/b.wav"), 1.5, 2.5)


def test_sha256_covers_every_row_and_not_the_place() -> None:
    index = Index([Clip("a", "x"), Clip("b", "y")], Path("one"), Path("one.csv"))
    assert replace(index, audio_root=Path("two"), path=None).sha256() == index.sha256()
    others = [
        [Clip("b", "y"), Clip("a", "x")],
        [Clip("a", "x")],
        [Clip("a", "x"), Clip("b", "z")],
        [Clip("a", "x"), Clip("b", "y", start_s=0.0)],
    ]
    assert index.sha256() not in {replace(index, clips=clips).sha256() for clips in others}


# --- as spreadsheets save them --------------------------------------------------------


def resaved(text: str, delimiter: str, *, quote_all: bool = False) -> bytes:
    """Return what a spreadsheet saves: rows filled up, line ends of Windows, a BOM."""
    rows = list(csv.reader(text.splitlines()))
    width = max(map(len, rows))
    out = io.StringIO()
    quoting: Literal[0, 1] = csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\r\n", quoting=quoting)
    writer.writerows([*(row + [""] * (width - len(row)) for row in rows), [""] * width])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


@pytest.mark.parametrize("quote_all", [False, True])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("root", ["sounds", "a folder, with; all", "x"])
def test_a_spreadsheet_changes_nothing(
    tmp_path: Path, root: str, delimiter: str, quote_all: bool
) -> None:
    clips = [Clip("a.wav", "dog;cat", "train", start_s=0.5, end_s=2.0), Clip("b, c.wav", "owl")]
    path = tmp_path / "x.csv"
    written = Index(clips, tmp_path / root).write(path)
    path.write_bytes(resaved(path.read_text(), delimiter, quote_all=quote_all))

    found = Index.read(path)

    assert list(found.clips) == clips
    assert found.audio_root == written.audio_root


def test_a_comment_keeps_its_own_commas(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("# audio_root: a,b,\npath,label\nx.wav,dog\n")
    assert Index.read(path).audio_root == tmp_path / "a,b,"


def test_lines_are_counted_with_several_comments(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("# mine\n# audio_root: s\npath;start_s\nx.wav;soon\n")
    with pytest.raises(DataError, match="line 4: start_s is 'soon'"):
        Index.read(path)
