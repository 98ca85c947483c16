from __future__ import annotations

from pathlib import Path

import pytest

from audiotl_cli.errors import DataError
from audiotl_cli.review.detections import Detection
from audiotl_cli.review.verdicts_read import read_verdicts

OWL = Detection("a.wav", 1.5, 2.0, "owl", 0.9)


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


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
