"""Nothing in the current folder is imported, run or obeyed that the user has not typed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiotl_cli.audio.resample import resample
from audiotl_cli.dataset.demo_sounds import synthesise
from audiotl_cli.dataset.synthesis import SAMPLE_RATE
from audiotl_cli.errors import UsageError
from audiotl_cli.programs import find_program
from tests.conftest import REPOSITORY, Run

MODULES = (
    "__future__", "typing", "json", "socket", "random", "subprocess", "threading",
    "multiprocessing", "sitecustomize", "usercustomize", "numpy", "scipy", "sklearn", "joblib",
    "tensorflow", "keras", "soundfile", "soxr", "resampy", "typer", "rich", "matplotlib",
    "jinja2", "platformdirs", "filelock", "threadpoolctl", "dask", "distributed", "yaml", "h5py",
    "pip", "ncnn", "onnxruntime", "sounddevice", "decoy",
)  # fmt: skip

COMMANDS = """
    index SOUNDS --no-audit
    index SOUNDS --out audited.csv
    extract --extractor mfcc
    train
    evaluate
    evaluate --cv 2
    model inspect data/models/sounds-mfcc-statistics-logreg-mean+std.joblib
    model export data/models/sounds-mfcc-statistics-logreg-mean+std.joblib
    predict new.wav
    predict new.wav --segments
    tune --search 1
    similar new.wav
    label --n 2
    label --set new.wav=rain
    store info
    store verify
    store prune --dry-run
    models list
    models verify mfcc
    datasets list
    doctor
    models fetch musicnn
    demo
"""

Program = Callable[..., subprocess.CompletedProcess[str]]

ANY_CODE = ("doctor", "models fetch", "demo", "label --set")
"""Commands that may fail here: there are no weights, and no such clip."""


def write_executable(path: Path, mark: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n: > {mark}\nexit 1\n")
    path.chmod(0o755)


@pytest.fixture
def marks(tmp_path: Path) -> Path:
    """Return the folder in which decoys leave a file when they run."""
    (tmp_path / "marks").mkdir()
    return tmp_path / "marks"


@pytest.fixture
def decoys(project: Path, marks: Path) -> Path:
    """Return a project folder full of files that a stranger would like to be used."""
    for name in MODULES:
        code = f"open({str(marks / name)!r}, 'w').close()\nraise ImportError('a decoy')\n"
        if name in ("pip", "tensorflow", "dask"):
            (project / name).mkdir()
            for part in ("__init__", "__main__"):
                (project / name / f"{part}.py").write_text(code)
        else:
            (project / f"{name}.py").write_text(code)
    info = project / "decoy-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: decoy\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[audiotl.extractors]\ndecoy = decoy:Decoy\n")
    for name in ("pip", "uv", "git", "ffmpeg", "uname"):
        write_executable(project / "bin" / name, marks / f"program-{name}")
    write_executable(project.parent / "tex" / "latex", marks / "latex")
    (project / "matplotlibrc").write_text("text.usetex: True\n")
    soundfile.write(project / "new.wav", synthesise("rain", 50), SAMPLE_RATE)
    return project


def environment(decoys: Path, tmp_path: Path) -> dict[str, str]:
    (tmp_path / "wheels").mkdir(exist_ok=True)
    path = os.pathsep.join([str(decoys.parent / "tex"), os.environ["PATH"], "bin", "."])
    return {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"} | {
        "PATH": path,
        "AUDIOTL_CACHE": str(tmp_path / "cache"),
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(tmp_path / "wheels"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }


SCRIPT = [str(Path(sys.executable).with_name("audiotl"))]
MODULE = [sys.executable, "-m", "audiotl_cli"]


@pytest.mark.parametrize("program", [SCRIPT, MODULE], ids=["script", "module"])
def test_no_command_imports_or_runs_what_lies_in_the_folder(
    decoys: Path, marks: Path, tmp_path: Path, sounds: Path, program: list[str]
) -> None:
    obeyed: dict[str, list[str]] = {}
    for line in filter(None, map(str.strip, COMMANDS.splitlines())):
        words = line.replace("SOUNDS", str(sounds)).split()
        done = subprocess.run(
            [*program, *words],
            capture_output=True,
            text=True,
            check=False,
            env=environment(decoys, tmp_path),
            stdin=subprocess.DEVNULL,
        )
        for mark in marks.iterdir():
            obeyed.setdefault(line, []).append(mark.name)
            mark.unlink()
        assert "Traceback" not in done.stderr, done.stderr
        assert done.returncode in (0, 1) or line.startswith(ANY_CODE), (line, done.stderr)
        assert "decoy" not in done.stdout, line
    assert not obeyed


def test_no_worker_on_this_machine_imports_what_lies_in_the_folder(
    decoys: Path, marks: Path, tmp_path: Path, sounds: Path
) -> None:
    for words in (
        ["index", str(sounds), "--no-audit"],
        ["extract", "--extractor", "mfcc", "--cluster", "local[1]"],
    ):
        done = subprocess.run(
            [*SCRIPT, *words],
            capture_output=True,
            text=True,
            check=False,
            env=environment(decoys, tmp_path),
        )
        assert not list(marks.iterdir())
        assert done.returncode == 0, done.stderr


def test_a_checkout_that_is_not_installed_still_runs(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "audiotl_cli", "--version"],
        capture_output=True,
        text=True,
        check=False,
        cwd=REPOSITORY,
    )

    assert done.stdout.startswith("audiotl "), done.stderr


def test_programs_are_not_looked_for_in_the_current_folder(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in (project, project / "bin", tmp_path / "elsewhere"):
        write_executable(folder / "tool", tmp_path / "ran")
    path = [".", "", "bin", str(project)]

    monkeypatch.setenv("PATH", os.pathsep.join(path))
    assert find_program("tool") is None
    monkeypatch.setenv("PATH", os.pathsep.join([*path, str(tmp_path / "elsewhere")]))
    assert find_program("tool") == str(tmp_path / "elsewhere" / "tool")


def test_settings_of_numba_in_the_folder_are_not_obeyed(project: Path) -> None:
    Path(".numba_config.yaml").write_text("chrome_trace: victim.txt\n")

    with pytest.raises(UsageError, match=r"\.numba_config\.yaml would be obeyed by numba"):
        resample(np.zeros(8000, np.float32), 8000, 16_000, "resampy")
    assert not Path("victim.txt").exists()


def test_a_function_that_is_typed_is_found_by_its_file_alone(
    decoys: Path, marks: Path, sounds: Path, run: Run
) -> None:
    (decoys / "beside.py").write_text("def upper(text): return text.upper()\n")
    (decoys / "statistics.py").write_text(
        "import numpy, beside\n"
        "def label(path):\n"
        "    import sounddevice_of_mine\n"
        "    return beside.upper(path.split('/')[0])\n"
    )
    (decoys / "sounddevice_of_mine.py").write_text("")
    before, installed = list(sys.path), sys.modules["numpy"]

    finished = run("index", sounds, "--no-audit", "--labels-from", "statistics:label", "--json")

    assert finished.json["labels"] == ["CHIRP", "DRUM", "RAIN"]
    assert not list(marks.iterdir())
    assert sys.path == before
    assert sys.modules["numpy"] is installed
