"""Whatever is trained here predicts the same from its file and from its ONNX form."""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from audiotl_cli.classifiers.calibration import METHODS, fit_calibrator
from audiotl_cli.classifiers.classifier import ClipClassifier
from audiotl_cli.classifiers.model_file import dump_model, read_model
from audiotl_cli.classifiers.onnx_form import add_classifier
from audiotl_cli.classifiers.options import ClassifierOptions
from audiotl_cli.classifiers.probes import made_probes
from audiotl_cli.classifiers.rejection import Rejection, fit_label_distances
from audiotl_cli.classifiers.training import fit_quietly
from audiotl_cli.errors import UsageError
from audiotl_cli.graph import Graph
from audiotl_cli.inference.onnx_export import same_labels
from tests.classifiers.problems import made_clips
from tests.classifiers.test_classifier import NAMES, QUICK
from tests.classifiers.test_model_file import CARD

LOSSES = (
    "hinge", "modified_huber", "squared_hinge", "squared_error", "huber", "epsilon_insensitive",
    "squared_epsilon_insensitive",
)  # fmt: skip

pytestmark = pytest.mark.filterwarnings("ignore")

VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "vote": {"pooling": "vote", "balance": True},
    "pca": {"pca": 3, "scale": True, "pooling": "mean+max"},
    "root": {"sqrt": True},
    "average": {"combine": "average"},
    "average vote": {"combine": "average", "pooling": "vote"},
    "several": {"multi_label": True, "pooling": "mean"},
    "several vote": {"multi_label": True, "pooling": "vote"},
}


def clips_for(variant: str, seed: int = 0) -> tuple[Any, list[str]]:
    clips, truth = made_clips(8, seed=seed)
    if "average" in variant:
        clips = [[clip[0], clip[0][:, :4] * 3] for clip in clips]
    if "several" in variant:
        truth = [f"{label};zebra" if label != "ant" else label for label in truth]
    return clips, truth


@cache
def fitted(name: str, variant: str) -> ClipClassifier:
    options = ClassifierOptions(name, params=QUICK.get(name, {}), **VARIANTS[variant])
    return fit_quietly(*clips_for(variant), options)


def between(clips: Any) -> Any:
    """Move clips to where labels meet, so that it shows which one is told."""
    rng = np.random.default_rng(3)
    return [[part + rng.normal(0, 2, part.shape).astype(np.float32) for part in c] for c in clips]


def by_onnx(model: ClipClassifier, clips: Any) -> list[tuple[Any, bool]]:
    graph = Graph()
    names = [
        graph.input(f"part{i}", np.float32, ["n", part.shape[1]]) for i, part in enumerate(clips[0])
    ]
    add_classifier(graph, model, names)
    session = onnxruntime.InferenceSession(graph.model({}))
    return [session.run(None, dict(zip(names, clip, strict=True))) for clip in clips]


def hold(model: ClipClassifier, clips: Any) -> None:
    """Hold what ONNX tells against what the model tells."""
    expected = model.scores(clips)
    found = by_onnx(model, clips)
    scores = np.stack([scores_of_clip for scores_of_clip, _ in found])
    np.testing.assert_allclose(scores, expected, rtol=0, atol=2e-6)
    for ours, theirs in zip(expected, scores, strict=True):
        assert same_labels(ours, theirs, several=model.multi_label)
    assert [bool(rejected) for _, rejected in found] == list(model.rejects(clips, expected))


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", NAMES)
def test_onnx_predicts_the_same(name: str, variant: str) -> None:
    hold(fitted(name, variant), between(clips_for(variant, seed=9)[0]))


@pytest.mark.parametrize("variant", ["plain", "average", "several"])
@pytest.mark.parametrize("name", NAMES)
def test_files_predict_the_same(name: str, variant: str) -> None:
    model = fitted(name, variant)
    clips = between(clips_for(variant, seed=9)[0])
    spec = CARD.extractors[0]
    card = replace(
        CARD,
        labels=model.labels,
        pooling=model.pooling,
        multi_label=model.multi_label,
        extractors=[replace(spec, dim=part.shape[1]) for part in clips[0]],
    )
    expected = model.scores(clips)
    again, found = read_model(Path("m"), dump_model(model, card))
    assert asdict(found) == asdict(card)
    np.testing.assert_array_equal(again.scores(clips), expected)
    assert again.predict(clips) == model.predict(clips)


@pytest.mark.parametrize("name", NAMES)
def test_two_labels(name: str) -> None:
    clips, truth = made_clips(8, labels=["no", "yes"])
    for pooling in ("mean+std", "vote"):
        options = ClassifierOptions(name, params=QUICK.get(name, {}), pooling=pooling)
        hold(fit_quietly(clips, truth, options), between(clips))


@pytest.mark.parametrize("name", NAMES)
def test_a_label_on_every_clip(name: str) -> None:
    clips, kinds = made_clips(8)
    options = ClassifierOptions(name, params=QUICK.get(name, {}), pooling="mean", multi_label=True)
    hold(fit_quietly(clips, [f"all;{kind}" for kind in kinds], options), between(clips))


@pytest.mark.parametrize(
    ("name", "params"),
    [
        *(("perceptron", {"loss": loss}) for loss in LOSSES),
        *(("svm", {"kernel": kernel}) for kernel in ("linear", "poly", "sigmoid")),
        ("svm", {"break_ties": True}),
        *(("mlp", {"activation": how}) for how in ("identity", "logistic", "tanh")),
        ("mlp", {"solver": "adam", "hidden_layer_sizes": (7, 5)}),
        ("knn", {"metric": "euclidean", "n_neighbors": 4}),
        ("prototype", {"metric": "euclidean"}),
    ],
)
def test_other_parameters(name: str, params: dict[str, Any]) -> None:
    clips, truth = made_clips(8)
    for pooling in ("mean+std", "vote"):
        model = fit_quietly(clips, truth, ClassifierOptions(name, params=params, pooling=pooling))
        hold(model, between(clips))


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        ("knn", {"weights": "distance"}, "neighbours by cosine with weights='distance'"),
        ("knn", {"metric": "manhattan"}, "neighbours by minkowski with p=1"),
    ],
)
def test_what_cannot_be_written_is_said(name: str, params: dict[str, Any], message: str) -> None:
    clips, truth = made_clips(8)
    model = fit_quietly(clips, truth, ClassifierOptions(name, params=params))
    with pytest.raises(UsageError, match=f"{message}.* cannot be exported to ONNX"):
        by_onnx(model, clips)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["logreg", "knn"])
def test_calibration_and_rejection_go_along(name: str, method: str) -> None:
    model = fitted(name, "plain")
    clips, truth = clips_for("plain")
    known = between(clips)
    scores = model.scores(known)
    places = np.array([model.labels.index(label) for label in truth])
    around = fit_label_distances(clips, truth)
    calibrator = fit_calibrator(method, scores, places)
    sure = np.sort(calibrator.apply(scores).max(axis=1))
    rejection = Rejection(around, sure, np.sort(around.scores(known)), 0.3)
    careful = replace(model, calibrator=calibrator, rejection=rejection)
    asked = between(made_clips(20, seed=5)[0])

    hold(careful, asked)

    n_rejected = careful.rejects(asked, careful.scores(asked)).sum()
    assert 5 < n_rejected < 55
    card = replace(CARD, calibration=asdict(calibrator))
    again, _ = read_model(Path("m"), dump_model(careful, card))
    np.testing.assert_array_equal(again.scores(asked), careful.scores(asked))
    assert again.rejects(asked, again.scores(asked)).sum() == n_rejected


@pytest.mark.parametrize("name", ["logreg", "svm", "knn", "random-forest", "gradient-boosting"])
@pytest.mark.parametrize("variant", ["plain", "average"])
def test_probes_lie_about_where_the_clips_lay(name: str, variant: str) -> None:
    model = fitted(name, variant)
    widths = [part.shape[1] for part in clips_for(variant)[0][0]]
    probes = made_probes(model, widths)
    told = model.predict(probes)
    assert len(probes) == 60
    assert set(told) == {"ant", "bee", "cat"}
    assert model.predict(made_probes(model, widths)) == told
