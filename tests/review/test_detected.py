from __future__ import annotations

import json
from pathlib import Path

import pytest

from audiotl_cli.errors import DataError
from audiotl_cli.review.detected import Detection, read_detected
from audiotl_cli.review.verdicts_read import read_verdicts

HEADER = "path,start_s,end_s,label,score,note,error\n"
OWL = Detection("a.wav", 1.5, 2.0, "owl", 0.9)


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_tables(tmp_path: Path) -> None:
    file = write(
        tmp_path / "e.csv",
        HEADER + "a.wav,1.5,2.0,owl,0.9,,\na.wav,3,9,,,silent,\nb.wav,,,,,,is a folder\n"
        "'=c.wav,0,1,'=x,0.5,,\na.wav,1.5,2.0,owl,0.9,,\n",
    )

    found = read_detected([file])

    assert list(found.detections) == [OWL, Detection("=c.wav", 0, 1, "=x", 0.5)]
    assert list(found.paths) == ["a.wav", "b.wav", "=c.wav"]
    assert found.failed == {"b.wav": "is a folder"}
    assert found.repeated == ["a.wav"]


def test_json(tmp_path: Path) -> None:
    event = {"start_s": 1.5, "end_s": 2, "label": "owl", "score": 0.9}
    values = [
        {"path": "a.wav", "label": "owl", "segments": [event]},
        {"path": "b.wav", "segments": []},
        {"path": "c.wav", "error": {"message": "is a folder"}},
    ]
    array = write(tmp_path / "e.json", json.dumps(values))
    lines = write(tmp_path / "e.jsonl", "\n".join(map(json.dumps, values)) + "\n")
    stream = write(tmp_path / "s.jsonl", json.dumps({"path": "a.wav"} | event))

    for file in (array, lines):
        found = read_detected([file])
        assert list(found.detections) == [OWL]
        assert list(found.paths) == ["a.wav", "b.wav", "c.wav"]
        assert found.failed == {"c.wav": "is a folder"}
    assert list(read_detected([stream]).detections) == [OWL]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("e.csv", "path,label,score\na.wav,owl,0.9\n", "expected events"),
        ("e.csv", "path,start_s,end_s,label\na.wav,1,2,owl\n", "expected score"),
        ("e.csv", HEADER + "a.wav,2,1,owl,0.9,,\n", r"line 2: an event from 2.0 s to 1.0 s"),
        ("e.csv", HEADER + "a.wav,1,2,owl,,,\n", "line 2: score is empty"),
        ("e.csv", HEADER + "a.wav,1,x,owl,1,,\n", "line 2"),
        ("e.csv", HEADER + ",1,2,owl,1,,\n", "line 2: path is empty"),
        ("e.json", '[{"path": "a.wav", "label": "owl"}]', "element 1 has a label for a whole"),
        ("e.json", '{"path": 1}', "no object"),
        ("e.jsonl", '{"path": 1}', "line 1: 'path' is a number|an integer"),
        ("e.jsonl", '{"path": "a", "segments": [1]}', "line 1: a segment is no object"),
        ("e.jsonl", '{"path": "a", "segments": [{"start_s": NaN}]}', "line 1"),
        ("e.jsonl", "{", "not JSON"),
        ("e.json", "3", "not JSON of predictions"),
        ("e.txt", "", "none of .csv"),
        ("none.json", None, "cannot be read"),
        ("none.csv", None, "cannot be read"),
    ],
)
def test_other_files(tmp_path: Path, name: str, text: str | None, message: str) -> None:
    if text is not None:
        write(tmp_path / name, text)

    with pytest.raises(DataError, match=message) as caught:
        read_detected([tmp_path / name])

    assert name in str(caught.value)


def test_the_last_verdict_counts(tmp_path: Path) -> None:
    fox, hen = Detection("a.wav", 3, 4, "fox", 0.8), Detection("a.wav", 5, 6, "hen", 0.8)
    table = write(
        tmp_path / "v.csv",
        "path,start_s,end_s,label,verdict\na.wav,1.5,2,owl,wrong\na.wav,1.5004,2.0,owl,right\n"
        "a.wav,3,4,fox,other\na.wav,5,6,hen,Unsure\nb.wav,5,6,hen,right\n",
    )

    found = read_verdicts([table], [OWL, fox, hen])

    assert found.verdicts == {OWL: True, fox: False}
    assert (found.n_unsure, found.n_unmatched) == (1, 1)


def test_an_unknown_verdict(tmp_path: Path) -> None:
    table = write(tmp_path / "v.csv", "path,start_s,end_s,label,verdict\na,1,2,owl,maybe\n")

    with pytest.raises(DataError, match="line 2: verdict is 'maybe', expected right, wrong"):
        read_verdicts([table], [])
