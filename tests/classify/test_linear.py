"""Linear models without scikit-learn give what they give with it."""

from __future__ import annotations

import io
import itertools
import subprocess
import sys
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import sklearn

from audiotl_cli.classify.artifact import dump_model, load_model_file
from audiotl_cli.classify.classifier import ClassifierOptions, fit_quietly
from audiotl_cli.classify.linear import LinearPipeline, LogisticPipeline
from audiotl_cli.errors import ArtifactError
from tests.classify.problems import made_clips
from tests.classify.test_artifact import CARD, fitted, save

KINDS = {"logreg": LogisticPipeline, "linear-svm": LinearPipeline}
SCALINGS = {"none": (False, False), "standard": (True, False), "root": (True, True)}


@pytest.mark.parametrize(
    ("name", "n_labels", "scaling", "pca", "pooling"),
    [
        *itertools.product(KINDS, (2, 3), SCALINGS, (None, 4), ["mean+std"]),
        ("logreg", 3, "standard", None, "vote"),
        ("logreg", 3, "root", None, "vote"),
        ("linear-svm", 2, "none", None, "vote"),
    ],
)
def test_as_scikit_learn(
    tmp_path: Path, name: str, n_labels: int, scaling: str, pca: int | None, pooling: str
) -> None:
    clips, truth = made_clips(labels=["ant", "bee", "cat"][:n_labels])
    scale, root = SCALINGS[scaling]
    options = ClassifierOptions(name, pooling=pooling, scale=scale, root=root, pca=pca)
    model = fit_quietly(clips, truth, options)
    path = tmp_path / "m.joblib"
    path.write_bytes(dump_model(model, replace(CARD, labels=model.labels, pooling=pooling)))
    light, card = load_model_file(path, light=True)
    assert type(light.pipeline) is KINDS[name]
    assert card == load_model_file(path)[1]
    clips = made_clips(20, labels=model.labels, seed=9)[0]
    clips = [[3 * part - 2 for part in clip] for clip in clips]  # some between the labels
    np.testing.assert_allclose(light.scores(clips), model.scores(clips), rtol=1e-5, atol=1e-7)
    assert light.predict(clips) == model.predict(clips)


@pytest.mark.parametrize("name", ["svm", "perceptron", "knn", "random-forest", "prototype"])
def test_others_are_left_to_scikit_learn(tmp_path: Path, name: str) -> None:
    model = fitted(name)
    path = tmp_path / "m.joblib"
    path.write_bytes(dump_model(model, CARD))
    found, _ = load_model_file(path, light=True)
    assert type(found.pipeline).__name__ == "Pipeline"


def _model() -> dict[str, Any]:
    return dict(joblib.load(io.BytesIO(dump_model(fitted(), CARD))))


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("coef_", np.zeros((3, 7))),
        ("coef_", np.zeros((2, 12))),
        ("coef_", np.zeros(12)),
        ("intercept_", np.zeros(2)),
        ("classes_", np.array([0, 2, 1])),
        ("n_features_in_", 11),
    ],
)
def test_parts_that_do_not_fit_are_not_made_to(
    tmp_path: Path, attribute: str, value: object
) -> None:
    content = _model()
    setattr(content["pipeline"].steps[-1][1], attribute, value)
    path = save(tmp_path / "m.joblib", content)
    try:
        found, _ = load_model_file(path, light=True)
    except ArtifactError:
        return
    assert type(found.pipeline).__name__ == "Pipeline"


def test_another_version_is_refused_all_the_same(tmp_path: Path) -> None:
    content = _model()
    packed = io.BytesIO()
    joblib.dump(content, packed)  # not compressed, so that its text can be changed
    other = packed.getvalue().replace(sklearn.__version__.encode(), b"0.9.9")
    path = tmp_path / "m.joblib"
    path.write_bytes(zlib.compress(other))
    with pytest.raises(ArtifactError, match=r"made with scikit-learn 0\.9\.9"):
        load_model_file(path, light=True)


def test_scikit_learn_is_not_imported(tmp_path: Path) -> None:
    path = tmp_path / "m.joblib"
    path.write_bytes(dump_model(fitted(), CARD))
    code = (
        "import sys; from pathlib import Path; "
        "from audiotl_cli.classify.artifact import load_model_file; "
        f"load_model_file(Path({str(path)!r}), light=True); "
        "print({'sklearn', 'scipy', 'joblib'} & set(sys.modules))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "set()\n"
