from __future__ import annotations

from pathlib import Path

import pytest

from audiotl_cli.dataset.index import Clip
from audiotl_cli.dataset.layouts.function import label_by_function
from audiotl_cli.errors import UsageError

CLIPS = [Clip("a/one_x.wav"), Clip("b/two.wav")]


@pytest.fixture(autouse=True)
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    Path("labels_of_mine.py").write_text(
        "number = 3\n"
        "def by_name(path): return 'x' if '_x' in path else None\n"
        "def both(path): return ['x', 2]\n"
        "def fails(path): return 1 / 0\n"
        "def nothing(path): return None\n"
    )


def test_a_function_tells_labels_or_none() -> None:
    assert [clip.label for clip in label_by_function(CLIPS, "labels_of_mine:by_name")] == ["x", ""]
    assert label_by_function(CLIPS, "labels_of_mine:both")[0].label == "x;2"


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("labels_of_mine:fails", r"failed on 'a/one_x.wav': ZeroDivisionError"),
        ("labels_of_mine:nothing", "knows no label, for example for 'a/one_x.wav'"),
        ("labels_of_mine:number", "is 3, expected a function"),
        ("labels_of_mine:none", "cannot be loaded: AttributeError"),
        ("no_such_module:f", "cannot be loaded: ModuleNotFoundError"),
    ],
)
def test_functions_that_do_not_work(named: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        label_by_function(CLIPS, named)
