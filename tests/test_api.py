from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks

import audiotl_cli
from audiotl_cli import AudioEmbedder, FeatureStore, Index, load_extractor, load_model
from audiotl_cli.errors import AudioError, UsageError
from tests.conftest import LABELS, Run


def test_importing_the_package_loads_nothing() -> None:
    script = "import sys, audiotl_cli; print(sorted({'numpy', 'typer', 'rich'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"


def test_every_public_name_is_there() -> None:
    for name in audiotl_cli.__all__:
        assert getattr(audiotl_cli, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = audiotl_cli.nothing


def test_an_extractor_as_documented() -> None:
    extractor = load_extractor("mfcc", weights=None, layer=None, hop_s=None, resampler="soxr")

    embeddings = extractor.embed(np.zeros(3 * 16_000, np.float32), 16_000)

    assert (extractor.name, extractor.sample_rate, extractor.dim) == ("mfcc", 22_050, 120)
    assert (extractor.window_s, extractor.hop_s) == (1.0, 1.0)
    assert embeddings.frames.shape == (3, 120)
    assert embeddings.times.tolist() == [0.0, 1.0, 2.0]


def test_a_model_predicts_files(project: Path, sounds: Path, run: Run) -> None:
    run("index", sounds)
    run("extract", "--extractor", "mfcc")
    path = run("train", "--json").json["model"]

    (prediction,) = load_model(path).predict([sounds / "rain/rain-00.wav"])

    assert prediction.label == "rain"
    assert load_model(path).predict(str(sounds / "rain/rain-00.wav"))[0].label == "rain"
    assert load_model(path).predict(sounds / "rain/rain-00.wav")[0].label == "rain"
    assert set(prediction.scores) == set(LABELS)
    index = Index.read("data/index/sounds.csv")
    assert len(index.clips) == 24
    (folder,) = Path("data/features").glob("mfcc-*")
    assert len(FeatureStore(folder)) == 24


def test_the_embedder_works_in_scikit_learn(sounds: Path) -> None:
    paths = [str(path) for path in sorted(sounds.rglob("*.wav"))]
    labels = [Path(path).parent.name for path in paths]
    pipeline = make_pipeline(AudioEmbedder("mfcc"), LogisticRegression(max_iter=5000))

    search = GridSearchCV(pipeline, {"audioembedder__pooling": ["mean", "mean+std"]}, cv=2)
    search.fit(paths, labels)

    assert search.best_score_ > 0.7
    assert clone(pipeline).get_params()["audioembedder__extractor"] == "mfcc"


@pytest.mark.parametrize(
    "check",
    [
        estimator_checks.check_parameters_default_constructible,
        estimator_checks.check_no_attributes_set_in_init,
        estimator_checks.check_get_params_invariance,
        estimator_checks.check_set_params,
        estimator_checks.check_estimator_repr,
    ],
)
def test_the_embedder_passes_the_checks_that_need_no_matrix(check: Any) -> None:
    """The others give tables of numbers; here rows are paths or waveforms."""
    check("AudioEmbedder", AudioEmbedder("mfcc"))


def test_a_fitted_pipeline_is_saved_and_loaded(sounds: Path, tmp_path: Path) -> None:
    paths = sorted(sounds.rglob("*.wav"))
    labels = [path.parent.name for path in paths]
    pipeline = make_pipeline(AudioEmbedder("mfcc"), LogisticRegression(max_iter=5000))
    expected = pipeline.fit(paths, labels).predict_proba(paths[:5])

    joblib.dump(pipeline, tmp_path / "pipeline.joblib")
    again = joblib.load(tmp_path / "pipeline.joblib")

    np.testing.assert_array_equal(again.predict_proba(paths[:5]), expected)
    assert clone(again).get_params()["audioembedder__extractor"] == "mfcc"


def test_the_embedder_takes_waveforms(sounds: Path) -> None:
    waveform = np.random.default_rng(0).normal(0, 0.1, 30_000)

    vectors = AudioEmbedder("mfcc", pooling="mean", sample_rate=8000).transform([waveform] * 2)

    assert vectors.shape == (2, 120)
    np.testing.assert_array_equal(vectors[0], vectors[1])


def test_the_embedder_says_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="needs sample_rate"):
        AudioEmbedder("mfcc").transform([np.zeros(10)])
    with pytest.raises(UsageError, match="cannot be 'vote'"):
        AudioEmbedder("mfcc", pooling="vote").fit([])
    with pytest.raises(AudioError, match=r"gone\.wav no such file"):
        AudioEmbedder("mfcc").transform([tmp_path / "gone.wav"])


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf"), "16000", None])
def test_a_waveform_needs_a_sample_rate(rate: object) -> None:
    with pytest.raises(AudioError, match=r"the sample rate is .*, expected Hz") as caught:
        load_extractor("mfcc").embed(np.zeros(100), rate)  # type: ignore[arg-type]
    assert caught.value.code == "bad_rate"
