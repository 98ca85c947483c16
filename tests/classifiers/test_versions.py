"""Models outlive versions of scikit-learn."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import REPOSITORY

OLDEST = ["scikit-learn==1.6.0", "numpy==2.0.2", "scipy==1.13.1"]
NEWEST = ["scikit-learn", "numpy", "scipy"]

SETUP = """
import sys, warnings
from pathlib import Path
import numpy as np
warnings.simplefilter("ignore")
from audiotl_cli.classifiers.registry import list_classifiers
rng = np.random.default_rng(0)
labels = ["ant", "bee", "cat"] * 12
def clips(shift):
    rng = np.random.default_rng(shift)
    return [
        [(np.eye(6)[i % 3] * 4 + rng.normal(0, 1, (3, 6))).astype(np.float32)] for i in range(36)
    ]
"""

TRAIN = """
from audiotl_cli.classifiers.card import ExtractorSpec, ModelCard
from audiotl_cli.classifiers.model_file import dump_model
from audiotl_cli.classifiers.options import ClassifierOptions
from audiotl_cli.classifiers.training import fit_classifier
from audiotl_cli.extractor_config import ExtractorConfig
for name in list_classifiers():
    for multi_label in (False, True):
        truth = [f"{one};all" if multi_label else one for one in labels]
        options = ClassifierOptions(name, multi_label=multi_label, pca=4)
        model = fit_classifier(clips(0), truth, options)
        card = ModelCard(
            name, "mean+std", {}, None, 4, 0, model.labels,
            [ExtractorSpec(ExtractorConfig("mfcc"), "ab", 6)], "x.csv", "ab", "train", 36,
            multi_label=multi_label,
        )
        path = Path(sys.argv[1]) / f"{name}-{multi_label}"
        path.with_suffix(".joblib").write_bytes(dump_model(model, card))
        np.save(path, model.scores(clips(1)))
"""

PREDICT = """
from audiotl_cli.classifiers.model_file import load_model_file
for name in list_classifiers():
    for multi_label in (False, True):
        path = Path(sys.argv[1]) / f"{name}-{multi_label}"
        model, _ = load_model_file(path.with_suffix(".joblib"))
        np.save(f"{path}-again", model.scores(clips(1)))
assert "sklearn" not in sys.modules
"""


def environment(folder: Path, packages: list[str]) -> Path:
    """Make an environment with what classifiers need, and return its Python."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    install = ["-m", "pip", "install", "--quiet", *packages, "joblib", "threadpoolctl"]
    if subprocess.run([str(python), *install], check=False).returncode:
        pytest.skip("packages cannot be installed here")
    return python


@pytest.mark.slow
def test_trained_under_one_version_predicted_under_another(tmp_path: Path) -> None:
    pythons = [
        environment(tmp_path / name, packages)
        for name, packages in (("old", OLDEST), ("new", NEWEST))
    ]
    for maker, reader in (pythons, pythons[::-1]):
        models = tmp_path / f"models-{maker.parts[-3]}"
        models.mkdir()
        for python, code in ((maker, TRAIN), (reader, PREDICT)):
            command = [str(python), "-P", "-c", SETUP + code, str(models)]
            subprocess.run(command, check=True, env={"PYTHONPATH": str(REPOSITORY)})
        files = sorted(models.glob("*.joblib"))
        assert len(files) >= 18
        for path in files:
            scores = np.load(path.with_suffix(".npy"))
            again = np.load(f"{path.with_suffix('')}-again.npy")
            np.testing.assert_allclose(again, scores, rtol=0, atol=1e-6)
            assert (again.argmax(axis=1) == scores.argmax(axis=1)).all()
