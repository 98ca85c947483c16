from __future__ import annotations

from pathlib import Path

import pytest

from audiotl_cli.dataset.index import Clip
from audiotl_cli.dataset.layouts.annotations import annotation_files, clips_from_annotations
from audiotl_cli.errors import DataError
from audiotl_cli.inference.formats.audacity import AudacityWriter
from audiotl_cli.inference.formats.raven import RavenWriter
from tests.dataset.folders import table, touch
from tests.inference.texts import heard, written

RAVEN = "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)"


def read(root: Path, *, label_column: str | None = None) -> list[Clip]:
    return clips_from_annotations(root, annotation_files(root), label_column)


def test_label_tracks_of_audacity_beside_recordings(tmp_path: Path) -> None:
    touch(tmp_path, "a/night.wav", "a/night 2.flac", "b/night.wav")
    table(
        tmp_path / "a", "1.5\t2.25\towl\n\\\t100\t200\n1.5\t2.25\tfox\n3\t3\tpoint\n", "night.txt"
    )
    table(tmp_path / "a", "0,5\t1,5\tfox\n7\t8\n", "night 2.flac.labels.txt")
    table(tmp_path / "b", "Notes of the night\n", "night.txt")
    assert read(tmp_path) == [
        Clip("a/night 2.flac", "fox", start_s=0.5, end_s=1.5),
        Clip("a/night 2.flac", "", start_s=7, end_s=8),
        Clip("a/night.wav", "owl;fox", start_s=1.5, end_s=2.25),
    ]


def test_selections_of_raven_have_a_row_for_every_view(tmp_path: Path) -> None:
    touch(tmp_path, "night.wav")
    rows = "\n1\tWaveform 1\t1\t2.0\t3.5\t0\t9\towl\n1\tSpectrogram 1\t1\t2.0\t3.5\t0\t9\towl\n"
    table(tmp_path, f"{RAVEN}\tSpecies{rows}", "night.Table.1.selections.txt")
    assert read(tmp_path) == [Clip("night.wav", "owl", start_s=2.0, end_s=3.5)]


def test_one_table_of_raven_about_several_recordings(tmp_path: Path) -> None:
    touch(tmp_path, "x/one.wav", "x/two.wav")
    table(
        tmp_path,
        f"{RAVEN}\tBegin Path\tFile Offset (s)\tcall\n"
        "1\tS 1\t1\t2\t3\t0\t9\tD:\\sounds\\one.wav\t2\tA\n"
        "2\tS 1\t1\t62\t64\t0\t9\tD:\\sounds\\two.wav\t2\tB\n",
        "all.txt",
    )
    assert read(tmp_path, label_column="call") == [
        Clip("x/one.wav", "A", start_s=2, end_s=3),
        Clip("x/two.wav", "B", start_s=2, end_s=4),
    ]


def test_what_predict_writes_can_be_indexed(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav", "b.wav")
    found = heard([{"start_s": 1.0, "end_s": 2.0, "label": "owl", "score": 0.9}])
    table(tmp_path, written(AudacityWriter, found), "a.wav.labels.txt")
    table(tmp_path, written(RavenWriter, found, highest_hz=8000.0), "b.wav.selections.txt")
    assert read(tmp_path) == [
        Clip("a.wav", "owl", start_s=1, end_s=2),
        Clip("b.wav", "owl", start_s=1, end_s=2),
    ]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("other.txt", "1\t2\tx\n", "other.txt is about no recording in its folder"),
        ("a.txt", "1\t2\tx\nlast words\n", "a.txt, line 2 is 'last words', expected start, end"),
        ("a.txt", f"{RAVEN}\tQ\n1\tS\t1\t1\t2\t0\t9\tx\n",
         r"expected one of Label.*--label-column"),
        ("a.txt", f"{RAVEN}\tLabel\n1\tS\t1\t2\t1\t0\t9\tx\n",
         "a.txt, line 2: a selection from 2.0"),
        ("a.txt", f"{RAVEN}\tLabel\n1\tS\t1\tx\t1\t0\t9\tx\n", "is 'x', expected a number"),
        ("a.txt", f"{RAVEN}\tLabel\tBegin File\n1\tS\t1\t1\t2\t0\t9\tx\tno.wav\n",
         "is about no.wav, which is not below"),
        ("a.txt", "1\t2\tx\n3\tinf\ty\n", "a.txt, line 2 is"),
        ("a.txt", "hello\n", "holds no annotations"),
    ],
)  # fmt: skip
def test_annotations_that_do_not_work(tmp_path: Path, name: str, text: str, message: str) -> None:
    touch(tmp_path, "a.wav")
    table(tmp_path, text, name)
    with pytest.raises(DataError, match=message):
        read(tmp_path)


def test_two_recordings_of_one_stem_need_the_whole_name(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav", "a.flac")
    table(tmp_path, "1\t2\tx\n", "a.txt")
    with pytest.raises(DataError, match="is about several recordings"):
        read(tmp_path)
    (tmp_path / "a.txt").rename(tmp_path / "a.flac.txt")
    assert read(tmp_path) == [Clip("a.flac", "x", start_s=1, end_s=2)]
