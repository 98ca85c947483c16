from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest

from audiotl_cli.evaluation.report import page as page_module
from audiotl_cli.evaluation.report import write
from audiotl_cli.evaluation.report.clips import N_AUDIO, gather, order
from audiotl_cli.evaluation.report.page import SECTIONS, render
from audiotl_cli.evaluation.report.tables import tables
from audiotl_cli.evaluation.report.write import write_beside, write_page
from audiotl_cli.written import LIST
from tests.evaluation.report.results import EVIL, LABELS, PATHS, record, result


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("recordings")
    record(root)
    return root


def test_everything_has_a_section(recordings: Path, tmp_path: Path) -> None:
    page = render(result(), "t", root=recordings, folder=tmp_path)

    assert [name for name in SECTIONS if f'<h2 id="{name}">' in page] == list(SECTIONS)
    assert page.startswith("<!DOCTYPE html>")


def test_what_was_not_measured_has_no_section(tmp_path: Path) -> None:
    everything = result()
    basic = {"accuracy", "n_clips", "labels", "confusion_matrix", "per_label", "predictions"}

    page = render(
        {k: v for k, v in everything.items() if k in basic}, "t", root=None, folder=tmp_path
    )

    there = re.findall(r'<h2 id="(\w+)">', page)
    assert there == ["confusion", "clips", "labels"]
    assert re.findall(r'href="#(\w+)"', page) == there
    assert "Caution" not in page


def test_an_empty_result_still_gives_a_page(tmp_path: Path) -> None:
    assert "<h1>t</h1>" in render({}, "t", root=None, folder=tmp_path)


def test_likeness_is_no_proof(tmp_path: Path) -> None:
    page = render(result(), "t", root=None, folder=tmp_path)

    assert "score is too good" not in page[page.index('<h2 id="twins">') :]


def test_markup_in_names_is_text(recordings: Path, tmp_path: Path) -> None:
    page = render(result(), "<i>title</i>", root=recordings, folder=tmp_path, beside=["a&b.csv"])

    for evil in ("<script>alert", "<img src=x", "<i>title", "<b>mine", "</script>alert"):
        assert evil not in page
    assert page.count("<script") == 2
    assert "&lt;script&gt;alert(1)" in page


def test_warnings_come_first_and_loudly(tmp_path: Path) -> None:
    page = render(result(), "t", root=None, folder=tmp_path)

    assert page.count('class="alert"') == 2
    assert "2 of the 6 clips evaluated were trained on" in page
    assert page.index("are not the published ones") < page.index('class="headline"')


def test_the_same_evaluation_gives_the_same_page(recordings: Path, tmp_path: Path) -> None:
    pages = {render(result(), "t", root=recordings, folder=tmp_path) for _ in range(2)}

    assert len(pages) == 1


def test_a_page_asks_for_nothing(recordings: Path, tmp_path: Path) -> None:
    page = render(result(), "t", root=recordings, folder=tmp_path)

    assert "http" not in page.replace("http-equiv", "")


def test_names_that_are_no_text_can_be_shown(tmp_path: Path) -> None:
    broken = result()
    broken["labels"] = [*LABELS[:2], "x\udcff\u202e"]
    broken["per_label"] = {}
    broken["open_set"] = broken["embedding_map"] = None
    for one in broken["predictions"]:
        one["path"] = "b\udcff"
    broken["label_errors"] = broken["duplicates"] = []

    page = render(broken, "t\udcff", root=tmp_path, folder=tmp_path)

    page.encode("utf-8")
    assert r"x\xff\u202e" in page


def test_stretches_of_one_recording_are_clips_apart(recordings: Path, tmp_path: Path) -> None:
    one = result()
    bounds = [(0.0, 0.25), (0.25, 0.5), (0.5, None)]
    for entry, (start, end) in zip(one["predictions"], bounds, strict=False):
        entry |= {"path": "a/1.wav", "start_s": start} | ({} if end is None else {"end_s": end})
    suspect = {"path": "a/1.wav", "label": LABELS[0], "suggested": LABELS[1], "score": 0.9}
    one["label_errors"] = [{**suspect, "start_s": 0.25, "end_s": 0.5}]
    pair = {"similarity": 0.999, "label": LABELS[0], "other_label": LABELS[0]}
    one["duplicates"] = [
        {**pair, "path": "a/1.wav", "start_s": 0.5, "other": "b/3.wav"},
        {**pair, "path": "a/1.wav", "start_s": 0.0, "end_s": 0.25, "other": "a/1.wav",
         "other_start_s": 0.75},
    ]  # fmt: skip

    page = render(one, "t", root=recordings, folder=tmp_path)
    clips = gather(one, recordings, tmp_path)

    suspects, twins = page[page.index('id="suspects"') :].split('id="twins"')
    players = [re.findall(r'data-player="(\d+)"', part) for part in (suspects, twins)]
    assert players == [["1"], ["2", "3", "0", "6"]]
    assert clips.records[6]["name"] == "a/1.wav (0.75 s to its end)"
    assert clips.records[6]["link"].endswith("#t=0.75")


def test_links_lead_from_the_page_to_the_recordings(recordings: Path, tmp_path: Path) -> None:
    one = result()
    one["predictions"][4] |= {"start_s": 0.25, "end_s": 0.5}

    clips = gather(one, recordings, tmp_path / "here")

    assert clips.records[4]["link"].endswith("/c/4%20%23%25.wav#t=0.25,0.5")
    assert clips.records[1]["link"].startswith("../")
    assert (tmp_path / "here" / clips.records[1]["link"]).resolve() == (
        recordings / "a/1.wav"
    ).resolve()
    assert "(0.25 s to 0.5 s)" in clips.records[4]["name"]
    assert clips.n_embedded == len(PATHS) <= N_AUDIO


def test_recordings_that_are_not_at_hand_are_said_to_be(tmp_path: Path) -> None:
    record(tmp_path, ["a/1.wav"])
    (tmp_path / "b").mkdir()
    (tmp_path / "b/2.wav").write_bytes(b"no sound")

    clips = gather(result(), tmp_path, tmp_path)

    assert "audio" in clips.records[1]
    assert "not a sound file" in clips.records[2]["note"]
    assert clips.records[3] == clips.records[3] | {"note": "the recording is not at hand"}
    assert "link" not in clips.records[0]
    assert "not at hand (features that were imported" in render(
        result(), "t", root=None, folder=tmp_path
    )


def test_the_surest_mistakes_come_first_then_the_least_sure() -> None:
    assert order(result()["predictions"]) == [0, 3, 5, 4, 2, 1]


def test_tables_hold_the_numbers_and_no_formulas() -> None:
    written = {name: list(csv.reader(io.StringIO(text))) for name, text in tables(result())}

    assert written["confusion.csv"][0] == ["true \\ predicted", *LABELS[:2], "'=cat"]
    assert written["confusion.csv"][1] == [LABELS[0], "1", "1", "0"]
    assert [row[0] for row in written["predictions.csv"][1:]] == PATHS
    assert written["predictions.csv"][1][0] == EVIL
    assert written["per_label.csv"][2][3] == "0.25"
    assert written["calibration.csv"][2] == ["0.5", "1.0", "4", "0.8", "0.75"]
    assert written["learning_curve.csv"][3] == ["40", "0.7", "0.3", "0.9", "extrapolated"]


def test_files_of_an_evaluation_before_go(tmp_path: Path) -> None:
    write_beside(result(), tmp_path)
    write_page(result(), "t", tmp_path, None)
    assert (tmp_path / "calibration.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "learning_curve.png").is_file()

    write_beside({"labels": []}, tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == [LIST]


def test_a_page_that_cannot_be_made_costs_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*args: object, **more: object) -> str:
        raise MemoryError

    monkeypatch.setattr(write, "render", fail)

    write_beside(result(), tmp_path)
    write_page(result(), "t", tmp_path, None)

    assert "report.html could not be written (MemoryError())" in caplog.text
    assert (tmp_path / "predictions.csv").is_file()


def test_the_script_allowed_is_the_script_there() -> None:
    assert len(page_module._text("page.js").splitlines()) <= 150
    assert "innerHTML" not in page_module._text("page.js")
