from __future__ import annotations

from pathlib import Path

import pytest

from audiotl_cli.errors import DataError
from audiotl_cli.review.detections import Detection
from audiotl_cli.review.judged import find_verdicts, judge

OWL = Detection("a.wav", 1.5, 2.0, "owl", 0.9)
FOX = Detection("a.wav", 3.0, 4.0, "fox", 0.8)
HEN = Detection("a.wav", 5.0, 6.0, "hen", 0.8)


def test_the_last_verdict_counts(tmp_path: Path) -> None:
    table = tmp_path / "v.csv"
    table.write_text(
        "path,start_s,end_s,label,verdict,correct_label,time\n"
        "a.wav,1.5,2,owl,right,,2024-05-02T00:00:00\n"
        "a.wav,1.5,2,owl,wrong,,2024-05-01T00:00:00\n"
        "a.wav,3,4,fox,other,hen,2024-05-01T00:00:00\n"
        "a.wav,5,6,hen,unsure,,2024-05-01T00:00:00\n"
        "b.wav,5,6,hen,right,,2024-05-01T00:00:00\n"
    )

    found = judge([table], [OWL, FOX, HEN])

    assert found.right == {OWL: True, FOX: False}
    assert found.n_unmatched == 1


def test_tables_beside_detections_are_taken_unless_others_are_given(tmp_path: Path) -> None:
    beside, other = tmp_path / "nights.verdicts.csv", tmp_path / "other.csv"
    predictions = [tmp_path / "nights.csv", tmp_path / "days.csv"]
    assert find_verdicts([], predictions) == []
    beside.write_text("")
    other.write_text("")

    assert find_verdicts([], predictions) == [beside]
    assert find_verdicts([other], predictions) == [other]
    with pytest.raises(DataError, match=r"none\.csv: no such file"):
        find_verdicts([tmp_path / "none.csv"], predictions)
