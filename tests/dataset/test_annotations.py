from __future__ import annotations

from pathlib import Path

import pytest

from audiotl_cli.dataset.index import Clip
from audiotl_cli.dataset.layouts.annotations import annotation_files, read_annotation_files
from audiotl_cli.dataset.layouts.registry import Source
from audiotl_cli.dataset.options import IndexOptions
from audiotl_cli.errors import DataError
from audiotl_cli.inference.formats.audacity import AudacityWriter
from audiotl_cli.inference.formats.raven import RavenWriter
from audiotl_cli.left_out import LeftOutCounter
from tests.dataset.folders import table, touch
from tests.inference.texts import heard, written

RAVEN = "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)"


def source(root: Path, **options: object) -> tuple[Source, list[str]]:
    """Return what is read, and in words what is left out."""
    left_out = LeftOutCounter()
    chosen = IndexOptions(**options)  # type: ignore[arg-type]
    found = read_annotation_files(root, annotation_files(root), chosen, left_out)
    return found, [f"{group.counted}: {group.reason}" for group in left_out.found()]


def read(root: Path, **options: object) -> list[Clip]:
    return source(root, **options)[0].clips


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
    table(tmp_path, written(RavenWriter, found, band_hz=(125.0, 7500.0)), "b.wav.selections.txt")
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
         "no column that is known to hold labels.*--label-column"),
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


# --- what is left out, and what is wrong ----------------------------------------------


def test_one_bad_file_does_not_end_the_run(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav", "b.wav", "c.wav", "d.wav", "e.wav")
    table(tmp_path, "1\t2\towl\n", "a.txt")
    table(tmp_path, "5\t3\towl\n", "b.txt")
    table(tmp_path, f"{RAVEN}\n1\tS 1\t1\t1\t2\t0\t9\n", "c.selections.txt")
    table(tmp_path, f"{RAVEN}\n", "d.selections.txt")
    table(tmp_path, "1\t2\towl\n", "other.txt")
    (tmp_path / "e.txt").write_bytes("1\t2\tM\u00f6we\n".encode() + b"2\t3\tM\xf6we\n")
    found, left_out = source(tmp_path)
    assert found.clips == [Clip("a.wav", "owl", start_s=1, end_s=2)]
    reasons = {Path(path).name: reason for path, reason in found.failures.items()}
    assert sorted(reasons) == ["b.txt", "c.selections.txt", "e.txt", "other.txt"]
    assert "line 1: a selection from 5.0 s to 3.0 s has no length" in reasons["b.txt"]
    assert "no column that is known to hold labels" in reasons["c.selections.txt"]
    assert "line 2, byte 6 (0xF6) is not UTF-8" in reasons["e.txt"]
    assert "is about no recording" in reasons["other.txt"]
    assert left_out == [
        "4 .wav files: no annotation is about it",
        "1 .txt file: holds no annotations",
    ]


def test_points_are_counted_or_get_a_width(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav")
    table(tmp_path, "1\t2\towl\n5\t5\tpulse\n0.1\t0.1\tpulse\n", "a.txt")
    found, left_out = source(tmp_path)
    assert found.clips == [Clip("a.wav", "owl", start_s=1, end_s=2)]
    assert left_out == [
        "2 annotations: begins where it ends (--point-width-s makes clips of such marks)"
    ]
    assert [(clip.start_s, clip.end_s) for clip in read(tmp_path, point_width_s=0.5)] == [
        (0, 0.5),
        (1, 2),
        (4.75, 5.25),
    ]


def test_only_points_say_what_to_do(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav")
    table(tmp_path, "5\t5\tpulse\n", "a.txt")
    with pytest.raises(DataError, match=r"holds no annotations.*1 annotation: .*--point-width-s"):
        read(tmp_path)


def test_selections_of_one_number_are_views_only_if_they_are_equal(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav")
    rows = [("Waveform 1", 2, 3), ("Spectrogram 1", 2, 3), ("Spectrogram 1", 7, 8)]
    text = "".join(f"1\t{view}\t1\t{a}\t{b}\t0\t9\towl\n" for view, a, b in rows)
    table(tmp_path, f"{RAVEN}\tSpecies\n{text}", "a.Table.1.selections.txt")
    found, left_out = source(tmp_path)
    assert [(clip.start_s, clip.end_s) for clip in found.clips] == [(2, 3), (7, 8)]
    assert left_out == ["1 row: repeats another annotation"]


def test_empty_labels_are_reported(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav")
    table(tmp_path, f"{RAVEN}\tSpecies\n1\tS 1\t1\t5\t8\t1\t2\t\n", "a.txt")
    found, _ = source(tmp_path)
    assert found.clips == [Clip("a.wav", "", start_s=5, end_s=8)]
    assert found.warnings == [
        f"1 annotation has no label, such as {tmp_path}/a.txt, line 2; their clips have none either"
    ]


def test_a_label_track_beside_one_recording(tmp_path: Path) -> None:
    touch(tmp_path, "x/night.wav", "y/1.wav", "y/2.wav")
    table(tmp_path / "x", "1\t2\towl\n", "Label Track.txt")
    table(tmp_path / "y", "1\t2\towl\n", "Label Track.txt")
    found, _ = source(tmp_path)
    assert found.clips == [Clip("x/night.wav", "owl", start_s=1, end_s=2)]
    assert list(found.failures) == [str(tmp_path / "y/Label Track.txt")]
    table(tmp_path / "y", "1\t2\tfox\n", "2.txt")
    found, _ = source(tmp_path)
    assert [clip.path for clip in found.clips] == ["x/night.wav", "y/1.wav", "y/2.wav"]


def test_results_of_birdnet_beside_recordings(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav")
    header = "Start (s),End (s),Scientific name,Common name,Confidence"
    table(tmp_path, f"{header}\n0,3,Strix,owl,0.9\n3,6,Vulpes,fox,0.8\n", "a.BirdNET.results.csv")
    table(tmp_path, "start,end,label\n1,2,x\n", "others.csv")
    with pytest.raises(DataError, match=r"can hold the label.*--label-column 'Common name'"):
        read(tmp_path)
    assert read(tmp_path, label_column="common name") == [
        Clip("a.wav", "owl", start_s=0, end_s=3),
        Clip("a.wav", "fox", start_s=3, end_s=6),
    ]


def test_rows_about_recordings_that_are_not_there(tmp_path: Path) -> None:
    touch(tmp_path, "s1/rec.wav", "s2/rec.wav", "s2/b.wav")
    head = f"{RAVEN}\tBegin File\tSpecies\n"
    rows = "".join(f"1\tS\t1\t5\t8\t1\t2\t{name}.wav\towl\n" for name in ("rec", "b", "no"))
    table(tmp_path, head + rows, "all.txt")
    found, _ = source(tmp_path)
    assert [clip.path for clip in found.clips] == ["s2/b.wav"]
    (reason,) = found.failures.values()
    assert "rec.wav, which fits several recordings: s1/rec.wav, s2/rec.wav" in reason
    assert reason.endswith("in 2 of 3 rows")


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16"])
def test_annotations_in_other_encodings(tmp_path: Path, encoding: str) -> None:
    touch(tmp_path, "a.wav")
    (tmp_path / "a.txt").write_bytes("1,5\t2,25\tM\u00f6we\r\n".encode(encoding))
    assert read(tmp_path) == [Clip("a.wav", "M\u00f6we", start_s=1.5, end_s=2.25)]


def test_verdicts_of_a_reviewer_are_no_annotations(tmp_path: Path) -> None:
    (tmp_path / "night.wav").touch()
    (tmp_path / "night.csv").write_text("path,start_s,end_s,label\nnight.wav,0,1,owl\n")
    (tmp_path / "night.verdicts.csv").write_text(
        "path,start_s,end_s,label,verdict\nnight.wav,4,5,owl,wrong\n"
    )

    assert [(clip.start_s, clip.label) for clip in read(tmp_path)] == [(0.0, "owl")]
