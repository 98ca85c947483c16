"""Steps, averages, multi-label, calibration and rejection in a file: whole or refused."""

from __future__ import annotations

import copy
import io
from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest

from audiotl_cli.classifiers.calibration import fit_calibrator
from audiotl_cli.classifiers.model_file import dump_model, read_model
from audiotl_cli.classifiers.options import ClassifierOptions
from audiotl_cli.classifiers.parts import State
from audiotl_cli.classifiers.rejection import Rejection, fit_label_distances
from audiotl_cli.classifiers.training import fit_quietly
from audiotl_cli.errors import ArtifactError
from tests.classifiers.problems import made_clips
from tests.classifiers.test_model_file import CARD
from tests.classifiers.test_recipes import damages

pytestmark = pytest.mark.filterwarnings("ignore")

PATH = Path("m.joblib")

MODELS: dict[str, dict[str, Any]] = {
    "sqrt, PCA": {"sqrt": True, "pca": 3},
    "standardised, PCA": {"scale": True, "pca": 3},
    "average": {"combine": "average"},
    "multi-label": {"multi_label": True},
}


@cache
def packed(name: str, method: str = "isotonic") -> bytes:
    clips, truth = made_clips(8)
    if "average" in name:
        clips = [[clip[0], clip[0][:, :4] * 3] for clip in clips]
    if "several" in name:
        truth = [f"{label};all" for label in truth]
    model = fit_quietly(clips, truth, ClassifierOptions("logreg", **MODELS[name]))
    if not model.multi_label:
        scores, distances = model.scores(clips), fit_label_distances(clips, truth)
        places = np.array([model.labels.index(label) for label in truth])
        known = np.sort(scores.max(axis=1)), np.sort(distances.scores(clips))
        model = replace(
            model,
            calibrator=fit_calibrator(method, scores, places),
            rejection=Rejection(distances, *known, 0.3),
        )
    card = replace(
        CARD,
        labels=model.labels,
        multi_label=model.multi_label,
        extractors=[replace(CARD.extractors[0], dim=part.shape[1]) for part in clips[0]],
        calibration=asdict(model.calibrator) if model.calibrator else None,
        trained_on=["00000000000000ff", "fedcba9876543210"],
    )
    return dump_model(model, card)


def parts_of(part: dict[str, Any], path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    yield path
    for number, inner in enumerate(part["parts"]):
        yield from parts_of(inner, (*path, "parts", number))


def at(content: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        content = content[step]
    return content


def read(content: Any) -> str:
    """Return why a file is refused; empty if it is a model that gives scores."""
    buffer = io.BytesIO()
    joblib.dump(content, buffer, protocol=4)
    try:
        model, card = read_model(PATH, buffer.getvalue())
    except ArtifactError as error:
        return str(error)
    clip = [np.ones((2, spec.dim), np.float32) for spec in card.extractors]
    assert np.isfinite(model.scores([clip])).all()
    return ""


@pytest.mark.parametrize(
    ("name", "method"),
    [
        *((name, "isotonic") for name in MODELS),
        ("sqrt, PCA", "sigmoid"),
        ("average", "temperature"),
    ],
)
def test_damaged_parts_are_refused(name: str, method: str) -> None:
    whole = joblib.load(io.BytesIO(packed(name, method)))
    assert not read(whole)
    found = {}
    for first, part in whole["parts"].items():
        for path in parts_of(part, ("parts", first)):
            here = at(whole, path)
            for what, state in damages(State(here["arrays"], here["params"])):
                damaged = copy.deepcopy(whole)
                at(damaged, path).update(arrays=dict(state.arrays), params=dict(state.params))
                found[f"{path}: {what}"] = read(damaged)
            entries: list[dict[str, Any]] = [
                {"kind": "eval"},
                {"parts": [here]},
                {"arrays": []},
                {"more": 1},
            ]
            for wrong in entries:
                damaged = copy.deepcopy(whole)
                at(damaged, path).update(wrong)
                found[f"{path}: {wrong.keys()}"] = read(damaged)
    assert len(found) > 100
    accepted = [what for what, refused in found.items() if not refused]
    assert [name for name in accepted if "marks" not in name] == []
    assert all(refused.startswith("m.joblib is ") for refused in found.values() if refused)


def test_parts_are_not_missing_or_more() -> None:
    whole = joblib.load(io.BytesIO(packed("average")))
    for change in ({"pipeline": whole["parts"]["rejection"]}, {"code": whole["parts"]["pipeline"]}):
        assert read({**whole, "parts": {**whole["parts"], **change}})
    swapped = copy.deepcopy(whole)
    swapped["parts"]["pipeline"]["parts"][-1]["params"]["widths"] = [8, 12]
    assert "do not take" in read(swapped)
