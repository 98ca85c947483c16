from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest

from audiotl_cli.evaluation.clips import EvaluatedClip
from audiotl_cli.evaluation.duplicates import DuplicatePair
from audiotl_cli.evaluation.evaluation import LabelError
from audiotl_cli.evaluation.report import page as page_module
from audiotl_cli.evaluation.report.clips import N_AUDIO, gather, order
from audiotl_cli.evaluation.report.page import SECTIONS, render
from audiotl_cli.evaluation.report.tables import tables
from audiotl_cli.evaluation.report.write import write_evaluation, write_page
from audiotl_cli.written import LIST
from tests.evaluation.report.results import (
    EVIL,
    LABELS,
    PATHS,
    basic,
    clips,
    evaluation,
    predictions,
    record,
    scores,
)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("recordings")
    record(root)
    return root


def test_everything_has_a_section(recordings: Path, tmp_path: Path) -> None:
    page = render(evaluation(), root=recordings, folder=tmp_path)

    assert [name for name in SECTIONS if f'<h2 id="{name}">' in page] == list(SECTIONS)
    assert page.startswith("<!DOCTYPE html>")


def test_what_was_not_measured_has_no_section(tmp_path: Path) -> None:
    page = render(basic(), root=None, folder=tmp_path)

    there = re.findall(r'<h2 id="(\w+)">', page)
    assert there == ["confusion", "clips", "labels"]
    assert re.findall(r'href="#(\w+)"', page) == there
    assert "Caution" not in page
    assert "<h1>t</h1>" in page


def test_likeness_is_no_proof(tmp_path: Path) -> None:
    page = render(evaluation(), root=None, folder=tmp_path)

    assert "score is too good" not in page[page.index('<h2 id="duplicates">') :]


def test_markup_in_names_is_text(recordings: Path, tmp_path: Path) -> None:
    page = render(
        replace(evaluation(), title="<i>title</i>"),
        root=recordings,
        folder=tmp_path,
        beside=["a&b.csv"],
    )

    for evil in ("<script>alert", "<img src=x", "<i>title", "<b>mine", "</script>alert"):
        assert evil not in page
    assert page.count("<script") == 2
    assert "&lt;script&gt;alert(1)" in page


def test_warnings_come_first_and_loudly(tmp_path: Path) -> None:
    page = render(evaluation(), root=None, folder=tmp_path)

    assert page.count('class="alert"') == 2
    assert "2 of the 6 clips evaluated were trained on" in page
    assert page.index("are not the published ones") < page.index('class="headline"')


def test_the_same_evaluation_gives_the_same_page(recordings: Path, tmp_path: Path) -> None:
    pages = {render(evaluation(), root=recordings, folder=tmp_path) for _ in range(2)}

    assert len(pages) == 1


def test_a_page_asks_for_nothing(recordings: Path, tmp_path: Path) -> None:
    page = render(evaluation(), root=recordings, folder=tmp_path)

    assert "http" not in page.replace("http-equiv", "")


def test_names_that_are_no_text_can_be_shown(tmp_path: Path) -> None:
    labels = [*LABELS[:2], "x\udcff\u202e"]
    found = predictions(clips(labels, ["b\udcff"] * 6), labels)
    broken = replace(basic(), title="t\udcff", scores=scores(labels), predictions=found)

    page = render(broken, root=tmp_path, folder=tmp_path)

    page.encode("utf-8")
    assert r"x\xff\u202e" in page


def test_stretches_of_one_recording_are_clips_apart(recordings: Path, tmp_path: Path) -> None:
    bounds = [(0.0, 0.25), (0.25, 0.5), (0.5, None)]
    parts = clips()
    for i, (start, end) in enumerate(bounds):
        parts[i] = replace(parts[i], path="a/1.wav", start_s=start, end_s=end)
    rest = EvaluatedClip("a/1.wav", LABELS[0], 0.75)
    found = replace(
        basic(),
        predictions=predictions(parts),
        label_errors=[LabelError(parts[1], LABELS[1], 0.9)],
        duplicates=[
            DuplicatePair(parts[2], EvaluatedClip("b/3.wav", LABELS[0]), 0.999),
            DuplicatePair(parts[0], rest, 0.999),
        ],
    )

    page = render(found, root=recordings, folder=tmp_path)
    shown = gather(found, recordings, tmp_path)

    errors, duplicates = page[page.index('id="label_errors"') :].split('id="duplicates"')
    players = [re.findall(r'data-player="(\d+)"', part) for part in (errors, duplicates)]
    assert players == [["1"], ["2", "3", "0", "6"]]
    assert shown.records[6]["name"] == "a/1.wav (0.75 s to its end)"
    assert shown.records[6]["link"].endswith("#t=0.75")


def test_links_lead_from_the_page_to_the_recordings(recordings: Path, tmp_path: Path) -> None:
    every = clips()
    every[4] = replace(every[4], start_s=0.25, end_s=0.5)
    found = replace(basic(), predictions=predictions(every))

    shown = gather(found, recordings, tmp_path / "here")

    assert shown.records[4]["link"].endswith("/c/4%20%23%25.wav#t=0.25,0.5")
    assert shown.records[1]["link"].startswith("../")
    assert (tmp_path / "here" / shown.records[1]["link"]).resolve() == (
        recordings / "a/1.wav"
    ).resolve()
    assert "(0.25 s to 0.5 s)" in shown.records[4]["name"]
    assert shown.n_embedded == len(PATHS) <= N_AUDIO


def test_recordings_that_are_not_at_hand_are_said_to_be(tmp_path: Path) -> None:
    record(tmp_path, ["a/1.wav"])
    (tmp_path / "b").mkdir()
    (tmp_path / "b/2.wav").write_bytes(b"no sound")

    shown = gather(evaluation(), tmp_path, tmp_path)

    assert "audio" in shown.records[1]
    assert "not a sound file" in shown.records[2]["note"]
    assert shown.records[3] == shown.records[3] | {"note": "the recording is not at hand"}
    assert "link" not in shown.records[0]
    assert "not at hand (features that were imported" in render(
        evaluation(), root=None, folder=tmp_path
    )


def test_the_most_confident_mistakes_come_first_then_the_least_confident() -> None:
    assert order(evaluation().predictions) == [0, 3, 5, 4, 2, 1]


def test_tables_hold_the_numbers_and_no_formulas() -> None:
    written = {name: list(csv.reader(io.StringIO(text))) for name, text in tables(evaluation())}

    assert written["confusion.csv"][0] == ["true \\ predicted", *LABELS[:2], "'=cat"]
    assert written["confusion.csv"][1] == [LABELS[0], "1", "1", "0"]
    assert [row[0] for row in written["predictions.csv"][1:]] == PATHS
    assert written["predictions.csv"][1][0] == EVIL
    assert written["scores.csv"][1] == ["accuracy", str(4 / 6), "0.3", "0.9"]
    assert written["per_label.csv"][2][3] == "0.25"
    assert written["calibration.csv"][2] == ["0.5", "1.0", "4", "0.8", "0.75"]
    assert written["learning_curve.csv"][3] == ["40", "0.7", "0.3", "0.9", "extrapolated"]


def test_files_of_an_evaluation_before_go(tmp_path: Path) -> None:
    write_evaluation(evaluation(), tmp_path)
    write_page(evaluation(), tmp_path, None)
    assert (tmp_path / "calibration.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "learning_curve.png").is_file()

    write_evaluation(basic(), tmp_path)

    assert {path.name for path in tmp_path.iterdir()} == {
        "report.json", "scores.npz", "scores.csv", "confusion.png", "confusion.csv",
        "per_label.csv", "predictions.csv", LIST, f"{LIST}.lock",
    }  # fmt: skip


def test_a_page_that_cannot_be_made_costs_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*args: object, **more: object) -> str:
        raise MemoryError

    monkeypatch.setattr(page_module, "render", fail)

    write_evaluation(evaluation(), tmp_path)
    write_page(evaluation(), tmp_path, None)

    assert "report.html could not be written (there is not enough memory)" in caplog.text
    assert (tmp_path / "predictions.csv").is_file()


@pytest.mark.parametrize("name", page_module.SCRIPTS)
def test_the_script_allowed_is_the_script_there(name: str) -> None:
    script = files(page_module.__package__).joinpath(name).read_text("utf-8")
    assert len(script.splitlines()) <= 150
    assert "innerHTML" not in script
