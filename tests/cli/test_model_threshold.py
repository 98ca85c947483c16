"""``audiotl model threshold``, and what ``predict --segments`` makes of it."""

from __future__ import annotations

from pathlib import Path

import joblib
import pytest

from tests.conftest import LABELS, Run

LABEL = LABELS[0]


def write_verdicts(path: Path, n_right: int, n_wrong: int) -> Path:
    rows = ["path,label,score,verdict"]
    rows += [f"a.wav,{LABEL},{0.6 + 0.3 * i / n_right:.3f},right" for i in range(n_right)]
    rows += [f"a.wav,{LABEL},{0.3 + 0.2 * i / n_wrong:.3f},Wrong" for i in range(n_wrong)]
    rows += [f"a.wav,{LABEL},0.5,unsure", f"a.wav,{LABEL},0.5,"]
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.fixture
def model(mfcc_model: Path, project: Path, run: Run) -> str:
    copied = project / "model.joblib"
    copied.write_bytes(mfcc_model.read_bytes())
    run("model", "threshold", copied, "--set", f"{LABEL}=0.5", "--overwrite")
    return copied.name


def test_a_threshold_is_chosen_from_verdicts_and_used(
    model: str, sounds: Path, tmp_path: Path, run: Run
) -> None:
    verdicts = write_verdicts(tmp_path / "verdicts.csv", 40, 20)
    value = run(
        "model", "threshold", model, "--precision", 0.9, "--verdicts", verdicts, "--json"
    ).json
    assert (value["n_judged"], value["n_other"]) == (60, 2)
    found = value["thresholds"][LABEL]
    assert 0.45 < found["threshold"] <= 0.6
    assert found["low"] >= 0.9
    shown = run("model", "threshold", model)
    assert LABEL in shown.out
    assert "verdicts.csv" in shown.out
    recording = next((sounds / LABEL).glob("*.wav"))
    finished = run("predict", recording, "--segments", "--model", model)
    assert "stored in the model" in finished.err
    run("model", "threshold", model, "--set", f"{LABEL}=1")
    (nothing,) = run("predict", recording, "--segments", "--model", model, "--json").json
    assert LABEL not in {event["label"] for event in nothing["segments"]}
    typed = ("--threshold", f"{LABEL}=0.1")
    (found,) = run("predict", recording, "--segments", "--model", model, *typed, "--json").json
    assert LABEL in {event["label"] for event in found["segments"]}
    assert run("model", "threshold", model, "--clear", "--json").json["thresholds"] == {}


def test_too_little_evidence_is_refused(model: str, tmp_path: Path, run: Run) -> None:
    before = Path(model).read_bytes()
    verdicts = write_verdicts(tmp_path / "verdicts.csv", 10, 1)
    finished = run("model", "threshold", model, "--precision", 0.9, "--verdicts", verdicts)
    assert finished.code == 3
    assert "at least 29 are needed" in " ".join(finished.err.split())
    assert Path(model).read_bytes() == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--precision", 0.9), "--verdicts"),
        (("--verdicts", "x.csv"), "--precision"),
        (("--set", "0.7"), "LABEL=SCORE"),
        (("--set", "chirpp=0.7"), "did you mean"),
        (("--set", f"{LABEL}=7"), "above 0"),
    ],
)
def test_wrong_options_are_refused(
    model: str, run: Run, options: tuple[object, ...], message: str
) -> None:
    finished = run("model", "threshold", model, *options)
    assert finished.code == 2
    assert message in " ".join(finished.err.split())


def test_a_model_from_elsewhere_is_not_changed_unasked(
    mfcc_model: Path, project: Path, run: Run
) -> None:
    copied = project / "copied.joblib"
    copied.write_bytes(mfcc_model.read_bytes())
    finished = run("model", "threshold", copied, "--set", f"{LABEL}=0.5")
    assert finished.code == 2
    assert copied.read_bytes() == mfcc_model.read_bytes()


def test_a_table_without_verdicts_is_refused(model: str, run: Run) -> None:
    Path("table.csv").write_text("label,score\nchirp,0.5\n")
    finished = run("model", "threshold", model, "--precision", 0.9, "--verdicts", "table.csv")
    assert finished.code == 3
    assert "no column verdict" in finished.err


@pytest.mark.parametrize("value", [{"threshold": 7.0}, {"n_events": -1}, {"low": "0"}])
def test_a_damaged_threshold_is_refused(model: str, run: Run, value: dict[str, object]) -> None:
    content = joblib.load(model)
    content["card"]["thresholds"][LABEL].update(value)
    joblib.dump(content, model)
    assert run("model", "threshold", model).code == 5
