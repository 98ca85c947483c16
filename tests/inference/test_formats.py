from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiotl_cli.cells import plain_cell
from audiotl_cli.errors import AudioError
from audiotl_cli.inference.events import Event
from audiotl_cli.inference.formats import find_writers
from audiotl_cli.inference.formats.audacity import AudacityWriter
from audiotl_cli.inference.formats.base import Writer, WriterOptions
from audiotl_cli.inference.formats.csv import CsvWriter
from audiotl_cli.inference.formats.json import JsonWriter
from audiotl_cli.inference.formats.jsonl import JsonLinesWriter
from audiotl_cli.inference.formats.kaleidoscope import KaleidoscopeWriter
from audiotl_cli.inference.formats.parquet import ParquetWriter
from audiotl_cli.inference.formats.raven import COLUMNS, RavenWriter
from audiotl_cli.inference.formats.rttm import RttmWriter
from audiotl_cli.inference.formats.spans import spans
from audiotl_cli.inference.prediction import Prediction
from audiotl_cli.labels import without_score
from tests.inference.texts import heard, written

seconds = st.integers(0, 10**9).map(lambda millionths: millionths / 1e6)
names = st.text(min_size=1).filter(str.isprintable)
segments = st.fixed_dictionaries({"start_s": seconds, "end_s": seconds, "label": names})


def in_order(event: dict[str, Any]) -> dict[str, Any]:
    start, end = sorted([event["start_s"], event["end_s"]])
    return event | {"start_s": start, "end_s": end}


@given(st.lists(segments))
def test_audacity_labels_can_be_read_back(found: list[dict[str, Any]]) -> None:
    lines = written(AudacityWriter, heard(found)).split("\n")[:-1]

    read = [line.split("\t") for line in lines]
    assert [(float(a), float(b), without_score(plain_cell(label))) for a, b, label in read] == [
        (event["start_s"], event["end_s"], event["label"]) for event in found
    ]
    assert all(label.endswith(" (0.50)") for _, _, label in read)


@given(st.lists(segments))
def test_raven_selections_can_be_read_back(found: list[dict[str, Any]]) -> None:
    lines = written(RavenWriter, heard(found), band_hz=(125.0, 7500.0)).split("\n")[:-1]

    rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    assert lines[0].split("\t") == list(COLUMNS)
    assert [int(row["Selection"]) for row in rows] == list(range(1, len(found) + 1))
    assert [
        (float(row["Begin Time (s)"]), float(row["End Time (s)"]), plain_cell(row["Label"]))
        for row in rows
    ] == [(event["start_s"], event["end_s"], event["label"]) for event in found]
    assert {(row["Low Freq (Hz)"], row["High Freq (Hz)"]) for row in rows} <= {("125.0", "7500.0")}


@given(st.lists(segments.map(in_order)))
def test_tables_of_kaleidoscope_can_be_read_back(found: list[dict[str, Any]]) -> None:
    text = written(KaleidoscopeWriter, heard(found, "nights/a site/x.wav"))

    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(float(row["OFFSET"]), plain_cell(row["AUTO ID"])) for row in rows] == [
        (event["start_s"], event["label"]) for event in found
    ]
    for row, event in zip(rows, found, strict=True):
        length = event["end_s"] - event["start_s"]
        assert float(row["DURATION"]) == pytest.approx(length, abs=1e-6)
    places = {(row["INDIR"], row["FOLDER"], row["IN FILE"], row["MANUAL ID"]) for row in rows}
    assert places <= {("nights", "a site", "x.wav", "")}


@pytest.mark.parametrize("segments", [True, False])
def test_parquet_has_the_columns_of_csv(segments: bool) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    predictions = [
        Prediction("a.wav", {"owl": 0.75}, 4.0, segments=[Event(0.5, 1.5, "owl", 0.625)]),
        replace(FAILED, path="\udcff.wav"),
    ]
    parts: list[Any] = []
    writer = ParquetWriter(parts.append, WriterOptions(labels=["owl"], segments=segments))
    writer.begin()
    for prediction in predictions:
        writer.add(prediction)
    writer.end()

    table = parquet.read_table(io.BytesIO(b"".join(parts)))

    (header, *_) = csv.reader(
        written(CsvWriter, *predictions, labels=["owl"], segments=segments).splitlines()
    )
    assert table.column_names == header
    first, failed = table.to_pylist()
    assert (first["label"], first["score"]) == ("owl", 0.625 if segments else 0.75)
    assert first["error"] is None
    assert (failed["path"], failed["score"], failed["error"]) == ("\\udcff.wav", None, "no sound")


@given(st.lists(segments), st.text(min_size=1))
def test_rttm_can_be_read_back(found: list[dict[str, Any]], path: str) -> None:
    lines = written(RttmWriter, heard(found, path)).split("\n")[:-1]

    fields = [line.split() for line in lines]
    assert {len(cells) for cells in fields} <= {10}
    assert {cells[0] for cells in fields} <= {"SPEAKER"}
    assert [(unquote(cells[1]), float(cells[3]), unquote(cells[7])) for cells in fields] == [
        (path, event["start_s"], event["label"]) for event in found
    ]
    for cells, event in zip(fields, found, strict=True):
        assert float(cells[4]) == pytest.approx(event["end_s"] - event["start_s"], abs=1e-6)


@pytest.mark.parametrize("kind", [AudacityWriter, RavenWriter, RttmWriter])
@pytest.mark.parametrize("label", ["a\tb", "a\nb", "a\r\nb", "a\x00b", "a\u2028b"])
def test_no_label_breaks_a_line(kind: type[Writer], label: str) -> None:
    plain, odd = (
        written(kind, heard([{"start_s": 0.0, "end_s": 1.0, "label": text}]), band_hz=(0.0, 1.0))
        for text in ("ab", label)
    )

    assert len(odd.splitlines()) == len(plain.splitlines())
    assert odd.count("\t") == plain.count("\t")
    assert len(odd.split()) == len(plain.split())


def test_a_label_is_no_formula() -> None:
    event = {"start_s": 0, "end_s": 1, "label": "=1+1"}
    (_, row) = written(RavenWriter, heard([event]), band_hz=(0.0, 1.0)).splitlines()

    assert "\t'=1+1\t" in row


def test_a_name_that_is_no_utf8_stays() -> None:
    text = written(RttmWriter, heard([{"start_s": 0, "end_s": 1, "label": "a"}], "\udcff.wav"))

    assert text.encode("utf-8", "surrogateescape").split()[1] == b"\xff.wav"


def test_a_whole_recording_is_one_event_a_label() -> None:
    scores = {"a": 0.7, "b": 0.6}

    assert spans(Prediction("a.wav", scores, 4.0)) == [
        {"start_s": 0.0, "end_s": 4.0, "label": "a", "score": 0.7}
    ]
    both = spans(Prediction("a.wav", scores, 4.0, labels=["a", "b"]))
    assert [event["score"] for event in both] == [0.7, 0.6]
    assert spans(Prediction("a.wav", scores, 4.0, rejected=True)) == []


def test_every_format_is_found_with_what_it_is() -> None:
    found = find_writers()

    names = ["json", "jsonl", "csv", "parquet", "audacity", "kaleidoscope", "raven", "rttm"]
    assert list(found) == names
    assert [name for name, kind in found.items() if kind.file_each] == ["audacity", "raven"]
    assert [name for name, kind in found.items() if not kind.streams] == [
        "json",
        "parquet",
        "raven",
    ]
    assert len({kind.suffix for kind in found.values()}) == len(found)


FAILED = Prediction("b.wav", {}, error=AudioError("no sound", code="empty", stage="decode"))


@pytest.mark.parametrize(
    "kind", [k for k in find_writers().values() if not k.binary], ids=lambda kind: kind.name
)
@pytest.mark.parametrize("segments", [False, True])
def test_a_failed_recording_breaks_no_format(kind: type[Writer], segments: bool) -> None:
    text = written(kind, FAILED, labels=["a"], segments=segments)

    assert ("no sound" in text) == kind.complete
    if kind is CsvWriter:
        (row,) = csv.DictReader(text.splitlines())
        assert (row["path"], row["error"]) == ("b.wav", "no sound")


@pytest.mark.parametrize(
    "kind", [k for k in find_writers().values() if k.streams], ids=lambda kind: kind.name
)
def test_an_event_that_comes_alone_is_written_like_one_of_a_recording(kind: type[Writer]) -> None:
    event = Event(1.0, 2.5, "a b", 0.75)
    parts: list[str] = []
    writer = kind(parts.append, WriterOptions(labels=["a b"], segments=True))
    writer.begin()
    writer.add_event("a.wav", event)
    writer.end()

    if kind is JsonLinesWriter:
        assert json.loads("".join(parts)) == {"path": "a.wav"} | event.to_dict()
    else:
        whole = written(
            kind, Prediction("a.wav", {}, segments=[event]), labels=["a b"], segments=True
        )
        assert "".join(parts) == whole


def test_json_holds_what_to_dict_gives() -> None:
    prediction = Prediction(
        "a.wav",
        {"b": 0.123456789, "a": 0.1},
        3.0,
        labels=["b"],
        segments=[Event(0.0, 1.23456789, "b", 1.0)],
        sorted_to="b/a.wav",
        sort_error=AudioError("not moved: full", code="not_sorted", stage="sort"),
    )

    value = prediction.to_dict(top_k=1)

    assert value == {
        "path": "a.wav",
        "label": "b",
        "score": 0.123457,
        "scores": {"b": 0.123457},
        "labels": ["b"],
        "segments": [{"start_s": 0.0, "end_s": 1.234568, "label": "b", "score": 1.0}],
        "sorted_to": "b/a.wav",
        "error": {"stage": "sort", "code": "not_sorted", "message": "not moved: full"},
    }
    assert json.loads(written(JsonWriter, prediction, top_k=1)) == [value]
    assert json.loads(written(JsonLinesWriter, prediction, top_k=1)) == value


def test_labels_that_are_called_as_columns_are_kept_apart() -> None:
    labels = ["label", "path", "score"]
    found = Prediction("a.wav", {"path": 0.5, "label": 0.3, "score": 0.2})

    (row,) = csv.DictReader(written(CsvWriter, found, labels=labels).splitlines())

    assert (row["path"], row["label"], row["score"]) == ("a.wav", "path", "0.5")
    assert [row[f"score:{label}"] for label in labels] == ["0.3", "0.5", "0.2"]


def test_a_table_says_where_recordings_were_put() -> None:
    text = written(
        CsvWriter, Prediction("a.wav", {"a": 1.0}, sorted_to="a/a.wav"), labels=["a"], sorts=True
    )

    (row,) = csv.DictReader(text.splitlines())
    assert list(row) == ["path", "label", "score", "score:a", "sorted_to", "note", "error"]
    assert (row["sorted_to"], row["error"]) == ("a/a.wav", "")
