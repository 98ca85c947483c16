from __future__ import annotations

import os
from pathlib import Path

import pytest
import soundfile

from audiotl_cli.cli.main import main
from audiotl_cli.dataset.demo_sounds import synthesise
from audiotl_cli.dataset.synthesis import SAMPLE_RATE


@pytest.fixture(scope="session")
def mfcc_model(tmp_path_factory: pytest.TempPathFactory, sounds: Path) -> Path:
    """Return a model of chirps, drums and rain, in a folder of its own."""
    folder = tmp_path_factory.mktemp("model")
    before = Path.cwd()
    os.chdir(folder)
    try:
        for args in (
            ["index", str(sounds), "--test-size", "0"],
            ["extract", "--extractor", "mfcc", "--hop-s", "0.25"],
            ["train", "--out", "sounds.joblib"],
        ):
            with pytest.raises(SystemExit) as stop:
                main([*args, "--quiet"])
            assert stop.value.code == 0
    finally:
        os.chdir(before)
    return folder / "sounds.joblib"


@pytest.fixture
def new(project: Path) -> Path:
    """Return a folder of three recordings that the model was not trained on."""
    folder = project / "new"
    folder.mkdir()
    for label in ("rain", "chirp", "drum"):
        soundfile.write(folder / f"{label}.wav", synthesise(label, 50), SAMPLE_RATE)
    return folder
