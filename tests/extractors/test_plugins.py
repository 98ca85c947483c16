"""Extractors in packages of their own, installed as people would."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

EXAMPLE = REPOSITORY / "examples" / "audiotl-zcr"

Program = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return a folder for packages that the program started by `program` sees."""
    folder = tmp_path / "site"
    folder.mkdir()
    return folder


@pytest.fixture
def program(site: Path, project: Path) -> Program:
    """Return a function that runs the program in a process and a project of its own."""
    path = os.pathsep.join([str(site), str(REPOSITORY)])

    def program(*args: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "audiotl_cli", *map(str, args)],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"PYTHONPATH": path},
        )

    return program


def pretend(site: Path, package: str, name: str, value: str) -> None:
    """Register an extractor without a module behind it."""
    info = site / f"{package}-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[audiotl.extractors]\n{name} = {value}\n")


def test_the_example_package(tmp_path: Path, site: Path, program: Program, sounds: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(EXAMPLE, source)  # building leaves files behind
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
         "--no-index", "--no-deps", "--no-build-isolation", "--target", site, source],
        check=True,
    )  # fmt: skip

    listed = {
        model["name"]: model for model in json.loads(program("models", "list", "--json").stdout)
    }

    assert listed["zcr"]["dim"] == 2
    assert listed["zcr"]["installed"] is True
    assert program("index", sounds).returncode == 0
    extracted = program("extract", "--extractor", "zcr", "--json")
    assert extracted.returncode == 0, extracted.stderr
    assert json.loads(extracted.stdout)["n_added"] == 24
    trained = program("train", "--extractor", "zcr", "--json")
    assert trained.returncode == 0, trained.stderr
    predicted = program("predict", sounds / "rain", "--json")
    labels = [prediction["label"] for prediction in json.loads(predicted.stdout)]
    assert labels.count("rain") >= 6  # of 8; it has far more zero crossings than the others


def test_a_name_that_is_taken_names_both(site: Path, program: Program) -> None:
    pretend(site, "another-mfcc", "mfcc", "another_mfcc:Mfcc")

    finished = program("models", "list")

    assert finished.returncode == 2
    assert "two extractors are called 'mfcc'" in finished.stderr
    assert "audiotl_cli.extractors.mfcc:MfccExtractor" in finished.stderr
    assert "another_mfcc:Mfcc" in finished.stderr


@pytest.mark.parametrize("content", [None, "1 / 0", "Broken = 1", "import no_such_module"])
def test_a_broken_plugin_is_named_and_harms_no_other(
    site: Path, program: Program, sounds: Path, content: str | None
) -> None:
    pretend(site, "broken", "broken", "broken_plugin:Broken")
    if content is not None:
        (site / "broken_plugin.py").write_text(content)

    used = program("extract", "--extractor", "broken", "--index", "none.csv")
    listed = program("models", "list", "--json")

    assert used.returncode != 0
    assert listed.returncode == 0, listed.stderr
    names = [model["name"] for model in json.loads(listed.stdout)]
    assert "mfcc" in names
    assert "broken" not in names
    assert "'broken' (broken_plugin:Broken) cannot be loaded" in listed.stderr
    if content is None:
        program("index", sounds)
        assert program("extract", "--extractor", "mfcc").returncode == 0
        finished = program("extract", "--extractor", "broken")
        assert finished.returncode == 2
        assert "'broken' (broken_plugin:Broken) cannot be loaded" in finished.stderr
        assert "Traceback" not in finished.stderr
