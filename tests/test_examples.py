"""What is shown in docstrings and in the notebook happens."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest
import soundfile

from audiotl_cli.dataset.demo_sounds import synthesise
from audiotl_cli.dataset.synthesis import SAMPLE_RATE
from tests.conftest import REPOSITORY, Run

MODULES = (
    "audiotl_cli",
    "audiotl_cli.dataset.index",
    "audiotl_cli.extractors.registry",
    "audiotl_cli.experiments.labelled_store",
    "audiotl_cli.inference.embedder",
    "audiotl_cli.workflows.predict",
)


def test_docstrings(project: Path, sounds: Path, run: Run) -> None:
    run("index", sounds)
    run("extract", "--extractor", "mfcc")
    run("train", "--out", "sounds.joblib")
    soundfile.write("new.wav", synthesise("rain", 50), SAMPLE_RATE)
    for name in MODULES:
        told: list[str] = []
        runner = doctest.DocTestRunner()
        for test in doctest.DocTestFinder().find(importlib.import_module(name)):
            runner.run(test, out=told.append)
        assert runner.summarize(verbose=False).failed == 0, "".join(told)
        assert runner.tries > 0, name


@pytest.mark.filterwarnings("ignore")  # of the notebook's own libraries
def test_the_notebook(tmp_path: Path) -> None:
    pytest.importorskip("ipykernel", reason="notebooks need ipykernel to run")
    nbformat = pytest.importorskip("nbformat")
    client = pytest.importorskip("nbclient")
    notebook = nbformat.read(REPOSITORY / "examples/first_steps.ipynb", as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells)

    client.NotebookClient(
        notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}
    ).execute()

    shown = str([cell.get("outputs") for cell in notebook.cells])
    assert "rain.wav: rain" in shown
