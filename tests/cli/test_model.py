from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import joblib

from audiotl_cli.classifiers.model_file import dump_model
from tests.classifiers.test_model_file import CARD, fitted
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


def test_predict_imports_no_scikit_learn(mfcc_model: Path, new: Path) -> None:
    code = (
        "import sys; from audiotl_cli.cli.main import main\n"
        "try:\n    main(sys.argv[1:])\n"
        "except SystemExit:\n    pass\n"
        "print({'sklearn', 'joblib', 'scipy', 'tensorflow'} & set(sys.modules))"
    )
    words = ["predict", str(new / "rain.wav"), "--model", str(mfcc_model), "--quiet"]
    command = [sys.executable, "-c", code, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"


def test_a_hostile_file_is_told_and_not_loaded(project: Path, run: Run) -> None:
    joblib.dump(Hostile(), "bad.joblib")
    assert "holds the name posix.system" in run("model", "inspect", "bad.joblib").out
    finished = run("predict", "x.wav", "--model", "bad.joblib")
    assert finished.code == 5
    assert (
        "bad.joblib is not a model saved by audiotl (it holds the name posix.system" in finished.err
    )
    assert not Path("canary").exists()
