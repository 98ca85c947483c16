from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from audiotl_cli.errors import DataError
from audiotl_cli.inference.formats import find_writers
from audiotl_cli.inference.prediction import Prediction
from audiotl_cli.review.detections import DetectionOptions, read_detections
from tests.inference.texts import heard, written

EVENTS: list[dict[str, Any]] = [
    {"start_s": 0.5, "end_s": 1.25, "label": "=owl; great", "score": 0.75},
    {"start_s": 3.0, "end_s": 4.0, "label": "rain", "score": 0.5},
]
ONE_FILE = sorted(
    name for name, kind in find_writers().items() if kind.suffix and not kind.file_each
)
FILE_EACH = sorted(name for name, kind in find_writers().items() if kind.file_each)


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("nights").mkdir()
    Path("nights/a b.wav").touch()
    Path("nights/c.wav").touch()


def save(form: str, *predictions: Prediction, to: str = "found", segments: bool = True) -> Path:
    kind = find_writers()[form]
    path = Path(to + kind.suffix)
    path.parent.mkdir(exist_ok=True)
    if kind.binary:
        pytest.importorskip("pyarrow")
        parts: list[bytes] = []
        from audiotl_cli.inference.formats.base import WriterOptions

        writer = kind(parts.append, WriterOptions(segments=segments))
        writer.begin()
        for prediction in predictions:
            writer.add(prediction)
        writer.end()
        path.write_bytes(b"".join(parts))
        return path
    path.write_text(written(kind, *predictions, segments=segments, labels=["owl"]), newline="")
    return path


@pytest.mark.parametrize("form", ONE_FILE)
def test_every_format_of_predictions_is_read_back(form: str) -> None:
    predictions = (heard(EVENTS[1:], "nights/c.wav"), heard(EVENTS, "nights/a b.wav"))

    read = read_detections([save(form, *predictions)])

    assert [(d.path, d.start_s, d.end_s, d.label, d.score) for d in read.found] == [
        ("nights/a b.wav", 0.5, 1.25, "=owl; great", 0.75),
        ("nights/a b.wav", 3.0, 4.0, "rain", 0.5),
        ("nights/c.wav", 3.0, 4.0, "rain", 0.5),
    ]
    assert [d.recording for d in read.found][1:] == [Path("nights/a b.wav"), Path("nights/c.wav")]
    assert not read.missing


@pytest.mark.parametrize("form", FILE_EACH)
@pytest.mark.parametrize("folder", ["nights", "out"])
def test_label_tracks_and_selection_tables_are_read_back_from_their_folder(
    form: str, folder: str
) -> None:
    for name in ("a b.wav", "c.wav"):
        save(form, heard(EVENTS[1:], name), to=f"{folder}/{name}")
    root = None if folder == "nights" else Path("nights")

    read = read_detections([Path(folder)], DetectionOptions(audio_root=root))

    assert [(d.recording, d.start_s, d.end_s, d.label, d.score) for d in read.found] == [
        (Path("nights/a b.wav"), 3.0, 4.0, "rain", 0.5),
        (Path("nights/c.wav"), 3.0, 4.0, "rain", 0.5),
    ]


def test_a_recording_is_looked_for_from_here_then_beside_the_file_and_below_the_audio_root() -> (
    None
):
    Path("moved").mkdir()
    Path("moved/d.wav").touch()
    Path("out").mkdir()
    Path("out/beside.wav").touch()
    rows = "path,start_s,end_s,label,score\nbeside.wav,0,1,owl,1\n/old/d.wav,0,1,owl,1\n"
    Path("out/x.csv").write_text(rows + "nights/c.wav,0,1,owl,1\n")

    found = read_detections([Path("out/x.csv")])
    moved = read_detections([Path("out/x.csv")], DetectionOptions(audio_root=Path("moved")))

    places = {d.path: d.recording for d in found.found}
    assert places["nights/c.wav"] == Path("nights/c.wav")
    assert places["beside.wav"] == Path("out/beside.wav")
    assert found.missing == {"/old/d.wav": 1}
    assert {d.path: d.recording for d in moved.found}["/old/d.wav"] == Path("moved/d.wav")
    assert not moved.missing


@pytest.mark.parametrize("form", ["json", "jsonl", "csv"])
def test_predictions_of_whole_recordings_are_refused_with_what_to_do(form: str) -> None:
    whole = Prediction("nights/c.wav", {"owl": 0.9})

    with pytest.raises(DataError, match="--segments"):
        read_detections([save(form, whole, segments=False)])


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("x.csv", "path,start_s,end_s,label,score\na.wav,0,x,owl,1\n", "x.csv, line 2: end_s"),
        ("x.csv", "path,start_s,end_s,label,score\na.wav,2,1,owl,1\n", "x.csv, line 2: .* after"),
        ("x.csv", "path,start_s,end_s,label,score\na.wav,0,1,owl,high\n", "line 2: score"),
        ("x.csv", "a,b\n1,2\n", "holds no detections"),
        ("x.jsonl", '{"path": "a", "segments": []}\n{"path"\n', "x.jsonl, line 2 is not JSON"),
        ("x.json", '[{"path": "a", "segments": [{"start_s": 0}]}]', "item 1 has the segment"),
        ("x.json", '[{"path": "a", "segments": [{"start_s": 0, "end_s": NaN, "label": "b"}]}]',
         "item 1: .* finite"),
        ("x.json", "{}", "not a list"),
        ("x.rttm", "SPEAKER a.wav 1 0.5\n", "x.rttm, line 1 has 4 fields"),
        ("x.labels.txt", "0\t1\towl\n1\tx\towl\n", "x.labels.txt, line 2"),
        ("none.csv", None, "none.csv cannot be read"),
    ],
)  # fmt: skip
def test_a_bad_row_is_named_with_its_file_and_line(name: str, text: str | None, said: str) -> None:
    if text is not None:
        Path(name).write_text(text)

    with pytest.raises(DataError, match=said):
        read_detections([Path(name)])


def test_what_is_no_detection_is_counted() -> None:
    rows = "nights/c.wav,0,1,owl,1,,\nnights/c.wav,1,2,,,silent,\nb.wav,,,,,,is damaged\n"
    Path("x.csv").write_text(f"path,start_s,end_s,label,score,note,error\n{rows}")
    Path("y.csv").write_text("path,start_s,end_s,label,score\nnights/c.wav,0,1,owl,1\n")

    read = read_detections([Path("x.csv"), Path("y.csv")])

    assert len(read.found) == 1
    assert {(group.reason, group.n) for group in read.left_out} == {
        ("silent", 1),
        ("could not be predicted", 1),
        ("repeats another detection", 1),
    }


def test_labels_and_scores_choose() -> None:
    path = save("csv", heard([*EVENTS, EVENTS[1] | {"start_s": 3.5, "score": 0.25}]))

    chosen = read_detections([path], DetectionOptions(None, ("rain",), 0.3, 0.6))

    assert [d.start_s for d in chosen.found] == [3.0]
