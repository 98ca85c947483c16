"""Nothing that audiotl did not write is written over, anywhere, unless that is asked for."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from audiotl_cli.workflows.watch import Watcher
from tests.conftest import Run

BY_HAND = b"1.0\t2.0\tnightjar, checked by ear\n"


@pytest.fixture
def trained(project: Path, mfcc_model: Path, sounds: Path) -> Path:
    """Return a project with an index, features and a model."""
    shutil.copytree(mfcc_model.parent / "data", project / "data")
    shutil.copy(mfcc_model, project / "m.joblib")
    shutil.copy(sounds / "rain" / "rain-00.wav", project / "a.wav")
    shutil.copy(sounds / "drum" / "drum-00.wav", project / "b.wav")
    Path("events.csv").write_text("path,start_s,end_s,label,score\na.wav,1,2,rain,0.9\n")
    np.savez("seed.npz", X=np.ones((2, 3)), Y=np.zeros(2), IDS=np.array(["x/a", "x/b"]))
    return project


PREDICT = ("predict", "-m", "m.joblib")
TRAIN = ("train", "--out", "t.joblib")
TUNE = ("tune", "--search", "1", "--out", "t.joblib")
CV = ("evaluate", "--cv", "2", "--report", "report")
EVALUATE = ("evaluate", "m.joblib", "--split", "train", "--report", "report")

PLACES: dict[str, tuple[tuple[str, ...], str]] = {
    "predict csv": ((*PREDICT, "a.wav", "--output", "out.csv"), "out.csv"),
    "predict json": ((*PREDICT, "a.wav", "--output", "out.json"), "out.json"),
    "predict one track": (
        (*PREDICT, "a.wav", "--format", "audacity", "--output", "a.txt"),
        "a.txt",
    ),
    "label": (("label", "--n", "2", "--output", "todo.csv"), "todo.csv"),
    "summary": (("summary", "events.csv", "--report", "report"), "report/by_hour.csv"),
    "similar": (("similar", "a.wav", "--output", "near.csv"), "near.csv"),
    "export": (("model", "export", "m.joblib", "--output", "m.onnx"), "m.onnx"),
    "train": (TRAIN, "t.joblib"),
    "tune": (TUNE, "t.joblib"),
    "report": (CV, "report/report.json"),
    "figure": (CV, "report/confusion.png"),
    "page": (EVALUATE, "report/report.html"),
    "table": (EVALUATE, "report/predictions.csv"),
    "import": (
        ("store", "import", "seed.npz", "--name", "seed"),
        "data/index/seed.csv",
    ),
    "index": (("index", "SOUNDS", "--no-audit", "--out", "i.csv"), "i.csv"),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_file_by_hand_is_kept_and_one_of_the_tools_own_replaced(
    trained: Path, sounds: Path, run: Run, place: str
) -> None:
    given, name = PLACES[place]
    args = [str(sounds) if argument == "SOUNDS" else argument for argument in given]
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(BY_HAND)

    refused = run(*args)

    assert refused.code == 2, refused.err
    assert name in refused.err
    assert "--overwrite" in refused.err
    assert path.read_bytes() == BY_HAND
    forced = run(*args, "--overwrite")
    assert forced.code == 0, forced.err
    made = path.read_bytes()
    assert made != BY_HAND
    assert run(*args).code == 0  # as the tool left it
    path.write_bytes(made + b"# a note of mine\n")
    assert run(*args).code == 2
    assert path.read_bytes() == made + b"# a note of mine\n"


@pytest.mark.parametrize(
    ("form", "name"), [("audacity", "a.wav.labels.txt"), ("raven", "a.wav.selections.txt")]
)
def test_annotations_by_hand_cost_that_recording_alone(
    trained: Path, run: Run, form: str, name: str
) -> None:
    Path(name).write_bytes(BY_HAND)
    args = (*PREDICT, "a.wav", "b.wav", "--segments", "--format", form)

    finished = run(*args)

    assert finished.code == 1
    assert Path(name).read_bytes() == BY_HAND
    assert f"failed a.wav: {name} is not as audiotl wrote it" in finished.err
    assert "--overwrite" in finished.err
    assert Path(name.replace("a.wav", "b.wav")).exists()
    (failed, _) = run(*args, "--json").json
    assert failed["error"]["code"] == "exists"
    assert run(*args, "--overwrite").code == 0
    made = Path(name).read_bytes()
    assert b"nightjar" not in made
    assert b"audiotl" not in made  # no mark inside: Audacity and Raven read it as it is
    assert run(*args, "--threshold", 0.99).code == 0  # other settings replace the tool's own
    Path(name).write_bytes(made + BY_HAND)
    assert run(*args).code == 1
    assert Path(name).read_bytes() == made + BY_HAND


def test_a_watched_folder_keeps_annotations_by_hand(
    trained: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("in").mkdir()
    for name in ("a.wav", "b.wav"):
        shutil.copy(name, "in")
    Path("in/a.wav.labels.txt").write_bytes(BY_HAND)
    look, n_left = Watcher.look, 4

    def look_or_end(watcher: Watcher) -> list[Path]:
        nonlocal n_left
        n_left -= 1
        if n_left == 0:
            raise KeyboardInterrupt
        return look(watcher)

    monkeypatch.setattr(Watcher, "look", look_or_end)

    finished = run(*PREDICT, "--watch", "in", "--format", "audacity", "--interval", "0.05")

    assert finished.code == 130
    assert "failed in/a.wav: in/a.wav.labels.txt is not as audiotl wrote it" in finished.err
    assert Path("in/a.wav.labels.txt").read_bytes() == BY_HAND
    assert Path("in/b.wav.labels.txt").exists()


def test_a_card_of_ones_own_survives_training(trained: Path, run: Run) -> None:
    assert run(*TRAIN).code == 0
    card = Path("t.md")
    card.write_text(card.read_text() + "\nField notes: heard at the pond.\n")

    finished = run(*TRAIN)

    assert finished.code == 0
    assert "t.md is no model card of audiotl's, or was edited" in finished.err
    assert "heard at the pond" in card.read_text()


def test_notes_of_ones_own_survive_a_search(trained: Path, run: Run) -> None:
    notes = Path("t.joblib.tuning.json")
    notes.write_bytes(BY_HAND)

    assert run(*TUNE).code == 0

    assert notes.read_bytes() == BY_HAND


def test_labels_given_in_an_index_are_somebodys_work(trained: Path, run: Run) -> None:
    args = ("store", "import", "seed.npz", "--name", "seed")
    assert run(*args).code == 0
    index = Path("data/index/seed.csv")
    assert run("label", "--index", index, "--set", "x/a=owl").code == 0

    refused = run(*args)

    assert refused.code == 2
    assert "owl" in index.read_text()


def test_links_and_devices_are_not_written_over(trained: Path, run: Run) -> None:
    Path("gone.csv").symlink_to("nowhere.csv")
    Path("null.csv").symlink_to("/dev/null")

    for name in ("gone.csv", "null.csv"):
        refused = run(*PREDICT, "a.wav", "--output", name, "--overwrite")
        assert refused.code == 2, name
        assert "not a regular file" in refused.err
        assert Path(name).is_symlink()


def test_a_kill_between_list_and_file_makes_no_stranger(
    trained: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    args = (*PREDICT, "a.wav", "--output", "out.csv")
    assert run(*args).code == 0
    with monkeypatch.context() as patch:

        def interrupt(*args: object, **options: object) -> None:
            raise KeyboardInterrupt

        patch.setattr("audiotl_cli.written.write_whole", interrupt)
        assert run(*args, "--segments").code == 130

    assert run(*args, "--segments").code == 0


@pytest.mark.skipif(os.name != "posix", reason="needs links and pipes")
@pytest.mark.parametrize("name", [".audiotl-written", ".out.csv.part.lock"])
@pytest.mark.parametrize("kind", ["link", "folder"])
def test_lists_and_locks_that_are_no_files_are_named_before_any_work(
    trained: Path, run: Run, name: str, kind: str
) -> None:
    victim = trained / "victim"
    victim.write_bytes(BY_HAND)
    if kind == "link":
        (trained / name).symlink_to(victim)
    else:
        (trained / name).mkdir()

    finished = run(*PREDICT, "a.wav", "--output", "out.csv")

    assert finished.code in (2, 3)
    said = {".audiotl-written": "is where", ".out.csv.part.lock": "the lock of a file belongs here"}
    assert f"{name} {said[name]}" in finished.err.replace(f"{name}:", name)
    assert "Predicting" not in finished.err
    assert victim.read_bytes() == BY_HAND
    assert not (trained / "out.csv").exists()
