from __future__ import annotations

import csv
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiotl_cli.prediction.annotations import (
    ANNOTATIONS,
    RAVEN_COLUMNS,
    to_audacity,
    to_raven,
    to_rttm,
    whole_recording,
)

seconds = st.integers(0, 10**9).map(lambda millionths: millionths / 1e6)
names = st.text(min_size=1).filter(lambda text: text.isprintable() and text[0] not in "=+-@")
segments = st.fixed_dictionaries({"start_s": seconds, "end_s": seconds, "label": names})


def record(found: list[dict[str, Any]], path: str = "a.wav") -> dict[str, Any]:
    return {"path": path, "segments": [{"score": 0.5} | one for one in found]}


@given(st.lists(segments))
def test_audacity_labels_can_be_read_back(found: list[dict[str, Any]]) -> None:
    lines = to_audacity(record(found), 0.0).split("\n")[:-1]

    read = [line.split("\t") for line in lines]
    assert [(float(a), float(b), label) for a, b, label in read] == [
        (one["start_s"], one["end_s"], one["label"]) for one in found
    ]


@given(st.lists(segments))
def test_raven_selections_can_be_read_back(found: list[dict[str, Any]]) -> None:
    lines = to_raven(record(found), 8000.0).split("\n")[:-1]

    rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    assert lines[0].split("\t") == list(RAVEN_COLUMNS)
    assert [int(row["Selection"]) for row in rows] == list(range(1, len(found) + 1))
    assert [
        (float(row["Begin Time (s)"]), float(row["End Time (s)"]), row["Label"]) for row in rows
    ] == [(one["start_s"], one["end_s"], one["label"]) for one in found]
    assert {(row["Low Freq (Hz)"], row["High Freq (Hz)"]) for row in rows} <= {("0.0", "8000.0")}


@given(st.lists(segments), st.text(min_size=1))
def test_rttm_can_be_read_back(found: list[dict[str, Any]], path: str) -> None:
    lines = to_rttm(record(found, path), 0.0).split("\n")[:-1]

    fields = [line.split() for line in lines]
    assert {len(one) for one in fields} <= {10}
    assert {one[0] for one in fields} <= {"SPEAKER"}
    assert [(unquote(one[1]), float(one[3]), unquote(one[7])) for one in fields] == [
        (path, one["start_s"], one["label"]) for one in found
    ]
    for one, event in zip(fields, found, strict=True):
        assert float(one[4]) == pytest.approx(event["end_s"] - event["start_s"], abs=1e-6)


@pytest.mark.parametrize("form", ANNOTATIONS)
@pytest.mark.parametrize("label", ["a\tb", "a\nb", "a\r\nb", "a\x00b", "a\u2028b"])
def test_no_label_breaks_a_line(form: str, label: str) -> None:
    plain, odd = (
        ANNOTATIONS[form](record([{"start_s": 0.0, "end_s": 1.0, "label": text}]), 1.0)
        for text in ("ab", label)
    )

    assert len(odd.splitlines()) == len(plain.splitlines())
    assert odd.count("\t") == plain.count("\t")
    assert len(odd.split()) == len(plain.split())


def test_a_label_is_no_formula() -> None:
    (_, row) = to_raven(record([{"start_s": 0, "end_s": 1, "label": "=1+1"}]), 1.0).splitlines()

    assert "\t'=1+1\t" in row


def test_a_name_that_is_no_utf8_stays() -> None:
    text = to_rttm(record([{"start_s": 0, "end_s": 1, "label": "a"}], "\udcff.wav"), 0.0)

    assert text.encode("utf-8", "surrogateescape").split()[1] == b"\xff.wav"


def test_a_whole_recording_is_one_event_a_label() -> None:
    one = {"label": "a", "score": 0.7, "scores": {"a": 0.7, "b": 0.6}, "duration_s": 4.0}

    assert whole_recording(one) == [{"start_s": 0.0, "end_s": 4.0, "label": "a", "score": 0.7}]
    assert [event["score"] for event in whole_recording(one | {"labels": ["a", "b"]})] == [0.7, 0.6]
    assert whole_recording(one | {"label": None}) == []
