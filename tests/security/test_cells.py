"""No cell of a table is a formula, whatever a spreadsheet takes for the end of a cell."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiotl_cli.cells import csv_text, plain_cell, safe_cell
from audiotl_cli.dataset.annotation_file import read_annotations
from audiotl_cli.dataset.index import Clip, Index
from audiotl_cli.dataset.options import IndexOptions
from audiotl_cli.dataset.relabel import place_of, write_labels
from audiotl_cli.inference.events import Event
from audiotl_cli.inference.formats import find_writers
from audiotl_cli.inference.formats.csv import CsvWriter
from audiotl_cli.inference.prediction import Prediction
from audiotl_cli.left_out import LeftOutCounter
from audiotl_cli.store.store import FeatureStore
from tests.conftest import Run
from tests.inference.texts import written
from tests.store.features import on_disk

FORMULAS = (
    "=cmd()",
    "a;=cmd()",
    "a\t=cmd()",
    "a,=cmd()",
    'a;"=cmd()"',
    "a; =cmd()",
    "a\n=cmd()",
    "+1",
    "a;-1",
    "@SUM(1)",
    "a;\uff1dcmd()",
    "\t=cmd()",
    "'=cmd()",
    "a;'=cmd()",
    "it's; fine",
)
SIGNS = "=+-@\uff1d\uff0b\uff0d\uff20"
TEXTS = st.text(st.sampled_from("a=+-@\t\r\n,;'\" \uff1d")) | st.text()


def formulas_in(text: str) -> list[str]:
    """Return the cells that a spreadsheet would compute, in any language."""
    found = []
    for delimiter in ",;\t":
        for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):
            for row in csv.reader(
                io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting
            ):
                found += [cell for cell in row if cell.strip(' "\t\r\n').startswith(tuple(SIGNS))]
    return found


@settings(max_examples=500, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_any_text_is_safe_and_comes_back(cells: list[str]) -> None:
    text = csv_text([cells])
    if not any("\0" in cell for cell in cells):
        assert formulas_in(text) == []
    assert [plain_cell(str(safe_cell(cell))) for cell in cells] == cells


def test_what_was_written_by_others_is_read_as_it_is() -> None:
    for text in ("=b", "-5.wav", "a;-b", "it's", "a, b"):
        assert plain_cell(text) == text


def test_numbers_stay_numbers() -> None:
    assert csv_text([[-0.5, None, True, "-0.5"]]) == "-0.5,,True,'-0.5\r\n"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_an_index_is_safe_and_the_same_when_read(tmp_path: Path, delimiter: str) -> None:
    clips = [Clip(f"{text} {i}.wav", label=text.strip()) for i, text in enumerate(FORMULAS)]
    clips = [Clip(clip.path, clip.label.replace("\n", " ").replace("\t", " ")) for clip in clips]
    root = tmp_path / "a;=b"
    path = tmp_path / "index.csv"
    Index(clips, root).write(path)
    assert formulas_in(path.read_text()) == []
    read = Index.read(path)
    assert (read.clips, read.audio_root) == (clips, root)
    saved = path.read_text(encoding="utf-8").splitlines()
    rows = list(csv.reader(io.StringIO("\n".join(saved)))) if delimiter != "," else None
    if rows is not None:  # as a spreadsheet of another language saves it again
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, delimiter=delimiter).writerows(rows)
        assert [clip.path.replace("\n", " ") for clip in Index.read(path).clips] == [
            clip.path.replace("\n", " ") for clip in clips
        ]


def test_pandas_reads_an_index(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    Index([Clip("a;=b.wav", "x"), Clip("c.wav", "-")], tmp_path).write(tmp_path / "index.csv")
    table = pandas.read_csv(tmp_path / "index.csv")
    assert list(table["path"]) == ["a;'=b.wav", "c.wav"]


def test_labels_that_are_given_later(tmp_path: Path) -> None:
    path = tmp_path / "index.csv"
    Index([Clip("a.wav"), Clip("b.wav", "x")], tmp_path).write(path)
    clips = Index.read(path).clips
    labels = {place_of(clips[0]): "bee;=cmd()", place_of(clips[1]): "-"}
    assert [clip.label for clip in write_labels(path, labels).index.clips] == ["bee;=cmd()", "-"]
    assert formulas_in(path.read_text()) == []


def test_predictions() -> None:
    whole = Prediction("a;=b.wav", {"x;=y": 0.5})
    for prediction in (
        whole,
        replace(whole, segments=[Event(0.0, 1.0, "x;=y", 0.5)]),
        replace(whole, labels=["x", "=y"]),
    ):
        text = written(
            CsvWriter,
            prediction,
            labels=["x;=y", "=z"],
            multi_label=prediction.labels is not None,
            segments=prediction.segments is not None,
        )
        assert formulas_in(text) == []


@pytest.mark.parametrize("form", ["audacity", "raven"])
def test_events_come_back(tmp_path: Path, form: str) -> None:
    labels = [text for text in FORMULAS if text.isprintable() and '"' not in text]
    events = [Event(float(i), i + 1.0, label, 0.5) for i, label in enumerate(labels)]
    prediction = Prediction("a.wav", {}, segments=events)
    text = written(find_writers()[form], prediction, segments=True, band_hz=(125.0, 7500.0))
    assert formulas_in(text) == []
    (tmp_path / "a.txt").write_text(text)
    read = read_annotations(tmp_path / "a.txt", IndexOptions(), LeftOutCounter())
    assert [mark.label for mark in read] == labels


def test_tables_of_our_own_are_read_back(project: Path, sounds: Path, run: Run) -> None:
    folder = project / "-odd;=folder"
    folder.mkdir()
    for number, sound in enumerate(sorted(sounds.rglob("*.wav"))[:3]):
        (folder / f"=a;-{number}.wav").write_bytes(sound.read_bytes())
    ended = run("index", folder, "--name", "odd", "--no-audit", "--json")
    assert ended.code == 0, ended.err
    index = Index.read(project / "data/index/odd.csv")
    assert [clip.path for clip in index.clips] == [f"=a;-{i}.wav" for i in range(3)]
    assert formulas_in((project / "data/index/odd.csv").read_text()) == []
    table = csv_text([["path", "label"], *([clip.path, "=x;-y"] for clip in index.clips)])
    (project / "labels.csv").write_text(table)
    assert run("label", "--from", "labels.csv").code == 0
    assert Index.read(project / "data/index/odd.csv").labels() == ["-y", "=x"]
    ended = run("index", folder, "--metadata", "labels.csv", "--no-audit", "--json", "--name", "b")
    assert ended.code == 0, ended.err
    assert [clip.path for clip in Index.read(ended.json["path"]).clips] == [
        f"=a;-{i}.wav" for i in range(3)
    ]


def test_a_terminal_is_not_written_to_by_names(
    project: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "a\x1b]0;title\x07\x9b31m\u202e.wav"
    (project / name).write_bytes(b"no sound")
    (project / "index.csv").write_text(f"path,label\n{name},b\x1b[2J\n")
    for command in (
        ("extract", "--extractor", "mfcc", "--index", "index.csv"),
        ("index", ".", "--metadata", "index.csv"),
        ("index", ".", "--metadata", "index.csv", "--json"),
        ("similar", name, "--index", "index.csv"),
        ("label", "--index", "index.csv", "--set", f"{name}=x"),
        ("predict", name, "--model", name),
    ):
        ended = run(*command)
        for text in (ended.out, ended.err):
            assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(text)


def test_a_store_does_not_write_to_a_terminal(project: Path, run: Run) -> None:
    store = FeatureStore.create(Path("data/features"), "a", 4, {"imported": "x", "layer": "b"})
    description = on_disk(store.folder) / "store.json"
    whole = json.loads(description.read_text())
    for odd in (whole | {"extractor": "a\x1b[2J"}, whole | {"made_from": {"layer": "\x1b[2J"}}):
        description.write_text(json.dumps(odd))
        for command in (("store", "info"), ("store", "verify")):
            ended = run(*command)
            assert ended.code in (1, 3)
            assert "\x1b" not in ended.out + ended.err


def test_tables_are_printed_safely_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from audiotl_cli.cli import output

    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    output.write(written(CsvWriter, Prediction("a\x1b[2J", {})))
    assert capsys.readouterr().out.splitlines()[1:] == [r"a\x1b[2J,,,,"]
    assert json.dumps("\x1b") == r'"\u001b"'
