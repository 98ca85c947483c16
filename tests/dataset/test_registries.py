"""A new problem or layout is one new file, and works wherever problems and layouts do."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from audiotl_cli.dataset import layouts, problems
from audiotl_cli.dataset.layouts.registry import all_layouts
from audiotl_cli.dataset.problems.registry import all_problems, codes
from tests.conftest import Run
from tests.faults import scene, write

AddFile = Callable[[ModuleType, str], None]

FAINT = """
from audiotl_cli.dataset.problems.registry import Problem, of_measurement

PROBLEM = Problem(
    code="faint",
    order=35,
    summary="recorded too quietly; move the microphone closer",
    applies=of_measurement(lambda found: found.swing < 0.01),
    fix="leave out",
    is_serious=True,
)
"""

LIST = """
from audiotl_cli.dataset.index import Clip
from audiotl_cli.dataset.layouts.registry import Layout, Source


def read(request):
    path = request.source / "labels.list"
    if request.folder_to_recognise is None and request.options.labels_from != "list":
        return None
    if not path.exists():
        return None
    clips = []
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        name, label, *more = line.split()
        if more:
            where = f"{path.name}, line {number}"
            request.left_out.add("is uncertain", where, unit="line", labels=[label])
        else:
            clips.append(Clip(name, label))
    return Source(clips, request.source, [path])


LAYOUT = Layout(order=65, read=read, labels_from="list")
"""


@pytest.fixture
def add_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AddFile]:
    """Return a function that adds a file to a package, and forgets it again."""

    def add(package: ModuleType, text: str) -> None:
        folder = tmp_path / "more"
        folder.mkdir()
        (folder / "toy.py").write_text(text)
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
        all_problems.cache_clear()
        all_layouts.cache_clear()

    yield add
    for package in (problems, layouts):
        sys.modules.pop(f"{package.__name__}.toy", None)
        vars(package).pop("toy", None)
    all_problems.cache_clear()
    all_layouts.cache_clear()


def rows() -> dict[str, dict[str, str]]:
    lines = Path("data/index/sounds.csv").read_text().splitlines()
    return {row["path"]: row for row in csv.DictReader(lines)}


def test_a_new_problem_appears_everywhere(add_file: AddFile, project: Path, run: Run) -> None:
    for i in range(4):
        write(project / f"sounds/{'ab'[i % 2]}/{i}.wav", scene(i))
    write(project / "sounds/a/faint.wav", 0.004 * scene(9))
    add_file(problems, FAINT)

    found = run("index", "sounds", "--json").json
    shown = " ".join(run("index", "sounds").out.split())

    assert found["problems"] == {"faint": ["a/faint.wav"]}
    assert rows()["a/faint.wav"]["problems"] == "faint"
    assert "faint 1" in shown
    assert "recorded too quietly" in shown
    assert codes()[2:4] == ["silent", "faint"]
    assert codes("leave out") == ["unreadable", "empty", "silent", "faint", "label_conflict"]
    strict = run("index", "sounds", "--strict")
    assert strict.code == 3
    assert "clips in it have problems: faint" in strict.err
    fixed = run("index", "sounds", "--fix", "--strict", "--json")
    assert fixed.code == 0
    assert [change["reason"] for change in fixed.json["changes"]] == ["faint"]
    assert "a/faint.wav" not in rows()


def test_help_lists_the_problems(run: Run) -> None:
    shown = " ".join(run("index", "--help").out.replace("│", " ").split())

    assert f"cannot be used ({', '.join(codes('leave out'))})" in shown
    assert ", ".join(codes()) in shown


def test_problems_are_in_the_documented_order() -> None:
    assert codes() == [
        "unreadable", "empty", "silent", "cancelling_channels", "ultrasonic", "beyond_band",
        "silent_channel", "clipped", "dc_offset", "too_short", "truncated", "upsampled",
        "duplicate", "near_duplicate", "label_conflict", "split_leak",
    ]  # fmt: skip


def test_a_new_layout_is_recognised_and_can_be_named(
    add_file: AddFile, project: Path, run: Run
) -> None:
    for i in range(4):
        write(project / f"sounds/{i}.wav", scene(i))
    (project / "sounds/labels.list").write_text(
        "".join(f"{i}.wav {'ab'[i % 2]}\n" for i in range(4))
    )
    add_file(layouts, LIST)

    assert run("index", "sounds", "--json").json["labels"] == ["a", "b"]
    assert run("index", "sounds", "--labels-from", "list", "--json").json["labels"] == ["a", "b"]
    assert run("index", "sounds", "--labels-from", "folder", "--json").json["labels"] == []
    assert "folder, list" in run("index", "sounds", "--labels-from", "heaven").err


def test_what_a_layout_leaves_out_is_reported(add_file: AddFile, project: Path, run: Run) -> None:
    for i in range(4):
        write(project / f"sounds/{i}.wav", scene(i))
    (project / "sounds/labels.list").write_text("0.wav a\n1.wav a ?\n2.wav b ?\n3.wav a\n")
    add_file(layouts, LIST)

    found = run("index", "sounds", "--json").json
    finished = run("index", "sounds")

    assert found["left_out"] == [
        {
            "reason": "is uncertain",
            "n": 2,
            "examples": ["labels.list, line 2", "labels.list, line 3"],
            "suffix": "",
            "unit": "line",
        }
    ]
    assert "the label b has no clip left" in found["warnings"]
    assert (
        "Left out: 2 lines: is uncertain (labels.list, line 2, labels.list, line 3)" in finished.out
    )


def test_every_layout_has_its_own_place() -> None:
    orders = [layout.order for layout in all_layouts()]
    assert len(set(orders)) == len(orders) == 8
