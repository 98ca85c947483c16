"""Training where frames are left in their stores."""

from __future__ import annotations

import ast
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from audiotl_cli.classifiers.model_file import load_model_file
from audiotl_cli.classifiers.options import ClassifierOptions
from audiotl_cli.classifiers.pooling import Pooled
from audiotl_cli.classifiers.steps.standardise import Standardise
from audiotl_cli.dataset.index import Index
from audiotl_cli.errors import UsageError
from audiotl_cli.experiments import stored
from audiotl_cli.experiments.features import pool_rows, read_features
from audiotl_cli.experiments.options import TrainOptions
from audiotl_cli.experiments.stored import StoredFrames, fits
from audiotl_cli.processors import machine_memory
from audiotl_cli.project import Project
from audiotl_cli.workflows.evaluate import evaluate_model
from audiotl_cli.workflows.train import TrainReport, train_model
from tests.classifiers.problems import made_clips
from tests.experiments.stores import made_index, made_store

TINY = 1  # bytes: nothing fits
N_TEST = 30
PROJECT = Project()


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Index:
    """Clips sorted by label, so that most shards hold one label alone."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(stored, "BLOCK_BYTES", 20_000)
    clips, labels = made_clips(50)
    order = sorted(range(120), key=lambda i: labels[i]) + list(range(120, 150))
    index = made_index(tmp_path, [labels[i] for i in order], N_TEST)
    made_store(tmp_path, index, [clips[i][0] for i in order])
    return index


def train(index: Index, name: str, memory: int | None = None, **options: object) -> TrainReport:
    chosen = replace(ClassifierOptions(name, pooling="vote"), **options)  # type: ignore[arg-type]
    return train_model(PROJECT, index, TrainOptions(chosen, memory=memory))


@pytest.mark.parametrize("how", [{"scale": True}, {"scale": False}, {"sqrt": True}])
@pytest.mark.parametrize("name", ["perceptron", "linear-svm"])
def test_as_right_as_in_memory(
    index: Index, name: str, how: dict[str, bool], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    whole = train(index, name, **how)
    assert not whole.card.streamed
    assert not caplog.records
    streamed = train(index, name, TINY, **how)
    assert streamed.card.streamed
    assert f"Training {name} on" in caplog.text
    for report in (whole, streamed):
        assert report.card.held_out == {"split": "test", "n_clips": N_TEST, "accuracy": 1.0}
    assert streamed.card.n_clips == 120


def test_balanced_labels_weigh_the_same(index: Index) -> None:
    labels = sorted({clip.label for clip in index.clips})
    few = replace(index, clips=[clip for clip in index.clips if clip.label != "ant"][20:])
    card = load_model_file(train(few, "perceptron", TINY, balance=True).path)[1]
    data = read_features(PROJECT, few, None, [], {"vote"})
    counts = dict.fromkeys(labels[1:], 0)
    for clip, parts in zip(data.clips, data.frames, strict=True):
        counts[clip.label] += len(parts[0]) if clip.split == "train" else 0  # type: ignore[arg-type]
    weights = ast.literal_eval(card.params["class_weight"])
    assert weights == {i: sum(counts.values()) / (2 * n) for i, n in enumerate(counts.values())}


@pytest.mark.parametrize("name", ["perceptron", "linear-svm"])
def test_same_seed_same_bytes(index: Index, name: str) -> None:
    first = train(index, name, TINY).path.read_bytes()
    assert train(index, name, TINY).path.read_bytes() == first
    assert train(index, name, TINY, seed=1).path.read_bytes() != first


def test_the_strength_of_regularisation_is_that_of_c(index: Index) -> None:
    card = load_model_file(train(index, "linear-svm", TINY, params={"C": 0.5}).path)[1]
    data = read_features(PROJECT, index, None, [], {"vote"})
    n_rows = sum(
        len(parts[0])  # type: ignore[arg-type, misc]
        for clip, parts in zip(data.clips, data.frames, strict=True)
        if clip.split == "train"
    )
    assert card.params["alpha"] == 1 / (0.5 * n_rows)


def test_a_streamed_scaler_sees_every_row(index: Index) -> None:
    def scaler(memory: int | None) -> Standardise:
        path = train(index, "perceptron", memory, scale=True).path
        step = load_model_file(path)[0].pipeline.named_steps["standardise"]
        assert isinstance(step, Standardise)
        return step

    whole, streamed = scaler(None), scaler(TINY)
    np.testing.assert_allclose(streamed.mean, whole.mean, rtol=1e-5)
    np.testing.assert_allclose(streamed.scale**2, whole.scale**2, rtol=1e-5)


def test_scores_of_stored_frames_are_those_of_frames(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = train(index, "perceptron").path
    results = []
    for memory in (machine_memory(), TINY):
        monkeypatch.setattr(stored, "machine_memory", lambda memory=memory: memory)
        report = evaluate_model(PROJECT, index, path)
        results.append(report.result)
    assert results[0] == results[1]
    assert results[0]["accuracy"] == 1.0


def test_blocks_hold_every_clip_once(index: Index) -> None:
    data = read_features(PROJECT, index, None, [], memory=TINY)
    frames = data.frames
    assert isinstance(frames, StoredFrames)
    assert len(frames) == 150
    held = read_features(PROJECT, index, None, []).frames
    rows = list(range(7, 140))
    for rng in (None, np.random.default_rng(0)):
        blocks = list(frames.blocks(rows, rng))
        assert len(blocks) > 2
        assert sorted(i for some, _ in blocks for i in some) == rows
        for some, clips in blocks:
            for i, clip in zip(some, clips, strict=True):
                np.testing.assert_array_equal(clip[0], held[i][0])
    np.testing.assert_array_equal(frames[3][0], held[3][0])


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("svm", {}, "GB of frames to train on do not fit into memory with svm; take --classifier"),
        ("perceptron", {"pca": 2}, "with perceptron and --pca; take"),
        ("linear-svm", {"params": {"dual": False}}, "only the parameters C and max_iter, not dual"),
        ("perceptron", {"params": {"loss": "no"}}, "perceptron cannot be fitted: The 'loss'"),
    ],
)
def test_what_cannot_be_streamed(
    index: Index, name: str, options: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        train(index, name, TINY, **options)


def test_settings_are_not_tried_on_stored_frames(index: Index) -> None:
    with pytest.raises(UsageError, match="they do not fit: train without --search"):
        train_model(PROJECT, index, TrainOptions(n_settings=3, memory=TINY))


def test_pooled_clips_keep_no_frames(index: Index) -> None:
    pooled = read_features(PROJECT, index, None, [], {"mean", "mean+std"}, memory=TINY)
    part = pooled.frames[5][0]
    assert isinstance(part, Pooled)
    assert part.rows["mean+std"].shape == (1, 12)
    held = read_features(PROJECT, index, None, []).frames[5][0]
    np.testing.assert_array_equal(part.rows["mean"][0], held.mean(axis=0, dtype=np.float64).astype(np.float32))  # type: ignore[union-attr]  # fmt: skip # noqa: E501


def test_several_stores_are_read_side_by_side(index: Index, tmp_path: Path) -> None:
    other = [np.full((len(part[0]), 2), 7, np.float32) for part in read_features(PROJECT, index, None, []).frames]  # type: ignore[arg-type]  # fmt: skip # noqa: E501
    made_store(tmp_path, index, other, name="other", per_shard=7)
    options = ClassifierOptions("perceptron", pooling="vote")
    report = train_model(PROJECT, index, TrainOptions(options, ["made", "other"], memory=TINY))
    assert report.card.streamed
    assert report.card.held_out is not None
    assert report.card.held_out["accuracy"] == 1.0


def test_vectors_of_stored_frames_are_those_of_frames(index: Index) -> None:
    rows = [5, 140, 3, 77]
    vectors = [
        pool_rows(read_features(PROJECT, index, None, [], memory=memory), rows, "mean+std")
        for memory in (None, TINY)
    ]
    assert vectors[0].shape == (4, 12)
    np.testing.assert_array_equal(vectors[0], vectors[1])


def test_a_few_clips_do_not_keep_whole_shards_in_memory(index: Index) -> None:
    data = read_features(PROJECT, index, None, [])
    (store,) = data.stores
    few = store.read(data.keys[::7])
    for features in few.values():
        for array in (features.frames, features.times):
            assert array.base is None or array.base.nbytes == array.nbytes


def test_sizes_are_estimated_without_reading(index: Index) -> None:
    data = read_features(PROJECT, index, None, [])
    (store,) = data.stores
    on_disk = sum(path.stat().st_size for path in store.shards())
    assert store.size_of(data.keys) == on_disk
    assert 0.4 * on_disk < store.size_of(data.keys[:75]) < 0.6 * on_disk
    assert fits(data.stores, data.keys, 5 * on_disk)
    assert not fits(data.stores, data.keys, 5 * on_disk - 1)
