from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import soundfile
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks

import audiotl_cli
from audiotl_cli import AudioEmbedder, FeatureStore, Index, Project, load_extractor, load_model
from audiotl_cli.errors import AudioError, UsageError
from audiotl_cli.inference.events import EventOptions
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


def test_dir_shows_the_public_names() -> None:
    assert dir(audiotl_cli) == sorted([*audiotl_cli.__all__, "__version__"])


def test_a_model_predicts_waveforms_as_it_does_files(mfcc_model: Path, sounds: Path) -> None:
    model = load_model(mfcc_model)
    path = sounds / "rain/rain-00.wav"
    floats, rate = soundfile.read(path)
    integers, _ = soundfile.read(path, dtype="int16")
    (expected,) = model.predict(path)

    (alone,) = model.predict(floats, sample_rate=rate)
    several = model.predict([integers, np.stack([floats] * 2, axis=1)], sample_rate=rate)

    assert alone.scores == expected.scores
    assert [found.label for found in several] == [expected.label] * 2
    assert [found.path for found in several] == ["waveform 0", "waveform 1"]
    np.testing.assert_array_equal(
        model.predict_proba(floats, sample_rate=rate),
        [[expected.scores[label] for label in model.labels]],
    )
    assert model.predict_proba([path, path]).shape == (2, len(LABELS))
    assert model.predict_proba([]).shape == (0, len(LABELS))


def test_waveforms_that_cannot_be_used_fail_alone(mfcc_model: Path) -> None:
    model = load_model(mfcc_model)
    silence, empty = np.zeros(16_000), np.zeros(0)

    silent, failed = model.predict([silence, empty], sample_rate=16_000)

    assert (silent.label, silent.note) == (None, "silent")
    assert failed.error is not None
    assert failed.error.code == "empty"
    with pytest.raises(AudioError, match="waveform 1: a waveform of shape"):
        model.predict_proba([silence, empty], sample_rate=16_000)
    with pytest.raises(UsageError, match="give sample_rate=HZ"):
        model.predict(silence)
    with pytest.raises(UsageError, match="files have their own"):
        model.predict("a.wav", sample_rate=16_000)
    with pytest.raises(UsageError, match="cannot be mixed"):
        model.predict(["a.wav", silence], sample_rate=16_000)


def test_events_of_a_waveform_are_those_of_its_file(mfcc_model: Path, sounds: Path) -> None:
    model = load_model(mfcc_model)
    path = sounds / "rain/rain-00.wav"
    floats, rate = soundfile.read(path)

    (expected,) = model.predict(path, events=EventOptions())
    (found,) = model.predict(floats, sample_rate=rate, events=EventOptions())

    assert found.segments == expected.segments


def test_what_is_shown_in_a_notebook_is_short(mfcc_model: Path, sounds: Path) -> None:
    model = load_model(mfcc_model)
    (prediction,) = model.predict(sounds / "rain/rain-00.wav")
    extractor = load_extractor("mfcc")
    index = Index.read(mfcc_model.parent / "data/index/sounds.csv")
    (folder,) = (mfcc_model.parent / "data/features").glob("mfcc-*")

    shown = [model, prediction, extractor, index, FeatureStore(folder)]
    shown.append(extractor.embed(np.zeros(22_050), 22_050))

    assert repr(model) == "Model(logreg on mfcc, labels=['chirp', 'drum', 'rain'])"
    assert "24 clips, 3 labels" in repr(index)
    assert repr(prediction).endswith(f"'rain', score={prediction.score:.3g})")
    assert all(len(repr(value)) < 250 for value in shown)


def test_results_become_tables(mfcc_model: Path, sounds: Path, tmp_path: Path) -> None:
    model = load_model(mfcc_model)
    paths = [sounds / "rain/rain-00.wav", tmp_path / "gone.wav"]

    found = model.predict(paths)
    table = found.to_frame()
    events = model.predict(paths, events=EventOptions()).to_frame()
    index = Index.read(mfcc_model.parent / "data/index/sounds.csv")

    assert isinstance(found, list)
    assert list(table.columns)[:5] == ["path", "label", "score", "note", "error"]
    assert table["score:rain"][0] == found[0].scores["rain"]
    assert "no such file" in str(table["error"][1])
    assert list(events.columns)[:5] == ["path", "start_s", "end_s", "label", "score"]
    assert list(index.to_frame()["label"]) == [clip.label for clip in index.clips]


def test_a_table_without_pandas_says_what_to_install(
    mfcc_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="pip install pandas"):
        load_model(mfcc_model).predict([]).to_frame()


def test_an_evaluation_becomes_a_table(project: Path, sounds: Path, run: Run) -> None:
    from audiotl_cli.workflows.evaluate import evaluate_model

    run("index", sounds)
    run("extract", "--extractor", "mfcc")
    model = Path(run("train", "--json").json["model"])
    evaluation = evaluate_model(Project(), Index.read("data/index/sounds.csv"), model).evaluation

    table = evaluation.to_frame()

    assert len(table) == evaluation.n_clips
    assert list(table["predicted"]) == list(evaluation.predictions.predicted)
    assert list(table.columns)[-3:] == [f"score:{label}" for label in LABELS]
    assert len(repr(evaluation)) < 150


def test_a_store_gives_what_scikit_learn_takes(mfcc_model: Path) -> None:
    (folder,) = (mfcc_model.parent / "data/features").glob("mfcc-*")
    index = mfcc_model.parent / "data/index/sounds.csv"

    loaded = FeatureStore(folder).load(index, pooling="mean")
    X, y, groups = loaded

    assert X.shape == (24, 120)
    assert set(y) == set(LABELS)
    assert groups[0] == loaded.clips[0].path
    assert LogisticRegression(max_iter=5000).fit(X, y).score(X, y) > 0.9
    with pytest.raises(UsageError, match="cannot be 'vote'"):
        FeatureStore(folder).load(index, pooling="vote")


def test_the_embedder_uses_a_store(
    sounds: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = sorted(sounds.rglob("rain-0*.wav"))
    expected = AudioEmbedder("mfcc").transform(paths)

    first = AudioEmbedder("mfcc", store="data/features").transform([*paths, paths[0]])
    monkeypatch.setattr("audiotl_cli.inference.embedder.embed_sources", None)
    again = AudioEmbedder("mfcc", store="data/features").transform(paths)

    np.testing.assert_array_equal(first[:-1], expected)
    np.testing.assert_array_equal(again, expected)
    (folder,) = Path("data/features").glob("mfcc-*")
    assert len(FeatureStore(folder)) == len(paths)


def test_the_embedder_names_its_columns() -> None:
    embedder = AudioEmbedder("mfcc", sample_rate=22_050).set_output(transform="pandas")

    table = embedder.fit_transform([np.zeros(22_050)])

    assert list(table.columns) == embedder.get_feature_names_out().tolist()
    assert table.columns[0] == "mfcc_mean0"
    assert table.columns[-1] == "mfcc_std119"
