from __future__ import annotations

import csv
import io
import os
import tempfile
from collections.abc import Callable
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
        os.fsdecode(b"\\\xff\\udcff.wav"),
        "\\\\udcff.wav",
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
        "path,label,split,fold,group,start_s,end_s,duration_s,sample_rate,channels,sha256,problems,"
        "audio_root",
        '"a, b.wav",dog;cat,train,1,g,0.5,12345.678901,2,44100,2,ff,,../../sounds',
        "c.wav,,,,,,,,,,,,../../sounds",
    ]


def test_pandas_reads_an_index_without_arguments(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    name = os.fsdecode(b"\xff\xfe.wav")
    rows = [Clip("a, b.wav", "None", "train", start_s=0.5, sample_rate=8000), Clip(name)]
    Index(rows, tmp_path / "sounds").write(tmp_path / "x.csv")

    frame = pandas.read_csv(tmp_path / "x.csv")

    assert list(frame.columns[:2]) == ["path", "label"]
    assert (len(frame), frame["start_s"][0]) == (2, 0.5)
    pandas.read_csv(tmp_path / "x.csv", dtype=str, keep_default_na=False)
    frame.to_csv(tmp_path / "y.csv")  # with a column of row numbers, and counts as floats
    found = Index.read(tmp_path / "y.csv")
    assert (found.clips[0].path, found.clips[0].sample_rate) == ("a, b.wav", 8000)
    assert found.clips[1].path == name
    assert found.audio_root == tmp_path / "sounds"


def test_rows_agree_on_the_audio_root(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("path,audio_root\na.wav,one\nb.wav,\nc.wav,one\n")
    assert Index.read(path).audio_root == tmp_path / "one"
    path.write_text("path,audio_root\na.wav,one\nb.wav,\nc.wav,two\n")
    with pytest.raises(DataError, match=r"line 4: audio_root is 'two', but 'one' in line 2"):
        Index.read(path)


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text.encode("utf-8-sig"),
        lambda text: text.encode("cp1252"),
        lambda text: text.encode("utf-16"),
        lambda text: text.encode("utf-16-le"),
        lambda text: text.encode("utf-16-be"),
        lambda text: b"sep=;\r\n" + text.encode("cp1252"),
    ],
    ids=["utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be", "sep="],
)
def test_an_index_saved_by_a_german_spreadsheet(
    tmp_path: Path, encode: Callable[[str], bytes]
) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(
        encode(
            "path;label;start_s;end_s;duration_s;sample_rate;audio_root\r\n"
            "Grünfink.wav;Grünfink;5,125;8,25;3,125;44100;Töne\r\n;;;;;;\r\n"
        )
    )
    found = Index.read(path)
    assert list(found.clips) == [
        Clip(
            "Grünfink.wav",
            "Grünfink",
            start_s=5.125,
            end_s=8.25,
            duration_s=3.125,
            sample_rate=44100,
        )
    ]
    assert found.audio_root == tmp_path / "Töne"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "path\nGrünfink.wav\n".encode() + "Möwe.wav".encode("cp1252"),
            "x.csv, line 3, byte 2 (0xF6) is not UTF-8, but line 2 is: two encodings are mixed",
        ),
        (
            b"path\n\xe7\xe2\xf3\xea.wav",
            "x.csv, line 2, byte 1 (0xE7) is neither UTF-8 nor Windows-1252",
        ),
        (
            "path,label\na.wav,Grünfink".encode("mac-roman"),
            "x.csv, line 2, byte 9 (0x9F) is neither UTF-8 nor Windows-1252",
        ),
        ("path\nGrünfink.wav".encode("utf-16")[:-1], "x.csv, line 2: the text after it is damaged"),
        (b"PK\x03\x04 xl", "x.csv is a workbook or an archive, not a table as text"),
    ],
    ids=["mixed", "cp1251", "mac-roman", "cut", "xlsx"],
)
def test_text_that_cannot_be_decoded_is_refused(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        Index.read(path)
    assert str(caught.value).startswith(f"{tmp_path}/{message}")


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
    first = Path("x.csv").read_text(encoding="utf-8").splitlines()[1]
    assert first == f"x.wav{',' * 12}{tmp_path / 'sounds'}"
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
        ("path,start_s\na,inf\n", "x.csv, line 2: start_s is 'inf', expected a number"),
        ('path,start_s\na,"1,234"', "x.csv, line 2: start_s is '1,234', which can mean 1.234 or"),
        ("path;start_s\na;1.234,5", "x.csv, line 2: start_s is '1.234,5', expected a number"),
        ("path,channels\na,2.5\n", "x.csv, line 2: channels is '2.5', expected a whole number"),
        ("path,label,label\na,b,c\n", "x.csv has several columns 'label'; expected one"),
        ("path,start_s,end_s\na,2,2\n", "x.csv, line 2: a clip from 2.0 s to 2.0 s has no leng"),
        ("path,start_s\na,-1\n", "x.csv, line 2: a clip starts at -1.0 s, before the recording"),
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
