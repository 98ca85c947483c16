from __future__ import annotations

import json
from pathlib import Path

import pytest

from audiotl_cli.classifiers import trials as trials_module
from audiotl_cli.classifiers.classifier import ClipClassifier
from audiotl_cli.classifiers.model_text import card_path
from audiotl_cli.classifiers.training import fit_quietly
from audiotl_cli.written import LIST
from tests.conftest import LABELS, Run

MODEL = Path("data/models/tuned.joblib")
NOTES = Path("data/models/tuned.joblib.tuning.json")
TUNE = ("tune", "--search", 12, "--out", MODEL)


@pytest.fixture
def extracted(project: Path, sounds: Path, run: Run) -> Path:
    assert run("index", sounds).code == 0
    assert run("extract", "--extractor", "mfcc").code == 0
    assert run("extract", "--extractor", "mfcc", "--hop-s", "0.5").code == 0
    return project


def interrupt_after(n_fits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the fit after so many be interrupted as by Ctrl-C."""
    left = n_fits

    def fit(*args: object) -> ClipClassifier:
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt
        return fit_quietly(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(trials_module, "fit_quietly", fit)


def test_tune_saves_what_it_picked_and_shows_what_it_tried(extracted: Path, run: Run) -> None:
    finished = run("tune", "--search", 12, "--json")

    assert finished.code == 0
    value = finished.json
    board = value["leaderboard"]
    assert len(board) == 12
    accuracies = [trial["accuracy"] for trial in board]
    assert accuracies == sorted(accuracies, reverse=True)
    assert all(trial["interval"][0] <= trial["accuracy"] <= trial["interval"][1] for trial in board)
    (chosen,) = [trial for trial in board if trial["chosen"]]
    assert chosen["classifier"] == value["classifier"]
    assert chosen["pooling"] == value["pooling"]
    assert [spec["name"] for spec in chosen["extractors"]] == value["extractors"]
    assert value["labels"] == list(LABELS)
    assert value["n_clips"] == 18
    assert "tune12" in value["model"]
    model = Path(value["model"])
    assert sorted(Path("data/models").iterdir()) == sorted(
        [model, card_path(model), model.with_name(LIST), model.with_name(f"{LIST}.lock")]
    )
    assert run("evaluate", value["model"], "--json").json["n_clips"] == 6
    assert {len(trial["extractors"]) for trial in board} == {1, 2}


def test_the_table_says_which_was_taken(extracted: Path, run: Run) -> None:
    finished = run(*TUNE)
    assert finished.code == 0
    assert "95 % interval" in finished.out
    assert "* marks the choice" in finished.out
    assert sum(line.split()[:1] == ["*"] for line in finished.out.splitlines()) == 1
    assert finished.err.splitlines()[-1] == "Next: audiotl evaluate data/models/tuned.joblib"


def test_workers_do_not_change_a_byte(extracted: Path, run: Run) -> None:
    assert run(*TUNE, "--workers", 1).code == 0
    alone = MODEL.read_bytes()
    assert run(*TUNE, "--workers", 2).code == 0
    assert MODEL.read_bytes() == alone


@pytest.mark.parametrize("n_fits", [0, 7, 40])
def test_an_interrupted_run_goes_on_to_the_same_bytes(
    extracted: Path, run: Run, monkeypatch: pytest.MonkeyPatch, n_fits: int
) -> None:
    assert run(*TUNE).code == 0
    expected = MODEL.read_bytes()
    MODEL.unlink()

    with monkeypatch.context() as patch:
        interrupt_after(n_fits, patch)
        stopped = run(*TUNE, "--workers", 1)
    assert stopped.code == 130
    assert "continues where it stopped" in stopped.err
    assert not MODEL.exists()
    assert NOTES.exists() == (n_fits > 0)

    went_on = run(*TUNE)
    assert went_on.code == 0
    assert (f"{n_fits} of 60 fits are done already" in went_on.err) == (n_fits > 0)
    assert MODEL.read_bytes() == expected
    assert not NOTES.exists()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"of": 1}', '{"of": 1, "right": []}', '{"right": {"a:0": "1"}}']
)
def test_notes_that_cannot_be_used_are_passed_over(extracted: Path, run: Run, text: str) -> None:
    MODEL.parent.mkdir(parents=True)
    NOTES.write_text(text)
    assert run("tune", "--search", 1, "--out", MODEL).code == 0
    assert MODEL.exists()


def test_damaged_notes_of_this_very_search(
    extracted: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        interrupt_after(9, patch)
        run(*TUNE, "--workers", 1)
    content = json.loads(NOTES.read_text())
    content["right"] = dict.fromkeys(content["right"], "2")
    NOTES.write_text(json.dumps(content))
    finished = run(*TUNE)
    assert finished.code == 0
    assert "starting anew" in finished.err


def test_the_test_clips_have_no_part_in_the_choice(extracted: Path, run: Run) -> None:
    before = run("tune", "--search", 12, "--json").json["leaderboard"]
    index = Path("data/index/sounds.csv")
    lines = index.read_text().splitlines(keepends=True)
    index.write_text("".join(line for line in lines if ",test," not in line))
    after = run("tune", "--search", 12, "--index", index, "--json").json["leaderboard"]
    assert after == before


def test_a_store_with_fewer_clips_is_left_out(extracted: Path, run: Run) -> None:
    assert run("extract", "--extractor", "mfcc", "--hop-s", "0.25", "--limit", 3).code == 0
    finished = run("tune", "--search", 1, "--json")
    assert finished.json["n_clips"] == 18
    assert "left out, for they hold fewer of the clips" in finished.err


def test_no_settings(extracted: Path, run: Run) -> None:
    assert run("tune", "--search", 0).code == 2
