from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Run


def files_below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_recordings_are_moved_to_their_labels(
    mfcc_model: Path, new: Path, project: Path, run: Run
) -> None:
    (new / "broken.wav").write_text("no sound")
    there = project / "sorted" / "rain"
    there.mkdir(parents=True)
    (there / "rain.wav").write_text("another")

    finished = run("predict", "-m", mfcc_model, new, "--move-to", "sorted", "--json")

    assert finished.code == 1
    assert files_below(new) == ["broken.wav"]
    expected = ["chirp/chirp.wav", "drum/drum.wav", "rain/rain-2.wav", "rain/rain.wav"]
    assert files_below(project / "sorted") == expected
    assert (there / "rain.wav").read_text() == "another"
    told = {
        Path(prediction["path"]).name: prediction.get("sorted_to") for prediction in finished.json
    }
    assert told == {
        "broken.wav": None,
        "chirp.wav": "sorted/chirp/chirp.wav",
        "drum.wav": "sorted/drum/drum.wav",
        "rain.wav": "sorted/rain/rain-2.wav",
    }
    assert f"{new / 'drum.wav'} moved to sorted/drum/drum.wav" in finished.err
    assert "3 recordings moved into sorted" in finished.err


def test_a_dry_run_leaves_everything(mfcc_model: Path, new: Path, project: Path, run: Run) -> None:
    before = files_below(project)

    finished = run("predict", "-m", mfcc_model, new, "--copy-to", "sorted", "--dry-run")

    assert finished.code == 0
    assert f"{new / 'drum.wav'} would be copied to sorted/drum/drum.wav" in finished.err
    assert files_below(project) == before


def test_what_is_none_of_the_labels_stays(
    mfcc_model: Path, new: Path, project: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "audiotl_cli.classifiers.running.RunningScores.rejected", lambda self, scores: True
    )

    finished = run("predict", "-m", mfcc_model, new, "--move-to", "sorted", "--format", "jsonl")

    assert all(json.loads(line)["rejected"] for line in finished.out.splitlines())
    assert files_below(new) == ["chirp.wav", "drum.wav", "rain.wav"]
    assert not (project / "sorted").exists()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["a", "--copy-to", "b", "--move-to", "c"], "--copy-to and --move-to cannot be combined"),
        (["a", "--dry-run"], "--dry-run can only be used with --copy-to"),
        (["a", "--link-to", "there.txt"], "there.txt, a file; expected a folder"),
        (["--stdin-audio", "--copy-to", "b"], "not a file, so it cannot be sorted"),
        (["--raw-rate", "8000", "--copy-to", "b"], "not a file, so it cannot be sorted"),
        (["--watch", "b/in", "--copy-to", "b"], "b/in is inside b"),
        (
            ["b", "--move-to", "c", "--format", "raven"],
            "which --move-to moves away",
        ),
    ],
)
def test_what_does_not_fit_together_is_refused(
    project: Path, run: Run, args: list[str], message: str
) -> None:
    (project / "there.txt").touch()
    (project / "b" / "in").mkdir(parents=True)
    (project / "b" / "a.wav").touch()

    finished = run("predict", *args, "--model", "gone.joblib")

    assert finished.code == 2
    assert message in finished.err
