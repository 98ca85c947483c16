from __future__ import annotations

import os
from pathlib import Path

import joblib

from audiotl_cli.classify.model_file import dump_model
from tests.classify.test_model_file import CARD, fitted
from tests.conftest import Run


class Hostile:
    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("touch canary",)


def test_a_model_is_told_without_loading_it(project: Path, run: Run) -> None:
    Path("m.joblib").write_bytes(dump_model(fitted(), CARD))
    value = run("model", "inspect", "m.joblib", "--json").json
    assert value["allowed"] is True
    assert value["card"]["classifier"] == "logreg"
    assert value["sha256"] in run("model", "inspect", "m.joblib").out


def test_a_hostile_file_is_told_and_not_loaded(project: Path, run: Run) -> None:
    joblib.dump(Hostile(), "bad.joblib")
    assert "holds the name posix.system" in run("model", "inspect", "bad.joblib").out
    finished = run("predict", "x.wav", "--model", "bad.joblib")
    assert finished.code == 5
    assert (
        "bad.joblib is not a model saved by audiotl (it holds the name posix.system" in finished.err
    )
    assert not Path("canary").exists()
